"""Open documents: their text as the client has it, and what its edits did to positions.

Everything inside counts lines from 1 and columns in UTF-8 bytes; clients' units are converted on the way in and out by
:mod:`ane_lsp.syntax.positions`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path

from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.server import uris
from ane_lsp.syntax.notebook import without_magics
from ane_lsp.syntax.positions import Encoding, LineTable

BOM = "\ufeff"
Place = tuple[int, int]  # line from 1, UTF-8 byte column from 0
ClientPlace = tuple[int, int]  # line from 0, column in the client's units


@dataclass(frozen=True, slots=True)
class Change:
    """One content change as sent: `start` and `end` None mean the whole text."""

    text: str
    start: ClientPlace | None = None
    end: ClientPlace | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """What a change did: the text between `start` and `end` became text ending at `new_end`."""

    start: Place
    end: Place
    new_end: Place

    def move(self, span: Span) -> Span | None:
        """Where `span` stands after the edit; None where the edit cut through one of its ends.

        An edit inside the span stretches it, so a finding stays while its author types between its parentheses.
        """
        start, end = (span.line, span.col), (span.end_line, span.end_col)
        if end <= self.start:
            return span
        if start >= self.end:
            start, end = self._after(start), self._after(end)
        elif start <= self.start and self.end <= end and (start, end) != (self.start, self.end):
            end = self._after(end)
        else:
            return None
        return span._replace(line=start[0], col=start[1], end_line=end[0], end_col=end[1])

    def _after(self, place: Place) -> Place:
        line, col = place
        if line == self.end[0]:
            return self.new_end[0], self.new_end[1] + col - self.end[1]
        return line + self.new_end[0] - self.end[0], col


def move_all(span: Span, edits: Iterable[Edit]) -> Span | None:
    """`span` after all `edits`, None where one of them destroyed it."""
    moved: Span | None = span
    for edit in edits:
        if moved is None:
            return None
        moved = edit.move(moved)
    return moved


class Text:
    """A version of a text with its lines; positions of line 1 do not count a byte order mark, as Python's do not."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._bom = 3 if text.startswith(BOM) else 0

    @cached_property
    def lines(self) -> LineTable:
        return LineTable(self.text)

    def place(self, client: ClientPlace, encoding: Encoding) -> Place:
        """A client's position; outside the text it is moved to the nearest one inside."""
        line, col = self.raw_place(client, encoding)
        return (line, max(0, col - self._bom)) if line == 1 else (line, col)

    def raw_place(self, client: ClientPlace, encoding: Encoding) -> Place:
        if client[0] >= len(self.lines):
            return self.lines.position(len(self.text))
        return self.lines.from_client(max(0, client[0]), max(0, client[1]), encoding)

    def client(self, line: int, col: int, encoding: Encoding) -> ClientPlace:
        """A place in the client's units; beyond the text it is moved to its end."""
        if line > len(self.lines):
            line, col = self.lines.position(len(self.text))
        elif line == 1:
            col += self._bom
        return self.lines.to_client(max(1, line), col, encoding)

    def client_range(self, span: Span, encoding: Encoding) -> tuple[ClientPlace, ClientPlace]:
        return self.client(span.line, span.col, encoding), self.client(span.end_line, span.end_col, encoding)

    def segment(self, span: Span) -> str:
        """The text under `span`."""
        bom = [self._bom if line == 1 else 0 for line in (span.line, span.end_line)]
        start = self.lines.offset(span.line, span.col + bom[0])
        return self.text[start : self.lines.offset(span.end_line, span.end_col + bom[1])]

    def line(self, number: int) -> str:
        """A line without its end and without a byte order mark."""
        return self.lines.line(number).removeprefix(BOM) if number == 1 else self.lines.line(number)

    def newline(self) -> str:
        """The line end to write: the first one found."""
        end = self.text.find("\n")
        if end > 0 and self.text[end - 1] == "\r":
            return "\r\n"
        return "\r" if end < 0 and "\r" in self.text else "\n"

    def apply(self, change: Change, encoding: Encoding) -> tuple[Text, Edit]:
        """The next version, and the edit that leads to it."""
        if change.start is None or change.end is None:
            return self._replaced(change.text)
        first = self.raw_place(change.start, encoding)
        last = max(first, self.raw_place(change.end, encoding))
        start, end = self.lines.offset(*first), self.lines.offset(*last)
        new = Text(self.text[:start] + change.text + self.text[end:])
        return new, self._edit(new, start, end, start + len(change.text))

    def _replaced(self, text: str) -> tuple[Text, Edit]:
        """Whole texts are compared, so that full synchronisation moves findings as well as edits do."""
        old = self.text
        shorter = min(len(old), len(text))
        start = _common(old, text, shorter)
        tail = _common(old[start:][::-1], text[start:][::-1], shorter - start)
        new = Text(text)
        return new, self._edit(new, start, len(old) - tail, len(text) - tail)

    def _edit(self, new: Text, start: int, end: int, new_end: int) -> Edit:
        if end != new_end and ((self._bom and end == 0) or (new._bom and new_end == 0)):
            # A mark that is not at the start counts, so it is a part of what changed.
            end, new_end = end + 1, new_end + 1
        return Edit(
            self._without_bom(self.lines.position(start)),
            self._without_bom(self.lines.position(end)),
            new._without_bom(new.lines.position(new_end)),
        )

    def _without_bom(self, place: Place) -> Place:
        return (1, max(0, place[1] - self._bom)) if place[0] == 1 else place


def _common(a: str, b: str, limit: int) -> int:
    """Length of the common start of `a` and `b`, at most `limit`; by halving, because slices compare at memory speed."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(slots=True)
class Document:
    """An open text document.

    path: where its text belongs on disk; for unsaved documents and notebook cells a path that does not exist.
    edits: each one since `marked`, the version they start from.
    """

    uri: str
    path: Path
    language: str
    version: int
    text: Text
    notebook: str | None = None
    edits: list[tuple[int, Edit]] = field(default_factory=list)

    def change(self, version: int, changes: Sequence[Change], encoding: Encoding) -> list[Edit]:
        """Apply the changes of one notification, in order."""
        made = []
        for change in changes:
            self.text, edit = self.text.apply(change, encoding)
            made.append(edit)
        self.version = version
        return made


@dataclass(slots=True)
class Notebook:
    """A notebook: code cells in order, read as one module.

    The module is the cells joined by line ends, so line numbers are those of the cells after a shift.
    """

    uri: str
    path: Path
    version: int
    cells: list[str] = field(default_factory=list)  # keys of the cells' documents, code cells only
    kinds: dict[str, int] = field(default_factory=dict)  # key -> 1 markup, 2 code


@dataclass(frozen=True, slots=True)
class Part:
    """A cell's place in its notebook's module: its first line there, and how many lines it has."""

    key: str
    first: int
    count: int


def join_cells(cells: Iterable[tuple[str, Text]]) -> tuple[str, list[Part]]:
    """The module made of the cells, and where each went."""
    texts: list[str] = []
    parts: list[Part] = []
    line = 1
    for key, text in cells:
        module = without_magics(text.text)
        # Before the line end that joins, a lone CR at the end would become half of one; so would a CR before that.
        bare = module.rstrip("\r")
        texts.append(bare + "\n" * (len(module) - len(bare)))
        parts.append(Part(key, line, len(text.lines)))
        line += len(text.lines)
    return "\n".join(texts) + "\n", parts


def to_cell(span: Span, parts: Sequence[Part], names: dict[str, str]) -> tuple[str, Span] | None:
    """The cell a module's span lies in, and the span there; None where it crosses cells."""
    for part in parts:
        if part.first <= span.line < part.first + part.count:
            if span.end_line >= part.first + part.count:
                return None
            shift = part.first - 1
            moved = span._replace(file=names[part.key], line=span.line - shift, end_line=span.end_line - shift)
            return part.key, moved
    return None


def virtual_path(uri: str, root: Path) -> Path:
    """A path for a document that has none on disk: imports in it resolve as if it stood in `root`."""
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in uri.rpartition("/")[2] or uri) or "untitled"
    return root / (name if name.endswith(".py") else name + ".py")


def path_of(uri: str, root: Path) -> Path:
    """Where the document of `uri` belongs."""
    return uris.to_path(uri) or virtual_path(uri, root)
