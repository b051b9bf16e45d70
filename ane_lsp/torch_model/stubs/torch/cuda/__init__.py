"""torch.cuda: there is no such device."""

from torch import Event, Stream
from torch._utils_stub import ContextDecorator


def is_available():
    return False


def device_count():
    return 0


def is_initialized():
    return False


def init():
    return None


def is_bf16_supported(including_emulation=True):
    return False


def is_current_stream_capturing():
    return False


def synchronize(device=None):
    return None


def empty_cache():
    return None


def ipc_collect():
    return None


def manual_seed(seed):
    return None


def manual_seed_all(seed):
    return None


def set_device(device):
    return None


def reset_peak_memory_stats(device=None):
    return None


def reset_max_memory_allocated(device=None):
    return None


def memory_allocated(device=None):
    return 0


def max_memory_allocated(device=None):
    return 0


def memory_reserved(device=None):
    return 0


def max_memory_reserved(device=None):
    return 0


def get_arch_list():
    return []


default_generators = ()


class device(ContextDecorator):
    def __new__(cls, device=None):
        return object.__new__(cls)


class device_of(ContextDecorator):
    def __new__(cls, obj=None):
        return object.__new__(cls)


class stream(ContextDecorator):
    def __new__(cls, stream=None):
        return object.__new__(cls)


class StreamContext(ContextDecorator):
    def __new__(cls, stream=None):
        return object.__new__(cls)


class CUDAGraph:
    def __init__(self, keep_graph=False):
        pass


class graph(ContextDecorator):
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)


class OutOfMemoryError(RuntimeError):
    pass
