"""Models that the script calls on what nobody knows (a batch of a loader, what a tokenizer gives): called by themselves, on inputs
found by probing, they show more."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Graph, Span
from ane_lsp.interp.inputs import call_probed

if TYPE_CHECKING:
    from ane_lsp.interp.discovery import Attempt
    from ane_lsp.interp.frames import Frame
    from ane_lsp.interp.machine import Interpreter
    from ane_lsp.interp.values import Instance, ModuleObject


_MOST = 8  # models of one script


def run_dark(interp: Interpreter, module: ModuleObject, asked: Iterable[Any], attempt: Attempt) -> None:
    """Call those whose calls in the script all were such. asked: classes with inputs of their own."""
    recorder, conversions = interp.recorder, interp.conversions
    frames = {id(graph): frame for graph, frame in conversions.dark}
    called: dict[int, tuple[Instance, list[Graph], list[Span | None]]] = {}
    for graph, (model, span) in zip(list(recorder.graphs), list(recorder.entries)):
        _, graphs, places = called.setdefault(id(model), (model, [], []))
        graphs.append(graph)
        places.append(span)
    dark = (one for one in called.values() if one[0].cls not in asked and all(id(graph) in frames for graph in one[1]))
    for place, (model, graphs, places) in enumerate(islice(dark, _MOST)):
        converted = (where for one, where in conversions.traced if one is model)
        here = [where for where in (*places, *converted) if where is not None and where.file == module.path]
        if not here:
            continue
        assumed = [*conversions.assumed, "the script calls it on what nobody knows"]
        before = len(recorder.graphs)
        through = attempt(
            lambda model=model: model,  # type: ignore[misc]
            here[0],
            assumed,
            ("dark", place),
            called=True,
            then=partial(_called_from, interp, frames[id(graphs[0])], assumed),
        )
        found = recorder.graphs[before:]
        better = through and bool(found) and all(_shown(found[-1]) > _shown(graph) for graph in graphs)
        if better:
            for graph in graphs:
                found[-1].returned.update(graph.returned)
        attempt.without(graphs if better else found)


def _called_from(interp: Interpreter, frame: Frame, assumed: list[str], model: Any) -> Any:
    """Call a model as from where the script did."""
    outer, interp.frame = interp.frame, frame
    try:
        return call_probed(interp, model, assumed)
    finally:
        interp.frame = outer


def _shown(graph: Graph) -> tuple[int, int]:
    """How many operations of a graph have results of known rank, and how many reasons it gives why others are missing."""
    return sum(all(value.type.shape is not None for value in op.outputs) for op in graph.ops), len(graph.lost)


__all__ = ["run_dark"]
