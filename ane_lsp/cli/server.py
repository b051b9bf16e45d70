"""``ane-lsp server``: the language server over stdio, or over TCP for debugging."""

from __future__ import annotations

import argparse

from ane_lsp.cli.errors import UsageError
from ane_lsp.server.main import add_arguments
from ane_lsp.server.main import run as _serve

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Serve until the client says goodbye or dies; 0 after an orderly shutdown."""
    try:
        return _serve(args)
    except ImportError as error:
        raise UsageError(f"the language server needs a package that is not installed: {error}") from None
