"""``ane-lsp cache``: what is kept of earlier runs."""

from __future__ import annotations

import argparse

from ane_lsp.cli.errors import CLEAN, UsageError
from ane_lsp.stored import ResultCache, cache_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``cache``."""
    parser.add_argument("action", choices=("show", "clean"), nargs="?", default="show")


def run(args: argparse.Namespace) -> int:
    """Show or empty the result cache."""
    try:
        store = ResultCache(cache_dir(), "")
    except RuntimeError as error:
        raise UsageError(f"no cache folder: {error}") from None
    if args.action == "clean":
        number, size = store.clean()
        print(f"removed {number} entries, {size / 1e6:.1f} MB, from {store.folder}")
    else:
        number, size = store.size()
        print(f"{store.folder}: {number} entries, {size / 1e6:.1f} MB")
    return CLEAN
