"""Ends the server when its client is gone, however it went."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

INTERVAL = 2.0  # seconds


async def watch_parent(pid: int, gone: Callable[[], None], interval: float = INTERVAL) -> None:
    """Call `gone` once no process `pid` is left.

    A process that cannot be seen to begin with (the client runs in another container) is not watched.
    """
    if pid <= 0 or not alive(pid):
        return
    while alive(pid):
        await asyncio.sleep(interval)
    gone()


def alive(pid: int) -> bool:
    """Whether a process exists. One that may not be signalled exists too."""
    if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x00100000, False, pid)  # SYNCHRONIZE
        if not handle:
            return False
        waiting = kernel.WaitForSingleObject(handle, 0)
        kernel.CloseHandle(handle)
        return bool(waiting == 0x102)  # WAIT_TIMEOUT
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # a number that no process can have
        return False
    except (PermissionError, OSError):
        return True
    return True
