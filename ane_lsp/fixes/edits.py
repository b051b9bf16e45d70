"""Edits as changes of a text: applied together, compared, followed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ane_lsp.checks.finding import TextEdit
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.positions import LineTable


@dataclass(frozen=True, slots=True)
class Change:
    """One edit in code points of the old text."""

    start: int
    end: int
    text: str


def changes(lines: LineTable, edits: Iterable[TextEdit]) -> list[Change]:
    """Edits in order of place, each once. Insertions at one place keep their order."""
    found = dict.fromkeys(
        Change(lines.offset(e.span.line, e.span.col), lines.offset(e.span.end_line, e.span.end_col), e.text)
        for e in edits
    )
    return sorted(found, key=lambda c: (c.start, c.end))


def overlap(first: Sequence[Change], second: Sequence[Change]) -> bool:
    """Whether two sets of changes touch the same text. Equal ones (an import both need) do not count."""
    return any(
        a != b and a.start < max(b.end, b.start + 1) and b.start < max(a.end, a.start + 1)
        for a in first
        for b in second
    )


def apply(text: str, made: Sequence[Change]) -> str:
    """The text after changes that do not overlap. Raises ValueError where they do."""
    parts: list[str] = []
    at = 0
    for change in made:
        if change.start < at:
            raise ValueError("overlapping edits")
        parts += (text[at : change.start], change.text)
        at = change.end
    return "".join((*parts, text[at:]))


class Moved:
    """Follows places of the old text into the new one."""

    def __init__(self, old: LineTable, new: LineTable, made: Sequence[Change]) -> None:
        self._old, self._new, self._made = old, new, made

    def span(self, span: Span) -> Span | None:
        """Where the same text stands now; None where an edit touched it."""
        start, end = self._old.offset(span.line, span.col), self._old.offset(span.end_line, span.end_col)
        shift = 0
        for change in self._made:
            if change.end <= start and not (change.start == change.end == start and start == end):
                shift += len(change.text) - (change.end - change.start)
            elif change.start < end:
                return None
        first, last = self._new.position(start + shift), self._new.position(end + shift)
        return Span(span.file, *first, *last)

    def touched(self, span: Span) -> bool:
        """Whether a place of the new text lies in, or holds, something an edit wrote."""
        start, end = self._new.offset(span.line, span.col), self._new.offset(span.end_line, span.end_col)
        return any(start <= b and a <= end for a, b in self._written())

    def _written(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        shift = 0
        for change in self._made:
            found.append((change.start + shift, change.start + shift + len(change.text)))
            shift += len(change.text) - (change.end - change.start)
        return found


def edits_between(old: str, new: str, file: str) -> list[TextEdit]:
    """The least line edits that turn one text into the other."""
    before = LineTable(old)
    a, b = _lines(old), _lines(new)
    starts_a, starts_b = _starts(a), _starts(b)
    found: list[TextEdit] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            start, end = before.position(starts_a[i1]), before.position(starts_a[i2])
            found.append(TextEdit(Span(file, *start, *end), new[starts_b[j1] : starts_b[j2]]))
    return found


def _lines(text: str) -> list[str]:
    """Lines with their ends, as the Python parser has them."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def _starts(lines: Sequence[str]) -> list[int]:
    found = [0]
    for line in lines:
        found.append(found[-1] + len(line))
    return found
