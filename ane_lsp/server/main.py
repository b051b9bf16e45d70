"""Starts the server: streams, worker process, event loop, and their orderly end.

The worker is started before the protocol types are imported (they take most of the time until ``initialize`` is answered),
so that both get ready at once.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from ane_lsp.server.engine import Engine

DEFAULT_PORT = 2087
LEVELS = ("debug", "info", "warning", "error")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ane-lsp server``."""
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output (the default)")
    parser.add_argument("--tcp", action="store_true", help="wait for one client on TCP instead, for debugging")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on with --tcp (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port with --tcp, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default="warning",
        help="what is written to standard error (default: %(default)s)",
    )
    parser.add_argument("--log-file", metavar="FILE", help="write the log to FILE instead of standard error")
    parser.add_argument("--in-process", action="store_true", help="analyse on a thread instead of in a worker process")
    parser.add_argument("--analyst", help=argparse.SUPPRESS)
    parser.add_argument("--clientProcessId", type=int, help=argparse.SUPPRESS)  # some clients pass it


def run(options: argparse.Namespace) -> int:
    """Serve one client; the process's exit code."""
    _set_up_log(options.log_level, options.log_file)
    reader, writer = (None, None) if options.tcp else _own_streams()
    engine = _start_engine(options.analyst, options.in_process)
    if reader is None or writer is None:
        from ane_lsp.server.transport import listen

        try:
            reader, writer = listen(options.host, options.port, lambda text: print(text, file=sys.stderr, flush=True))
        except (OSError, OverflowError) as error:
            engine.close()
            print(f"ane-lsp server: cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
            return 2
    return serve(reader, writer, engine)


def serve(reader: BinaryIO, writer: BinaryIO, engine: Engine) -> int:
    """Serve the client on the two streams until it says exit or is gone."""
    import asyncio

    return asyncio.run(_serve(reader, writer, engine))


async def _serve(reader: BinaryIO, writer: BinaryIO, engine: Engine) -> int:
    import asyncio

    from ane_lsp.server.app import App
    from ane_lsp.server.log import ClientLog
    from ane_lsp.server.transport import Message, Transport

    loop = asyncio.get_running_loop()
    app = App(engine)

    def on_loop(callback: Any, *args: Any) -> None:
        try:
            loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            pass  # the loop has ended

    def deliver(message: Message | Exception) -> None:
        on_loop(app.protocol.dispatch, message)

    transport = Transport(reader, writer, deliver, lambda: on_loop(app.disconnected))
    app.protocol.connect(transport)
    handler = ClientLog(app.protocol, on_loop)
    logging.getLogger("ane_lsp").addHandler(handler)
    gc.collect()
    gc.freeze()  # thousands of protocol classes that no collection need look at again
    transport.start()
    try:
        await app.finished.wait()
    finally:
        logging.getLogger("ane_lsp").removeHandler(handler)
        app.session.shutdown()
        for task in list(app._tasks):
            task.cancel()
        transport.close()
    return app.exit_code


def _start_engine(analyst: str | None, in_process: bool) -> Engine:
    from ane_lsp.server.engine import ProcessEngine, ThreadEngine
    from ane_lsp.server.worker import DEFAULT_ANALYST

    name = analyst or DEFAULT_ANALYST
    engine: Engine
    if not in_process:
        engine = ProcessEngine(name)
        try:
            engine.start()
            return engine
        except OSError as error:
            logging.getLogger("ane_lsp").warning("no worker process, analysing on a thread: %s", error)
    engine = ThreadEngine(name)
    engine.start()
    return engine


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for the protocol alone; what anything prints goes to standard error."""
    sys.stdout.flush()
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    if os.name == "nt":  # pragma: no cover - exercised on Windows only
        import msvcrt

        for stream in (reader, writer):
            msvcrt.setmode(stream.fileno(), os.O_BINARY)  # type: ignore[attr-defined]
    return reader, writer


def _set_up_log(level: str, file: str | None) -> None:
    handler: logging.Handler
    try:
        handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    except OSError as error:
        handler = logging.StreamHandler(sys.stderr)
        print(f"ane-lsp server: cannot write {file}: {error}", file=sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(level.upper())
    root = logging.getLogger("ane_lsp")
    root.addHandler(handler)
    root.setLevel(level.upper())
    root.propagate = False


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m ane_lsp.server.main``: the same as ``ane-lsp server``."""
    parser = argparse.ArgumentParser(prog="ane-lsp server", description="The ane-lsp language server.")
    add_arguments(parser)
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
