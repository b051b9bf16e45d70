"""Where analyses run: one at a time, never on the event loop.

Two engines with the same face. :class:`ProcessEngine` is the one users get; :class:`ThreadEngine` serves where no process
can be started, and in tests. Both keep order: what was told before a question is known when it is answered.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from ane_lsp.server import worker
from ane_lsp.server.launch import DEFAULT_ANALYST, launch
from ane_lsp.server.worker import Message

log = logging.getLogger(__name__)

GRACE = 4.0  # seconds of processor time a cancelled job may go on before its process is killed
PATIENCE = 10  # times that by the clock
MAX_DEATHS = 5  # starts within DEATH_WINDOW seconds before it is left alone for a while
DEATH_WINDOW = 120.0
MAX_GROWN = (
    400_000_000  # bytes a process may grow by before another takes its place while nobody asks; twice that, even so
)
QUIET = 10.0  # seconds without a question that count as nobody asking


class EngineFailure(Exception):
    """The analysis did not come back: `detail` is for the log, the text for the reader."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class Engine(Protocol):
    """Answers questions about sources, one after another."""

    def start(self) -> None:
        """Begin; safe to call before there is an event loop."""

    def tell(self, *message: Any) -> None:
        """Pass on ``overlay``, ``configure`` or ``touched``; remembered for a restarted process."""

    async def ask(self, what: str, *args: Any, ahead: Callable[[Any], None] | None = None) -> Any:
        """The answer. Cancelling the awaiting task asks the analysis to stop. Raises EngineFailure.

        ahead: hears on the event loop of a part of the answer that is ready before the rest.
        """

    def close(self) -> None:
        """End at once, whatever is running."""


class ThreadEngine:
    """Runs on one thread of this process."""

    def __init__(self, analyst: str | Callable[[], worker.AnalystLike] = DEFAULT_ANALYST) -> None:
        self._name = analyst
        self._analyst: worker.AnalystLike | None = None
        self._pool = ThreadPoolExecutor(1, "ane-lsp analysis")
        self._closed = False

    def start(self) -> None:
        self._pool.submit(self._load)

    def tell(self, *message: Any) -> None:
        if not self._closed:
            self._pool.submit(self._obey, message, lambda: False).add_done_callback(_log_failure)

    async def ask(self, what: str, *args: Any, ahead: Callable[[Any], None] | None = None) -> Any:
        if self._closed:
            raise EngineFailure("the analysis has ended")
        stop = threading.Event()
        loop = asyncio.get_running_loop()

        def hear(part: Any) -> None:
            if ahead is not None and not stop.is_set():
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(ahead, part)

        future = self._pool.submit(self._obey, ("ask", 0, what, args), stop.is_set, hear)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            stop.set()
            raise
        except Exception as error:
            raise EngineFailure(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> worker.AnalystLike:
        if self._analyst is None:
            self._analyst = worker.load(self._name) if isinstance(self._name, str) else self._name()
        return self._analyst

    def _obey(self, message: Message, cancelled: Callable[[], bool], ahead: Callable[[Any], None] | None = None) -> Any:
        return worker.obey(self._load(), message, cancelled, ahead)


def _log_failure(future: Any) -> None:
    if not future.cancelled() and future.exception() is not None:
        log.error("analysis: %s", future.exception())


class _Link:
    """A worker process and the threads that speak with it.

    heard, ended: called with this link and a message, or the code it ended with, on one of those threads. grown: bytes it holds
    more than after its first answer.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        heard: Callable[[_Link, Message], None],
        ended: Callable[[_Link, int], None],
    ) -> None:
        self.process = process
        self.grown = 0
        self._began: int | None = None
        self._heard, self._ended = heard, ended
        self._out: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        for target, role in ((self._listen, "answers"), (self._speak, "questions")):
            threading.Thread(target=target, name=f"ane-lsp {role}", daemon=True).start()

    def send(self, message: Message) -> None:
        """Pass a message on, soon."""
        self._out.put(message)

    def holds(self, held: int) -> None:
        """Note what it told of its memory; the first time is what it begins with."""
        if self._began is None:
            self._began = held
        self.grown = held - self._began

    def _speak(self) -> None:
        """A large text takes several turns of the worker's reader: this must not hold up the event loop."""
        assert self.process.stdin is not None
        with suppress(OSError, ValueError):  # a dead worker is dealt with by its listener
            while (message := self._out.get()) is not None:
                worker.send(self.process.stdin, message)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with suppress(Exception):
            while (message := worker.receive(self.process.stdout)) is not None:
                self._heard(self, message)
        code = self.process.wait()
        self._out.put(None)
        self._ended(self, code)


class ProcessEngine:
    """Runs in a worker process, started again where it dies and killed where it does not stop.

    A process that has grown much is replaced while nobody asks: what analyses let go of lies scattered between what is kept, and is
    seldom given back. Its heir first does the last analysis again, so that the next edit finds what it would have found.
    """

    def __init__(
        self,
        analyst: str = DEFAULT_ANALYST,
        grace: float = GRACE,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """process: a worker that was launched already."""
        self._analyst = analyst
        self._grace = grace
        self._process = process
        self._link: _Link | None = None  # to the process, once there is somebody to hear of it
        self._heir: _Link | None = None  # gets ready to take its place
        self._rehearsed = False  # and is ready
        self._quiet: asyncio.TimerHandle | None = None
        self._last: Message | None = None  # the analysis that was asked for last
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs: dict[int, tuple[asyncio.Future[Any], Message]] = {}  # by number, so the oldest first
        self._ahead: dict[int, Callable[[Any], None]] = {}  # who hears of parts of answers, by job
        self._abandoned: set[int] = set()  # jobs nobody waits for any more
        self._ids = itertools.count(1)
        self._overlays: dict[str, str] = {}
        self._configuration: Message | None = None
        self._deaths: list[float] = []
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        if self._closed:
            return
        if self._link is not None and (code := self._link.process.poll()) is not None:
            self._died(self._link, code)  # before there was a loop that could be told
        if self._link is None:
            self._process = self._process or launch(self._analyst)
            self._link = self._attend(self._process)

    def tell(self, *message: Any) -> None:
        if message[0] == "overlay":
            if message[2] is None:
                self._overlays.pop(message[1], None)
            else:
                self._overlays[message[1]] = message[2]
        elif message[0] == "configure":
            self._configuration = message
        self._send(message)
        if self._heir is not None:
            self._heir.send(message)

    async def ask(self, what: str, *args: Any, ahead: Callable[[Any], None] | None = None) -> Any:
        if self._closed:
            raise EngineFailure("the analysis has ended")
        self._loop = loop = asyncio.get_running_loop()
        if self._process is None and self._resting:
            raise EngineFailure("the analysis process ended too often; it is started again in a minute or two")
        try:
            self.start()
        except OSError as error:
            raise EngineFailure(f"no analysis process can be started: {error}") from error
        if self._quiet is not None:
            self._quiet.cancel()
        job = next(self._ids)
        future: asyncio.Future[Any] = loop.create_future()
        self._jobs[job] = future, ("ask", job, what, args)
        if ahead is not None:
            self._ahead[job] = ahead
        if what == "analyze":
            self._last = self._jobs[job][1]
        self._send(self._jobs[job][1])
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not future.done():
                self._abandoned.add(job)
                self._send(("cancel", job))
                used = processor_seconds(self._process.pid) if self._process is not None else None
                loop.call_later(self._grace, self._kill_if_stuck, job, time.monotonic(), used)
            raise
        finally:
            self._ahead.pop(job, None)

    def close(self) -> None:
        self._closed = True
        if self._quiet is not None:
            self._quiet.cancel()
        for process in (self._process, self._heir.process if self._heir else None):
            if process is not None:
                process.kill()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)

    def _attend(self, process: subprocess.Popen[bytes]) -> _Link:
        """Begin to speak with a process: it is told what is known."""
        link = _Link(
            process,
            lambda link, message: self._on_loop(self._heard, link, message),
            lambda link, code: None if self._closed else self._on_loop(self._died, link, code),
        )
        if self._configuration is not None:
            link.send(self._configuration)
        for path, text in self._overlays.items():
            link.send(("overlay", path, text))
        return link

    def _send(self, message: Message) -> None:
        if self._link is not None:
            self._link.send(message)

    def _on_loop(self, callback: Callable[..., None], *args: Any) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(callback, *args)

    def _heard(self, link: _Link, message: Message) -> None:
        answer = message[0] in ("done", "failed")
        if answer:
            link.holds(message[-1])
        if link is self._link:
            self._answered(message)
        elif link is not self._heir:
            return
        elif answer:
            self._rehearsed = True
        elif message[0] == "ready":
            self._rehearse(link)
        if self._rehearsed and (not self._jobs or (answer and link is self._link)):
            self._hand_over()
        elif answer:
            self._consider()

    def _consider(self) -> None:
        """Make the process's heir ready where it has grown too much: soon, or once nobody asks."""
        if self._link is None or self._heir is not None or self._link.grown <= MAX_GROWN:
            return
        if self._link.grown > 2 * MAX_GROWN:
            self._prepare()
        elif not self._jobs:
            assert self._loop is not None
            self._quiet = self._loop.call_later(QUIET, self._prepare)

    def _prepare(self) -> None:
        if self._closed or self._link is None or self._heir is not None:
            return
        try:
            self._heir = self._attend(launch(self._analyst))
        except OSError as error:
            log.warning("no process could be started to take over from one that has grown: %s", error)

    def _rehearse(self, heir: _Link) -> None:
        """Let it do again what was asked last, if that is still open."""
        if self._last is not None and self._last[3][0] in self._overlays:
            heir.send(self._last)
        else:
            self._rehearsed = True

    def _hand_over(self) -> None:
        """The heir takes over, with the questions that are not answered yet."""
        assert self._link is not None
        assert self._heir is not None
        log.info("the analysis process has grown by %d MB; another takes its place", self._link.grown // 1_000_000)
        old, self._link, self._heir, self._rehearsed = self._link, self._heir, None, False
        self._process = self._link.process
        old.process.kill()
        for job in self._abandoned & self._jobs.keys():
            self._lose(job, "the analysis was given up")
        self._abandoned.clear()
        for _, question in self._jobs.values():
            self._send(question)

    def _lose(self, job: int, why: str) -> None:
        future, _ = self._jobs.pop(job)
        if not future.done():
            future.set_exception(EngineFailure(why))
            future.exception()  # read: nobody may be waiting any more

    def _answered(self, message: Message) -> None:
        if message[0] == "ready":
            return
        if message[0] == "ahead":
            if (hear := self._ahead.get(message[1])) is not None:
                hear(message[2])
            return
        self._abandoned.discard(message[1])
        future, _ = self._jobs.pop(message[1], (None, None)) if message[1] is not None else (None, None)
        if message[0] == "failed":
            log.error("analysis failed: %s", message[3])
        if future is None or future.done():
            return
        if message[0] == "done":
            future.set_result(message[2])
        else:
            future.set_exception(EngineFailure(message[2], message[3]))
            future.exception()  # read: nobody may be waiting any more

    def _kill_if_stuck(self, job: int, since: float, used: float | None) -> None:
        """Replace a process that goes on with a cancelled job. What counts is its processor time, where that is known:
        on a busy machine a process that has not had its turn is not stuck."""
        process = self._process
        if job not in self._jobs or process is None:
            return
        now = processor_seconds(process.pid)
        if used is not None and now is not None and now - used < self._grace:
            if time.monotonic() - since < PATIENCE * self._grace:
                assert self._loop is not None
                self._loop.call_later(self._grace / 4, self._kill_if_stuck, job, since, used)
                return
        log.warning("an analysis did not stop %.0f s after its cancellation; its process is replaced", self._grace)
        process.kill()

    def _died(self, link: _Link, code: int) -> None:
        if link is self._heir:
            log.warning("the process that was to take over ended with code %s", code)
            self._heir, self._rehearsed = None, False
        if link is not self._link:
            return
        self._process = self._link = None
        now = time.monotonic()
        self._deaths = [*(death for death in self._deaths if now - death < DEATH_WINDOW), now]
        log.error("the analysis process ended with code %s", code)
        # The oldest was being worked on; those behind it have done nothing wrong and are asked again.
        lost = [job for number, job in enumerate(self._jobs) if number == 0 or job in self._abandoned]
        self._abandoned.clear()
        try:
            if self._resting:
                raise OSError(f"it ended {len(self._deaths)} times within {DEATH_WINDOW:.0f} s")
            self._process = launch(self._analyst)
        except OSError as error:
            log.error("no new analysis process for now: %s", error)
            lost = list(self._jobs)
        else:
            self._link = self._attend(self._process)
        for job in lost:
            self._lose(job, f"the analysis process ended (code {code})")
        for _, question in self._jobs.values():
            self._send(question)

    @property
    def _resting(self) -> bool:
        """It died so often lately that it is left alone for a while."""
        now = time.monotonic()
        return sum(now - death < DEATH_WINDOW for death in self._deaths) > MAX_DEATHS


def processor_seconds(pid: int) -> float | None:
    """Processor time a process has used, None where this system does not tell cheaply."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
