"""What torch.export knows of the values of tensors while it captures a model."""

from __future__ import annotations

from ane_lsp.checks.engine import Context
from ane_lsp.graph import Call, Value, dims
from ane_lsp.graph.liveness import values

# Tensors made of Python numbers, whatever else these are given.
_OF_NUMBERS = frozenset({
    "torch.tensor", "torch.as_tensor", "torch.asarray", "torch.from_numpy", "torch.Tensor.new_tensor",
})  # fmt: skip
# Whatever they are told, what they make is not looked at.
_FILLED = frozenset(
    f"torch.{name}"
    for name in (
        "zeros", "ones", "full", "empty", "scalar_tensor", "arange", "range", "linspace", "logspace", "eye", "rand", "randn", "randint",
        "randperm", "normal", "tril_indices", "triu_indices",
    )
)  # fmt: skip
# The other tensor only says of which type and where.
_LIKE_OTHERS = frozenset({"torch.Tensor.to", "torch.Tensor.type_as"})


def told_to_export(context: Context, numbers: bool = False) -> frozenset[int]:
    """Ids of constants whose value torch.export knows: single numbers that the running model writes down, and what it computes of them,
    one number at a time (seen with torch 2.13). Of a tensor whose shape nobody knows here, it is taken to know the value.

    numbers: where one is taken out (``int(n)``), and not asked whether it is true. There it also knows tensors that the model holds
    without having registered them.
    """
    key = f"told to export: {'numbers' if numbers else 'truth'}"
    known: frozenset[int] | None = context.memo.get(key)
    if known is None:
        told: set[int] = set()
        seen: set[int] = set()
        unsure: set[int] = set()  # of some kind, or of what is
        for call in context.graph.calls:
            given = call.given
            unsure.update(one.id for one in given if one.type.shape is None)
            if numbers:
                told.update(one.id for one in given if one.id not in seen and _is_attribute(one))
            source = given[:1] if call.torch in _LIKE_OTHERS else given
            for made in values(call.result):
                if made.id not in seen and all(made.id != one.id for one in given):
                    seen.add(made.id)
                    if made.type.shape is None or not unsure.isdisjoint(one.id for one in given):
                        unsure.add(made.id)
                    elif _is_told(call, made, source, told):
                        told.add(made.id)
        context.memo[key] = known = frozenset(told | unsure)
    return known


def _is_attribute(value: Value) -> bool:
    """Whether a constant that no call has made is a single number."""
    return value.origin == "constant" and value.producer is None and _is_single(value)


def _is_told(call: Call, made: Value, given: tuple[Value, ...], told: set[int]) -> bool:
    """Whether torch.export knows the value of what a call makes."""
    if not _is_single(made) or call.torch in _FILLED:
        return False
    if call.torch in _OF_NUMBERS:
        return not given or call.torch == "torch.Tensor.new_tensor" or all(one.id in told for one in given)
    return all(one.id in told for one in given)


def _is_single(value: Value) -> bool:
    return value.type.shape is not None and dims.equal(dims.product(value.type.shape), 1) is True
