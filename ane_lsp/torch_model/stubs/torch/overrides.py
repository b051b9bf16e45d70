"""No tensor here overrides torch functions."""

from torch._utils_stub import ContextDecorator


def has_torch_function(relevant_args):
    return False


def has_torch_function_unary(relevant_arg):
    return False


def has_torch_function_variadic(*relevant_args):
    return False


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    return public_api(*args, **kwargs)


def is_tensor_like(inp):
    import torch

    return isinstance(inp, torch.Tensor)


def is_tensor_method_or_property(func):
    return False


class TorchFunctionMode(ContextDecorator):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


class BaseTorchFunctionMode(TorchFunctionMode):
    pass
