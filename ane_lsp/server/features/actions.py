"""Code actions: a finding's fixes, silencing a line, all safe fixes at once.

Findings are our own, those that touch the asked range. What the client echoes in ``context.diagnostics`` is not read:
some editors return byte columns there, others drop ``source`` and ``data``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.fixes.comments import COMMENTS, NOT_SUPPRESSIBLE, drop_unused, suppress
from ane_lsp.graph import Span
from ane_lsp.server.client import Client
from ane_lsp.server.convert import Converter
from ane_lsp.server.features.view import View, touches
from ane_lsp.server.names import APPLY_ACTION, FIX_ALL, QUICKFIX
from ane_lsp.server.results import FixName, fix_name


def fixes_in(view: View, asked: lsp.Range | None) -> list[FixName]:
    """The fixes of findings that touch a range, or of all."""
    findings = view.findings()
    if asked is not None:
        start, end = view.at(asked.start), view.at(asked.end)
        findings = [finding for finding in findings if touches(finding.span, start, end)]
    return [fix_name(finding, fix) for finding in findings for fix in finding.fixes]


def named_fix(data: dict[str, Any]) -> FixName | None:
    """The fix an action's data names; None where it stands for something else."""
    at = data.get("at")
    if data.get("do") != "fix" or not isinstance(at, list) or len(at) != 4:
        return None
    return str(data.get("code")), (at[0], at[1], at[2], at[3]), str(data.get("fix"))


def code_actions(
    view: View,
    asked: lsp.Range,
    only: Sequence[str] | None,
    converter: Converter,
    refused: Container[FixName] = (),
    pending: Container[FixName] = (),
) -> list[lsp.CodeAction | lsp.Command]:
    """What can be done in a range, quick fixes first. refused: fixes that were found not to hold. pending: those of which
    that is not known yet; they are not offered by themselves."""
    client = converter.client
    found: list[lsp.CodeAction] = []
    start, end = view.at(asked.start), view.at(asked.end)
    findings = [
        replace(f, fixes=tuple(fix for fix in f.fixes if fix_name(f, fix) not in refused)) for f in view.findings()
    ]
    if _wanted(QUICKFIX, only):
        for finding in findings:
            if touches(finding.span, start, end):
                fixes = tuple(fix for fix in finding.fixes if fix_name(finding, fix) not in pending)
                found += _for_finding(view, replace(finding, fixes=fixes), converter)
        found += _for_codes(view, findings, start, end, client)
    if _wanted(FIX_ALL, only) and (safe := [f for f in findings if _safe_fix(f)]):
        count = len(safe)
        title = f"Apply {'the one safe fix' if count == 1 else f'all {count} safe fixes'} of ane-lsp in this file"
        if only is not None or count > 1:
            found.append(_action(view, title, FIX_ALL, {"do": "all"}, client, edits=fix_all(safe)))
    if client.literal_actions:
        return list(found)
    return [lsp.Command(action.title, APPLY_ACTION, arguments=[action.data]) for action in found]


def resolve(view: View, data: dict[str, Any], client: Client) -> lsp.WorkspaceEdit | None:
    """The edit an action stands for; None where the text it was offered for is gone."""
    if data.get("version") != view.document.version:
        return None
    do = data.get("do")
    if do == "all":
        chosen = [f for f in view.findings() if data.get("only") in (None, f.code)]
        return edit_of(view, fix_all(chosen), client)
    for finding in view.findings():
        if finding.code == data.get("code") and _key(finding.span) == data.get("at"):
            if do == "fix":
                edits = next((fix.edits for fix in finding.fixes if fix.title == data.get("fix")), None)
                if edits:
                    return edit_of(view, edits, client)
            elif isinstance(do, str) and do in COMMENTS and (edit := COMMENTS[do](view.text, finding)):
                return edit_of(view, [edit], client)
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


def _for_codes(
    view: View, findings: Sequence[Finding], start: tuple[int, int], end: tuple[int, int], client: Client
) -> list[lsp.CodeAction]:
    """One action for each rule that has safe fixes here and elsewhere in the file."""
    found: list[lsp.CodeAction] = []
    here = dict.fromkeys((f.code, f.name) for f in findings if touches(f.span, start, end) and _safe_fix(f))
    for code, name in here:
        same = [f for f in findings if f.code == code and _safe_fix(f)]
        if len(same) > 1:
            title = f"Fix all {len(same)} {code} ({name}) in this file"
            found.append(_action(view, title, QUICKFIX, {"do": "all", "only": code}, client, edits=fix_all(same)))
    return found


def _action(
    view: View,
    title: str,
    kind: str,
    data: dict[str, Any],
    client: Client,
    diagnostic: lsp.Diagnostic | None = None,
    preferred: bool = False,
    edits: Sequence[TextEdit] | None = None,
) -> lsp.CodeAction:
    data = {**data, "uri": view.document.uri, "version": view.document.version}
    action = lsp.CodeAction(title, kind, [diagnostic] if diagnostic else None)
    if preferred and client.preferred_actions:
        action.is_preferred = True
    if client.lazy_actions or not client.literal_actions:
        action.data = data
    else:
        action.edit = resolve(view, data, client) if edits is None else edit_of(view, edits, client)
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


def edit_of(view: View, edits: Iterable[TextEdit], client: Client) -> lsp.WorkspaceEdit:
    """Edits of a view's document as the client takes them."""
    document = view.document
    changes = [lsp.TextEdit(view.range(edit.span), edit.text) for edit in edits]
    if client.versioned_edits:
        target = lsp.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
        return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(target, changes)])
    return lsp.WorkspaceEdit(changes={document.uri: changes})
