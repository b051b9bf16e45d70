"""Who uses a class: other files of its package build it with real arguments and call it on real inputs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ane_lsp.workspace import Workspace

MAX_FILES = 250  # files of the package whose text is looked through
MAX_USERS = 3


def users_of(workspace: Workspace, path: Path, names: Iterable[str]) -> list[Path]:
    """Files beside `path`, and in the package that holds it, that import its module and build one of the classes `names`:
    those that build most of them first."""
    names = list(names)
    if not names:
        return []
    found: list[tuple[int, Path]] = []
    for count, candidate in enumerate(_neighbours(workspace, path)):
        if count >= MAX_FILES or len(found) >= 4 * MAX_USERS:
            break
        uses = uses_in(workspace.read(candidate).text, path, names)
        if uses:
            found.append((uses, candidate))
    found.sort(key=lambda item: -item[0])
    return [candidate for _, candidate in found[:MAX_USERS]]


def uses_in(text: str, path: Path, names: Collection[str]) -> int:
    """In how many ways a text that imports the module at `path` builds its classes `names`."""
    stem = path.stem if path.stem != "__init__" else path.parent.name
    if stem not in text or not any(name in text for name in names) or not re.search(rf"\b{re.escape(stem)}\b", text):
        return 0  # looking for plain text first is much quicker than the patterns
    built = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b\s*[(,)=]")
    return len({match[0] for match in built.finditer(text)})


def _neighbours(workspace: Workspace, path: Path) -> Iterator[Path]:
    """Python files of the package that holds `path`: its own folder, then what is around that, level by level."""
    seen: set[Path] = set()
    directory = path.parent
    if "__init__.py" not in (names := workspace.names_in(directory)):
        yield from (directory / n for n in sorted(names) if n.endswith(".py") and n != path.name and not names[n])
    while "__init__.py" in workspace.names_in(directory):
        for candidate in _files_below(workspace, directory, seen):
            if candidate != path:
                yield candidate
        directory = directory.parent


def _files_below(workspace: Workspace, directory: Path, seen: set[Path]) -> Iterator[Path]:
    if directory in seen:
        return
    seen.add(directory)
    names = workspace.names_in(directory)
    for name in sorted(n for n, is_directory in names.items() if n.endswith(".py") and not is_directory):
        yield directory / name
    for name in sorted(n for n, is_directory in names.items() if is_directory and not n.startswith((".", "_"))):
        if name not in ("tests", "test"):
            yield from _files_below(workspace, directory / name, seen)


__all__ = ["MAX_USERS", "users_of", "uses_in"]
