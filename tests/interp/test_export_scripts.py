"""Scripts that convert a model: the model is found, or the file says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ane_lsp import analyze_file
from ane_lsp.analysis import FileAnalysis

NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
    def forward(self, x):
        return self.conv(x)
"""


def analysed(folder: Path, script: str, **others: str) -> FileAnalysis:
    """What is found in a script that may use the class above, with other modules beside it."""
    for name, text in {"net": NET, **others}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "export.py").write_text(script, encoding="utf-8")
    return analyze_file(folder / "export.py")


def outputs(found: FileAnalysis) -> list[str]:
    return [str(value.type) for graph in found.graphs for value in graph.outputs]


def reasons(found: FileAnalysis) -> list[str]:
    return [f"{one.span.line}: {one.message}" for one in found.unfollowed]


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        ('torch.load("net.pth")', "what a checkpoint holds"),
        ('torch.jit.load("net.pt")', "what a saved TorchScript program"),
    ],
)
def test_what_a_file_of_weights_holds_is_no_model(tmp_path: Path, loaded: str, reason: str) -> None:
    script = f"import torch\nmodel = {loaded}\nmodel.eval()\nmodel(torch.rand(1, 3, 8, 8))\n"
    found = analysed(tmp_path, script)
    assert found.models == []
    (told,) = reasons(found)
    assert reason in told
    assert "build the model from its class" in told


def test_weights_of_a_model_that_is_known_are_no_reason(tmp_path: Path) -> None:
    script = 'import torch\nfrom net import Net\nnet = Net()\nnet.load_state_dict(torch.load("net.pth")["state"])\n'
    assert reasons(analysed(tmp_path, script)) == []


def test_the_old_name_of_the_exporter(tmp_path: Path) -> None:
    script = 'import torch\nfrom net import Net\ntorch.onnx._export(Net(6), torch.rand(1, 3, 8, 8), "net.onnx", True)\n'
    assert outputs(analysed(tmp_path, script)) == ["[1, 6, 6, 6] f32"]
