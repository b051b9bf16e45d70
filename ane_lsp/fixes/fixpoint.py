"""Fixing a whole file: rounds of analysis and edits until nothing is left that passes the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path

from ane_lsp.checks.finding import Finding, Fix
from ane_lsp.fixes.edits import Change, changes, overlap
from ane_lsp.fixes.gate import Analyse, passes
from ane_lsp.fixes.site import Result, fixable_codes, proposals
from ane_lsp.fixes.tree import Refused, Tree, tree_of
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.source import SourceFile, source_from_text

ROUNDS = 10


@dataclass(slots=True)
class Fixed:
    """What became of a file. applied: (code, title) of each fix, in order. result: the analysis of `text`.

    rounds_left: False where fixes were still left after the last round.
    """

    text: str
    applied: list[tuple[str, str]] = field(default_factory=list)
    result: Result | None = None
    settled: bool = True


def propose(source: SourceFile, result: Result, finding: Finding) -> list[Fix]:
    """Rewrites of one finding, safe ones first, not yet through the gate."""
    if finding.span.file != str(source.path) or finding.code not in fixable_codes():
        return []
    try:
        tree = tree_of(source)
    except Refused:
        return []
    return list(proposals(finding, tree, result.graphs))


def fixes_for(source: SourceFile, result: Result, finding: Finding, analyse: Analyse) -> list[Fix]:
    """Rewrites of one finding that pass the gate, safe ones first. `result` belongs to the text of `source`."""
    return [
        fix for fix in propose(source, result, finding) if passes(source, result, [(finding, fix)], analyse) is not None
    ]


def fix_text(
    source: SourceFile,
    analyse: Analyse,
    unsafe: bool = False,
    wanted: Callable[[Finding], bool] = lambda finding: True,
    cancelled: Callable[[], bool] = lambda: False,
) -> Fixed:
    """Apply the first fix of every wanted finding until none is left.

    Edits that overlap wait for the next round. A fix that fails the gate is tried again only when the text around changed
    enough to make another proposal of it.
    """
    done = Fixed(source.text)
    analyse = _remembering(analyse)
    refused: set[tuple[str, tuple[Change, ...], str]] = set()
    result = analyse(source.text)
    seen = {source.text}
    for _ in range(ROUNDS):
        chosen = _choose(source, result, unsafe, wanted, refused)
        if not chosen or cancelled():
            break
        text, accepted = _apply(source, result, chosen, analyse, refused)
        if text is None:
            continue
        if text in seen:
            break
        seen.add(text)
        done.text = text
        done.applied += [(finding.code, fix.title) for finding, fix in accepted]
        encoding, bom = source.encoding, source.bom
        source = source_from_text(Path(source.path), text)
        source.encoding, source.bom = encoding, bom
        result = analyse(text)
    else:
        done.settled = not _choose(source, result, unsafe, wanted, refused)
    done.result = result
    return done


def _remembering(analyse: Analyse) -> Analyse:
    """The last answers again: the text that passed the gate is the next round's start, and halves add up to texts tried before."""
    known: dict[str, Result] = {}

    def run(text: str) -> Result:
        if text not in known:
            while len(known) > 3:
                del known[next(iter(known))]
            known[text] = analyse(text)
        return known[text]

    return run


def _choose(
    source: SourceFile,
    result: Result,
    unsafe: bool,
    wanted: Callable[[Finding], bool],
    refused: set[tuple[str, tuple[Change, ...], str]],
) -> list[tuple[Finding, Fix]]:
    codes = fixable_codes()
    candidates = [f for f in result.findings if f.code in codes and f.span.file == str(source.path) and wanted(f)]
    if not candidates:
        return []
    try:
        tree = Tree(source)
    except Refused:
        return []
    chosen: list[tuple[Finding, Fix]] = []
    taken: list[Change] = []
    for finding in candidates:
        for fix in proposals(finding, tree, result.graphs):
            if fix.safety == "unsafe" and not unsafe:
                continue
            made = changes(source.lines, fix.edits)
            if _key(source, finding, made) in refused or overlap(made, taken):
                continue
            chosen.append((finding, fix))
            taken += made
            break
    return chosen


def _key(source: SourceFile, finding: Finding, made: Sequence[Change]) -> tuple[str, tuple[Change, ...], str]:
    return finding.code, tuple(made), source.text


def _apply(
    source: SourceFile,
    result: Result,
    chosen: list[tuple[Finding, Fix]],
    analyse: Analyse,
    refused: set[tuple[str, tuple[Change, ...], str]],
) -> tuple[str | None, list[tuple[Finding, Fix]]]:
    """As many of `chosen` as pass together; the others are remembered as refused."""
    accepted, text = _accept(source, result, [], chosen, analyse, refused)
    return text, accepted


def _accept(
    source: SourceFile,
    result: Result,
    accepted: list[tuple[Finding, Fix]],
    more: list[tuple[Finding, Fix]],
    analyse: Analyse,
    refused: set[tuple[str, tuple[Change, ...], str]],
) -> tuple[list[tuple[Finding, Fix]], str | None]:
    """`accepted` and what of `more` passes with it, and the text after them (None: nothing passed).

    Each try costs an analysis of the file, so all are tried at once and halves only where that fails.
    """
    text = passes(source, result, [*accepted, *more], analyse)
    if text is not None:
        return [*accepted, *more], text
    if len(more) == 1:
        refused.add(_key(source, more[0][0], changes(source.lines, more[0][1].edits)))
        return accepted, None
    middle = len(more) // 2
    for half in (more[:middle], more[middle:]):
        accepted, made = _accept(source, result, accepted, half, analyse, refused)
        text = made or text
    return accepted, text
