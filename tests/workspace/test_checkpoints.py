"""Which config.json a published model's name stands for, and which files are never read for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ane_lsp.workspace.checkpoints import find_configuration


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    hub = tmp_path / "hf" / "hub" / "models--org--net"
    write(hub / "refs" / "main", "abc123\n")
    write(hub / "snapshots" / "abc123" / "config.json", json.dumps({"width": 1}))
    write(hub / "snapshots" / "abc123" / "unet" / "config.json", json.dumps({"width": 2}))
    write(hub / "snapshots" / "def456" / "config.json", json.dumps({"width": 3}))
    return {"HF_HOME": str(tmp_path / "hf")}


def find(tmp_path: Path, environ: dict[str, str], name: str, **options: str) -> object:
    found = find_configuration(name, tmp_path / "project", read, environ=environ, **options)
    return None if found is None else found.get("width")


def test_the_cache_is_read_at_the_revision_that_is_asked_for(tmp_path: Path, environ: dict[str, str]) -> None:
    assert find(tmp_path, environ, "org/net") == 1
    assert find(tmp_path, environ, "org/net", subfolder="unet") == 2
    assert find(tmp_path, environ, "org/net", revision="def456") == 3
    assert find(tmp_path, {"HF_HUB_CACHE": str(tmp_path / "hf" / "hub")}, "org/net") == 1


def test_a_folder_of_the_project_comes_first(tmp_path: Path, environ: dict[str, str]) -> None:
    write(tmp_path / "project" / "org" / "net" / "config.json", json.dumps({"width": 9}))
    assert find(tmp_path, environ, "org/net") == 9
    assert find(tmp_path, environ, "./org/net") == 9
    assert find(tmp_path, environ, str(tmp_path / "project" / "org" / "net")) == 9


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("org/other", {}),
        ("../outside", {}),
        ("/outside", {}),
        ("org/net", {"revision": "../main"}),
        ("org/net", {"subfolder": "../def456"}),
        ("org/net", {"subfolder": "/"}),
        ("org/net/more", {}),
        ("", {}),
    ],
)
def test_nothing_else_is_read(name: str, options: dict[str, str], tmp_path: Path, environ: dict[str, str]) -> None:
    write(tmp_path / "outside" / "config.json", json.dumps({"width": 7}))
    asked = str(tmp_path) + name if name == "/outside" else name
    assert find(tmp_path, environ, asked, **options) is None


@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000, '{"width": 1, "x": "' + "y" * 1_000_000 + '"}'])
def test_what_is_no_configuration_is_none(text: str, tmp_path: Path) -> None:
    write(tmp_path / "project" / "net" / "config.json", text)
    assert find(tmp_path, {"HF_HOME": str(tmp_path / "none")}, "net") is None
