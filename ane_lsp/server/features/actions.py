"""Code actions: a finding's fixes, silencing a line, all safe fixes at once.

Findings are our own, those that touch the asked range. What the client echoes in ``context.diagnostics`` is not read:
some editors return byte columns there, others drop ``source`` and ``data``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.graph import Span
from ane_lsp.server.client import Client
from ane_lsp.server.convert import Converter
from ane_lsp.server.documents import Text
from ane_lsp.server.features.view import View, touches
from ane_lsp.server.names import APPLY_ACTION, FIX_ALL, QUICKFIX
from ane_lsp.syntax.positions import code_points_to_utf8, utf8_length, utf8_to_code_points

NOT_SUPPRESSIBLE = ("ANE901", "ANE902", "ANE903", "ANE904")


def code_actions(
    view: View, asked: lsp.Range, only: Sequence[str] | None, converter: Converter
) -> list[lsp.CodeAction | lsp.Command]:
    """What can be done in a range, quick fixes first."""
    client = converter.client
    found: list[lsp.CodeAction] = []
    start, end = view.at(asked.start), view.at(asked.end)
    findings = view.findings()
    if _wanted(QUICKFIX, only):
        for finding in findings:
            if touches(finding.span, start, end):
                found += _for_finding(view, finding, converter)
    if _wanted(FIX_ALL, only) and (safe := [f for f in findings if _safe_fix(f)]):
        count = len(safe)
        title = f"Apply {'the one safe fix' if count == 1 else f'all {count} safe fixes'} of ane-lsp in this file"
        if only is not None or count > 1:
            found.append(_action(view, title, FIX_ALL, {"do": "all"}, client))
    if client.literal_actions:
        return list(found)
    return [lsp.Command(action.title, APPLY_ACTION, arguments=[action.data]) for action in found]


def resolve(view: View, data: dict[str, Any], client: Client) -> lsp.WorkspaceEdit | None:
    """The edit an action stands for; None where the text it was offered for is gone."""
    if data.get("version") != view.document.version:
        return None
    do = data.get("do")
    if do == "all":
        return _workspace_edit(view, fix_all(view.findings()), client)
    for finding in view.findings():
        if finding.code == data.get("code") and _key(finding.span) == data.get("at"):
            if do == "fix":
                edits = next((fix.edits for fix in finding.fixes if fix.title == data.get("fix")), None)
                if edits:
                    return _workspace_edit(view, edits, client)
            elif do in _COMMENTS and (edit := _COMMENTS[do](view.text, finding)):
                return _workspace_edit(view, [edit], client)
    return None


def fix_all(findings: Iterable[Finding]) -> list[TextEdit]:
    """The edits of one safe fix a finding, those that would overlap earlier ones left for the next round."""
    taken: list[TextEdit] = []
    for finding in findings:
        fix = _safe_fix(finding)
        if fix is None:
            continue
        new = [edit for edit in fix.edits if edit not in taken]
        if not any(_overlap(a.span, b.span) for a in new for b in taken):
            taken += new
    return sorted(taken, key=lambda edit: _key(edit.span))


def _for_finding(view: View, finding: Finding, converter: Converter) -> list[lsp.CodeAction]:
    diagnostic = converter.diagnostic(finding, view.text, lambda span: None)
    target: dict[str, Any] = {"code": finding.code, "at": _key(finding.span)}
    actions: list[lsp.CodeAction] = []
    preferred = _safe_fix(finding)
    for fix in finding.fixes:
        if fix.edits:
            title = fix.title if fix.safety == "safe" else f"{fix.title} (unsafe)"
            data = {"do": "fix", "fix": fix.title, **target}
            actions.append(_action(view, title, QUICKFIX, data, converter.client, diagnostic, fix is preferred))
    if finding.name == "unused-suppression" and not finding.fixes and drop_unused(view.text, finding):
        data = {"do": "unused", **target}
        actions.append(
            _action(view, "Remove the unused suppression", QUICKFIX, data, converter.client, diagnostic, True)
        )
    if finding.code not in NOT_SUPPRESSIBLE and suppress(view.text, finding):
        title = f"Ignore {finding.code} ({finding.name}) on this line"
        actions.append(_action(view, title, QUICKFIX, {"do": "suppress", **target}, converter.client, diagnostic))
    return actions


def _action(
    view: View,
    title: str,
    kind: str,
    data: dict[str, Any],
    client: Client,
    diagnostic: lsp.Diagnostic | None = None,
    preferred: bool = False,
) -> lsp.CodeAction:
    data = {**data, "uri": view.document.uri, "version": view.document.version}
    action = lsp.CodeAction(title, kind, [diagnostic] if diagnostic else None)
    if preferred and client.preferred_actions:
        action.is_preferred = True
    if client.lazy_actions or not client.literal_actions:
        action.data = data
    else:
        action.edit = resolve(view, data, client)
    return action


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Kinds are hierarchies: who asks for ``source.fixAll`` gets ``source.fixAll.ane``."""
    return only is None or any(kind == base or base == "" or kind.startswith(base + ".") for base in only)


def _safe_fix(finding: Finding) -> Fix | None:
    return next((fix for fix in finding.fixes if fix.safety == "safe" and fix.edits), None)


def _key(span: Span) -> list[int]:
    return [span.line, span.col, span.end_line, span.end_col]


def _overlap(a: Span, b: Span) -> bool:
    first, second = sorted((_key(a), _key(b)))
    return first[2:] > second[:2] or first[:2] == second[:2]


def _workspace_edit(view: View, edits: Iterable[TextEdit], client: Client) -> lsp.WorkspaceEdit:
    document = view.document
    changes = [lsp.TextEdit(view.range(edit.span), edit.text) for edit in edits]
    if client.versioned_edits:
        target = lsp.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
        return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(target, changes)])
    return lsp.WorkspaceEdit(changes={document.uri: changes})


# What can stand between an expression and the end of its line. A token that holds a line end is one a comment cannot follow.
_TOKEN = re.compile(
    r"#[^\r\n]*"
    r"|(?P<quote>'''|\"\"\")(?:\\.|(?!(?P=quote)).)*(?:(?P=quote)|\Z)"
    r"|'(?:\\(?:\r\n|.)|[^'\\\r\n])*'?|\"(?:\\(?:\r\n|.)|[^\"\\\r\n])*\"?"
    r"|\\\r?\n|\\\r|\r\n|\r|\n|.",
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"#\s*ane:\s*ignore\s*(?:\[([^\]]*)\])?")


def suppress(text: Text, finding: Finding) -> TextEdit | None:
    """The comment that silences `finding`: at the end of its first line, or of the first one that can carry a comment."""
    span = finding.span
    if text.line(span.line) == "" and span.line > len(text.lines):
        return None
    start = text.lines.offset(span.line, span.col)
    comment: tuple[int, int] | None = None
    end = len(text.text)
    for token in _TOKEN.finditer(text.text, start):
        if token[0].startswith("#"):
            comment = token.span()
        elif token[0] in ("\n", "\r\n", "\r"):
            end = token.start()
            break
    line, col = text.lines.position(end)
    if comment is not None and (found := _DIRECTIVE.search(text.text, *comment)):
        if found[1] is None:
            return None  # everything is silenced already
        at_line, at_col = text.lines.position(found.end(1))
        separator = ", " if found[1].strip() else ""
        return TextEdit(Span(span.file, at_line, at_col, at_line, at_col), f"{separator}{finding.code}")
    stripped = text.lines.line(line).rstrip()
    col = utf8_length(stripped)
    whole = text.lines.line(line)
    return TextEdit(Span(span.file, line, col, line, utf8_length(whole)), f"  # ane: ignore[{finding.code}]")


def drop_unused(text: Text, finding: Finding) -> TextEdit | None:
    """Takes what is unused out of a suppression, the whole comment where nothing is left of it."""
    span, unused = finding.span, finding.data.get("unused", ["all"])
    line = text.line(span.line)
    start = utf8_to_code_points(line, span.col)
    found = _DIRECTIVE.match(line, start)
    if found is None or span.line != span.end_line:
        return None
    codes = [code for code in re.split(r"[,\s]+", (found[1] or "").strip()) if code]
    left = [code for code in codes if code.upper() not in unused]
    if left and found[1] is not None and "all" not in unused:
        return TextEdit(_in_line(span, line, found.start(1), found.end(1)), ", ".join(left))
    rest = line[found.end() :]
    if rest.strip() and not rest.lstrip().startswith("#"):
        return TextEdit(
            _in_line(span, line, found.start(), len(line)), "# " + rest.strip()
        )  # a reason was given: keep it
    before = line[:start].rstrip()
    if not before and not rest.strip() and span.line < len(text.lines):
        return TextEdit(Span(span.file, span.line, 0, span.line + 1, 0), "")
    until = len(line) - len(rest.lstrip()) if rest.strip() else len(line)
    keep = line[:start] if rest.strip() else before
    return TextEdit(_in_line(span, line, len(keep), until), "")


_COMMENTS = {"suppress": suppress, "unused": drop_unused}


def _in_line(span: Span, line: str, start: int, end: int) -> Span:
    return Span(span.file, span.line, code_points_to_utf8(line, start), span.line, code_points_to_utf8(line, end))
