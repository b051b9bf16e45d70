"""The ``html`` format: one self-contained page. No script is needed to read it, nothing is loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from ane_lsp import __version__
from ane_lsp.analysis import ModelSummary
from ane_lsp.checks.finding import SEVERITIES, Finding
from ane_lsp.placement import Placement, Segment, describe, summary
from ane_lsp.placement.words import time_text
from ane_lsp.report.html_style import SCRIPT, STYLE
from ane_lsp.report.model import Report
from ane_lsp.report.terminal import printable

_EXCERPT = 2  # lines of source above and below a finding
_WIDEST = 400  # characters of a source line that are shown


def write(report: Report) -> str:
    """The page of ``ane-lsp check --format html``."""
    return page(report)


def page(
    report: Report,
    placements: Sequence[Placement] = (),
    title: str = "ane-lsp report",
    verification: Sequence[tuple[str, str]] = (),
) -> str:
    """A report as a page. `verification`: sections of a verify run, heading and body; the bodies are HTML made by :mod:`
    ane_lsp.verify.page` and inserted as they are."""
    body = [*_summary(report, placements, title)]
    body += [
        f'<section><h2 id="verify-{i}">{_text(head)}</h2>{part}</section>'
        for i, (head, part) in enumerate(verification)
    ]
    body += _placements(report, placements)
    body += _findings(report)
    body += _tables(report, placements)
    return document(title, body)


def document(title: str, body: Sequence[str], target: str = "findings") -> str:
    """A whole page around its parts, which are HTML already. `target`: the id that the link for keyboards leads to."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">\n"
        f'<meta name="generator" content="ane-lsp {_text(__version__)}">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#{target}">Skip to the {target}</a>\n<main>\n'
        + "\n".join(body)
        + f"\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def safe(value: object) -> str:
    """Any text, safe in HTML and without characters that control a display."""
    return escape(printable(str(value)), quote=True)


_text = safe


def _summary(report: Report, placements: Sequence[Placement], title: str) -> Iterator[str]:
    counts = {s: sum(f.severity == s for f in report.findings) for s in SEVERITIES}
    yield f"<header><h1>{_text(title)}</h1>"
    tiles = [("models", len(report.models)), *counts.items()]
    yield '<ul class="tiles">'
    for name, number in tiles:
        yield f'<li class="{_text(name)}"><b>{number}</b> {_text(name)}</li>'
    yield "</ul>"
    for model in report.models:
        yield f"<p>{_model(model)}</p>"
    for plan in placements:
        yield f"<p><b>{_text(plan.model)}</b>: {_text(summary(plan))}</p>"
    for error in report.errors:
        yield f'<p class="error"><b>{_text(error.kind)}</b> {_text(report.path(error.span.file))}:{error.span.line}: {_text(error.message)}</p>'
    yield "</header>"


def _model(model: ModelSummary) -> str:
    text = f"<b>{_text(model.name)}</b>: {model.on_ane} of {model.ops} operations can run on the ANE of {_text(model.target)}"
    if model.unknown_shapes:
        text += f", {model.unknown_shapes} of unknown shape"
    return text + "".join(f"<br><small>assumed: {_text(a)}</small>" for a in model.assumed)


def _findings(report: Report) -> Iterator[str]:
    yield f'<section><h2 id="findings">Findings ({len(report.findings)})</h2>'
    if not report.findings:
        yield "<p>None.</p>"
    else:
        yield (
            '<p class="filter"><label>Filter <input id="filter" type="search" placeholder="code, text or file" '
            'autocomplete="off"></label> <span id="shown" role="status"></span></p>'
        )
    for finding in report.findings:
        yield _finding(report, finding)
    yield "</section>"


def _finding(report: Report, finding: Finding) -> str:
    region = report.region(finding.span)
    where = f"{report.path(finding.span.file)}:{region.line}:{region.col}"
    parts = [
        f'<article class="finding {_text(finding.severity)}"><h3><span class="code">{_text(finding.code)}</span> '
        f'<span class="severity">{_text(finding.severity)}</span> <a class="where">{_text(where)}</a></h3>',
        f"<p>{_text(finding.message)}</p>",
        excerpt(
            report,
            finding.span.file,
            finding.span.line,
            region.col,
            region.end_col if region.end_line == region.line else None,
        ),
    ]
    facts = [finding.name, finding.target, finding.confidence, f"in {finding.model}" if finding.model else ""]
    parts.append(f"<p><small>{_text(', '.join(fact for fact in facts if fact))}</small></p>")
    notes = [f"fix ({fix.safety}): {fix.title}" for fix in finding.fixes]
    notes += [f"{report.path(r.span.file)}:{r.span.line}: {r.message}" for r in finding.related]
    if notes:
        parts.append("<ul>" + "".join(f"<li>{_text(note)}</li>" for note in notes) + "</ul>")
    return "".join(parts) + "</article>"


def excerpt(report: Report, file: str, line: int, col: int | None = None, end: int | None = None) -> str:
    """Source around a line, the line itself marked. `col`, `end`: characters from 1."""
    table = report.lines(file)
    if table is None:
        return ""
    rows = []
    for number in range(max(1, line - _EXCERPT), line + _EXCERPT + 1):
        try:
            text = table.line(number)
        except IndexError:
            break
        text = text.rstrip("\r\n")[:_WIDEST].expandtabs(1)
        if number == line and col is not None:
            stop = end - 1 if end else len(text)
            shown = f"{_text(text[: col - 1])}<mark>{_text(text[col - 1 : stop])}</mark>{_text(text[stop:])}"
        else:
            shown = _text(text)
        rows.append(f'<span class="line{" here" if number == line else ""}"><i>{number}</i>{shown}</span>')
    return f'<pre tabindex="0">{"".join(rows)}</pre>'


def _placements(report: Report, placements: Sequence[Placement]) -> Iterator[str]:
    for number, plan in enumerate(placements):
        yield f'<section><h2 id="placement-{number}">{_text(plan.model)} on {_text(plan.target)}</h2>'
        yield f"<p>{_text(summary(plan))}</p>"
        if plan.problem is None:
            yield timeline(plan)
            yield (
                f"<p>Estimated {'at least ' if plan.unpriced else ''}{_text(time_text(plan.total_ms))}: "
                f"{_text(time_text(plan.ane_ms))} on the ANE, {_text(time_text(plan.cpu_ms))} on the CPU, "
                f"{_text(time_text(plan.fixed_ms))} to launch and switch. On the CPU alone {_text(time_text(plan.all_cpu_ms))}. "
                f"Confidence: {_text(plan.confidence)}.</p>"
            )
        if plan.removals:
            yield "<h3>What keeps work off the ANE</h3><ul>"
            for removal in plan.removals:
                more = f", {removal.moved} more operations move to the ANE" if removal.moved > 0 else ""
                yield (
                    f"<li>without <b>{_text(', '.join(removal.kinds))}</b> at {_text(report.path(removal.span.file))}:"
                    f"{removal.span.line}: about {_text(time_text(removal.saved_ms))} less{more}"
                    f"{excerpt(report, removal.span.file, removal.span.line)}</li>"
                )
            yield "</ul>"
        yield "</section>"


def timeline(plan: Placement) -> str:
    """The segments as a bar, one cell a segment, as wide as it has operations."""
    cells = "".join(
        f'<li class="u-{segment.unit.lower()}" style="flex-grow:{segment.ops}" tabindex="0" title="{_text(_segment(segment))}">'
        f"<span>{_text(segment.unit)} {segment.ops}</span></li>"
        for segment in plan.segments
    )
    rows = "".join(
        f"<tr><td>{i + 1}</td><td>{_text(s.unit)}</td><td>{s.ops}</td><td>{_text(time_text(s.ms))}</td>"
        f"<td>{_text(plan.ops[s.first].op.kind)} (line {plan.ops[s.first].op.span.line}) to {_text(plan.ops[s.last].op.kind)} "
        f"(line {plan.ops[s.last].op.span.line})</td></tr>"
        for i, s in enumerate(plan.segments)
    )
    return (
        f'<ol class="timeline" aria-label="segments in order">{cells}</ol>'
        '<div class="scroll"><table><caption>Segments</caption><thead><tr><th>#</th><th>unit</th><th>operations</th><th>time</th>'
        f"<th>from and to</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _segment(segment: Segment) -> str:
    return f"{segment.ops} operations on {segment.unit}, about {time_text(segment.ms)}"


def _tables(report: Report, placements: Sequence[Placement]) -> Iterator[str]:
    for plan in placements:
        heading = f"Operations of {_text(plan.model)} on {_text(plan.target)} ({len(plan.ops)})"
        rows = [
            [
                (f"{report.path(p.op.span.file)}:{p.op.span.line}", ""),
                (p.op.kind, ""),
                (" ".join(str(v.type) for v in p.op.outputs), ""),
                (p.unit, f"u-{p.unit.lower()}"),
                (describe(p, plan), ""),
            ]
            for p in plan.ops
        ]
        yield f"<section><details><summary><h2>{heading}</h2></summary>{table(('source', 'operation', 'result', 'unit', 'why'), rows)}</details></section>"


def table(head: Sequence[str], rows: Sequence[Sequence[tuple[Any, str]]]) -> str:
    """A table that scrolls sideways on a narrow screen. Cells are (content, class), both escaped."""
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f'<td class="{_text(kind)}">{_text(cell)}</td>' for cell, kind in row) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
