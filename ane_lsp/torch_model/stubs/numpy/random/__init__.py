"""Random numbers are not known, how many there are is; seeding does nothing."""

import numpy


def _drawn(size, dtype, *parameters):
    if size is None:
        if not all(isinstance(one, (int, float)) for one in parameters):
            return numpy.random_numbers  # as many as these are
        return int(numpy.random_numbers) if dtype is numpy.int64 else float(numpy.random_numbers)
    shape = numpy._shape_of(size)
    return numpy.ndarray([numpy.random_numbers] * numpy._total(shape), shape, dtype)


class _Source:
    def __init__(self, seed=None):
        pass

    def seed(self, seed=None):
        return None

    def random(self, size=None, dtype=numpy.float64):
        return _drawn(size, dtype)

    def standard_normal(self, size=None, dtype=numpy.float64):
        return _drawn(size, dtype)

    def uniform(self, low=0.0, high=1.0, size=None):
        return _drawn(size, numpy.float64, low, high)

    def normal(self, loc=0.0, scale=1.0, size=None):
        return _drawn(size, numpy.float64, loc, scale)

    laplace = logistic = gumbel = normal

    def lognormal(self, mean=0.0, sigma=1.0, size=None):
        return _drawn(size, numpy.float64, mean, sigma)

    def vonmises(self, mu, kappa, size=None):
        return _drawn(size, numpy.float64, mu, kappa)

    def triangular(self, left, mode, right, size=None):
        return _drawn(size, numpy.float64, left, mode, right)

    def exponential(self, scale=1.0, size=None):
        return _drawn(size, numpy.float64, scale)

    rayleigh = exponential

    def standard_exponential(self, size=None):
        return _drawn(size, numpy.float64)

    standard_cauchy = standard_exponential

    def chisquare(self, df, size=None):
        return _drawn(size, numpy.float64, df)

    standard_t = chisquare

    def weibull(self, a, size=None):
        return _drawn(size, numpy.float64, a)

    pareto = power = weibull

    def geometric(self, p, size=None):
        return _drawn(size, numpy.int64, p)

    def gamma(self, shape, scale=1.0, size=None):
        return _drawn(size, numpy.float64, shape, scale)

    def beta(self, a, b, size=None):
        return _drawn(size, numpy.float64, a, b)

    def poisson(self, lam=1.0, size=None):
        return _drawn(size, numpy.int64, lam)

    def binomial(self, n, p, size=None):
        return _drawn(size, numpy.int64, n, p)

    def choice(self, a, size=None, replace=True, p=None):
        if size is None or not isinstance(a, (int, numpy.ndarray)):
            return numpy.random_numbers
        if isinstance(a, int):
            return _drawn(size, numpy.int64)
        return _drawn(size, a.dtype) if a.ndim == 1 else numpy.random_numbers

    def permutation(self, x):
        if isinstance(x, numpy.ndarray):
            return _drawn(x.shape, x.dtype)
        return _drawn(x, numpy.int64) if isinstance(x, int) else numpy.random_numbers


class Generator(_Source):
    def integers(self, low, high=None, size=None, dtype=numpy.int64, endpoint=False):
        return _drawn(size, dtype, low, 0 if high is None else high)


class RandomState(_Source):
    def rand(self, *shape):
        return _drawn(shape if shape else None, numpy.float64)

    randn = rand

    def random_sample(self, size=None):
        return _drawn(size, numpy.float64)

    def randint(self, low, high=None, size=None, dtype=numpy.int64):
        return _drawn(size, dtype, low, 0 if high is None else high)


def default_rng(seed=None):
    return Generator()


_source = RandomState()
seed, rand, randn, randint = _source.seed, _source.rand, _source.randn, _source.randint
random, random_sample, ranf, sample = _source.random, _source.random_sample, _source.random_sample, _source.random_sample
standard_normal, uniform, normal, laplace = _source.standard_normal, _source.uniform, _source.normal, _source.laplace
exponential, gamma, beta, poisson, binomial = (
    _source.exponential, _source.gamma, _source.beta, _source.poisson, _source.binomial,
)  # fmt: skip
choice, permutation = _source.choice, _source.permutation
lognormal, logistic, gumbel, rayleigh = _source.lognormal, _source.logistic, _source.gumbel, _source.rayleigh
vonmises, triangular, weibull, pareto, power = (
    _source.vonmises, _source.triangular, _source.weibull, _source.pareto, _source.power,
)  # fmt: skip
standard_exponential, standard_cauchy = _source.standard_exponential, _source.standard_cauchy
chisquare, standard_t, geometric = _source.chisquare, _source.standard_t, _source.geometric
