"""In the worker: which frames of a stack are the author's, and how torch and coremltools write stacks as text."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

Frame = tuple[str, int, str]  # file, line, function
_OWN = str(Path(__file__).resolve().parent)
# Machinery between the author and the operations; what is left over is the author's or a library's of models.
_MACHINERY = ("torch", "torchgen", "coremltools", "coreai_torch", "functorch", "runpy.py", "importlib")
_PYTHON = re.compile(r'File "(?P<file>.+?)", line (?P<line>\d+), in (?P<fn>.+)')
_SCRIPT = re.compile(r"^(?P<file>.+?)\((?P<line>\d+)\): (?P<fn>.+)$")


@cache
def is_user(file: str) -> bool:
    """Whether a source file belongs to a model rather than to torch, a converter, the standard library or this worker."""
    if file.startswith(("<", _OWN)):
        return False
    parts = Path(file).parts
    for marker in ("site-packages", "dist-packages"):
        if marker in parts:
            return parts[parts.index(marker) + 1] not in _MACHINERY
    stdlib = str(Path(contextlib_file()).resolve().parent)
    return not str(Path(file).resolve()).startswith(stdlib + "/")


@cache
def contextlib_file() -> str:
    """A file of the standard library."""
    return str(sys.modules["contextlib"].__file__ or "")


def user_frames(frames: Iterable[Frame]) -> list[Frame]:
    """The author's frames, outermost first."""
    return [frame for frame in frames if is_user(frame[0])]


def parse_python(text: str | None) -> list[Frame]:
    """Frames of a Python traceback, outermost first."""
    return [(m["file"], int(m["line"]), m["fn"]) for m in _PYTHON.finditer(text or "")]


def parse_script(text: str | None) -> list[Frame]:
    """Frames of a TorchScript source range, outermost first (the text has the innermost first)."""
    found = [_SCRIPT.match(line.strip()) for line in (text or "").splitlines()]
    return [(m["file"], int(m["line"]), m["fn"]) for m in reversed(found) if m]


def innermost(frames: Sequence[Frame]) -> Frame | None:
    """The author's line that made the operation."""
    own = user_frames(frames)
    return own[-1] if own else None
