"""What torchvision's create_feature_extractor makes of a model: its run up to the last module that is asked for."""

from pathlib import Path

import pytest

from ane_lsp.graph import Unknown
from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

SOURCE = """
import torch
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor


class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv = nn.Conv2d(n, 2 * n, 3, stride=2, padding=1)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.conv(x)) + 1.0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(Block(3), Block(6), Block(12))
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        return self.fc(self.layers(x).mean((2, 3)))


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = create_feature_extractor(Net(), {"layers.0": "low", "layers.1.act": "high"})

    def forward(self, x):
        found = self.body(x)
        return found["high"].tanh(), found["low"]


model = EXTRACTOR
found = model(torch.zeros(2, 3, 32, 32))
"""


@pytest.mark.parametrize(
    ("extractor", "shapes", "ops", "paths"),
    [
        (
            "create_feature_extractor(Net(), return_nodes={'layers.0': 'a', 'layers.1': 'b'})",
            {"a": (2, 6, 16, 16), "b": (2, 12, 8, 8)},
            ["conv", "relu", "add"] * 2,
            ["layers.0.conv", "layers.0.act", "layers.1.conv", "layers.1.act"],
        ),
        (
            "create_feature_extractor(Net(), ['layers.1.act', 'layers.0.conv'])",
            {"layers.0.conv": (2, 6, 16, 16), "layers.1.act": (2, 12, 8, 8)},
            ["conv", "relu", "add", "conv", "relu"],
            ["layers.0.conv", "layers.0.act", "layers.1.conv", "layers.1.act"],
        ),
        (
            "Detector()",
            [(2, 12, 8, 8), (2, 6, 16, 16)],
            ["conv", "relu", "add", "conv", "relu", "tanh"],
            ["body.layers.0.conv", "body.layers.0.act", "body.layers.1.conv", "body.layers.1.act"],
        ),
    ],
)
def test_a_model_ends_with_the_last_module_that_is_asked_for(
    extractor: str, shapes: object, ops: list[str], paths: list[str], tmp_path: Path
) -> None:
    run = run_script(Workspace(tmp_path), written(tmp_path, extractor))
    assert (run.errors, run.internal) == ([], {})
    (graph,) = run.graphs
    assert [op.kind for op in graph.ops] == ops
    assert not graph.lost
    modules = [call for call in graph.calls if call.kind == "module"]
    assert [call.module for call in modules] == paths
    assert all(call.result is not None for call in modules)
    found = run.result.namespace["found"]
    if isinstance(found, dict):
        assert {name: one.type.shape for name, one in found.items()} == shapes
    else:
        assert [one.type.shape for one in found] == shapes


def test_operations_that_are_no_modules_are_known_to_torch_fx_alone(tmp_path: Path) -> None:
    run = run_script(Workspace(tmp_path), written(tmp_path, "create_feature_extractor(Net(), ['mean'])"))
    assert (run.errors, run.internal) == ([], {})
    assert isinstance(run.result.namespace["model"], Unknown)


def written(folder: Path, extractor: str) -> Path:
    """A script, with a library of that name beside it: nothing of that is read."""
    library = folder / "torchvision/models"
    library.mkdir(parents=True)
    for path in (folder / "torchvision", library):
        (path / "__init__.py").touch()
    (library / "feature_extraction.py").write_text(
        "def create_feature_extractor(model, return_nodes=None):\n    raise NotImplementedError\n", encoding="utf-8"
    )
    script = folder / "script.py"
    script.write_text(SOURCE.replace("EXTRACTOR", extractor), encoding="utf-8")
    return script
