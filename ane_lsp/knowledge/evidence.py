"""The words evidence is graded by, shared by facts, rule pages and findings."""

from __future__ import annotations

from typing import Literal

from ane_lsp.graph.records import dataclass

Severity = Literal["error", "warning", "information", "hint"]
Confidence = Literal["measured", "documented", "carried", "reported"]
# How one observation came about: seen through Core ML on a device or in a real conversion; said by Apple; or a single
# report, a result of a private route, or folklore. A measurement becomes the confidence "carried" on another chip.
Basis = Literal["measured", "documented", "reported"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "information", "hint")
CONFIDENCES: tuple[Confidence, ...] = ("measured", "documented", "carried", "reported")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation behind a finding: what was claimed, where, on which chip and OS, how good it is, and when.

    grade: A (Apple documents it) to D (refuted or a guess), as in the constraint catalogue; "" where not graded.
    """

    claim: str
    source: str
    chip: str = ""
    os: str = ""
    grade: str = ""
    date: str = ""


def confidence_rank(confidence: Confidence) -> int:
    """0 for the strongest word; a bigger number is weaker."""
    return CONFIDENCES.index(confidence)
