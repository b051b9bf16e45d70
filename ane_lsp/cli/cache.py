"""Results of earlier runs on disk, and ``ane-lsp cache``.

An entry holds for one file, one version of ane-lsp and its rules, one set of settings and one environment, and lists the
files that were read and the folders that were listed for it; it counts only while none of them has changed.
Entries are JSON: loading one can run nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ane_lsp import __version__
from ane_lsp.analysis import AnalysisError, FileAnalysis, ModelSummary
from ane_lsp.checks.finding import Evidence, Finding, Fix, Related, TextEdit
from ane_lsp.cli.errors import CLEAN
from ane_lsp.graph import Span
from ane_lsp.workspace import Dependencies, Settings, Workspace

_MAX_ENTRIES = 20_000


def cache_dir() -> Path:
    """ANE_LSP_CACHE_DIR, or the user's cache folder for this system."""
    chosen = os.environ.get("ANE_LSP_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "ane-lsp" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ane-lsp"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ane-lsp"


class ResultCache:
    """Results by key under a folder. Every failure to read or write means: no result is known."""

    def __init__(self, folder: Path, build: str) -> None:
        self.folder = folder
        self.build = build
        self._looked_at: dict[str, Any] = {}  # files and folders as this run found them
        self._settings: dict[int, tuple[Settings, dict[str, str]]] = {}

    @classmethod
    def open(cls) -> ResultCache:
        """The user's cache."""
        return cls(cache_dir(), _build())

    def key(self, path: Path, settings: Settings, workspace: Workspace, what: str = "check") -> str:
        """Names the result of doing `what` with `path` under these settings."""
        known = self._settings.get(id(settings))
        if known is None:
            text = {f.name: str(getattr(settings, f.name)) for f in fields(settings) if f.name != "origins"}
            known = self._settings[id(settings)] = settings, text
        plain = known[1]
        parts = [
            what,
            self.build,
            str(path),
            plain,
            str(workspace.root),
            [str(s) for s in workspace.environment.site_packages],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()

    def load(self, key: str) -> FileAnalysis | None:
        """The result under `key`, None where none is known or what it was made from has changed."""
        found = self.load_with_dependencies(key)
        return None if found is None else found[0]

    def load_with_dependencies(self, key: str) -> tuple[FileAnalysis, Dependencies] | None:
        """The result under `key` and what it was made from, None as for :meth:`load`."""
        found = self._load(key)
        try:
            return None if found is None else (_result_from(found[0]), found[1])
        except (KeyError, TypeError, RecursionError):
            return None

    def save(self, key: str, result: FileAnalysis, used: Dependencies) -> None:
        """Remember a result."""
        self.save_plain(key, asdict(result), used)

    def load_plain(self, key: str) -> Any:
        """The JSON value under `key`, None where none is known or what it was made from has changed."""
        found = self._load(key)
        return None if found is None else found[0]

    def _load(self, key: str) -> tuple[Any, Dependencies] | None:
        try:
            entry = json.loads(self._path(key).read_bytes())
            files = {path: None if stamp is None else (stamp[0], stamp[1]) for path, stamp in entry["files"].items()}
            used = Dependencies(files, entry["directories"])
            return (entry["result"], used) if used.unchanged(self._looked_at) else None
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            return None

    def save_plain(self, key: str, result: Any, used: Dependencies) -> None:
        """Remember a JSON value."""
        entry = {"files": used.files, "directories": used.directories, "result": result}
        path = self._path(key)
        try:
            text = json.dumps(entry)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, path)
        except (OSError, ValueError, TypeError, RecursionError):
            return

    def entries(self) -> list[Path]:
        """Every stored file."""
        return sorted(self.folder.glob("v1/??/*")) if self.folder.is_dir() else []

    def prune(self) -> None:
        """Drop the oldest entries where there are too many."""
        found = self.entries()
        if len(found) > _MAX_ENTRIES:
            found.sort(key=lambda path: path.stat().st_mtime)
            _remove(found[: len(found) - _MAX_ENTRIES // 2])

    def clean(self) -> tuple[int, int]:
        """Remove everything; returns how many entries and bytes."""
        found = self.entries()
        size = sum(path.stat().st_size for path in found)
        _remove(found)
        return len(found), size

    def _path(self, key: str) -> Path:
        return self.folder / "v1" / key[:2] / key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``cache``."""
    parser.add_argument("action", choices=("show", "clean"), nargs="?", default="show")


def run(args: argparse.Namespace) -> int:
    """Show or empty the result cache."""
    store = ResultCache(cache_dir(), "")
    if args.action == "clean":
        number, size = store.clean()
        print(f"removed {number} entries, {size / 1e6:.1f} MB, from {store.folder}")
    else:
        found = store.entries()
        print(f"{store.folder}: {len(found)} entries, {sum(p.stat().st_size for p in found) / 1e6:.1f} MB")
    return CLEAN


def _build() -> str:
    """Changes with every edit of the program or its rules, so that a source checkout needs no version bump."""
    from ane_lsp.knowledge import files

    digest = hashlib.sha256(f"{__version__} {sys.version_info[:2]}".encode())
    for root in (Path(__file__).resolve().parents[1], Path(str(files.root()))):
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                status = os.stat(os.path.join(folder, name))
                digest.update(f"{name} {status.st_mtime_ns} {status.st_size}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _result_from(plain: dict[str, Any]) -> FileAnalysis:
    return FileAnalysis(
        plain["path"],
        [_finding_from(finding) for finding in plain["findings"]],
        [],
        [
            ModelSummary(
                **{
                    **model,
                    "span": Span(**model["span"]),
                    "assumed": tuple(model["assumed"]),
                    "elsewhere": tuple(model["elsewhere"]),
                    "off_ane": tuple((str(kind), int(count)) for kind, count in model["off_ane"]),
                }
            )
            for model in plain["models"]
        ],
        [AnalysisError(**{**error, "span": Span(**error["span"])}) for error in plain["errors"]],
    )


def _finding_from(plain: dict[str, Any]) -> Finding:
    return Finding(**{
        **plain,
        "span": Span(**plain["span"]),
        "evidence": tuple(Evidence(**evidence) for evidence in plain["evidence"]),
        "related": tuple(Related(Span(**related["span"]), related["message"]) for related in plain["related"]),
        "fixes": tuple(
            Fix(fix["title"], fix["safety"], tuple(TextEdit(Span(**e["span"]), e["text"]) for e in fix["edits"]))
            for fix in plain["fixes"]
        ),
    })  # fmt: skip


def _remove(paths: list[Path]) -> None:
    for path in paths:
        try:
            path.unlink()
        except OSError:
            continue
