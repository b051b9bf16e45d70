"""Lightning modules: hyper-parameters as pytorch_lightning keeps them, and entries that nobody wrote.

The expected values of CASES are those of pytorch_lightning 2.6, which the test environment does without.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp import analyze_source
from tests.torch_model import stub_harness

NET = """
import pytorch_lightning as pl
class Net(pl.LightningModule):
    def __init__(self, width, depth=2, *, act="relu", **extra):
        super().__init__()
        {save}
m = Net(8, act="gelu", more=3)
"""
CASES = [
    ("self.save_hyperparameters()", "dict(m.hparams)", {"width": 8, "depth": 2, "act": "gelu", "more": 3}),
    ("self.save_hyperparameters('width', 'act')", "dict(m.hparams)", {"act": "gelu", "width": 8}),
    ("self.save_hyperparameters(ignore=['width'])", "dict(m.hparams)", {"depth": 2, "act": "gelu", "more": 3}),
    ("self.save_hyperparameters({'a': 1})", "dict(m.hparams)", {"a": 1}),
    ("self.save_hyperparameters(); self.layer = torch.nn.Linear(self.hparams.width, 4)", "m(torch.zeros(1))", None),
    ("pass", "dict(m.hparams)", {}),
    ("self.hparams = {'width': width}", "m.hparams['width']", 8),  # as before version 1.3; later ones refuse it
]


@pytest.mark.parametrize(("save", "asked", "wanted"), CASES)
def test_hyper_parameters(save: str, asked: str, wanted: Any, tmp_path: Path) -> None:
    outcome = stub_harness.Interpreted(tmp_path).outcome(NET.format(save=save) + f"out = {asked}")
    if wanted is None:
        assert outcome.error == "NotImplementedError"
    else:
        assert outcome.error is None, outcome.message
        assert outcome.output == wanted


MODEL = """
import {name} as L
import torch
from torch import nn
class Net(L.LightningModule):
    def __init__(self, width=32):
        super().__init__()
        self.save_hyperparameters()
        self.example_input_array = {example}
        self.pool = nn.MaxPool2d(13, 1, 6)
        self.conv = nn.Conv2d(3, self.hparams.width, 3)
    def forward(self, x):
        return self.conv(self.pool(x))
    def training_step(self, batch, index):
        return self(batch).cumsum(0).mean()
"""


@pytest.mark.parametrize("name", ["pytorch_lightning", "lightning", "lightning.pytorch"])
@pytest.mark.parametrize(
    "example", ["torch.zeros(2, 3, 64, 66)", "(torch.zeros(2, 3, 64, 66),)", "{'x': torch.zeros(2, 3, 64, 66)}"]
)
def test_the_example_input_is_the_entry(name: str, example: str) -> None:
    found = analyze_source(MODEL.format(name=name, example=example))
    (model,) = found.models
    assert [value.type.shape for value in found.graphs[0].outputs] == [(2, 32, 62, 64)]
    assert "inputs: its example_input_array" in model.assumed
    assert [finding.code for finding in found.findings] == ["ANE302"]  # training_step is not part of the model


def test_without_an_example_the_input_is_found_as_for_any_module() -> None:
    found = analyze_source(MODEL.format(name="pytorch_lightning", example="None"))
    assert [finding.code for finding in found.findings] == ["ANE302"]
