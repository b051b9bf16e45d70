"""The soak test's figure: latency and memory over time, as SVG without a library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, PANEL, LEFT, RIGHT, GAP = 860, 190, 70, 20, 62
COLOURS = ("#00796b", "#c75b00", "#5e35b1", "#546e7a")
Series = tuple[str, Sequence[tuple[float, float]]]


def svg(title: str, panels: Sequence[tuple[str, Sequence[Series]]]) -> str:
    """Panels below one another, each with its unit and named lines of (minutes, value)."""
    height = len(panels) * (PANEL + GAP) + 40
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f"<desc>Over the minutes: {escape('; '.join(unit for unit, _ in panels))}</desc>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" fill="#222222">{escape(title)}</text>',
    ]
    for number, (unit, lines) in enumerate(panels):
        out += _panel(40 + number * (PANEL + GAP), unit, lines)
    return "\n".join([*out, "</svg>"]) + "\n"


def _panel(top: int, unit: str, lines: Sequence[Series]) -> list[str]:
    last = max((x for _, points in lines for x, _ in points), default=1.0) or 1.0
    high = _round(max((y for _, points in lines for _, y in points), default=1.0) or 1.0)
    bottom, right = top + PANEL, WIDTH - RIGHT

    def place(x: float, y: float) -> str:
        return f"{LEFT + (right - LEFT) * x / last:.1f},{bottom - PANEL * min(y, high) / high:.1f}"

    out = []
    for step in range(5):
        y = bottom - PANEL * step / 4
        out.append(f'<line x1="{LEFT}" y1="{y:.0f}" x2="{right}" y2="{y:.0f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end" fill="#555555">{high * step / 4:g}</text>')
    for step in range(7):
        x = LEFT + (right - LEFT) * step / 6
        out.append(
            f'<text x="{x:.0f}" y="{bottom + 17}" text-anchor="middle" fill="#555555">{last * step / 6:.0f} min</text>'
        )
    out.append(f'<text x="{LEFT - 8}" y="{top - 8}" text-anchor="end" fill="#222222">{escape(unit)}</text>')
    at = LEFT + 10
    for (name, points), colour in zip(lines, COLOURS, strict=False):
        path = " ".join(place(x, y) for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        out.append(f'<rect x="{at}" y="{top - 17}" width="12" height="4" fill="{colour}"/>')
        out.append(f'<text x="{at + 17}" y="{top - 10}" fill="#222222">{escape(name)}</text>')
        at += 40 + 8 * len(name)
    return out


def _round(value: float) -> float:
    """The next of 1, 2, 4, 5, 8 times a power of ten."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value)
