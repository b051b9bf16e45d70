import torch
from torch import _C


class Distribution:
    has_rsample = False
    has_enumerate_support = False
    _validate_args = True

    def __init__(self, batch_shape=torch.Size(), event_shape=torch.Size(), validate_args=None):
        self._batch_shape = torch.Size(batch_shape)
        self._event_shape = torch.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args

    @staticmethod
    def set_default_validate_args(value):
        return None

    @property
    def batch_shape(self):
        return self._batch_shape

    @property
    def event_shape(self):
        return self._event_shape

    @property
    def stddev(self):
        return self.variance.sqrt()

    def _extended_shape(self, sample_shape=torch.Size()):
        return torch.Size(torch.Size(sample_shape) + self._batch_shape + self._event_shape)

    def _not_modelled(self, name, *args):
        return _C._unknown(f"{name} of the distribution {type(self).__name__} is not modelled")(self, *args)

    @property
    def arg_constraints(self):
        return _C._unknown("arg_constraints of distributions is not modelled")

    @property
    def support(self):
        return _C._unknown("support of distributions is not modelled")

    @property
    def mean(self):
        return self._not_modelled("mean")

    @property
    def mode(self):
        return self._not_modelled("mode")

    @property
    def variance(self):
        return self._not_modelled("variance")

    def expand(self, batch_shape, _instance=None):
        return self._not_modelled("expand()")

    def sample(self, sample_shape=torch.Size()):
        with torch.no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n):
        return self.sample(torch.Size((n,)))

    def rsample(self, sample_shape=torch.Size()):
        if not self.has_rsample:
            raise NotImplementedError
        return self._not_modelled("rsample()")

    def log_prob(self, value):
        return self._not_modelled("log_prob()", value)

    def cdf(self, value):
        return self._not_modelled("cdf()", value)

    def icdf(self, value):
        return self._not_modelled("icdf()", value)

    def enumerate_support(self, expand=True):
        return self._not_modelled("enumerate_support()")

    def entropy(self):
        return self._not_modelled("entropy()")

    def perplexity(self):
        return torch.exp(self.entropy())
