"""The formats for people: ``text`` with source lines, ``concise`` with one line a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ane_lsp.analysis import ModelSummary
from ane_lsp.checks.finding import SEVERITIES, Finding
from ane_lsp.graph import Span
from ane_lsp.report.model import Report
from ane_lsp.report.terminal import Painter, printable, width
from ane_lsp.syntax.source import NOTEBOOK

_WINDOW = 110
_ELSEWHERE = 5  # findings in other files that are named
_UNFOLLOWED = 5
_PLURALS = {"information": "information", "hint": "hints", "warning": "warnings", "error": "errors"}


def text(report: Report, color: bool = False) -> str:
    """Findings with their source line, then one line a model, then totals."""
    paint = Painter(color)
    blocks = ["\n".join(_finding(report, finding, paint)) for finding in report.findings]
    blocks += ["\n".join(_error(report, error.kind, error.message, error.span, paint)) for error in report.errors]
    closing = list(_closing(report, paint))
    return "\n\n".join([*blocks, "\n".join(closing)]) + "\n"


def concise(report: Report, color: bool = False) -> str:
    """``path:line:col: severity CODE message``, editors and grep understand it."""
    paint = Painter(color)
    lines = [
        f"{_place(report, f.span)}: {paint(f.severity, f.severity)} {f.code} {printable(f.message)}"
        for f in report.findings
    ]
    lines += [
        f"{_place(report, e.span)}: {paint('error', 'error')} {e.kind}: {printable(e.message)}" for e in report.errors
    ]
    lines += [*_statistics(report), _total(report, paint)]
    return "\n".join(lines) + "\n"


def _place(report: Report, span: Span) -> str:
    cell, line = _counted(report, span)
    return f"{printable(report.path(span.file))}:{cell}{line}:{report.region(span).col}"


def _counted(report: Report, span: Span) -> tuple[str, int]:
    """The line as people count it: in a notebook, of its cell, which is named."""
    if not span.file.endswith(NOTEBOOK):
        return "", span.line
    from ane_lsp.syntax.notebook import cell_of

    table = report.lines(span.file)
    place = cell_of(table, span.line) if table is not None else None
    return ("", span.line) if place is None else (f"cell {place[0]}:", place[1])


def _finding(report: Report, finding: Finding, paint: Painter) -> Iterator[str]:
    label = paint(finding.severity, f"{finding.severity}[{finding.code}]")
    yield f"{paint('bold', _place(report, finding.span))}: {label} {printable(finding.message)}"
    yield from _snippet(report, finding.span, finding.severity, paint)
    margin = " " * (len(str(_counted(report, finding.span)[1])) + 1)
    facts = [finding.name, finding.target, finding.confidence]
    yield margin + paint("dim", "= " + ", ".join(printable(fact) for fact in facts if fact))
    for fix in finding.fixes[:2]:
        yield margin + paint("dim", f"= fix ({fix.safety}): {printable(fix.title)}")
    for related in finding.related:
        yield margin + paint("dim", f"= {_place(report, related.span)}: {printable(related.message)}")


def _error(report: Report, kind: str, message: str, span: Span, paint: Painter) -> Iterator[str]:
    yield f"{paint('bold', _place(report, span))}: {paint('error', f'error[{kind}]')} {printable(message)}"
    if kind == "syntax":
        yield from _snippet(report, span, "error", paint)


def _snippet(report: Report, span: Span, style: str, paint: Painter) -> Iterator[str]:
    """The span's first line with carets under it; of a very long line the part around the span."""
    line = report.line(span)
    if not line.strip():
        return
    region = report.region(span)
    start = min(region.col - 1, len(line))
    end = region.end_col - 1 if region.end_line == region.line else len(line.rstrip())
    end = max(start + 1, min(end, len(line)))
    before = after = ""
    if len(line) > _WINDOW:
        first = max(0, min(start - _WINDOW // 3, len(line) - _WINDOW))
        before, after = "..." if first else "", "..." if first + _WINDOW < len(line) else ""
        line = line[first : first + _WINDOW]
        start, end = start - first, min(end - first, _WINDOW)
    line = printable(line)
    indent = len(line) - len(line.lstrip())
    kept = min(indent, start)
    # Tabs become one space: only the part from the first character on has to line up.
    line = " " * min(kept, 4) + line[kept:].replace("\t", " ")
    start, end = start - kept + min(kept, 4), end - kept + min(kept, 4)
    number = _counted(report, span)[1]
    gutter = len(str(number)) + 1
    yield f"{paint('dim', f'{number} |')} {before}{line}{after}"
    carets = "^" * max(1, width(line[start:end]))
    yield f"{paint('dim', ' ' * gutter + '|')} {' ' * (len(before) + width(line[:start]))}{paint(style, carets)}"


def _closing(report: Report, paint: Painter) -> Iterator[str]:
    for model in report.models:
        yield _model(model, paint)
    if not report.models:
        for one in report.unfollowed[:_UNFOLLOWED]:
            yield paint("dim", f"no model, perhaps because of {_place(report, one.span)}: {printable(one.message)}")
    yield from _statistics(report)
    yield _total(report, paint)


def _model(model: ModelSummary, paint: Painter) -> str:
    operations = _count(model.ops, "operation")
    line = f"{paint('bold', printable(model.name))}: {operations}, {model.on_ane} can run on the ANE of {printable(model.target)}"
    if model.unknown_shapes:
        line += f", {model.unknown_shapes} of unknown shape"
    line += f"; {_count(model.findings, 'finding')}"
    if model.stopped:
        line += f" (stopped early: {printable(model.stopped)})"
    for what, places in (("not followed", model.lost), ("elsewhere", model.elsewhere)):
        for place in places[:_ELSEWHERE]:
            line += "\n  " + paint("dim", f"{what}: {printable(str(place))}")
        if len(places) > _ELSEWHERE:
            line += "\n  " + paint("dim", f"{what}: {len(places) - _ELSEWHERE} more")
    for assumed in model.assumed:
        line += "\n  " + paint("dim", "assumed: " + printable(assumed))
    return line


def _statistics(report: Report) -> Iterator[str]:
    if report.statistics:
        for code, name, number in report.counts():
            yield f"{number:6d}  {code}  {name}"


def _total(report: Report, paint: Painter) -> str:
    by_severity = Counter(finding.severity for finding in report.findings)
    parts = []
    for severity in SEVERITIES:
        number = by_severity[severity]
        if number:
            noun = severity if number == 1 else _PLURALS[severity]
            parts.append(paint(severity, f"{number} {noun}"))
    line = f"{_count(len(report.findings), 'finding')} in {_count(report.files, 'file')}"
    line += f" ({', '.join(parts)})" if parts else ""
    line += f", {len(report.errors)} not analysed in full" if report.errors else ""
    line += f", {report.baselined} hidden by the baseline" if report.baselined else ""
    return line if report.findings or report.errors else paint("good", line)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
