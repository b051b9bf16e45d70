"""Runs the analysis over many files: result cache, worker processes, a fixed order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ane_lsp import analysis
from ane_lsp.analysis import AnalysisError, FileAnalysis
from ane_lsp.cli.cache import ResultCache
from ane_lsp.graph import Span
from ane_lsp.workspace import Dependencies
from ane_lsp.workspace.project import Projects

Arguments = tuple[dict[str, Any], Any, Any]
Tracked = tuple[FileAnalysis, Dependencies]
Tell = Callable[[int, int], None]

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
        message = f"the analysis failed: {type(error).__name__}: {error}. Please report it."
        return FileAnalysis(str(path), errors=[AnalysisError("internal", message, Span(str(path), 1, 0, 1, 0))])
    return FileAnalysis(result.path, result.findings, [], result.models, result.errors)


def analyse_all(
    files: Sequence[Path],
    projects: Projects,
    arguments: Arguments,
    jobs: int | None = None,
    cache: bool = True,
    tell: Tell | None = None,
) -> list[FileAnalysis]:
    """Results in the order of `files`, the same for any number of jobs."""
    return [result for result, _ in analyse_tracked(files, projects, arguments, jobs, cache, tell)]


def analyse_tracked(
    files: Sequence[Path],
    projects: Projects,
    arguments: Arguments,
    jobs: int | None = None,
    cache: bool = True,
    tell: Tell | None = None,
) -> list[Tracked]:
    """The same, each with what it was made from. `tell` is called with how many are done, from time to time."""
    store = ResultCache.open() if cache else None
    found: dict[Path, Tracked] = {}
    if store is not None:
        for path in files:  # reading results is too quick to be worth another process
            known = store.load_with_dependencies(_key(path, projects, store))
            if known is not None:
                found[path] = known
                if tell is not None:
                    tell(len(found), len(files))
    rest = [path for path in files if path not in found]
    if jobs is None:
<<<<<<< HEAD
        jobs = min(os.cpu_count() or 1, len(rest) // _FILES_PER_JOB)
    done = len(found)
    made: Iterator[tuple[Path, Tracked]]
    if jobs <= 1 or len(rest) <= 1:
        made = ((path, _analysed(path, projects, store)) for path in rest)
    else:
        # Settings problems are collected in this process; workers load their own copies.
        for path in rest:
            projects.settings(path)
        made = _in_processes(rest, arguments, jobs, cache)
    for path, tracked in made:
        found[path] = tracked
        done += 1
        if tell is not None:
            tell(done, len(files))
    return [found[path] for path in files]


def _in_processes(files: list[Path], arguments: Arguments, jobs: int, cache: bool) -> Iterator[tuple[Path, Tracked]]:
=======
        jobs = min(os.cpu_count() or 1, len(files) // _FILES_PER_JOB)
    if jobs <= 1 or len(files) <= 1:
        store = ResultCache.open() if cache else None
        return [_cached(path, projects, store) for path in files]
    # Settings problems are collected in this process; workers load their own copies.
    for path in files:
        projects.settings(path)
    if cache and (store := ResultCache.open()) is not None:
        store.try_out()
    size = max(1, min(8, len(files) // (4 * jobs)))
    chunks = [list(files[at : at + size]) for at in range(0, len(files), size)]
    found = _in_pool(chunks, arguments, jobs, cache)
    for at, chunk in enumerate(chunks):
        if found[at] is None:  # its process died, or that of a neighbour: each file again, on its own
            alone = [(_in_pool([[path]], arguments, 1, cache)[0] or [_died(path)])[0] for path in chunk]
            found[at] = alone
    return [result for chunk in found for result in chunk or ()]


def _in_pool(chunks: list[list[Path]], arguments: Arguments, jobs: int, cache: bool) -> list[list[FileAnalysis] | None]:
    """The results of each chunk, None for those that were lost with a process."""
>>>>>>> 92c6bde (What a fault costs is bounded: stages of an analysis, processes of a parallel check, files that are written, the result cache)
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(arguments, cache)) as pool:
<<<<<<< HEAD
        chunk = max(1, min(8, len(files) // (4 * jobs)))
        try:
            yield from zip(files, pool.map(_in_worker, files, chunksize=chunk))
        except BaseException:  # interrupted: what has not begun is not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise
=======
        waiting = []
        try:
            waiting += [pool.submit(_in_worker, chunk) for chunk in chunks]
        except BrokenProcessPool:
            pass
        found: list[list[FileAnalysis] | None] = []
        for future in waiting:
            try:
                found.append(future.result())
            except BrokenProcessPool:
                found.append(None)
    return found + [None] * (len(chunks) - len(found))


def _died(path: Path) -> FileAnalysis:
    message = "the process that analysed it was killed (out of memory?); the other files were analysed"
    return FileAnalysis(str(path), errors=[AnalysisError("internal", message, Span(str(path), 1, 0, 1, 0))])
>>>>>>> 92c6bde (What a fault costs is bounded: stages of an analysis, processes of a parallel check, files that are written, the result cache)


def _start_worker(arguments: Arguments, cache: bool) -> None:
    global _worker
    _worker = (Projects(*arguments), ResultCache.open(quiet=True) if cache else None)


<<<<<<< HEAD
def _in_worker(path: Path) -> Tracked:
    assert _worker is not None
    return _analysed(path, *_worker)
=======
def _in_worker(paths: list[Path]) -> list[FileAnalysis]:
    assert _worker is not None
    return [_cached(path, *_worker) for path in paths]
>>>>>>> 92c6bde (What a fault costs is bounded: stages of an analysis, processes of a parallel check, files that are written, the result cache)


def _key(path: Path, projects: Projects, store: ResultCache) -> str:
    return store.key(path, projects.settings(path), projects.workspace(path))


def _analysed(path: Path, projects: Projects, store: ResultCache | None) -> Tracked:
    with projects.workspace(path).track() as used:
        result = analyse_one(path, projects)
    if store is not None and not any(error.kind in ("internal", "budget") for error in result.errors):
        store.save(_key(path, projects, store), result, used)
    return result, used
