"""``ane-lsp refactor``: what is listed, written, shown and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ane_lsp.cli.main import main

TEXT = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(16, 32)
        self.down = nn.Linear(32, 16)

    def forward(self, x):
        steps = torch.arange(8)
        y = torch.sort(self.up(x) + steps[:, None], -1)[0]
        return self.down(y.relu())


if __name__ == "__main__":
    Net()(torch.randn(1, 8, 16))
"""


def refactor(folder: Path, line: int | str, *more: str) -> tuple[int, str]:
    path = folder / "net.py"
    if not path.exists():
        path.write_bytes(TEXT.encode())
    return main(["refactor", f"{path}:{line}", *more]), path.read_text()


def test_what_is_possible_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refactor(tmp_path, 12) == (0, TEXT)
    listed = capsys.readouterr().out
    assert [line.split(":")[0] for line in listed.splitlines()] == ["ane-layout", "split-model", "hoist-table"]
    assert refactor(tmp_path, 1) == (1, TEXT)
    assert "nothing to refactor here" in capsys.readouterr().err


def test_one_is_done_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refactor(tmp_path, 12, "hoist-table", "--diff") == (0, TEXT)
    assert '+        self.register_buffer("steps", torch.arange(8), persistent=False)' in capsys.readouterr().out
    code, text = refactor(tmp_path, 12, "hoist-table")
    assert code == 0
    assert "self.steps[:, None]" in text
    assert "steps once, in __init__" in capsys.readouterr().err


def test_a_column_chooses_the_operation(tmp_path: Path) -> None:
    code, text = refactor(tmp_path, "13:20", "split-model")
    assert code == 0
    assert "def run_sort(self, given):\n        return torch.sort(given, -1)\n" in text


def test_a_refusal_says_why_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.py").write_text(TEXT.replace("self.up(x)", "F(self.up)(x)").replace("self.down(y", "F(self.down)(y")
                                     .replace("from torch import nn\n", "from torch import nn\nF = lambda f: f\n"))  # fmt: skip
    before = (tmp_path / "net.py").read_text()
    assert refactor(tmp_path, 13, "ane-layout") == (1, before)
    assert "ane-layout refused: no linear layer" in capsys.readouterr().err


def test_wrong_usage(tmp_path: Path) -> None:
    assert refactor(tmp_path, 12, "other")[0] == 2
    assert refactor(tmp_path, 99, "ane-layout")[0] == 2
    assert main(["refactor", str(tmp_path / "net.py"), "ane-layout"]) == 2
    assert main(["refactor", str(tmp_path / "none.py:3")]) == 2
