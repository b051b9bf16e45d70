"""A line that says how far a long run is, on a terminal and on nothing else."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30
PATIENCE = 0.7  # seconds before anything is said: a short run needs no words


class Bar:
    """``[#########.....................]  91/304 files  0:42 left`` on standard error, rewritten in place."""

    def __init__(self, stream: TextIO | None = None, wanted: bool = True) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._on = wanted and self._stream.isatty()
        self._began = time.monotonic()
        self._said = 0.0
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not self._on or total < 2 or now - self._began < PATIENCE or (now - self._said < 0.1 and done < total):
            return
        self._said, self._shown = now, True
        full = WIDTH * done // total
        left = (now - self._began) / done * (total - done) if done else 0.0
        minutes, seconds = divmod(round(left), 60)
        self._stream.write(
            f"\r\033[K[{'#' * full}{'.' * (WIDTH - full)}] {done}/{total} files  {minutes}:{seconds:02} left"
        )
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._shown = False
