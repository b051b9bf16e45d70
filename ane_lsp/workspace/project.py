"""Which settings and which workspace a file belongs to. Commands, the server and the Python API share this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ane_lsp.workspace.settings import Settings, SettingsProblem, find_settings, load_settings
from ane_lsp.workspace.workspace import Workspace, absolute

_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


class Projects:
    """Settings by folder and workspaces by root, each loaded once.

    overrides: settings of a command line or an editor; paths in them are relative to the current folder.
    root: the project folder, instead of the one found from each file. config: a settings file, instead of the nearest;
    False for none. problems: what was wrong with the settings read so far. Raises ValueError for wrong overrides.
    """

    def __init__(
        self,
        overrides: Mapping[str, Any] | None = None,
        root: Path | None = None,
        config: Path | bool | None = None,
    ) -> None:
        self._overrides = dict(overrides or {})
        self._root = absolute(root) if root is not None else None
        self._config = config
        self._by_folder: dict[Path, Settings] = {}
        self._roots: dict[Path, Path] = {}  # of folders without settings
        self._by_file: dict[Path, Settings] = {}
        self._workspaces: dict[tuple[Path, tuple[Path, ...], str | None], Workspace] = {}
        self.problems: list[SettingsProblem] = []
        _, wrong = Settings().merge(self._overrides)
        if wrong:
            raise ValueError(wrong[0].message)

    def settings(self, path: Path) -> Settings:
        """The settings for a file: the nearest settings file's, under the overrides."""
        folder = absolute(path).parent
        known = self._by_folder.get(folder)
        if known is None:
            known = self._by_folder[folder] = self._load(folder)
        return known

    def workspace(self, path: Path) -> Workspace:
        """The workspace a file is analysed in."""
        path = absolute(path)
        settings = self.settings(path)
        root = self._root or settings.root or self._found_root(path.parent)
        key = (root, tuple(Path(p) for p in settings.search_paths), settings.python)
        if key not in self._workspaces:
            self._workspaces[key] = Workspace(root, key[1], key[2])
        return self._workspaces[key]

    def _found_root(self, folder: Path) -> Path:
        root = self._roots.get(folder)
        if root is None:
            root = self._roots[folder] = _find_root(folder)
        return root

    def workspaces(self) -> list[Workspace]:
        """Every workspace opened so far."""
        return list(self._workspaces.values())

    def _load(self, folder: Path) -> Settings:
        file = None if self._config is False else absolute(self._config) if isinstance(self._config, Path) else None
        if self._config in (None, True):
            file = find_settings(folder)
        if file is None:
            return self._finish(Settings(), None)
        if file not in self._by_file:
            loaded, problems = load_settings(file)
            self.problems += problems
            self._by_file[file] = self._finish(loaded, file.parent)
        return self._by_file[file]

    def _finish(self, settings: Settings, root: Path | None) -> Settings:
        """Paths of the file become absolute, then the overrides come on top, relative to the current folder."""
        if root is not None:
            settings = _with_absolute_paths(settings, root)
        merged, _ = settings.merge(self._overrides)
        return _with_absolute_paths(merged, absolute(Path()))


def _with_absolute_paths(settings: Settings, base: Path) -> Settings:
    search = tuple(str(absolute(base / Path(path).expanduser())) for path in settings.search_paths)
    python = settings.python
    if python is not None and (base / Path(python).expanduser()).exists():
        python = str(absolute(base / Path(python).expanduser()))
    return replace(settings, search_paths=search, python=python)


def _find_root(start: Path) -> Path:
    """Without settings: the nearest folder that looks like a project, else the current folder or the file's own, `start`, or that
    which holds its package."""
    above = (start, *start.parents)
    for folder in above:
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder
    current = absolute(Path())
    if current in above:
        return current
    return next(folder for folder in above if not (folder / "__init__.py").exists() or folder == folder.parent)
