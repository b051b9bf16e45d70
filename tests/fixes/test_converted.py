"""Before and after through coremltools: the operation that was found is gone from the program."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from prove import build, fix, given, module

ct = pytest.importorskip("coremltools", reason="coremltools is not installed: conversions are not compared")

pytestmark = pytest.mark.filterwarnings("ignore")  # coremltools renames outputs, torch warns of traced sizes


def kinds(text: str) -> dict[str, int] | str:
    """Operations of the converted program, or why it does not convert."""
    inputs = tuple(given(text, 0))
    try:
        traced = torch.jit.trace(build(text), inputs, check_trace=False)
        model = ct.convert(
            traced,
            inputs=[ct.TensorType(shape=v.shape) for v in inputs],
            convert_to="milinternal",
            minimum_deployment_target=ct.target.iOS18,
        )
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    found: dict[str, int] = {}
    for function in model.functions.values():
        for op in function.operations:
            found[op.op_type] = found.get(op.op_type, 0) + 1
    return found


# Offending operation, or None where the model before does not convert at all.
CASES = {
    "cumsum": ("cumsum", module("return x.cumsum(-1) + 1")),
    "band_part": ("band_part", module("return x.tril() + 1")),
    "negative-padding": (None, module("return F.pad(x, (-1, -1)) + 1")),
    "circular-padding": (None, module('return F.pad(x, (1, 1, 1, 1), mode="circular") + 1')),
    "addcmul": (None, module("return torch.addcmul(x, x, x, value=0.5)")),
    "hardshrink": (None, module("return F.hardshrink(x, 0.3)")),
    "nearest-exact": (None, module('return F.interpolate(x, scale_factor=2, mode="nearest-exact") + 1')),
    "prod": (None, module("return x.prod(-1) + 1", inputs="torch.randn(1, 8, 16, 4)")),
    "ellipsis": (
        None,
        module(
            'return torch.einsum("...ij,...jk->...ik", x, y)',
            args="x, y",
            inputs="torch.randn(2, 4, 5), torch.randn(2, 5, 6)",
        ),
    ),
    "softplus": ("softplus", module("return F.softplus(x)")),
    "group-norm": ("reduce_mean", module("return self.n(x)", "self.n = nn.GroupNorm(8, 8)")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_operation_is_gone(case: str, tmp_path: Path) -> None:
    op, text = CASES[case]
    _, _, fixed = fix(text, tmp_path)
    assert fixed.applied
    before, after = kinds(text), kinds(fixed.text)
    assert isinstance(after, dict), after
    if op is None:
        assert isinstance(before, str), before
    else:
        assert op in before
        assert op not in after


def test_windows_are_narrow_in_the_converted_program(tmp_path: Path) -> None:
    text = module("return self.pool(x)", "self.pool = nn.MaxPool2d(13, stride=1, padding=6)")
    _, _, fixed = fix(text, tmp_path)
    before, after = kinds(text), kinds(fixed.text)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert (before["max_pool"], after["max_pool"]) == (1, 3)


def test_a_finite_mask_stays_in_fp16(tmp_path: Path) -> None:
    """The cast back to fp32 that a constant outside fp16 forces is gone."""
    text = module(
        "return x.masked_fill(mask > 0, -1e9).softmax(-1)",
        args="x, mask",
        inputs="torch.randn(1, 8, 32, 32), torch.randn(1, 1, 32, 32)",
    )
    _, _, fixed = fix(text, tmp_path)
    before, after = kinds(text), kinds(fixed.text)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after.get("cast", 0) < before.get("cast", 0)
