"""Custom functions: `apply` runs the forward."""

from torch import _C


class FunctionCtx:
    def __init__(self, count=0):
        self.needs_input_grad = (False,) * count
        self.saved_tensors = ()
        self.materialize_grads = True

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    def save_for_forward(self, *tensors):
        self.saved_for_forward = tensors

    def mark_dirty(self, *args):
        return None

    def mark_non_differentiable(self, *args):
        return None

    def set_materialize_grads(self, value):
        self.materialize_grads = value


class Function(FunctionCtx):
    generate_vmap_rule = False

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise NotImplementedError("You must implement the backward function for custom autograd.Function.")

    @classmethod
    def apply(cls, *args, **kwargs):
        ctx = FunctionCtx(len(args))
        if cls.setup_context is Function.setup_context:
            return _C._applied(args, cls.forward(ctx, *args, **kwargs))
        output = cls.forward(*args, **kwargs)
        cls.setup_context(ctx, args, output)
        return _C._applied(args, output)


class InplaceFunction(Function):
    def __init__(self, inplace=False):
        self.inplace = inplace


class NestedIOFunction(Function):
    pass


def once_differentiable(fn):
    return fn
