"""Accounting: what became of every known constraint, and of every claim people repeat about the ANE."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Literal, cast

from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import rules, tables
from ane_lsp.knowledge.eligibility import BASES
from ane_lsp.knowledge.evidence import Basis

Outcome = Literal["rule", "fact", "not-flagged"]
Status = Literal["true", "partly", "refuted"]
_OUTCOMES: tuple[Outcome, ...] = ("rule", "fact", "not-flagged")
_STATUSES: tuple[Status, ...] = ("true", "partly", "refuted")
_COLUMNS = ("constraint", "outcome", "refs", "note")
_CLAIM_COLUMNS = ("id", "claim", "status", "scope", "source", "confidence", "chip", "os", "codes")


@dataclass(frozen=True, slots=True)
class Entry:
    """One constraint of the catalogue. refs: rule codes, or the fact table; note: why it is not flagged, or how."""

    constraint: str
    outcome: Outcome
    refs: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence one hears about the ANE, and what measurements made of it. codes: rules that speak about it."""

    id: str
    claim: str
    status: Status
    scope: str
    source: str
    basis: Basis
    chip: str
    os: str
    codes: tuple[str, ...]


@cache
def table() -> tuple[Entry, ...]:
    """Every constraint. Raises KnowledgeError for a wrong row: a rule that does not exist, a reason that is missing."""
    found: list[Entry] = []
    for row in tables.load("coverage.csv", _COLUMNS, ("constraint", "outcome")):
        outcome = cast(Outcome, row.choice("outcome", _OUTCOMES))
        refs = row.items("refs")
        if outcome == "not-flagged" and not row["note"]:
            raise row.fail("note", "says why nothing is flagged")
        if outcome != "not-flagged" and not refs:
            raise row.fail("refs", f"names the {outcome}")
        if outcome == "rule":
            _known_codes(row, "refs", refs)
        found.append(Entry(row["constraint"], outcome, refs, row["note"]))
    return tuple(found)


@cache
def claims() -> tuple[Claim, ...]:
    """Every claim. Raises KnowledgeError for a wrong row."""
    found: list[Claim] = []
    filled = ("id", "claim", "status", "scope", "source", "confidence")
    for row in tables.load("claims.csv", _CLAIM_COLUMNS, filled):
        codes = row.items("codes")
        _known_codes(row, "codes", codes)
        found.append(
            Claim(
                id=row["id"],
                claim=row["claim"],
                status=cast(Status, row.choice("status", _STATUSES)),
                scope=row["scope"],
                source=row["source"],
                basis=cast(Basis, row.choice("confidence", BASES)),
                chip=row["chip"],
                os=row["os"],
                codes=codes,
            )
        )
    return tuple(found)


def _known_codes(row: tables.Row, column: str, codes: tuple[str, ...]) -> None:
    unknown = [code for code in codes if code not in rules.codes()]
    if unknown:
        raise row.fail(column, f"no rule is called {', '.join(unknown)}")


def text() -> str:
    """The accounting as ``ane-lsp rules --coverage`` prints it."""
    lines: list[str] = []
    width = max(len(entry.constraint) for entry in table())
    for entry in table():
        what = ", ".join(entry.refs) if entry.refs else "not flagged"
        lines.append(f"{entry.constraint:<{width}}  {what}{': ' + entry.note if entry.note else ''}")
    count = Counter(entry.outcome for entry in table())
    lines.append("")
    lines.append(
        f"{len(table())} constraints: {count['rule']} have a rule, {count['fact']} are facts, "
        f"{count['not-flagged']} are not flagged, with the reason"
    )
    return "\n".join(lines)


_STATUS_WORDS = {"true": "Still true", "partly": "True in part", "refuted": "Refuted"}


def claims_markdown() -> str:
    """The page ``docs/claims.md``: every claim with what became of it."""
    lines = [
        "# What people say about the Neural Engine",
        "",
        "Most advice in circulation comes from lists of 2020 or from private compiler calls. Here is what is left of each claim,",
        "where that was seen, and which rules speak about it. Written from `rules/facts/claims.csv`; change it there.",
        "",
    ]
    for claim in claims():
        seen = ", ".join(part for part in (claim.chip, claim.os) if part)
        lines += [
            f"## {claim.claim}",
            "",
            f"**{_STATUS_WORDS[claim.status]}.** {claim.scope[0].upper()}{claim.scope[1:]}.",
            "",
            f"- Seen: {claim.basis}{' on ' + seen if seen else ''}",
            f"- Source: {claim.source}",
        ]
        if claim.codes:
            lines.append("- Rules: " + ", ".join(f"{code} ({rules.rule_name(code)})" for code in claim.codes))
        lines.append("")
    return "\n".join(lines)
