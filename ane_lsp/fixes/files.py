"""Writing a fixed file: all or nothing, and everything but the text as it was."""

from __future__ import annotations

import codecs
import contextlib
import os
import tempfile
from pathlib import Path

from ane_lsp.syntax.source import NOTEBOOK, SourceFile, decode_source


class NotWritten(Exception):
    """The file is as it was before; the message says why."""


def encoded(source: SourceFile, text: str) -> bytes:
    """`text` in the encoding of `source`, with its BOM. Raises NotWritten where that cannot be, or would not parse."""
    if source.path.suffix == NOTEBOOK:
        raise NotWritten("a notebook is changed in an editor, not here")
    try:
        data = (codecs.BOM_UTF8 if source.bom else b"") + text.encode(source.encoding)
    except UnicodeEncodeError as error:
        raise NotWritten(f"{error.object[error.start]!r} cannot be written in {source.encoding}") from None
    again = decode_source(source.path, data)
    if again.text != text or again.tree is None:
        raise NotWritten("the fixed file would not parse")
    return data


def write(source: SourceFile, text: str) -> None:
    """Replace the file that `source` was read from.

    Written next to it and moved over it, so that no reader ever sees half of it; permissions stay, and a symlink goes on
    pointing where it did. Raises NotWritten, also where the file has changed since it was read.
    """
    target = Path(os.path.realpath(source.path))
    data = encoded(source, text)
    try:
        if target.read_bytes() != (codecs.BOM_UTF8 if source.bom else b"") + source.text.encode(source.encoding):
            raise NotWritten("the file changed while it was analysed")
        status = target.stat()
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(OSError, AttributeError):
                os.chown(name, status.st_uid, status.st_gid)
            os.chmod(name, status.st_mode & 0o7777)
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise NotWritten(f"cannot be written: {error.strerror or error}") from None
