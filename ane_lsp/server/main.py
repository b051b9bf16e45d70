"""Starts the server: worker process first, then the answer to ``initialize``, then what serves it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from ane_lsp.server.greeting import Greeting, greet
from ane_lsp.server.launch import DEFAULT_ANALYST, import_path, launch

if TYPE_CHECKING:
    import subprocess

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
    sys.path[:] = import_path()  # nothing is imported from the workspace, whatever it calls its files
    _set_up_log(options.log_level, options.log_file)
    streams = None if options.tcp else _own_streams()
    analyst = options.analyst or DEFAULT_ANALYST
    worker = None
    if not options.in_process:
        try:
            worker = launch(analyst)
        except OSError as error:
            logging.getLogger("ane_lsp").warning("no worker process, analysing on a thread: %s", error)
    try:
        if streams is None:
            streams = listen(options.host, options.port)
        if streams is None:
            return 2
        greeting = greet(*streams)
        if greeting is None:
            return 1
        return _serve(*streams, greeting, analyst, worker)
    finally:
        if worker is not None:
            worker.kill()


def _serve(
    reader: BinaryIO, writer: BinaryIO, greeting: Greeting, analyst: str, worker: subprocess.Popen[bytes] | None
) -> int:
    """Serve the client that was greeted until it says exit or is gone."""
    import asyncio

    from ane_lsp.server.engine import Engine, ProcessEngine, ThreadEngine
    from ane_lsp.server.lifecycle import serve

    engine: Engine = ThreadEngine(analyst) if worker is None else ProcessEngine(analyst, process=worker)
    return asyncio.run(serve(reader, writer, engine, greeting))


def listen(host: str, port: int) -> tuple[BinaryIO, BinaryIO] | None:
    """Wait for one client on TCP and return its streams; port 0 takes a free one. None where it cannot be had."""
    import socket

    try:
        with socket.create_server((host, port)) as server:
            bound = server.getsockname()
            print(f"listening on {bound[0]}:{bound[1]}", file=sys.stderr, flush=True)
            connection, _ = server.accept()
    except (OSError, OverflowError) as error:
        print(f"ane-lsp server: cannot listen on {host}:{port}: {error}", file=sys.stderr)
        return None
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection.makefile("rb"), connection.makefile("wb")


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
