"""Results of earlier runs on disk, which the command and the server share.

An entry holds for one file, one version of ane-lsp and its rules, one set of settings and one environment, and lists the
files that were read and the folders that were listed for it; it counts only while none of them has changed.
Entries are JSON behind a checksum: loading one can run nothing, and a damaged one is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from ane_lsp import __version__
from ane_lsp.analysis import AnalysisError, FileAnalysis, ModelSummary, Remark, Unfollowed
from ane_lsp.checks.finding import Evidence, Finding, Fix, Related, TextEdit
from ane_lsp.graph import Span
from ane_lsp.report.terminal import printable
from ane_lsp.workspace import Dependencies, Settings, Workspace
from ane_lsp.workspace.atomic import write_atomic

_MAX_ENTRIES = 20_000
_MAX_SETTINGS = 64
_DIGEST = 64  # bytes of the checksum ahead of an entry


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

    def __init__(self, folder: Path, build: str, quiet: bool = False) -> None:
        """quiet: somebody else says it where nothing can be written. problem: why that is so, None as long as it can."""
        self.folder = folder
        self.build = build
        self._looked_at: dict[str, Any] = {}  # files and folders as this run found them
        self._settings: dict[int, tuple[Settings, dict[str, str]]] = {}
        self.problem: str | None = None
        self._quiet = quiet

    @classmethod
    def open(cls, quiet: bool = False) -> ResultCache | None:
        """The user's cache; None where the system does not say where that would be."""
        try:
            return cls(cache_dir(), _build(), quiet)
        except RuntimeError:  # no HOME, and no such user
            return None

    def key(self, path: Path, settings: Settings, workspace: Workspace, what: str = "check") -> str:
        """Names the result of doing `what` with `path` under these settings."""
        known = self._settings.get(id(settings))
        if known is None:
            if len(self._settings) > _MAX_SETTINGS:
                self._settings.clear()
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
        """Remember a result; graphs and syntax trees are not kept."""
        self.save_plain(key, asdict(replace(result, graphs=[], ran=None)), used)

    def load_plain(self, key: str) -> Any:
        """The JSON value under `key`, None where none is known or what it was made from has changed."""
        found = self._load(key)
        return None if found is None else found[0]

    def _load(self, key: str) -> tuple[Any, Dependencies] | None:
        try:
            stored = self._path(key).read_bytes()
        except (OSError, ValueError):
            return None
        head, body = stored[:_DIGEST], stored[_DIGEST:]
        if hashlib.sha256(body).hexdigest().encode() != head:
            return None  # half written, or damaged since
        try:
            entry = json.loads(body)
            files = {path: None if stamp is None else tuple(stamp) for path, stamp in entry["files"].items()}
            used = Dependencies(files, entry["directories"], entry["contents"], entry["listings"])
            return (entry["result"], used) if used.unchanged(self._looked_at) else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def save_plain(self, key: str, result: Any, used: Dependencies) -> None:
        """Remember a JSON value."""
        if self.problem is not None:
            return
        entry = {
            "files": used.files, "directories": used.directories, "contents": used.contents, "listings": used.listings,
            "result": result,
        }  # fmt: skip
        try:
            body = json.dumps(entry).encode()
        except (ValueError, TypeError, RecursionError):
            return  # this one result cannot be kept
        try:
            path = self._path(key)
            write_atomic(path, hashlib.sha256(body).hexdigest().encode() + body)
            if len(os.listdir(path.parent)) > 2 * _MAX_ENTRIES // 256:  # one of 256 folders tells for all
                self.prune()
        except OSError as error:
            self._give_up(error)

    def try_out(self) -> None:
        """Find out now whether results can be written, and say so where not; for a caller whose workers will write."""
        import tempfile  # brings random and shutil, of which a process that only reads has no use

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(b"x")
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Write no more, and say so once."""
        self.problem = f"{error.strerror or error}"
        if not self._quiet:
            text = f"ane-lsp: results cannot be kept in {printable(str(self.folder))} ({self.problem}); nothing is lost, but the next run does the same work again"
            print(text, file=sys.stderr)

    def entries(self) -> list[Path]:
        """Every stored file."""
        return sorted(self.folder.glob("v2/??/*")) if self.folder.is_dir() else []

    def prune(self) -> None:
        """Drop the oldest entries where there are too many."""
        found = self.entries()
        if len(found) > _MAX_ENTRIES:
            _remove(sorted(found, key=_modified)[: len(found) - _MAX_ENTRIES // 2])

    def clean(self) -> tuple[int, int]:
        """Remove everything; returns how many entries and bytes."""
        size = self.size()
        _remove(self.entries())
        return size

    def size(self) -> tuple[int, int]:
        """How many entries there are, and their bytes."""
        found = self.entries()
        return len(found), sum(map(_size, found))

    def _path(self, key: str) -> Path:
        return self.folder / "v2" / key[:2] / key


def _build() -> str:
    """Changes with every edit of the program or its rules, so that a source checkout needs no version bump."""
    from ane_lsp.knowledge import files

    digest = hashlib.sha256(f"{__version__} {sys.version_info[:2]}".encode())
    for root in (Path(__file__).resolve().parent, Path(str(files.root()))):
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
                    "span": Span(*model["span"]),
                    "assumed": tuple(model["assumed"]),
                    "elsewhere": _remarks_from(model["elsewhere"]),
                    "lost": _remarks_from(model["lost"]),
                    "off_ane": tuple((str(kind), int(count)) for kind, count in model["off_ane"]),
                }
            )
            for model in plain["models"]
        ],
        [AnalysisError(**{**error, "span": Span(*error["span"])}) for error in plain["errors"]],
        [Unfollowed(one["message"], Span(*one["span"])) for one in plain["unfollowed"]],
    )


def _remarks_from(plain: list[dict[str, Any]]) -> tuple[Remark, ...]:
    return tuple(Remark(**{**remark, "span": Span(*remark["span"])}) for remark in plain)


def _finding_from(plain: dict[str, Any]) -> Finding:
    return Finding(**{
        **plain,
        "span": Span(*plain["span"]),
        "evidence": tuple(Evidence(**evidence) for evidence in plain["evidence"]),
        "related": tuple(Related(Span(*related["span"]), related["message"]) for related in plain["related"]),
        "fixes": tuple(
            Fix(fix["title"], fix["safety"], tuple(TextEdit(Span(*e["span"]), e["text"]) for e in fix["edits"]))
            for fix in plain["fixes"]
        ),
    })  # fmt: skip


def _modified(path: Path) -> float:
    """0 for a file that another process has just removed."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remove(paths: list[Path]) -> None:
    for path in paths:
        try:
            path.unlink()
        except OSError:
            continue
