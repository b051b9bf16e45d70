"""torch, as far as it is not operations, dtypes or the tensor class: those are native.

What only changes numbers, devices, gradients or speed is inert. Analysis reads a model as inference runs it: no gradient,
no autocast, no accelerator, nothing is being compiled.
"""

import builtins

import torch
from torch import overrides, version
from torch._utils_stub import ContextDecorator
from torch.amp import autocast
from torch.func import vmap
from torch.random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from torch.serialization import load
from torch.torch_version import __version__

newaxis = None
legacy_contiguous_format = torch.contiguous_format


class _NoDevice:
    """Devices that come with packages of their own: none is here."""

    def is_available(self):
        return False

    def device_count(self):
        return 0


npu = hpu = mlu = musa = neuron = tpu = _NoDevice()


# Gradient and inference modes: context managers, and decorators with or without parentheses.


class no_grad(ContextDecorator):
    pass


class enable_grad(ContextDecorator):
    pass


class inference_mode(ContextDecorator):
    pass


class set_grad_enabled(ContextDecorator):
    def __new__(cls, mode=True):
        return object.__new__(cls)


def is_grad_enabled():
    return False


def is_inference_mode_enabled():
    return False


def set_anomaly_enabled(mode, check_nan=True):
    return None


def is_anomaly_enabled():
    return False


def is_autocast_enabled(device_type=None):
    return False


def is_autocast_cpu_enabled():
    return False


def is_autocast_cache_enabled():
    return False


def set_autocast_enabled(*args):
    return None


def set_autocast_dtype(device_type, dtype):
    return None


def get_autocast_dtype(device_type):
    return torch.bfloat16 if device_type == "cpu" else torch.float16


def get_autocast_gpu_dtype():
    return torch.float16


def clear_autocast_cache():
    return None


# Defaults

_default_dtype = torch.float32


def get_default_dtype():
    return _default_dtype


def set_default_dtype(d):
    global _default_dtype
    _default_dtype = d


def set_default_tensor_type(t):
    return None


def get_default_device():
    return torch.device("cpu")


def set_default_device(device):
    return None


def get_device_module(device=None):
    return torch.cpu


# Questions about values


def is_tensor(obj):
    return isinstance(obj, torch.Tensor)


def is_storage(obj):
    return False


def typename(obj):
    if isinstance(obj, torch.Tensor):
        return obj.type()
    return f"{type(obj).__module__}.{type(obj).__name__}"


def is_warn_always_enabled():
    return False


# Symbolic sizes are plain numbers here.


class SymInt:
    pass


class SymFloat:
    pass


class SymBool:
    pass


def sym_int(a):
    return builtins.int(a)


def sym_float(a):
    return builtins.float(a)


def sym_not(a):
    return not a


def sym_max(a, b):
    return max(a, b)


def sym_min(a, b):
    return min(a, b)


def sym_sum(args):
    return sum(args)


def sym_ite(b, t, f):
    return t if b else f


def sym_sqrt(a):
    return a**0.5


# Assertions


def _check(cond, message=None):
    return None


def _check_index(cond, message=None):
    return None


def _check_value(cond, message=None):
    return None


def _check_type(cond, message=None):
    return None


def _check_not_implemented(cond, message=None):
    return None


def _check_with(error_type, cond, message=None):
    return None


def _check_is_size(i, message=None, *, max=None):
    return None


def _check_tensor_all(cond, message=None):
    return None


def _check_tensor_all_with(error_type, cond, message=None):
    return None


def _assert_async(condition, message=None):
    return None


# Settings without effect on shapes


def set_printoptions(**kwargs):
    return None


def use_deterministic_algorithms(mode, *, warn_only=False):
    return None


def are_deterministic_algorithms_enabled():
    return False


def is_deterministic_algorithms_warn_only_enabled():
    return False


def get_deterministic_debug_mode():
    return 0


def set_deterministic_debug_mode(debug_mode):
    return None


def set_float32_matmul_precision(precision):
    return None


def get_float32_matmul_precision():
    return "highest"


def set_num_threads(num):
    return None


def get_num_threads():
    return 1


def set_num_interop_threads(num):
    return None


def get_num_interop_threads():
    return 1


def set_flush_denormal(mode):
    return True


def set_warn_always(b):
    return None


def compile(
    model=None, *, fullgraph=False, dynamic=None, backend="inductor", mode=None, options=None, disable=False, name=None
):
    if model is None:
        return lambda each: compile(each, disable=disable)
    return model if disable else torch._C._compiled(model)


def compiled_with_cxx11_abi():
    return True


class Generator:
    def __init__(self, device="cpu"):
        self.device = torch.device(device)

    def manual_seed(self, seed):
        return self

    def seed(self):
        return 0

    def initial_seed(self):
        return 0

    def get_state(self):
        return torch.empty(0, dtype=torch.uint8)

    def set_state(self, new_state):
        return None


default_generator = Generator()


class Stream(ContextDecorator):
    def synchronize(self):
        return None

    def wait_stream(self, stream):
        return None

    def wait_event(self, event):
        return None

    def record_event(self, event=None):
        return event


class Event:
    def __init__(self, *args, **kwargs):
        pass

    def record(self, stream=None):
        return None

    def wait(self, stream=None):
        return None

    def synchronize(self):
        return None


class OutOfMemoryError(RuntimeError):
    pass


class AcceleratorError(RuntimeError):
    pass
