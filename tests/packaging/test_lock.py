"""The versions continuous integration installs are pinned, every one."""

from __future__ import annotations

import re
from pathlib import Path

try:
    import tomllib
except ImportError:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_has_one_version() -> None:
    lines = (ROOT / "constraints-ci.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pin) == 2 and re.fullmatch(r"[\w.!+]+", pin[1]) for pin in pins), "only NAME==VERSION"
    locked = [plain(name) for name, _ in pins]
    assert len(locked) == len(set(locked))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["docs"], *extras["dev"]]
    names = {plain(re.match(r"[\w.-]+", text)[0]) for text in wanted} - {"ane-lsp"}  # type: ignore[index]
    assert names <= set(locked), names - set(locked)
    assert "torch" not in locked  # its wheel differs by index; tasks.py pins it


def test_the_lock_is_used() -> None:
    text = (ROOT / "tasks.py").read_text(encoding="utf-8")
    assert '"--constraint", LOCK' in text
