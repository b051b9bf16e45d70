"""What a check reports. Plain data: the server, the terminal and the reports only print it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ane_lsp.graph import Span

Severity = Literal["error", "warning", "information", "hint"]
Confidence = Literal["measured", "documented", "carried", "reported"]
Safety = Literal["safe", "unsafe"]

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
