"""Bar charts as SVG inside a page: they take the page's colours and need no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_ROW, _LABEL, _WIDTH, _VALUE = 26, 190, 720, 90


def bars(title: str, rows: Sequence[tuple[str, float, bool]], unit: str) -> str:
    """A bar for each (label, value, emphasised); the longest fills the width."""
    longest = max(value for _, value, _ in rows)
    room = _WIDTH - _LABEL - _VALUE
    parts = []
    for number, (label, value, own) in enumerate(rows):
        y = number * _ROW
        width = max(2.0, room * value / longest)
        colour, opacity, weight = ("var(--ane-accent,#0b7a75)", 1, 600) if own else ("currentColor", 0.35, 400)
        parts.append(
            f'<text x="{_LABEL - 8}" y="{y + 17}" text-anchor="end" font-weight="{weight}">{escape(label)}</text>'
            f'<rect x="{_LABEL}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 8}" rx="2" fill="{colour}" '
            f'opacity="{opacity}"/><text x="{_LABEL + width + 6:.1f}" y="{y + 17}">{value:g} {escape(unit)}</text>'
        )
    height = len(rows) * _ROW
    told = "; ".join(f"{label} {value:g} {unit}" for label, value, _ in rows)
    return (
        f'<figure class="picture"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'font-size="13" fill="currentColor"><title>{escape(title)}</title><desc>{escape(told)}</desc>{"".join(parts)}</svg>'
        f"<figcaption>{escape(title)}</figcaption></figure>"
    )
