"""Moving elements: by slices, views and permutations that convert."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, is_stable, literal


@fixer("ANE101", "ANE418")
def roll_by_slices(site: Site) -> Iterator[Fix]:
    """torch.roll along known axes as torch.cat of two slices each.

    For a shift s of less than the axis' length, either sign: x[-s:] in front of x[:-s]. Seen to hold in every context. A slice
    that takes everything is an alias to torch.export, which has no converter, so nothing may be rolled by 0.
    """
    if site.name() not in ("torch.roll", "torch.Tensor.roll"):
        raise Refused("not roll")
    given, rest = site.method_or_function(("shifts", "dims"))
    shifts, dims = rest.get("shifts"), rest.get("dims")
    if shifts is None or dims is None:
        raise Refused("rolls the flattened tensor")
    tree, rank = site.tree, site.rank()
    axes = [_whole(dim) for dim in _each(dims)]
    cuts = [_cut(site, shift) for shift in _each(shifts)]
    if len(axes) > 1 and not isinstance(shifts, (ast.Tuple, ast.List)) and is_stable(shifts):
        cuts = [f"-{tree.text(shifts)}[{index}]" for index in range(len(axes))]
    if len(cuts) != len(axes) or not axes:
        raise Refused("as many shifts as axes")
    cat, imports = tree.spell("torch.cat")
    edits: list[TextEdit] = []
    if is_stable(given):
        text = tree.text(given)
    else:
        text = tree.fresh("given")
        edits.append(tree.before(site.call, f"{text} = {tree.text(given)}"))
    for index, (axis, at) in enumerate(zip(axes, cuts, strict=True)):
        if not -rank <= axis < rank:
            raise Refused("no such axis")
        _within(site, index, axis)
        negative = axis % rank - rank
        front, behind = "..., " if rank + negative else "", ", :" * (-1 - negative)
        joined = f"{cat}(({text}[{front}{at}:{behind}], {text}[{front}:{at}{behind}]), dim={negative})"
        if index == len(axes) - 1:
            edits.append(tree.replace(site.call, joined, atomic=True))
        else:
            text = tree.fresh("rolled" if index == 0 else f"rolled_{index + 1}")
            edits.append(tree.before(site.call, f"{text} = {joined}"))
    yield site.fix("Roll by torch.cat of two slices", *edits, *imports)


def _cut(site: Site, shift: ast.expr) -> str:
    """Where the axis is cut: minus the shift."""
    if isinstance(shift, ast.UnaryOp) and isinstance(shift.op, ast.USub) and _is_plain(shift.operand):
        return site.tree.text(shift.operand)
    if _is_plain(shift):
        return f"-{site.tree.text(shift)}"
    raise Refused("the shift is computed here")


def _is_plain(node: ast.expr) -> bool:
    """``3``, ``shift``, ``self.shift_size[0]``."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and _is_plain(node.value)
    return is_stable(node)


def _within(site: Site, index: int, axis: int) -> None:
    """Refuses where a shift is not known, is 0, or is not shorter than its axis, in any context."""
    for call in site.calls:
        value = call.params.get("shifts")
        shift = value[index] if isinstance(value, (tuple, list)) and index < len(value) else value
        shape = site.operand(call).shape
        size = shape[axis] if shape is not None else None
        if type(shift) is not int or not isinstance(size, int) or not 0 < abs(shift) < size:
            raise Refused("the shift may be 0, or longer than the axis")


def _each(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, (ast.Tuple, ast.List)) else [node]


def _whole(node: ast.expr | None) -> int:
    value = literal(node)
    if type(value) is not int:
        raise Refused("not a whole number")
    return value


@fixer("ANE418")
def repeat_by_expand(site: Site) -> Iterator[Fix]:
    """repeat_interleave by a whole number along one axis: a new axis behind it, expanded and merged."""
    if site.name() not in ("torch.repeat_interleave", "torch.Tensor.repeat_interleave"):
        raise Refused("not repeat_interleave")
    given, rest = site.method_or_function(("repeats", "dim", "output_size"))
    rank, count = site.rank(), _whole(rest.get("repeats"))
    axis = _whole(rest.get("dim"))
    if not -rank <= axis < rank or count < 1 or rank > 4 or "output_size" in rest:
        raise Refused("other arguments, or too many axes")
    text = expanded(site.tree.atom(given), axis % rank, rank, count)
    yield site.fix("Repeat by expanding a new axis", site.tree.replace(site.call, text, atomic=True))


def expanded(text: str, axis: int, rank: int, count: int) -> str:
    """Each element of an axis `count` times, as views of one more axis."""
    sizes = ["-1"] * (rank + 1)
    sizes[axis + 1] = str(count)
    return f"{text}.unsqueeze({axis + 1}).expand({', '.join(sizes)}).flatten({axis}, {axis + 1})"


@fixer("ANE106")
def repeated_heads(site: Site) -> Iterator[Fix]:
    """enable_gqa=True with the key and value heads written out as often as there are query heads for each."""
    if site.finding.data.get("case") != "F.scaled_dot_product_attention(enable_gqa=True)":
        raise Refused("another case")
    keywords = {k.arg: k for k in site.call.keywords}
    if (
        len(site.call.args) < 3
        or "enable_gqa" not in keywords
        or any(isinstance(a, ast.Starred) for a in site.call.args)
    ):
        raise Refused("not written with three operands")
    if literal(keywords["enable_gqa"].value) is not True:
        raise Refused("not a literal")
    if {site.rank(i) for i in range(3)} != {4}:
        raise Refused("not four axes")
    heads = site.length(-3, 0)
    edits = [site.tree.replace(keywords["enable_gqa"].value, "False", atomic=True)]
    for index in (1, 2):
        own = site.length(-3, index)
        if heads % own:
            raise Refused("the heads do not divide")
        node = site.call.args[index]
        if heads != own:
            edits.append(site.tree.replace(node, expanded(site.tree.atom(node), 1, 4, heads // own), atomic=True))
    yield site.fix("Repeat the key and value heads in front of the attention", *edits)


@fixer("ANE101")
def matrix_transpose(site: Site) -> Iterator[Fix]:
    """x.mT as x.transpose(-2, -1)."""
    if site.name() != "torch.Tensor.mT" or not isinstance(site.node, ast.Attribute):
        raise Refused("not mT")
    text = f"{site.tree.atom(site.node.value)}.transpose(-2, -1)"
    yield site.fix("Transpose the last two axes", site.tree.replace(site.node, text, atomic=True))


@fixer("ANE101")
def moved_axes(site: Site) -> Iterator[Fix]:
    """movedim as a permutation of all axes."""
    if site.name().rsplit(".", 1)[-1] not in ("movedim", "moveaxis"):
        raise Refused("not movedim")
    given, rest = site.method_or_function(("source", "destination"))
    rank = site.rank()
    source, target = _axes(rest.get("source"), rank), _axes(rest.get("destination"), rank)
    if len(source) != len(target):
        raise Refused("as many axes as places")
    places = dict(zip(target, source, strict=True))
    left = iter(axis for axis in range(rank) if axis not in source)
    order = [places[i] if i in places else next(left) for i in range(rank)]
    text = f"{site.tree.atom(given)}.permute({', '.join(map(str, order))})"
    yield site.fix("Permute the axes", site.tree.replace(site.call, text, atomic=True))


def _axes(node: ast.expr | None, rank: int) -> list[int]:
    value = literal(node)
    found = list(value) if isinstance(value, (tuple, list)) else [value]
    if not found or not all(type(v) is int and -rank <= v < rank for v in found):
        raise Refused("the axes are not literals")
    axes = [v % rank for v in found if isinstance(v, int)]
    if len(set(axes)) != len(axes):
        raise Refused("an axis twice")
    return axes


@fixer("ANE101")
def stacked_rows(site: Site) -> Iterator[Fix]:
    """vstack and column_stack of tensors of two axes or more: cat."""
    axis = {"torch.vstack": 0, "torch.row_stack": 0, "torch.column_stack": 1}.get(site.name())
    if axis is None or len(site.call.args) != 1 or site.call.keywords or site.tree.qualified(site.call.func) is None:
        raise Refused("not vstack")
    items = site.call.args[0]
    if not isinstance(items, (ast.Tuple, ast.List)):
        raise Refused("the tensors are not listed")
    for call in site.calls:
        given = call.args[0] if call.args else None
        if not isinstance(given, (tuple, list)) or any((v.type.rank or 0) < 2 for v in given):
            raise Refused("fewer than two axes")
    yield site.fix("Concatenate", *place(site, site.call, f"torch.cat({site.tree.text(items)}, {axis})", atomic=True))


@fixer("ANE101")
def difference(site: Site) -> Iterator[Fix]:
    """diff along one axis: each element minus the one before."""
    if site.name().rsplit(".", 1)[-1] != "diff":
        raise Refused("not diff")
    given, rest = site.method_or_function(("n", "dim", "prepend", "append"))
    rank = site.rank()
    axis = _whole(rest["dim"]) if "dim" in rest else -1
    if {"prepend", "append"} & set(rest) or ("n" in rest and _whole(rest["n"]) != 1) or not -rank <= axis < rank:
        raise Refused("other arguments")
    if not is_stable(given) or not site.is_float():
        raise Refused("written twice, or no floats")
    axis = axis % rank - rank
    front, behind = "..., " if rank + axis else "", ", :" * (-1 - axis)
    text = site.tree.text(given)
    edit = site.tree.replace(site.call, f"{text}[{front}1:{behind}] - {text}[{front}:-1{behind}]")
    yield site.fix("Subtract shifted slices", edit)
