"""Writing a file so that nobody ever reads half of it, whatever ends this process."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

PREFIX = ".ane-lsp-"
"""Of files that are being written; one that is left is of a process that was killed."""


def write_atomic(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, or leave it as it was. Its folder is made; permissions and symlinks stay as they are.

    What is no regular file (``/dev/stdout``, a pipe) is written to directly. Raises OSError.
    """
    import tempfile  # only a process that writes pays for it

    target = Path(os.path.realpath(path))
    mode: int | None = None
    with contextlib.suppress(FileNotFoundError):
        status = os.stat(target)
        if not stat.S_ISREG(status.st_mode):
            target.write_bytes(data)
            return
        mode = stat.S_IMODE(status.st_mode)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PREFIX, dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, _new_mode() if mode is None else mode)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _new_mode() -> int:
    """What ``open`` would give a new file; ``mkstemp`` hides its files from everybody else."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
