"""How a tensor of a block is held while the block is moved to (batch, channels, 1, length).

A tensor of axes (batch, length, ...) that linear layers make is held as one of axes (batch, channels, 1, length). Splitting its
last axis, permuting and taking parts move no element then: they only say how the channels are to be read.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from ane_lsp.fixes.tree import Refused
from ane_lsp.graph.records import dataclass

BATCH, LENGTH = -1, -2
"""Names of two axes; those that the channels are split into count from 0, the slowest first."""


@dataclass(frozen=True)
class Plain:
    """Anything held as it was. text: how it is written now."""

    text: str


@dataclass(frozen=True)
class Channels:
    """A tensor held as (batch, channels, 1, length).

    text: the tensor held. order: the axes of the tensor it stands for. factors: sizes of what the channels are split into, as
    written; None where they are not written.
    """

    text: str
    order: tuple[int, ...] = (BATCH, LENGTH, 0)
    factors: tuple[str | None, ...] = (None,)

    @property
    def is_sequence(self) -> bool:
        """(batch, length, channels), nothing split."""
        return self.order == (BATCH, LENGTH, 0)

    @property
    def is_natural(self) -> bool:
        """(batch, length, split channels) in their own order."""
        return self.order == (BATCH, LENGTH, *range(len(self.factors)))

    def size(self, axis: int) -> str:
        """How long an axis is, as source."""
        label = self.order[axis]
        if label == BATCH:
            return f"{atom(self.text)}.shape[0]"
        if label == LENGTH:
            return f"{atom(self.text)}.shape[3]"
        if len(self.factors) == 1:
            return f"{atom(self.text)}.shape[1]"
        written = self.factors[label]
        if written is not None:
            return written
        others = [f for i, f in enumerate(self.factors) if i != label]
        if any(f is None for f in others):
            raise Refused("the sizes that the channels are split into are not written")
        return " // ".join([f"{atom(self.text)}.shape[1]", *(atom(f) for f in others if f)])

    def with_text(self, text: str) -> Channels:
        return replace(self, text=text)

    def permuted(self, axes: list[int]) -> Channels:
        """The same elements, axes in another order."""
        rank = len(self.order)
        if sorted(a % rank for a in axes) != list(range(rank)):
            raise Refused("not a permutation")
        return replace(self, order=tuple(self.order[a % rank] for a in axes))

    def parts(self, axis: int) -> tuple[str, Channels]:
        """How many parts the outermost split axis has, and what each is; Refused for another axis."""
        label = self.order[axis]
        count = self.factors[0]
        if label != 0 or len(self.factors) < 2 or count is None:
            raise Refused("the parts do not lie one behind the other in the channels")
        order = tuple(n - 1 if n > 0 else n for i, n in enumerate(self.order) if n != 0 and i != axis % len(self.order))
        return count, replace(self, order=order, factors=self.factors[1:])


@dataclass(frozen=True)
class Several:
    """A tuple of them. text: how the tuple is written; parts: what each is, with its own text."""

    text: str
    parts: tuple[Plain | Channels, ...]


@dataclass(frozen=True)
class Scores:
    """Attention that has begun and is written out when it meets the values.

    factors: what the channels of the queries are split into. scale: factors, as source. mask: as scaled_dot_product_attention takes it. dropout: a probability, as source.
    """

    queries: str
    keys: str
    heads: str
    factors: tuple[str | None, ...]
    scale: tuple[str, ...] = ()
    mask: str | None = None
    normalised: bool = False
    dropout: str | None = None

    def call(self, helper: str, values: str) -> str:
        """The whole attention."""
        parts = [self.queries, self.keys, values, self.heads, " * ".join(self.scale) or "1.0"]
        if self.mask is not None:
            parts.append(f"mask={self.mask}")
        if self.dropout is not None:
            parts.append(f"dropout={self.dropout}")
        return f"{helper}({', '.join(parts)})"

    @property
    def names(self) -> set[str]:
        """Names that have to mean the same until it is written out."""
        texts = [self.queries, self.keys, self.heads, *self.scale, self.mask, self.dropout]
        return set().union(*(names_in(text) for text in texts if text))


@dataclass(frozen=True)
class Broken:
    """What can no longer be written where it is used, and why."""

    reason: str


Held = Plain | Channels | Several | Scores | Broken


def names_in(text: str) -> set[str]:
    """Names that a piece of source reads."""
    return {n.id for n in ast.walk(ast.parse(f"({text})", mode="eval")) if isinstance(n, ast.Name)}


def depends(held: Held) -> set[str]:
    """Names whose change would change what is known of a value, besides its own."""
    if isinstance(held, Scores):
        return held.names
    if isinstance(held, Channels):
        return set().union(*(names_in(f) for f in held.factors if f))
    if isinstance(held, Several):
        return set().union(*(depends(part) for part in held.parts))
    return set()


def atom(text: str) -> str:
    """Source that any operator may follow."""
    node = ast.parse(f"({text}\n)", mode="eval").body
    tight = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
    return text if tight or (text.startswith("(") and isinstance(node, ast.Tuple)) else f"({text})"


def to_channels(text: str) -> str:
    """(batch, length, channels) as (batch, channels, 1, length)."""
    return f"{atom(text)}.transpose(1, 2).unsqueeze(2)"


def to_sequence(held: Channels) -> str:
    """Back again."""
    if not held.is_sequence:
        raise Refused("is used while its channels are split")
    return f"{atom(held.text)}.squeeze(2).transpose(1, 2)"
