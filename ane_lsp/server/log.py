"""The server's log in the client's output panel. Never a pop-up, never a traceback there: those go to standard error."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ane_lsp.server.wire import Wire

_TYPES = ((logging.ERROR, 1), (logging.WARNING, 2), (logging.INFO, 3), (logging.NOTSET, 4))  # MessageType


class ClientLog(logging.Handler):
    """Sends records as ``window/logMessage``, from whatever thread they come."""

    def __init__(self, wire: Wire, on_loop: Callable[..., None]) -> None:
        super().__init__()
        self._wire, self._on_loop = wire, on_loop

    def emit(self, record: logging.LogRecord) -> None:
        kind = next(kind for level, kind in _TYPES if record.levelno >= level)
        text = record.getMessage().split("\n", 1)[0]
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {type(record.exc_info[1]).__name__}"
        self._on_loop(self._wire.notify, "window/logMessage", {"type": kind, "message": text})
