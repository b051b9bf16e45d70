"""A client is served before all can be answered: while the protocol's types are imported, what it opens is analysed already.

They take longer to import than most files to analyse, and diagnostics need none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ane_lsp.server.configured import Configured
from ane_lsp.server.convert import Converter
from ane_lsp.server.engine import Engine
from ane_lsp.server.greeting import Greeting
from ane_lsp.server.names import STATUS
from ane_lsp.server.publish import Publisher
from ane_lsp.server.session import Session, State, Unit
from ane_lsp.server.transport import Message
from ane_lsp.server.wire import Wire


class Desk:
    """One client's session, with what needs no answer. `agreed` is set once the client's settings are known, `over` once it has said
    exit or is gone.

    Messages are carried out in order: the first notification that is not understood here, and those behind it, wait for
    :meth:`hand_over`. Requests wait as well; they change nothing.
    """

    def __init__(self, engine: Engine, greeting: Greeting, wire: Wire) -> None:
        self.client, self.wire = greeting.client, wire
        self.session = Session(engine, self, self.client.encoding)
        self.converter = Converter(self.session, self.client)
        self.publisher = Publisher(wire, self.converter)
        self.agreed, self.over = asyncio.Event(), asyncio.Event()
        self._dispatch: Callable[[Message | Exception], None] | None = None
        self._waiting: list[Message | Exception] = []
        self._in_order = True
        self._tasks: set[asyncio.Task[None]] = set()
        self.session.hold()
        self.configured = Configured(self.session, wire, greeting)

    # -- messages ----------------------------------------------------------------------------------------------------

    def hear(self, message: Message | Exception) -> None:
        """A message as it came off the wire."""
        if self._dispatch is not None:
            self._dispatch(message)
        elif not self._carried_out(message):
            self._waiting.append(message)

    def hand_over(self, dispatch: Callable[[Message | Exception], None]) -> None:
        """From here on `dispatch` gets the messages, first those that waited."""
        self._dispatch = dispatch
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            dispatch(message)

    def _carried_out(self, message: Message | Exception) -> bool:
        if isinstance(message, Exception):
            return False
        method, params = message.get("method"), message.get("params")
        if "id" in message:
            self._in_order &= method != "shutdown"
            return method is None and self.wire.answered(message)
        if self._in_order and method == "initialized":
            task = asyncio.get_running_loop().create_task(self.initialized())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return True
        if self._in_order and method == "textDocument/didOpen" and (opened := _opened(params)) is not None:
            self.session.open(*opened)
            return True
        self._in_order &= isinstance(method, str) and method.startswith("$/")
        return False

    async def initialized(self, params: Any = None) -> None:
        try:
            await self.configured.agree()
        finally:
            self.session.release()
            self.agreed.set()

    # -- what the session tells --------------------------------------------------------------------------------------

    def analysed(self, unit: Unit, edited: bool) -> None:
        self.publisher.publish(unit, edited and not unit.told)

    def ahead(self, unit: Unit) -> None:
        self.publisher.publish(unit, edited=True)

    def forgotten(self, unit: Unit) -> None:
        self.publisher.clear(unit)

    def state(self, state: State, detail: str) -> None:
        if self.client.status:
            self.wire.notify(STATUS, {"state": state, "detail": detail})


def _opened(params: Any) -> tuple[str, str, int, str] | None:
    """URI, language, version and text of a document that is opened; None where these are no parameters of ``textDocument/didOpen``."""
    document = params.get("textDocument") if isinstance(params, dict) else None
    if not isinstance(document, dict):
        return None
    uri, language, version, text = (document.get(name) for name in ("uri", "languageId", "version", "text"))
    well_formed = (
        isinstance(uri, str) and isinstance(language, str) and version.__class__ is int and isinstance(text, str)
    )
    return (uri, language, version, text) if well_formed else None  # type: ignore[return-value]
