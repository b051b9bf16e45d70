"""Random numbers: shapes and dtypes only, elements are never known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import Shape, Sym, TensorType, Unknown, dims
from ane_lsp.torch_model import lower
from ane_lsp.torch_model.args import spread
from ane_lsp.torch_model.ops.creation import sizes, wanted
from ane_lsp.torch_model.promotion import DEFAULT, is_complex, is_floating, is_integral, is_number
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.shapes import as_size, broadcast, check_tensor, fail, has_elements, tensor_or_unknown

RANDOM = ("random",)


def _random_ops(kind: str) -> Lower:
    """A MIL random op of the result's shape, cast to fp32 or to integers."""

    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        drawn = builder.emit(kind, {}, {"shape": out.shape}, TensorType(out.shape, "f32"))
        return lower.cast_value(builder, drawn, out.dtype)

    return make


UNIFORM, NORMAL = _random_ops("random_uniform"), _random_ops("random_normal")


def _float_dtype(dtype: Any, default: str | None, name: str, shape: Shape | None) -> str | None:
    """The dtype of random numbers; torch refuses integers as soon as there is an element to draw."""
    found = wanted(dtype, default)
    if has_elements(shape) and found is not None and is_integral(found, boolean=True):
        fail(f"{name} is not implemented for {found}")
    return found


def _sampler(name: str, mil: Lower) -> None:
    @spread("size")
    def rule(
        size: Any, *, generator: Any = None, names: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
        device: Any = None, requires_grad: Any = False, pin_memory: Any = False,
    ) -> TensorType:  # fmt: skip
        shape = sizes(size)
        return TensorType(shape, _float_dtype(dtype, DEFAULT, name, shape))

    op(f"torch.{name}", mil=mil, tags=RANDOM)(rule)

    def like(
        input: TensorType, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: Any = False,
        pin_memory: Any = False, memory_format: Any = None, generator: Any = None,
    ) -> TensorType:  # fmt: skip
        x = tensor_or_unknown(input)
        return TensorType(x.shape, _float_dtype(dtype, x.dtype, f"{name}_like", x.shape))

    op(f"torch.{name}_like", mil=mil, tags=RANDOM)(like)


_sampler("rand", UNIFORM)
_sampler("randn", NORMAL)


def _bounds(low: Any, high: Any) -> None:
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low >= high:
        fail(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")


_MISSING = object()


@op("torch.randint", mil=UNIFORM, tags=RANDOM)
def randint(
    low: Any = _MISSING, high: Any = _MISSING, size: Any = _MISSING, *, generator: Any = None, out: Any = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: Any = False, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """``randint(high, size)`` or ``randint(low, high, size)``."""
    if size is _MISSING:
        if isinstance(high, (tuple, list, Unknown)) and low is not _MISSING:
            low, high, size = 0, low, high
        else:
            fail("randint(): missing argument 'size'", TypeError)
    elif low is _MISSING:
        low = 0
    elif high is _MISSING:
        low, high = 0, low
    _bounds(low, high)
    return TensorType(sizes(size), wanted(dtype, "i64"))


@op("torch.randint_like", mil=UNIFORM, tags=RANDOM)
def randint_like(
    input: TensorType, low: Any = _MISSING, high: Any = _MISSING, *, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: Any = False, pin_memory: Any = False, memory_format: Any = None,
) -> TensorType:  # fmt: skip
    """Random integers in the shape of another tensor."""
    if low is _MISSING and high is _MISSING:
        fail("randint_like(): missing argument 'high'", TypeError)
    if high is _MISSING or low is _MISSING:
        low, high = 0, low if high is _MISSING else high
    _bounds(low, high)
    x = tensor_or_unknown(input)
    return TensorType(x.shape, wanted(dtype, x.dtype))


@op("torch.randperm", tags=RANDOM)
def randperm(
    n: Any, *, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: Any = False, pin_memory: Any = False,
) -> TensorType:  # fmt: skip
    """A random permutation of ``0 .. n - 1``."""
    size = as_size(n, "n")
    if isinstance(size, int) and size < 0:
        fail(f"n must be non-negative, got {size}")
    return TensorType((size,), wanted(dtype, "i64"))


@op("torch.normal", tags=RANDOM)
def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None, out: Any = None, dtype: Any = None,
           layout: Any = None, device: Any = None, requires_grad: Any = False, pin_memory: Any = False) -> TensorType:  # fmt: skip
    """Normal numbers; the shape is that of `mean` and `std` where one is a tensor, else `size`."""
    if is_number(std) and not isinstance(std, (complex, Sym)) and std < 0:
        fail(f"normal expects std >= 0.0, but found std {std}")
    tensors = [value for value in (mean, std) if isinstance(value, TensorType)]
    if not tensors:
        if isinstance(mean, Unknown) or isinstance(std, Unknown):
            return TensorType(None if size is None else sizes(size), None)
        if size is None:
            fail("normal() received an invalid combination of arguments", TypeError)
        return TensorType(sizes(size), _float_dtype(dtype, DEFAULT, "normal", sizes(size)))
    if isinstance(mean, Unknown) or isinstance(std, Unknown):
        return TensorType(None, mean.dtype if isinstance(mean, TensorType) else None)
    if any(t.dtype is not None and is_complex(t.dtype) for t in tensors if t is std):
        fail("normal expects standard deviation to be non-complex")
    if len(tensors) == 2:
        if tensors[0].shape is not None and tensors[1].shape is not None:
            broadcast(tensors[0].shape, tensors[1].shape)
        return TensorType(broadcast(*(t.shape for t in tensors)), _drawn(mean.dtype))
    return TensorType(tensors[0].shape, _drawn(tensors[0].dtype))


def _drawn(dtype: str | None) -> str | None:
    if dtype is not None and is_integral(dtype, boolean=True):
        fail(f"normal is not implemented for {dtype}")
    return dtype


@op("torch.bernoulli", "torch.Tensor.bernoulli", tags=RANDOM)
def bernoulli(input: TensorType, p: Any = None, *, generator: Any = None, out: Any = None) -> TensorType:
    """0 or 1 with the probability of each element."""
    x = tensor_or_unknown(input)
    if isinstance(p, (int, float)) and not 0 <= p <= 1:
        fail(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    if p is None and x.dtype is not None and not is_floating(x.dtype) and has_elements(x.shape):
        fail(f"bernoulli is not implemented for {x.dtype}")
    return TensorType(x.shape, x.dtype)


@op("torch.poisson", tags=RANDOM)
def poisson(input: TensorType, generator: Any = None) -> TensorType:
    """Poisson numbers with the rate of each element."""
    x = tensor_or_unknown(input)
    if x.dtype is not None and not is_floating(x.dtype) and has_elements(x.shape):
        fail(f"poisson is not implemented for {x.dtype}")
    return TensorType(x.shape, x.dtype)


def _multinomial_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x, count = params["input"], params["num_samples"]
    if not isinstance(count, int) or (count > 1 and not params["replacement"]):
        return builder.emit("aten.multinomial", {"x": x}, {"num_samples": count}, out)
    return builder.emit("random_categorical", {"x": x}, {"size": count, "mode": "probs"}, out)


@op("torch.multinomial", "torch.Tensor.multinomial", mil=_multinomial_ops, tags=RANDOM)
def multinomial(
    input: TensorType, num_samples: Any, replacement: Any = False, *, generator: Any = None, out: Any = None
) -> TensorType:
    """Indices drawn by weight."""
    x = check_tensor(input)
    if x.dtype is not None and not is_floating(x.dtype):
        fail("multinomial only supports floating-point dtypes for input")
    count = as_size(num_samples, "num_samples")
    if isinstance(count, int) and count <= 0:
        fail("cannot sample n_sample <= 0 samples")
    if x.shape is None:
        return TensorType(None, "i64")
    if len(x.shape) not in (1, 2):
        fail("prob_dist must be 1 or 2 dim")
    if replacement is False and dims.less(x.shape[-1], count):
        fail("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    return TensorType((*x.shape[:-1], count), "i64")


# In-place samplers.
def _in_place(name: str, mil: Lower | None, *, integers: bool = False, booleans: bool = False) -> None:
    def rule(input: TensorType, *args: Any, **kwargs: Any) -> TensorType:
        x = check_tensor(input)
        if (
            x.dtype is not None
            and not integers
            and is_integral(x.dtype, boolean=True)
            and (name == "cauchy_" or has_elements(x.shape))
        ):
            fail(f"{name} is not implemented for {x.dtype}")
        return TensorType(x.shape, x.dtype)

    full = f"torch.Tensor.{name}"
    op(full, inplace=full, mil=mil, tags=RANDOM)(rule)


_in_place("uniform_", UNIFORM)
_in_place("normal_", NORMAL)
_in_place("exponential_", None)
_in_place("log_normal_", None)
_in_place("cauchy_", None)
_in_place("geometric_", None, integers=True)
_in_place("random_", None, integers=True)


@op("torch.Tensor.bernoulli_", inplace="torch.Tensor.bernoulli_", tags=RANDOM)
def bernoulli_(input: TensorType, p: Any = 0.5, *, generator: Any = None) -> TensorType:
    """Sets every element to 0 or 1."""
    x = check_tensor(input)
    if isinstance(p, (int, float)) and not 0 <= p <= 1:
        fail(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    return TensorType(x.shape, x.dtype)
