"""The model map as a page: self-contained, light and dark, for narrow screens too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from posixpath import commonpath, dirname

from ane_lsp.report.html import document, safe, table
from ane_lsp.report.treemap import Rect, squarify
from ane_lsp.report.workspace_map import READINESS, Map, Model, Readiness, headline

_CLASS = {"ready": "ready", "nearly": "nearly", "not ready": "red", "not known": "unknown"}
_MARK = {"better": "▲ better", "worse": "▼ worse", "new": "new", "same": "same", "": ""}
_SMALLEST = 0.012
"""The part of the map that the smallest model takes, so that it can be seen and pressed."""
_MOST_KINDS = 12
_FEW = 8  # models; the map of so few is lower

# On top of the styles of every report: the map, bars of states, a card for each model.
_STYLE = """<style>
:root{--ready:#1a7f37;--nearly:#9a6700;--red:#b42318;--unknown:#6b7280;--on:#fff}
@media(prefers-color-scheme:dark){:root{--ready:#2f9e57;--nearly:#b7831a;--red:#d0453a;--unknown:#6f7a86}}
.ready{--of:var(--ready)}.nearly{--of:var(--nearly)}.red{--of:var(--red)}.unknown{--of:var(--unknown)}
.map{position:relative;aspect-ratio:21/9;margin:1rem 0 .3rem;padding:0;list-style:none}
@media(max-width:40rem){.map{aspect-ratio:4/5}}
.map.few{aspect-ratio:21/5}
@media(max-width:40rem){.map.few{aspect-ratio:4/3}}
.map li{position:absolute;padding:1px}
.map a{display:block;position:relative;height:100%;padding:.25rem .4rem;overflow:hidden;border-radius:.25rem;
background:var(--of);color:var(--on);text-decoration:none;font-size:.8rem;line-height:1.25;white-space:nowrap}
.map a:hover{filter:brightness(1.15)}.map b{display:block;overflow:hidden;text-overflow:ellipsis}
.map i{position:absolute;right:0;top:0;bottom:0;
background:repeating-linear-gradient(45deg,#0008 0 4px,#0004 4px 8px)}
.map span{position:relative;display:block}
.states{display:flex;height:1.4rem;border-radius:.4rem;overflow:hidden;gap:2px;padding:0;margin:.2rem 0;list-style:none}
.states li{min-width:4px;background:var(--of)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:.3rem 0;list-style:none;font-size:.9rem}
.legend li::before{content:"";display:inline-block;width:.8rem;height:.8rem;border-radius:.2rem;margin-right:.4rem;background:var(--of)}
.legend .plain::before{display:none}
.legend .off::before{background:repeating-linear-gradient(45deg,#0008 0 3px,#0004 3px 6px),var(--unknown)}
.trend{display:grid;grid-template-columns:auto 1fr;gap:0 .8rem;align-items:center;max-width:40rem}
.models{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(18rem,100%),1fr));gap:.7rem;padding:0;list-style:none;align-items:start}
.models li{border:1px solid var(--line);border-left:.35rem solid var(--of);border-radius:.5rem;padding:.6rem .8rem;background:var(--soft);overflow-wrap:anywhere}
.models li:target{outline:3px solid var(--ane)}
.models h3{margin:0}.meter{height:.6rem;border-radius:.3rem;background:var(--line);overflow:hidden;margin:.4rem 0}
.meter div{height:100%;background:var(--of)}.worse{color:var(--red)}.better{color:var(--ready)}
b.state{color:var(--of)}small{color:var(--dim)}summary{cursor:pointer;font-size:.85rem;color:var(--dim)}
.kinds{display:grid;grid-template-columns:minmax(6rem,auto) 1fr auto;gap:.25rem .8rem;align-items:center;max-width:46rem;font-size:.95rem}
.kinds code{overflow-wrap:anywhere}.kinds div{height:.9rem;border-radius:.2rem;background:var(--cpu)}
@media(prefers-color-scheme:dark){b.state{filter:brightness(1.5)}}
</style>"""


def page(found: Map, title: str = "Models on the Neural Engine") -> str:
    """The map as a page."""
    base = _base([model.file for model in found.models])
    parts = [_STYLE, *_summary(found, title, base), *_models(found, base), *_kinds(found), *_operations(found)]
    return document(title, [*parts, *_rest(found)], "models")


def _base(files: Sequence[str]) -> str:
    """The folder all files are in, with its slash; said once instead of in every card."""
    if len(set(files)) < 2 or len({file.startswith("/") for file in files}) > 1:
        return ""
    base = commonpath([dirname(file) for file in files])
    return base.rstrip("/") + "/" if base else ""


def _summary(found: Map, title: str, base: str) -> Iterator[str]:
    yield f"<header><h1>{safe(title)}</h1><p>{safe(headline(found))}"
    yield f"<br><small>{safe(base)}</small></p>" if base else "</p>"
    if found.models:
        yield _map(found)
        yield '<ul class="legend">'
        yield "".join(
            f'<li class="{_CLASS[state]}">{found.count(state)} {safe(state)}</li>'
            for state in reversed(READINESS)
            if found.count(state)
        )
        yield '<li class="off unknown">operations off the ANE</li><li class="plain">area: operations, the smallest drawn larger</li></ul>'
    if found.before:
        now = tuple((state, found.count(state)) for state in READINESS if found.count(state))
        yield f'<div class="trend"><small>before</small>{_states(found.before)}<small>now</small>{_states(now)}</div>'
    yield "</header>"


def _states(counts: Sequence[tuple[Readiness, int]]) -> str:
    cells = "".join(
        f'<li class="{_CLASS[state]}" style="flex:{number}" title="{number} {safe(state)}"></li>'
        for state, number in sorted(counts, key=lambda row: -READINESS.index(row[0]))
    )
    told = ", ".join(f"{number} {state}" for state, number in counts)
    return f'<ul class="states" role="img" aria-label="{safe(told)}">{cells}</ul>'


def _map(found: Map) -> str:
    """A tile for each model: states side by side, the larger models of each first."""
    floor = _SMALLEST * sum(model.ops for model in found.models) or 1.0
    groups: list[list[tuple[float, int, Model]]] = []
    for state in READINESS:
        own = [(max(m.ops, floor), n, m) for n, m in enumerate(found.models) if m.readiness == state]
        if own:
            groups.append(sorted(own, key=lambda row: -row[0]))
    groups.sort(key=lambda group: -sum(row[0] for row in group))
    whole = Rect(0, 0, 210, 50 if len(found.models) < _FEW else 90)
    areas = squarify([sum(row[0] for row in group) for group in groups], whole)
    tiles = [
        _tile(rect, whole, number, model)
        for group, area in zip(groups, areas, strict=True)
        for rect, (_, number, model) in zip(squarify([row[0] for row in group], area), group, strict=True)
    ]
    kind = "map few" if len(found.models) < _FEW else "map"
    return f'<ul class="{kind}" aria-label="Models by size and readiness">' + "".join(tiles) + "</ul>"


def _tile(rect: Rect, whole: Rect, number: int, model: Model) -> str:
    across, down = 100 / whole.width, 100 / whole.height
    place = f"left:{rect.x * across:.3f}%;width:{rect.width * across:.3f}%;"
    place += f"top:{rect.y * down:.3f}%;height:{rect.height * down:.3f}%"
    told = f"{model.name}: {model.readiness}, {model.on_ane} of {model.ops} operations on the ANE of {model.target}"
    return (
        f'<li style="{place}"><a class="{_CLASS[model.readiness]}" href="#model-{number}" title="{safe(told)}">'
        f'<i style="width:{100 * (1 - model.share) if model.ops else 0:.1f}%"></i><span><b>{safe(model.name)}</b>'
        f"{model.on_ane}/{model.ops}</span></a></li>"
    )


def _models(found: Map, base: str) -> Iterator[str]:
    yield f'<section><h2 id="models">Models ({len(found.models)})</h2>'
    if found.models:
        yield '<ul class="models">'
        yield "".join(_card(number, model, base) for number, model in enumerate(found.models)) + "</ul>"
    else:
        yield "<p>None was found. Say inputs with <code># ane: input(...)</code>, or name an entry in the settings.</p>"
    if found.gone:
        yield "<p>No more: " + ", ".join(map(safe, found.gone)) + "</p>"
    yield "</section>"


def _card(number: int, model: Model, base: str) -> str:
    kind = _CLASS[model.readiness]
    facts = [f"{model.on_ane} of {model.ops} operations on the ANE of {model.target}"]
    facts += [f"{model.unknown_shapes} of unknown shape"] if model.unknown_shapes else []
    facts += [f"{n} {word}{'s' * (n != 1)}" for n, word in ((model.errors, "error"), (model.warnings, "warning")) if n]
    mild = model.findings - model.errors - model.warnings
    facts += [f"{mild} mild finding{'s' * (mild != 1)}"] if mild else []
    facts += [f"stopped early: {model.stopped}"] if model.stopped else []
    change = off = assumed = ""
    if model.change:
        told = f" (before: {model.before})" if model.before and model.change != "same" else ""
        change = f'<br><small class="{safe(model.change)}">{safe(_MARK[model.change] + told)}</small>'
    if model.off_ane:
        listed = ", ".join(f"{name} {count}" for name, count in model.off_ane[:6])
        off = f"<br><small>off the ANE: {safe(listed)}{', ...' if len(model.off_ane) > 6 else ''}</small>"
    if model.assumed:
        rows = "".join(f"<br><small>{safe(text)}</small>" for text in model.assumed)
        assumed = f"<details><summary>{len(model.assumed)} assumed</summary>{rows.removeprefix('<br>')}</details>"
    width = f"{100 * model.share:.1f}"
    return (
        f'<li class="{kind}" id="model-{number}"><h3>{safe(model.name)}</h3>'
        f"<small>{safe(model.file.removeprefix(base))}:{model.line}</small>"
        f'<div class="meter" aria-hidden="true"><div style="width:{width}%"></div></div>'
        f'<b class="state {kind}">{safe(model.readiness)}</b>: {safe(", ".join(facts))}{change}{off}{assumed}</li>'
    )  # fmt: skip


def _kinds(found: Map) -> Iterator[str]:
    """Bars: which operations there are most of that are not known to run on the ANE."""
    kinds = found.kinds()
    if not kinds:
        return
    yield f'<section><h2 id="kinds">Operations off the ANE ({sum(row[1] for row in kinds)})</h2><div class="kinds">'
    most = kinds[0][1]
    for kind, number, models in kinds[:_MOST_KINDS]:
        told = f"{number} in {models} model{'s' * (models != 1)}"
        width = f"{100 * number / most:.1f}"
        yield f'<code>{safe(kind)}</code><div style="width:{width}%"></div><small>{safe(told)}</small>'
    yield "</div>"
    if len(kinds) > _MOST_KINDS:
        yield f"<p><small>and {len(kinds) - _MOST_KINDS} more kinds</small></p>"
    yield "<p><small>They run on the CPU or GPU, or it is not known that the ANE takes them.</small></p></section>"


def _operations(found: Map) -> Iterator[str]:
    if not found.operations:
        return
    yield f'<section><h2 id="operations">What to change first ({len(found.operations)})</h2>'
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
