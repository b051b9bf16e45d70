"""Work that a client watches: begin, report, end, and the client's cancellation."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.server.protocol import AneProtocol
from ane_lsp.server.wire import RequestError

Report = Callable[[int, str], None]
_numbers = itertools.count(1)


class CancelledByUser(Exception):
    """The client's cancel button, as opposed to the end of the request or the server."""


@asynccontextmanager
async def work_done(protocol: AneProtocol, token: Any, can_create: bool, title: str) -> AsyncIterator[Report]:
    """Gives a function that reports percentage and text. token: the client's, None to ask for one where it may be asked.

    Raises CancelledByUser, in place of the work, where the client cancels it.
    """
    created = token is not None
    if token is None and can_create:
        token = f"ane-lsp-{next(_numbers)}"
        with suppress(RequestError):
            await protocol.ask("window/workDoneProgress/create", lsp.WorkDoneProgressCreateParams(token))
            created = True
    if not created:
        yield lambda percentage, message: None
        return
    progress, task, last = protocol.progress, asyncio.current_task(), (-1, "")
    progress.begin(token, lsp.WorkDoneProgressBegin(title, cancellable=True, percentage=0))
    stopped: Future[None] = progress.tokens[token]
    over = False

    def cancel(future: Future[None]) -> None:
        if future.cancelled() and not over and task is not None:
            task.cancel()

    stopped.add_done_callback(cancel)

    def report(percentage: int, message: str) -> None:
        nonlocal last
        if (percentage, message) != last:
            last = (percentage, message)
            progress.report(token, lsp.WorkDoneProgressReport(message=message, percentage=percentage))

    try:
        yield report
    except asyncio.CancelledError:
        if not stopped.cancelled():
            raise
        if task is not None and hasattr(task, "uncancel"):
            task.uncancel()
        raise CancelledByUser from None
    finally:
        over = True
        progress.end(token, lsp.WorkDoneProgressEnd())
        progress.tokens.pop(token, None)
