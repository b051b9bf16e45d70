"""Colours, and text that is safe to print: control characters of a source file never reach the terminal."""

from __future__ import annotations

import unicodedata

_STYLES = {
    "error": "1;31", "warning": "1;33", "information": "1;34", "hint": "1;36", "bold": "1", "dim": "2", "good": "32",
}  # fmt: skip
_CONTROL = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x09}
_CONTROL |= {
    0x2028: "\ufffd",
    0x2029: "\ufffd",
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"),
}


class Painter:
    """Puts ANSI colours around text, or leaves it alone."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, style: str, text: str) -> str:
        return f"\033[{_STYLES[style]}m{text}\033[0m" if self.color and text else text


def printable(text: str) -> str:
    """`text` without control and direction-changing characters; tabs stay. Lone surrogates are replaced."""
    clean = text.translate(_CONTROL)
    return clean if clean.isascii() else clean.encode("utf-8", "replace").decode("utf-8")


def width(text: str) -> int:
    """Terminal columns that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
