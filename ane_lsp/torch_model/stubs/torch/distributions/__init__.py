"""Distributions whose samples have a plain shape; the others are not modelled."""

from torch.distributions.distribution import (
    Bernoulli,
    Beta,
    Categorical,
    Distribution,
    Exponential,
    Laplace,
    LogNormal,
    Normal,
    Uniform,
)
