"""Where the rule pages and fact tables are, and how an error in one of them is reported."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Traversable


class KnowledgeError(ValueError):
    """A rule page or fact table is wrong. `file` is relative to ``rules/``; `line` and `col` count from 1."""

    def __init__(self, file: str, line: int, col: int, message: str) -> None:
        super().__init__(f"{file}:{line}:{col}: {message}")
        self.file = file
        self.line = line
        self.col = col
        self.message = message


@cache
def root() -> Traversable:
    """The folder of the rules: inside the installed package, or the repository's own in a source checkout."""
    packaged = resources.files("ane_lsp") / "_rules"
    if packaged.is_dir():
        return packaged
    return Path(__file__).resolve().parents[2] / "rules"


def read(name: str) -> str:
    """Text of a file below ``rules/``; `name` uses forward slashes. Raises FileNotFoundError."""
    found = root()
    for part in name.split("/"):
        found = found / part
    return found.read_text(encoding="utf-8")


def names(folder: str = "", suffix: str = "") -> list[str]:
    """Sorted names of the files in a folder below ``rules/``."""
    found = root() / folder if folder else root()
    return sorted(entry.name for entry in found.iterdir() if entry.name.endswith(suffix) and entry.is_file())
