"""Fourier transforms, and the real view of complex tensors.

coremltools 9.0 converts the transforms in a trace only, as ops of its complex dialect which a later pass writes as products
with constant matrices; here they keep the dialect's names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, TensorType, Unknown, dims
from ane_lsp.torch_model import lower
from ane_lsp.torch_model.constants import made
from ane_lsp.torch_model.ops.creation import wanted
from ane_lsp.torch_model.promotion import DEFAULT, float_result, is_complex, is_floating, to_complex, to_real
from ane_lsp.torch_model.registry import Lower, Lowering, op
from ane_lsp.torch_model.shapes import (
    as_size,
    check_tensor,
    fail,
    int_tuple,
    normalize_dim,
    normalize_dims,
    tensor_or_unknown,
)

_NORMS = (None, "backward", "ortho", "forward")


def _check_norm(norm: Any) -> None:
    if not isinstance(norm, Unknown) and norm not in _NORMS:
        fail(f'Invalid normalization mode: "{norm}"')


def _spectrum_dtype(dtype: str | None, name: str, *, real_only: bool = False) -> str | None:
    """The complex dtype a transform works in; half precision needs a GPU."""
    if dtype is None:
        return None
    if real_only and is_complex(dtype):
        fail(f"{name} expects a real input tensor, but got {dtype}")
    if dtype in ("f16", "bf16", "c32"):
        fail(f"Unsupported dtype {dtype}")
    return to_complex(float_result(dtype) or DEFAULT)


def _points(size: DimLike, name: str) -> DimLike:
    if isinstance(size, int) and size < 1:
        fail(f"{name}: Invalid number of data points ({size}) specified")
    return size


def _length(n: Any, size: DimLike) -> DimLike:
    """The `n` argument of a transform, or the size of the dim."""
    return size if n is None or n == -1 else as_size(n, "n")


def _one(name: str, kind: str) -> None:
    """Declare a transform along one dim. kind: which side is real (``c2c``, ``r2c``, ``c2r``)."""

    def rule(input: TensorType, n: Any = None, dim: Any = -1, norm: Any = None, *, out: object = None) -> TensorType:
        x = tensor_or_unknown(input)
        _check_norm(norm)
        spectrum = _spectrum_dtype(x.dtype, name, real_only=kind == "r2c")
        dtype = to_real(spectrum) if kind == "c2r" else spectrum
        if x.shape is None or isinstance(dim, Unknown):
            return TensorType(None, dtype)
        if not x.shape:
            fail("Dimension specified as -1 but tensor has no dimensions", IndexError)
        axis = normalize_dim(dim, len(x.shape))
        size = x.shape[axis]
        if kind == "c2r":
            result = _points(_length(n, 2 * (size - 1)), name)
        else:
            whole = _points(_length(n, size), name)
            result = dims.floordiv(whole, 2) + 1 if kind == "r2c" else whole
        return TensorType((*x.shape[:axis], result, *x.shape[axis + 1 :]), dtype)

    op(f"torch.fft.{name}", mil=_complex_ops(name))(rule)


def _complex_ops(name: str) -> Lower | None:
    if name in ("hfft", "ihfft"):
        return None

    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        attrs = {key: params[key] for key in ("n", "dim", "norm") if params[key] is not None}
        return builder.emit(f"complex_{name}", {"data": params["input"]}, attrs, out)

    return make


for _name, _kind in (
    ("fft", "c2c"), ("ifft", "c2c"), ("rfft", "r2c"), ("irfft", "c2r"), ("hfft", "c2r"), ("ihfft", "r2c"),
):  # fmt: skip
    _one(_name, _kind)


def _axes(x: TensorType, s: Any, dim: Any, name: str) -> tuple[tuple[int, ...], tuple[DimLike, ...]]:
    """The dims of an n-dimensional transform, and their lengths."""
    shape = x.shape or ()
    given = None if s is None else tuple(as_size(size, "s") for size in (s if isinstance(s, (tuple, list)) else (s,)))
    if dim is None:
        axes = tuple(range(len(shape))) if given is None else tuple(range(len(shape) - len(given), len(shape)))
        if given is not None and len(given) > len(shape):
            fail("Got shape with more values than the tensor has dimensions")
    else:
        axes = normalize_dims(int_tuple(dim), len(shape))
        if given is not None and len(given) != len(axes):
            fail("When given, dim and shape arguments must have the same length")
        if not shape and axes:
            fail(f"{name}: the tensor has no dimensions", IndexError)
    lengths = [shape[axis] for axis in axes]
    if given is not None:
        lengths = [size if want == -1 else want for want, size in zip(given, lengths, strict=True)]
    return axes, tuple(lengths)


def _many(name: str, kind: str, default: Any) -> None:
    """Declare a transform along several dims."""

    def rule(
        input: TensorType, s: Any = None, dim: Any = default, norm: Any = None, *, out: object = None
    ) -> TensorType:
        x = tensor_or_unknown(input)
        _check_norm(norm)
        spectrum = _spectrum_dtype(x.dtype, name, real_only=kind == "r2c")
        dtype = to_real(spectrum) if kind == "c2r" else spectrum
        if x.shape is None or isinstance(dim, Unknown) or isinstance(s, Unknown):
            return TensorType(None, dtype)
        axes, lengths = _axes(x, s, dim, name)
        if not axes and kind != "c2c":
            fail(f"{name} must transform at least one axis")
        sizes = list(x.shape)
        for axis, length in zip(axes, lengths, strict=True):
            sizes[axis] = length
        if kind == "c2r":
            explicit = s is not None and (s[-1] if isinstance(s, (tuple, list)) else s) != -1
            sizes[axes[-1]] = lengths[-1] if explicit else 2 * (x.shape[axes[-1]] - 1)
        for axis in axes:
            _points(sizes[axis], name)
        if kind == "r2c":
            sizes[axes[-1]] = dims.floordiv(sizes[axes[-1]], 2) + 1
        return TensorType(tuple(sizes), dtype)

    op(f"torch.fft.{name}", mil=_dialect(f"complex_{name}") if name.endswith("n") else None)(rule)


def _dialect(kind: str) -> Lower:
    def make(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
        attrs = {"shapes": params["s"], "dims": params["dim"], "norm": params["norm"]}
        given = {key: value for key, value in attrs.items() if value is not None}
        return builder.emit(kind, {"data": params["input"]}, given, out)

    return make


for _name, _kind in (("fft", "c2c"), ("ifft", "c2c"), ("rfft", "r2c"), ("irfft", "c2r")):
    _many(f"{_name}2", _kind, (-2, -1))
    _many(f"{_name}n", _kind, None)


def _shifted(name: str) -> None:
    def rule(input: TensorType, dim: Any = None) -> TensorType:
        x = tensor_or_unknown(input)
        if x.shape == ():
            fail(f"{name} needs a tensor with dims", RuntimeError if dim is None else IndexError)
        if x.shape is not None and dim is not None and not isinstance(dim, Unknown):
            for each in int_tuple(dim):
                normalize_dim(each, len(x.shape))
        return TensorType(x.shape, x.dtype)

    op(f"torch.fft.{name}")(rule)


_shifted("fftshift")
_shifted("ifftshift")


def _frequencies(name: str, half: bool) -> None:
    def rule(
        n: Any, d: Any = 1.0, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: Any = False,
    ) -> TensorType:  # fmt: skip
        size, target = as_size(n, "n"), wanted(dtype, DEFAULT)
        if target is not None and not (is_floating(target) or is_complex(target)):
            fail(f"{name} requires a floating point or complex dtype")
        count = dims.floordiv(size, 2) + 1 if half else size
        if not isinstance(size, int) or not isinstance(count, int) or not isinstance(d, (int, float)) or size == 0:
            return TensorType((count,), target)
        order = range(count) if half else [*range((size + 1) // 2), *range(-(size // 2), 0)]
        return made((count,), target, [i / (size * d) for i in order])

    op(f"torch.fft.{name}", mil=lower.constant)(rule)


_frequencies("fftfreq", half=False)
_frequencies("rfftfreq", half=True)


def _stft_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    names = ("n_fft", "hop_length", "win_length", "normalized", "onesided")
    inputs = {"input": params["input"], "window": params["window"]}
    return builder.emit("complex_stft", inputs, {k: params[k] for k in names if params[k] is not None}, out)


def _stft(
    input: TensorType,
    n_fft: Any,
    hop_length: Any = None,
    win_length: Any = None,
    window: Any = None,
    center: Any = True,
    pad_mode: Any = "reflect",
    normalized: Any = False,
    onesided: Any = None,
    return_complex: Any = None,
    align_to_window: Any = None,
) -> TensorType:
    """The short-time Fourier transform of ``(B?, L)``: ``(B?, N, T)`` complex, or ``(B?, N, T, 2)``."""
    x = check_tensor(input)
    complex_in = (x.dtype is not None and is_complex(x.dtype)) or (
        isinstance(window, TensorType) and window.dtype is not None and is_complex(window.dtype)
    )
    if x.dtype is not None and not (is_floating(x.dtype) or is_complex(x.dtype)):
        fail("stft: expected a tensor of floating point or complex values")
    if return_complex is None and not complex_in:
        fail("stft requires the return_complex parameter be given for real inputs")
    if any(isinstance(flag, Unknown) for flag in (center, onesided, return_complex)):
        return TensorType(None, None)
    if return_complex is False and complex_in:
        fail("stft: complex input needs return_complex=True")
    dtype = None if x.dtype is None else to_complex(x.dtype) if return_complex or complex_in else x.dtype
    if x.shape is None:
        return TensorType(None, dtype)
    if len(x.shape) not in (1, 2):
        fail(f"stft: expected a 1D or 2D tensor, but got {len(x.shape)}D")
    size = as_size(n_fft, "n_fft")
    hop = dims.floordiv(size, 4) if hop_length is None else as_size(hop_length, "hop_length")
    length = x.shape[-1]
    if isinstance(hop, int) and hop <= 0:
        fail(f"stft: expected hop_length > 0, but got {hop}")
    width = size if win_length is None else as_size(win_length, "win_length")
    if isinstance(width, int) and (width <= 0 or dims.less(size, width)):
        fail("stft: expected 0 < win_length <= n_fft")
    if isinstance(window, TensorType) and window.shape is not None:
        if len(window.shape) != 1 or dims.equal(window.shape[0], width) is False:
            fail("stft: expected a 1D window tensor of size equal to win_length")
    if center:
        half = dims.floordiv(size, 2)
        if pad_mode == "reflect" and dims.less(half, length) is False:
            fail("Padding size should be less than the corresponding input dimension")
        length = length + 2 * half
    if isinstance(size, int) and (size <= 0 or dims.less(length, size)):
        fail("stft: expected 0 < n_fft <= length of the input")
    frames = 1 + dims.floordiv(length - size, hop)
    one_sided = onesided if onesided is not None else not complex_in
    if one_sided and complex_in:
        fail("Cannot have onesided output if window or input is complex")
    bins = dims.floordiv(size, 2) + 1 if one_sided else size
    shape = (*x.shape[:-1], bins, frames)
    return TensorType(shape if return_complex or complex_in else (*shape, 2), dtype)


op("torch.functional.stft", "torch.stft", "torch.Tensor.stft", mil=_stft_ops)(_stft)


@op("torch.istft", "torch.Tensor.istft")
def istft(
    input: TensorType,
    n_fft: Any,
    hop_length: Any = None,
    win_length: Any = None,
    window: Any = None,
    center: Any = True,
    normalized: Any = False,
    onesided: Any = None,
    length: Any = None,
    return_complex: Any = False,
) -> TensorType:
    """The inverse of stft: ``(B?, N, T)`` complex to ``(B?, L)``."""
    x = check_tensor(input)
    if x.dtype is not None and not is_complex(x.dtype):
        fail("istft requires a complex-valued input tensor matching the output from stft with return_complex=True.")
    if isinstance(return_complex, Unknown) or isinstance(center, Unknown):
        return TensorType(None, None)
    dtype = x.dtype if return_complex else to_real(x.dtype)
    if x.shape is None:
        return TensorType(None, dtype)
    if len(x.shape) not in (2, 3):
        fail("istft expected a tensor with 2 or 3 dimensions")
    size = as_size(n_fft, "n_fft")
    hop = dims.floordiv(size, 4) if hop_length is None else as_size(hop_length, "hop_length")
    bins = x.shape[-2]
    if not isinstance(onesided, Unknown):
        fitting = [size] if onesided is False else [dims.floordiv(size, 2) + 1]
        if onesided is None:
            fitting.append(size)
        if all(dims.equal(bins, each) is False for each in fitting):
            fail("istft: the frequency dimension does not fit n_fft")
    if length is not None:
        return TensorType((*x.shape[:-2], as_size(length, "length")), dtype)
    whole = size + hop * (x.shape[-1] - 1)
    return TensorType((*x.shape[:-2], whole - 2 * dims.floordiv(size, 2) if center else whole), dtype)


# The real view.
def _real_ops(builder: Lowering, params: Mapping[str, Any], out: Any) -> Any:
    x = params["input"]
    part = TensorType(x.type.shape, out.dtype)
    parts = [builder.emit(kind, {"data": x}, {}, part) for kind in ("complex_real", "complex_imag")]
    return builder.emit("stack", {"values": tuple(parts)}, {"axis": -1}, out)


@op("torch.view_as_real", mil=_real_ops, tags=("view",))
def view_as_real(input: TensorType) -> TensorType:
    """A complex tensor as real pairs along a new last dim."""
    x = tensor_or_unknown(input)
    if x.dtype is not None and not is_complex(x.dtype):
        fail("view_as_real is only supported for complex tensors")
    return TensorType(None if x.shape is None else (*x.shape, 2), to_real(x.dtype))


@op("torch.view_as_complex", tags=("view",))
def view_as_complex(input: TensorType) -> TensorType:
    """Real pairs along the last dim as complex numbers."""
    x = tensor_or_unknown(input)
    if x.dtype is not None and x.dtype not in ("f16", "f32", "f64"):
        fail("view_as_complex is only supported for half, float and double tensors")
    dtype = None if x.dtype is None else to_complex(x.dtype)
    if x.shape is None:
        return TensorType(None, dtype)
    if not x.shape or dims.equal(x.shape[-1], 2) is False:
        fail("Tensor must have a last dimension of size 2")
    return TensorType(x.shape[:-1], dtype)
