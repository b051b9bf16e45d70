"""Type promotion and operator names, exhaustively against torch."""

from __future__ import annotations

import operator
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: promotion is not compared with it")

from torch.overrides import TorchFunctionMode, resolve_name  # noqa: E402

from ane_lsp.graph import TORCH_DTYPE, TensorType, Unknown, dims  # noqa: E402
from ane_lsp.torch_model import inplace, operators, promotion  # noqa: E402
from ane_lsp.torch_model.registry import TorchError, find  # noqa: E402

DTYPES = [short for short, long in TORCH_DTYPE.items() if hasattr(torch, long)]
OPERANDS = ["f16", "bf16", "f32", "f64", "i64", "u8", "b8", "c64"]


def torch_dtype(short: str) -> Any:
    return getattr(torch, TORCH_DTYPE[short])


def answer(function: Any, *args: Any) -> Any:
    """The result as a short dtype name, "error" where it raises."""
    try:
        found = function(*args)
    except (RuntimeError, TorchError):
        return "error"
    return next((s for s in DTYPES if torch_dtype(s) == found), found)


@pytest.mark.parametrize("left", DTYPES)
def test_promote_types(left: str) -> None:
    for right in DTYPES:
        want = answer(torch.promote_types, torch_dtype(left), torch_dtype(right))
        assert answer(promotion.promote_types, left, right) == want, (left, right)


@pytest.mark.parametrize("left", DTYPES)
def test_can_cast(left: str) -> None:
    for right in DTYPES:
        if not left.startswith("q") and not right.startswith("q"):
            assert promotion.can_cast(left, right) == torch.can_cast(torch_dtype(left), torch_dtype(right)), (
                left,
                right,
            )


def test_result_type_of_every_kind_of_operand() -> None:
    ours = [TensorType(shape, dtype) for dtype in OPERANDS for shape in ((), (2,))] + [True, 3, 2.5, 1j]
    theirs = [
        torch.empty(value.shape, dtype=torch_dtype(value.dtype)) if isinstance(value, TensorType) else value
        for value in ours
    ]
    for a, real_a in zip(ours, theirs, strict=True):
        for b, real_b in zip(ours, theirs, strict=True):
            want = answer(torch.result_type, real_a, real_b)
            assert answer(promotion.result_type, a, b) == want, (a, b)
            if isinstance(a, TensorType) and isinstance(b, TensorType):
                for c, real_c in zip(ours, theirs, strict=True):
                    if isinstance(c, TensorType):
                        got = (
                            torch.addcmul(real_a.clone() * 0, real_b, real_c).dtype
                            if "b8" not in (a.dtype, b.dtype, c.dtype)
                            else None
                        )
                        assert got is None or promotion.result_type(a, b, c) == answer(lambda got=got: got), (a, b, c)


def test_unknown_rank_is_decided_only_where_it_does_not_matter() -> None:
    assert promotion.result_type(TensorType(None, "f16"), 2.0) == "f16"
    assert promotion.result_type(TensorType(None, "f16"), TensorType((2,), "f32")) == "f32"
    assert promotion.result_type(TensorType(None, "f32"), TensorType((2,), "f16")) is None
    assert promotion.result_type(TensorType((2,), "f16"), Unknown("x")) is None


class Names(TorchFunctionMode):
    """Collects the names torch records."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found.append(resolve_name(function))
        return function(*args, **(kwargs or {}))


CALLS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "@": operator.matmul, "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "<<": operator.lshift, ">>": operator.rshift, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@pytest.mark.parametrize("symbol", CALLS)
def test_operators_are_recorded_as_torch_records_them(symbol: str) -> None:
    left, right = operators.BINARY[symbol]
    x = torch.ones(2, 2, dtype=torch.int64)
    with Names() as names:
        CALLS[symbol](x, x)
        if symbol != "@":
            CALLS[symbol](2, x)
    want = [operators.recorded(f"torch.Tensor.{method}") for method in (left, right)]
    assert names.found == want[: len(names.found)]
    assert all(find(f"torch.Tensor.{method}") for method in (left, right) if symbol != "@")


def test_in_place_keeps_shape_and_dtype() -> None:
    target = TensorType((2, 3), "f32")
    assert inplace.stored(target, TensorType((2, 3), "i64", (1,) * 6)) == target
    assert inplace.stored(target, TensorType((2, 3), "i64", (1,) * 6)).data == (1.0,) * 6
    with pytest.raises(TorchError):
        inplace.stored(TensorType((3,), "f32"), TensorType((2, 3), "f32"))
    with pytest.raises(TorchError):
        inplace.stored(TensorType((3,), "i64"), TensorType((3,), "f32"))
    assert inplace.stored(TensorType(None, None), TensorType((3,), "f32")).dtype is None
    symbolic = TensorType((dims.symbol("B"), 3), "f32")
    assert inplace.stored(symbolic, TensorType((dims.symbol("B"), 3), "f32")) == symbolic
