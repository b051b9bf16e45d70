"""Functions that do not convert, in the words of functions that do.

Each is a template over the call's arguments. The table says what holds between both: the same numbers, or the same up to
rounding. Arguments that a template uses twice must be names, or get one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import field

from ane_lsp.checks.finding import Fix, Safety, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused, is_stable, literal
from ane_lsp.graph.records import dataclass


@dataclass(frozen=True)
class Spelling:
    """How to write a call.

    names: parameters in order, ``input`` first for what may be called as a method. text: with ``{input}`` for an operand and
    ``torch.`` for whatever the file calls it. defaults: of optional parameters, as source. literals: parameters that must be
    literals, with the values allowed. floats: the first tensor must be floating-point. atomic: needs no brackets around it.
    same_type: every tensor must have the same dtype.
    """

    names: tuple[str, ...]
    text: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    literals: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    floats: bool = False
    same_type: bool = False
    atomic: bool = False
    safety: Safety = "safe"
    title: str = ""


_X = ("input",)
_XY = ("input", "other")

TABLE: Mapping[str, Spelling] = {
    "trunc": Spelling(_X, "torch.sign({input}) * torch.floor(torch.abs({input}))", floats=True),
    "fix": Spelling(_X, "torch.sign({input}) * torch.floor(torch.abs({input}))", floats=True),
    "sgn": Spelling(_X, "torch.sign({input})", floats=True, atomic=True),
    "signbit": Spelling(
        _X, "{input} < 0", floats=True, safety="unsafe", title="Write a comparison (-0.0 counts as not negative)"
    ),
    "isneginf": Spelling(
        _X, "{input} < -65504", floats=True, safety="unsafe", title="Compare with fp16's limit (numbers below it count as -inf)"
    ),
    "isinf": Spelling(
        _X, "torch.abs({input}) > 65504", floats=True, safety="unsafe", title="Compare with fp16's limit (numbers beyond it count as inf)"
    ),
    "deg2rad": Spelling(_X, "{input} * 0.017453292519943295", floats=True),
    "rad2deg": Spelling(_X, "{input} * 57.29577951308232", floats=True),
    "positive": Spelling(_X, "{input}"),
    "hypot": Spelling(
        _XY, "torch.sqrt({input} * {input} + {other} * {other})", floats=True, atomic=True, safety="unsafe",
        title="Write sqrt(x * x + y * y) (overflows in fp16 above 181)",
    ),
    "addcmul": Spelling(
        ("input", "tensor1", "tensor2", "value"), "{input} + {value} * {tensor1} * {tensor2}", {"value": "1"}, floats=True,
        same_type=True,
    ),
    "addcdiv": Spelling(
        ("input", "tensor1", "tensor2", "value"), "{input} + {value} * {tensor1} / {tensor2}", {"value": "1"}, floats=True,
        same_type=True,
    ),
    "fmod": Spelling(
        _XY, "{input} - {other} * torch.sign({input} / {other}) * torch.floor(torch.abs({input} / {other}))", floats=True,
        same_type=True, safety="unsafe", title="Write x - y * trunc(x / y) (inexact where the quotient is large)",
    ),
    "lerp": Spelling(
        ("input", "end", "weight"), "{input} + {weight} * ({end} - {input})", floats=True, same_type=True
    ),
    "add": Spelling(("input", "other", "alpha"), "{input} + {alpha} * {other}"),
    "sub": Spelling(("input", "other", "alpha"), "{input} - {alpha} * {other}"),
    "broadcast_to": Spelling(("input", "size"), "{input}.expand({size})", atomic=True),
    "ravel": Spelling(_X, "{input}.flatten()", atomic=True),
    "logaddexp": Spelling(
        _XY,
        "torch.maximum({input}, {other}) + torch.log1p(torch.exp(-torch.abs({input} - {other})))",
        floats=True, same_type=True, safety="unsafe", title="Write max(x, y) + log1p(exp(-|x - y|)) (two infinities give NaN)",
    ),
    "xlogy": Spelling(
        _XY, "{input} * torch.log({other})", floats=True, safety="unsafe", title="Write x * log(y) (0 * log(0) is NaN)"
    ),
    "logit": Spelling(_X, "torch.log({input}) - torch.log(1 - {input})", floats=True),
    "asinh": Spelling(
        _X, "torch.log({input} + torch.sqrt({input} * {input} + 1))", floats=True, safety="unsafe", atomic=True,
        title="Write it with log and sqrt (inaccurate for large negative numbers)",
    ),
    "bitwise_and": Spelling(_XY, "torch.logical_and({input}, {other})", atomic=True, same_type=True),
    "bitwise_or": Spelling(_XY, "torch.logical_or({input}, {other})", atomic=True, same_type=True),
    "bitwise_xor": Spelling(_XY, "torch.logical_xor({input}, {other})", atomic=True, same_type=True),
    "hardshrink": Spelling(
        ("input", "lambd"), "torch.where(torch.abs({input}) <= {lambd}, 0.0, {input})", {"lambd": "0.5"}, floats=True, atomic=True
    ),
    "softshrink": Spelling(
        ("input", "lambd"), "torch.sign({input}) * torch.relu(torch.abs({input}) - {lambd})", {"lambd": "0.5"}, floats=True
    ),
    "logsigmoid": Spelling(_X, "-torch.nn.functional.softplus(-{input})", floats=True),
}  # fmt: skip

ALIASES: Mapping[str, str] = {
    "absolute": "abs", "arccos": "acos", "arcsin": "asin", "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh",
    "concatenate": "cat", "divide": "div", "ger": "outer", "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le",
    "linalg.matmul": "matmul", "multiply": "mul", "negative": "neg", "not_equal": "ne", "special.erf": "erf", "special.exp2": "exp2",
    "special.expit": "sigmoid", "special.expm1": "expm1", "special.log1p": "log1p", "special.log_softmax": "log_softmax",
    "special.logsumexp": "logsumexp", "special.softmax": "softmax", "subtract": "sub", "swapaxes": "transpose", "swapdims": "transpose",
}  # fmt: skip
"""Functions below ``torch`` with other names for the very same, which convert."""
# Functions that operators stand for.
_OPERATORS = {"__and__": "bitwise_and", "__or__": "bitwise_or", "__xor__": "bitwise_xor"}


@fixer("ANE101")
def respell(site: Site) -> Iterator[Fix]:
    """A call of a function in the table, as a function or as a method."""
    full = site.name()
    last = full.rsplit(".", 1)[-1]
    last = _OPERATORS.get(last, last)
    spelling = TABLE.get(last)
    if spelling is None or (full.startswith("torch.nn.") and not full.startswith("torch.nn.functional.")):
        raise Refused("no other spelling")
    if last in _OPERATORS.values() and any(site.operand(c, i).dtype != "b8" for c in site.calls for i in (0, 1)):
        raise Refused("not bool")
    node = site.node
    if isinstance(node, ast.BinOp):
        given, rest = node.left, {"other": node.right}
    else:
        given, rest = site.method_or_function(spelling.names[1:])
    if spelling.floats and not site.is_float():
        raise Refused("not floating-point")
    if spelling.same_type and not _one_type(site):
        raise Refused("several types")
    text = spelling.text
    for name, default in spelling.defaults.items():
        if default == "1" and name not in rest:
            text = text.replace(f"{{{name}}} * ", "")  # nobody writes 1 * x
    yield site.fix(
        spelling.title or f"Write {last} with functions that convert",
        *render(site, text, {"input": given, **rest}, spelling.defaults, spelling.atomic),
        safety=spelling.safety,
    )


@fixer("ANE101")
def rename(site: Site) -> Iterator[Fix]:
    """A call by the usual name of the function, in place or not."""
    full, func = site.name(), site.call.func
    name = full.removeprefix("torch.").removeprefix("Tensor.")
    usual = ALIASES.get(name.removesuffix("_"))
    if usual is None:
        raise Refused("no other name")
    if usual == "transpose" and site.call.keywords:
        raise Refused("its parameters have other names")
    usual += "_" if name.endswith("_") else ""
    if site.tree.qualified(func) is not None:
        edits = place(site, func, f"torch.{usual}", atomic=True)
    elif isinstance(func, ast.Attribute):
        edits = [site.tree.replace(func, f"{site.tree.atom(func.value)}.{usual}", atomic=True)]
    else:
        raise Refused("called through a name of its own")
    yield site.fix(f"Call it {usual}", *edits)


def _one_type(site: Site) -> bool:
    for call in site.calls:
        tensors = [v.type.dtype for v in (*call.args, *call.kwargs.values()) if hasattr(v, "type")]
        if len(set(tensors)) != 1 or None in tensors:
            return False
    return True


def render(
    site: Site, template: str, operands: Mapping[str, ast.expr], defaults: Mapping[str, str], atomic: bool
) -> list[TextEdit]:
    """Edits that put a template in the call's place. Operands used twice that are no names get one in front."""
    tree, edits = site.tree, list[TextEdit]()
    texts: dict[str, str] = {}
    for name in sorted(set(re.findall(r"\{(\w+)\}", template))):
        node = operands.get(name)
        if node is None:
            if name not in defaults:
                raise Refused(f"{name} is not given")
            texts[name] = defaults[name]
        elif template.count("{" + name + "}") == 1 and re.search(rf"(\(|, )\{{{name}\}}(\)|, )", template):
            texts[name] = tree.text(node)  # an argument of a call needs no brackets
        elif template.count("{" + name + "}") > 1 and not is_stable(node):
            texts[name] = tree.fresh("given" if name == "input" else name)
            edits.append(tree.before(site.call, f"{texts[name]} = {tree.text(node)}"))
        else:
            texts[name] = tree.atom(node)
    if any(name not in texts for name in operands):
        unused = [n for name, n in operands.items() if name not in texts]
        if any(literal(n) is not None for n in unused):
            raise Refused("an argument without a place")
    return [*edits, *place(site, site.node, template.format(**texts), atomic)]


def place(site: Site, node: ast.expr, text: str, atomic: bool) -> list[TextEdit]:
    """Put `text` in a node's place, ``torch.`` written as the file has it."""
    edits: dict[TextEdit, None] = {}

    def spelled(match: re.Match[str]) -> str:
        name, imports = site.tree.spell(match[0])
        edits.update(dict.fromkeys(imports))
        return name

    text = re.sub(r"(?<![\w.])torch(?:\.nn\.functional)?\.\w+", spelled, text)
    return [site.tree.replace(node, text, atomic), *edits]
