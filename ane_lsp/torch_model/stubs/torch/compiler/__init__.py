"""torch.compile, and what it is asked and told."""

import torch
from torch import _C
from torch._utils_stub import ContextDecorator, identity


def is_compiling():
    return _C._capture() == "export"


def is_dynamo_compiling():
    return False


def is_exporting():
    return _C._capture() == "export"


def compile(*args, **kwargs):
    return torch.compile(*args, **kwargs)


def disable(fn=None, recursive=True, *, reason=None):
    return identity(fn)


def allow_in_graph(fn):
    return fn


def assume_constant_result(fn):
    return fn


def nested_compile_region(fn=None, *args, **kwargs):
    return identity(fn)


def substitute_in_graph(original_fn, *, can_constant_fold_through=False, skip_signature_check=False):
    return lambda fn: fn


def wrap_numpy(fn):
    return fn


def reset():
    return None


def cudagraph_mark_step_begin():
    return None


def list_backends(exclude_tags=()):
    return []


class set_stance(ContextDecorator):
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)
