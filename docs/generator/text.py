"""Markdown from data: cells, tables, slugs, links to sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_COMMIT = re.compile(r"(?<![\w/])([\w-]+/[\w.-]+)@([0-9a-f]{7,40})\b")
_ESCAPES = {ord(character): f"&#{ord(character)};" for character in '\\`*_{}[]<>|#~&"'}
_ISSUE = re.compile(r"(?<![\w/])([\w-]+/[\w.-]+)#(\d+)\b")


def plain(text: str) -> str:
    """Text that is no markup, wherever it stands."""
    return " ".join(text.translate(_ESCAPES).split())


def code(text: str) -> str:
    """Text as code, fit for a table cell."""
    return "<code>" + plain(text) + "</code>"


def source(text: str) -> str:
    """A source, with repositories at a commit and issues as links."""
    parts: list[str] = []
    end = 0
    found = sorted([*_COMMIT.finditer(text), *_ISSUE.finditer(text)], key=lambda match: match.start())
    for match in found:
        kind = "tree" if "@" in match[0] else "issues"
        parts.append(plain(text[end : match.start()]))
        parts.append(f" [{plain(match[0])}](https://github.com/{match[1]}/{kind}/{match[2]}) ")
        end = match.end()
    return " ".join("".join([*parts, plain(text[end:])]).split()).replace(" ;", ";").replace(" ,", ",")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; cells are Markdown already."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def searchable(lines: Sequence[str], label: str) -> list[str]:
    """A table with a box above it that hides the rows that do not match (docs/assets/filter.js)."""
    return [f'<div class="filterable" data-label="{plain(label)}" markdown>', "", *lines, "", "</div>"]


def slug(name: str) -> str:
    """A page's name in its address."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def where(chip: str, os: str) -> str:
    """Where something was seen."""
    return ", ".join(part for part in (chip, os) if part)
