"""``check --watch`` and the progress bar."""

import io
import os
from pathlib import Path

import pytest

from ane_lsp.cli import watch
from ane_lsp.cli.main import build_parser
from ane_lsp.cli.progress import Bar

MODEL = """\
import torch
from torch import nn
{extra}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d({size}, 1, {pad})

    def forward(self, x):
        return self.pool(x)

Net()(torch.randn(1, 3, 32, 32))
"""


def codes(found: object) -> list[str]:
    assert isinstance(found, tuple)
    return [finding.code for finding in found[1].findings]


@pytest.fixture
def looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> watch.Watch:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANE_LSP_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "net.py").write_text(MODEL.format(extra="", size=9, pad=4))
    return watch.Watch(build_parser().parse_args(["check", "."]))


def change(path: Path, text: str) -> None:
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_looks_again_only_where_something_changed(looking: watch.Watch, tmp_path: Path) -> None:
    assert "ANE302" in codes(looking.look())
    assert looking.look() is None
    change(tmp_path / "net.py", MODEL.format(extra="", size=3, pad=1))
    assert "ANE302" not in codes(looking.look())
    assert looking.look() is None


def test_an_imported_file_counts(looking: watch.Watch, tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text("SIZE, PAD = 3, 1\n")
    change(tmp_path / "net.py", MODEL.format(extra="from sizes import SIZE, PAD", size="SIZE", pad="PAD"))
    assert "ANE302" not in codes(looking.look())
    change(tmp_path / "sizes.py", "SIZE, PAD = 9, 4\n")
    assert "ANE302" in codes(looking.look())


def test_new_and_removed_files_and_settings(looking: watch.Watch, tmp_path: Path) -> None:
    looking.look()
    (tmp_path / "other.py").write_text("x = (\n")
    found = looking.look()
    assert found is not None
    assert [e.kind for e in found[1].errors] == ["syntax"]
    (tmp_path / "other.py").unlink()
    found = looking.look()
    assert found is not None
    assert not found[1].errors
    (tmp_path / "ane-lsp.toml").write_text('ignore = ["ANE302"]\n')
    assert "ANE302" not in codes(looking.look())


def test_the_command_reports_each_time(
    looking: watch.Watch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = iter([True, False])

    def again() -> bool:
        change(tmp_path / "net.py", MODEL.format(extra="", size=3, pad=1))
        return next(rounds)

    args = build_parser().parse_args(["check", "--watch", "."])
    assert watch.run(args, again) == 0
    output = capsys.readouterr()
    assert output.out.count(" in 1 file") == 2
    assert "ANE302" in output.out
    assert output.err.count("watching 1 files") == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_for_terminals_and_long_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ane_lsp.cli.progress.PATIENCE", 0.0)
    screen = Terminal()
    bar = Bar(screen)
    for done in (1, 2, 10):
        bar(done, 10)
    bar.clear()
    assert "10/10 files" in screen.getvalue()
    assert screen.getvalue().endswith("\r\033[K")
    for quiet in (Bar(io.StringIO()), Bar(Terminal(), wanted=False)):
        quiet(5, 10)
        quiet.clear()
        assert quiet._stream.getvalue() == ""  # type: ignore[attr-defined]
