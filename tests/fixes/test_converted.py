"""Before and after through coremltools: the operation that was found is gone from the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from prove import build, fix, given, module
from test_proofs import CLOSE, EXACT, HEAD, UNSAFE, recurrent

ct = pytest.importorskip("coremltools", reason="coremltools is not installed: conversions are not compared")

pytestmark = pytest.mark.filterwarnings("ignore")  # coremltools renames outputs, torch warns of traced sizes


def program(text: str, path: str = "trace") -> list[Any] | str:
    """Operations of the converted program, or why it does not convert."""
    inputs = tuple(given(text, 0))
    try:
        if path == "export":
            model: Any = torch.export.export(build(text), inputs).run_decompositions({})
            shapes = None
        else:
            model = torch.jit.trace(build(text), inputs, check_trace=False)
            shapes = [ct.TensorType(shape=v.shape) for v in inputs]
        made = ct.convert(model, inputs=shapes, convert_to="milinternal", minimum_deployment_target=ct.target.iOS18)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return [op for function in made.functions.values() for op in function.operations]


def kinds(text: str) -> dict[str, int] | str:
    """How many operations of each kind the converted program has, or why it does not convert."""
    found = program(text)
    return found if isinstance(found, str) else dict(Counter(op.op_type for op in found))


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


@pytest.mark.parametrize("case", ["timm", "sequential"])
def test_a_block_over_channels_is_convolutions(case: str, tmp_path: Path) -> None:
    from test_layout import BLOCKS, rewritten

    before, after = kinds(BLOCKS[case]), kinds(rewritten(BLOCKS[case], "ane-layout", "class Block", tmp_path))
    assert isinstance(before, dict)
    assert isinstance(after, dict), after
    assert before["linear"] == after["conv"] == 4
    assert "linear" not in after
    assert "conv" not in before


def kernels(text: str) -> list[tuple[int, ...]]:
    """Kernel sizes of the convolutions in the converted program."""
    found = program(text)
    assert isinstance(found, list), found
    return [tuple(op.weight.shape[2:]) for op in found if op.op_type == "conv"]


def has(kind: str) -> Callable[[Any], bool]:
    return lambda op: op.op_type == kind


def scales_a_product(op: Any) -> bool:
    source = op.x.op if op.op_type == "mul" else None
    return source is not None and source.op_type == "matmul"


def is_unbounded(op: Any) -> bool:
    """An exponential of anything but a difference from the largest."""
    return op.op_type == "exp" and (op.x.op is None or op.x.op.op_type != "sub")


def is_infinite(op: Any) -> bool:
    if op.op_type != "const" or not isinstance(op.val.val, (np.floating, np.ndarray)):
        return False
    return op.val.val.dtype.kind == "f" and bool(np.isinf(op.val.val).any())


def widest(op: Any) -> int:
    """The longest side of what is multiplied: inputs, outputs and the sum."""
    return max((*op.x.shape[-1:], *op.outputs[0].shape[-1:])) if op.op_type in ("matmul", "linear") else 0


# What offends in the program, which has it before and does not have it after; None: there is no program before.
OFFENDS: dict[str, tuple[Callable[[Any], bool] | None, str, str]] = {
    "ANE103-layer": (None, "trace", EXACT["ANE103-layer"][1]),
    "ANE103-convolution": (None, "trace", EXACT["ANE103-convolution"][1]),
    "ANE104-layer": (None, "trace", EXACT["ANE104-layer"][1]),
    "ANE104-layer-exported": (None, "export", EXACT["ANE104-layer"][1]),
    "ANE106": (None, "trace", CLOSE["ANE106-heads"][1]),
    "ANE107": (None, "trace", CLOSE["ANE107-divisor"][1]),
    "ANE109": (None, "export", UNSAFE["ANE109"][0]),
    "ANE112": (None, "export", recurrent("gru")),
    "ANE117": (None, "export", UNSAFE["ANE117"][0]),
    "ANE202": (has("lstm"), "trace", recurrent("plain")),
    "ANE202-gru": (has("while_loop"), "trace", recurrent("deep-gru")),
    "ANE212": (has("scatter_nd"), "trace", EXACT["ANE210-mask"][1]),
    "ANE205-of-truth-values": (has("cumsum"), "trace", CLOSE["ANE205-of-truth-values"][1]),
    "ANE212-layer-exported": (has("scatter_nd"), "export", EXACT["ANE212-layer"][1]),
    "ANE213": (has("one_hot"), "trace", EXACT["ANE213-float"][1]),
    "ANE218": (has("non_zero"), "trace", UNSAFE["ANE218"][0]),
    "ANE304": (lambda op: widest(op) > 32768, "trace", CLOSE["ANE304"][1]),
    "ANE305": (lambda op: op.op_type == "avg_pool" and max(op.kernel_sizes.val) > 32, "trace", CLOSE["ANE305"][1]),
    "ANE309": (lambda op: op.op_type == "matmul" and op.outputs[0].rank > 4, "trace", EXACT["ANE309"][1]),
    "ANE418-roll": (has("gather"), "trace", EXACT["ANE418-roll"][1]),
    "ANE418-roll-exported": (has("gather"), "export", EXACT["ANE418-roll-by-attribute"][1]),
    "ANE418-repeat": (has("transpose"), "trace", EXACT["ANE418-repeat"][1]),
    "ANE502": (has("softmax"), "trace", CLOSE["ANE502"][1]),
    "ANE507": (is_unbounded, "trace", CLOSE["ANE507-softmax"][1]),
    "ANE502-layer": (has("softmax"), "trace", CLOSE["ANE502-layer"][1]),
    "ANE508": (scales_a_product, "trace", CLOSE["ANE508-named"][1]),
    "ANE801": (is_infinite, "trace", EXACT["ANE801-inf"][1]),
    "ANE801-buffer": (is_infinite, "trace", EXACT["ANE801-buffer"][1]),
    "ANE808": (lambda op: widest(op) > 32768, "trace", HEAD),
    "ANE809": (lambda op: op.op_type == "softmax" and int(op.axis.val) in (-1, 3), "trace", UNSAFE["ANE809"][0]),
}  # fmt: skip


@pytest.mark.parametrize("case", OFFENDS)
def test_what_offends_is_gone(case: str, tmp_path: Path) -> None:
    offends, path, text = OFFENDS[case]
    _, _, fixed = fix(text, tmp_path, unsafe=True, **{"export-path": path})
    assert case[:6] in {code for code, _ in fixed.applied}
    before, after = program(text, path), program(fixed.text, path)
    assert isinstance(after, list), after
    if offends is None:
        assert isinstance(before, str), before
    else:
        assert isinstance(before, list), before
        assert any(map(offends, before))
        assert not any(map(offends, after))


def test_long_kernels_are_short_in_the_converted_program(tmp_path: Path) -> None:
    text = module("return self.conv(x)", "self.conv = nn.Conv1d(4, 4, 31, padding=15)", "torch.randn(1, 4, 64)")
    _, _, fixed = fix(text, tmp_path)
    assert kernels(text) == [(31,)]
    assert kernels(fixed.text) == [(11,), (11,), (9,)]


def test_patches_have_a_kernel_of_one(tmp_path: Path) -> None:
    text = module("return self.proj(x)", "self.proj = nn.Conv2d(3, 8, 14, stride=14)", "torch.randn(1, 3, 56, 28)")
    _, _, fixed = fix(text, tmp_path)
    assert kernels(text) == [(14, 14)]
    assert kernels(fixed.text) == [(1, 1)]
    assert "pixel_unshuffle" in kinds(fixed.text)


def test_each_side_of_a_cut_converts_without_the_operation(tmp_path: Path) -> None:
    from test_layout import rewritten

    text = module(
        "y = self.up(x)\nz = torch.cumsum(y, 1)\nreturn self.down(z)",
        "self.up = nn.Linear(16, 32)\nself.down = nn.Linear(32, 16)",
        "torch.randn(2, 8, 16)",
    )
    after = rewritten(text, "split-model", "torch.cumsum", tmp_path)
    assert "cumsum" in kinds(text)
    for part, call in (("before_cumsum", "torch.randn(2, 8, 16)"), ("after_cumsum", "torch.randn(2, 8, 32)")):
        alone = after.replace("def forward(self, x)", "def whole(self, x)").replace(f"def {part}(", "def forward(")
        alone = alone.replace("Net()(torch.randn(2, 8, 16))", f"Net()({call})")
        found = kinds(alone)
        assert isinstance(found, dict), found
        assert "cumsum" not in found
        assert found["linear"] == 1
