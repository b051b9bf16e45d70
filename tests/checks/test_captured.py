"""Values that a program takes out of tensors which its model holds: what is said by torch.export, beside what torch.export does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ane_lsp.analysis import analyze
from ane_lsp.workspace import Settings, Workspace

pytestmark = pytest.mark.filterwarnings("ignore")

NET = """
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("flag", torch.tensor(True))
        self.register_buffer("one", torch.tensor([1.0]))
        self.register_buffer("two", torch.tensor(2))
        self.register_buffer("four", torch.ones(4))
        self.scale = nn.Parameter(torch.ones(1))
        self.held = torch.tensor(3.0)
        self.pair = torch.tensor([3.0, 4.0])

    def forward(self, x):
        return RESULT


if __name__ == "__main__":
    Net()(torch.randn(2, 16))
"""

STOPS = [
    "x * 2 if self.flag else x",
    "x * 2 if not self.flag else x",
    "x * 2 if self.flag and x.shape[0] == 2 else x",
    "x * 2 if self.one > 0 else x",
    "x * 2 if 0 < self.two < 3 else x",
    "x * 2 if self.four.sum() > 1 else x",
    "x * 2 if self.four[0] > 0.5 else x",
    "x * 2 if all(self.four > 0) else x",
    "x * 2 if any(v > 1 for v in self.four) else x",
    "x * 2 if 1 in self.four else x",
    "x * 2 if torch.is_nonzero(self.two) else x",
    "x * 2 if torch.equal(self.four, torch.ones(4)) else x",
    "x * 2 if torch.allclose(self.four, torch.ones(4)) else x",
    "x * 2 if self.scale > 0 else x",
    "x * 2 if self.held > 0 else x",
    "x * 2 if self.held else x",
    "x * 2 if torch.isnan(self.one) else x",
    "x * 2 if torch.tensor(1.0) > self.one else x",
    "x * 2 if (torch.ones(2, 16) > 0).any() else x",
    "x * 2 if torch.zeros(()) > 1 else x",
    "x * 2 if torch.full((), 2.0) > 1 else x",
    "x * 2 if torch.scalar_tensor(3.0) > 0 else x",
    "x * 2 if torch.arange(1) > 0 else x",
    "x * 2 if x.new_ones(2).sum() > 1 else x",
    "x * 2 if torch.tensor([3.0, 4.0]).sum() > 1 else x",
    "x * 2 if torch.tensor([3.0, 4.0])[1] > 0 else x",
    "x * 2 if torch.stack([torch.tensor(1.0), torch.tensor(2.0)])[0] > 0 else x",
    "x * int(self.two)",
    "x * float(self.four[1])",
    "x * int(self.pair[1])",
    "x * int(torch.zeros(()))",
    "x * int(torch.linspace(0, 4, 5)[1])",
    "x.reshape(int(torch.prod(torch.tensor([2, 16]))))",
    "x[:, : int(self.two)]",
    "x.chunk(int(self.two), 1)[0]",
    "[x, x * 2, x * 3][self.two]",
    "[x, x * 2, x * 3][: self.two][0]",
    "sum(x * i for i in range(self.two))",
    "x * self.four.numpy()[1]",
    "x * torch.tensor(3.0).numpy()",
    "x * torch.from_numpy(x.detach().cpu().numpy())",
    "x * 2 if x.sum() > 0 else x",
    "x[:, : int(x[0].argmax()) + 1]",
    "[x, x * 2][x.argmax() > 3]",
    "sum(x for _ in range((x > 0).sum()))",
]
GOES_ON = [
    "x * 2 if x.shape[0] == 3 and self.flag else x",
    "x * 2 if self.training and self.flag else x",
    "x * 2 if self.flag is not None else x",
    "x * 2 if self.four.numel() and self.four.dtype == x.dtype else x",
    "x * 2 if self.four == [0] * 4 else x",
    "x * 2 if torch.tensor(True) else x",
    "x * 2 if torch.as_tensor(3.0) > 0 else x",
    "x * 2 if torch.tensor([3.0]) > 0 else x",
    "x * 2 if torch.tensor(3).to(x) > 0 else x",
    "x * 2 if torch.tensor(3, dtype=x.dtype).sqrt() > 0 else x",
    "x * 2 if x.new_tensor(3) > 0 else x",
    "x * 2 if torch.tensor(x.shape[0]) > 0 else x",
    "x * 2 if torch.tensor([1.0]).reshape(1, 1).sum() > 0 else x",
    "x * 2 if torch.zeros_like(torch.tensor(1.0)) > 0 else x",
    "x * 2 if torch.stack([torch.tensor(1.0)]) > 0 else x",
    "x * 2 if torch.tensor(1.0).equal(torch.tensor(1.0)) else x",
    "x * 2 if torch.tensor(1.0) > torch.tensor(2.0) else x",
    "x * min(self.one, torch.tensor(4.0)) * max(self.scale, 1.0)",
    "x * len(self.four)",
    "x * self.two.item() * self.scale.item()",
    "x * int(self.held) * float(self.held * 2)",
    "sum(x for _ in range(torch.tensor(2)))",
    "x * int(torch.ceil(torch.tensor(8.0) / 3))",
    "x[:, : self.two] ** self.two",
    "x[self.four.nonzero()[:2, 0]]",
    "x.clamp(max=self.two).masked_fill(x > 0, self.two)",
    "x * min(x.sum(), 3.0) * max(x.max(), 1.0)",
    "x * x.sum().item()",
]


def said_of(folder: Path, result: str) -> set[str]:
    """The codes of the errors of a model."""
    file = folder / "net.py"
    file.write_text(NET.replace("RESULT", result))
    found = analyze(file, Workspace(folder), Settings(export_path="export"))
    assert [model.lost for model in found.models] == [()]
    return {finding.code for finding in found.findings if finding.severity == "error"}


def exports(result: str) -> bool:
    made: dict[str, Any] = {"__name__": "net"}
    exec(NET.replace("RESULT", result), made)
    net, x = made["Net"]().eval(), torch.randn(2, 16)
    net(x)
    try:
        torch.export.export(net, (x,))
    except Exception:  # of several kinds
        return False
    return True


@pytest.mark.parametrize("result", STOPS)
def test_torch_export_stops(tmp_path: Path, result: str) -> None:
    assert not exports(result)
    assert said_of(tmp_path, result) in ({"ANE601"}, {"ANE602"})


@pytest.mark.parametrize("result", GOES_ON)
def test_torch_export_goes_on(tmp_path: Path, result: str) -> None:
    assert exports(result)
    assert said_of(tmp_path, result).isdisjoint({"ANE601", "ANE602"})


def test_a_trace_knows_every_value(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET.replace("RESULT", "[x, x * 2][int(self.two) - 1] if self.flag else x"))
    assert analyze(file, Workspace(tmp_path), Settings()).findings == []


def test_a_trace_keeps_the_numbers_of_its_example(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET.replace("RESULT", "x * torch.from_numpy(x.detach().numpy()) * self.four.numpy()[0]"))
    assert [(f.code, f.severity) for f in analyze(file, Workspace(tmp_path), Settings()).findings] == [
        ("ANE602", "warning")
    ]
