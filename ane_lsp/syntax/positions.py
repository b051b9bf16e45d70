"""The one place where columns change units.

Python's ``ast`` counts columns in UTF-8 bytes, ``tokenize`` and libcst in code points, editors in UTF-16 units unless
they agreed on something else. Lines end at ``\\n``, ``\\r\\n`` and ``\\r`` only, as the Python parser has it: form feed,
vertical tab, NEL and U+2028 stay inside their line (``str.splitlines`` would break there).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END = re.compile(r"\r\n?|\n")
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


def utf8_length(text: str) -> int:
    """Length in UTF-8 bytes; lone surrogates, which editors can send, count three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def utf8_to_code_points(line: str, col: int) -> int:
    """Code points before UTF-8 byte `col` of `line`; inside a character: those before it. Clamped to the line."""
    if line.isascii():
        return max(0, min(col, len(line)))
    data = line.encode("utf-8", "surrogatepass")
    col = max(0, min(col, len(data)))
    while 0 < col < len(data) and data[col] & 0xC0 == 0x80:
        col -= 1
    return len(data[:col].translate(None, _CONTINUATION_BYTES))


def code_points_to_utf8(line: str, col: int) -> int:
    """UTF-8 bytes before code point `col` of `line`. Clamped to the line."""
    return utf8_length(line[: max(0, col)])


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _utf16_to_code_points(line: str, col: int) -> int:
    if line.isascii():
        return max(0, min(col, len(line)))
    data = line.encode("utf-16-le", "surrogatepass")
    col = max(0, min(col, len(data) // 2))
    if 0 < col < len(data) // 2 and data[2 * col + 1] & 0xFC == 0xDC and data[2 * col - 1] & 0xFC == 0xD8:
        col -= 1
    return len(data[: 2 * col].decode("utf-16-le", "surrogatepass"))


def encode_column(line: str, col: int, encoding: Encoding) -> int:
    """A UTF-8 byte column of `line` in the units of `encoding`."""
    if encoding == "utf-8" or line.isascii():
        return max(0, min(col, utf8_length(line)))
    points = utf8_to_code_points(line, col)
    return points if encoding == "utf-32" else _utf16_length(line[:points])


def decode_column(line: str, col: int, encoding: Encoding) -> int:
    """A column of `line` in the units of `encoding` as UTF-8 bytes. Clamped; never inside a character."""
    if line.isascii():
        return max(0, min(col, len(line)))
    if encoding == "utf-8":
        points = utf8_to_code_points(line, col)
    elif encoding == "utf-16":
        points = _utf16_to_code_points(line, col)
    else:
        points = max(0, min(col, len(line)))
    return code_points_to_utf8(line, points)


class LineTable:
    """Lines of a text. Line numbers start at 1, columns at 0 in UTF-8 bytes, offsets at 0 in code points."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        """Offset at which each line starts; an empty text has one line."""
        if "\r" in self.text:
            return [0, *(match.end() for match in _LINE_END.finditer(self.text))]
        starts = [0, *accumulate([len(line) + 1 for line in self.text.split("\n")])]
        starts.pop()  # behind the last line
        return starts

    def __len__(self) -> int:
        """The number of lines; a final line end opens an empty last line."""
        return len(self._starts)

    def line(self, number: int) -> str:
        """The line's text without its end, ``""`` outside the text."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def offset(self, line: int, col: int) -> int:
        """Code-point offset of a UTF-8 byte column. Positions outside the text are clamped into it."""
        if line < 1:
            return 0
        if line > len(self._starts):
            return len(self.text)
        return self._starts[line - 1] + utf8_to_code_points(self.line(line), col)

    def line_of(self, offset: int) -> int:
        """The line a code-point offset lies in."""
        return bisect_right(self._starts, offset)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and UTF-8 byte column of a code-point offset."""
        offset = max(0, min(offset, len(self.text)))
        line = self.line_of(offset)
        return line, utf8_length(self.text[self._starts[line - 1] : offset])

    def to_client(self, line: int, col: int, encoding: Encoding) -> tuple[int, int]:
        """A position as editors send it: line from 0, column in `encoding` units."""
        return line - 1, encode_column(self.line(line), col, encoding)

    def from_client(self, line: int, character: int, encoding: Encoding) -> tuple[int, int]:
        """The inverse of :meth:`to_client`: line from 1, column in UTF-8 bytes."""
        return line + 1, decode_column(self.line(line + 1), character, encoding)
