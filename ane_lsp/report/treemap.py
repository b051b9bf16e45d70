"""A squarified treemap (Bruls, Huizing, van Wijk 2000): rectangles of given areas, as square as they can be."""

from __future__ import annotations

from collections.abc import Sequence

from ane_lsp.graph.records import dataclass


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle by its upper left corner, in the units of the one it was cut from."""

    x: float
    y: float
    width: float
    height: float


def squarify(values: Sequence[float], into: Rect) -> list[Rect]:
    """`into` cut into a rectangle for each value, in proportion; the values must be positive and fall or stay equal."""
    found: list[Rect] = []
    rest = into
    at = 0
    while at < len(values):
        scale = rest.width * rest.height / sum(values[at:])
        side = min(rest.width, rest.height)
        end = at + 1
        while end < len(values) and _worst(values[at : end + 1], side, scale) <= _worst(values[at:end], side, scale):
            end += 1
        thickness = sum(values[at:end]) * scale / side if side else 0.0
        offset = 0.0
        for value in values[at:end]:
            length = value * scale / thickness if thickness else 0.0
            if rest.width >= rest.height:
                found.append(Rect(rest.x, rest.y + offset, thickness, length))
            else:
                found.append(Rect(rest.x + offset, rest.y, length, thickness))
            offset += length
        if rest.width >= rest.height:
            rest = Rect(rest.x + thickness, rest.y, max(0.0, rest.width - thickness), rest.height)
        else:
            rest = Rect(rest.x, rest.y + thickness, rest.width, max(0.0, rest.height - thickness))
        at = end
    return found


def _worst(row: Sequence[float], side: float, scale: float) -> float:
    """The longest shape of a row laid along `side`, as the ratio of its sides."""
    total = sum(row) * scale
    return max(side * side * max(row) * scale / total**2, total**2 / (side * side * min(row) * scale)) if side else 0.0
