"""Autograd: gradients are not tracked."""

from torch import enable_grad, inference_mode, no_grad, set_grad_enabled
from torch._utils_stub import ContextDecorator
from torch.autograd.function import Function
from torch.autograd.variable import Variable


class detect_anomaly(ContextDecorator):
    pass


class set_detect_anomaly(ContextDecorator):
    def __new__(cls, mode, check_nan=True):
        return object.__new__(cls)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    for tensor in tensors if isinstance(tensors, (list, tuple)) else (tensors,):
        tensor.backward()
