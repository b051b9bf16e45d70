"""Spectral normalisation, the hook kind."""

import torch
from torch.nn.parameter import Parameter


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    weight = module._parameters[name]
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    rows = weight.size(dim)
    cols = 1
    for axis, size in enumerate(weight.shape):
        if axis != dim:
            cols *= size
    del module._parameters[name]
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, torch.empty(weight.shape, dtype=weight.dtype))
    module.register_buffer(name + "_u", torch.empty(rows, dtype=weight.dtype))
    module.register_buffer(name + "_v", torch.empty(cols, dtype=weight.dtype))
    return module


def remove_spectral_norm(module, name="weight"):
    if name + "_orig" not in module._parameters:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    weight = module._parameters[name + "_orig"]
    delattr(module, name)
    del module._parameters[name + "_orig"]
    del module._buffers[name + "_u"]
    del module._buffers[name + "_v"]
    module.register_parameter(name, Parameter(torch.empty(weight.shape, dtype=weight.dtype)))
    return module
