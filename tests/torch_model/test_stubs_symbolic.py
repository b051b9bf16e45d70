"""Modules called on inputs whose sizes are symbols: with the symbols bound, the result is what torch gives for those sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import TensorType, dims
from ane_lsp.interp.run import guarded, load_file
from ane_lsp.interp.values import Tensor
from tests.torch_model import stub_harness

torch = pytest.importorskip("torch", reason="compares symbolic shapes with real torch")

SIZES = ({"B": 2, "L": 5, "H": 16, "W": 24}, {"B": 1, "L": 8, "H": 32, "W": 16})

CASES: list[tuple[str, tuple[tuple[Any, ...], ...]]] = [
    ("nn.Linear(8, 3)", (("B", "L", 8),)),
    ("nn.Conv1d(4, 8, 3, stride=2, padding=1)", (("B", 4, "H"),)),
    ("nn.Conv2d(4, 8, 3, stride=2, padding=1)", (("B", 4, "H", "W"),)),
    ("nn.Conv2d(4, 8, 3, padding=1, padding_mode='reflect')", (("B", 4, "H", "W"),)),
    ("nn.ConvTranspose2d(4, 8, 2, 2)", (("B", 4, "H", "W"),)),
    ("nn.BatchNorm2d(4)", (("B", 4, "H", "W"),)),
    ("nn.InstanceNorm2d(4, affine=True)", (("B", 4, "H", "W"),)),
    ("nn.GroupNorm(2, 4)", (("B", 4, "H", "W"),)),
    ("nn.LayerNorm(8)", (("B", "L", 8),)),
    ("nn.RMSNorm(8)", (("B", "L", 8),)),
    ("nn.MaxPool2d(2)", (("B", 4, "H", "W"),)),
    ("nn.AvgPool2d(3, 2, 1, ceil_mode=True)", (("B", 4, "H", "W"),)),
    ("nn.AdaptiveAvgPool2d((1, None))", (("B", 4, "H", "W"),)),
    ("nn.PixelShuffle(2)", (("B", 4, "H", "W"),)),
    ("nn.PixelUnshuffle(4)", (("B", 4, "H", "W"),)),
    ("nn.Upsample(scale_factor=2)", (("B", 4, "H", "W"),)),
    ("nn.ZeroPad2d((1, 2, 0, 3))", (("B", 4, "H", "W"),)),
    ("nn.CircularPad2d(1)", (("B", 4, "H", "W"),)),
    ("nn.Flatten()", (("B", 4, "H", "W"),)),
    ("nn.Flatten(2)", (("B", 4, "H", "W"),)),
    ("nn.Unflatten(1, (2, 2))", (("B", 4, "H", "W"),)),
    ("nn.GLU(1)", (("B", 4, "H", "W"),)),
    ("nn.Softmax(-1)", (("B", 4, "H", "W"),)),
    ("nn.PReLU(4)", (("B", 4, "H", "W"),)),
    ("nn.Dropout(0.1)", (("B", "L"),)),
    ("nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)", (("B", "L", 8),)),
    ("nn.GRU(8, 6)", (("L", "B", 8),)),
    ("nn.LSTMCell(8, 6)", (("B", 8),)),
    ("nn.GRUCell(8, 6)", (("B", 8), ("B", 6))),
    ("nn.MultiheadAttention(8, 2, batch_first=True)", (("B", "L", 8), ("B", "L", 8), ("B", "L", 8))),
    ("nn.MultiheadAttention(8, 2)", (("L", "B", 8), ("H", "B", 8), ("H", "B", 8))),
    ("nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)", (("B", "L", 8),)),
    ("nn.TransformerDecoderLayer(8, 2, 16)", (("L", "B", 8), ("H", "B", 8))),
    ("nn.Transformer(8, 2, 1, 1, 16)", (("L", "B", 8), ("H", "B", 8))),
    ("nn.Bilinear(8, 6, 3)", (("B", 8), ("B", 6))),
    ("nn.CosineSimilarity()", (("B", 8, "L"), ("B", 8, "L"))),
    ("nn.Unfold(3, padding=1)", (("B", 4, "H", "W"),)),
    ("nn.LazyLinear(3)", (("B", "L", 8),)),
    ("nn.LazyConv2d(3, 3)", (("B", 4, "H", "W"),)),
    ("nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3, 2, 1))", (("B", 4, "H", "W"),)),
]  # fmt: skip


def _flat(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in _flat(item)]
    return [value]


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> stub_harness.Interpreted:
    return stub_harness.Interpreted(Path(tmp_path_factory.mktemp("symbolic")))


@pytest.mark.parametrize(("construct", "shapes"), CASES)
def test_symbols(
    construct: str, shapes: tuple[tuple[Any, ...], ...], interpreted: stub_harness.Interpreted, tmp_path: Path
) -> None:
    interp = interpreted.interp
    path = tmp_path / "net.py"
    path.write_text(f"{stub_harness.PRELUDE}m = {construct}\nm.eval()\n")
    inputs = tuple(
        Tensor(TensorType(tuple(dims.symbol(d) if isinstance(d, str) else d for d in shape), "f32"), "input")
        for shape in shapes
    )

    def work() -> Any:
        module = load_file(interp, path, as_main=False)
        assert module is not None
        return interp.call(module.namespace["m"], inputs)

    run = guarded(interp, work)
    assert not run.errors
    results = _flat(run.result)
    for sizes in SIZES:
        space: dict[str, Any] = {}
        exec(stub_harness.PRELUDE + f"m = {construct}\nm.eval()", space)
        given = [torch.zeros([sizes.get(d, d) for d in shape]) for shape in shapes]
        expected = _flat(space["m"](*given))
        assert len(results) == len(expected)
        for ours, theirs in zip(results, expected):
            assert isinstance(ours, Tensor), ours
            assert ours.type.shape is not None
            bound = tuple(dims.bind(d, sizes) for d in ours.type.shape)
            assert bound == tuple(theirs.shape), f"{ours.type} with {sizes}"
