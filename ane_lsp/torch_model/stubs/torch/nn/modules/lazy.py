"""Modules whose input size is read off their first input."""

import torch
from torch.nn.parameter import Parameter, is_lazy

__all__ = ["LazyModuleMixin"]


def uninitialized_parameter(dtype):
    param = Parameter(torch.empty(0, dtype=dtype))
    param._uninitialized = True
    return param


def uninitialized_buffer(dtype):
    buffer = torch.empty(0, dtype=dtype)
    buffer._uninitialized = True
    return buffer


class LazyModuleMixin:
    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def _lazy_parameter(self, shape, dtype):
        return Parameter(torch.empty(shape, dtype=dtype))

    def forward(self, *args, **kwargs):
        # torch does this in a pre-hook, which also turns the object into its eager class.
        if self.has_uninitialized_params():
            self.initialize_parameters(*args, **kwargs)
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become
        return super().forward(*args, **kwargs)

    def initialize_parameters(self, *args, **kwargs):
        raise NotImplementedError(f"initialize_parameters is not implemented for {self.__class__.__name__}")

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name, member in [*self._parameters.items(), *self._buffers.items()]:
            if member is not None and is_lazy(member):
                destination[prefix + name] = member

    def has_uninitialized_params(self):
        for param in self._parameters.values():
            if param is not None and is_lazy(param):
                return True
        for buffer in self._buffers.values():
            if buffer is not None and is_lazy(buffer):
                return True
        return False
