"""Pooling windows as chains of smaller ones.

A max pool k wide is a chain of max pools whose (width - 1) add up to k - 1, whose paddings add up to its padding, and whose
last one has its stride: the maximum over a window is the maximum over the maxima of windows that cover it, and every
padding of a link is at most half its width, so each window that hangs over the border shares its valid elements with one that
does not. The output length, floor((n + 2p - k) / s) + 1, is the same for both. Bit for bit, for every stride without ceil_mode.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused, Tree, bind, is_stable, literal
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass

WIDEST = 8
_WIDEST_AVERAGE = 14
_LINK = 5  # two make 9, three make 13: the windows of SPP blocks

_MAX_NAMES = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
_MAX_CALL_NAMES = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG_NAMES = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")


@dataclass(frozen=True)
class Pool:
    """A pooling layer's settings, a number for each axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    ceil: bool = False


def chain(pool: Pool) -> list[Pool]:
    """Max pools, applied in order, that equal `pool`; none wider than the ANE accepts. Refused where there is no such chain."""
    if any(p > k // 2 for p, k in zip(pool.padding, pool.kernel, strict=True)):
        raise Refused("padding above half the window")
    if tuple(pool.stride) == tuple(pool.kernel) and not any(pool.padding):
        factors = [_factors(k) for k in pool.kernel]
        if all(f is not None for f in factors):
            pairs = [f for f in factors if f is not None]
            links = tuple(zip(*pairs, strict=True))
            zero = (0,) * len(pool.kernel)
            return [Pool(tuple(k), tuple(k), zero, pool.ceil) for k in links]
    if pool.ceil and any(s != 1 for s in pool.stride):
        raise Refused("ceil_mode counts windows by the padding of the last link")
    count = max(_links(k) for k in pool.kernel)
    sizes = [_split(k, count) for k in pool.kernel]
    paddings = [_pads(p, parts) for p, parts in zip(pool.padding, sizes, strict=True)]
    one = (1,) * len(pool.kernel)
    return [
        Pool(
            tuple(parts[link] for parts in sizes),
            pool.stride if link == count - 1 else one,
            tuple(pads[link] for pads in paddings),
            pool.ceil,
        )
        for link in range(count)
    ]


def _factors(k: int) -> tuple[int, int] | None:
    """k as a product of two windows the ANE accepts, the larger one first."""
    if k <= WIDEST:
        return (k, 1)
    return next(((a, k // a) for a in range(WIDEST, 1, -1) if k % a == 0 and k // a <= WIDEST), None)


def _links(k: int) -> int:
    if k <= WIDEST:
        return 1
    if (k - 1) % (_LINK - 1) == 0:
        return (k - 1) // (_LINK - 1)
    return -(-(k - 1) // (WIDEST - 1)) if k % 2 == 0 else -(-(k - 1) // (WIDEST - 2))


def _split(k: int, count: int) -> list[int]:
    """`count` window sizes whose (size - 1) add up to k - 1: as equal as they can be; odd ones where k is odd."""
    if k <= WIDEST:
        return [k] + [1] * (count - 1)
    step = 2 if k % 2 else 1
    units, rest = divmod((k - 1) // step, count)
    return [1 + step * (units + (index < rest)) for index in range(count)]


def _pads(padding: int, sizes: Sequence[int]) -> list[int]:
    found: list[int] = []
    for size in sizes:
        found.append(min(size // 2, padding))
        padding -= found[-1]
    if padding:
        raise Refused("the padding does not fit the links")
    return found


def _numbers(value: object, count: int, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
    if value is None or value in ([], ()):
        if default is None:
            raise Refused("a number is missing")
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * count
    if isinstance(value, (tuple, list)) and all(type(v) is int for v in value) and len(value) in (1, count):
        return tuple(value) * (count if len(value) == 1 else 1)
    raise Refused("not numbers")


def _flag(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Refused("not a flag")


def _read(tree: Tree, bound: dict[str, ast.expr], axes: int) -> Pool:
    """Settings written as literals and constant names."""
    values = {name: tree.value(node) for name, node in bound.items()}
    if _flag(values.get("return_indices")) or values.get("dilation") not in (None, 1, (1,) * axes, [1] * axes):
        raise Refused("dilation or indices")
    kernel = _numbers(values.get("kernel_size"), axes)
    stride = _numbers(values.get("stride"), axes, kernel)
    return Pool(kernel, stride, _numbers(values.get("padding"), axes, (0,) * axes), _flag(values.get("ceil_mode")))


def _written(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else f"({', '.join(map(str, sizes))})"


def _arguments(pool: Pool) -> str:
    parts = [_written(pool.kernel)]
    if pool.stride != pool.kernel:
        parts.append(f"stride={_written(pool.stride)}")
    if any(pool.padding):
        parts.append(f"padding={_written(pool.padding)}")
    if pool.ceil:
        parts.append("ceil_mode=True")
    return ", ".join(parts)


def _by(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes)) if len(sizes) > 1 else f"{sizes[0]}-wide"


def _title(pool: Pool, links: Sequence[Pool]) -> str:
    return f"Replace the {_by(pool.kernel)} window by a chain of {' and '.join(_by(link.kernel) for link in links)}"


def _axes(name: str) -> int:
    digit = name.rsplit(".", 1)[-1].rstrip("d")[-1:]
    if digit not in ("1", "2", "3"):
        raise Refused("not a pooling of 1 to 3 axes")
    return int(digit)


@fixer("ANE302")
def max_pool_chain(site: Site) -> Iterator[Fix]:
    """nn.MaxPool1d to 3d and their functions, with literal settings; or k taken from a literal list."""
    name = site.name()
    if name.startswith("torch.nn.MaxPool"):
        yield from _modules(site, name)
        return
    axes = _axes(name)
    bound = bind(site.call, _MAX_CALL_NAMES)
    given = bound.pop("input", None)
    if given is None or site.tree.qualified(site.call.func) is None:
        raise Refused("not called as a function with an input")
    pool = _read(site.tree, bound, axes)
    links = chain(pool)
    func = site.tree.text(site.call.func)
    text = site.tree.text(given)
    if isinstance(given, (ast.GeneratorExp, ast.NamedExpr)):
        raise Refused("an argument that needs brackets")
    for link in links:
        text = f"{func}({text}, {_arguments(link)})"
    yield site.fix(_title(pool, links), site.tree.replace(site.call, text, atomic=True))


def _modules(site: Site, name: str) -> Iterator[Fix]:
    """Every constructor whose pool runs at the finding's place with a window too wide."""
    constructors: dict[Span, None] = {}
    for call in site.calls:
        kernel = _numbers(call.hyper.get("kernel_size"), _axes(name))
        if kernel[-1] > WIDEST and kernel[-1] != 32:
            if call.ctor is None:
                raise Refused("the constructor is not known")
            constructors[call.ctor] = None
    edits: list[TextEdit] = []
    title = ""
    for span in constructors:
        title, made = _constructor(site, name, span)
        edits += made
    if edits:
        yield site.fix(
            title if len(constructors) == 1 else "Replace the wide windows by chains of smaller ones", *edits
        )


def _constructor(site: Site, name: str, span: Span) -> tuple[str, list[TextEdit]]:
    tree = site.tree
    node = tree.at(span)
    if not isinstance(node, ast.Call) or tree.qualified(node.func) != name:
        raise Refused("not constructed by its own name")
    _unread(site, node)
    axes = _axes(name)
    bound = bind(node, _MAX_NAMES)
    sequential, imports = tree.spell("torch.nn.Sequential")
    func = tree.text(node.func)
    try:
        pool = _read(site.tree, bound, axes)
    except Refused:
        return _repeated(site, node, bound, sequential, func, imports)
    links = chain(pool)
    text = f"{sequential}({', '.join(f'{func}({_arguments(link)})' for link in links)})"
    return _title(pool, links), [tree.replace(node, text, atomic=True), *imports]


def _repeated(
    site: Site,
    node: ast.Call,
    bound: dict[str, ast.expr],
    sequential: str,
    func: str,
    imports: tuple[TextEdit, ...],
) -> tuple[str, list[TextEdit]]:
    """``MaxPool2d(k, stride=1, padding=k // 2)`` for a k given elsewhere: k // 4 windows of 5 where k is 5, 9, 13, ...

    For any other k the pool stays as it is, so the text is right whoever constructs it.
    """
    kernel, padding = bound.get("kernel_size"), bound.get("padding")
    if kernel is None or padding is None or not is_stable(kernel) or set(bound) != {"kernel_size", "stride", "padding"}:
        raise Refused("the window is not a literal")
    written = site.tree.text(kernel)
    if literal(bound["stride"]) != 1 or ast.unparse(padding) != f"{ast.unparse(kernel)} // 2":
        raise Refused("not stride 1 with half-window padding")
    step = _LINK - 1
    text = f"{sequential}(*({func}({_LINK}, stride=1, padding={_LINK // 2}) for _ in range({written} // {step})))"
    title = "Replace the windows by chains of 5-wide ones"
    values = _listed(site, node, written)
    if all(type(v) is int and v % step == 1 for v in values) and values:
        return title, [site.tree.replace(node, text, atomic=True), *imports]
    text += f" if {written} % {step} == 1 else {site.tree.text(node)}"
    return title, [site.tree.replace(node, text), *imports]


def _listed(site: Site, node: ast.AST, name: str) -> list[object]:
    """The literal values a comprehension gives to `name`, none where they are not all literals."""
    for parent in site.tree.parents(node):
        if isinstance(parent, (ast.ListComp, ast.GeneratorExp, ast.SetComp)):
            for generator in parent.generators:
                if isinstance(generator.target, ast.Name) and generator.target.id == name:
                    return (
                        [literal(item) for item in generator.iter.elts if isinstance(item, ast.Constant)]
                        if (
                            isinstance(generator.iter, (ast.Tuple, ast.List))
                            and all(isinstance(item, ast.Constant) for item in generator.iter.elts)
                        )
                        else []
                    )
        elif isinstance(parent, ast.stmt):
            break
    return []


def _unread(site: Site, node: ast.Call) -> None:
    """Refuses where the file reads a pool's settings from the object: a chain has none."""
    for other in ast.walk(site.tree.module):
        if isinstance(other, ast.Attribute) and other.attr in ("kernel_size", "return_indices", "ceil_mode"):
            raise Refused("pool settings are read from modules in this file")


@fixer("ANE305")
def average_pool_split(site: Site) -> Iterator[Fix]:
    """Windows side by side: the average of equal averages. Only without padding and ceil_mode, where all windows are full."""
    name = site.name()
    axes = _axes(name)
    if name.startswith("torch.nn.AvgPool"):
        span = next(iter({call.ctor for call in site.calls}))
        if span is None or len({call.ctor for call in site.calls}) != 1:
            raise Refused("several constructors")
        node = site.tree.at(span)
        if not isinstance(node, ast.Call) or site.tree.qualified(node.func) != name:
            raise Refused("not constructed by its own name")
        _unread(site, node)
        links = _average(bind(node, _AVG_NAMES), axes)
        sequential, imports = site.tree.spell("torch.nn.Sequential")
        func = site.tree.text(node.func)
        text = f"{sequential}({', '.join(f'{func}({_written(k)})' for k in links)})"
        yield site.fix(
            f"Average in steps: {' and '.join(_by(k) for k in links)}", site.tree.replace(node, text, True), *imports
        )
        return
    bound = bind(site.call, ("input", *_AVG_NAMES))
    given = bound.pop("input", None)
    if given is None or site.tree.qualified(site.call.func) is None:
        raise Refused("not called as a function with an input")
    links = _average(bound, axes)
    func, text = site.tree.text(site.call.func), site.tree.text(given)
    for kernel in links:
        text = f"{func}({text}, {_written(kernel)})"
    yield site.fix(f"Average in steps: {' and '.join(_by(k) for k in links)}", site.tree.replace(site.call, text, True))


def _average(bound: dict[str, ast.expr], axes: int) -> list[tuple[int, ...]]:
    values = {name: literal(node) for name, node in bound.items()}
    kernel = _numbers(values.get("kernel_size"), axes)
    stride = _numbers(values.get("stride"), axes, kernel)
    padding = _numbers(values.get("padding"), axes, (0,) * axes)
    if stride != kernel or any(padding) or _flag(values.get("ceil_mode")) or values.get("divisor_override") is not None:
        raise Refused("windows overlap or are not all full")
    factors = [_steps(k) for k in kernel]
    count = max(map(len, factors))
    padded = [[1] * (count - len(f)) + f for f in factors]
    return [tuple(link) for link in zip(*padded, strict=True)]


def _steps(k: int) -> list[int]:
    """k as a product: steps of 4 and 2, which the ANE strides well, until the rest is narrow enough."""
    found: list[int] = []
    while k > _WIDEST_AVERAGE:
        step = next((a for a in (4, 2, 3, 5, 7, 11, 13) if k % a == 0), None)
        if step is None:
            raise Refused("a large prime window")
        found.append(step)
        k //= step
    return [*found, k]


@fixer("ANE107")
def scaled_average(site: Site) -> Iterator[Fix]:
    """divisor_override d as the plain average times (window size / d); every window counts its padding, so all are full."""
    name = site.name()
    if name not in ("torch.nn.functional.avg_pool2d", "torch.nn.functional.avg_pool3d"):
        raise Refused("not a function with divisor_override")
    axes = _axes(name)
    bound = bind(site.call, ("input", *_AVG_NAMES))
    kernel = _numbers(literal(bound.get("kernel_size")), axes)
    divisor = literal(bound.get("divisor_override"))
    keyword = next((k for k in site.call.keywords if k.arg == "divisor_override"), None)
    if type(divisor) is not int or divisor == 0 or keyword is None:
        raise Refused("the divisor is not a literal keyword")
    if _flag(literal(bound.get("ceil_mode"))) or literal(bound.get("count_include_pad")) is False:
        raise Refused("windows of different sizes")
    tree = site.tree
    call = tree.text(site.call)
    start, lines = tree.span(site.call), tree.source.lines
    span = tree.span(keyword)
    base = lines.offset(start.line, start.col)
    first, last = lines.offset(span.line, span.col) - base, lines.offset(span.end_line, span.end_col) - base
    head = call[:first].rstrip()
    if not head.endswith(",") or call[last:].strip() != ")":
        raise Refused("not the last argument")
    text = f"{head[:-1]}) * {math.prod(kernel) / divisor!r}"
    yield site.fix("Scale the average instead of overriding its divisor", tree.replace(site.call, text))
