"""``ane-lsp placement``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ane_lsp.cli.main import main

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Conv2d(64, 64, 3, padding=1) for _ in range(12)])

    def forward(self, x):
        return torch.cumsum(self.layers(x), 3)


Net()(torch.randn({size}, 64, 32, 32))
"""


def _write(folder: Path, size: str = "1") -> str:
    path = folder / "net.py"
    path.write_text(NET.format(size=size))
    return str(path)


def test_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["placement", _write(tmp_path), "--isolated"]) == 0
    out = capsys.readouterr().out
    assert "Net: 92 % on the ANE of M4, 1 switch (predicted)" in out
    assert "net.py:11  cumsum is predicted to run on the CPU of M4" in out
    assert "A prediction" in out


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["placement", _write(tmp_path), "--isolated", "--format", "json", "--target", "M4", "--target", "M1"]) == 0
    )
    data = json.loads(capsys.readouterr().out)
    assert [(p["target"], p["on_ane"], p["ops"]) for p in data["placements"]] == [("M4", 12, 13), ("M1", 12, 13)]
    first = data["placements"][0]
    assert [s["unit"] for s in first["segments"]] == ["ANE", "CPU"]
    assert first["operations"][-1]["code"] == "ANE205"
    assert first["time_ms"]["saving"] > 0


def test_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _write(tmp_path)
    assert main(["placement", str(tmp_path / "gone.py")]) == 2
    assert main(["placement", path, "--isolated", "--entry", "Other"]) == 2
    assert "found: Net" in capsys.readouterr().err
    (tmp_path / "empty.py").write_text("x = 1\n")
    assert main(["placement", str(tmp_path / "empty.py"), "--isolated"]) == 1
    assert "no model was found" in capsys.readouterr().out
