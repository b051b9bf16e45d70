"""A file that is opened again: its findings of last time are told at once, and only where nothing has changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ane_lsp.server.analyst import Analyst
from ane_lsp.server.results import DocumentResult

PART = "from torch import nn\n\n\ndef pool():\n    return nn.MaxPool2d(13, 1, 6)\n"
NET = """import torch
from torch import nn
from part import pool


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = pool()
        self.own = nn.MaxPool2d(13, 1, 6)

    def forward(self, x):
        return self.own(self.pool(x))


Net()(torch.zeros(1, 3, 32, 32))
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANE_LSP_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "part.py").write_text(PART)
    (folder / "net.py").write_text(NET)
    for file in folder.iterdir():  # long enough ago to be told from the next change by its time alone
        os.utime(file, (1e9, 1e9))
    return folder


def opened(
    folder: Path, text: str = NET, others: dict[str, str] | None = None
) -> tuple[list[DocumentResult], DocumentResult]:
    """What a new server hears on opening `net.py` before all its findings are known, and the answer."""
    analyst, heard = Analyst(), []
    analyst.ahead = heard.append
    analyst.configure([(str(folder), {})], {})
    for name, other in (others or {}).items():
        analyst.overlay(str(folder / name), other)
    path = str(folder / "net.py")
    analyst.overlay(path, text)
    result = analyst.analyze(path, lambda: False)
    analyst.idle()
    *early, last = heard
    assert last.diagnosed
    assert comparable(last) == comparable(result)
    assert not any(part.diagnosed for part in early)
    return early, result


def comparable(result: DocumentResult) -> list[tuple[str, str, object]]:
    return [(finding.code, finding.message, finding.span) for finding in result.findings]


def test_the_second_server_tells_at_once_what_the_first_found(project: Path) -> None:
    heard, first = opened(project)
    assert heard == []
    assert comparable(first)
    heard, second = opened(project)
    assert [comparable(part) for part in heard] == [comparable(first)]
    assert comparable(second) == comparable(first)
    assert heard[0].models == second.models


def test_nothing_is_told_of_a_text_that_is_not_on_disk(project: Path) -> None:
    opened(project)
    heard, result = opened(project, NET.replace("(13", "(11"))
    assert heard == []
    assert comparable(result)
    assert opened(project)[0]  # and the text on disk is still known


def test_nothing_is_told_where_a_file_it_was_made_from_has_changed(project: Path) -> None:
    _, before = opened(project)
    (project / "part.py").write_text(PART.replace("13, 1, 6", "3, 1, 1"))
    heard, result = opened(project)
    assert heard == []
    assert len(result.findings) < len(before.findings)


def test_nothing_is_told_where_an_open_document_it_was_made_from_differs_from_its_file(project: Path) -> None:
    opened(project)
    assert opened(project, others={"part.py": PART})[0]
    changed = {"part.py": PART.replace("13, 1, 6", "3, 1, 1")}
    heard, result = opened(project, others=changed)
    assert heard == []
    heard, again = opened(project)  # and what was found with it is not kept
    assert comparable(heard[0]) == comparable(again)
    assert len(again.findings) > len(result.findings)


def test_a_damaged_entry_is_none(project: Path, tmp_path: Path) -> None:
    opened(project)
    for entry in (tmp_path / "cache").rglob("*"):
        if entry.is_file():
            entry.write_bytes(entry.read_bytes()[:-7])
    assert opened(project)[0] == []


def test_the_command_and_the_server_know_of_each_other(project: Path) -> None:
    (project / "pyproject.toml").write_text("")
    command = [sys.executable, "-m", "ane_lsp", "check", "net.py", "--exit-zero", "--format", "json"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}

    def checked() -> list[tuple[str, str]]:
        done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=True)
        return [(finding["code"], finding["message"]) for finding in json.loads(done.stdout)["findings"]]

    by_command = checked()
    heard, _ = opened(project)
    assert [(finding.code, finding.message) for finding in heard[0].findings] == by_command
    entries = len(list(Path(os.environ["ANE_LSP_CACHE_DIR"]).glob("v2/??/*")))
    assert entries == 1
    assert checked() == by_command
