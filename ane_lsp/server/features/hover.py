"""Hovers: what happens at a torch call, what a finding rests on, what a code in a comment means.

A client shows a diagnostic's message itself, so a hover never repeats it; it adds the evidence and the way to the rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lsprotocol import types as lsp

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.server.client import Client
from ane_lsp.server.features.view import View, touches
from ane_lsp.server.pages import rule_uri
from ane_lsp.server.results import CallSite, ShapeHint, Signature
from ane_lsp.syntax.positions import utf8_to_code_points

CODE = re.compile(r"\bANE\d{3}\b")
COMMENT = re.compile(r"#\s*(?:ane:|noqa\b)")
MAX_SIGNATURES = 4
_TICKS = re.compile("`+")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~])")


def code_at(view: View, line: int, col: int) -> tuple[str, Span] | None:
    """A rule code under the cursor, in a comment or in a settings file."""
    text = view.text.line(line)
    at = utf8_to_code_points(text, col)
    if view.unit.kind != "settings" and not ((comment := COMMENT.search(text)) and comment.start() <= at):
        return None
    for match in CODE.finditer(text):
        if match.start() <= at <= match.end():
            start, end = len(text[: match.start()].encode("utf-8", "surrogatepass")), len(match[0])
            return match[0], Span(str(view.unit.path), line, start, line, start + end)
    return None


def subject(view: View, line: int, col: int) -> tuple[list[CallSite], list[Finding], list[ShapeHint]]:
    """What stands at a place: the innermost torch call with everything that has the same extent, findings, a name."""
    here = (line, col)
    shown = view.unit.shown()
    if shown is None:
        return [], [], []
    calls = [site for site in view.moved(shown.calls()) if touches(site.span, here, here)]
    if calls:
        smallest = min(calls, key=lambda site: _extent(site.span)).span
        calls = [site for site in calls if site.span == smallest]
    findings = [finding for finding in view.findings() if touches(finding.span, here, here)]
    if findings and calls:
        findings = [f for f in findings if f.span == calls[0].span or _extent(f.span) <= _extent(calls[0].span)]
    names = [hint for hint in view.moved(shown.shapes()) if touches(hint.span, here, here)]
    return calls, findings, names


def render(
    calls: Sequence[CallSite],
    findings: Sequence[Finding],
    names: Sequence[ShapeHint],
    notes: Sequence[str],
) -> str:
    """Markdown for what :func:`subject` found; ``""`` for nothing."""
    parts = [_call(site) for site in calls]
    if calls and notes:
        parts.append("\n".join(f"- {escape(note)}" for note in notes))
    if not calls:
        parts += [f"{code(name.name)}: " + " or ".join(map(code, name.types)) for name in names[:1]]
    parts += [_finding(finding) for finding in findings]
    return "\n\n---\n\n".join(parts)


def hover(view: View, markdown: str, span: Span, client: Client) -> lsp.Hover:
    kind = lsp.MarkupKind.Markdown if client.markdown else lsp.MarkupKind.PlainText
    value = markdown if client.markdown else plain(markdown)
    return lsp.Hover(lsp.MarkupContent(kind, value), view.range(span))


def escape(text: str) -> str:
    """Text that comes from sources or facts, with nothing in it that Markdown or HTML would act on."""
    return _SPECIAL.sub(r"\\\1", text)


def code(text: str) -> str:
    """A code span around text from sources, which may hold backticks and line ends of its own."""
    text = " ".join(text.split("\n")).replace("\r", " ")
    fence = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
    pad = " " if len(fence) > 1 else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def plain(markdown: str) -> str:
    """For clients that show no Markdown."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"\\(.)", r"\1", text)
    return re.sub(r"[`*]", "", text).replace("\n\n---\n\n", "\n\n")


def _call(site: CallSite) -> str:
    ops = ", ".join(map(code, site.ops))
    head = code(site.torch) + (f" → {ops}" if ops else "")
    lines = [head, ""]
    for signature in site.signatures[:MAX_SIGNATURES]:
        where = f" in {code(signature.module)}" if signature.module and len(site.signatures) > 1 else ""
        lines.append(f"- {_flow(signature)}{where}")
    hidden = site.more + max(0, len(site.signatures) - MAX_SIGNATURES)
    if hidden:
        lines.append(f"- and {hidden} more")
    settings = dict(site.signatures[0].hyper) if site.signatures else {}
    if settings and len({signature.hyper for signature in site.signatures}) == 1:
        lines += ["", ", ".join(code(f"{name}={value}") for name, value in settings.items())]
    return "\n".join(lines)


def _flow(signature: Signature) -> str:
    ins = ", ".join(map(code, signature.ins)) or "no tensors"
    return f"{ins} → {code(signature.out)}"


def _finding(finding: Finding) -> str:
    uri = rule_uri(finding.code)
    name = f"{finding.code} {finding.name}"
    head = f"[{name}]({uri})" if uri else name
    where = f", {escape(finding.target)}" if finding.target else ""
    lines = [f"**{head}** ({finding.confidence}{where})"]
    for item in finding.evidence[:3]:
        seen = ", ".join(part for part in (item.chip, item.os, item.date) if part)
        lines.append(f"- {escape(item.claim)}" + (f" ({escape(seen)})" if seen else "") + f" — {escape(item.source)}")
    return "\n".join(lines)


def _extent(span: Span) -> tuple[int, int]:
    return span.end_line - span.line, span.end_col - span.col
