"""How much memory this process holds, so that a run can stop before it takes the machine's; when garbage is looked for."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


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


ROOM = 256_000_000
"""What a process that ends with its analyses may grow by, in bytes, before it looks for garbage."""
SERVING = 64_000_000
"""The same of a process that stays, within one analysis."""
_room = 0
_mark: int | None = None  # bytes held at which garbage is looked for next; None while Python looks by itself
_settled = 0  # blocks in use when a process that stays had last looked through all


def collect_rarely(room: int) -> None:
    """From here on look for garbage in circles only when this process has grown by `room` bytes.

    An analysis makes many objects and keeps nearly all of them until it ends: looking after every so many new objects goes
    through them again and again, and took a quarter of its time.
    """
    global _mark, _room
    held = resident()
    if not held:
        gc.set_threshold(200_000, 20, 50)
        return
    gc.disable()
    _room, _mark = room, held + room


def held_after_collecting() -> int:
    """Bytes this process holds, once garbage was looked for where it has grown enough for that."""
    global _mark
    held = resident()
    if _mark is not None and held > _mark:
        gc.collect()
        held = resident()
        _mark = held + _room
    return held


@cache
def _libc() -> Any:
    """The C library, where it is GNU's."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        library = ctypes.CDLL(None)
        return library if library.malloc_trim and library.mallopt else None
    except (OSError, AttributeError):
        return None


_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


def share_one_heap() -> None:
    """All threads of this process take memory from one heap, where they would get one each: analyses run in threads of their own, one
    after the other, and what an earlier one holds keeps its heap from being given back."""
    if (library := _libc()) is not None:
        library.mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return memory to the system that the C library holds for later."""
    if (library := _libc()) is not None:
        library.malloc_trim(0)


_YOUNG = 100_000
"""Objects that an analysis may leave, in circles or for good, before they are looked through."""
_SMALL = 200_000_000
"""Bytes up to which a process may fill with what analyses leave: a run over some dozens of files ends before that."""


def collect_if_grown(share: float) -> None:
    """In a process that stays: look through what is new, and through all there is where that has grown by a share of what it was.

    Memory is counted in what Python's allocator has handed out: what the process holds does not grow while garbage fills the holes
    that other garbage has left, and then lies between what is kept. So looking late costs memory that is never given back.
    """
    global _settled
    gc.collect(1)
    if sys.getallocatedblocks() > _settled * (1 + share):
        gc.collect()
        _settled = sys.getallocatedblocks()
        give_back()


def keep_for_good() -> None:
    """What there is now stays: looking for garbage in it takes longer than most edits."""
    global _settled
    gc.collect()
    gc.freeze()
    _settled = sys.getallocatedblocks()


def collect_between() -> None:
    """Between two analyses: take apart the circles that the last one left, where it left much.

    Only what was made since garbage was last looked for is gone through, and nothing while the process is small. Left to
    :func:`held_after_collecting` alone, garbage of many files lies between what is kept, and what Python's allocator has once
    asked for it seldom gives back: memory grew with the files.
    """
    if _mark is not None and gc.get_count()[0] > _YOUNG and resident() > _SMALL:
        gc.collect(0)


@contextmanager
def rare_collections(room: int = SERVING) -> Iterator[None]:
    """:func:`collect_rarely` while something is done; inside itself, or where the program has its own way, nothing."""
    global _mark
    if _mark is not None or not gc.isenabled():
        yield
        return
    before = gc.get_threshold()
    collect_rarely(room)
    try:
        yield
    finally:
        _mark = None
        gc.set_threshold(*before)
        gc.enable()
