"""Weight normalisation, the hook kind: the weight stays, its magnitude and direction become the parameters."""

import torch
from torch.nn.parameter import Parameter


def norm_except_dim_shape(shape, dim):
    """The shape of a norm over every axis but `dim`."""
    if dim is None or dim == -1:
        return ()
    return tuple(size if axis == dim else 1 for axis, size in enumerate(shape))


def weight_norm(module, name="weight", dim=0):
    weight = module._parameters[name]
    del module._parameters[name]
    magnitude = torch.empty(norm_except_dim_shape(weight.shape, dim), dtype=weight.dtype)
    module.register_parameter(name + "_g", Parameter(magnitude))
    module.register_parameter(name + "_v", Parameter(torch.empty(weight.shape, dtype=weight.dtype)))
    setattr(module, name, torch.empty(weight.shape, dtype=weight.dtype))
    return module


def remove_weight_norm(module, name="weight"):
    if name + "_g" not in module._parameters:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    weight = getattr(module, name)
    delattr(module, name)
    del module._parameters[name + "_g"]
    del module._parameters[name + "_v"]
    module.register_parameter(name, Parameter(torch.empty(weight.shape, dtype=weight.dtype)))
    return module
