"""Our lowerings beside what coremltools really makes of the same call: the same ops with the same constants.

Each case is traced by torch and converted by coremltools for the deployment target; what is left of the program after its
passes is compared with the ops we put in the graph, constants folded and casts aside (fp16 and int64 are not modelled as
casts). A case marked ``refused`` is one coremltools does not convert: ours must then be an ``aten.`` op.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: lowerings are not compared with coremltools")
ct = pytest.importorskip("coremltools", reason="coremltools is not installed: lowerings are not compared with it")

from ane_lsp.graph import TensorType, Value  # noqa: E402
from ane_lsp.graph.types import TORCH_DTYPE  # noqa: E402
from ane_lsp.torch_model import registry  # noqa: E402
from tests.torch_model.harness import resolve  # noqa: E402
from tests.torch_model.test_lowering import Lowering  # noqa: E402

F = "torch.nn.functional."
T = "torch.Tensor."


@dataclass(frozen=True)
class In:
    """A run-time input."""

    shape: tuple[int, ...]
    dtype: str = "f32"


@dataclass(frozen=True)
class W(In):
    """A weight: constant when the model is converted."""


@dataclass
class Case:
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    target: str = "iOS18"
    refused: bool = False
    attrs: bool = True
    export: bool = False  # through torch.export: a trace of it is refused

    def __str__(self) -> str:
        given = [str(a.shape) if isinstance(a, In) else str(a) for a in self.args]
        return f"{self.name.rsplit('.', 1)[-1]}({', '.join(given)}{', ' if self.kwargs else ''}{self.kwargs or ''})@{self.target}"


def case(
    name: str,
    *args: Any,
    target: str = "iOS18",
    refused: bool = False,
    attrs: bool = True,
    export: bool = False,
    **kwargs: Any,
) -> Case:
    return Case(name, args, kwargs, target, refused, attrs, export)


X = In((2, 8, 16, 16))
S = In((2, 6, 16))
Q = In((2, 4, 6, 8))

CASES = [
    # views
    case(T + "view", S, 12, 16), case(T + "reshape", X, 2, -1, 16), case("torch.flatten", X, 1), case("torch.unflatten", S, 1, (2, 3)),
    case(T + "permute", X, 0, 2, 3, 1), case("torch.transpose", S, 1, 2), case(T + "T", In((3, 4))), case(T + "mT", S, export=True),
    case("torch.movedim", S, 0, 2, export=True), case("torch.swapaxes", S, 0, 1),
    case("torch.squeeze", In((2, 1, 3, 1)), 1), case("torch.unsqueeze", S, -1), case(T + "expand", In((2, 1, 16)), 2, 6, 16),
    case(T + "repeat", S, 2, 1, 1), case("torch.tile", S, (2, 1)), case("torch.repeat_interleave", S, 2, 1),
    case(T + "contiguous", S), case("torch.flip", S, (1,)), case("torch.roll", S, 2, 1), case("torch.roll", X, (1, 2), (2, 3)),
    case("torch.tril", In((6, 6))), case("torch.triu", In((6, 6)), 1), case("torch.rot90", X, refused=True),
    case("torch.pixel_shuffle", X, 2), case("torch.pixel_unshuffle", X, 2),
    case("torch.diag", In((4, 4)), refused=True), case("torch.channel_shuffle", X, 2, refused=True),
    # subscripts
    case(T + "__getitem__", S, 0), case(T + "__getitem__", S, (slice(None), -1)), case(T + "__getitem__", S, (slice(None), None)),
    case(T + "__getitem__", S, (Ellipsis, slice(1, 5))), case(T + "__getitem__", S, (slice(None), slice(None, None, 2))),
    case(T + "__getitem__", X, (0, slice(None), slice(2, 4), 3)), case(T + "__getitem__", S, (slice(None), [1, 0])),
    case(T + "__getitem__", X, (slice(None), [1, 0], [0, 1])), case("torch.select", S, 1, 2), case("torch.narrow", S, 1, 1, 2),
    # joins
    case("torch.cat", [S, S], 1), case("torch.stack", [S, S], 1), case("torch.hstack", [S, S]), case("torch.vstack", [S, S], refused=True),
    case("torch.split", S, 2, 1), case("torch.split", S, [1, 5], 1), case("torch.chunk", S, 2, 1), case("torch.unbind", S, 1),
    case("torch.meshgrid", In((3,)), In((4,)), indexing="ij"), case("torch.tensor_split", S, 2, 1, export=True),
    # indices
    case("torch.index_select", S, 1, W((2,), "i64")), case("torch.gather", S, 1, W((2, 6, 16), "i64")),
    case("torch.masked_fill", S, W((2, 6, 16), "b8"), -1.0), case("torch.scatter", S, 1, W((2, 6, 16), "i64"), S),
    case("torch.scatter_add", S, 1, W((2, 6, 16), "i64"), S), case("torch.bucketize", S, W((4,)), refused=True),
    case("torch.index_add", S, 1, W((2,), "i64"), In((2, 2, 16)), refused=True), case("torch.take_along_dim", S, W((2, 6, 16), "i64"), 1, refused=True),
    # products
    case("torch.matmul", Q, In((2, 4, 8, 6))), case("torch.matmul", S, W((16, 4))), case("torch.mm", In((3, 4)), In((4, 5))),
    case("torch.bmm", S, In((2, 16, 4))), case("torch.mv", In((3, 4)), In((4,))), case("torch.dot", In((4,)), In((4,))),
    case("torch.outer", In((4,)), In((3,))), case("torch.addmm", In((5,)), In((3, 4)), In((4, 5))),
    case("torch.addmm", W((5,)), In((3, 4)), W((4, 5))), case("torch.baddbmm", In((2, 3, 5)), In((2, 3, 4)), In((2, 4, 5))),
    case(F + "linear", S, W((8, 16)), W((8,))), case(F + "linear", S, W((8, 16))), case(F + "linear", X, W((8, 16)), W((8,))),
    case("torch.einsum", "bhqd,bhkd->bhqk", Q, Q), case("torch.einsum", "bhqk,bhkd->bhqd", In((2, 4, 6, 6)), Q),
    case("torch.einsum", "bchq,bkhc->bkhq", In((2, 8, 4, 6)), In((2, 5, 4, 8))), case("torch.einsum", "nctv,vw->nctw", X, W((16, 16))),
    case("torch.einsum", "i,j->ij", In((3,)), In((4,))), case("torch.einsum", "bqhd,bkhd->bhqk", Q, Q),
    case("torch.einsum", "bhwc,hkc->bhwk", X, In((8, 5, 16))), case("torch.einsum", "ij,jk->ik", In((3, 4)), In((4, 5))),
    case("torch.cdist", S, S, refused=True), case("torch.inverse", In((3, 3)), refused=True), case("torch.tensordot", S, In((16, 3)), 1, refused=True),
    case("torch.norm", S, dim=1), case("torch.linalg.vector_norm", S, 1, 1), case("torch.linalg.vector_norm", S, float("inf"), 1),
    case("torch.linalg.vector_norm", S, 3, 1), case("torch.cosine_similarity", S, S), case("torch.cross", In((4, 3)), In((4, 3))),
    # convolutions
    case(F + "conv1d", S, W((4, 6, 3))), case(F + "conv2d", X, W((4, 8, 3, 3)), W((4,)), stride=2, padding=1),
    case(F + "conv2d", X, W((8, 1, 5, 3)), None, 1, (2, 1), 1, 8), case(F + "conv2d", X, W((4, 8, 3, 3)), padding="same", dilation=2),
    case(F + "conv2d", X, In((4, 8, 3, 3))), case(F + "conv3d", In((1, 2, 8, 8, 8)), W((4, 2, 3, 3, 3)), padding=1),
    case(F + "conv_transpose2d", X, W((8, 4, 4, 4)), W((4,)), 2, 1), case(F + "conv_transpose2d", X, W((8, 4, 3, 3)), None, 2, 1, 1),
    case(F + "conv_transpose1d", S, W((6, 4, 3)), None, 2, 1, 1), case(F + "conv_transpose2d", X, W((8, 4, 3, 3)), None, 2, 0, 1, refused=True),
    case(F + "unfold", X, 3, 1, 1, 2), case(F + "fold", In((1, 8, 16)), (8, 8), 2, 1, 0, 2),
    # pools
    case(F + "max_pool2d", X, 3, 2, 1), case(F + "max_pool2d", X, 2), case(F + "max_pool2d", X, 3, 2, 0, 1, True),
    case(F + "max_pool2d", X, 3, 1, 1, 2, refused=True), case(F + "max_pool3d", In((1, 2, 9, 9, 9)), 2, 2, 0, 1, True),
    case(F + "avg_pool2d", X, 3, 2, 1), case(F + "avg_pool2d", X, 3, 2, 1, False, False), case(F + "avg_pool1d", S, 2),
    case(F + "avg_pool2d", X, 2, divisor_override=3, refused=True), case(F + "adaptive_avg_pool2d", X, 1), case(F + "adaptive_avg_pool2d", X, 4),
    case(F + "adaptive_avg_pool2d", In((1, 2, 4, 4)), 3), case(F + "adaptive_max_pool2d", X, 4), case(F + "adaptive_avg_pool1d", S, 4),
    case(F + "adaptive_avg_pool3d", In((1, 2, 4, 4, 4)), 1, refused=True), case(F + "lp_pool2d", X, 2.0, 2),
    # normalisation
    case(F + "batch_norm", X, W((8,)), W((8,)), W((8,)), W((8,))), case(F + "batch_norm", X, W((8,)), W((8,))),
    case(F + "batch_norm", In((4, 8)), W((8,)), W((8,)), W((8,)), W((8,))), case(F + "batch_norm", X, None, None, None, None, True),
    case(F + "layer_norm", S, (16,), W((16,)), W((16,))), case(F + "layer_norm", S, (6, 16)), case(F + "instance_norm", X),
    case(F + "group_norm", X, 4, W((8,)), W((8,))), case(F + "rms_norm", S, (16,), W((16,)), 1e-6), case(F + "normalize", S, dim=1),
    case(F + "local_response_norm", X, 3),
    # activations
    *(case(F + name, S) for name in ("relu", "relu6", "silu", "mish", "hardswish", "hardsigmoid", "softsign", "selu", "sigmoid", "tanh", "tanhshrink")),
    case(F + "gelu", S), case(F + "gelu", S, approximate="tanh"), case(F + "elu", S, 0.5), case(F + "leaky_relu", S, 0.2),
    case(F + "hardtanh", S), case(F + "softplus", S), case(F + "softplus", X, 2.0), case(F + "softplus", S, 2.0), case(F + "glu", S, 2),
    case(F + "prelu", X, W((1,)), attrs=False), case(F + "threshold", S, 0.1, 0.1), case(F + "threshold", S, 0.1, 20.0),
    case(F + "celu", S, refused=True), case(F + "hardshrink", S, refused=True), case(F + "logsigmoid", S, refused=True),
    case("torch.softmax", S, 1), case("torch.log_softmax", S, -1), case(F + "softmin", S, -1), case(F + "dropout", S, 0.5, False),
    # attention
    case(F + "scaled_dot_product_attention", Q, Q, Q), case(F + "scaled_dot_product_attention", Q, Q, Q, target="iOS17"),
    case(F + "scaled_dot_product_attention", Q, Q, Q, scale=0.25), case(F + "scaled_dot_product_attention", Q, Q, Q, W((6, 6))),
    case(F + "scaled_dot_product_attention", Q, Q, Q, W((6, 6)), target="iOS17"), case(F + "scaled_dot_product_attention", Q, Q, Q, is_causal=True),
    case(F + "scaled_dot_product_attention", In((6, 8)), In((6, 8)), In((6, 8))),
    # the rest
    case(F + "embedding", W((4, 3), "i64"), W((10, 8))), case(F + "interpolate", X, scale_factor=2), case(F + "interpolate", X, size=(20, 24)),
    case(F + "interpolate", X, scale_factor=2, mode="bilinear"), case(F + "interpolate", X, size=(20, 24), mode="bilinear"),
    case(F + "interpolate", X, scale_factor=2.0, mode="bilinear", align_corners=True), case(F + "interpolate", S, scale_factor=2, mode="linear"),
    case(F + "interpolate", X, size=(8, 8), mode="area"), case(F + "interpolate", X, scale_factor=2, mode="bicubic", refused=True),
    case(F + "grid_sample", X, In((2, 5, 5, 2)), align_corners=False), case(F + "grid_sample", X, In((2, 5, 5, 2)), "nearest", "border", True),
    case(F + "pad", S, (1, 2)), case(F + "pad", X, (1, 1, 2, 0), "reflect"), case(F + "pad", X, (0, 0, 0, 0)),
    case(F + "pad", X, (1, 1), value=2.0), case(F + "pad", X, (-1, 0), refused=True), case(F + "pad", S, (1, 1), "circular", refused=True),
    case(F + "mse_loss", S, S), case(F + "cross_entropy", In((4, 5)), W((4,), "i64"), refused=True),
]  # fmt: skip
SKIPPED = {"const", "cast", "identity"}


def from_front(constants: dict[str, Any], rank: int | None) -> dict[str, Any]:
    """Axes counted from the front."""
    found = dict(constants)
    for key in {"axis", "axes", "perm"} & set(found):
        value = found[key]
        if rank and isinstance(value, (tuple, list)):
            found[key] = tuple(v % rank for v in value)
        elif rank and isinstance(value, int):
            found[key] = value % rank
    return found


def plain(value: Any) -> Any:
    """A constant of a MIL program as plain Python."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(plain(v) for v in value) if isinstance(value, (list, tuple)) else value


def convert(c: Case) -> list[tuple[str, dict[str, Any]]] | None:
    """(op, constants) of coremltools' program; None where it refuses the call."""
    weights: list[Any] = []
    inputs: list[Any] = []

    def make(value: Any) -> Any:
        if isinstance(value, W):
            kind = getattr(torch, TORCH_DTYPE[value.dtype])
            data = torch.rand(value.shape) + 0.5 if value.dtype == "f32" else (torch.rand(value.shape) > 0.5).to(kind)
            weights.append(data)
            return ("w", len(weights) - 1)
        if isinstance(value, In):
            inputs.append(torch.rand(value.shape))
            return ("i", len(inputs) - 1)
        if isinstance(value, list):
            return [make(v) for v in value]
        return value

    args = [make(a) for a in c.args]
    kwargs = {k: make(v) for k, v in c.kwargs.items()}
    function = resolve(c.name)

    class Module(torch.nn.Module):
        def forward(self, *given: Any) -> Any:
            def pick(value: Any) -> Any:
                if (
                    isinstance(value, tuple)
                    and len(value) == 2
                    and value[0] in ("w", "i")
                    and isinstance(value[1], int)
                ):
                    return weights[value[1]] if value[0] == "w" else given[value[1]]
                return [pick(v) for v in value] if isinstance(value, list) else value

            found = function(*map(pick, args), **{k: pick(v) for k, v in kwargs.items()})
            # The cosine keeps an op that changes nothing from being the program's output, which passes leave alone.
            if not inputs:  # a program needs an input
                return torch.cos(found + given[0])
            return tuple(torch.cos(t) for t in found) if isinstance(found, (list, tuple)) else torch.cos(found)

    example = tuple(inputs) or (torch.zeros(1),)
    logging.getLogger("coremltools").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if c.export:
                source = torch.export.export(Module().eval(), example).run_decompositions({})
                shapes = None
            else:
                source = torch.jit.trace(Module().eval(), example, check_trace=False)
                shapes = [ct.TensorType(shape=tuple(e.shape)) for e in example]
            program = ct.convert(
                source,
                inputs=shapes,
                convert_to="milinternal",
                minimum_deployment_target=getattr(ct.target, c.target),
                compute_precision=ct.precision.FLOAT32,
            )
        except Exception:
            return None
    found = []
    for op in program.functions["main"].operations:
        if op.op_type in {*SKIPPED, "cos"} or (not inputs and op.op_type == "add"):
            continue
        constants = {
            k: plain(v.val)
            for k, v in op.inputs.items()
            if not isinstance(v, (list, tuple)) and v is not None and v.val is not None
        }
        rank = getattr(op.inputs.get("x"), "rank", None)
        if rank is not None and op.op_type == "expand_dims":
            rank += len(constants["axes"])
        found.append((op.op_type, from_front(constants, rank)))
    return found


def lower(c: Case) -> list[tuple[str, dict[str, Any]]]:
    """(op, attributes) of our graph, folded ops and casts aside."""
    low = Lowering(c.target)
    decl = registry.find(c.name)
    assert decl is not None

    def types(value: Any) -> Any:
        if isinstance(value, In):
            return TensorType(value.shape, value.dtype)
        return [types(v) for v in value] if isinstance(value, list) else value

    def values(value: Any, source: Any) -> Any:
        if isinstance(value, TensorType):
            return low.builder.value(value, "parameter" if isinstance(source, W) else "input")
        return [values(v, s) for v, s in zip(value, source, strict=True)] if isinstance(value, list) else value

    args, kwargs = [types(a) for a in c.args], {k: types(v) for k, v in c.kwargs.items()}
    result = decl.infer(tuple(args), kwargs)
    if decl.mil is None:
        return [(f"aten.{c.name}", {})]
    given = decl.bind(
        tuple(values(t, a) for t, a in zip(args, c.args, strict=True)),
        {k: values(t, c.kwargs[k]) for k, t in kwargs.items()},
    )
    made = decl.mil(low, given, result)
    assert made is not None
    live = _live(low.builder.graph.ops, made)
    return [(op.kind, from_front(op.attrs, _rank(op))) for op in live if op.kind not in SKIPPED and not op.folds]


def _rank(op: Any) -> int | None:
    x = op.outputs[0] if op.kind == "expand_dims" else op.inputs.get("x")
    return x.type.rank if isinstance(x, Value) else None


def _live(ops: list[Any], made: Any) -> list[Any]:
    """Ops whose results are used, as dead code is removed by a converter."""
    needed = {v.id for v in _flat(made)}
    kept = []
    for op in reversed(ops):
        if any(v.id in needed for v in op.outputs):
            kept.append(op)
            needed |= {v.id for v in op.input_values()}
    return kept[::-1]


def _flat(made: Any) -> list[Value]:
    if isinstance(made, Value):
        return [made]
    return [v for item in made for v in _flat(item)] if isinstance(made, (tuple, list)) else []


# Attributes that mean the same under another spelling.
IGNORED = {"begin", "end", "begin_mask", "end_mask", "squeeze_mask", "stride"}


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, (tuple, list)) and isinstance(theirs, (tuple, list)):
        return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    if theirs == -1 and isinstance(ours, int):
        return True  # a size that reshape works out
    if isinstance(ours, float) or isinstance(theirs, float):
        return bool(abs(float(ours) - float(theirs)) <= 1e-3 * max(1.0, abs(float(theirs))))
    return bool(ours == theirs)


@pytest.mark.parametrize("c", CASES, ids=str)
def test_same_ops_as_coremltools(c: Case) -> None:
    theirs, ours = convert(c), lower(c)
    if c.refused:
        assert theirs is None, f"coremltools converts it to {[k for k, _ in theirs]}"
        assert any(kind.startswith("aten.") for kind, _ in ours), ours
        return
    assert theirs is not None, "coremltools refuses it"
    assert Counter(kind for kind, _ in ours) == Counter(kind for kind, _ in theirs)
    if not c.attrs:
        return
    for kind in {kind for kind, _ in ours}:
        mine, real = ([a for k, a in ops if k == kind] for ops in (ours, theirs))
        if len(mine) == 1:
            shared = set(mine[0]) & set(real[0]) - IGNORED
            wrong = {k: (mine[0][k], real[0][k]) for k in shared if not same(mine[0][k], real[0][k])}
            assert not wrong, f"{kind}: (ours, coremltools) {wrong}"
