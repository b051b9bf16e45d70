"""Inlay hints: shapes behind names that were assigned a tensor and parameters of ``forward``; with ``all`` behind every torch call."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types as lsp

from ane_lsp.graph import Span
from ane_lsp.server.client import Client
from ane_lsp.server.features.hover import code
from ane_lsp.server.features.view import View, touches
from ane_lsp.server.results import CallSite, ShapeHint


def inlay_hints(view: View, asked: lsp.Range, mode: str, client: Client) -> list[lsp.InlayHint]:
    """Hints in a range. mode: the setting ``inlay-hints``."""
    shown = view.unit.shown()
    if shown is None or mode == "off":
        return []
    start, end = view.at(asked.start), view.at(asked.end)
    found: list[lsp.InlayHint] = []
    taken: set[tuple[int, int]] = set()
    for hint in view.moved(shown.shapes()):
        if touches(hint.span, start, end) and _informative(hint.types):
            taken.add((hint.span.end_line, hint.span.end_col))
            text = label(hint) if _annotated(hint) else ": " + label(hint)
            found.append(_hint(view, hint.span, text, tooltip(hint), client, padding_left=_annotated(hint)))
    if mode == "all":
        for site in view.moved(shown.calls()):
            place = (site.span.end_line, site.span.end_col)
            outs = tuple(dict.fromkeys(signature.out for signature in site.signatures))
            if site.built or place in taken or not touches(site.span, start, end) or not _informative(outs):
                continue
            taken.add(place)
            found.append(_hint(view, site.span, " → " + _first(outs, site.more), call_tooltip(site), client))
    return sorted(found, key=lambda hint: (hint.position.line, hint.position.character))


def resolve(view: View, hint: lsp.InlayHint) -> lsp.InlayHint:
    """Add the tooltip that was left out."""
    data = hint.data if isinstance(hint.data, dict) else {}
    shown = view.unit.shown()
    if shown is not None and data.get("version") == view.document.version:
        for item in (*view.moved(shown.shapes()), *view.moved(shown.calls())):
            if [item.span.line, item.span.col, item.span.end_line, item.span.end_col] == data.get("at"):
                text = tooltip(item) if isinstance(item, ShapeHint) else call_tooltip(item)
                hint.tooltip = lsp.MarkupContent(lsp.MarkupKind.Markdown, text)
                break
    return hint


def label(hint: ShapeHint) -> str:
    """The type of the first run; a plus where other runs gave others."""
    return _first(hint.types, hint.more)


def tooltip(hint: ShapeHint) -> str:
    """All types, and which models gave them."""
    lines = [code(hint.name) + (f" in {', '.join(map(code, hint.models))}" if hint.models else ""), ""]
    lines += [f"- {code(kind)}" for kind in hint.types]
    if hint.more:
        lines.append(f"- and {hint.more} more")
    return "\n".join(lines)


def call_tooltip(site: CallSite) -> str:
    """All results of a call."""
    outs = dict.fromkeys(signature.out for signature in site.signatures)
    return "\n".join([code(site.torch), "", *(f"- {code(out)}" for out in outs)])


def _first(types: Sequence[str], more: int) -> str:
    others = len(types) - 1 + more
    return types[0] + (f" (+{others})" if others else "")


def _annotated(hint: ShapeHint) -> bool:
    """Whether the hint stands behind ``x: torch.Tensor`` and not behind a name."""
    span = hint.span
    return span.line != span.end_line or span.end_col - span.col != len(hint.name.encode("utf-8", "surrogatepass"))


def _informative(types: Sequence[str]) -> bool:
    return any(kind.startswith("[") for kind in types)


def _hint(view: View, span: Span, text: str, tip: str, client: Client, padding_left: bool = False) -> lsp.InlayHint:
    following = view.text.line(span.end_line).encode("utf-8", "surrogatepass")[span.end_col : span.end_col + 1]
    hint = lsp.InlayHint(
        view.range(span).end,
        text,
        lsp.InlayHintKind.Type,
        padding_left=padding_left,
        padding_right=following not in (b"", b" ", b"\t", b",", b")", b":"),
    )
    if client.lazy_hint_tooltips:
        hint.data = {
            "uri": view.document.uri, "version": view.document.version,
            "at": [span.line, span.col, span.end_line, span.end_col],
        }  # fmt: skip
    else:
        hint.tooltip = lsp.MarkupContent(lsp.MarkupKind.Markdown, tip)
    return hint
