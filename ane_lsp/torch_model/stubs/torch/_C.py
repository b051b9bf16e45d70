"""A few private switches that model code asks for. `_capture()` is native: "trace" or "export" while a model is read as it is
converted that way, else "". So are `_applied(args, result)`, which notes a custom function and returns its result;
`_compiled(fn)`, what torch.compile makes of it; `_custom(args, result)`, the same of an operator of the program's own;
`_converts(model, example)`, which notes what is converted, with an example or without; `_returned(model, result, way)`, which notes what it
returned to a tracer or to torch.export; `_assume(text)`, which tells what decides how
it is built; `_unknown(reason)`, a value nobody knows; and `_known(value)`, whether somebody does.
"""

from torch._utils_stub import ContextDecorator


def _log_api_usage_once(event):
    return None


class TracingState:
    pass


def _get_tracing_state():
    return TracingState() if _is_tracing() else None


def _is_tracing():
    return _capture() == "trace"


def _are_functorch_transforms_active():
    return False


def _is_any_autocast_enabled():
    return False


def _get_privateuse1_backend_name():
    return "privateuseone"


def _is_torch_function_enabled():
    return False


def _jit_set_profiling_executor(mode):
    return False


def _jit_set_profiling_mode(mode):
    return False


def _jit_override_can_fuse_on_cpu(mode):
    return None


def _jit_override_can_fuse_on_gpu(mode):
    return None


def _jit_set_texpr_fuser_enabled(mode):
    return None


def _jit_set_nvfuser_enabled(mode):
    return False


def _jit_set_nvfuser_guard_mode(mode):
    return None


def _jit_can_fuse_on_cpu():
    return False


def _jit_can_fuse_on_gpu():
    return False


class DisableTorchFunction(ContextDecorator):
    pass


class DisableTorchFunctionSubclass(ContextDecorator):
    pass


class _ExcludeDispatchKeyGuard(ContextDecorator):
    pass


class DispatchKey:
    AutocastCPU = "AutocastCPU"
    AutocastCUDA = "AutocastCUDA"
    AutocastXPU = "AutocastXPU"
    CPU = "CPU"
    CUDA = "CUDA"
    Autograd = "Autograd"


class DispatchKeySet:
    def __init__(self, key=None):
        pass

    def __or__(self, other):
        return self


class Value:
    pass


class Graph:
    pass


class Node:
    pass


class ScriptModule:
    pass


class ScriptFunction:
    pass


class Future:
    pass
