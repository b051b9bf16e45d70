"""The pattern language of einops: ``b (h w) c -> b c h w`` as axes, groups and their sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ane_lsp.graph import DimLike, Shape, Unknown, dims
from ane_lsp.graph.records import dataclass
from ane_lsp.torch_model.registry import TorchError
from ane_lsp.torch_model.shapes import Undetermined, as_size

DOTS = "…"  # an ellipsis inside brackets
BARE = "…*"  # one that stands alone
Group = tuple[str, ...]


def fail(message: str) -> None:
    raise TorchError(f"EinopsError: {message}")


def parse_side(text: str, numbers: bool) -> list[Group]:
    """One side of a pattern: a group of axis names for each axis of the tensor; a unit axis is an empty group.

    Axes given by a number get a name of their own (``#0=3``). An ellipsis is the axis ``…``.
    Raises TorchError for what einops refuses.
    """
    groups: list[Group] = []
    current: list[str] | None = None
    text = text.replace("...", f" {DOTS} ")
    if "." in text:
        fail("Expression may contain dots only inside ellipsis (...)")
    for token in text.replace("(", " ( ").replace(")", " ) ").split():
        if token == "(":
            if current is not None:
                fail("Axis composition is one-level (brackets inside brackets not allowed)")
            current = []
        elif token == ")":
            if current is None:
                fail("Brackets are not balanced")
            groups.append(tuple(current or ()))
            current = None
        elif token == "1":
            if current is None:
                groups.append(())
        else:
            name = _axis_name(token, numbers, len(groups), len(current or ()))
            if current is None:
                groups.append((BARE if name == DOTS else name,))
            else:
                current.append(name)
    if current is not None:
        fail("Brackets are not balanced")
    names = [name.rstrip("*") for group in groups for name in group if name[0] != "#"]
    if len(set(names)) != len(names):
        fail(f"Indexing expression contains duplicate dimension in {text!r}")
    return groups


def _axis_name(token: str, numbers: bool, at: int, inner: int) -> str:
    if token == DOTS:
        return DOTS
    if token.isdecimal():
        if not numbers or int(token) < 1:
            fail("Non-unitary anonymous axes are not supported here")
        return f"#{at}.{inner}={token}"
    if not token.isidentifier() or token[0] == "_" or token[-1] == "_":
        fail(f"Invalid axis identifier: {token}")
    return token


@dataclass(frozen=True)
class Recipe:
    """How a pattern acts on one shape.

    axes: the elementary axes of the input and their sizes, in order. groups: the output's axes by elementary axis name.
    sizes: of every axis of either side.
    """

    axes: list[tuple[str, DimLike]]
    groups: list[Group]
    sizes: Mapping[str, DimLike]

    @property
    def shape(self) -> Shape:
        return tuple(dims.product(self.sizes[name] for name in group) for group in self.groups)

    @property
    def removed(self) -> list[str]:
        """Axes of the input that the output lacks."""
        kept = {name for group in self.groups for name in group}
        return [name for name, _ in self.axes if name not in kept]

    @property
    def added(self) -> list[str]:
        """Axes of the output that the input lacks."""
        had = {name for name, _ in self.axes}
        return [name for group in self.groups for name in group if name not in had]


def expand_dots(groups: Sequence[Group], count: int) -> list[Group]:
    """The ellipsis written out as `count` axes, in their own groups or inside the group it stands in."""
    names = tuple(f"{DOTS}{i}" for i in range(count))
    found: list[Group] = []
    for group in groups:
        if group == (BARE,):
            found += [(name,) for name in names]
        else:
            found.append(tuple(n for name in group for n in (names if name == DOTS else (name,))))
    return found


def resolve(pattern: str, operation: str, shape: Shape, lengths: Mapping[str, Any]) -> Recipe:
    """`pattern` for a tensor of `shape`. operation: ``rearrange``, ``reduce`` or ``repeat``.

    Raises TorchError where einops raises, Undetermined where the pattern does not tell the result's rank.
    """
    left_text, arrow, right_text = pattern.partition("->")
    if not arrow:
        fail(f"pattern {pattern!r} has no '->'")
    left = parse_side(left_text, numbers=operation == "reduce")
    right = parse_side(right_text, numbers=operation == "repeat")
    _check_names(left, right, operation)
    if any(DOTS in group for group in left):
        fail("Ellipsis inside parenthesis in the left side is not allowed")
    dots = any(BARE in group for group in left)
    free = len(shape) - len(left) + dots
    if free < 0 or (free and not dots):
        fail(f"Wrong shape: expected {len(left)} dims. Received {len(shape)}-dim tensor.")
    left = expand_dots(left, free if dots else 0)
    right = expand_dots(right, free if dots else 0)
    sizes: dict[str, DimLike] = {}
    for name in {n for group in (*left, *right) for n in group if n[0] == "#"}:
        sizes[name] = int(name.partition("=")[2])
    known = {name for group in (*left, *right) for name in group}
    for name, value in lengths.items():
        if name not in known:
            fail(f"Axis {name} is not used in transform")
        sizes[name] = dims.fresh() if isinstance(value, Unknown) else as_size(value, name)
    axes: list[tuple[str, DimLike]] = []
    for group, size in zip(left, shape, strict=True):
        _solve(group, size, sizes)
        axes += [(name, sizes[name]) for name in group]
    for group in right:
        for name in group:
            if name not in sizes:
                fail(f"Specify sizes for new axes in repeat: {name}")
    return Recipe(axes, right, sizes)


def _check_names(left: Sequence[Group], right: Sequence[Group], operation: str) -> None:
    source = {n.rstrip("*") for group in left for n in group if n[0] != "#"}
    target = {n.rstrip("*") for group in right for n in group if n[0] != "#"}
    if operation == "rearrange" and source != target:
        fail(f"Identifiers only on one side of expression (should be on both): {source ^ target}")
    if operation == "reduce" and target - source:
        fail(f"Unexpected identifiers on the right side of reduce: {target - source}")
    if operation == "repeat" and source - target:
        fail(f"Unexpected identifiers on the left side of repeat: {source - target}")
    if DOTS in target and DOTS not in source:
        fail("Ellipsis found in right side, but not left side of a pattern")


def _solve(group: Group, size: DimLike, sizes: dict[str, DimLike]) -> None:
    """Work out the one axis of a group whose size is not given."""
    unknown = [name for name in group if name not in sizes]
    product = dims.product(sizes[name] for name in group if name in sizes)
    if len(unknown) > 1:
        fail(f"Could not infer sizes for {set(unknown)}")
    if not unknown:
        if dims.equal(product, size) is False:
            fail(f"Shape mismatch, {size} != {product}")
        return
    found = dims.exact_div(size, product) if product != 1 else size
    if found is None:
        if isinstance(size, int) and isinstance(product, int):
            fail(f"Shape mismatch, can't divide axis of length {size} in chunks of {product}")
        found = dims.floordiv(size, product) if dims.is_known(size) and dims.is_known(product) else dims.fresh()
    sizes[unknown[0]] = found


def known_pattern(pattern: Any) -> str:
    """The pattern as text. Raises Undetermined where it is unknown."""
    if isinstance(pattern, Unknown):
        raise Undetermined(pattern.reason)
    if not isinstance(pattern, str):
        fail("the pattern must be a string")
    return str(pattern)


def packed_axes(pattern: str, what: str) -> tuple[int, int, int]:
    """Axes before and after the ``*`` of a pack pattern, and the rank of the packed tensor."""
    names = pattern.split()
    if names.count("*") != 1:
        fail(f'No * or more than one in {what}: "{pattern}"')
    if len(set(names)) != len(names):
        fail(f"Duplicates in axes names in {what}")
    for name in names:
        if name != "*" and not name.isidentifier():
            fail(f"Invalid axis name {name} in {what}")
    before = names.index("*")
    return before, len(names) - before - 1, len(names)
