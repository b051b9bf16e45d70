"""What an operation tells about the probes it meets, and which of its results still stand for them."""

from __future__ import annotations

import re
from typing import Any

from ane_lsp.graph import DimLike, Sym, TensorType
from ane_lsp.interp.frames import of_unknown_number
from ane_lsp.interp.probing import (
    Back,
    Probe,
    indexed,
    inserted,
    item_by_item,
    permuted,
    picked,
    probe_of,
    removed,
    same,
    same_channels,
    same_dtype,
    same_integers,
    same_rank,
    same_shape,
    shifted,
    swapped,
)
from ane_lsp.interp.values import Tensor

Args = tuple[Any, ...]
Kwargs = dict[str, Any]

# Operations whose second argument is a weight of the input's own dtype.
_WEIGHTED = frozenset(
    {"conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear"}
)

# Operations of one tensor that leave its shape alone, so that the result still tells about the input.
_SAME = frozenset({"layer_norm", "rms_norm", "batch_norm", "group_norm", "instance_norm", "softmax", "log_softmax", "contiguous", "clone", "detach",
                   "relu", "relu6", "leaky_relu", "prelu", "gelu", "silu", "mish", "elu", "selu", "celu", "hardswish", "hardsigmoid", "hardtanh", "softplus", "sigmoid", "tanh",
                   "dropout", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "relu_", "gelu_", "silu_", "sigmoid_", "clamp", "clip", "abs", "neg", "exp", "log",
                   "sqrt", "rsqrt", "square", "sin", "cos", "flip", "roll", "cumsum", "normalize", "masked_fill", "nan_to_num", "local_response_norm", "channel_shuffle",
                   "requires_grad_", "expand_as", "logsigmoid", "softmin", "hardshrink", "tanhshrink", "softshrink", "threshold",
                   "__invert__", "bitwise_not"})  # fmt: skip
_RETYPED = frozenset({"to", "float", "half", "double", "bfloat16", "long", "int", "bool", "type", "type_as", "logical_not", "isnan"})  # fmt: skip
_PAIRS = frozenset({"add", "sub", "mul", "div", "true_divide", "pow", "maximum", "minimum", "where", "rsub", "lerp", "addcmul",
                    "add_", "mul_", "div_", "sub_", "__add__", "__mul__", "__radd__", "__rmul__", "__sub__", "__rsub__",
                    "floor_divide", "__floordiv__", "__rfloordiv__", "remainder", "__mod__", "__rmod__"})  # fmt: skip
_OF_ANY = frozenset(
    {"where", "div", "div_", "true_divide", "lerp", "addcmul"}
)  # whose first operand may have another type than the result
_MATMULS = frozenset({"matmul", "__matmul__", "bmm", "baddbmm"})
_INDICES = {
    "repeat_interleave": (1, "repeats"), "index_select": (2, "index"), "gather": (2, "index"), "take_along_dim": (1, "indices"),
    "scatter": (2, "index"), "scatter_": (2, "index"), "scatter_add": (2, "index"), "scatter_add_": (2, "index"),
    "index_add": (2, "index"), "index_add_": (2, "index"), "take": (1, "index"), "one_hot": (0, "tensor"),
}  # fmt: skip
_FLAGS = {
    "masked_fill": (1, "mask"), "masked_fill_": (1, "mask"), "masked_select": (1, "mask"), "masked_scatter": (1, "mask"),
    "__invert__": (0, "input"), "bitwise_not": (0, "input"), "torch.where": (0, "condition"), "torch.Tensor.where": (1, "condition"),
}  # fmt: skip
# What can be done with a number as well as with a tensor.
_ARITHMETIC = frozenset({*_PAIRS, "__pow__", "__rpow__", "__truediv__", "__rtruediv__", "neg", "__neg__", "eq", "ne", "lt", "le", "gt", "ge",
                         "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "item", "__int__", "__index__", "__float__"})  # fmt: skip
# Operations that are given sizes: how many of their arguments come before those.
_SIZED = {
    "view": 1, "reshape": 1, "expand": 1, "repeat": 1, "new_zeros": 1, "new_ones": 1, "new_empty": 1, "new_full": 1, "unflatten": 2, "narrow": 2,
    "zeros": 0, "ones": 0, "empty": 0, "full": 0, "rand": 0, "randn": 0, "arange": 0, "eye": 0,
}  # fmt: skip
# Operations that are told an axis of their first argument: its place among theirs.
_ALONG = {
    "size": 1, "softmax": 1, "log_softmax": 1, "sum": 1, "mean": 1, "amax": 1, "amin": 1, "max": 1, "min": 1, "argmax": 1, "argmin": 1,
    "cumsum": 1, "select": 1, "narrow": 1, "unbind": 1, "flatten": 1, "squeeze": 1, "flip": 1, "transpose": 1, "chunk": 2, "split": 2,
}  # fmt: skip
_RESIZES = re.compile(r"(pool|unpool|pad|interpolate|upsample)")
_REDUCES = frozenset({"mean", "sum", "amax", "amin", "max", "min", "argmax", "argmin", "norm", "std", "var", "logsumexp", "prod"})  # fmt: skip


def note_use(name: str, args: Args, kwargs: Kwargs, caller: str) -> Probe | None:
    """An operation meets its arguments: learn from it. Returns the probe its result still stands for, if any."""
    short = name.rsplit(".", 1)[-1]
    told = f"first used by {short}"
    if short in ("cat", "concat", "concatenate", "stack", "hstack", "vstack"):
        return _joined(short, args, kwargs, told)
    flags = _FLAGS.get(name if short == "where" else short)
    if flags is not None:
        _flagged(*flags, args, kwargs, told)
    if short in _PAIRS:
        return _paired(args, told, same_shape if short in _OF_ANY else same_integers)
    if short in _INDICES:
        _counted(*_INDICES[short], args, kwargs, told)
    if short == "__getitem__" or short in _SIZED:
        _sized(short, args, told)
    if short in ("__getitem__", "__setitem__"):
        _indexing(args, told)
    first = args[0] if args else kwargs.get("input", kwargs.get("query"))
    if short in _MATMULS:
        _multiplied(first, args, told)
    if short == "scaled_dot_product_attention":
        _attended(args, kwargs, told)
    probe = probe_of(first)
    if probe is None:
        return None
    if probe.number is None and short not in _ARITHMETIC and short not in _SIZED:
        probe.learn(told, number=False)
    _reached(probe, short, args, kwargs, told)
    _tell(probe, short, args, kwargs, caller, told)
    return _follow(probe, short, args, kwargs)


def _reached(probe: Probe, short: str, args: Args, kwargs: Kwargs, told: str) -> None:
    """An axis that is spoken of is there."""
    place = _ALONG.get(short)
    axis = kwargs.get("dim", args[place] if place is not None and len(args) > place else None)
    if place is not None and type(axis) is int:
        probe.reaches(told, axis)
    elif short == "transpose" and len(args) == 3 and type(args[2]) is int:
        probe.reaches(told, args[2])
    elif short == "unsqueeze":
        at = kwargs.get("dim", args[1] if len(args) > 1 else None)
        if type(at) is int and at > 0:
            probe.reaches(told, at - 1)


def _sized(short: str, args: Args, told: str) -> None:
    """Bounds of slices and sizes are numbers."""
    if short == "__getitem__":
        parts = args[1] if isinstance(args[1], tuple) else args[1:2]
        numbers = [bound for part in parts if isinstance(part, slice) for bound in (part.start, part.stop)]
    else:
        given = args[_SIZED[short] :]
        numbers = list(given[0]) if given and isinstance(given[0], (tuple, list)) else list(given)
    for number in numbers:
        probe = probe_of(number)
        if probe is not None:
            probe.learn(told, number=True)


def _indexing(args: Args, told: str) -> None:
    """A tensor in the place of an index holds places, or flags; an input that has no shape yet is left open, as they differ in what
    they select."""
    for part in args[1] if isinstance(args[1], tuple) else args[1:2]:
        probe = probe_of(part)
        if probe is not None and probe.rank is not None:
            probe.learn(told, dtype="b8" if "mask" in probe.name else "i64")


def _flagged(at: int, name: str, args: Args, kwargs: Kwargs, told: str) -> None:
    """A mask holds flags, and looks like what it masks."""
    probe = probe_of(args[at] if len(args) > at else kwargs.get(name))
    if probe is not None:
        probe.learn(told, dtype="b8")
        masked = args[0] if at else None
        if isinstance(masked, Tensor) and masked.type.shape is not None:
            probe.suggest(told, TensorType(masked.type.shape, "b8"))


def _counted(at: int, name: str, args: Args, kwargs: Kwargs, told: str) -> None:
    """An argument that holds indices or numbers of times holds integers."""
    probe = probe_of(args[at] if len(args) > at else kwargs.get(name))
    if probe is not None:
        probe.learn(told, dtype="i64")


def _tell(probe: Probe, short: str, args: Args, kwargs: Kwargs, caller: str, told: str) -> None:
    """What the operation says about its first argument."""
    weight = _weight(args, kwargs)
    weight_shape = weight.type.shape if isinstance(weight, Tensor) else None
    if short in _WEIGHTED and isinstance(weight, Tensor) and weight.type.dtype in ("f16", "bf16", "f64"):
        probe.learn(told, dtype=weight.type.dtype)
    if re.fullmatch(r"conv[123]d", short):
        if weight_shape is not None:
            groups = kwargs.get("groups", args[6] if len(args) > 6 else 1)
            channels = weight_shape[1] * groups if isinstance(groups, (int, Sym)) else None
            probe.learn(told, rank=len(weight_shape), sizes={1: channels} if channels is not None else {})
        else:
            probe.learn(told, rank=int(short[-2]) + 2)
    elif short.startswith("conv_transpose"):
        probe.learn(told, rank=int(short[-2]) + 2, sizes={1: weight_shape[0]} if weight_shape else {})
    elif short == "linear" and weight_shape:
        probe.learn(told, sizes={-1: weight_shape[-1]})
    elif short == "embedding":
        probe.learn(told, dtype="i64", rank=2)
    elif short == "repeat":
        times = args[1] if len(args) == 2 and isinstance(args[1], (tuple, list)) else args[1:]
        if len(times) > 1 and times[0] == 1 and type(times[0]) is int:  # more times than axes would add some in front
            probe.learn(told, rank=len(times))
    elif short in ("layer_norm", "rms_norm"):
        normalized = kwargs.get("normalized_shape", args[1] if len(args) > 1 else None)
        if isinstance(normalized, (tuple, list)) and normalized:
            sizes = {i - len(normalized): s for i, s in enumerate(normalized) if isinstance(s, (int, Sym))}
            probe.learn(told, sizes=sizes)
    elif short in ("batch_norm", "instance_norm", "group_norm"):
        ranks = re.search(r"([123])d", caller)
        shapes = [a.type.shape for a in (*args[1:], *kwargs.values()) if isinstance(a, Tensor) and a.type.shape]
        rank = int(ranks[1]) + 2 if ranks else None
        if rank == 3 and shapes and probe.sizes.get(-1) == shapes[0][0]:  # after a linear layer channels come last
            rank = 2
        probe.learn(told, rank=rank, sizes={1: shapes[0][0]} if shapes else {})
    elif re.search(r"(pool|unpool|unfold|pad|shuffle|grid_sample|dropout[23])", short) and (
        found := re.search(r"([123])d", short)
    ):
        probe.learn(told, rank=int(found[1]) + 2)
    elif short in ("pixel_shuffle", "pixel_unshuffle", "grid_sample", "channel_shuffle"):
        probe.learn(told, rank=4)
    elif short == "interpolate":
        mode = kwargs.get("mode", args[3] if len(args) > 3 else "nearest")
        size = kwargs.get("size", args[1] if len(args) > 1 else None)
        factor = kwargs.get("scale_factor", args[2] if len(args) > 2 else None)
        rank = {"bilinear": 4, "bicubic": 4, "trilinear": 5, "linear": 3}.get(mode if isinstance(mode, str) else "")
        for given in (size, factor):
            if isinstance(given, (tuple, list)):
                rank = rank or len(given) + 2
        probe.learn(told, rank=rank)
    elif short == "permute":
        axes = _axes(args, kwargs)
        counted = len(axes) > 1 and of_unknown_number(axes) is None  # a single one may be a list that nobody knows
        probe.learn(told, rank=len(axes) if counted else None)
    elif short in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        flat = next((a for a in args if isinstance(a, (list, tuple)) and a and isinstance(a[0], Tensor)
                     and a[0].type.rank == 2), None)  # fmt: skip
        shape = flat[0].type.shape if flat else None
        probe.learn(told, rank=3, sizes={-1: shape[1]} if shape else {})
    elif short == "multi_head_attention_forward":
        size = args[3] if len(args) > 3 else kwargs.get("embed_dim_to_check")
        probe.learn(told, rank=3, sizes={-1: size} if isinstance(size, (int, Sym)) else {})
    elif short in ("split", "split_with_sizes"):
        parts = args[1] if len(args) > 1 else kwargs.get("split_size_or_sections", kwargs.get("split_sizes"))
        axis = args[2] if len(args) > 2 else kwargs.get("dim", 0)
        if isinstance(parts, (tuple, list)) and isinstance(axis, int) and all(isinstance(p, (int, Sym)) for p in parts):
            probe.learn(told, sizes={axis: sum(parts)})


def _weight(args: Args, kwargs: Kwargs) -> Any:
    """The weight of a layer's function, None where it is given none."""
    return kwargs.get("weight", args[1] if len(args) > 1 else None)


def _follow(probe: Probe, short: str, args: Args, kwargs: Kwargs) -> Probe | None:
    """The probe for the result, linked to the argument's."""
    if short in _SAME:
        return probe
    if short in _RETYPED:
        return probe.linked(same_shape)
    if short in _WEIGHTED:
        made = probe.linked(same_rank)
        weight = _weight(args, kwargs)
        if short == "linear" and isinstance(weight, Tensor) and weight.type.shape:
            made.sizes[-1] = weight.type.shape[0]
        return made
    if _RESIZES.search(short) or short in ("unfold", "pixel_shuffle", "pixel_unshuffle"):
        return probe.linked(same_channels if short not in ("pixel_shuffle", "pixel_unshuffle", "unfold") else same_rank)
    if short == "permute":
        axes = _axes(args, kwargs)
        return probe.linked(permuted(axes)) if axes and all(isinstance(a, int) for a in axes) else None
    numbers = [a for a in (*args[1:], *kwargs.values()) if isinstance(a, int)]
    if short in ("transpose", "swapaxes", "transpose_") and len(numbers) == 2:
        return probe.linked(swapped(numbers[0], numbers[1]))
    if short == "unsqueeze" and len(numbers) == 1:
        return probe.linked(inserted(numbers[0]))
    if short == "squeeze" and len(numbers) == 1:
        return probe.linked(removed(numbers[0]))
    if short in ("chunk", "split", "tensor_split"):
        return probe.linked(same_rank, pieces=True)
    if short == "unbind":
        return probe.linked(item_by_item(shifted(1)) if args[1:] == (0,) else shifted(1), pieces=True)
    if short in ("repeat_interleave", "index_select", "narrow"):
        return probe.linked(same_rank)
    if short == "__getitem__":
        key = args[1] if isinstance(args[1], tuple) else (args[1],)
        if probe.pieces:
            return probe.linked(same, pieces=isinstance(args[1], slice)) if isinstance(args[1], (int, slice)) else None
        if len(key) == 1 and isinstance(key[0], int):
            return probe.linked(item_by_item(indexed(key)))
        if all(part is None or isinstance(part, (int, slice)) for part in key):
            return probe.linked(indexed(key))
        if all(part is None or isinstance(part, (int, slice)) or part is Ellipsis for part in key):
            return probe.linked(picked(sum(isinstance(part, int) for part in key) - key.count(None)))
    if short in ("view", "reshape", "flatten"):
        return probe.linked(same_dtype)
    if short in _REDUCES:
        return _reduced(probe, args, kwargs)
    return None


def _axes(args: Args, kwargs: Kwargs) -> Any:
    if len(args) == 2 and isinstance(args[1], (tuple, list)):
        return tuple(args[1])
    given = kwargs.get("dims")
    return args[1:] or (tuple(given) if isinstance(given, (tuple, list)) else ())


def _reduced(probe: Probe, args: Args, kwargs: Kwargs) -> Probe | None:
    axes = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else None))
    keep = kwargs.get("keepdim", kwargs.get("keepdims", args[2] if len(args) > 2 else False))
    count = 1 if isinstance(axes, int) else len(axes) if isinstance(axes, (tuple, list)) else None
    if count is None or not isinstance(keep, bool):
        return None
    back: Back = same_rank if keep else shifted(count)
    return probe.linked(back)


def _joined(short: str, args: Args, kwargs: Kwargs, told: str) -> Probe | None:
    """``cat`` and ``stack``: the parts agree in rank, and in every size but the one they are joined along."""
    parts = args[0] if args else kwargs.get("tensors")
    if not isinstance(parts, (tuple, list)):
        return None
    probes = [p for part in parts if (p := probe_of(part)) is not None]
    if not probes:
        return None
    known = next((p.type.shape for p in parts if isinstance(p, Tensor) and p.type.shape is not None), None)
    axis = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    if short == "stack":
        if known is not None:
            _likely(probes, known, told)
        return Probe(probes[0].name, links=tuple((p, shifted(-1)) for p in probes))
    if known is not None and short in ("cat", "concat", "concatenate") and isinstance(axis, int):
        for probe in probes:
            along = axis % len(known) if known else 0
            probe.learn(told, rank=len(known), sizes={i: s for i, s in enumerate(known) if i != along})
    return Probe(probes[0].name, links=tuple((p, same_rank) for p in probes))


def _likely(probes: list[Probe], shape: tuple[DimLike, ...], told: str) -> None:
    for probe in probes:
        probe.learn(told, rank=len(shape), sizes=dict(enumerate(shape)))


def _paired(args: Args, told: str, back: Back) -> Probe | None:
    """Elementwise operations: where one side is known, the other is likely to look the same. back: from the result to the first."""
    probes = [p for a in args if (p := probe_of(a)) is not None]
    if not probes:
        return None
    known = next((a.type for a in args if isinstance(a, Tensor) and a.type.shape), None)
    tensors = sum(1 for a in args if isinstance(a, Tensor))
    if known is not None and known.shape is not None:
        if all(_is_parameter(a) for a in args if isinstance(a, Tensor) and probe_of(a) is None):
            rank = len(known.shape)
            sizes = {axis - rank: size for axis, size in enumerate(known.shape) if size != 1}
            for probe in probes:
                probe.learn(told, rank=rank if rank > 2 else None, sizes=sizes)
        else:
            for probe in probes:
                probe.suggest(told, TensorType(known.shape, known.dtype))
        return probes[0].linked(back)
    if tensors == 1:
        return probes[0]
    return Probe(probes[0].name, links=tuple((p, same) for p in probes[:1]) + tuple((p, same_rank) for p in probes[1:]))


def _is_parameter(value: Tensor) -> bool:
    return value.origin in ("parameter", "buffer")


def _multiplied(first: Any, args: Args, told: str) -> None:
    """``a @ b``: equal ranks, where neither is a matrix; the inner sizes agree."""
    second = args[1] if len(args) > 1 else None
    left, right = probe_of(first), probe_of(second)
    if left is not None and isinstance(second, Tensor) and second.type.shape is not None and len(second.type.shape) > 1:
        rank = len(second.type.shape)
        left.learn(told, rank=rank if rank > 2 else None, sizes={-1: second.type.shape[-2]})
    if right is not None and isinstance(first, Tensor) and first.type.shape is not None and len(first.type.shape) > 1:
        right.learn(told, rank=len(first.type.shape), sizes={-2: first.type.shape[-1]})


def _attended(args: Args, kwargs: Kwargs, told: str) -> None:
    for position, word in enumerate(("query", "key", "value")):
        probe = probe_of(args[position] if len(args) > position else kwargs.get(word))
        if probe is not None:
            probe.learn(told, rank=4)


__all__ = ["note_use"]
