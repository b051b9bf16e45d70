import torch


class Distribution:
    has_rsample = False
    arg_constraints = {}

    def __init__(self, batch_shape=(), event_shape=(), validate_args=None):
        self._batch_shape = tuple(batch_shape)
        self._event_shape = tuple(event_shape)

    @property
    def batch_shape(self):
        return self._batch_shape

    @property
    def event_shape(self):
        return self._event_shape

    def _extended_shape(self, sample_shape=()):
        return tuple(sample_shape) + self._batch_shape + self._event_shape

    def sample(self, sample_shape=()):
        return self.rsample(sample_shape)

    @staticmethod
    def set_default_validate_args(value):
        return None


class _Elementwise(Distribution):
    """Independent draws, one for each element of the broadcast arguments."""

    has_rsample = True

    def _take(self, *args):
        tensors = [arg if isinstance(arg, torch.Tensor) else torch.tensor(float(arg)) for arg in args]
        tensors = torch.broadcast_tensors(*tensors)
        super().__init__(tensors[0].shape)
        return tensors

    def rsample(self, sample_shape=()):
        return torch.rand(self._extended_shape(sample_shape))

    def log_prob(self, value):
        return torch.broadcast_tensors(value, torch.empty(self._batch_shape))[0] * 1.0

    def entropy(self):
        return torch.empty(self._batch_shape)


class Normal(_Elementwise):
    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = self._take(loc, scale)

    @property
    def mean(self):
        return self.loc

    @property
    def stddev(self):
        return self.scale

    @property
    def variance(self):
        return self.scale.pow(2)

    def rsample(self, sample_shape=()):
        return self.loc + torch.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype) * self.scale


class LogNormal(Normal):
    def rsample(self, sample_shape=()):
        return super().rsample(sample_shape).exp()


class Laplace(Normal):
    pass


class Uniform(_Elementwise):
    def __init__(self, low, high, validate_args=None):
        self.low, self.high = self._take(low, high)

    def rsample(self, sample_shape=()):
        rand = torch.rand(self._extended_shape(sample_shape), dtype=self.low.dtype)
        return self.low + rand * (self.high - self.low)


class Beta(_Elementwise):
    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = self._take(concentration1, concentration0)


class Exponential(_Elementwise):
    def __init__(self, rate, validate_args=None):
        (self.rate,) = self._take(rate)


class Bernoulli(_Elementwise):
    has_rsample = False

    def __init__(self, probs=None, logits=None, validate_args=None):
        (self._param,) = self._take(probs if probs is not None else logits)
        self.probs = self._param
        self.logits = self._param


class Categorical(Distribution):
    def __init__(self, probs=None, logits=None, validate_args=None):
        self._param = probs if probs is not None else logits
        self.probs = self._param
        self.logits = self._param
        self._num_events = self._param.size(-1)
        super().__init__(self._param.shape[:-1])

    def sample(self, sample_shape=()):
        return torch.zeros(self._extended_shape(sample_shape), dtype=torch.int64)

    def log_prob(self, value):
        return self._param.log_softmax(-1).gather(-1, value.unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        return torch.empty(self._batch_shape)
