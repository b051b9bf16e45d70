"""einops: rearrange, reduce, repeat, einsum, pack, unpack, parse_shape as native operations.

coremltools sees what einops calls: a reshape, a transpose, a reduction or an expand, and a reshape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import elements, mil
from ane_lsp.torch_model.args import promoted_result, sizes_of, tensor_result, tensors_in
from ane_lsp.torch_model.einops_patterns import Recipe, fail, known_pattern, packed_axes, resolve
from ane_lsp.torch_model.ops.einsum import _einsum_mil
from ane_lsp.torch_model.ops.einsum import einsum as torch_einsum
from ane_lsp.torch_model.ops.joining import _cat, concat, stack
from ane_lsp.torch_model.ops.splitting import piece
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import Undetermined, check_tensor, shape_of

Params = Mapping[str, Any]
_REDUCE_OPS = {
    "min": "reduce_min", "max": "reduce_max", "sum": "reduce_sum", "mean": "reduce_mean", "prod": "reduce_prod", "any": "reduce_max",
    "all": "reduce_min",
}  # fmt: skip


def _source(tensor: Any) -> TensorType:
    """The tensor einops works on: a list of tensors is stacked first."""
    if isinstance(tensor, (tuple, list)):
        return stack(list(tensor), 0)  # type: ignore[no-any-return]
    return check_tensor(tensor, "tensor")


def _moved(tensor: TensorType, recipe: Recipe) -> TensorType:
    """Elements follow where nothing is reduced."""
    shape = recipe.shape
    if recipe.removed or elements.contents(tensor) is None:
        return TensorType(shape, tensor.dtype)
    names = [name for name, _ in recipe.axes]
    order = [name for group in recipe.groups for name in group if name in names]
    plain = elements.same(tensor, tuple(size for _, size in recipe.axes))
    turned = mil.permuted(plain, [names.index(name) for name in order])
    whole = tuple(recipe.sizes[name] for group in recipe.groups for name in group)
    it = iter(range(len(order)))
    picks = [next(it) if name in names else None for group in recipe.groups for name in group]
    wide = elements.viewed(turned, whole, lambda steps: ([0 if i is None else steps[i] for i in picks], 0))
    return elements.same(wide, shape)


def _stacked(b: Lowering, tensor: Any) -> Value:
    if isinstance(tensor, (tuple, list)):
        first: Value = tensor[0]
        shape: Shape = (len(tensor), *mil.shape_of(first))
        return b.emit("stack", {"values": tuple(tensor)}, {"axis": 0}, TensorType(shape, first.type.dtype))
    return tensor  # type: ignore[no-any-return]


def _apply(b: Lowering, x: Value, recipe: Recipe, reduction: str | None, out: TensorType) -> Value:
    names = [name for name, _ in recipe.axes]
    x = mil.reshape(b, x, tuple(size for _, size in recipe.axes))
    kept = [name for group in recipe.groups for name in group if name in names]
    x = mil.transpose(b, x, [names.index(name) for name in (*kept, *recipe.removed)])
    if recipe.removed and reduction is not None:
        axes = tuple(range(len(kept), len(names)))
        x = mil.reduce(b, _REDUCE_OPS[reduction], x, axes, False)
    if recipe.added:
        whole = [name for group in recipe.groups for name in group]
        thin = mil.expand_dims(b, x, [i for i, name in enumerate(whole) if name not in names])
        x = mil.tile(b, thin, tuple(recipe.sizes[name] if name not in names else 1 for name in whole))
    return mil.reshape(b, x, out.shape or (), out)


def _mil(asked: str) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        given = params["tensor"]
        x = _stacked(b, given)
        pattern, lengths = params["pattern"], params["axes_lengths"]
        reduction = params.get("reduction")
        operation = "repeat" if asked == "reduce" and reduction == "repeat" else asked
        if x.type.shape is None or out.shape is None or not isinstance(pattern, str):
            return mil.refused(b, f"einops.{operation}", {"tensor": x}, out)  # type: ignore[no-any-return]
        if operation == "reduce" and reduction not in _REDUCE_OPS:
            return mil.refused(b, "einops.reduce", {"tensor": x}, out)  # type: ignore[no-any-return]
        recipe = resolve(pattern, operation, x.type.shape, lengths)
        return _apply(b, x, recipe, reduction, out)

    return lowering


@op("einops.rearrange", mil=_mil("rearrange"), tags=("view",))
@tensor_result
def rearrange(tensor: Any, pattern: Any, **axes_lengths: Any) -> TensorType:
    x = _source(tensor)
    return _moved(x, resolve(known_pattern(pattern), "rearrange", shape_of(x), axes_lengths))


@op("einops.repeat", mil=_mil("repeat"))
@tensor_result
def repeat(tensor: Any, pattern: Any, **axes_lengths: Any) -> TensorType:
    x = _source(tensor)
    return _moved(x, resolve(known_pattern(pattern), "repeat", shape_of(x), axes_lengths))


@op("einops.reduce", mil=_mil("reduce"))
@promoted_result
def reduce(tensor: Any, pattern: Any, reduction: Any, **axes_lengths: Any) -> TensorType:
    x = _source(tensor)
    if reduction == "repeat":
        return _moved(x, resolve(known_pattern(pattern), "repeat", shape_of(x), axes_lengths))
    recipe = resolve(known_pattern(pattern), "reduce", shape_of(x), axes_lengths)
    if isinstance(reduction, str) and reduction not in _REDUCE_OPS:
        fail(f"Unknown reduction {reduction}. Expect one of {tuple(_REDUCE_OPS)}.")
    if not isinstance(reduction, str):
        return TensorType(recipe.shape, x.dtype if not recipe.removed else None)
    dtype = x.dtype
    if reduction == "mean" and recipe.removed and dtype is not None and dtype[0] not in "fbc":
        fail("reduce_mean is not available for non-floating tensors")
    if reduction in ("any", "all") and recipe.removed:
        dtype = None if dtype is None else "u8" if dtype == "u8" else "b8"
    elif (
        reduction in ("sum", "prod") and recipe.removed and dtype is not None and dtype[0] in "iub" and dtype != "bf16"
    ):
        dtype = "i64"
    return _moved(TensorType(x.shape, dtype, x.data if dtype == x.dtype else None), recipe)


@op("einops.einsum", mil=lambda b, p, out: _einsum_mil(b, {"args": (_letters(p["args"][-1]), *p["args"][:-1])}, out))
def einsum(*args: Any) -> Any:
    if not args:
        fail("einops.einsum needs tensors and a pattern")
    pattern = known_pattern(args[-1])
    if "->" not in pattern:
        fail("Einsum pattern must contain '->'")
    return torch_einsum(_letters(pattern), *args[:-1])


def _letters(pattern: str) -> str:
    """An einops einsum pattern, whose axes are words, in torch's notation."""
    names: dict[str, str] = {}
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def term(text: str) -> str:
        out = ""
        for token in text.replace("...", f" {'...'} ").split():
            if token == "...":
                out += token
            else:
                if not token.isidentifier():
                    fail(f"Invalid axis identifier: {token}")
                out += names.setdefault(token, alphabet[len(names) % len(alphabet)])
        return out

    left, _, right = pattern.partition("->")
    return ",".join(term(text) for text in left.split(",")) + "->" + term(right)


def _pack_mil(b: Lowering, params: Params, out: Any) -> Any:
    tensors, pattern = params["tensors"], params["pattern"]
    packed, shapes = out
    if any(t.type.shape is None for t in tensors) or packed.shape is None:
        return (mil.refused(b, "einops.pack", {"tensors": tuple(tensors)}, packed), shapes)
    before, after, _ = packed_axes(pattern, "pack")
    flat = []
    for tensor in tensors:
        shape = mil.shape_of(tensor)
        middle = dims.product(shape[before : len(shape) - after])
        flat.append(mil.reshape(b, tensor, (*shape[:before], middle, *shape[len(shape) - after :])))
    return (concat(b, flat, before, packed), shapes)


@op("einops.pack", mil=_pack_mil)
def pack(tensors: Any, pattern: Any) -> Any:
    before, after, _ = packed_axes(known_pattern(pattern), "pack")
    flat: list[TensorType] = []
    shapes: list[tuple[DimLike, ...]] = []
    for tensor in tensors_in(tensors):
        shape = shape_of(tensor)
        if len(shape) < before + after:
            fail(
                f"packed tensor has shape {list(shape)}, while pattern {pattern} assumes at least {before + after} axes"
            )
        middle = shape[before : len(shape) - after]
        shapes.append(middle)
        flat.append(elements.same(tensor, (*shape[:before], dims.product(middle), *shape[len(shape) - after :])))
    return (_cat(flat, before), shapes)


def _unpack_mil(b: Lowering, params: Params, out: Any) -> Any:
    x: Value = params["tensor"]
    if x.type.shape is None or any(t.shape is None for t in out):
        return mil.refused(b, "einops.unpack", {"tensor": x}, out)
    before, after, rank = packed_axes(params["pattern"], "unpack")
    shape = mil.shape_of(x)
    thin = []
    for t in out:
        middle = dims.product(t.shape[before : len(t.shape) - after])
        thin.append(TensorType((*shape[:before], middle, *shape[rank - after :]), x.type.dtype))
    parts = mil.split(b, x, before, thin)
    return [mil.reshape(b, part, t.shape, t) for part, t in zip(parts, out, strict=True)]


@op("einops.unpack", mil=_unpack_mil, tags=("view",))
def unpack(tensor: TensorType, packed_shapes: Any, pattern: Any) -> list[TensorType]:
    before, after, rank = packed_axes(known_pattern(pattern), "unpack")
    shape = shape_of(tensor)
    if len(shape) != rank:
        fail(f"unpack(..., {pattern}) received input of wrong dim with shape {list(shape)}")
    if isinstance(packed_shapes, Unknown):
        raise Undetermined(packed_shapes.reason)
    groups = [sizes_of(sizes, "packed_shapes") for sizes in packed_shapes]
    holes = [i for i, sizes in enumerate(groups) if -1 in sizes]
    if len(holes) > 1 or any(sizes.count(-1) > 1 for sizes in groups):
        fail("unpack: more than one -1")
    counts = [dims.product(s for s in sizes if s != -1) for sizes in groups]
    if holes:
        rest = shape[before]
        for i, count in enumerate(counts):
            if i not in holes:
                rest = rest - count
        missing = dims.exact_div(rest, counts[holes[0]])
        if missing is None:
            if isinstance(rest, int) and isinstance(counts[holes[0]], int):
                fail("unpack: sizes do not divide the packed axis")
            missing = dims.fresh()
        groups[holes[0]] = tuple(missing if s == -1 else s for s in groups[holes[0]])
        counts[holes[0]] = dims.product(groups[holes[0]])
    total: DimLike = 0
    found = []
    for sizes, count in zip(groups, counts, strict=True):
        part = piece(tensor, before, total, count)
        found.append(elements.same(part, (*shape[:before], *sizes, *shape[rank - after :])))
        total = total + count
    if dims.equal(total, shape[before]) is False:
        fail(f"unpack: sizes sum to {total}, the packed axis has {shape[before]}")
    return found


@op("einops.parse_shape", mil=lambda b, params, out: out)
def parse_shape(x: TensorType, pattern: Any) -> dict[str, DimLike]:
    names = known_pattern(pattern).split()
    shape = shape_of(check_tensor(x, "x"))
    if "..." in names:
        at = names.index("...")
        names[at : at + 1] = ["_"] * (len(shape) - len(names) + 1)
    if len(names) != len(shape):
        fail(f"Can't parse shape with different number of dimensions: {pattern} {list(shape)}")
    return {name: size for name, size in zip(names, shape, strict=True) if name not in ("_", "1")}
