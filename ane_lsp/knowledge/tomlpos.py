"""Reads TOML and finds the line and column of a key, so that a wrong value can be pointed at.

The standard parser keeps no positions. This finder walks the text once and understands what the parser already accepted:
tables, arrays of tables, dotted and quoted keys, multi-line strings and arrays.
"""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# A path into the document: keys, and numbers for entries of an array of tables.
KeyPath = tuple[str | int, ...]

_AT = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*""")


class TomlError(ValueError):
    """Not TOML. `line` and `col` count from 1 in the text given."""

    def __init__(self, message: str, line: int, col: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.col = col


def parse(text: str) -> dict[str, Any]:
    """The document. Raises TomlError with a position."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _AT.search(message)
        short = _AT.sub("", message).strip()
        if place and place[1]:
            raise TomlError(short, int(place[1]), int(place[2])) from None
        lines = text.split("\n")  # as TOML counts them
        raise TomlError(short, len(lines), len(lines[-1]) + 1) from None


def positions(text: str) -> dict[KeyPath, tuple[int, int]]:
    """Line and column (from 1) of every key and table header of a valid document."""
    found: dict[KeyPath, tuple[int, int]] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        stripped = line.lstrip()
        start = at + len(line) - len(stripped)
        if not stripped or stripped[0] in "#\r":
            at = end + 1
            continue
        if stripped[0] == "[":
            double = stripped.startswith("[[")
            key, _ = _dotted(text, start + (2 if double else 1))
            table = _resolve(key, counts)
            if double:
                number = counts.get(table, 0)
                counts[table] = number + 1
                found.setdefault(table, _place(text, start))
                table = (*table, number)
            found.setdefault(table, _place(text, start))
            at = end + 1
            continue
        key, after = _dotted(text, start)
        for depth in range(1, len(key) + 1):
            found.setdefault((*table, *key[:depth]), _place(text, start))
        at = _skip_value(text, after + 1)
    return found


def position(text: str, path: KeyPath) -> tuple[int, int]:
    """Where a key stands; for a key that is missing, the nearest table around it; else the first line."""
    known = positions(text)
    for length in range(len(path), 0, -1):
        if path[:length] in known:
            return known[path[:length]]
    return 1, 1


def _resolve(key: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """Put the number of the current entry behind every array of tables that a header passes through."""
    path: KeyPath = ()
    for depth, part in enumerate(key):
        path = (*path, part)
        if path in counts and depth < len(key) - 1:
            path = (*path, counts[path] - 1)
    return path


def _dotted(text: str, at: int) -> tuple[KeyPath, int]:
    parts: list[str] = []
    while True:
        match = _KEY.match(text, at)
        if match is None:
            return tuple(parts), at
        raw = match[1]
        parts.append(raw[1:-1] if raw[0] in "\"'" else raw)
        at = match.end()
        if at >= len(text) or text[at] != ".":
            return tuple(parts), at
        at += 1


def _skip_value(text: str, at: int) -> int:
    """Index after the value that starts at `at`: the first newline outside strings and brackets."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "\"'":
            quote = char * 3 if text.startswith(char * 3, at) else char
            at += len(quote)
            while at < len(text) and not text.startswith(quote, at):
                at += 2 if char == '"' and text[at] == "\\" else 1
            at += len(quote)
            continue
        if char == "#":
            at = text.find("\n", at)
            if at < 0:
                return len(text)
            continue
        if char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "\n" and depth == 0:
            return at + 1
        at += 1
    return at


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
