"""Functions that lose fp16's range or precision as they are converted, in a form that keeps it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, bind, is_stable, literal


@fixer("ANE502")
def log_softmax(site: Site) -> Iterator[Fix]:
    """From the logits: z = x - max(x), z - log(sum(exp(z))). No exponential exceeds 1, no logarithm sees 0."""
    name = site.name()
    tree = site.tree
    if name == "torch.nn.LogSoftmax":
        given, rest, dim = *_of_layer(site), f"{tree.text(site.call.func)}.dim"
    elif name in ("torch.log_softmax", "torch.Tensor.log_softmax"):
        given, rest = site.method_or_function(("dim", "dtype"))
        dim = _written_axis(rest)
    elif name == "torch.nn.functional.log_softmax":
        given, rest = site.method_or_function(("dim", "_stacklevel", "dtype"))
        dim = _written_axis(rest)
    elif name in ("torch.log", "torch.Tensor.log"):
        inner, rest = site.method_or_function(())
        given, rest = _softmax(site, inner)
        dim = _written_axis(rest)
    else:
        raise Refused("another function")
    dtype = rest.get("dtype")
    shifted = tree.fresh("shifted")
    if is_stable(given) and dtype is None:
        text, before = tree.text(given), ""
    else:
        cast = f".to({tree.text(dtype)})" if dtype is not None else ""
        text = tree.fresh("logits")
        start = tree.atom(given) if cast else tree.text(given)
        before = f"{text} = {start}{cast}{tree.source.newline}{_indent(site)}"
    line = tree.before(site.node, f"{before}{shifted} = {text} - {text}.amax({dim}, keepdim=True)")
    edits = place(site, site.node, f"{shifted} - {shifted}.exp().sum({dim}, keepdim=True).log()", atomic=False)
    yield site.fix("Compute log_softmax from the logits, in fp16's range", line, *edits)


def _written_axis(rest: dict[str, ast.expr]) -> str:
    dim = literal(rest.get("dim"))
    if type(dim) is not int:
        raise Refused("the axis is not a literal")
    return str(dim)


def _of_layer(site: Site) -> tuple[ast.expr, dict[str, ast.expr]]:
    """The input of a layer called by its name; the layer stays where it is, for its axis."""
    if len(site.call.args) != 1 or site.call.keywords or not is_stable(site.call.func):
        raise Refused("not a layer called with one input")
    if not all(call.direct and type(call.hyper.get("dim")) is int for call in site.calls):
        raise Refused("the layer has no name here, or no axis")
    return site.call.args[0], {}


def _indent(site: Site) -> str:
    statement = site.tree.statement(site.node)
    return site.tree.source.lines.line(statement.lineno).encode()[: statement.col_offset].decode()


def _softmax(site: Site, node: ast.expr) -> tuple[ast.expr, dict[str, ast.expr]]:
    if not isinstance(node, ast.Call):
        raise Refused("the softmax is written elsewhere")
    if site.tree.qualified(node.func) in ("torch.softmax", "torch.nn.functional.softmax"):
        bound = bind(node, ("input", "dim", "_stacklevel", "dtype"))
        if "input" not in bound:
            raise Refused("no input")
        return bound.pop("input"), bound
    if isinstance(node.func, ast.Attribute) and node.func.attr == "softmax" and site.tree.qualified(node.func) is None:
        return node.func.value, bind(node, ("dim", "dtype"))
    raise Refused("not softmax")


@fixer("ANE503")
def softplus(site: Site) -> Iterator[Fix]:
    """relu(x) + log1p(exp(-|x|)): the same function, and its exponential never exceeds 1."""
    if site.name() != "torch.nn.functional.softplus":
        raise Refused("not F.softplus")
    bound = bind(site.call, ("input", "beta", "threshold"))
    if literal(bound.get("beta")) not in (None, 1, 1.0) or "threshold" in bound or "input" not in bound:
        raise Refused("other arguments")
    given = bound["input"]
    edits: list[TextEdit] = []
    if is_stable(given):
        text = site.tree.text(given)
    else:
        text = site.tree.fresh("given")
        edits.append(site.tree.before(site.call, f"{text} = {site.tree.text(given)}"))
    edits += place(site, site.call, f"torch.relu({text}) + torch.log1p(torch.exp(-torch.abs({text})))", atomic=False)
    yield site.fix("Write relu(x) + log1p(exp(-|x|))", *edits)


@fixer("ANE501")
def scaled_norm(site: Site) -> Iterator[Fix]:
    """rsqrt(mean(x^2) + eps) with x divided by its largest element m (at least 1) first, and the result divided by m.

    mean(x^2) + eps = m^2 (mean((x/m)^2) + eps/m^2), so the root is m times as large: the same up to rounding.
    """
    tree = site.tree
    square = site.node
    base = _base(site, square)
    root, epsilon, mean = _root(site, square)
    axes = _keepdim_axis(site, mean)
    if not is_stable(base):
        raise Refused("what is squared is no name")
    x = tree.text(base)
    largest = tree.fresh("largest")
    line = tree.before(square, f"{largest} = {x}.abs().amax({axes}, keepdim=True).clamp(min=1.0)")
    edits = [line, tree.replace(base, f"({x} / {largest})", atomic=True)]
    if isinstance(square, ast.BinOp) and isinstance(square.op, ast.Mult):
        edits.append(tree.replace(square.right, f"({x} / {largest})", atomic=True))
    span = tree.span(epsilon)
    text = tree.text(epsilon)
    plain = isinstance(epsilon, (ast.Name, ast.Attribute, ast.Constant, ast.Call))
    edits.append(TextEdit(span, f"{text if plain else f'({text})'} / {largest} / {largest}"))
    inverse, node = root
    end = tree.span(node)
    after = TextEdit(
        type(end)(end.file, end.end_line, end.end_col, end.end_line, end.end_col),
        f" {'/' if inverse else '*'} {largest}",
    )
    edits.append(after)
    if not tree._enclosed(node):
        edits.append(TextEdit(type(end)(end.file, end.line, end.col, end.line, end.col), "("))
        edits[-2] = TextEdit(after.span, after.text + ")")
    yield site.fix("Divide by the largest element before squaring", *edits)


def _base(site: Site, square: ast.expr) -> ast.expr:
    """x of ``x.pow(2)``, ``x ** 2``, ``x * x``, ``x.square()``."""
    if isinstance(square, ast.BinOp) and isinstance(square.op, ast.Mult):
        if ast.dump(square.left) == ast.dump(square.right):
            return square.left
    if isinstance(square, ast.BinOp) and isinstance(square.op, ast.Pow) and literal(square.right) == 2:
        return square.left
    if isinstance(square, ast.Call):
        name = site.tree.qualified(square.func)
        if name in ("torch.pow", "torch.square") and square.args:
            if name == "torch.square" or literal(bind(square, ("input", "exponent")).get("exponent")) == 2:
                return square.args[0]
        elif isinstance(square.func, ast.Attribute) and name is None:
            if square.func.attr == "square" and not square.args and not square.keywords:
                return square.func.value
            if square.func.attr == "pow" and literal(bind(square, ("exponent",)).get("exponent")) == 2:
                return square.func.value
    raise Refused("not a square written in one piece")


def _root(site: Site, square: ast.expr) -> tuple[tuple[bool, ast.expr], ast.expr, ast.Call]:
    """((is it rsqrt, the root), epsilon, the mean) of a square; the mean may have a name of its own in between."""
    mean = _around(site, square)
    if mean is None or _called(site, mean) != "mean":
        raise Refused("not the mean of a square")
    total = site.tree.parent(_read_once(site, mean))
    if not isinstance(total, ast.BinOp) or not isinstance(total.op, ast.Add):
        raise Refused("no epsilon is added")
    inner = _read_once(site, mean)
    epsilon = total.right if inner is total.left else total.left
    root = _around(site, total)
    name = _called(site, root) if root is not None else ""
    if root is None or name not in ("rsqrt", "sqrt") or root.keywords:
        raise Refused("not a root of a mean and an epsilon")
    return (name == "rsqrt", root), epsilon, mean


def _around(site: Site, node: ast.expr) -> ast.Call | None:
    """The call whose subject an expression is: ``node.f(...)`` or ``torch.f(node, ...)``."""
    parent = site.tree.parent(node)
    if isinstance(parent, ast.Attribute):
        parent = site.tree.parent(parent)
        return parent if isinstance(parent, ast.Call) else None
    if isinstance(parent, ast.Call) and parent.args and parent.args[0] is node and site.tree.qualified(parent.func):
        return parent
    return None


def _called(site: Site, call: ast.Call) -> str:
    name = site.tree.qualified(call.func)
    return name.rsplit(".", 1)[-1] if name else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _read_once(site: Site, value: ast.expr) -> ast.expr:
    """An expression, or the one place where the name it is given to is read."""
    statement = site.tree.parent(value)
    function = site.tree.function(value)
    if not isinstance(statement, ast.Assign) or function is None:
        return value
    target = statement.targets[0]
    if len(statement.targets) != 1 or not isinstance(target, ast.Name):
        return value
    uses = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == target.id and n is not target]
    if len(uses) != 1 or site.tree.statement(uses[0]).lineno <= statement.lineno:
        raise Refused("the mean is used elsewhere, too")
    return uses[0]


def _keepdim_axis(site: Site, mean: ast.Call) -> int:
    names = ("dim", "keepdim") if site.tree.qualified(mean.func) is None else ("input", "dim", "keepdim")
    bound = bind(mean, names)
    dim = literal(bound.get("dim"))
    if isinstance(dim, (tuple, list)) and len(dim) == 1:
        dim = dim[0]
    if type(dim) is not int or literal(bound.get("keepdim")) is not True:
        raise Refused("not the mean over one axis that stays")
    return dim


@fixer("ANE507")
def shifted_softmax(site: Site) -> Iterator[Fix]:
    """``e = exp(x)`` that is only used in ``e / e.sum(d, keepdim=True)``: exp(x - max(x)), which cancels in the quotient."""
    if site.name().rsplit(".", 1)[-1] != "exp":
        raise Refused("not exp")
    given, rest = site.method_or_function(())
    statement = site.tree.statement(site.node)
    function = site.tree.function(site.node)
    if rest or function is None or not isinstance(statement, ast.Assign) or statement.value is not site.node:
        raise Refused("not given a name")
    if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name) or not is_stable(given):
        raise Refused("not given a name")
    name = statement.targets[0].id
    uses = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name and n is not statement.targets[0]]
    quotients = [
        n for n in ast.walk(function)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) and n.left in uses and isinstance(n.right, ast.Call)
    ]  # fmt: skip
    if len(uses) != 2 or len(quotients) != 1:
        raise Refused("used elsewhere, too")
    total = quotients[0].right
    assert isinstance(total, ast.Call)
    if not isinstance(total.func, ast.Attribute) or total.func.attr != "sum" or total.func.value not in uses:
        raise Refused("not divided by its own sum")
    dim = _keepdim_axis(site, total)
    text = site.tree.text(given)
    edit = site.tree.replace(given, f"({text} - {text}.amax({dim}, keepdim=True))", atomic=True)
    yield site.fix("Subtract the maximum, as softmax does", edit)


@fixer("ANE507")
def clamped_exp(site: Site) -> Iterator[Fix]:
    """exp of at most 11, which fp16 holds."""
    if site.name().rsplit(".", 1)[-1] != "exp":
        raise Refused("not exp")
    given, rest = site.method_or_function(())
    if rest:
        raise Refused("other arguments")
    edit = site.tree.replace(given, f"{site.tree.atom(given)}.clamp(max=11.0)", atomic=True)
    yield site.fix("Clamp the exponent to 11 (changes results above 59874)", edit, safety="unsafe")


@fixer("ANE504")
def larger_epsilon(site: Site) -> Iterator[Fix]:
    """The literal, here or in the constructor, as 1e-5."""
    value = site.finding.data.get("epsilon")
    nodes: list[ast.AST] = [site.node]
    nodes += [site.tree.at(call.ctor) for call in site.calls if call.ctor is not None]
    found = {
        constant for node in nodes for constant in ast.walk(node)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, float) and constant.value == value
    }  # fmt: skip
    if len(found) != 1:
        raise Refused("not written here, once")
    edit = site.tree.replace(found.pop(), "1e-5", atomic=True)
    yield site.fix("Raise the epsilon to 1e-5 (changes results for small inputs)", edit, safety="unsafe")
