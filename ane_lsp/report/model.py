"""What every output format prints: findings, models and errors of a run, with the texts they point into."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ane_lsp.analysis import AnalysisError, ModelSummary, Unfollowed
from ane_lsp.checks.finding import SEVERITIES, Finding, Severity
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.positions import LineTable, utf8_to_code_points

if TYPE_CHECKING:
    from ane_lsp.placement import Placement


@dataclass(frozen=True, slots=True)
class Region:
    """A span for people and tools that count from 1 in characters; `end_col` is exclusive."""

    line: int
    col: int
    end_line: int
    end_col: int


@dataclass(slots=True)
class Report:
    """One run.

    files: how many were analysed. base: paths below it are printed relative to it.
    lines: the line table of a file, None where it cannot be read. fail_on: the mildest severity that fails the run,
    None for none. baselined: findings a baseline hid. placements: for formats that picture the models. unfollowed: of files without models.
    """

    findings: Sequence[Finding]
    models: Sequence[ModelSummary] = ()
    errors: Sequence[AnalysisError] = ()
    files: int = 0
    base: Path = field(default_factory=Path.cwd)
    lines: Callable[[str], LineTable | None] = lambda file: None
    fail_on: Severity | None = "warning"
    statistics: bool = False
    baselined: int = 0
    checked: Sequence[str] = ()
    placements: Sequence[Placement] = ()
    unfollowed: Sequence[Unfollowed] = ()

    def path(self, file: str) -> str:
        """`file` as printed: relative to `base` where below it, with ``/``."""
        try:
            return Path(file).relative_to(self.base).as_posix()
        except ValueError:
            return file.replace(os.sep, "/")

    def line(self, span: Span) -> str:
        """The text of the span's first line."""
        table = self.lines(span.file)
        return table.line(span.line) if table is not None else ""

    def region(self, span: Span) -> Region:
        """The span in characters from 1."""
        table = self.lines(span.file)
        if table is None:
            return Region(span.line, span.col + 1, span.end_line, span.end_col + 1)
        start = utf8_to_code_points(table.line(span.line), span.col)
        end = utf8_to_code_points(table.line(span.end_line), span.end_col)
        return Region(span.line, start + 1, span.end_line, end + 1)

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of this severity makes the run fail."""
        return self.fail_on is not None and SEVERITIES.index(severity) <= SEVERITIES.index(self.fail_on)

    def text(self, span: Span) -> str:
        """What the span covers."""
        table = self.lines(span.file)
        if table is None:
            return ""
        return table.text[table.offset(span.line, span.col) : table.offset(span.end_line, span.end_col)]

    def fingerprint(self, finding: Finding) -> str:
        """Names a finding so that it survives edits elsewhere: path, code, the function or class around it, and the expression."""
        span = finding.span
        table = self.lines(span.file)
        symbol = symbol_at(table, span.line) if table is not None else ""
        return _digest(self.path(span.file), finding.code, symbol, " ".join(self.text(span).split()))

    def line_fingerprint(self, finding: Finding) -> str:
        """The name that version 1 of baselines used: path, code, model and the text of the whole line."""
        line = " ".join(self.line(finding.span).split())
        return _digest(self.path(finding.span.file), finding.code, finding.model, line)

    def counts(self) -> list[tuple[str, str, int]]:
        """(code, name, number) of findings, most frequent first."""
        counted = Counter((finding.code, finding.name) for finding in self.findings)
        return sorted(((code, name, n) for (code, name), n in counted.items()), key=lambda row: (-row[2], row[0]))


_DEFINITION = re.compile(r"[ \t]*(?:async[ \t]+)?(?:class|def)[ \t]+(\w+)")


def symbol_at(lines: LineTable, number: int) -> str:
    """The functions and classes around a line, the outermost first, joined by dots; told from indentation alone, so that it can
    be asked of any text."""
    names: list[str] = []
    first = lines.line(number)
    inside = _indent(first)
    if (own := _DEFINITION.match(first)) is not None:
        names.append(own[1])
    for above in range(number - 1, 0, -1):
        if not inside:
            break
        line = lines.line(above)
        if not line.strip() or _indent(line) >= inside or line.lstrip().startswith(("#", ")", "]", "}")):
            continue
        if (found := _DEFINITION.match(line)) is not None:
            names.append(found[1])
            inside = _indent(line)
    return ".".join(reversed(names))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings of several files, sorted; of those about one place and code the worst stays.

    A module that several checked files import is analysed with each of them.
    """
    best: dict[tuple[Span, str], Finding] = {}
    for finding in findings:
        key = (finding.span, finding.code)
        known = best.get(key)
        if known is None or SEVERITIES.index(finding.severity) < SEVERITIES.index(known.severity):
            best[key] = finding
    return sorted(
        best.values(), key=lambda f: (f.span.file, f.span.line, f.span.col, SEVERITIES.index(f.severity), f.code)
    )
