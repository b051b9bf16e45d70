"""Fact tables: CSV files below ``rules/facts`` with a header, a source on every row and exact errors."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping

from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import files
from ane_lsp.knowledge.files import KnowledgeError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a fact table; cells are stripped text. `line` is where it starts in the file."""

    file: str
    line: int
    cells: Mapping[str, str]
    columns: tuple[str, ...]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def fail(self, column: str, message: str) -> KnowledgeError:
        """An error at this row's cell. The column counted is that of the table, from 1."""
        number = self.columns.index(column) + 1 if column in self.columns else 1
        return KnowledgeError(self.file, self.line, number, f"`{column}`: {message}")

    def integer(self, column: str) -> int:
        """The cell as an int. Raises KnowledgeError."""
        try:
            return int(self[column])
        except ValueError:
            raise self.fail(column, f"{self[column]!r} is not a whole number") from None

    def number(self, column: str) -> float:
        """The cell as a float. Raises KnowledgeError."""
        try:
            return float(self[column])
        except ValueError:
            raise self.fail(column, f"{self[column]!r} is not a number") from None

    def choice(self, column: str, allowed: tuple[str, ...]) -> str:
        """The cell, which must be one of `allowed`. Raises KnowledgeError."""
        if self[column] not in allowed:
            raise self.fail(column, f"{self[column]!r} must be one of {', '.join(allowed)}")
        return self[column]

    def items(self, column: str) -> tuple[str, ...]:
        """A cell's parts between semicolons, empty ones left out."""
        return tuple(part.strip() for part in self[column].split(";") if part.strip())


def load(
    name: str, columns: tuple[str, ...], filled: tuple[str, ...] = (), only: Collection[str] | None = None
) -> list[Row]:
    """Rows of ``facts/NAME``, whose header must be `columns`; the cells of `filled` may not be empty.

    only: leave out rows whose first cell is none of these.
    Raises KnowledgeError for a wrong header, a row of another length, or an empty cell that must be filled.
    """
    return parse(f"facts/{name}", files.read(f"facts/{name}"), columns, filled, only)


def parse(
    file: str,
    text: str,
    columns: tuple[str, ...],
    filled: tuple[str, ...] = (),
    only: Collection[str] | None = None,
) -> list[Row]:
    """As :func:`load`, from text."""
    reader = csv.reader(text.splitlines(keepends=True))
    header = next(reader, [])
    if tuple(header) != columns:
        wrong = next(
            (n for n, (a, b) in enumerate(zip(header, columns, strict=False)) if a != b), min(len(header), len(columns))
        )
        raise KnowledgeError(file, 1, wrong + 1, f"the header must be {','.join(columns)}")
    rows: list[Row] = []
    before = reader.line_num
    for cells in reader:
        line, before = before + 1, reader.line_num
        if not cells or (only is not None and cells[0].strip() not in only):
            continue
        if len(cells) != len(columns):
            raise KnowledgeError(file, line, len(cells), f"{len(cells)} cells, the header has {len(columns)}")
        row = Row(file, line, {c: v.strip() for c, v in zip(columns, cells, strict=True)}, columns)
        for column in filled:
            if not row[column]:
                raise row.fail(column, "is empty")
        rows.append(row)
    return rows


def generations(row: Row, column: str) -> frozenset[int]:
    """Engine generations of a cell: ``all`` (an empty set), ``16``, ``13-15``, ``13-15;17-18``. Raises KnowledgeError."""
    if row[column] == "all":
        return frozenset()
    found: set[int] = set()
    for part in row.items(column):
        first, dash, last = part.partition("-")
        if not first.isdigit() or bool(dash) != last.isdigit():
            raise row.fail(column, f"{part!r} is not a generation such as 16, a range such as 13-15, or all")
        found.update(range(int(first), int(last or first) + 1))
    if not found:
        raise row.fail(column, "names no generation")
    return frozenset(found)
