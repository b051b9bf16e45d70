"""Code lenses: the numbers of a model above its class."""

from __future__ import annotations

import re
from collections.abc import Callable

from lsprotocol import types as lsp

from ane_lsp.analysis import ModelSummary
from ane_lsp.graph import Span
from ane_lsp.server.features.view import View
from ane_lsp.server.names import SHOW_MODEL


def code_lenses(view: View, extra: Callable[[ModelSummary], list[lsp.Command]]) -> list[lsp.CodeLens]:
    """One lens a model and target; `extra` adds commands such as verify."""
    shown = view.unit.shown()
    if shown is None:
        return []
    found: list[lsp.CodeLens] = []
    for model in view.moved(shown.models()):
        place = view.range(_class_of(view, model) or model.span).start
        where = lsp.Range(place, place)
        argument = {"uri": view.document.uri, "model": model.name, "target": model.target}
        found.append(lsp.CodeLens(where, lsp.Command(headline(model), SHOW_MODEL, arguments=[argument])))
        found += [lsp.CodeLens(where, command) for command in extra(model)]
    return found


def _class_of(view: View, model: ModelSummary) -> Span | None:
    """The model's class, where it is in this document: an entry may be a call far below it."""
    found = re.search(rf"^[ \t]*(class[ \t]+{re.escape(model.name)})\b", view.text.text, re.MULTILINE)
    if found is None:
        return None
    line, col = view.text.lines.position(found.start(1))
    return Span(model.span.file, line, col, line, col)


def headline(model: ModelSummary) -> str:
    """The numbers in one line."""
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


def details(model: ModelSummary) -> str:
    """What the lens opens: the same with what was assumed."""
    lines = [f"{model.name}: {headline(model)}"]
    lines += [f"Assumed: {item}" for item in model.assumed]
    return "\n".join(lines)
