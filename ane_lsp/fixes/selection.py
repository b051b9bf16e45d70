"""Choosing elements: by mask and comparison instead of by index."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.masks import is_huge_negative
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, is_stable, literal
from ane_lsp.graph import Value

# Calls whose result is memory of its own, so that writing into it changes nothing else.
_FRESH = frozenset({
    "clone", "abs", "exp", "log", "sqrt", "relu", "sigmoid", "tanh", "softmax", "matmul", "zeros", "ones", "full", "zeros_like",
    "ones_like", "full_like", "rand", "randn", "where", "cat", "stack", "sum", "mean", "pow", "linear",
})  # fmt: skip
_FRESH_LAYERS = frozenset(
    f"torch.nn.{name}" for name in (
        "Linear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Embedding",
        "LayerNorm", "GroupNorm", "RMSNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Sigmoid", "Softmax", "Tanh", "GELU",
    )
)  # fmt: skip


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
    """``x[mask] = v`` for an x of this function's own: ``x = torch.where(mask, v, x)``.

    A mask of fewer axes covers the first ones and gets the others. v is a number, or a tensor that broadcasts to what the mask
    leaves of x's axes. Unsafe for a tensor that was passed in: torch.where leaves the caller's as it was.
    """
    node = site.node
    statement = site.tree.statement(node)
    if not isinstance(statement, ast.Assign) or statement.targets != [node] or not isinstance(node, ast.Subscript):
        raise Refused("not an assignment by mask")
    name, mask = node.value, _first_index(node.slice)
    if not isinstance(name, ast.Name) or not isinstance(
        mask, (ast.Name, ast.Compare, ast.UnaryOp, ast.BinOp, ast.Call, ast.Attribute)
    ):
        raise Refused("not a name, or several indices")
    tree = site.tree
    behind = _axes_behind_mask(site)
    value = _chosen(site, statement.value, behind)
    own = _is_own(site, name, statement)
    span = tree.span(statement)
    condition = f"{tree.atom(mask)}[...{', None' * behind}]" if behind else tree.text(mask)
    made = place(site, node, f"torch.where({condition}, {value}, {name.id})", atomic=True)
    edits = TextEdit(span, f"{name.id} = {made[0].text}"), *made[1:]
    if own:
        yield site.fix("Choose by torch.where", *edits)
    else:
        yield site.fix("Choose by torch.where (the tensor passed in keeps its values)", *edits, safety="unsafe")


def _first_index(node: ast.expr) -> ast.expr:
    """``mask`` of ``x[mask]``, ``x[mask, :]`` and ``x[mask, ...]``."""
    if not isinstance(node, ast.Tuple) or not node.elts:
        return node
    first, *others = node.elts
    for other in others:
        whole = isinstance(other, ast.Slice) and other.lower is other.upper is other.step is None
        if not whole and not (isinstance(other, ast.Constant) and other.value is ...):
            raise Refused("several indices")
    return first


def _axes_behind_mask(site: Site) -> int:
    """How many axes the tensor has behind those of its mask, a bool tensor whose shape is how the tensor's begins."""
    found = set()
    for call in site.calls:
        target, index = call.args[:2] if len(call.args) > 1 else (None, None)
        if isinstance(index, (tuple, list)) and index:
            index = index[0]
        if not isinstance(index, Value) or not isinstance(target, Value) or index.type.dtype != "b8":
            raise Refused("the index is no mask")
        shape, whole = index.type.shape, target.type.shape
        if shape is None or whole is None or not shape or shape != whole[: len(shape)]:
            raise Refused("the mask has another shape")
        found.add(len(whole) - len(shape))
    if len(found) != 1:
        raise Refused("no call, or several ranks")
    return found.pop()


def _chosen(site: Site, value: ast.expr, behind: int) -> str:
    """The value as torch.where takes it, where it makes the same elements of it in the tensor's own dtype.

    Whole numbers become floats beside floats: by torch.export the other does not convert.
    """
    written = site.tree.text(value)
    for call in site.calls:
        target, given = call.args[0].type, call.args[2] if len(call.args) > 2 else None
        dtype = target.dtype or "?"
        if isinstance(given, Value):
            shape = given.type.shape
            if shape is None or given.type.dtype != dtype or dtype == "?" or not is_stable(value):
                raise Refused("the value has another dtype")
            rest = target.shape[len(target.shape) - behind :]
            fitting = zip(reversed(shape), reversed(rest), strict=False)
            if len(shape) > behind or any(size not in (1, other) for size, other in fitting):
                raise Refused("a value for each element chosen")
            continue
        number = None if is_huge_negative(site.tree, value) else literal(value)
        if isinstance(number, bool) or not isinstance(number, (int, float, type(None))):
            raise Refused("the value is no number")
        if dtype[0] == "f" or dtype == "bf16":
            written = repr(float(number)) if isinstance(number, int) else written
        elif dtype[0] not in "iu" or not isinstance(number, int):
            raise Refused("the value has another dtype")
    return written


def _is_own(site: Site, name: ast.Name, statement: ast.stmt) -> bool:
    """Whether the name was given memory of its own by the last assignment before, in the same block, and no other name has it.

    False where it is a parameter of the entry's ``forward``, whose caller alone knows the tensor by another name.
    """
    for parent in site.tree.parents(statement):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(parent, block, None)
            if isinstance(statements, list) and statement in statements:
                return _check_own(site, name.id, parent, statements[: statements.index(statement)])
    raise Refused("no block")


def _check_own(site: Site, name: str, block: ast.AST, earlier: Sequence[ast.stmt]) -> bool:
    for other in reversed(earlier):
        if isinstance(other, ast.Assign) and len(other.targets) == 1:
            target = other.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                if _is_fresh(site, other.value):
                    return True
                break
        if isinstance(other, (ast.Assign, ast.Expr)) and _keeps(other, name):
            break  # another name for it, or a part of it; a list that it was put into
        if not isinstance(other, (ast.Assign, ast.Expr)):
            break
    else:
        if isinstance(block, ast.FunctionDef) and block.name == "forward" and not any(c.module for c in site.calls):
            if name in {arg.arg for arg in block.args.args}:
                return False
    raise Refused("the tensor may be known elsewhere")


def _keeps(statement: ast.Assign | ast.Expr, name: str) -> bool:
    """Whether something else may hold the tensor, or see it, after a statement. New memory does not: sums, comparisons."""
    value = statement.value
    if isinstance(value, ast.Compare) or (
        isinstance(value, ast.BinOp)
        and not any(isinstance(n, (ast.List, ast.Tuple, ast.Dict)) for n in ast.walk(value))
    ):
        return False
    read: list[ast.expr] = [value]
    if isinstance(statement, ast.Expr) and isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr.endswith("_") and isinstance(value.func.value, ast.Name):  # y.clamp_(0) writes into y itself
            read = [*value.args, *(keyword.value for keyword in value.keywords)]
    return any(isinstance(n, ast.Name) and n.id == name for node in read for n in ast.walk(node))


def _is_fresh(site: Site, value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return True
    if not isinstance(value, ast.Call):
        return False
    qualified = site.tree.qualified(value.func)
    last = (
        qualified.rsplit(".", 1)[-1] if qualified else value.func.attr if isinstance(value.func, ast.Attribute) else ""
    )
    if last in _FRESH and not any(k.arg in ("out", "inplace") for k in value.keywords):
        return True
    made = site.calls_at(site.tree.span(value))
    return bool(made) and all(call.torch in _FRESH_LAYERS for call in made)


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
