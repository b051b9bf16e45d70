"""Values that model code computes from small tensors while it is built."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: computed values are not compared with it")

from ane_lsp.graph import TensorType, Unknown, dims  # noqa: E402
from ane_lsp.torch_model.constants import LIMIT, round_float  # noqa: E402
from ane_lsp.torch_model.registry import find  # noqa: E402


def run(name: str, *args: Any, **kwargs: Any) -> Any:
    decl = find(name)
    assert decl is not None
    return decl.infer(args, kwargs)


@pytest.mark.parametrize(("rate", "depth"), [(0.1, 12), (0.2, 24), (0.05, 7), (0.3, 50), (0.0, 4), (0.15, 1)])
def test_stochastic_depth_rates(rate: float, depth: int) -> None:
    """timm: ``[x.item() for x in torch.linspace(0, rate, sum(depths))]``; the last bit depends on the CPU's vectors."""
    mine = run("torch.linspace", 0, rate, depth)
    assert run("torch.Tensor.tolist", mine) == pytest.approx(torch.linspace(0, rate, depth).tolist(), rel=2e-7)


def test_stage_widths_of_regnet() -> None:
    """torchvision: widths from a ramp, quantised in log space, then made unique with counts."""

    def widths(t: Any) -> Any:
        ramp = t.add(t.mul(t.arange(16), 20.71), 48.0)
        steps = t.round(t.div(t.log(t.div(ramp, 48.0)), math.log(2.65)))
        sizes = t.mul(t.round(t.divide(t.mul(t.pow(2.65, steps), 48.0), 8)), 8)
        return t.unique(t.to_int(sizes))

    class Ours:
        def __getattr__(self, name: str) -> Any:
            return lambda *args: run(f"torch.{name}", *args)

        def to_int(self, x: Any) -> Any:
            return run("torch.Tensor.int", x)

    class Theirs:
        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        def to_int(self, x: Any) -> Any:
            return x.int()

    assert list(widths(Ours()).data) == widths(Theirs()).tolist()


def test_masks_known_to_be_all_true() -> None:
    """transformers: ``if mask.all(): mask = None``."""
    mask = run("torch.ones", 1, 64)
    known = run("torch.Tensor.all", run("torch.Tensor.bool", mask))
    assert run("torch.Tensor.item", known) is True
    assert run("torch.Tensor.__bool__", run("torch.all", run("torch.eq", mask, 0))) is False


def test_unknown_values_stay_unknown() -> None:
    x = TensorType((), "f32")
    for name in ("item", "tolist", "__bool__", "__int__", "__float__"):
        assert isinstance(run(f"torch.Tensor.{name}", x), Unknown)
    assert run("torch.randn", 2, 3).data is None
    assert run("torch.empty", 2).data is None


def test_large_tensors_carry_no_elements() -> None:
    assert run("torch.zeros", LIMIT).data is not None
    assert run("torch.zeros", LIMIT + 1).data is None
    assert run("torch.arange", 10**9).shape == (10**9,)


def test_sizes_of_data_dependent_results_are_fresh() -> None:
    found = run("torch.nonzero", TensorType((4, 5), "b8"))
    assert found.shape[1] == 2
    assert not dims.is_known(found.shape[0])
    rows, columns = run("torch.where", TensorType((4, 5), "b8"))
    assert rows.shape == columns.shape


def test_symbolic_ranges() -> None:
    length = dims.symbol("L")
    assert run("torch.arange", length).shape == (length,)
    assert run("torch.arange", 0, length * 2, 2).shape == (length,)
    assert run("torch.arange", 1, length).shape == (length - 1,)


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
def test_rounding(dtype: str) -> None:
    kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]
    for value in (0.1, 1 / 3, 1e-8, 65504.0, 65520.0, 3.4e38, -2.7, 1.00390625, 1.01171875, 0.0, math.inf, 1e-40):
        assert round_float(value, dtype) == torch.tensor(value, dtype=torch.float64).to(kind).item(), value
    assert math.isnan(round_float(math.nan, dtype))


def test_numpy_spellings_of_arguments() -> None:
    x = TensorType((2, 3), "f32")
    assert run("torch.sum", x, axis=1, keepdims=True).shape == (2, 1)
    assert run("torch.add", x1=x, x2=x).shape == (2, 3)


@pytest.mark.parametrize("dtype", ["f32", "f64", "f16", "i8", "u8", "i64"])
def test_many_numbers_at_once_are_what_each_would_be(dtype: str) -> None:
    from ane_lsp.torch_model.constants import as_dtype, convert

    whole = [*range(-3, 300), 2**31, -(2**40)]
    real = [0.1, -0.0, 1e-45, 1e-320, 3.4e38, 1e39, -1e300, 65504.0, 65520.0, 1 / 3, 7.0]
    for numbers in ([*real], whole, [*whole, 0.5], [*real, math.inf], [True, *whole], real[:3]):
        try:
            expected = tuple(as_dtype(value, dtype) for value in numbers)
        except ValueError:
            expected = None
        assert repr(convert(numbers, dtype)) == repr(expected)
