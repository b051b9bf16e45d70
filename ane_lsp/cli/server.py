"""``ane-lsp server``: the language server over stdio, or over TCP for debugging."""

from __future__ import annotations

import argparse

from ane_lsp.cli.errors import CLEAN, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``server``. ``--stdio`` is what editors pass by habit; it is the default."""
    parser.add_argument("--stdio", action="store_true", help="talk over stdin and stdout (the default)")
    parser.add_argument("--tcp", action="store_true", help="listen on a TCP port instead, for debugging")
    parser.add_argument("--host", default="127.0.0.1", help="where --tcp listens (default: this machine only)")
    parser.add_argument("--port", type=int, default=2087, help="the port of --tcp (default: 2087)")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="warning")
    parser.add_argument("--log-file", metavar="FILE", help="log here instead of stderr")


def run(args: argparse.Namespace) -> int:
    """Serve until the client says goodbye or dies."""
    import logging

    try:
        from ane_lsp.server.main import serve  # type: ignore[import-not-found]
    except ImportError as error:
        raise UsageError(f"the language server needs a package that is not installed: {error}") from None
    logging.basicConfig(
        level=args.log_level.upper(), filename=args.log_file, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    serve(host=args.host if args.tcp else None, port=args.port)
    return CLEAN
