"""Runs the analysis over many files: result cache, worker processes, a fixed order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ane_lsp import analysis
from ane_lsp._memory import ROOM, collect_between, collect_rarely, resident
from ane_lsp.analysis import AnalysisError, FileAnalysis
from ane_lsp.graph import Span
from ane_lsp.stored import ResultCache
from ane_lsp.workspace import Dependencies
from ane_lsp.workspace.project import Projects

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Arguments = tuple[dict[str, Any], Any, Any]
Tracked = tuple[FileAnalysis, Dependencies]
Tell = Callable[[int, int], None]

_FILES_PER_JOB = 8
"""A worker process costs about as much to start as this many small files to check."""

_MAX_GROWN = 350_000_000
"""Bytes by which a worker may grow before another process takes its place. What an analysis lets go of lies scattered between what is
kept, so that little of it can be used again: a process grows with the files it has seen, though it keeps next to nothing of them.
"""


def analyse_one(path: Path, projects: Projects) -> FileAnalysis:
    """One file's result without its graphs, which only the process that made them can use."""
    try:
        result = analysis.analyze(path, projects.workspace(path), projects.settings(path))
    except Exception as error:
        if os.environ.get("ANE_LSP_DEBUG"):
            raise
        message = f"the analysis failed: {type(error).__name__}: {error}. Please report it."
        return FileAnalysis(str(path), errors=[AnalysisError("internal", message, Span(str(path), 1, 0, 1, 0))])
    return FileAnalysis(result.path, result.findings, [], result.models, result.errors, result.unfollowed)


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
    """Each file with its result, in the order in which they are done."""
    if cache and (store := ResultCache.open()) is not None:
        store.try_out()
    size = max(1, min(8, len(files) // (4 * jobs)))
    lost: list[list[Path]] = []
    for chunk, found in _by_workers(
        [files[at : at + size] for at in range(0, len(files), size)], arguments, jobs, cache
    ):
        if found is None:
            lost += [[path] for path in chunk]
        else:
            yield from zip(chunk, found, strict=True)
    # Again, each in a process of its own and nothing beside it: it may have been another that took the memory.
    for alone in lost:
        for (path,), found in _by_workers([alone], arguments, 1, cache):
            yield path, found[0] if found is not None else (_killed(path), Dependencies())


def _by_workers(
    chunks: list[list[Path]], arguments: Arguments, jobs: int, cache: bool
) -> Iterator[tuple[list[Path], list[Tracked] | None]]:
    """Each chunk with its results, None where its process was killed."""
    from multiprocessing.connection import wait

    waiting = chunks[::-1]
    workers: list[_Worker] = []
    try:
        while waiting and len(workers) < jobs:
            workers.append(_Worker(arguments, cache))
            workers[-1].begin(waiting.pop())
        while busy := [worker for worker in workers if worker.chunk]:
            ready = wait([worker.pipe for worker in busy])
            for worker in busy:
                if worker.pipe not in ready:
                    continue
                chunk, found = worker.chunk, worker.found()
                if waiting:
                    if found is None or worker.grown > _MAX_GROWN:
                        worker.end()
                        workers[workers.index(worker)] = worker = _Worker(arguments, cache)
                    worker.begin(waiting.pop())
                yield chunk, found
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that analyses one chunk of files after the other.

    Not of ``concurrent.futures``: there one that is killed takes its neighbours along, and none can be replaced by another.
    chunk: what it is at, empty where it is idle. grown: bytes of memory it held more after the last one than when it began.
    """

    def __init__(self, arguments: Arguments, cache: bool) -> None:
        from multiprocessing import Pipe, Process

        self.pipe, theirs = Pipe()
        self._process = Process(target=_work, args=(theirs, arguments, cache), daemon=True)
        self._process.start()
        theirs.close()  # so that reading ends when the process does
        self.chunk: list[Path] = []
        self.grown = 0

    def begin(self, chunk: list[Path]) -> None:
        """Give it a chunk."""
        self.chunk = chunk
        with suppress(OSError):  # it is gone, which is told where its results are asked for
            self.pipe.send(chunk)

    def found(self) -> list[Tracked] | None:
        """The results of its chunk, None where it was killed. Raises what went wrong in it."""
        self.chunk = []
        try:
            found, self.grown = self.pipe.recv()
        except (EOFError, OSError):
            return None
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    def end(self) -> None:
        """Stop it, whatever it is at."""
        self._process.terminate()
        self._process.join()
        self.pipe.close()


def _work(pipe: Connection, arguments: Arguments, cache: bool) -> None:
    """What a worker does until nobody asks any more."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started it is interrupted too, and ends it
    collect_rarely(ROOM)
    projects, store = Projects(*arguments), ResultCache.open(quiet=True) if cache else None
    began = resident()  # of a forked process that is what the other holds, too
    with suppress(EOFError, OSError):
        while True:
            chunk = pipe.recv()
            try:
                found: Any = [_analysed(path, projects, store) for path in chunk]
            except Exception as error:
                found = error
            pipe.send((found, resident() - began))


def _killed(path: Path) -> FileAnalysis:
    message = "the process that analysed it was killed (out of memory?); the other files were analysed"
    return FileAnalysis(str(path), errors=[AnalysisError("internal", message, Span(str(path), 1, 0, 1, 0))])


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
