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
from ane_lsp.fixes.ignoring import suppress_file
from ane_lsp.graph import Span
from ane_lsp.server.client import Client
from ane_lsp.server.convert import Converter
from ane_lsp.server.documents import Text
from ane_lsp.server.features.view import View, client_range, touches
from ane_lsp.server.names import APPLY_ACTION, FIX_ALL, QUICKFIX, REWRITE
from ane_lsp.server.results import FixName, fix_name

_COMMENTS = {**COMMENTS, "suppress-file": suppress_file}


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
    offered: Sequence[tuple[str, str]] = (),
    elsewhere: Container[str] = (),
) -> list[lsp.CodeAction | lsp.Command]:
    """What can be done in a range, quick fixes first. refused: fixes that were found not to hold. pending: those of which
    that is not known yet; they are not offered by themselves. offered: refactorings, name and title. elsewhere: rules with safe
    fixes in other files, too."""
    client = converter.client
    found: list[lsp.CodeAction | lsp.Command] = []
    start, end = view.at(asked.start), view.at(asked.end)
    findings = [
        replace(f, fixes=tuple(fix for fix in f.fixes if fix_name(f, fix) not in refused)) for f in view.findings()
    ]
    if _wanted(QUICKFIX, only):
        for finding in findings:
            if touches(finding.span, start, end):
                fixes = tuple(fix for fix in finding.fixes if fix_name(finding, fix) not in pending)
                found += _for_finding(view, replace(finding, fixes=fixes), converter)
        found += _for_codes(view, findings, start, end, client, elsewhere)
    if _wanted(FIX_ALL, only) and (safe := [f for f in findings if _safe_fix(f)]):
        count = len(safe)
        title = f"Apply {'the one safe fix' if count == 1 else f'all {count} safe fixes'} of ane-lsp in this file"
        if only is not None or count > 1:
            found.append(_action(view, title, FIX_ALL, {"do": "all"}, client, edits=fix_all(safe)))
    if _wanted(REWRITE, only):
        for name, title in offered:
            data = {"do": "refactor", "name": name, "place": list(start)}
            found += _later(view, title, REWRITE, data, client)
    if client.literal_actions:
        return list(found)
    return [
        lsp.Command(action.title, APPLY_ACTION, arguments=[action.data])
        if isinstance(action, lsp.CodeAction)
        else action
        for action in found
    ]


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
            elif isinstance(do, str) and do in _COMMENTS and (edit := _COMMENTS[do](view.text, finding)):
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


def _diagnostic(view: View, finding: Finding, converter: Converter) -> lsp.Diagnostic:
    """A finding as it was published, without what it refers to."""
    said = converter.diagnostic(finding, view.text, lambda span: None)
    page = said.get("codeDescription")
    return lsp.Diagnostic(
        view.range(finding.span), said["message"], lsp.DiagnosticSeverity(said["severity"]), said["code"],
        lsp.CodeDescription(page["href"]) if page else None, said["source"],
        list(map(lsp.DiagnosticTag, said["tags"])) if "tags" in said else None, data=said.get("data"),
    )  # fmt: skip


def _for_finding(view: View, finding: Finding, converter: Converter) -> list[lsp.CodeAction | lsp.Command]:
    diagnostic = _diagnostic(view, finding, converter)
    target: dict[str, Any] = {"code": finding.code, "at": _key(finding.span)}
    actions: list[lsp.CodeAction | lsp.Command] = []
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
        if suppress_file(view.text, finding) and view.document.notebook is None:
            title = f"Ignore {finding.code} ({finding.name}) in this file"
            actions.append(
                _action(view, title, QUICKFIX, {"do": "suppress-file", **target}, converter.client, diagnostic)
            )
        title = f"Ignore {finding.code} ({finding.name}) in this project"
        actions += _later(view, title, QUICKFIX, {"do": "suppress-project", **target}, converter.client, diagnostic)
    return actions


def _later(
    view: View, title: str, kind: str, data: dict[str, Any], client: Client, diagnostic: lsp.Diagnostic | None = None
) -> list[lsp.CodeAction | lsp.Command]:
    """An action whose edit is too costly to make for a list: it is made when the action is resolved, or by a command. None
    where the client can do neither."""
    data = {**data, "uri": view.document.uri, "version": view.document.version}
    if client.lazy_actions:
        return [lsp.CodeAction(title, kind, [diagnostic] if diagnostic else None, data=data)]
    return [lsp.Command(title, APPLY_ACTION, arguments=[data])] if client.apply_edit else []


def _for_codes(
    view: View,
    findings: Sequence[Finding],
    start: tuple[int, int],
    end: tuple[int, int],
    client: Client,
    elsewhere: Container[str],
) -> list[lsp.CodeAction | lsp.Command]:
    """One action for each rule that has safe fixes here and elsewhere in the file, and one for those in other files."""
    found: list[lsp.CodeAction | lsp.Command] = []
    here = dict.fromkeys((f.code, f.name) for f in findings if touches(f.span, start, end) and _safe_fix(f))
    for code, name in here:
        same = [f for f in findings if f.code == code and _safe_fix(f)]
        if len(same) > 1:
            title = f"Fix all {len(same)} {code} ({name}) in this file"
            found.append(_action(view, title, QUICKFIX, {"do": "all", "only": code}, client, edits=fix_all(same)))
        if code in elsewhere:
            title = f"Fix all {code} ({name}) in the workspace"
            found += _later(view, title, QUICKFIX, {"do": "workspace", "code": code}, client)
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
    return workspace_edit([(document.uri, document.version, view.text, list(edits))], client)


def workspace_edit(
    files: Iterable[tuple[str, int | None, Text, Sequence[TextEdit]]],
    client: Client,
    preview: tuple[str, str] | None = None,
    created: Sequence[tuple[str, str]] = (),
) -> lsp.WorkspaceEdit:
    """Edits of several documents. files: URI, version where open, text, edits. created: URI and text of new files.

    preview: what the edit does and why it should be looked at first, for clients that show such.
    """
    if not client.versioned_edits:
        made = {
            uri: [lsp.TextEdit(client_range(text, e.span, client.encoding), e.text) for e in edits]
            for uri, _, text, edits in files
        }
        return lsp.WorkspaceEdit(changes=made)
    annotated = preview is not None and client.annotated_edits
    changes: list[Any] = [
        lsp.CreateFile(uri, options=lsp.CreateFileOptions(ignore_if_exists=False)) for uri, _ in created
    ]
    start = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))

    def change(where: lsp.Range, text: str) -> lsp.TextEdit | lsp.AnnotatedTextEdit:
        return lsp.AnnotatedTextEdit("ane-lsp", where, text) if annotated else lsp.TextEdit(where, text)

    for uri, text in created:
        changes.append(
            lsp.TextDocumentEdit(lsp.OptionalVersionedTextDocumentIdentifier(uri, None), [change(start, text)])
        )
    for uri, version, document, edits in files:
        target = lsp.OptionalVersionedTextDocumentIdentifier(uri, version)
        new = [change(client_range(document, edit.span, client.encoding), edit.text) for edit in edits]
        changes.append(lsp.TextDocumentEdit(target, new))
    edit = lsp.WorkspaceEdit(document_changes=changes)
    if annotated and preview is not None:
        annotation = lsp.ChangeAnnotation(preview[0], needs_confirmation=True, description=preview[1])
        edit.change_annotations = {"ane-lsp": annotation}
    return edit
