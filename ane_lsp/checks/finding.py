"""What a check reports. Plain data: the server, the terminal and the reports only print it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge.evidence import CONFIDENCES, SEVERITIES, Confidence, Evidence, Severity

__all__ = [
    "CONFIDENCES", "SEVERITIES", "Confidence", "Evidence", "Finding", "Fix", "Related", "Safety", "Severity", "TextEdit",
]  # fmt: skip

Safety = Literal["safe", "unsafe"]


@dataclass(frozen=True, slots=True)
class Related:
    """A place that belongs to the finding: the constructor, another context, the line that caused it."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace `span` (UTF-8 byte columns) by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A rewrite. safe: same numbers up to floating-point order and same state_dict; unsafe says in `title` what changes."""

    title: str
    safety: Safety
    edits: tuple[TextEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnostic.

    code, name: ``ANE302``, ``max-pool-window``. message: what, where it matters, what to do.
    op: MIL or ATen name it is about. target: the chip or device it holds for, "" where it holds for all.
    data: facts a fix needs (kernel sizes, ...), plain JSON values.
    model: the entry it was found in.
    """

    code: str
    name: str
    message: str
    span: Span
    severity: Severity
    confidence: Confidence
    op: str = ""
    target: str = ""
    evidence: tuple[Evidence, ...] = ()
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
