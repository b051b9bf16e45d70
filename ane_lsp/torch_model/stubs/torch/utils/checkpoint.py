"""Activation checkpointing runs the function as it is."""

import contextlib

from torch._utils_stub import ContextDecorator


def checkpoint(
    function,
    *args,
    use_reentrant=None,
    context_fn=None,
    determinism_check="default",
    debug=False,
    early_stop=True,
    preserve_rng_state=True,
    **kwargs,
):
    return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    steps = list(functions.children()) if hasattr(functions, "children") else functions
    for step in steps:
        input = step(input)
    return input


def noop_context_fn():
    return contextlib.nullcontext(), contextlib.nullcontext()


def create_selective_checkpoint_contexts(policy_fn_or_list, allow_cache_entry_mutation=False):
    return noop_context_fn()


def check_backward_validity(inputs):
    return None


class set_checkpoint_early_stop(ContextDecorator):
    def __new__(cls, enable):
        return object.__new__(cls)


class set_checkpoint_debug_enabled(ContextDecorator):
    def __new__(cls, enabled):
        return object.__new__(cls)


class CheckpointPolicy:
    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
