"""Sums, products and einsum in forms the ANE runs."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.spellings import place
from ane_lsp.fixes.tree import Refused, is_stable, literal
from ane_lsp.graph import Call, Span, Value

LONGEST_SUM = 1024
"""A longer triangular matrix costs more than it saves: 1024 x 1024 is 2 MB of fp16 weights."""
LONGEST_PRODUCT = 16
LONGEST_INNER = 16384
"""The longest sum of a product on every chip."""


def _axis(site: Site, value: object, rank: int) -> int:
    if type(value) is not int or not -rank <= value < rank:
        raise Refused("the axis is not a literal")
    return value % rank - rank


@fixer("ANE205")
def triangular_sum(site: Site) -> Iterator[Fix]:
    """cumsum along an axis of known, moderate length as a product with a triangular matrix of ones.

    Element j of x @ triu(ones) is the sum of x[0..j]: the same additions in an order of the product's own.
    """
    if site.name().rsplit(".", 1)[-1] != "cumsum":
        raise Refused("not cumsum")
    given, rest = site.method_or_function(("dim", "dtype"))
    if not all(type.dtype in ("f16", "bf16", "f32", "f64") for type in site.tensor(site.call)):
        raise Refused("not a sum of floats")
    rank = site.rank()
    axis = _axis(site, literal(rest.get("dim")), rank)
    length = site.length(axis)
    if length > LONGEST_SUM or rank < 2:
        raise Refused("too long, or a single axis")
    tree, edits, dtype = site.tree, list[TextEdit](), rest.get("dtype")
    if is_stable(given) and dtype is None:
        text = tree.text(given)
    else:
        text = tree.fresh("given")
        cast = f"{tree.atom(given)}.to({tree.text(dtype)})" if dtype is not None else tree.text(given)
        edits.append(tree.before(site.call, f"{text} = {cast}"))
    ones = f"torch.ones({length}, {length}, dtype={text}.dtype, device={text}.device).triu()"
    product = f"{text} @ {ones}" if axis == -1 else f"({text}.transpose({axis}, -1) @ {ones}).transpose({axis}, -1)"
    edits += place(site, site.call, product, atomic=axis != -1)
    yield site.fix(f"Multiply by a triangular matrix of {length} x {length} ones", *edits)


@fixer("ANE206", "ANE101")
def product_of_slices(site: Site) -> Iterator[Fix]:
    """prod over an axis of few elements as a product of slices."""
    if site.name().rsplit(".", 1)[-1] != "prod":
        raise Refused("not prod")
    given, rest = site.method_or_function(("dim", "keepdim", "dtype"))
    keep = literal(rest.get("keepdim"))
    if "dtype" in rest or not isinstance(keep, (bool, type(None))) or not site.is_float():
        raise Refused("another dtype")
    rank = site.rank()
    axis = _axis(site, literal(rest.get("dim")), rank)
    length = site.length(axis)
    if not 1 <= length <= LONGEST_PRODUCT:
        raise Refused("too long")
    edits: list[TextEdit] = []
    if is_stable(given) or length == 1:
        text = site.tree.atom(given)
    else:
        text = site.tree.fresh("factors")
        edits.append(site.tree.before(site.call, f"{text} = {site.tree.text(given)}"))
    behind = ", :" * (-1 - axis)
    front = "..., " if rank + axis else ""

    def part(index: int) -> str:
        return f"{text}[{front}{f'{index}:{index + 1}' if keep else index}{behind}]"

    product = " * ".join(part(i) for i in range(length))
    edits += place(site, site.call, product, atomic=length == 1)
    yield site.fix("Multiply the slices", *edits)


@fixer("ANE119")
def spelled_out_einsum(site: Site) -> Iterator[Fix]:
    """The axes of ``...`` by letters, where every context has the same ranks. The same sums."""
    if not site.call.args or site.tree.qualified(site.call.func) != "torch.einsum":
        raise Refused("not torch.einsum")
    node = site.call.args[0]
    equation = literal(node)
    if not isinstance(equation, str):
        raise Refused("the equation is not a literal")
    found = {_without_dots(equation, _operands(call)) for call in site.calls}
    if len(found) != 1:
        raise Refused("several ranks")
    quote = site.tree.text(node)[-1]
    text = found.pop()
    yield site.fix(f"Write the axes out: {text}", site.tree.replace(node, f"{quote}{text}{quote}", atomic=True))


def _operands(call: Call) -> list[tuple[object, ...]]:
    values = [
        v for arg in call.args for v in (arg if isinstance(arg, (list, tuple)) else (arg,)) if isinstance(v, Value)
    ]
    shapes = [v.type.shape for v in values]
    if not shapes or any(shape is None for shape in shapes):
        raise Refused("a rank is not known")
    return [tuple(shape) for shape in shapes if shape is not None]


def _without_dots(equation: str, shapes: list[tuple[object, ...]]) -> str:
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise Refused("operands do not match the equation")
    hidden = [
        len(shape) - len(term.replace("...", "")) if "..." in term else 0
        for term, shape in zip(terms, shapes, strict=True)
    ]
    if min(hidden) < 0:
        raise Refused("operands do not match the equation")
    unused = [letter for letter in string.ascii_letters if letter not in equation]
    letters = unused[: max(hidden)]
    for back in range(1, max(hidden) + 1):
        sizes = {_sizes(t, s, n)[-back] for t, s, n in zip(terms, shapes, hidden, strict=True) if n >= back}
        if len(sizes) > 1:
            raise Refused("an axis behind the dots is stretched")
    written = [
        term.replace("...", "".join(letters[len(letters) - count :])) for term, count in zip(terms, hidden, strict=True)
    ]
    if not arrow:
        once = sorted(c for c in set("".join(terms).replace(".", "")) if left.count(c) == 1)
        right = "..." + "".join(once)
    dropped = "..." not in right and any(hidden)
    if dropped:
        raise Refused("the dots are summed")
    return f"{','.join(written)}->{right.replace('...', ''.join(letters))}"


def _sizes(term: str, shape: tuple[object, ...], count: int) -> tuple[object, ...]:
    start = term.index(".")
    return shape[start : start + count]


@fixer("ANE508")
def scale_before_product(site: Site) -> Iterator[Fix]:
    """``(q @ k) * scale`` as ``(q * scale) @ k``: the same up to rounding, bit for bit where the scale is a power of two."""
    tree = site.tree
    title = "Scale the queries before the product"
    augmented = _augmented(site)
    if augmented is not None:  # s = q @ k; s /= 8
        name, operator, factor = augmented.target, _OPERATORS.get(type(augmented.op)), augmented.value
        earlier = tree.previous(augmented)
        if not isinstance(name, ast.Name) or operator is None or not isinstance(earlier, ast.Assign):
            raise Refused("not a product given a name and scaled in the next statement")
        target = earlier.targets[0]
        if len(earlier.targets) != 1 or not isinstance(target, ast.Name) or target.id != name.id:
            raise Refused("the statement before makes something else")
        if not _is_product(site, earlier.value) or not _is_number(site, factor) or not _is_settled(site, factor):
            raise Refused("not a number times a product")
        yield site.fix(title, _scaled(site, earlier.value, earlier.value, operator, factor), _without(site, augmented))
        return
    node = site.node
    product, operator, factor = _scaling(site, node)
    made = _named(site, product)
    if not _is_product(site, made) or not _is_number(site, factor):
        raise Refused("not a number times a product")
    place: ast.expr = node
    also: list[TextEdit] = []
    if made is not product:
        if not _is_settled(site, factor):
            raise Refused("the scale may not be known yet where the product is")
        assert isinstance(product, ast.Name)
        again = _overwrites(site, node, product.id)
        place, also = made, [_without(site, again) if again else tree.replace_by_name(node, product.id)]
    yield site.fix(title, _scaled(site, place, made, operator, factor), *also)


_OPERATORS = {ast.Mult: "*", ast.Div: "/"}


def _augmented(site: Site) -> ast.AugAssign | None:
    """The statement ``s *= 2`` that the finding stands at."""
    for statement in ast.walk(site.tree.module):
        if isinstance(statement, ast.AugAssign) and site.tree.span(statement) == site.finding.span:
            return statement
    return None


def _scaling(site: Site, node: ast.expr) -> tuple[ast.expr, str, ast.expr]:
    """What is scaled, by which operator and number: ``s * 2``, ``2 * s``, ``s.mul(2)``, ``torch.div(s, 2)``."""
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        product, factor = node.left, node.right
        if isinstance(node.op, ast.Mult) and not _is_product(site, _named(site, product)):
            product, factor = factor, product
        return product, _OPERATORS[type(node.op)], factor
    if isinstance(node, ast.Call):
        given, rest = site.method_or_function(("other",))
        operator = {"mul": "*", "div": "/"}.get(site.name().rsplit(".", 1)[-1])
        if operator is not None and set(rest) == {"other"}:
            return given, operator, rest["other"]
    raise Refused("not a product with a number")


def _scaled(site: Site, place: ast.expr, product: ast.expr, operator: str, factor: ast.expr) -> TextEdit:
    """Puts the product with its first operand scaled in a node's place."""
    tree = site.tree
    if isinstance(product, ast.BinOp):
        first = f"({tree.atom(product.left)} {operator} {tree.atom(factor)})"
        return tree.replace(place, f"{first} @ {tree.atom(product.right)}")
    assert isinstance(product, ast.Call)
    method = len(product.args) == 1 and isinstance(product.func, ast.Attribute)
    first_operand = product.func.value if method and isinstance(product.func, ast.Attribute) else product.args[-2]
    start, end = tree.span(product), tree.span(first_operand)
    whole, lines = tree.source.text, tree.source.lines
    head = whole[lines.offset(start.line, start.col) : lines.offset(end.line, end.col)]
    tail = whole[lines.offset(end.end_line, end.end_col) : lines.offset(start.end_line, start.end_col)]
    scaled = f"{tree.atom(first_operand)} {operator} {tree.atom(factor)}"
    return tree.replace(place, f"{head}({scaled}){tail}" if method else f"{head}{scaled}{tail}", atomic=True)


def _named(site: Site, node: ast.expr) -> ast.expr:
    """What a name stands for, where nothing but this expression ever reads that value.

    That is where it is assigned once in its function and read once, or where the statement before gave it the value and the
    statement here gives it another: ``scores = q @ k`` and ``scores = scores / 8``.
    """
    function = site.tree.function(node)
    if not isinstance(node, ast.Name) or function is None:
        return node
    here = site.tree.statement(node)
    if _overwrites(site, site.node, node.id):
        earlier = site.tree.previous(here)
    else:
        uses = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == node.id and n is not node]
        earlier = site.tree.statement(uses[0]) if len(uses) == 1 else None
    if isinstance(earlier, ast.Assign) and len(earlier.targets) == 1:
        target = earlier.targets[0]
        if isinstance(target, ast.Name) and target.id == node.id:
            return earlier.value
    return node


def _overwrites(site: Site, node: ast.expr, name: str) -> ast.Assign | None:
    """``name = node``: the statement, where it is that."""
    statement = site.tree.statement(node)
    if isinstance(statement, ast.Assign) and statement.value is node and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name) and target.id == name:
            reads = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name]
            return statement if len(reads) == 1 else None
    return None


def _is_settled(site: Site, node: ast.expr) -> bool:
    """A number that is the same a statement earlier: made of literals, ``self``'s attributes and functions of math."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Attribute):
        return ast.unparse(node).startswith("self.") and is_stable(node)
    if isinstance(node, ast.Call):
        name = site.tree.qualified(node.func) or ""
        return name.startswith("math.") and not node.keywords and all(_is_settled(site, a) for a in node.args)
    if isinstance(node, ast.BinOp):
        return _is_settled(site, node.left) and _is_settled(site, node.right)
    return False


def _without(site: Site, statement: ast.stmt) -> TextEdit:
    """Takes a statement out with its lines; refused where something else stands on them."""
    lines, span = site.tree.source.lines, site.tree.span(statement)
    text = site.tree.source.text
    start, end = lines.offset(span.line, 0), lines.offset(span.end_line + 1, 0)
    first, last = lines.offset(span.line, span.col), lines.offset(span.end_line, span.end_col)
    if text[start:first].strip() or text[last:end].strip() or span.end_line >= len(lines):
        raise Refused("something else on the line")
    return TextEdit(Span(span.file, span.line, 0, span.end_line + 1, 0), "")


def _is_product(site: Site, node: ast.expr) -> bool:
    """``a @ b``, ``a.matmul(b)``, or a call of matmul, bmm or an einsum of two, whose operands are the last two arguments."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    if not isinstance(node, ast.Call) or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
        return False
    name = site.tree.qualified(node.func)
    if name is None and isinstance(node.func, ast.Attribute) and node.func.attr in ("matmul", "bmm"):
        made = site.calls_at(site.tree.span(node))
        return len(node.args) == 1 and bool(made) and all(call.torch.startswith("torch.Tensor.") for call in made)
    return (name in ("torch.matmul", "torch.bmm") and len(node.args) == 2) or (
        name == "torch.einsum" and len(node.args) == 3 and isinstance(node.args[0], ast.Constant)
    )


def _is_number(site: Site, node: ast.expr) -> bool:
    """Whether the other operand is a plain number in every context, not a tensor that could broadcast."""
    for call in site.calls:
        if sum(isinstance(v, Value) for v in (*call.args, *call.kwargs.values())) != 1:
            return False
    return bool(site.calls)


@fixer("ANE309")
def merged_batches(site: Site) -> Iterator[Fix]:
    """A product of five axes with its first axes merged. The same products."""
    node = site.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.MatMult):
        raise Refused("not @")
    left, right = site.shapes(0), site.shapes(1)
    rank = site.rank(0)
    if rank != site.rank(1) or rank < 5 or not is_stable(node.left):
        raise Refused("ranks differ")
    for a, b in zip(left, right, strict=True):
        if a[:-2] != b[:-2]:
            raise Refused("batch axes are stretched")
    merge = rank - 4
    tree = site.tree
    first, second = tree.atom(node.left), tree.atom(node.right)
    text = f"({first}.flatten(0, {merge}) @ {second}.flatten(0, {merge})).unflatten(0, {first}.shape[:{merge + 1}])"
    yield site.fix(
        "Merge the first axes before the product and split them after", tree.replace(node, text, atomic=True)
    )


@fixer("ANE304")
def split_sum(site: Site) -> Iterator[Fix]:
    """``x @ y`` over a long axis as a sum of products over parts of it. The same up to rounding."""
    node = site.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.MatMult):
        raise Refused("not @")
    if not is_stable(node.left) or not is_stable(node.right) or min(site.rank(0), site.rank(1)) < 2:
        raise Refused("an operand that would be computed twice")
    length = site.length(-1, 0)
    count = -(-length // LONGEST_INNER)
    size = -(-length // count)
    a, b = site.tree.text(node.left), site.tree.text(node.right)
    before = "..., " if site.rank(1) > 2 else ""

    def part(start: int) -> str:
        end = "" if start + size >= length else start + size
        return f"{a}[..., {start or ''}:{end}] @ {b}[{before}{start or ''}:{end}, :]"

    text = " + ".join(part(start) for start in range(0, length, size))
    yield site.fix(f"Add up {count} products over parts of the sum", site.tree.replace(node, text))
