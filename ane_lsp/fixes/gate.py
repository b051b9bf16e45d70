"""The last word on a fix: the edited text is analysed again, and has to be better and otherwise the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ane_lsp.checks.finding import SEVERITIES, Finding, Fix
from ane_lsp.fixes.edits import Moved, apply, changes
from ane_lsp.fixes.site import Result
from ane_lsp.graph import Graph, TensorType
from ane_lsp.syntax.positions import LineTable
from ane_lsp.syntax.source import SourceFile

Analyse = Callable[[str], Result]
"""Analyses the file as if it held the given text."""


def passes(source: SourceFile, before: Result, fixed: Sequence[tuple[Finding, Fix]], analyse: Analyse) -> str | None:
    """The text after all `fixed`, or None where it must not be offered.

    It parses; every entry is found again and returns tensors of the same types; names hold tensors of the same types; the
    findings are gone; and nothing is found anew that is as severe as the mildest of them.
    """
    made = changes(source.lines, [edit for _, fix in fixed for edit in fix.edits])
    if not made:
        return None
    try:
        text = apply(source.text, made)
        compile(text, str(source.path), "exec", dont_inherit=True)
    except (ValueError, SyntaxError, RecursionError):
        return None
    after = analyse(text)
    unsafe = any(fix.safety == "unsafe" for _, fix in fixed)
    moved = Moved(source.lines, LineTable(text), made)
    if len(after.errors) > len(before.errors) or not _same_types(before.graphs, after.graphs, unsafe, moved):
        return None
    worst_allowed = max(SEVERITIES.index(finding.severity) for finding, _ in fixed)
    return text if _better(before, after, [f for f, _ in fixed], moved, worst_allowed) else None


def verified(source: SourceFile, before: Result, finding: Finding, fix: Fix, analyse: Analyse) -> bool:
    """Whether one fix alone passes."""
    return passes(source, before, [(finding, fix)], analyse) is not None


def _better(before: Result, after: Result, fixed: Sequence[Finding], moved: Moved, worst_allowed: int) -> bool:
    known: Counter[tuple[str, object]] = Counter()
    loose: set[str] = set()
    gone = {id(finding) for finding in fixed}
    for finding in before.findings:
        place = moved.span(finding.span)
        if id(finding) not in gone:
            if place is None:
                loose.add(finding.code)
            else:
                known[finding.code, place] += 1
        # A rule that speaks once for a model goes on to the next place.
        for related in finding.related:
            if (other := moved.span(related.span)) is not None:
                known[finding.code, other] += 1
    for finding in after.findings:
        if known[finding.code, finding.span] > 0:
            continue
        touched = moved.touched(finding.span)
        if touched and finding.code in loose:
            continue
        if touched and any(finding.code == f.code for f in fixed):
            return False
        if any(finding.code == f.code and moved.span(f.span) == finding.span for f in fixed):
            return False  # it is still there
        if SEVERITIES.index(finding.severity) <= worst_allowed:
            return False
    return True


def _same_types(before: Sequence[Graph], after: Sequence[Graph], unsafe: bool, moved: Moved) -> bool:
    """unsafe: other dtypes are what was asked for."""
    if [g.name for g in before] != [g.name for g in after]:
        return False
    return all(_same(a, b, unsafe, moved) for a, b in zip(before, after, strict=True))


def _same(before: Graph, after: Graph, unsafe: bool, moved: Moved) -> bool:
    """The same outputs; and every name holds tensors of the types it held.

    New names may have come, and what an edit wrote has names of its own.
    """

    def seen(type: TensorType) -> str:
        return str(type.shape) if unsafe else str(type)

    if [seen(v.type) for v in before.outputs] != [seen(v.type) for v in after.outputs]:
        return False
    old = Counter((fact.name, seen(fact.type)) for fact in before.shapes if moved.span(fact.span) is not None)
    new = Counter((fact.name, seen(fact.type)) for fact in after.shapes)
    known = {(fact.name, seen(fact.type)) for fact in before.shapes}
    names = {name for name, _ in known}
    kept = ((fact.name, seen(fact.type)) for fact in after.shapes if not moved.touched(fact.span))
    return not old - new and not any(fact[0] in names and fact not in known for fact in kept)
