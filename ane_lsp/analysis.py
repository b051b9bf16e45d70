"""The facade: one call from a file to everything that is known about it. Servers, commands and reports call only this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Graph, Span

if TYPE_CHECKING:
    from pathlib import Path

    from ane_lsp.workspace import Settings, Workspace

ErrorKind = Literal["syntax", "encoding", "read", "config", "budget", "internal"]


@dataclass(frozen=True, slots=True)
class AnalysisError:
    """Something that kept a part of the input from being analysed; the rest of the result still stands."""

    kind: ErrorKind
    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One entry's result in numbers.

    ops: operations left at run time. on_ane: those eligible for the target's ANE, as far as is known.
    unknown_shapes: operations with an output whose shape is not known.
    assumed: what was assumed to run it ("B and L are symbols: no concrete entry calls Net").
    stopped: why the run ended early (``"budget"``), None where it did not.
    """

    name: str
    span: Span
    target: str
    ops: int
    on_ane: int
    unknown_shapes: int
    findings: int
    assumed: tuple[str, ...] = ()
    stopped: str | None = None


@dataclass(slots=True)
class FileAnalysis:
    """Everything known about one file.

    findings: sorted by position, one per call expression and code, the worst case first. Their spans' `file` is the
    path as given to :func:`analyze`. graphs: one for each entry. models: the same in numbers, in the same order.
    """

    path: str
    findings: list[Finding] = field(default_factory=list)
    graphs: list[Graph] = field(default_factory=list)
    models: list[ModelSummary] = field(default_factory=list)
    errors: list[AnalysisError] = field(default_factory=list)


def analyze(
    path: Path, workspace: Workspace, settings: Settings, cancelled: Callable[[], bool] = lambda: False
) -> FileAnalysis:
    """Analyse one file: find its entries, run each abstractly, check the graphs.

    Never raises on the file's account: syntax errors, unreadable files and exhausted budgets come back in `errors`.
    `cancelled` is asked often; once it answers True the result so far is returned.
    """
    raise NotImplementedError
