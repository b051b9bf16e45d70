"""The model map as a page: self-contained, light and dark, for narrow screens too."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.report.html import document, safe, table
from ane_lsp.report.workspace_map import READINESS, Map, Model, headline

_CLASS = {"ready": "ready", "nearly": "nearly", "not ready": "red", "not known": "unknown"}
_MARK = {"better": "▲ better", "worse": "▼ worse", "new": "new", "same": "same", "": ""}

# On top of the styles of every report: a bar of states, a card for each model.
_STYLE = """<style>
:root{--ready:#1a7f37;--nearly:#9a6700;--red:#b42318;--unknown:#6b7280}
@media(prefers-color-scheme:dark){:root{--ready:#57c87b;--nearly:#e3b341;--red:#ff7b72;--unknown:#9aa4af}}
.states{display:flex;height:1.4rem;border-radius:.4rem;overflow:hidden;gap:2px;padding:0;margin:.8rem 0;list-style:none}
.states li{min-width:4px}.states .ready,.meter .ready{background:var(--ready)}.states .nearly,.meter .nearly{background:var(--nearly)}
.states .red,.meter .red{background:var(--red)}.states .unknown,.meter .unknown{background:var(--unknown)}
.models{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(18rem,100%),1fr));gap:.7rem;padding:0;list-style:none}
.models li{border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem;background:var(--soft);overflow-wrap:anywhere}
.models h3{margin:0}.meter{height:.6rem;border-radius:.3rem;background:var(--line);overflow:hidden;margin:.4rem 0}
.meter div{height:100%}.worse{color:var(--red)}.better{color:var(--ready)}
b.ready{color:var(--ready)}b.nearly{color:var(--nearly)}b.red{color:var(--red)}b.unknown{color:var(--unknown)}
</style>"""


def page(found: Map, title: str = "Models on the Neural Engine") -> str:
    """The map as a page."""
    return document(
        title, [_STYLE, *_summary(found, title), *_models(found), *_operations(found), *_rest(found)], "models"
    )


def _summary(found: Map, title: str) -> Iterator[str]:
    yield f"<header><h1>{safe(title)}</h1><p>{safe(headline(found))}</p>"
    if found.models:
        cells = "".join(
            f'<li class="{_CLASS[state]}" style="flex:{found.count(state)}" title="{found.count(state)} {safe(state)}"></li>'
            for state in reversed(READINESS)
            if found.count(state)
        )
        yield f'<ul class="states" aria-hidden="true">{cells}</ul>'
    yield "</header>"


def _models(found: Map) -> Iterator[str]:
    yield f'<section><h2 id="models">Models ({len(found.models)})</h2>'
    if found.models:
        yield '<ul class="models">' + "".join(map(_card, found.models)) + "</ul>"
    else:
        yield "<p>None was found. Say inputs with <code># ane: input(...)</code>, or name an entry in the settings.</p>"
    if found.gone:
        yield "<p>No more: " + ", ".join(map(safe, found.gone)) + "</p>"
    yield "</section>"


def _card(model: Model) -> str:
    kind = _CLASS[model.readiness]
    facts = [f"{model.on_ane} of {model.ops} operations on the ANE of {model.target}"]
    facts += [f"{model.unknown_shapes} of unknown shape"] if model.unknown_shapes else []
    facts += [f"{n} {word}{'s' * (n != 1)}" for n, word in ((model.errors, "error"), (model.warnings, "warning")) if n]
    mild = model.findings - model.errors - model.warnings
    facts += [f"{mild} mild finding{'s' * (mild != 1)}"] if mild else []
    facts += [f"stopped early: {model.stopped}"] if model.stopped else []
    change = ""
    if model.change:
        told = f" (before: {model.before})" if model.before and model.change != "same" else ""
        change = f'<br><small class="{safe(model.change)}">{safe(_MARK[model.change] + told)}</small>'
    assumed = "".join(f"<br><small>assumed: {safe(text)}</small>" for text in model.assumed)
    width = f"{100 * model.share:.1f}"
    return (
        f'<li><h3>{safe(model.name)}</h3><small>{safe(model.file)}:{model.line}</small>'
        f'<div class="meter" aria-hidden="true"><div class="{kind}" style="width:{width}%"></div></div>'
        f'<b class="{kind}">{safe(model.readiness)}</b>: {safe(", ".join(facts))}{change}{assumed}</li>'
    )  # fmt: skip


def _operations(found: Map) -> Iterator[str]:
    if not found.operations:
        return
    yield f'<section><h2 id="operations">What keeps work off the ANE ({len(found.operations)})</h2>'
    rows = [
        [
            (operation.op, ""),
            (" ".join(operation.codes), ""),
            (operation.places, ""),
            (operation.models, ""),
            (f"{operation.file}:{operation.line}", ""),
            (operation.message, ""),
        ]
        for operation in found.operations
    ]
    yield table(("operation", "rules", "places", "models", "for example", "what"), rows) + "</section>"


def _rest(found: Map) -> Iterator[str]:
    if found.problems:
        yield '<section><h2 id="problems">Not analysed in full</h2><ul>'
        yield "".join(f"<li>{safe(problem)}</li>" for problem in found.problems) + "</ul></section>"
    yield (
        "<p><small>Read from the source; nothing was run. A model is ready where it has no error or warning and every "
        "operation is known to run on the ANE. Whether Core ML puts it there is another question: "
        "<code>ane-lsp placement</code>.</small></p>"
    )
