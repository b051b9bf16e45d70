"""What files exist, what they hold, and which file an import means. The only part of the core that touches the disk."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field
from pathlib import Path
from typing import Any

from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.source import SourceFile, read_source, source_from_text
from ane_lsp.workspace import datafiles
from ane_lsp.workspace.checkpoints import find_configuration
from ane_lsp.workspace.environment import Environment, EnvironmentNotFound, find_environment
from ane_lsp.workspace.resolve import FRESH, DirectoryCache, Finder, ModuleFile, package_root

CACHED_TEXT = 24_000_000
"""Characters of source whose text and tree are kept in memory; least recently used files go first."""


_DOUBTFUL = -2
"""Stands for the stamp of a listing so fresh that a further change might carry the same time: no listing has it."""
_MAX_RESOLVED = 20_000

Stamp = tuple[int, ...]


def stamp_of(status: os.stat_result) -> Stamp:
    """Changes with a file's content. Its times of modification can be set to anything, so size, inode and the time of the last
    change of the inode, which nobody can set back, are part of it."""
    return status.st_mtime_ns, status.st_size, status.st_ctime_ns, status.st_ino


def is_fresh(stamp: Stamp) -> bool:
    """Whether a file was changed so lately that a further change might carry the same stamp."""
    changed = max(stamp[0], stamp[2]) if os.name == "nt" else stamp[2]
    return abs(time.time_ns() - changed) < FRESH


@dataclass(slots=True)
class Dependencies:
    """What an analysis looked at: files read (path to stamp, None where unreadable) and directories listed.

    contents: digests of files that had been changed just before: the next change may carry the same time. listings: digests of the names in
    directories, which count where the time is another, as editors that save under another name and rename then change it, or is no
    use, as that of a directory that had been changed just before.
    """

    files: dict[str, Stamp | None] = field(default_factory=dict)
    directories: dict[str, int] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    listings: dict[str, str] = field(default_factory=dict)

    def unchanged(self, looked_at: dict[str, Any] | None = None) -> bool:
        """Whether every file and folder is on disk as it was.

        looked_at: what earlier calls found, for asking about many results at one moment.
        """
        known = looked_at if looked_at is not None else {}
        for path, stamp in self.files.items():
            if path not in known:
                known[path] = _stamp(path)
            if known[path] != stamp:
                return False
        for path, modified in self.directories.items():
            name = path + os.sep  # a folder may have been asked for as a file as well
            if name not in known:
                known[name] = modified_at(path)
            if known[name] != modified and (
                known[name] < 0 or not self.listings.get(path) or self._digest(path, known) != self.listings[path]
            ):
                return False
        return all(self._digest(path, known) == digest for path, digest in self.contents.items())

    @staticmethod
    def _digest(path: str, known: dict[str, Any]) -> str:
        name = path + "\0"
        if name not in known:
            known[name] = content_digest(Path(path))
        return known[name]  # type: ignore[no-any-return]


def _stamp(path: str) -> Stamp | None:
    try:
        return stamp_of(os.stat(path))
    except (OSError, ValueError):
        return None


def modified_at(directory: str) -> int:
    """When a folder's list of names changed last, in nanoseconds; -1 where it is not there."""
    try:
        return os.stat(directory).st_mtime_ns
    except (OSError, ValueError):
        return -1


class Workspace:
    """A project folder seen through its open documents, with the environment its imports resolve into.

    root: the project folder. search_paths: library folders looked in ahead of the environment. python: which
    environment (see :func:`find_environment`). overlays: texts of open documents by path.
    `problem` says what is wrong with `python`; the environment is then empty. Safe to use from several threads.
    """

    def __init__(
        self,
        root: Path,
        search_paths: Sequence[Path] = (),
        python: str | None = None,
        overlays: Mapping[Path, str] | None = None,
    ) -> None:
        self.root = absolute(root)
        self.search_paths = tuple(absolute(path) for path in search_paths)
        self.problem: str | None = None
        try:
            self.environment = find_environment(self.root, python)
        except EnvironmentNotFound as error:
            self.problem = str(error)
            self.environment = Environment(self.root, (), origin=f"python = {python}: not found")
        self._overlays: dict[str, SourceFile] = {}
        self._files: OrderedDict[str, tuple[Stamp, SourceFile]] = OrderedDict()
        self._doubtful: set[str] = set()  # read so soon after a change that the stamp may miss the next one
        self._cached_text = 0
        self._lock = threading.RLock()
        self._directories = DirectoryCache()
        self._tracking: ContextVar[Dependencies | None] = ContextVar("tracking", default=None)
        self._directories.on_use = self._track_directory
        self._listings: dict[str, tuple[int, str]] = {}  # of folders, their time and a digest of their names then
        # By name and folder of the importing file: where the name led, the stamps of the listings that decided it, and which
        # files were unsaved.
        self._resolved: dict[tuple[str, str, bool], tuple[ModuleFile | None, dict[str, int], tuple[str, ...]]] = {}
        self._deciding: ContextVar[dict[str, int] | None] = ContextVar("deciding", default=None)
        source_roots = [self.root, *([self.root / "src"] if (self.root / "src").is_dir() else [])]
        self.source_roots = tuple(source_roots)
        self._package = (
            self.root if (self.root / "__init__.py").is_file() else None
        )  # the project, where it is itself a package
        self._finder = Finder(
            [*self.search_paths, *source_roots, *self.environment.site_packages],
            self.environment.editable,
            self._directories,
            lambda: [source.path for source in self._overlays.values()],
        )
        for path, text in (overlays or {}).items():
            self.set_overlay(path, text)

    # -- documents ---------------------------------------------------------------------------------------------------

    def set_overlay(self, path: Path, text: str, version: int | None = None) -> SourceFile:
        """From now on `path` holds `text`, whatever the disk says."""
        source = source_from_text(absolute(path), text, version)
        with self._lock:
            self._overlays = {**self._overlays, str(source.path): source}
        return source

    def overlay(self, path: Path | str) -> SourceFile | None:
        """What an editor holds for `path`, None where the disk counts."""
        return self._overlays.get(str(path))

    @property
    def open_paths(self) -> frozenset[str]:
        """Of files that an editor holds."""
        return frozenset(self._overlays)

    def close_overlay(self, path: Path) -> None:
        """From now on `path` is what the disk says."""
        with self._lock:
            self._overlays = {k: v for k, v in self._overlays.items() if k != str(absolute(path))}

    @contextmanager
    def overlaid(self, path: Path, text: str) -> Iterator[None]:
        """Inside the block `path` holds `text`; afterwards what it held before. For one thread."""
        key = str(absolute(path))
        before = self._overlays.get(key)
        self.set_overlay(path, text)
        try:
            yield
        finally:
            with self._lock:
                others = {k: v for k, v in self._overlays.items() if k != key}
                self._overlays = others if before is None else {**others, key: before}

    def read(self, path: Path) -> SourceFile:
        """The newest version of a file. The same object as long as the file has not changed."""
        path = absolute(path)
        key = str(path)
        overlay = self._overlays.get(key)
        if overlay is not None:
            return overlay
        try:
            status = os.stat(path)
            stamp = stamp_of(status)
        except (OSError, ValueError):
            self._track_file(key, None)
            return read_source(path)
        self._track_file(key, stamp)
        with self._lock:
            cached = self._files.get(key)
            if cached is not None and cached[0] == stamp and key not in self._doubtful:
                self._files.move_to_end(key)
                return cached[1]
        fresh = is_fresh(stamp)
        source = read_source(path)
        if fresh and (current := self._tracking.get()) is not None:
            current.contents[key] = text_digest(source.text)
        with self._lock:
            if not fresh:
                self._doubtful.discard(key)
            else:
                self._doubtful.add(key)
            if cached is not None and cached[0] == stamp and _same(cached[1], source):
                return cached[1]
            replaced = self._files.pop(key, None)
            self._cached_text += len(source.text) - (len(replaced[1].text) if replaced else 0)
            self._files[key] = (stamp, source)
            while self._cached_text > CACHED_TEXT and len(self._files) > 1:
                self._cached_text -= len(self._files.popitem(last=False)[1][1].text)
        return source

    def model_configuration(self, name: str, subfolder: str = "", revision: str = "main") -> dict[str, Any] | None:
        """The ``config.json`` of a published model, where it is on this machine (see :mod:`.checkpoints`)."""
        return find_configuration(name, self.root, lambda path: self.read(path).text, subfolder, revision)

    def find_data(self, name: str, near: Path | None = None) -> list[Path] | None:
        """Data files that a program may mean by `name`; None where it names none that may be read.

        A relative name is looked for in the project folder and in the folder of `near`, the file that names it.
        """
        bases = [self.root, *([absolute(near).parent] if near is not None else [])]
        meant = [path for path in datafiles.candidates(name, bases) if datafiles.permitted(path, self._data_roots)]
        return [path for path in meant if self._is_data(path)] if meant else None

    def find_source(self, name: str, near: Path | None = None) -> Path | None:
        """The file of the project that a program means by a path to Python source; None where that is none, or may be several."""
        bases = [self.root, *([absolute(near).parent] if near is not None else [])]
        meant = [path for path in datafiles.candidates(name, bases) if path.suffix == ".py" and self.is_own(path)]
        there = [path for path in meant if self._is_data(path)]
        return there[0] if len(there) == 1 else None

    def _is_data(self, path: Path) -> bool:
        return self.names_in(path.parent).get(path.name) is False

    def data_text(self, path: Path) -> str | None:
        """What a file that :meth:`find_data` found holds, None where that is no text or too much of it."""
        source = self.read(path)
        return None if source.unreadable or len(source.text) > datafiles.LIMIT else source.text

    def find_data_files(self, pattern: str) -> list[Path] | None:
        """Data files that fit an absolute ``glob`` pattern; None where that may find other files as well."""
        fixed = Path(os.path.normpath(pattern))
        if not datafiles.permitted(fixed, self._data_roots):
            return None
        try:
            found = list(datafiles.matching(str(fixed), self.names_in))
        except ValueError:
            return None
        return [path for path in found if datafiles.permitted(path, self._data_roots) and self._is_data(path)]

    @property
    def _data_roots(self) -> tuple[Path, ...]:
        return (self.root, *self.search_paths, *self.environment.site_packages, *self.environment.editable.values())

    # -- imports -----------------------------------------------------------------------------------------------------

    def resolve(
        self, module: str, from_file: Path | None = None, level: int = 0, beside: bool = False
    ) -> ModuleFile | None:
        """The source of ``import module``, or of ``from ...module import`` with `level` dots in `from_file`.

        None where there is no Python source for it: missing, built in, or a C extension.
        Order: for absolute names the folder of the importing script (for a file in a package: the folder that holds
        its outermost package), search paths, the project and its ``src``, the environment. beside: last the folders around it in
        the project, which are on the path where a script in one of them is run or puts them there (``sys.path.append("core")``).
        """
        if level:
            return self._resolve_relative(module, from_file, level) if from_file is not None else None
        if not module:
            return None
        key = module, str(absolute(from_file).parent) if from_file is not None else "", beside
        known = self._resolved.get(key)
        if known is not None:
            found, listings, unsaved = known
            if unsaved == tuple(self._overlays) and all(map(self._directories.unchanged, listings, listings.values())):
                return found
        listings, unsaved = {}, tuple(self._overlays)
        token = self._deciding.set(listings)
        try:
            found = self._resolve_absolute(module, from_file, beside)
        finally:
            self._deciding.reset(token)
        if module.partition(".")[0] not in self.environment.editable:
            if len(self._resolved) >= _MAX_RESOLVED:
                self._resolved.clear()
            self._resolved[key] = found, listings, unsaved
        return found

    def _resolve_absolute(self, module: str, from_file: Path | None, beside: bool) -> ModuleFile | None:
        script_dir: tuple[Path, ...] = ()
        if from_file is not None:
            import_root, _ = package_root(absolute(from_file), self._finder.entries)
            if import_root not in self.environment.site_packages:
                script_dir = (import_root,)
        found = self._finder.find(module, script_dir)
        if found is None and beside and from_file is not None and script_dir:
            found = self._beside(module, absolute(from_file), script_dir[0])
        return found

    def _beside(self, module: str, file: Path, root: Path) -> ModuleFile | None:
        """A module in the importing file's own package, or in a folder around it inside of the project."""
        for folder in file.parents:
            if not (_strictly_inside(folder, root) or _strictly_inside(folder, self.root)):
                break
            found = self._finder.find(module, (folder,))
            if found is not None and found.path != file and not found.is_namespace:
                return found
        return None

    def find_in(self, folders: Iterable[Path], module: str) -> ModuleFile | None:
        """A module that lies in one of these folders, as far as they are inside of the project: as on Python's path, one with source
        goes before a package without ``__init__.py``, in whichever folder it lies."""
        inside = [folder for folder in map(absolute, folders) if _inside(folder, self.root)]
        found = self._finder.find(module, inside) if inside else None
        return found if found is not None and found.search_root in inside else None

    def is_own(self, path: Path) -> bool:
        """Whether a file belongs to the project itself, not to a package that is installed inside of it."""
        return _inside(path, self.root) and not any(_inside(path, place) for place in self.environment.site_packages)

    def _resolve_relative(self, module: str, from_file: Path, level: int) -> ModuleFile | None:
        file = absolute(from_file)
        import_root, packages = package_root(file, self._finder.entries)
        directory = file.parent
        for _ in range(level - 1):
            directory = directory.parent
        # Python refuses to leave the top-level package. Folders without __init__.py are namespace packages, whose top
        # is the root they were found under.
        if packages and level > len(packages):
            namespace_root = self._root_of(import_root)
            if namespace_root is None or not _strictly_inside(directory, namespace_root):
                return None
        elif not packages and (self._root_of(directory) is None):
            return None
        inside_package = packages and _inside(directory, import_root)
        root = import_root if inside_package else self._root_of(directory) or directory
        parts = module.split(".") if module else []
        name = ".".join((*_relative_parts(directory, root), *parts))
        return self._finder.find_in_directory(name, directory, parts, root)

    def names_in(self, directory: Path) -> Mapping[str, bool]:
        """What a directory holds, each name with whether it is a directory itself."""
        return self._finder.entries(str(absolute(directory)))

    def module_name(self, path: Path) -> str:
        """The dotted name a file is imported under."""
        path = absolute(path)
        root = self.import_root(path)
        parts = list(_relative_parts(path, root)) or [path.name]
        stem = parts.pop().removesuffix(".py")
        return ".".join(parts if stem == "__init__" and parts else [*parts, stem])

    def import_root(self, path: Path) -> Path:
        """The directory on the import path that a file belongs to. A project folder within a package is none for that package."""
        path = absolute(path)
        root = self._root_of(path)
        if root is not None and root != self._package:
            return root
        of_package = package_root(path, self._finder.entries)[0]
        return of_package if root is None or _strictly_inside(root, of_package) else root

    def relative(self, path: Path | str) -> str:
        """`path` as reports print it, with ``/``: relative to site-packages, a search path or the project."""
        path = absolute(Path(path))
        root = self._root_of(path, (self.root, *self.search_paths, *self.environment.site_packages))
        return "/".join(_relative_parts(path, root or package_root(path, self._finder.entries)[0])) or path.name

    def _root_of(self, path: Path, roots: Sequence[Path] = ()) -> Path | None:
        """The innermost root that holds `path`."""
        holding = [root for root in roots or self._finder.roots if _inside(path, root)]
        holding += [t.parent for t in self.environment.editable.values() if _inside(path, t)]
        return max(holding, key=lambda root: len(root.parts), default=None)

    # -- caches ------------------------------------------------------------------------------------------------------

    @contextmanager
    def track(self) -> Iterator[Dependencies]:
        """Collects what this context reads and lists inside the block; a result cache is valid while they are unchanged."""
        outer = self._tracking.get()
        mine = Dependencies()
        token = self._tracking.set(mine)
        try:
            yield mine
        finally:
            self._tracking.reset(token)
            if outer is not None:
                outer.files.update(mine.files)
                outer.directories.update(mine.directories)
                outer.contents.update(mine.contents)
                outer.listings.update(mine.listings)

    def _track_file(self, path: str, stamp: Stamp | None) -> None:
        current = self._tracking.get()
        if current is not None:
            current.files[path] = stamp

    def _track_directory(self, path: str, stamp: int, names: Iterable[str] | None, fresh: bool) -> None:
        deciding = self._deciding.get()
        if deciding is not None:
            deciding[path] = _DOUBTFUL if fresh else stamp
        current = self._tracking.get()
        if current is None:
            return
        if names is not None and (fresh or current.directories.get(path) != stamp):
            listed, digest = self._listings.get(path, (-1, ""))
            if fresh or listed != stamp:
                digest = names_digest(names)
                self._listings[path] = stamp, digest
            current.listings[path] = digest
        current.directories[path] = _DOUBTFUL if fresh else stamp


def text_digest(text: str) -> str:
    """Stands for a text in :attr:`Dependencies.contents`."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_PASSING = re.compile(r"__pycache__|4913|.*~|\.#.*|#.*#|\..*\.sw[a-z]|.*\.tmp")
"""Names of what Python and editors put beside a file that is run or edited, which no program reads."""


def names_digest(names: Iterable[str]) -> str:
    """Stands for the names in a folder there."""
    return text_digest("\0".join(sorted(name for name in names if _PASSING.fullmatch(name) is None)))


def content_digest(path: Path) -> str:
    """What stands there for a file or folder as it is now."""
    try:
        return names_digest(os.listdir(path)) if path.is_dir() else text_digest(read_source(path).text)
    except OSError:
        return ""


def _same(one: SourceFile, other: SourceFile) -> bool:
    return (one.text, one.encoding, one.bom, one.unreadable) == (
        other.text,
        other.encoding,
        other.bom,
        other.unreadable,
    )


def absolute(path: Path, _cwd: Callable[[], str] = os.getcwd) -> Path:
    """Absolute and without ``..``; symlinks stay as the user wrote them."""
    return path if path.is_absolute() and ".." not in path.parts else Path(os.path.normpath(Path(_cwd(), path)))


def _inside(path: Path, root: Path) -> bool:
    return path.parts[: len(root.parts)] == root.parts


def _strictly_inside(path: Path, root: Path) -> bool:
    return len(path.parts) > len(root.parts) and _inside(path, root)


def _relative_parts(path: Path, root: Path) -> tuple[str, ...]:
    return path.parts[len(root.parts) :] if _inside(path, root) else path.parts
