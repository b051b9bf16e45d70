"""Which files a folder holds: include and exclude patterns, ``.gitignore``, and folders nobody means."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ane_lsp.graph.records import dataclass
from ane_lsp.workspace.globs import glob_regex, path_matches

ALWAYS_EXCLUDED = frozenset({
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".hypothesis", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pytest_cache",
    ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pycache__", "__pypackages__", "build", "dist", "node_modules",
    "site-packages", "venv",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One line of a .gitignore. base: the folder of the file, as parts of the path relative to the start."""

    base: str
    pattern: str
    negated: bool
    folders_only: bool
    anchored: bool

    def matches(self, path: str, is_dir: bool) -> bool:
        if self.folders_only and not is_dir:
            return False
        if self.base:
            if not path.startswith(self.base + "/"):
                return False
            path = path[len(self.base) + 1 :]
        subject = path if self.anchored else path.rsplit("/", 1)[-1]
        return glob_regex(self.pattern).match(subject) is not None


def read_gitignore(text: str, base: str) -> list[_Ignore]:
    """The rules of one ``.gitignore`` whose folder is `base` (``/``-separated, relative)."""
    rules = []
    for raw in text.splitlines():
        line = raw.rstrip() if not raw.rstrip().endswith("\\") else raw.rstrip() + " "
        if not line or line.startswith("#"):
            continue
        negated = line.startswith("!")
        line = line[1:] if negated else line
        folders_only = line.endswith("/")
        line = line.rstrip("/")
        anchored = "/" in line
        if line:
            rules.append(_Ignore(base, line.lstrip("/"), negated, folders_only, anchored))
    return rules


def discover(
    folder: Path,
    include: Sequence[str] = ("*.py",),
    exclude: Sequence[str] = (),
    root: Path | None = None,
    respect_gitignore: bool = True,
) -> Iterator[Path]:
    """Files under `folder` in a fixed order (by name, files of a folder before its subfolders).

    Patterns are relative to `root`. ``.gitignore`` files count from the repository's top folder down. Symlinked
    folders are not followed, so that loops end.
    """
    root = root or folder
    top = _repository_top(folder) if respect_gitignore else None
    base = top or folder
    rules: list[_Ignore] = []
    if top is not None:
        relative_parts = folder.relative_to(top).parts
        for depth in range(len(relative_parts)):
            rules += _rules_in(top.joinpath(*relative_parts[:depth]), "/".join(relative_parts[:depth]))
    yield from _walk(folder, base, rules, include, exclude, root, respect_gitignore)


def _walk(
    folder: Path,
    base: Path,
    inherited: list[_Ignore],
    include: Sequence[str],
    exclude: Sequence[str],
    root: Path,
    respect_gitignore: bool,
) -> Iterator[Path]:
    pending = [(folder, inherited)]
    while pending:
        current, rules = pending.pop()
        try:
            with os.scandir(current) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        prefix = current.relative_to(base).as_posix()
        prefix = "" if prefix == "." else prefix + "/"
        if respect_gitignore and any(entry.name == ".gitignore" for entry in entries):
            rules = rules + _rules_in(current, prefix.rstrip("/"))
        folders = []
        for entry in entries:
            is_dir = entry.is_dir(follow_symlinks=False)
            if is_dir and entry.name in ALWAYS_EXCLUDED:
                continue
            path = Path(entry.path)
            if not is_dir and not any(path_matches(path, pattern, root, whole=True) for pattern in include):
                continue
            if _ignored(prefix + entry.name, is_dir, rules) or any(path_matches(path, e, root) for e in exclude):
                continue
            if is_dir:
                folders.append((path, rules))
            elif _is_file(entry):
                yield path
        pending += reversed(folders)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link in a circle
        return False


def _ignored(path: str, is_dir: bool, rules: list[_Ignore]) -> bool:
    for rule in reversed(rules):
        if rule.matches(path, is_dir):
            return not rule.negated
    return False


def _rules_in(folder: Path, base: str) -> list[_Ignore]:
    try:
        return read_gitignore((folder / ".gitignore").read_text(encoding="utf-8", errors="replace"), base)
    except OSError:
        return []


def _repository_top(folder: Path) -> Path | None:
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return None
