"""Runs the analysis over many files: result cache, worker processes, a fixed order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ane_lsp import analysis
from ane_lsp.analysis import AnalysisError, FileAnalysis
from ane_lsp.cli.cache import ResultCache
from ane_lsp.graph import Span
from ane_lsp.workspace.project import Projects

Arguments = tuple[dict[str, Any], Any, Any]

_FILES_PER_JOB = 8
"""A worker process costs about as much to start as this many small files to check."""

_worker: tuple[Projects, ResultCache | None] | None = None


def analyse_one(path: Path, projects: Projects) -> FileAnalysis:
    """One file's result without its graphs, which only the process that made them can use."""
    try:
        result = analysis.analyze(path, projects.workspace(path), projects.settings(path))
    except Exception as error:
        if os.environ.get("ANE_LSP_DEBUG"):
            raise
        message = f"the analysis failed: {type(error).__name__}: {error}"
        return FileAnalysis(str(path), errors=[AnalysisError("internal", message, Span(str(path), 1, 0, 1, 0))])
    return FileAnalysis(result.path, result.findings, [], result.models, result.errors)


def analyse_all(
    files: Sequence[Path], projects: Projects, arguments: Arguments, jobs: int | None = None, cache: bool = True
) -> list[FileAnalysis]:
    """Results in the order of `files`, the same for any number of jobs."""
    if jobs is None:
        jobs = min(os.cpu_count() or 1, len(files) // _FILES_PER_JOB)
    if jobs <= 1 or len(files) <= 1:
        store = ResultCache.open() if cache else None
        return [_cached(path, projects, store) for path in files]
    # Settings problems are collected in this process; workers load their own copies.
    for path in files:
        projects.settings(path)
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(arguments, cache)) as pool:
        return list(pool.map(_in_worker, files, chunksize=max(1, min(8, len(files) // (4 * jobs)))))


def _start_worker(arguments: Arguments, cache: bool) -> None:
    global _worker
    _worker = (Projects(*arguments), ResultCache.open() if cache else None)


def _in_worker(path: Path) -> FileAnalysis:
    assert _worker is not None
    return _cached(path, *_worker)


def _cached(path: Path, projects: Projects, store: ResultCache | None) -> FileAnalysis:
    if store is None:
        return analyse_one(path, projects)
    settings, workspace = projects.settings(path), projects.workspace(path)
    key = store.key(path, settings, workspace)
    known = store.load(key)
    if known is not None:
        return known
    with workspace.track() as used:
        result = analyse_one(path, projects)
    if not any(error.kind in ("internal", "budget") for error in result.errors):
        store.save(key, result, used)
    return result
