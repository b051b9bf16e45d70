"""Function transforms. `vmap` is modelled for functions of scalars, which is how masks are built."""

import torch
from torch import _C

_levels = []


def _mapped_size(args, in_dims):
    for arg, dim in zip(args, in_dims):
        if isinstance(arg, torch.Tensor) and dim is not None:
            return arg, dim
    raise ValueError("vmap: at least one input must be mapped over")


def _entered(args, in_dims, level):
    """The arguments one level further in: each has an axis at `level`, its own mapped one or one of size 1."""
    entered = []
    for arg, dim in zip(args, in_dims):
        if isinstance(arg, torch.Tensor):
            if dim is None:
                arg = arg.unsqueeze(level)
            else:
                source = (dim + arg.dim() - level if dim < 0 else dim) + level
                arg = arg if source == level else arg.movedim(source, level)
        entered.append(arg)
    return entered


def _is_scalar(arg, dim, level):
    """Whether the function sees a number: what a tensor holds besides the axes of the levels around it is mapped over."""
    return not isinstance(arg, torch.Tensor) or arg.dim() - level == (0 if dim is None else 1)


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    def mapped(*args, **kwargs):
        level = len(_levels)
        dims = (in_dims,) * len(args) if in_dims is None or isinstance(in_dims, int) else tuple(in_dims)
        if kwargs or not (getattr(func, "_is_vmapped", False) or all(map(_is_scalar, args, dims, [level] * len(args)))):
            return _C._unknown("vmap() of a function of more than scalars is not modelled")(*args, **kwargs)
        entered = _entered(args, dims, level)
        arg, dim = _mapped_size(args, dims)
        size = arg.size(dim if dim < 0 else dim + level)
        _levels.append(func)
        result = func(*entered)
        _levels.pop()
        if isinstance(result, torch.Tensor):
            result = result.expand([size if axis == level else -1 for axis in range(result.dim())])
        if out_dims != 0 and isinstance(result, torch.Tensor):
            result = result.movedim(level, level + out_dims)
        return result

    mapped._is_vmapped = True
    return mapped


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    return module(*args, **(kwargs or {}))


def functionalize(func, *, remove="mutations"):
    return func
