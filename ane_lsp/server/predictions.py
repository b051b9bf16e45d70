"""Where the models of an analysis are predicted to run: for lenses, hovers and the report. Made when asked for, kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ane_lsp.analysis import FileAnalysis
from ane_lsp.graph import Span
from ane_lsp.knowledge import targets
from ane_lsp.knowledge.targets import Target, TargetError
from ane_lsp.server.results import Predicted
from ane_lsp.syntax import SourceFile
from ane_lsp.workspace import Settings, Workspace

if TYPE_CHECKING:
    from ane_lsp.placement import Placement

MAX_NOTES = 4
Plans = dict[tuple[int, str], "Placement"]
"""Placements by the number of the entry and the target's name."""


class Sentences:
    """Sentences about the ops of one place, each once. Where they differ, because the place is run in several modules or
    contexts, each says in which module it holds."""

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, dict[str, None]]] = {}

    def add(self, topic: str, sentence: str, module: str) -> None:
        """topic: what the sentence is about; several sentences about one topic are told apart."""
        self._modules.setdefault(topic, {}).setdefault(sentence, {})[module] = None

    def lines(self, limit: int) -> list[str]:
        """At most `limit` sentences, in the order they came."""
        found = []
        for sentences in self._modules.values():
            for sentence, modules in sentences.items():
                names = [name for name in modules if name]
                rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
                found.append(f"in {names[0]}{rest}: {sentence}" if len(sentences) > 1 and names else sentence)
        return found[:limit]


def chosen(settings: Settings) -> Sequence[Target]:
    """The targets of the settings, the default where they name none that is known."""
    try:
        return targets.resolve_all(settings.targets)
    except TargetError:
        return targets.default()


def plan(
    found: FileAnalysis, settings: Settings, known: Plans, cancelled: Callable[[], bool] = lambda: False
) -> list[tuple[int, Placement]]:
    """The placements of every entry on every target, those made so far where it is cancelled."""
    from ane_lsp.placement import place

    plans: list[tuple[int, Placement]] = []
    for index, graph in enumerate(found.graphs):
        for target in chosen(settings):
            if cancelled():
                return plans
            key = (index, target.label)
            if key not in known:
                known[key] = place(graph, target)
            plans.append((index, known[key]))
    return plans


def lines(plans: Sequence[tuple[int, Placement]], path: str) -> list[Predicted]:
    """What a lens shows of each placement and what it opens."""
    from ane_lsp.placement import summary

    return [
        Predicted(index, each.target, summary(each) if each.problem is None else None, (summary(each), *_details(each, path)))
        for index, each in plans
    ]  # fmt: skip


def _details(placement: Placement, path: str) -> list[str]:
    from ane_lsp.placement.words import time_text

    if placement.problem is not None:
        return []
    found = [
        f"Estimated {'at least ' if placement.unpriced else ''}{time_text(placement.total_ms)}, on the CPU alone "
        f"{time_text(placement.all_cpu_ms)}; confidence: {placement.confidence}"
    ]
    for removal in placement.removals:
        where = f"line {removal.span.line}" if removal.span.file == path else f"{removal.span.file}:{removal.span.line}"
        gain = f"{removal.moved} more operations would be on the ANE, " if removal.moved > 0 else ""
        found.append(f"Without {', '.join(removal.kinds[:3])} on {where}: {gain}{time_text(removal.saved_ms)} less")
    return found


def about(plans: Sequence[tuple[int, Placement]], span: Span) -> list[str]:
    """Where the ops of the call at `span` (or of the module constructed there) would run and why, each sentence once."""
    from ane_lsp.placement import describe

    said = Sentences()
    for _, each in plans:
        for placed in each.ops:
            op = placed.op
            if span in (op.call.span, op.call.ctor):
                said.add(f"{op.kind} on {each.target}", describe(placed, each), op.call.module)
    return said.lines(MAX_NOTES)


def report(
    path: str,
    found: FileAnalysis,
    source: SourceFile,
    workspace: Workspace,
    plans: Sequence[tuple[int, Placement]],
    verified: Sequence[tuple[str, str]] = (),
) -> str:
    """The HTML page about one file. verified: what a verify run said, as (label, text)."""
    from ane_lsp.report.html import page, table
    from ane_lsp.report.model import Report

    def read(file: str) -> object:
        return source.lines if file == path else workspace.read(Path(file)).lines

    content = Report(
        found.findings, found.models, found.errors, 1, workspace.root, read, checked=[path]  # type: ignore[arg-type]
    )  # fmt: skip
    sections = [("Verify run", table(("", ""), [[(a, ""), (b, "")] for a, b in verified]))] if verified else []
    return page(content, [each for _, each in plans], f"{Path(path).name} on the Neural Engine", sections)
