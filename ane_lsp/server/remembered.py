"""What an earlier run said of a file that is opened: told at once, while the file is analysed.

The results are those that ``check`` keeps and finds, too. One is told only where everything it was made from is as it was, on
disk and in the editor: the same check as the command's, and no open document among it differs from its file. The analysis that
follows has the last word.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ane_lsp.analysis import FileAnalysis
from ane_lsp.server.results import DocumentResult
from ane_lsp.stored import ResultCache
from ane_lsp.syntax.source import read_source
from ane_lsp.workspace import Dependencies, Settings, Workspace
from ane_lsp.workspace.workspace import stamp_of, text_digest

_UNFIT = {"internal", "budget", "read"}


class Remembered:
    """Results on disk. Every failure means that nothing is known. Nothing is written before :meth:`flush`."""

    def __init__(self) -> None:
        self._unwritten: dict[str, tuple[FileAnalysis, Dependencies]] = {}

    def find(
        self, path: str, settings: Settings, workspace: Workspace, overlays: Mapping[str, str]
    ) -> DocumentResult | None:
        """The findings, errors and models of a file that an editor shows as it is on disk."""
        store = self._store
        if store is None:
            return None
        found = store.load_with_dependencies(_key(store, path, settings, workspace))
        if found is None or _on_disk([path, *found[1].files], overlays) is None:
            return None
        result, _ = found
        return DocumentResult(path, tuple(result.findings), tuple(result.errors), tuple(result.models))

    def keep(
        self,
        found: FileAnalysis,
        settings: Settings,
        workspace: Workspace,
        seen: Dependencies,
        used: Iterable[str],
        overlays: Mapping[str, str],
    ) -> None:
        """Remember an analysis, made from what was `seen` on disk and the documents of `used` that are open."""
        if any(error.kind in _UNFIT for error in found.errors):
            return
        store, shown = self._store, _on_disk([found.path, *used], overlays)
        if store is None or shown is None:
            return
        plain = FileAnalysis(found.path, list(found.findings), [], list(found.models), list(found.errors))
        seen = Dependencies(
            {**seen.files, **shown.files},
            dict(seen.directories),
            {**seen.contents, **shown.contents},
            dict(seen.listings),
        )
        self._unwritten[_key(store, found.path, settings, workspace)] = plain, seen

    def flush(self) -> None:
        """Write what is to be remembered."""
        while self._unwritten and self._store is not None:
            key, (found, seen) = self._unwritten.popitem()
            self._store.save(key, found, seen)

    @cached_property
    def _store(self) -> ResultCache | None:
        return ResultCache.open(quiet=True)


def _key(store: ResultCache, path: str, settings: Settings, workspace: Workspace) -> str:
    """The command's key. Without a settings file the server's settings name the workspace folder as their root, the command's
    none; where no pattern is relative to it that is no difference."""
    if settings.file is None and not settings.entries and not settings.per_file_ignores:
        settings = replace(settings, root=None)
    return store.key(Path(path), settings, workspace)


def _on_disk(paths: Iterable[str], overlays: Mapping[str, str]) -> Dependencies | None:
    """The open ones among the files as dependencies; None where the text of one is not that on disk."""
    found = Dependencies()
    for path in paths:
        text = overlays.get(path)
        if text is None:
            continue
        try:
            found.files[path] = stamp_of(os.stat(path))
            if read_source(Path(path)).text != text:
                return None
        except (OSError, ValueError):
            return None
        found.contents[path] = text_digest(text)
    return found
