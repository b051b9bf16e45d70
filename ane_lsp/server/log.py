"""The server's log in the client's output panel. Never a pop-up, never a traceback there: those go to standard error."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.server.protocol import AneProtocol

_LEVELS = (
    (logging.ERROR, lsp.MessageType.Error),
    (logging.WARNING, lsp.MessageType.Warning),
    (logging.INFO, lsp.MessageType.Info),
    (logging.NOTSET, lsp.MessageType.Log),
)


class ClientLog(logging.Handler):
    """Sends records as ``window/logMessage``, from whatever thread they come."""

    def __init__(self, protocol: AneProtocol, on_loop: Callable[..., None]) -> None:
        super().__init__()
        self._protocol, self._on_loop = protocol, on_loop

    def emit(self, record: logging.LogRecord) -> None:
        if self._protocol.initialized:
            kind = next(kind for level, kind in _LEVELS if record.levelno >= level)
            text = record.getMessage().split("\n", 1)[0]
            if record.exc_info and record.exc_info[1] is not None:
                text += f": {type(record.exc_info[1]).__name__}"
            self._on_loop(self._send, lsp.LogMessageParams(kind, text))

    def _send(self, params: lsp.LogMessageParams) -> Any:
        self._protocol.notify("window/logMessage", params)
