"""TorchScript's compile-time helpers, without effect."""

from typing import Any, Final, Union

from torch.jit import annotate, export, ignore, is_scripting, unused


def _overload(func):
    return func


def _overload_method(func):
    return func


def _copy_to_script_wrapper(fn):
    return fn


def boolean_dispatch(arg_name, arg_index, default, if_true, if_false, module_name, func_name):
    def fn(*args, **kwargs):
        chosen = kwargs.get(arg_name, args[arg_index] if arg_index < len(args) else default)
        return if_true(*args, **kwargs) if chosen else if_false(*args, **kwargs)

    return fn


BroadcastingList1 = Any
BroadcastingList2 = Any
BroadcastingList3 = Any
