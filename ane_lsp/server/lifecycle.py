"""From the greeted client to its end: event loop, transport, log."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from ane_lsp.server.desk import Desk
from ane_lsp.server.engine import Engine
from ane_lsp.server.greeting import Greeting
from ane_lsp.server.log import ClientLog
from ane_lsp.server.transport import Transport
from ane_lsp.server.wire import Wire

ANSWERS = "ane_lsp.server.app"
LAST_WORDS = 1.0  # seconds requests have to end once the client is gone
TURNS = 0.0005  # seconds after which the import of the protocol lets somebody else go on


async def serve(reader: BinaryIO, writer: BinaryIO, engine: Engine, greeting: Greeting) -> int:
    """Serve until the client says exit or is gone; the process's exit code."""
    loop = asyncio.get_running_loop()

    def on_loop(callback: Any, *args: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(callback, *args)

    transport = Transport(reader, writer, lambda message: on_loop(desk.hear, message), lambda: on_loop(desk.over.set))
    desk = Desk(engine, greeting, Wire(transport.write))
    handler = ClientLog(desk.wire, on_loop)
    logging.getLogger("ane_lsp").addHandler(handler)
    engine.start()
    transport.start()
    end = desk.session.shutdown
    try:
        await asyncio.to_thread(_import_protocol)
        from ane_lsp.server.app import App

        app = App(desk, transport, greeting)
        end = app.end
        desk.hand_over(app.protocol.dispatch)
        await desk.over.wait()
    finally:
        logging.getLogger("ane_lsp").removeHandler(handler)
        end()
        await _settled()
        transport.close()
    return app.exit_code


def _import_protocol() -> None:
    """Import what answers requests, and leave the processor now and then to who can go on without."""
    if ANSWERS in sys.modules:
        return
    turns = sys.getswitchinterval()
    sys.setswitchinterval(TURNS)
    gc.disable()  # it makes hundreds of classes, and none of them garbage
    try:
        importlib.import_module(ANSWERS)
    finally:
        gc.enable()
        sys.setswitchinterval(turns)
    gc.collect()
    gc.freeze()


async def _settled() -> None:
    """End what is still being answered, so that its last words are an answer and not a traceback in the log."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LAST_WORDS)
