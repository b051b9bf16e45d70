"""The parametrizations torch brings along."""

import torch
from torch.nn.modules.module import Module
from torch.nn.utils import parametrize
from torch.nn.utils.weight_norm import norm_except_dim_shape


class _WeightNorm(Module):
    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return torch._weight_norm(weight_v, weight_g, self.dim)

    def right_inverse(self, weight):
        magnitude = torch.empty(norm_except_dim_shape(weight.shape, self.dim), dtype=weight.dtype)
        return magnitude, torch.empty(weight.shape, dtype=weight.dtype)


class _SpectralNorm(Module):
    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        ndim = weight.ndim
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            cols = 1
            for axis, size in enumerate(weight.shape):
                if axis != self.dim:
                    cols *= size
            self.register_buffer("_u", torch.empty(weight.size(self.dim), dtype=weight.dtype))
            self.register_buffer("_v", torch.empty(cols, dtype=weight.dtype))

    def forward(self, weight):
        return weight

    def right_inverse(self, value):
        return value


class _Orthogonal(Module):
    def __init__(self, weight):
        super().__init__()

    def forward(self, weight):
        return weight

    def right_inverse(self, Q):
        return Q


def weight_norm(module, name="weight", dim=0):
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    weight = getattr(module, name)
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    parametrize.register_parametrization(module, name, _Orthogonal(getattr(module, name)), unsafe=True)
    return module
