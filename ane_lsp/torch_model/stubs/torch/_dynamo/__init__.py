"""torch._dynamo: nothing is compiled."""

import torch
from torch._utils_stub import identity


def is_compiling():
    return torch.compiler.is_compiling()


def disable(fn=None, recursive=True, *, reason=None, wrapping=True):
    return identity(fn)


def allow_in_graph(fn):
    return fn


def disallow_in_graph(fn):
    return fn


def assume_constant_result(fn):
    return fn


def forbid_in_graph(fn):
    return fn


def nonstrict_trace(fn):
    return fn


def graph_break(msg=""):
    return None


def mark_dynamic(t, index, *args, **kwargs):
    return None


def maybe_mark_dynamic(t, index):
    return None


def mark_unbacked(t, index, *args, **kwargs):
    return None


def mark_static(t, index=None):
    return None


def mark_static_address(t, guard=True):
    return None


def reset():
    return None


def optimize(*args, disable=False, **kwargs):
    return torch.compile(disable=disable)
