"""Files that a command was asked to write, and what is said where that fails."""

from __future__ import annotations

from pathlib import Path

from ane_lsp.cli.errors import UsageError
from ane_lsp.workspace.atomic import write_atomic


def write_text(option: str, path: Path, text: str) -> None:
    """Write `text` whole or not at all; `option` is the one that named `path`. Raises UsageError."""
    try:
        write_atomic(path, text.encode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{option}: cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
