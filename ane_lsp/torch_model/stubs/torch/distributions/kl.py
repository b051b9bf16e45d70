from torch import _C
from torch.distributions.bernoulli import Bernoulli
from torch.distributions.categorical import Categorical
from torch.distributions.independent import Independent
from torch.distributions.normal import Normal
from torch.distributions.one_hot_categorical import OneHotCategorical
from torch.distributions.utils import _sum_rightmost
from torch.nn.functional import softplus

def register_kl(type_p, type_q):
    def decorator(function):
        _KL_REGISTRY[type_p, type_q] = function
        return function

    return decorator


def kl_divergence(p, q):
    function = _KL_REGISTRY.get((type(p), type(q)))
    if function is None:
        return _C._unknown(f"kl_divergence() of {type(p).__name__} and {type(q).__name__} is not modelled")(p, q)
    return function(p, q)


def _of_normals(p, q):
    ratio = (p.scale / q.scale).pow(2)
    distance = ((p.loc - q.loc) / q.scale).pow(2)
    return 0.5 * (ratio + distance - 1 - ratio.log())


def _of_categoricals(p, q):
    terms = p.probs * (p.logits - q.logits)
    terms[(q.probs == 0).expand_as(terms)] = float("inf")
    terms[(p.probs == 0).expand_as(terms)] = 0
    return terms.sum(-1)


def _of_one_hots(p, q):
    return _of_categoricals(p._categorical, q._categorical)


def _of_bernoullis(p, q):
    ones = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    ones[q.probs == 0] = float("inf")
    ones[p.probs == 0] = 0
    zeros = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    zeros[q.probs == 1] = float("inf")
    zeros[p.probs == 1] = 0
    return ones + zeros


def _of_independents(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


_KL_REGISTRY = {
    (Normal, Normal): _of_normals,
    (Categorical, Categorical): _of_categoricals,
    (OneHotCategorical, OneHotCategorical): _of_one_hots,
    (Bernoulli, Bernoulli): _of_bernoullis,
    (Independent, Independent): _of_independents,
}
