"""What ``inspect`` says of modules and their classes, compared with torch."""

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")

SOURCE = """
import inspect
import torch
from torch import nn

class Net(nn.Module):
    def forward(self, x, lengths=None):
        return x

class Own(nn.Module):
    def __call__(self, y):
        return y

class Sized(nn.Module):
    def __init__(self, input_shape, *, bias=True):
        super().__init__()

class Plain:
    pass

def names(value):
    return list(inspect.signature(value).parameters)

def spec(value):
    found = inspect.getfullargspec(value)
    return found.args, found.varargs, found.varkw, found.kwonlyargs

out = [
    [names(value) for value in (Net(), nn.ReLU(), Own(), Net().forward, Sized, nn.Linear)],
    [spec(value) for value in (Net(), nn.ReLU(), Own(), Net().forward, Sized, nn.Linear, Plain)],
]
"""


def test_what_inspect_says_of_modules(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    run = run_script(Workspace(tmp_path), path)
    assert run.errors == []
    real: dict[str, Any] = {"__name__": "net"}
    exec(SOURCE, real)
    assert run.interp.modules["net"].namespace["out"] == real["out"]
