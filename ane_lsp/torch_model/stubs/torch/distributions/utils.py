import torch
import torch.nn.functional as F


def broadcast_all(*values):
    """Tensors of one shape; numbers become tensors of the first tensor's dtype."""
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    if len(tensors) < len(values):
        dtype = tensors[0].dtype if tensors else torch.get_default_dtype()
        values = [value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=dtype) for value in values]
    return torch.broadcast_tensors(*values)


def batch_shape_of(tensor, *given):
    """The shape of a parameter, that of a number where only numbers were given."""
    return tensor.size() if any(isinstance(value, torch.Tensor) for value in given) else torch.Size()


def _standard_normal(shape, dtype, device):
    if torch.jit.is_tracing():
        return torch.normal(
            torch.zeros(shape, dtype=dtype, device=device), torch.ones(shape, dtype=dtype, device=device)
        )
    return torch.empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value, dim):
    return value if dim == 0 else value.reshape(value.shape[:-dim] + (-1,)).sum(-1)


def clamp_probs(probs):
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits, is_binary=False):
    return torch.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def probs_to_logits(probs, is_binary=False):
    clamped = clamp_probs(probs)
    return torch.log(clamped) - torch.log1p(-clamped) if is_binary else torch.log(clamped)


class lazy_property:
    """Computed where it is asked for first, and kept in the object."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value
