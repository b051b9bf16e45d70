"""Finds attention in a graph: products of two run-time tensors with a softmax between them, or the fused operation."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.engine import Context
from ane_lsp.checks.flow import Flow, first, flow_of, runtime
from ane_lsp.graph import Op, Value
from ane_lsp.graph.moves import VIEWS
from ane_lsp.graph.records import dataclass

_PRODUCTS = ("matmul", "einsum")
_BETWEEN = frozenset({"add", "sub", "mul", "real_div", "select", "maximum", "minimum", "clip", "tanh"})


@dataclass(frozen=True, slots=True)
class Attention:
    """One attention. fused: the op where torch's call became one op. scores, softmax, values: the written-out form."""

    fused: Op | None = None
    scores: Op | None = None
    softmax: Op | None = None
    values: Op | None = None

    @property
    def op(self) -> Op:
        """The op that stands for it."""
        found = self.fused or self.scores
        assert found is not None
        return found

    @property
    def queries(self) -> Value:
        """A tensor with the shape of the queries."""
        return first(self.op)

    @property
    def per_head(self) -> bool:
        """Written for one head at a time in (batch, channels, 1, sequence) layout, as Apple recommends."""
        return self.scores is not None and is_channel_first(self.scores)

    @property
    def all_heads(self) -> bool:
        """Several heads (or batch times heads) in one product, as far as the shape tells."""
        shape = self.queries.type.shape
        if shape is None or len(shape) < 3 or self.per_head:
            return False
        heads = shape[0] if len(shape) == 3 else shape[-3]
        return isinstance(heads, int) and heads > 1


def attentions(context: Context) -> list[Attention]:
    """Every attention of a context's graph, in order."""
    found = context.memo.get("attentions")
    if found is None:
        found = context.memo["attentions"] = list(_find(flow_of(context)))
    return list(found)


def _find(flow: Flow) -> Iterator[Attention]:
    for op in flow.of("scaled_dot_product_attention", "softmax"):
        if op.kind == "scaled_dot_product_attention":
            yield Attention(fused=op)
        else:
            scores = product_behind(flow, first(op))
            if scores is None:
                continue
            values = next(
                (
                    user for user in flow.reached(op.outputs[0], VIEWS | {"mul", "select"}, steps=6)
                    if user.kind in _PRODUCTS and len(runtime(user)) == 2
                ),
                None,
            )  # fmt: skip
            if values is not None:
                yield Attention(scores=scores, softmax=op, values=values)


def product_behind(flow: Flow, value: Value, depth: int = 8) -> Op | None:
    """The product of two run-time tensors that a value comes from, masks and scales in between skipped."""
    op = flow.maker(value)
    if op is None or depth == 0:
        return None
    if op.kind in _PRODUCTS and len(runtime(op)) == 2:
        return op
    if op.kind not in _BETWEEN:
        return None
    for operand in runtime(op):
        found = product_behind(flow, operand, depth - 1)
        if found is not None:
            return found
    return None


def equation(op: Op) -> tuple[list[str], str] | None:
    """Input and output subscripts of an einsum; None where they are not written out."""
    text = op.attrs.get("equation")
    if not isinstance(text, str):
        text = next((a for a in op.call.args if isinstance(a, str)), None)
    if not isinstance(text, str) or "->" not in text or "." in text:
        return None
    left, _, out = text.replace(" ", "").partition("->")
    return left.split(","), out


def is_channel_first(op: Op) -> bool:
    """The scores of Apple's form: ``bchq,bkhc->bkhq`` under any letters and in either order."""
    parsed = equation(op)
    if parsed is None or len(parsed[0]) != 2:
        return False
    inputs, out = parsed
    for queries, keys in (inputs, inputs[::-1]):
        if len(queries) == len(keys) == len(out) == 4:
            b, c, h, q = tuple(queries)
            if (
                keys[0] == b
                and keys[2] == h
                and keys[3] == c
                and out == f"{b}{keys[1]}{h}{q}"
                and len({b, c, h, q, keys[1]}) == 5
            ):
                return True
    return False


def contracts_second_axis(op: Op) -> bool:
    """The values of Apple's form: ``bkhq,bchk->bchq``."""
    parsed = equation(op)
    if parsed is None or len(parsed[0]) != 2:
        return False
    inputs, out = parsed
    return any(
        len(weights) == 4 and weights[1] in values and weights[1] not in out
        for weights, values in (inputs, inputs[::-1])
    )
