"""Data files of a project or package that a model's constructor reads: layer lists, hyper-parameters, label maps.

They are text that is read and never run. Only files inside the folders that sources are read from count, where a symlink
may not lead out of them either, with a suffix that holds data, and up to a size.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

SUFFIXES = frozenset({".json", ".yaml", ".yml", ".toml", ".txt", ".cfg", ".ini", ".csv", ".names"})
LIMIT = 1_000_000  # characters of one file
_FOLDERS = 2_000  # looked into for one pattern


def permitted(path: Path, roots: Iterable[Path]) -> bool:
    """Whether `path`, absolute and without ``..``, may be read as data if it is there."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    within = [root for root in roots if path.is_relative_to(root)]
    real = Path(os.path.realpath(path)) if within else path
    return any(real.is_relative_to(os.path.realpath(root)) for root in within)


def candidates(name: str, bases: Sequence[Path]) -> list[Path]:
    """What a path as a program writes it may mean where the directory it runs in is one of `bases`."""
    if not name or "\0" in name:
        return []
    found = [Path(os.path.normpath(base / name)) for base in (bases if not os.path.isabs(name) else bases[:1])]
    return list(dict.fromkeys(found))


def matching(pattern: str, entries: Callable[[Path], Mapping[str, bool]]) -> Iterator[Path]:
    """Paths that fit an absolute ``glob`` pattern with ``/``, in the order of their names.

    entries: what a folder holds, each name with whether it is a folder. ``**`` stands for any number of folders.
    Raises ValueError where the pattern reaches too many folders.
    """
    parts = Path(pattern).parts
    looked = 0

    def walk(folder: Path, rest: tuple[str, ...]) -> Iterator[Path]:
        nonlocal looked
        looked += 1
        if looked > _FOLDERS:
            raise ValueError("a pattern that reaches too many folders")
        part, *others = rest
        after = tuple(others)
        held = entries(folder)
        if part == "**":
            if after:
                yield from walk(folder, after)
            for name in sorted(held):
                if held[name] and not name.startswith("."):
                    yield from walk(folder / name, rest)
            return
        for name in sorted(held):
            if fnmatch.fnmatchcase(name, part) and (not name.startswith(".") or part.startswith(".")):
                if not after:
                    yield folder / name
                elif held[name]:
                    yield from walk(folder / name, after)

    fixed = next((i for i, part in enumerate(parts) if any(c in part for c in "*?[")), len(parts) - 1)
    yield from walk(Path(*parts[:fixed]), parts[fixed:])
