"""Import names to files, as Python's path finder would, but by listing directories only."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ane_lsp.graph.records import dataclass

FRESH = 100_000_000
"""Nanoseconds after a change in which a directory's listing is not kept: a further change might carry the same time."""


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """Where a module's source is.

    name: absolute dotted name. path: its file; for a namespace package its first directory.
    is_package: has submodules. is_namespace: a package without ``__init__.py``; it has no source.
    search_root: the directory on the import path it was found under.
    """

    name: str
    path: Path
    is_package: bool
    search_root: Path
    is_namespace: bool = False


class DirectoryCache:
    """Directory listings, refreshed when a directory's modification time changes. on_use: hears of each that is used, with its time, its
    names where they are known, and whether they may be others at the same time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Mapping[str, bool]]] = {}
        self.on_use: Callable[[str, int, Iterable[str] | None, bool], None] | None = None

    def entries(self, directory: str) -> Mapping[str, bool]:
        """Names in `directory`, each with whether it is a directory. Empty where it cannot be read."""
        try:
            stamp = os.stat(directory).st_mtime_ns
        except (OSError, ValueError):
            stamp = -1
        cached = self._known.get(directory)
        if cached is not None and cached[0] == stamp:
            if self.on_use is not None:
                self.on_use(directory, stamp, cached[1], False)
            return cached[1]
        fresh = abs(time.time_ns() - stamp) < FRESH
        names: dict[str, bool] = {}
        if stamp >= 0:
            try:
                with os.scandir(directory) as found:
                    names = {entry.name: _is_dir(entry) for entry in found}
            except OSError:
                names = {}
        if not fresh:
            self._known[directory] = (stamp, names)
        if self.on_use is not None:
            self.on_use(directory, stamp, names, fresh)
        return names

    def unchanged(self, directory: str, stamp: int) -> bool:
        """Whether a listing that bore this stamp still counts; it is used then."""
        try:
            now = os.stat(directory).st_mtime_ns
        except (OSError, ValueError):
            now = -1
        if now == stamp and self.on_use is not None:
            known = self._known.get(directory)
            self.on_use(directory, stamp, known[1] if known is not None and known[0] == stamp else None, False)
        return now == stamp


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def package_root(file: Path, entries: Callable[[str], Mapping[str, bool]]) -> tuple[Path, tuple[str, ...]]:
    """The import root a file belongs to by its ``__init__.py`` chain, and the packages below it that hold the file."""
    directory = file.parent
    parts: list[str] = []
    while "__init__.py" in entries(str(directory)) and directory.parent != directory:
        parts.append(directory.name)
        directory = directory.parent
    return directory, tuple(reversed(parts))


class Finder:
    """Finds modules under a list of roots. `extra_files` are documents that exist in an editor only."""

    def __init__(
        self,
        roots: Sequence[Path],
        editable: Mapping[str, Path],
        cache: DirectoryCache,
        extra_files: Callable[[], Iterable[Path]] = tuple,
    ) -> None:
        self.roots = tuple(roots)
        self.editable = editable
        self.cache = cache
        self._extra_files = extra_files

    def entries(self, directory: str) -> Mapping[str, bool]:
        """A directory's listing with unsaved documents added."""
        names = self.cache.entries(directory)
        extra = {path.name: False for path in self._extra_files() if str(path.parent) == directory}
        return {**names, **extra} if extra.keys() - names.keys() else names

    def find(self, name: str, first: Sequence[Path] = ()) -> ModuleFile | None:
        """Resolve an absolute dotted name; `first` are roots to look under before all others."""
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        roots = (*first, *self.roots)
        if parts[0] in self.editable:
            target = self.editable[parts[0]]
            if len(parts) == 1 and not target.is_dir():
                return self._module(name, str(target.parent), target.stem, target.parent)
            found = self._descend(parts, 1, name, [(str(target), target.parent)], editable=True)
            if found is not None:
                return found
        return self._descend(parts, 0, name, [(str(root), root) for root in dict.fromkeys(roots)])

    def find_in_directory(self, name: str, directory: Path, parts: Sequence[str], root: Path) -> ModuleFile | None:
        """Resolve `parts` below `directory` (relative imports); no parts means the directory's own package."""
        if not all(part.isidentifier() for part in parts):
            return None
        return self._descend(list(parts), 0, name, [(str(directory), root)], editable=not parts)

    def _descend(
        self, parts: list[str], start: int, name: str, places: list[tuple[str, Path]], editable: bool = False
    ) -> ModuleFile | None:
        if editable and start >= len(parts):
            directory, root = places[0]
            return self._package(name, directory, root) or ModuleFile(name, Path(directory), True, root, True)
        for index in range(start, len(parts)):
            last = index == len(parts) - 1
            namespaces: list[tuple[str, Path]] = []
            regular: ModuleFile | None = None
            for directory, root in places:
                regular = self._module(name, directory, parts[index], root)
                if regular is not None:
                    break
                if self.entries(directory).get(parts[index]):
                    namespaces.append((os.path.join(directory, parts[index]), root))
            if regular is not None:
                if last:
                    return regular
                if not regular.is_package:
                    return None
                places = [(str(regular.path.parent), regular.search_root)]
            elif namespaces:
                if last:
                    directory, root = namespaces[0]
                    return ModuleFile(name, Path(directory), True, root, True)
                places = namespaces
            else:
                return None
        return None

    def _module(self, name: str, directory: str, part: str, root: Path) -> ModuleFile | None:
        names = self.entries(directory)
        if names.get(part) and (package := self._package(name, os.path.join(directory, part), root)):
            return package
        file = part + ".py"
        if names.get(file) is False:
            return ModuleFile(name, Path(directory, file), False, root)
        return None

    def _package(self, name: str, directory: str, root: Path) -> ModuleFile | None:
        if self.entries(directory).get("__init__.py") is False:
            return ModuleFile(name, Path(directory, "__init__.py"), True, root)
        return None
