"""Silencing a rule for a whole file or a whole project."""

from __future__ import annotations

import re

from ane_lsp.checks.finding import Finding, TextEdit
from ane_lsp.fixes.comments import Document
from ane_lsp.graph import Span
from ane_lsp.knowledge import tomlpos
from ane_lsp.syntax.positions import code_points_to_utf8

_FILE = re.compile(r"#\s*ane:\s*ignore-file\s*(?:\[([^\]]*)\])?")
_FIRST = re.compile(r"#!|[ \t\f]*#.*?coding[:=]")


def suppress_file(text: Document, finding: Finding) -> TextEdit | None:
    """The comment that silences a rule in the file: one more code in the directive at the top, or a line of its own."""
    file = finding.span.file
    at = 1
    for number in range(1, len(text.lines) + 1):
        line = text.lines.line(number)
        if number == at and number <= 2 and _FIRST.match(line):
            at = number + 1
        if not line.startswith("#"):
            break
        if (found := _FILE.match(line)) is not None:
            if found[1] is None or finding.code in re.split(r"[,\s]+", found[1].upper()):
                return None
            col = code_points_to_utf8(line, found.end(1))
            comma = ", " if found[1].strip() else ""
            return TextEdit(Span(file, number, col, number, col), f"{comma}{finding.code}")
    newline = "\r\n" if "\r\n" in text.text else "\n"
    if at > len(text.lines):
        return None
    return TextEdit(Span(file, at, 0, at, 0), f"# ane: ignore-file[{finding.code}]{newline}")


def ignore_in_settings(text: Document, file: str, code: str) -> TextEdit | None:
    """The edit of a settings file that adds `code` to its ``ignore``; None where it is there, or the edit would not be right.

    The edited text is parsed again: it has to hold what it held, and the code.
    """
    section = ("tool", "ane-lsp") if file.endswith("pyproject.toml") else ()
    try:
        before = tomlpos.parse(text.text)
        places = tomlpos.positions(text.text)
    except (tomlpos.TomlError, RecursionError):
        return None
    table = before
    for key in section:
        table = table.get(key, {})
    listed = table.get("ignore", [])
    if not isinstance(listed, list) or code in listed:
        return None
    newline = "\r\n" if "\r\n" in text.text else "\n"
    place = places.get((*section, "ignore"))
    if place is not None:
        start = text.lines.offset(place[0], 0) + place[1] - 1
        opened = text.text.find("[", start)
        at = opened + 1
        new = f'"{code}", ' if listed else f'"{code}"'
    else:
        header = places.get(section) if section else (1, 1)
        if header is None:
            return None
        if section:
            at = text.text.find("\n", text.lines.offset(header[0], 0)) + 1
            at = at or len(text.text)
        else:
            at = 0
        new = f'ignore = ["{code}"]{newline}'
    after = text.text[:at] + new + text.text[at:]
    try:
        again = tomlpos.parse(after)
    except (tomlpos.TomlError, RecursionError):
        return None
    table["ignore"] = [code, *listed]
    if again != before:
        return None
    line, col = text.lines.position(at)
    return TextEdit(Span(file, line, col, line, col), new)
