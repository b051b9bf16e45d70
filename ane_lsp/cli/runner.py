"""Runs the analysis over many files: result cache, worker processes, a fixed order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ane_lsp import analysis
from ane_lsp._memory import ROOM, collect_between, collect_rarely
from ane_lsp.analysis import AnalysisError, FileAnalysis
from ane_lsp.graph import Span
from ane_lsp.stored import ResultCache
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
    if cache and (store := ResultCache.open()) is not None:
        store.try_out()
    size = max(1, min(8, len(files) // (4 * jobs)))
    chunks = [files[at : at + size] for at in range(0, len(files), size)]
    lost: list[Path] = []
    for chunk, found in _in_pool(chunks, arguments, jobs, cache):
        if found is None:
            lost += chunk
        else:
            yield from zip(chunk, found, strict=True)
    for path in lost:  # its process was killed, or that of a neighbour: each again, in one of its own
        ((_, found),) = _in_pool([[path]], arguments, 1, cache)
        yield path, found[0] if found is not None else (_killed(path), Dependencies())


def _in_pool(
    chunks: list[list[Path]], arguments: Arguments, jobs: int, cache: bool
) -> Iterator[tuple[list[Path], list[Tracked] | None]]:
    """Each chunk with its results, None for those that were lost with a process."""
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(arguments, cache)) as pool:
        waiting: list[Future[list[Tracked]]] = []
        with suppress(BrokenProcessPool):
            waiting += [pool.submit(_in_worker, chunk) for chunk in chunks]
        try:
            for number, chunk in enumerate(chunks):
                found: list[Tracked] | None = None
                if number < len(waiting):
                    with suppress(BrokenProcessPool):
                        found = waiting[number].result()
                yield chunk, found
        except BaseException:  # interrupted: what has not begun is not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _killed(path: Path) -> FileAnalysis:
    message = "the process that analysed it was killed (out of memory?); the other files were analysed"
    return FileAnalysis(str(path), errors=[AnalysisError("internal", message, Span(str(path), 1, 0, 1, 0))])


def _start_worker(arguments: Arguments, cache: bool) -> None:
    global _worker
    collect_rarely(ROOM)
    _worker = (Projects(*arguments), ResultCache.open(quiet=True) if cache else None)


def _in_worker(paths: list[Path]) -> list[Tracked]:
    assert _worker is not None
    return [_analysed(path, *_worker) for path in paths]


def _key(path: Path, projects: Projects, store: ResultCache) -> str:
    return store.key(path, projects.settings(path), projects.workspace(path))


def _analysed(path: Path, projects: Projects, store: ResultCache | None) -> Tracked:
    collect_between()
    workspace = projects.workspace(path)
    with workspace.track() as used:
        result = analyse_one(path, projects)
    workspace.read(path).forget_tree()  # of what is only imported, pieces are parsed
    if store is not None and not any(error.kind in ("internal", "budget") for error in result.errors):
        store.save(_key(path, projects, store), result, used)
    return result, used
