"""Modules that a constructor calls, as detectors do to learn their strides: part of building, no models of their own."""

from pathlib import Path
from typing import Any

import pytest

from ane_lsp import analysis
from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace
from ane_lsp.workspace.project import Projects

torch = pytest.importorskip("torch", reason="torch is not installed: shapes are not compared with it")

DETECTOR = """
import torch
from torch import nn


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Conv2d(8, 4, 1)
        self.asked = []

    def forward(self, x):
        self.asked.append(torch.jit.is_tracing() or torch.compiler.is_exporting())
        feats = self.score(x)
        return {"feats": [feats]} if self.training else torch.cat([feats.flatten(2)], 2)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.Upsample(scale_factor=2.0))
        self.head = Head()
        self.body.eval()
        self.head.training = True
        feats = self.walk(torch.zeros(1, 3, 64, 64))["feats"]
        self.stride = [128 // f.shape[-1] for f in feats]
        self.captured = self.head.asked == [True]
        self.body.train()

    def walk(self, x):
        return self.head(self.body(x))

    def forward(self, x):
        x = self.walk(x).unsqueeze(self.stride[0])
        return x.squeeze(0) if self.captured else x


if __name__ == "__main__":
    model = Detector()
    model(torch.zeros(1, 3, 32, 32))
"""


@pytest.mark.parametrize("export_path", ["trace", "export"])
def test_a_constructor_is_answered_in_the_mode_it_chose_and_its_calls_are_no_models(
    tmp_path: Path, export_path: str
) -> None:
    path = tmp_path / "net.py"
    path.write_text(DETECTOR, encoding="utf-8")
    projects = Projects({"export-path": export_path}, None, False)
    found = analysis.analyze(path, projects.workspace(path), projects.settings(path))
    (graph,) = (graph for graph in found.graphs if graph.name != "Head")
    assert [model.name for model in found.models].count("Detector") == 1
    space: dict[str, Any] = {"__name__": "net"}
    exec(DETECTOR, space)
    real = space["Detector"]().eval()(torch.zeros(1, 3, 32, 32))
    assert graph.outputs[0].type.shape == tuple(real.shape)


def test_a_trace_shows_what_a_constructor_calls(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(DETECTOR.replace("model(torch", "# model(torch"), encoding="utf-8")
    called = [graph.name for graph in run_script(Workspace(tmp_path), path).graphs]
    assert called == ["Sequential", "Head"]
