"""The process that analyses. It obeys one pipe, answers on another, and knows neither LSP nor the event loop.

Analysis is pure Python and takes the interpreter lock for as long as it runs; a second process leaves the server's own
lock free for requests, survives what a hostile source does to the first, and can be killed. It starts before the server
has imported its protocol types, so that it is ready when the first document comes.
"""

from __future__ import annotations

import importlib
import os
import pickle
import struct
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

from ane_lsp._memory import keep_for_good, rare_collections, resident, share_one_heap

Message = tuple[Any, ...]
_HEAD = struct.Struct("<Q")
REST = 2.0
"""Seconds without a message after which there is time for what takes as long as some answers."""
RETRY = 1.0
"""Seconds between two attempts to load an analyst that could not be loaded."""


class AnalystLike(Protocol):
    """What the worker drives; :class:`ane_lsp.server.analyst.Analyst` is the real one, tests bring their own."""

    def configure(self, folders: list[tuple[str, dict[str, Any]]], options: dict[str, Any]) -> None:
        """Workspace folders with their editor settings, and the settings for files outside all of them."""

    def overlay(self, path: str, text: str | None) -> None:
        """The text an editor holds for `path`, None once it is closed."""

    def touched(self, paths: list[str]) -> None:
        """Files that changed on disk."""

    def ask(self, what: str, args: tuple[Any, ...], cancelled: Callable[[], bool]) -> Any:
        """Answer `what`: ``"analyze"`` and the questions listed in the analyst."""


def load(name: str) -> AnalystLike:
    """The analyst called ``module:class``."""
    module, _, attribute = name.partition(":")
    analyst: AnalystLike = getattr(importlib.import_module(module), attribute)()
    return analyst


def send(stream: IO[bytes], message: Message) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_HEAD.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """Read one message, None at the end of the stream."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    data = stream.read(_HEAD.unpack(head)[0])
    message: Message = pickle.loads(data)
    return message


def obey(
    analyst: AnalystLike, message: Message, cancelled: Callable[[], bool], ahead: Callable[[Any], None] | None = None
) -> Any:
    """Carry out one message; an answer only for questions. ahead: hears of a part of it that is ready before the rest."""
    kind = message[0]
    if kind == "ask":
        if hasattr(analyst, "ahead"):
            analyst.ahead = ahead
        return analyst.ask(message[2], message[3], cancelled)
    if kind == "configure":
        analyst.configure(message[1], message[2])
    elif kind == "overlay":
        analyst.overlay(message[1], message[2])
    elif kind == "touched":
        analyst.touched(message[1])
    return None


class Worker:
    """Reads on a thread of its own so that a cancellation is seen while an analysis runs.

    Each answer ends with the bytes of memory this process holds.
    """

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source, self._target = source, target
        self._inbox: deque[Message] = deque()
        self._ready = threading.Semaphore(0)
        self._cancelled: set[int] = set()

    def run(self, analyst_name: str) -> None:
        """Serve until the pipe closes. An analyst that cannot be loaded is reported once for each question and tried again:
        an installation may be in the middle of an upgrade."""
        threading.Thread(target=self._listen, daemon=True).start()
        analyst: AnalystLike | None = None
        broken, tried = "", time.monotonic()
        # What an analyst has to know that is loaded late, the newest for each document.
        missed: dict[Message, Message] = {}
        try:
            analyst = load(analyst_name)
        except Exception:
            broken = traceback.format_exc()
        keep_for_good()
        send(self._target, ("ready", os.getpid()))
        if not self._inbox and (warm := getattr(analyst, "warm", None)) is not None:
            with suppress(Exception):  # whatever is wrong shows again, where somebody asks
                warm()
        while True:
            if not self._inbox and (idle := getattr(analyst, "idle", None)) is not None:
                idle()
            rest = getattr(analyst, "rest", None)
            if rest is None:
                self._ready.acquire()
            elif not self._ready.acquire(timeout=REST):
                rest()
                self._ready.acquire()
            message = self._inbox.popleft()
            job: int | None = message[1] if message[0] == "ask" else None
            reply: Message
            if analyst is None and job is None:
                missed[message[:2] if message[0] == "overlay" else message[:1]] = message
                continue
            if analyst is None and time.monotonic() - tried > RETRY:
                tried = time.monotonic()
                try:
                    importlib.invalidate_caches()
                    analyst = load(analyst_name)
                    for earlier in missed.values():
                        obey(analyst, earlier, partial(self._is_cancelled, None))
                except Exception:
                    analyst, broken = None, traceback.format_exc()
            with rare_collections():  # an answer does not wait for the garbage it made
                try:
                    if analyst is None:
                        raise RuntimeError(broken)
                    answer = obey(analyst, message, partial(self._is_cancelled, job), partial(self._ahead, job))
                    reply = ("done", job, answer)
                except Exception as error:
                    reply = ("failed", job, f"{type(error).__name__}: {error}", traceback.format_exc())
                if job is not None:
                    self._cancelled.discard(job)
                if job is not None or reply[0] == "failed":
                    send(self._target, (*reply, resident()))

    def _ahead(self, job: int | None, part: Any) -> None:
        send(self._target, ("ahead", job, part))

    def _is_cancelled(self, job: int | None) -> bool:
        return job in self._cancelled

    def _listen(self) -> None:
        try:
            while (message := receive(self._source)) is not None:
                if message[0] == "cancel":
                    self._cancelled.add(message[1])
                else:
                    self._inbox.append(message)
                    self._ready.release()
        finally:
            os._exit(0)  # the server is gone: nothing is left to answer, and an analysis may be running


def main() -> None:
    """Entry of the process: ``python -m ane_lsp.server.worker module:class``."""
    source = os.fdopen(os.dup(0), "rb")
    target = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # a stray print goes to the log, not into the pipe
    sys.stdout = sys.stderr
    if hasattr(os, "nice") and Path("/proc").exists():
        os.nice(1)  # requests first, where both want the same core
    share_one_heap()
    Worker(source, target).run(sys.argv[1])


if __name__ == "__main__":
    main()
