"""Interpolation, grid sampling, affine grids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import sizes_of, tensor_result, truth
from ane_lsp.torch_model.ops.matmul import common_dtype
from ane_lsp.torch_model.ops.pooling import _adaptive_mil
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import as_size, check_same_size, fail, kind_of, shape_of, tensor_or_unknown

Params = Mapping[str, Any]
F = "torch.nn.functional."
_RANKS = {
    "nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "area": (3, 4, 5), "linear": (3,), "bilinear": (4,), "bicubic": (4,),
    "lanczos": (4,), "trilinear": (5,),
}  # fmt: skip
# A scale that is a fraction with at most this denominator scales a symbolic size exactly.
_EXACT = 1024


def scaled(size: DimLike, scale: Any) -> DimLike:
    """``floor(size * scale)``, as torch computes it in double precision."""
    if isinstance(scale, (Unknown, TensorType, Sym)):
        return size * scale if isinstance(scale, Sym) else dims.fresh()
    if not isinstance(scale, (int, float)):
        fail(f"scale_factor must be a number, not {kind_of(scale)}", TypeError)
    if isinstance(size, int):
        return int(float(size) * scale)
    numerator, denominator = scale.as_integer_ratio()
    if denominator > _EXACT:
        return dims.fresh()
    return dims.floordiv(size * numerator, denominator)


def _sizes(spatial: Shape, size: Any, scale_factor: Any) -> Shape:
    if size is not None and scale_factor is not None:
        if not isinstance(size, Unknown) and not isinstance(scale_factor, Unknown):
            fail("only one of size or scale_factor should be defined", ValueError)
        return tuple(dims.fresh() for _ in spatial)
    if size is None and scale_factor is None:
        fail("either size or scale_factor should be defined", ValueError)
    if size is not None:
        if isinstance(size, Unknown):
            return tuple(dims.fresh() for _ in spatial)
        if isinstance(size, (tuple, list)):
            if len(size) != len(spatial):
                fail(
                    f"Input and output must have the same number of spatial dimensions, but got {len(spatial)} and {len(size)}",
                    ValueError,
                )
            return tuple(as_size(s, "size") for s in size)
        return (as_size(size, "size"),) * len(spatial)
    if isinstance(scale_factor, (tuple, list)):
        if len(scale_factor) != len(spatial):
            fail(
                f"Input and scale_factor must have the same number of spatial dimensions, but got {len(spatial)} and {len(scale_factor)}",
                ValueError,
            )
        return tuple(scaled(s, f) for s, f in zip(spatial, scale_factor, strict=True))
    return tuple(scaled(s, scale_factor) for s in spatial)


@tensor_result
def _interpolated(
    input: TensorType, size: Any, scale_factor: Any, mode: Any, align_corners: Any, recompute: Any, antialias: Any
) -> TensorType:
    shape = shape_of(input)
    if not isinstance(mode, Unknown):
        if (
            mode in ("nearest", "area", "nearest-exact")
            and align_corners is not None
            and not isinstance(align_corners, Unknown)
        ):
            fail(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear",
                ValueError,
            )
    if size is not None and truth(recompute):
        fail("recompute_scale_factor is not meaningful with an explicit size.", ValueError)
    sizes = _sizes(shape[2:], size, scale_factor)
    if not isinstance(mode, Unknown):
        if mode not in _RANKS:
            fail(f"Input Error: got unsupported mode {mode}")
        if len(shape) not in _RANKS[mode]:
            fail(f"Input Error: Got {len(shape)}D input, but {mode} mode needs {_RANKS[mode]}D input")
        if truth(antialias) and not (mode in ("bilinear", "bicubic", "lanczos") and len(shape) == 4):
            fail(
                "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input",
                ValueError,
            )
        if mode == "lanczos" and truth(antialias) is False:
            fail("lanczos mode needs antialias")
    elif len(shape) not in (3, 4, 5):
        fail(f"Got {len(shape)}D input")
    nonzero = isinstance(mode, str) and mode != "area" and all(dims.less(0, s) for s in shape[1:])
    if nonzero and any(dims.less(s, 1) for s in sizes):
        fail(f"Input and output sizes should be greater than 0, but got input {list(shape[2:])} output {list(sizes)}")
    if any(s == 0 for s in shape[1:]):
        fail(f"Non-empty data tensor expected but got a tensor with sizes {list(shape)}")
    return TensorType((*shape[:2], *sizes), input.dtype)


@op(F + "interpolate", mil=lambda b, p, out: _interpolate_mil(b, p, out))
def interpolate(
    input: TensorType, size: Any = None, scale_factor: Any = None, mode: Any = "nearest", align_corners: Any = None,
    recompute_scale_factor: Any = None, antialias: Any = False,
) -> Any:  # fmt: skip
    return _interpolated(input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)


@op(
    F + "upsample",
    mil=lambda b, p, out: _interpolate_mil(b, {**p, "antialias": False, "recompute_scale_factor": None}, out),
)
def upsample(
    input: TensorType, size: Any = None, scale_factor: Any = None, mode: Any = "nearest", align_corners: Any = None
) -> Any:
    return _interpolated(input, size, scale_factor, mode, align_corners, None, False)


def _fixed(mode: str, align: bool | None) -> Any:
    extra = {"mode": mode, "align_corners": align, "antialias": False, "recompute_scale_factor": None}
    return lambda b, p, out: _interpolate_mil(b, {**p, **extra}, out)


@op(F + "upsample_nearest", mil=_fixed("nearest", None))
def upsample_nearest(input: TensorType, size: Any = None, scale_factor: Any = None) -> Any:
    return _interpolated(input, size, scale_factor, "nearest", None, None, False)


@op(F + "upsample_bilinear", mil=_fixed("bilinear", True))
def upsample_bilinear(input: TensorType, size: Any = None, scale_factor: Any = None) -> Any:
    return _interpolated(input, size, scale_factor, "bilinear", True, None, False)


def _factor(have: DimLike, want: DimLike, given: Any) -> float | int | None:
    """The scale coremltools passes on: the given one, else the ratio of the sizes, a little more where that is no integer."""
    if isinstance(given, (int, float)):
        return given
    if isinstance(have, int) and isinstance(want, int) and have:
        return want / have if want % have == 0 else (want + 1e-4) / have
    ratio = dims.exact_div(want, have)
    return ratio if isinstance(ratio, int) else None


def _interpolate_mil(b: Lowering, params: Params, out: Any) -> Any:
    x: Value = params["input"]
    mode = params["mode"]
    shape = x.type.shape
    if shape is None or out.shape is None or isinstance(mode, Unknown):
        return mil.refused(b, "upsample", {"x": x}, out)
    if mode == "area":
        return _adaptive_mil(len(shape) - 2, "avg")(b, {"input": x}, out)
    axes = len(shape) - 2
    scales = params["scale_factor"] if params["size"] is None and not truth(params["recompute_scale_factor"]) else None
    given = scales if isinstance(scales, (tuple, list)) else (scales,) * axes
    factors = [_factor(s, o, g) for s, o, g in zip(shape[2:], out.shape[2:], given, strict=True)]
    name = {"nearest": "upsample_nearest_neighbor", "linear": "upsample_bilinear", "bilinear": "upsample_bilinear"}.get(
        mode
    )
    if name is None or axes == 3 or any(f is None for f in factors):
        return mil.refused(b, f"upsample_{mode}{axes}d", {"x": x}, out)
    attrs: dict[str, Any] = {"scale_factor_height": factors[0], "scale_factor_width": factors[1] if axes == 2 else 1}
    if name == "upsample_bilinear":
        aligned = bool(truth(params["align_corners"]))
        uneven = any(
            isinstance(s, int) and isinstance(f, float) and s * f - int(s * f) > 0.001
            for s, f in zip(shape[2:], factors, strict=True)
        )
        if uneven and not aligned:
            return mil.refused(b, f"upsample_{mode}{axes}d", {"x": x}, out)
        attrs["align_corners"] = aligned
    if axes == 2:
        return b.emit(name, {"x": x}, attrs, out)
    wide = mil.expand_dims(b, x, (3,))
    found = b.emit(name, {"x": wide}, attrs, TensorType((*out.shape, 1), out.dtype))
    return mil.squeeze(b, found, (3,), out)


def _grid_sample_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, grid = params["input"], params["grid"]
    mode, border = params["mode"], params["padding_mode"]
    aligned = bool(truth(params["align_corners"]))
    if x.type.rank != 4 or mode not in ("bilinear", "nearest") or border not in ("zeros", "border", "reflection"):
        return mil.refused(b, "grid_sampler", {"x": x, "grid": grid}, out)  # type: ignore[no-any-return]
    padding = {"zeros": "constant", "border": "border", "reflection": "reflection" if aligned else "symmetric"}[border]
    attrs = {
        "sampling_mode": mode, "padding_mode": padding, "padding_value": 0.0,
        "coordinates_mode": "normalized_minus_one_to_one", "align_corners": aligned,
    }  # fmt: skip
    return b.emit("resample", {"x": x, "coordinates": grid}, attrs, out)


@op(F + "grid_sample", mil=_grid_sample_mil)
@tensor_result
def grid_sample(
    input: TensorType, grid: TensorType, mode: Any = "bilinear", padding_mode: Any = "zeros", align_corners: Any = None
) -> TensorType:
    if not isinstance(mode, Unknown) and mode not in ("bilinear", "nearest", "bicubic"):
        fail(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'",
            ValueError,
        )
    if not isinstance(padding_mode, Unknown) and padding_mode not in ("zeros", "border", "reflection"):
        fail(
            f"nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'",
            ValueError,
        )
    shape, where = shape_of(input), shape_of(tensor_or_unknown(grid, "grid"))
    dtype = common_dtype(input, grid)
    if len(shape) not in (4, 5) or len(shape) != len(where):
        fail(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got {list(shape)} and {list(where)}"
        )
    batch = check_same_size(shape[0], where[0], "grid_sampler(): expected grid and input to have same batch size")
    check_same_size(
        where[-1],
        len(shape) - 2,
        "grid_sampler(): expected grid to have the input's spatial rank in its last dimension",
    )
    if any(size == 0 for size in shape[2:]):
        fail("grid_sampler(): expected input to have non-empty spatial dimensions")
    if mode == "bicubic" and len(shape) == 5:
        fail("grid_sampler(): bicubic interpolation only supports 4D input")
    return TensorType((batch, shape[1], *where[1:-1]), dtype)


@op(F + "affine_grid")
def affine_grid(theta: TensorType, size: Any, align_corners: Any = None) -> TensorType:
    matrix = tensor_or_unknown(theta, "theta")
    if matrix.dtype is not None and matrix.dtype[0] not in "fb":
        fail(f"Expected theta to have floating point type, but got {matrix.dtype}", ValueError)
    if isinstance(size, Unknown):
        return TensorType(None, matrix.dtype)
    wanted = sizes_of(size)
    if len(wanted) not in (4, 5):
        fail("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively")
    axes = len(wanted) - 2
    if any(dims.less(s, 1) for s in wanted):
        fail("Expected non-zero, positive output size.")
    if matrix.shape is not None:
        if (
            len(matrix.shape) != 3
            or dims.equal(matrix.shape[1], axes) is False
            or dims.equal(matrix.shape[2], axes + 1) is False
        ):
            fail(
                f"Expected a batch of {axes}D affine matrices of shape Nx{axes}x{axes + 1} for size {list(wanted)}",
                ValueError,
            )
        check_same_size(matrix.shape[0], wanted[0], "affine_grid: batch of theta and size must match")
    return TensorType((wanted[0], *wanted[2:], axes), matrix.dtype)
