"""What a model's inputs must look like, from how its forward first uses them.

A forward is run once on *probes*: tensors of unknown shape that remember which operations they meet. A convolution tells
rank and channels, a Linear the last size, an embedding that the input holds ids. From that a symbolic shape is built; what
no use and no name tells stays unknown.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from ane_lsp.graph import DimLike, Shape, Sym, TensorType, dims
from ane_lsp.interp.values import Tensor

_NAMES: dict[int, tuple[str, ...]] = {
    1: ("L",),
    2: ("B", "C"),
    3: ("B", "L", "C"),
    4: ("B", "C", "H", "W"),
    5: ("B", "C", "D", "H", "W"),
}

# Names that model code gives to inputs of one kind: symbolic sizes and dtype.
CONVENTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "input_ids": (("B", "L"), "i64"), "decoder_input_ids": (("B", "L"), "i64"), "token_type_ids": (("B", "L"), "i64"),
    "position_ids": (("B", "L"), "i64"), "attention_mask": (("B", "L"), "i64"), "tokens": (("B", "L"), "i64"),
    "idx": (("B", "L"), "i64"), "pixel_values": (("B", "C", "H", "W"), "f32"), "image": (("B", "C", "H", "W"), "f32"),
    "images": (("B", "C", "H", "W"), "f32"), "img": (("B", "C", "H", "W"), "f32"),
    "hidden_states": (("B", "L", "C"), "f32"), "inputs_embeds": (("B", "L", "C"), "f32"),
    "timestep": (("B",), "f32"), "timesteps": (("B",), "f32"), "encoder_hidden_states": (("B", "S", "C"), "f32"),
}  # fmt: skip

# Operations whose second argument is a weight of the input's own dtype.
_WEIGHTED = frozenset(
    {"conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear"}
)

# Operations that leave shape and dtype alone, so that the result still tells about the input.
_PASSES = frozenset({"layer_norm", "rms_norm", "batch_norm", "group_norm", "instance_norm", "softmax", "contiguous", "clone", "detach", "relu", "gelu", "silu", "dropout", "to", "float", "half", "type_as",
                     "add", "sub", "mul", "div", "sigmoid", "tanh", "add_", "mul_", "div_", "sub_", "relu_"})  # fmt: skip


@dataclass(slots=True)
class Probe:
    """What was learned about one input. told: how, for the reader."""

    name: str
    rank: int | None = None
    names: tuple[str, ...] | None = None
    channels: DimLike | None = None
    last: DimLike | None = None
    dtype: str | None = None
    told: str = ""
    met: list[str] = field(default_factory=list)

    def learn(self, told: str, **facts: Any) -> None:
        """Keep facts that are not known yet; the first use counts."""
        for key, value in facts.items():
            if value is not None and getattr(self, key) is None:
                setattr(self, key, value)
                self.told = self.told or told

    @property
    def knows(self) -> bool:
        return self.rank is not None or self.last is not None or self.channels is not None or self.dtype == "i64"

    def type(self) -> TensorType | None:
        """The symbolic type the facts amount to; None where nothing is known."""
        names = self.names
        rank = self.rank
        dtype = self.dtype or "f32"
        if rank is None and not self.knows:
            known = CONVENTIONS.get(self.name)
            if known is None:
                return None
            names, dtype = known
            rank = len(names)
            self.told = "its name"
        if rank is None:
            rank = 2 if dtype == "i64" else 3 if self.last is not None else 4
        if names is None:
            names = ("B", "L") if dtype == "i64" and rank == 2 else _NAMES.get(rank)
        if names is None or len(names) != rank:
            names = tuple(f"N{i}" for i in range(rank))
        if rank == 3 and self.channels is not None and self.last is None:
            names = ("B", "C", "L")
        shape: list[DimLike] = [dims.symbol(n) if not n.isdigit() else int(n) for n in names]
        if self.channels is not None and rank >= 2:
            shape[1] = self.channels
        if self.last is not None and rank >= 1:
            shape[-1] = self.last
        return TensorType(tuple(shape), dtype)


def probe_of(tensor: Any) -> Probe | None:
    """The probe a tensor stands for, if any."""
    if isinstance(tensor, Tensor) and tensor.attrs is not None:
        found = tensor.attrs.get("__probe__")
        return found if isinstance(found, Probe) else None
    return None


def probe_tensor(probe: Probe) -> Tensor:
    """A tensor nothing is known about but that it is `probe`."""
    made = Tensor(TensorType(None, probe.dtype), "input")
    made.attrs = {"__probe__": probe}
    return made


def note_use(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], caller: str) -> Probe | None:
    """An operation meets its arguments: learn from it. Returns the probe its result still stands for, if any."""
    short = name.rsplit(".", 1)[-1]
    first = args[0] if args else kwargs.get("input", kwargs.get("query"))
    probe = probe_of(first)
    if probe is None:
        for other in args[1:]:
            second = probe_of(other)
            if second is not None and short in ("matmul", "__matmul__", "bmm") and isinstance(first, Tensor):
                second.learn(f"{short} in {caller}", rank=first.type.rank)
        return None
    told = f"first used by {short}"
    weight = kwargs.get("weight", args[1] if len(args) > 1 else None)
    weight_shape = weight.type.shape if isinstance(weight, Tensor) else None
    if short in _WEIGHTED and isinstance(weight, Tensor) and weight.type.dtype in ("f16", "bf16", "f64"):
        probe.learn(told, dtype=weight.type.dtype)
    if re.fullmatch(r"conv[123]d", short) and weight_shape is not None:
        groups = kwargs.get("groups", args[6] if len(args) > 6 else 1)
        channels = weight_shape[1] * groups if isinstance(groups, (int, Sym)) else None
        probe.learn(told, rank=len(weight_shape), channels=channels)
    elif short.startswith("conv_transpose") and weight_shape is not None:
        probe.learn(told, rank=len(weight_shape), channels=weight_shape[0])
    elif short == "linear" and weight_shape:
        probe.learn(told, last=weight_shape[-1])
    elif short == "embedding":
        probe.learn(told, dtype="i64", rank=2)
    elif short in ("layer_norm", "rms_norm"):
        normalized = kwargs.get("normalized_shape", args[1] if len(args) > 1 else None)
        if isinstance(normalized, (tuple, list)) and normalized:
            probe.learn(told, last=normalized[-1])
    elif short in ("batch_norm", "instance_norm", "group_norm"):
        ranks = re.search(r"([123])d", caller)
        shapes = [a.type.shape for a in (*args[1:], *kwargs.values()) if isinstance(a, Tensor) and a.type.shape]
        probe.learn(told, rank=int(ranks[1]) + 2 if ranks else None, channels=shapes[0][0] if shapes else None)
    elif re.search(r"(pool|unpool|unfold|pad|shuffle|grid_sample)", short) and (found := re.search(r"([123])d", short)):
        probe.learn(told, rank=int(found[1]) + 2)
    elif short in ("pixel_shuffle", "pixel_unshuffle", "grid_sample", "channel_shuffle"):
        probe.learn(told, rank=4)
    elif short == "interpolate":
        mode = kwargs.get("mode", args[3] if len(args) > 3 else "nearest")
        rank = {"bilinear": 4, "bicubic": 4, "trilinear": 5, "linear": 3}.get(mode if isinstance(mode, str) else "")
        probe.learn(told, rank=rank)
    elif short == "permute":
        axes = args[1] if len(args) == 2 and isinstance(args[1], (tuple, list)) else args[1:]
        probe.learn(told, rank=len(axes))
    elif short in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        flat = next((a for a in args if isinstance(a, (list, tuple)) and a and isinstance(a[0], Tensor)
                     and a[0].type.rank == 2), None)  # fmt: skip
        shape = flat[0].type.shape if flat else None
        probe.learn(told, rank=3, last=shape[1] if shape else None)
    elif short == "multi_head_attention_forward":
        size = args[3] if len(args) > 3 else kwargs.get("embed_dim_to_check")
        probe.learn(told, rank=3, last=size if isinstance(size, (int, Sym)) else None)
    elif short == "scaled_dot_product_attention":
        probe.learn(told, rank=4)
    elif short in ("matmul", "__matmul__") and weight_shape is not None and len(weight_shape) == 2:
        probe.learn(told, last=weight_shape[0])
    probe.met.append(short)
    return probe if short in _PASSES else None


def note_unpacking(probe: Probe, names: list[str]) -> None:
    """``B, C, H, W = x.shape``: rank and the author's own names."""
    usable = tuple(n if n.isidentifier() and n != "_" else f"N{i}" for i, n in enumerate(names))
    probe.learn("its shape is unpacked", rank=len(names), names=usable)


_SHAPE_TEXT = re.compile(r"[\[(]\s*((?:[A-Za-z_]\w*|\d+)(?:\s*[,x*]\s*(?:[A-Za-z_]\w*|\d+))+)\s*,?\s*[\])]")


def hints_in_source(node: ast.FunctionDef | ast.AsyncFunctionDef, owner: ast.ClassDef | None) -> dict[str, Probe]:
    """Shapes that annotations (jaxtyping) and docstrings give for a function's parameters."""
    found: dict[str, Probe] = {}
    for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        text = _annotated_shape(parameter.annotation)
        if text is not None:
            names = tuple(re.sub(r"\W", "", part) or f"N{i}" for i, part in enumerate(text.split()))
            if names and "..." not in text and "*" not in text:
                found[parameter.arg] = Probe(parameter.arg, len(names), names, told="its annotation")
    given = {p.arg for p in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    if {"hidden_states", "attention_mask"} <= given and "attention_mask" not in found:
        # Inside a model the mask is the one that is added to the scores, no longer the tokenizer's.
        found["attention_mask"] = Probe("attention_mask", 4, ("B", "1", "L", "L"), dtype="f32", told="its name")
    docs = [ast.get_docstring(node) or "", (ast.get_docstring(owner) or "") if owner is not None else ""]
    for parameter in node.args.args[1:]:
        if parameter.arg in found:
            continue
        for doc in docs:
            match = re.search(rf"^\s*[-*]?\s*[`'\"]?{parameter.arg}\b[^\n]*", doc, re.M)
            shape = _SHAPE_TEXT.search(match[0]) if match else None
            if shape is not None:
                names = tuple(re.split(r"\s*[,x*]\s*", shape[1]))
                if 2 <= len(names) <= 5 and all(n.isdigit() or len(n) <= 20 for n in names):
                    dtype = _annotated_dtype(parameter)
                    found[parameter.arg] = Probe(parameter.arg, len(names), names, dtype=dtype, told="its docstring")
                    break
    return found


def _annotated_dtype(parameter: ast.arg) -> str | None:
    """The dtype that ``torch.LongTensor`` or a conventional name gives; None where neither does."""
    text = ast.unparse(parameter.annotation) if parameter.annotation is not None else ""
    for kind, dtype in (("LongTensor", "i64"), ("IntTensor", "i32"), ("BoolTensor", "b8"), ("FloatTensor", "f32")):
        if kind in text:
            return dtype
    known = CONVENTIONS.get(parameter.arg)
    return known[1] if known is not None else None


def _annotated_shape(annotation: ast.expr | None) -> str | None:
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
        last = annotation.slice.elts[-1]
        root = annotation.value
        name = root.attr if isinstance(root, ast.Attribute) else getattr(root, "id", "")
        if name in ("Float", "Int", "Bool", "Shaped", "Num", "Inexact", "Integer", "Float32", "Float16", "Int64"):
            if isinstance(last, ast.Constant) and isinstance(last.value, str):
                return last.value
    return None


__all__ = ["CONVENTIONS", "Probe", "Shape", "hints_in_source", "note_unpacking", "note_use", "probe_of", "probe_tensor"]
