"""The ``html`` format: one self-contained page. No script is needed to read it, nothing is loaded from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from ane_lsp import __version__
from ane_lsp.analysis import ModelSummary
from ane_lsp.checks.finding import SEVERITIES, Finding
from ane_lsp.placement import Placed, Placement, Segment, describe, summary
from ane_lsp.placement.words import time_text
from ane_lsp.report.html_style import SCRIPT, STYLE
from ane_lsp.report.model import Report
from ane_lsp.report.terminal import printable

_EXCERPT = 2  # lines of source above and below a finding
_WIDEST = 400  # characters of a source line that are shown


def write(report: Report) -> str:
    """The page of ``ane-lsp check --format html``."""
    title = f"{report.path(report.checked[0])} on the Neural Engine" if len(report.checked) == 1 else "ane-lsp report"
    return page(report, report.placements, title)


def page(
    report: Report,
    placements: Sequence[Placement] = (),
    title: str = "ane-lsp report",
    verification: Sequence[tuple[str, str]] = (),
) -> str:
    """A report as a page. `verification`: sections of a verify run, heading and body; the bodies are HTML made by :mod:`
    ane_lsp.verify.page` and inserted as they are."""
    jumps = [(f"placement-{i}", plan.model) for i, plan in enumerate(placements)][:8]
    jumps += [(f"verify-{i}", head) for i, (head, _) in enumerate(verification)]
    jumps += [("findings", f"Findings ({len(report.findings)})")]
    jumps += [("operations", "Operations")] if placements else []
    body = [*_summary(report, placements, title), _jumps(jumps)]
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
    tiles = [("models", len(report.models))] if report.models else []
    tiles += counts.items()
    yield '<ul class="tiles">'
    for name, number in tiles:
        yield f'<li class="{_text(name)}"><b>{number}</b> {_text(name)}</li>'
    yield "</ul>"
    placed = {plan.model for plan in placements}
    yield '<div class="cards">'
    for plan in placements:
        yield _card(plan, report)
    for model in report.models:
        if model.name not in placed:
            yield f'<div class="card"><p>{_model(model)}</p></div>'
    yield "</div>"
    for error in report.errors:
        yield f'<p class="error"><b>{_text(error.kind)}</b> {_text(report.path(error.span.file))}:{error.span.line}: {_text(error.message)}</p>'
    yield "</header>"


def _jumps(targets: Sequence[tuple[str, str]]) -> str:
    links = "".join(f'<a href="#{_text(to)}">{_text(name)}</a>' for to, name in targets)
    return f'<nav aria-label="sections">{links}</nav>'


def _card(plan: Placement, report: Report) -> str:
    """A model at a glance: how much of it runs on the ANE, and what that is worth."""
    total = len(plan.ops)
    share = 100 * plan.on_ane / total if total else 0.0
    assumed = next((m.assumed for m in report.models if m.name == plan.model), ())
    facts = [f"{plan.switches} switch{'' if plan.switches == 1 else 'es'}"]
    if plan.problem is None:
        facts = [f"about {time_text(plan.total_ms)}", f"{time_text(plan.all_cpu_ms)} on the CPU alone", *facts]
    if plan.undecided:
        facts.append(f"{plan.undecided} not decided")
    return (
        f'<div class="card"><h2>{_text(plan.model)}</h2><p class="big"><b>{plan.on_ane}</b> of {total} operations on the ANE of '
        f'{_text(plan.target)}</p><div class="meter" role="img" aria-label="{share:.0f} percent on the ANE">'
        f'<i style="width:{share:.1f}%"></i></div><p><small>{_text(", ".join(facts))}; a prediction, {_text(plan.confidence)}</small></p>'
        + (f"<p>{_text(summary(plan))}</p>" if plan.problem or plan.too_small else "")
        + "".join(f"<small>assumed: {_text(a)}</small><br>" for a in assumed)
        + "</div>"
    )


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
    parts += [
        f'<p class="fix"><b class="{_text(fix.safety)}">{_text(fix.safety)} fix</b> {_text(fix.title)}</p>'
        for fix in finding.fixes
    ]
    notes = [f"{report.path(r.span.file)}:{r.span.line}: {r.message}" for r in finding.related]
    if notes:
        parts.append("<ul>" + "".join(f"<li>{_text(note)}</li>" for note in notes) + "</ul>")
    return "".join(parts) + "</article>"


def excerpt(report: Report, file: str, line: int, col: int | None = None, end: int | None = None) -> str:
    """Source around a line, the line itself marked. `col`, `end`: characters from 1."""
    table = report.lines(file)
    if table is None:
        return ""
    rows: list[str] = []
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
        if text.strip() or rows:
            rows.append(f'<span class="line{" here" if number == line else ""}"><i>{number}</i>{shown}</span>')
    while rows and rows[-1].endswith("</i></span>"):  # empty lines below
        rows.pop()
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
    """The segments as two bars, one cell a segment: as wide as it has operations, and as it takes time."""
    used = [unit for unit in ("ANE", "CPU", "unknown") if any(s.unit == unit for s in plan.segments)]
    legend = "".join(f'<li class="u-{unit.lower()}">{unit}</li>' for unit in used)
    rows = "".join(
        f'<tr><td>{i + 1}</td><td class="u-{s.unit.lower()}">{_text(s.unit)}</td><td>{s.ops}</td><td>{_text(time_text(s.ms))}</td>'
        f"<td>{_text(plan.ops[s.first].op.kind)} (line {plan.ops[s.first].op.span.line}) to {_text(plan.ops[s.last].op.kind)} "
        f"(line {plan.ops[s.last].op.span.line})</td></tr>"
        for i, s in enumerate(plan.segments)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("#", "unit", "operations", "time", "from and to"))
    return (
        f'<ul class="legend" aria-label="compute units">{legend}</ul>'
        f"{_bar(plan, 'by operations', lambda segment: segment.ops)}{_bar(plan, 'by estimated time', lambda segment: segment.ms)}"
        f'<div class="scroll" tabindex="0"><table><caption>Segments in order</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _bar(plan: Placement, label: str, size: Callable[[Segment], float]) -> str:
    whole = sum(size(segment) for segment in plan.segments) or 1.0
    cells = "".join(
        f'<li class="u-{segment.unit.lower()}" style="flex-grow:{size(segment) / whole:.5f}" tabindex="0" '
        f'title="{_text(_segment(segment))}"><span>{_text(segment.unit)} {segment.ops}</span></li>'
        for segment in plan.segments
    )
    return f'<p class="label">{label}</p><ol class="timeline" aria-label="segments {label}">{cells}</ol>'


def _segment(segment: Segment) -> str:
    return f"{segment.ops} operations on {segment.unit}, about {time_text(segment.ms)}"


def _time_of(placed: Placed) -> str:
    ms = placed.ane_ms if placed.unit == "ANE" else placed.cpu_ms
    return "" if ms is None else time_text(ms)


def _tables(report: Report, placements: Sequence[Placement]) -> Iterator[str]:
    if placements:
        yield '<h2 id="operations">Operations</h2>'
    for plan in placements:
        heading = f"Operations of {_text(plan.model)} on {_text(plan.target)} ({len(plan.ops)})"
        rows = [
            [
                (f"{report.path(p.op.span.file)}:{p.op.span.line}", ""),
                (p.op.kind, "mono"),
                (" ".join(str(v.type) for v in p.op.input_values() if not v.is_const), "mono"),
                (" ".join(str(v.type) for v in p.op.outputs), "mono"),
                (p.unit, f"u-{p.unit.lower()}"),
                (_time_of(p), ""),
                (describe(p, plan), ""),
            ]
            for p in plan.ops
        ]
        yield f"<section><details><summary><h3>{heading}</h3></summary>{table(('source', 'operation', 'reads', 'makes', 'unit', 'time', 'why'), rows)}</details></section>"


def table(head: Sequence[str], rows: Sequence[Sequence[tuple[Any, str]]]) -> str:
    """A table that scrolls sideways on a narrow screen. Cells are (content, class), both escaped."""
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f'<td class="{_text(kind)}">{_text(cell)}</td>' for cell, kind in row) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
