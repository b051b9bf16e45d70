"""Numbers made of sizes that are symbols and are not whole (``H / 2``) are numbers wherever torch takes one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ane_lsp.graph import dims
from ane_lsp.interp.entries import run_entry
from ane_lsp.interp.run import Limits
from ane_lsp.syntax.inputs import parse_inputs
from ane_lsp.workspace import Workspace

SIZES = {"H": 7, "W": 10}
CALLS = [
    "x * (h / 2)", "x + h / 2", "(h / 2) - x", "x / (h / 2)", "x ** (h / 2)", "x > h / 2", "i * (h / 2)", "(h / 2) / i", "i + h / 2",
    "x.clamp(max=h / 2)", "x.clamp(min=-h / 2, max=w / 2)", "torch.where(x > 0, x, h / 2)", "torch.where(x > 0, h / 2, w / 2)",
    "x.masked_fill(x > 0, h / 2)", "torch.tensor(h / 2)", "torch.tensor([h / 2, w / 2])", "torch.tensor([[h / 2, 1.0], [0.0, w / 2]])",
    "torch.full((2, 3), h / 2)", "torch.full_like(x, h / 2)", "torch.linspace(0.5, h - 0.5, h)", "torch.linspace(-h / 2, h / 2, 5)",
    "torch.arange(0, 4, h / 2)", "torch.logspace(0, h / 2, 5)", "torch.add(x, x, alpha=h / 2)", "torch.lerp(x, x, h / 20)",
    "torch.addcmul(x, x, x, value=h / 2)", "F.leaky_relu(x, h / 20)", "F.pad(x, (1, 1), value=h / 2)", "x.new_full((2,), h / 2)",
    "torch.stack(torch.meshgrid(torch.linspace(0.5, h - 0.5, h), torch.linspace(0.5, w - 0.5, w), indexing='ij'))",
    "x[..., : int(h / 2)]", "F.normalize(x, p=h / 2)", "x.fmod(h / 2)", "x.remainder(h / 2)", "torch.maximum(x, torch.tensor(h / 2))",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_as_torch_does(tmp_path: Path, call: str) -> None:
    text = (
        "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\nclass Net(nn.Module):\n"
        f"    def forward(self, x, i):\n        h, w = x.shape[2:]\n        return {call}\n"
    )
    path = tmp_path / "net.py"
    path.write_text(text)
    space: dict[str, object] = {}
    exec(compile(text, "net.py", "exec"), space)
    wanted = space["Net"]()(torch.rand(1, 3, *SIZES.values()), torch.ones(4, dtype=torch.int64))  # type: ignore[operator]
    run = run_entry(Workspace(tmp_path), path, "Net", parse_inputs("1x3xHxW,4:i64"), "iOS18", Limits())
    assert (run.errors, run.internal, run.refusals) == ([], {}, [])
    found = run.result.type
    assert found.dtype in (None, {torch.float32: "f32", torch.bool: "b8", torch.int64: "i64"}[wanted.dtype])
    assert found.shape is not None or "arange" in call
    for size, real in zip(found.shape or (), wanted.shape):
        bound = dims.bind(size, SIZES)
        assert bound == real or not dims.is_known(bound)
