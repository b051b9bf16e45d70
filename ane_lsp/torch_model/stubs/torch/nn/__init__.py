"""torch.nn."""

from .modules import *  # noqa: F403
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter


def factory_kwargs(kwargs):
    """The `device`, `dtype` and `memory_format` of a constructor's keyword arguments."""
    if kwargs is None:
        return {}
    found = dict(kwargs.get("factory_kwargs") or {})
    for key in ("device", "dtype", "memory_format"):
        if key in kwargs:
            if key in found:
                raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
            found[key] = kwargs[key]
    return found
