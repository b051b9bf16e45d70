"""Choosing elements: by mask and comparison instead of by index."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, is_stable, literal
from ane_lsp.graph import Value

# Calls whose result is memory of its own, so that writing into it changes nothing else.
_FRESH = frozenset({
    "clone", "abs", "exp", "log", "sqrt", "relu", "sigmoid", "tanh", "softmax", "matmul", "zeros", "ones", "full", "zeros_like",
    "ones_like", "full_like", "rand", "randn", "where", "cat", "stack", "sum", "mean", "pow", "linear",
})  # fmt: skip


@fixer("ANE220")
def constant_triangle(site: Site) -> Iterator[Fix]:
    """tril and triu as a choice by a constant mask of what becomes zero (a number stands first in torch.where: as the last
    argument it does not convert by torch.export)."""
    last = site.name().rsplit(".", 1)[-1]
    if last not in ("tril", "triu"):
        raise Refused("not tril or triu")
    given, rest = site.method_or_function(("diagonal",))
    diagonal = literal(rest.get("diagonal"))
    if not isinstance(diagonal, (int, type(None))) or not site.is_float():
        raise Refused("the diagonal is not a literal")
    rows, columns = site.length(-2), site.length(-1)
    edits: list[TextEdit] = []
    if is_stable(given):
        text = site.tree.text(given)
    else:
        text = site.tree.fresh("given")
        edits.append(site.tree.before(site.call, f"{text} = {site.tree.text(given)}"))
    start = diagonal or 0
    other = f"triu({start + 1})" if last == "tril" else f"tril({start - 1})"
    mask = f"torch.ones({rows}, {columns}, dtype=torch.bool, device={text}.device).{other}"
    edits += place(site, site.call, f"torch.where({mask}, 0.0, {text})", atomic=True)
    yield site.fix(f"Choose by a constant {rows} x {columns} mask", *edits)


@fixer("ANE212", "ANE210")
def masked_assignment(site: Site) -> Iterator[Fix]:
    """``x[mask] = v`` for a number v and an x of this function's own: ``x = torch.where(mask, v, x)``."""
    node = site.node
    statement = site.tree.statement(node)
    if not isinstance(statement, ast.Assign) or statement.targets != [node] or not isinstance(node, ast.Subscript):
        raise Refused("not an assignment by mask")
    name, mask = node.value, node.slice
    if not isinstance(name, ast.Name) or not isinstance(
        mask, (ast.Name, ast.Compare, ast.UnaryOp, ast.BinOp, ast.Call, ast.Attribute)
    ):
        raise Refused("not a name, or several indices")
    number = literal(statement.value)
    if not isinstance(number, (int, float)) or isinstance(number, bool) or not site.is_float():
        raise Refused("the value is no number")
    _is_mask(site)
    _is_own(site, name, statement)
    tree = site.tree
    span = tree.span(statement)
    made = place(site, node, f"torch.where({tree.text(mask)}, {tree.text(statement.value)}, {name.id})", atomic=True)
    where = made[0].text
    yield site.fix("Choose by torch.where", TextEdit(span, f"{name.id} = {where}"), *made[1:])


def _is_mask(site: Site) -> None:
    """The index is a bool tensor that broadcasts to the tensor from the left with all its axes: one of the same rank."""
    for call in site.calls:
        index = call.args[1] if len(call.args) > 1 else None
        target = call.args[0] if call.args else None
        if not isinstance(index, Value) or not isinstance(target, Value) or index.type.dtype != "b8":
            raise Refused("the index is no mask")
        if index.type.shape is None or index.type.shape != target.type.shape:
            raise Refused("the mask has another shape")
    if not site.calls:
        raise Refused("no call")


def _is_own(site: Site, name: ast.Name, statement: ast.stmt) -> None:
    """The name was given memory of its own by the last assignment before, in the same block, and no other name has it."""
    for parent in site.tree.parents(statement):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(parent, block, None)
            if isinstance(statements, list) and statement in statements:
                return _check_own(site, name.id, statements[: statements.index(statement)])
    raise Refused("no block")


def _check_own(site: Site, name: str, earlier: Sequence[ast.stmt]) -> None:
    for other in reversed(earlier):
        if isinstance(other, ast.Assign) and len(other.targets) == 1:
            target = other.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                if _is_fresh(site, other.value):
                    return
                break
        if isinstance(other, ast.Assign) and _keeps(other.value, name):
            break  # another name for it, or a part of it
        if not isinstance(other, (ast.Assign, ast.Expr)):
            break
    raise Refused("the tensor may be known elsewhere")


def _keeps(value: ast.expr, name: str) -> bool:
    if isinstance(value, (ast.BinOp, ast.Compare)):
        return False
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(value))


def _is_fresh(site: Site, value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return True
    if not isinstance(value, ast.Call):
        return False
    qualified = site.tree.qualified(value.func)
    last = (
        qualified.rsplit(".", 1)[-1] if qualified else value.func.attr if isinstance(value.func, ast.Attribute) else ""
    )
    return last in _FRESH and not any(k.arg in ("out", "inplace") for k in value.keywords)


@fixer("ANE213")
def one_hot_by_comparison(site: Site) -> Iterator[Fix]:
    """``F.one_hot(ids, n).float()`` (or ``.to(x.dtype)`` and the like) as a comparison with a range: the cast that follows makes
    the same ones and zeros of truth values."""
    if site.name() != "torch.nn.functional.one_hot":
        raise Refused("not F.one_hot")
    given, rest = site.method_or_function(("num_classes",))
    count = rest.get("num_classes")
    if count is None or not (is_stable(count) or isinstance(count, ast.Constant)):
        raise Refused("the number of classes is not given")
    if isinstance(count, ast.Constant) and (type(count.value) is not int or count.value < 1):
        raise Refused("the number of classes is not given")
    parents = list(site.tree.parents(site.call))
    method = parents[0].attr if parents and isinstance(parents[0], ast.Attribute) else None
    cast = parents[1] if method in ("float", "half", "double", "to", "type", "type_as") else None
    made = site.tensor(cast) if isinstance(cast, ast.Call) and cast.func is parents[0] else ()
    if not made or not all(type.dtype in ("f16", "bf16", "f32", "f64") for type in made):
        raise Refused("its integers are used")
    tree = site.tree
    number = tree.text(count)
    edits: list[TextEdit] = []
    if is_stable(given):
        text = tree.text(given)
    else:
        text = tree.fresh("ids")
        edits.append(tree.before(site.call, f"{text} = {tree.text(given)}"))
    comparison = f"({text}.unsqueeze(-1).float() == torch.arange({number}, dtype=torch.float32, device={text}.device))"
    edits += place(site, site.call, comparison, atomic=True)
    yield site.fix("Compare floats with a constant range (whole numbers up to 2048 in fp16)", *edits)


@fixer("ANE218")
def not_a_number(site: Site) -> Iterator[Fix]:
    """nan_to_num with a comparison: NaN is the one number unequal to itself."""
    last = site.name().rsplit(".", 1)[-1]
    if last != "nan_to_num":
        raise Refused("in place")
    given, rest = site.method_or_function(("nan", "posinf", "neginf"))
    if set(rest) - {"nan"}:
        raise Refused("infinities are replaced, too")
    nan = rest.get("nan")
    fill = site.tree.text(nan) if nan is not None else "0.0"
    edits: list[TextEdit] = []
    if is_stable(given):
        text = site.tree.text(given)
    else:
        text = site.tree.fresh("given")
        edits.append(site.tree.before(site.call, f"{text} = {site.tree.text(given)}"))
    edits += place(site, site.call, f"torch.where({text} != {text}, {fill}, {text})", atomic=True)
    yield site.fix("Replace NaN by a comparison (infinities stay as they are)", *edits, safety="unsafe")
