"""Findings from the source against findings on the converted program: confirmed, not confirmed (with why), or new."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ane_lsp.checks import engine
from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Graph, Span
from ane_lsp.graph.records import dataclass

Status = Literal["confirmed", "refuted", "gone", "untestable", "new"]
# What each status means, for reports.
MEANING: Mapping[Status, str] = {
    "confirmed": "the converted program has it too",
    "refuted": "the converted program has the operation, and the rule finds nothing there",
    "gone": "the converted program has no operation from this line",
    "untestable": "the program does not show what the rule reads",
    "new": "found in the conversion or the converted program only",
}
# Families whose rules read operations and their parameters; of these, those about the whole graph also read the source.
_FAMILIES = ("ANE2", "ANE3", "ANE4")
_CONVERSION = "ANE1"
# Three families with one consequence: the operation does not run on the Neural Engine, for what it is, for its size, or because
# a size is computed. What the source calls a slice assignment is a scatter in the program: other code, same consequence.
_LEAVES = ("ANE2", "ANE3", "ANE6")
# Rules about what the author wrote and a conversion removes: the call's arguments, a float64, a cast that is dropped.
_OF_THE_SOURCE = frozenset({"ANE254", "ANE413"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One finding and what the other side says about it."""

    finding: Finding
    status: Status
    why: str

    @property
    def is_disagreement(self) -> bool:
        return self.status in ("refuted", "new")


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that did not convert. finding: its error on the line that caused it. foretold: findings from the source, for
    this path, that say so. placed: whether the converter named a line at all."""

    path: str
    finding: Finding
    foretold: tuple[Finding, ...] = ()
    placed: bool = True


def compare(
    static: Sequence[Finding],
    converted: Sequence[Finding],
    program: Graph | None,
    failed: Sequence[Failure] = (),
    path: str = "",
    departs: bool | None = None,
) -> list[Comparison]:
    """Every static finding with its status, then what only the conversion shows. `static`: for the path that converted, or
    the last that was tried. `program`: None where none converted. `departs`: whether it computes something else than torch."""
    foretold = [
        Comparison(
            f, "confirmed", f"the {fail.path} path failed {'on this line' if fail.placed else 'and named no line'}"
        )
        for fail in failed
        for f in fail.foretold
    ]
    known = {(c.finding.code, c.finding.span) for c in foretold}
    rest = [f for f in static if (f.code, f.span) not in known]
    unseen = [fail for fail in failed if not fail.foretold]
    return [
        *{(c.finding.code, c.finding.span): c for c in foretold}.values(),
        *(_status(finding, converted, program, path, departs) for finding in rest),
        *(Comparison(f.finding, "new", "no finding from the source foretells it") for f in unseen),
        *(
            Comparison(finding, "new", "the analysis of the source does not report it")
            for finding in converted
            if not any(_same(finding, other) or _same_consequence(finding, other) for other in static)
        ),
    ]


def _status(
    finding: Finding, converted: Sequence[Finding], program: Graph | None, path: str, departs: bool | None
) -> Comparison:
    if finding.code.startswith(_CONVERSION):
        if program is None:
            return Comparison(finding, "untestable", "the conversion ended at another line first")
        if finding.data.get("of_script"):
            return Comparison(finding, "untestable", "it is about how the script converts, not how this was converted")
        if departs and finding.data.get("converts"):
            return Comparison(finding, "confirmed", "the converted program computes something else than the model")
        if finding.severity != "error" or finding.data.get("converts"):
            return Comparison(finding, "untestable", "it is about what the conversion changes, not whether it fails")
        return Comparison(finding, "refuted", f"the model converted ({path} path)")
    if program is None:
        return Comparison(finding, "untestable", "the model did not convert")
    if any(_same(finding, other) for other in converted):
        return Comparison(finding, "confirmed", MEANING["confirmed"])
    other = next((o for o in converted if _same_consequence(finding, o)), None)
    if other is not None:
        return Comparison(
            finding, "confirmed", f"the converted program has {other.code} there, with the same consequence"
        )
    there = [op.kind for op in program.ops if overlap(op.span, finding.span)]
    if not testable(finding.code):
        return Comparison(finding, "untestable", MEANING["untestable"])
    if not there:
        return Comparison(
            finding, "gone", "no operation of the program comes from this line: folded, fused or not executed"
        )
    return Comparison(
        finding, "refuted", f"the program has {', '.join(dict.fromkeys(there))} there, and the rule finds nothing"
    )


def testable(code: str) -> bool:
    """Whether a converted program alone decides a rule."""
    return code.startswith(_FAMILIES) and code in engine.op_codes() and code not in _OF_THE_SOURCE


def _same(one: Finding, other: Finding) -> bool:
    if one.code != other.code:
        return False
    if one.code in engine.op_codes():
        return overlap(one.span, other.span)
    # It speaks of the whole model, and stands where the first of its operations is: another place on the other side.
    return any(overlap(a, b) for a in _places(one) for b in _places(other))


def _places(finding: Finding) -> tuple[Span, ...]:
    return (finding.span, *(related.span for related in finding.related))


def _same_consequence(one: Finding, other: Finding) -> bool:
    return one.code.startswith(_LEAVES) and other.code.startswith(_LEAVES) and overlap(one.span, other.span)


def overlap(one: Span, other: Span) -> bool:
    """Whether two places share a line; a converter knows no more."""
    if not one.file or not other.file or one.line > other.end_line or other.line > one.end_line:
        return False
    return one.file == other.file or os.path.realpath(one.file) == os.path.realpath(other.file)


def counts(comparisons: Iterable[Comparison]) -> dict[Status, int]:
    """How many of each status."""
    found: dict[Status, int] = dict.fromkeys(MEANING, 0)
    for comparison in comparisons:
        found[comparison.status] += 1
    return found
