"""How much memory this process holds, so that a run can stop before it takes the machine's; when garbage is looked for."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def resident() -> int:
    """Bytes this process holds in memory; where the system only tells the highest so far, that; 0 where it tells nothing."""
    try:
        if sys.platform.startswith("linux"):
            with open("/proc/self/statm", "rb") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        if sys.platform == "win32":
            return 0
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    except (OSError, ValueError, ImportError):
        return 0


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage in circles seldom: a run makes many objects and keeps most of them (a fifth of its time else)."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
