"""Parametrizations: on torch's own modules the tensor is computed from the listed originals each time it is read.

Other modules keep their class; there the tensor becomes a plain attribute of the same shape.
"""

import contextlib

import torch
from torch.nn.modules.container import ModuleDict, ModuleList
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter


class ParametrizationList(ModuleList):
    def __init__(self, modules, original, unsafe=False):
        super().__init__(modules)
        self.unsafe = unsafe
        self.is_tensor = isinstance(original, torch.Tensor)
        if self.is_tensor:
            self.ntensors = 1
            self._keep("original", original)
        else:
            self.ntensors = len(original)
            for i, tensor in enumerate(original):
                self._keep(f"original{i}", tensor)

    def forward(self):
        if self.is_tensor:
            value = self[0](self.original)
        else:
            value = self[0](*[getattr(self, f"original{i}") for i in range(self.ntensors)])
        for parametrization in list(self)[1:]:
            value = parametrization(value)
        return value

    def _keep(self, name, tensor):
        if isinstance(tensor, Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_buffer(name, tensor)


def cached():
    return contextlib.nullcontext()


def is_parametrized(module, tensor_name=None):
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        module.parametrizations[tensor_name].append(parametrization)
        return module
    if tensor_name in module._parameters:
        tensor = module._parameters[tensor_name]
        del module._parameters[tensor_name]
    elif tensor_name in module._buffers:
        tensor = module._buffers[tensor_name]
        del module._buffers[tensor_name]
    else:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'")
    original = tensor
    if hasattr(parametrization, "right_inverse"):
        found = parametrization.right_inverse(tensor)
        if isinstance(found, (tuple, list)):
            original = [Parameter(part) if isinstance(tensor, Parameter) else part for part in found]
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = ParametrizationList([parametrization], original, unsafe)
    kind = type(module)
    if kind.__name__.startswith("Parametrized"):
        setattr(kind, tensor_name, _computed(tensor_name))
    elif kind.__module__.startswith("torch."):
        members = {"_plain_class": kind, tensor_name: _computed(tensor_name)}
        module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), members)
    else:
        setattr(module, tensor_name, torch.empty(tensor.shape, dtype=tensor.dtype))
    return module


def _computed(name):
    return property(lambda self: self.parametrizations[name]())


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    tensor = getattr(module, tensor_name)
    if hasattr(type(module), "_plain_class"):
        delattr(type(module), tensor_name)
    else:
        delattr(module, tensor_name)
    del module.parametrizations[tensor_name]
    if len(module.parametrizations) == 0:
        del module.parametrizations
        module.__class__ = getattr(type(module), "_plain_class", type(module))
    module.register_parameter(tensor_name, Parameter(torch.empty(tensor.shape, dtype=tensor.dtype)))
    return module


def type_before_parametrizations(module):
    return getattr(type(module), "_plain_class", type(module))


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    return to_module
