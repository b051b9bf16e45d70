"""Code lenses: above each model class where it is predicted to run, and the commands that say more.

The prediction is made when a lens comes into view (``codeLens/resolve``), so that edits wait for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lsprotocol import types as lsp

from ane_lsp.analysis import ModelSummary
from ane_lsp.graph import Span
from ane_lsp.server.features.view import View
from ane_lsp.server.names import REPORT, SHOW_MODEL, VERIFY
from ane_lsp.server.results import Predicted


def code_lenses(view: View, verify: bool) -> list[lsp.CodeLens]:
    """One lens a model to be resolved; once a class, "verify" (where it may be run) and "open report"."""
    shown = view.unit.shown()
    if shown is None:
        return []
    found: list[lsp.CodeLens] = []
    dressed: set[int] = set()
    for index, model in shown.models():
        span = view.place(_class_of(view, model) or model.span)
        if span is None:
            continue
        place = view.range(span).start
        where = lsp.Range(place, place)
        argument = {"uri": view.document.uri, "index": index, "model": model.name, "target": model.target}
        found.append(lsp.CodeLens(where, data={**argument, "numbers": headline(model)}))
        if place.line not in dressed:
            dressed.add(place.line)
            if verify:
                found.append(lsp.CodeLens(where, lsp.Command("verify", VERIFY, arguments=[argument])))
            found.append(lsp.CodeLens(where, lsp.Command("open report", REPORT, arguments=[argument])))
    return found


def named(view: View, data: dict[str, Any]) -> ModelSummary | None:
    """The model that a lens or its command stands for, None where it is gone."""
    shown = view.unit.shown()
    for index, model in shown.models() if shown else ():
        if (index, model.name, model.target) == (data.get("index"), data.get("model"), data.get("target")):
            return model
    return None


def resolve(lens: lsp.CodeLens, model: ModelSummary | None, predicted: Sequence[Predicted]) -> lsp.CodeLens:
    """Give a lens its words: the prediction, or where there is none the model's numbers."""
    data = lens.data if isinstance(lens.data, dict) else {}
    argument = {key: data.get(key) for key in ("uri", "index", "model", "target")}
    title = str(data.get("numbers", "")) if model is None else headline(model, _line(predicted, data))
    lens.command = lsp.Command(title, SHOW_MODEL, arguments=[argument])
    return lens


def _line(predicted: Sequence[Predicted], data: dict[str, Any]) -> str | None:
    own = (each.line for each in predicted if (each.index, each.target) == (data.get("index"), data.get("target")))
    return next(own, None)


def _class_of(view: View, model: ModelSummary) -> Span | None:
    """The model's class, where it is in this document: an entry may be a call far below it."""
    found = re.search(rf"^[ \t]*(class[ \t]+{re.escape(model.name)})\b", view.unit.text.text, re.MULTILINE)
    if found is None:
        return None
    line, col = view.unit.text.lines.position(found.start(1))
    return Span(model.span.file, line, col, line, col)


def headline(model: ModelSummary, predicted: str | None = None) -> str:
    """One line: where it would run, or as long as that is not known what could run on the ANE."""
    if predicted is not None:
        text = predicted
    else:
        if model.ops == 0:
            text = "no operations reached" if model.stopped is None else "not analysed"
        else:
            text = f"{model.on_ane} of {model.ops} operations can run on the ANE"
        if model.target:
            text = f"{model.target}: {text}"
    if model.findings:
        text += f" · {model.findings} finding{'s' if model.findings != 1 else ''}"
    if model.unknown_shapes:
        text += f" · {model.unknown_shapes} unknown shape{'s' if model.unknown_shapes != 1 else ''}"
    if model.stopped:
        text += f" · stopped: {model.stopped}"
    return text


def details(model: ModelSummary, index: int, predicted: Sequence[Predicted]) -> str:
    """What the lens opens: numbers, the prediction for every target, what was assumed."""
    lines = [f"{model.name}: {headline(model)}"]
    for each in predicted:
        if each.index == index:
            lines += each.details
    lines += [f"Not followed: {place}" for place in model.lost]
    lines += [f"Elsewhere: {place}" for place in model.elsewhere]
    lines += [f"Assumed: {item}" for item in model.assumed]
    return "\n".join(lines)
