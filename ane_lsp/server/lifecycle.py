"""From the greeted client to its end: event loop, transport, log."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, BinaryIO

from ane_lsp.server.app import App
from ane_lsp.server.engine import Engine
from ane_lsp.server.greeting import Greeting
from ane_lsp.server.log import ClientLog
from ane_lsp.server.transport import Message, Transport

LAST_WORDS = 1.0  # seconds requests have to end once the client is gone


async def serve(reader: BinaryIO, writer: BinaryIO, engine: Engine, greeting: Greeting) -> int:
    """Serve until the client says exit or is gone; the process's exit code."""
    loop = asyncio.get_running_loop()
    app = App(engine, greeting.client)

    def on_loop(callback: Any, *args: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(callback, *args)

    def deliver(message: Message | Exception) -> None:
        on_loop(app.protocol.dispatch, message)

    transport = Transport(reader, writer, deliver, lambda: on_loop(app.disconnected))
    app.protocol.connect(transport)
    handler = ClientLog(app.protocol, on_loop)
    logging.getLogger("ane_lsp").addHandler(handler)
    engine.start()
    app.begin(greeting)
    transport.start()
    try:
        await app.finished.wait()
    finally:
        logging.getLogger("ane_lsp").removeHandler(handler)
        app.end()
        await _settled()
        transport.close()
    return app.exit_code


async def _settled() -> None:
    """End what is still being answered, so that its last words are an answer and not a traceback in the log."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LAST_WORDS)
