"""Masks of infinity and other constants fp16 cannot hold, as the finite -1e4.

Behind a softmax the result is the same as long as the best element of a row that is not masked is above -1e4 by more than 104
(then exp underflows to 0 in fp32 as it does in fp16); a row that is masked completely becomes uniform instead of NaN.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused, Tree
from ane_lsp.graph import Value

FILL = "-1e4"
FP16_MAX = 65504.0


def _is_infinite(tree: Tree, node: ast.expr) -> bool:
    """inf, however it is written."""
    if isinstance(node, ast.Call):
        return (
            isinstance(node.func, ast.Name)
            and node.func.id == "float"
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Constant)
            and str(node.args[0].value).strip().lower() in ("inf", "infinity", "+inf")
        )
    return tree.qualified(node) in ("torch.inf", "math.inf", "numpy.inf")


def is_huge_negative(tree: Tree, node: ast.expr) -> bool:
    """-inf, the smallest number of a float type, or a literal below what fp16 holds."""
    if isinstance(node, ast.Call):
        return (
            isinstance(node.func, ast.Name)
            and node.func.id == "float"
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Constant)
            and str(node.args[0].value).strip().lower() in ("-inf", "-infinity")
        )
    if isinstance(node, ast.Attribute) and node.attr == "min" and isinstance(node.value, ast.Call):
        return tree.qualified(node.value.func) == "torch.finfo"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = node.operand
        if isinstance(inner, ast.Constant) and isinstance(inner.value, (int, float)):
            return inner.value > FP16_MAX
        return _is_infinite(tree, inner)
    return False


@fixer("ANE801", "ANE250", "ANE803")
def finite_mask(site: Site) -> Iterator[Fix]:
    """The constant in the expression the finding names; for ANE250 only where a softmax follows."""
    if site.finding.code == "ANE250":
        value = site.finding.data.get("value")
        if not site.finding.data.get("before_softmax") or not isinstance(value, float) or value > 0:
            raise Refused("no softmax follows")
    found = [node for node in ast.walk(site.node) if isinstance(node, ast.expr) and is_huge_negative(site.tree, node)]
    if not found:
        found = _through_name(site)
    if len(found) == 1:
        edit = site.tree.replace(found[0], FILL, atomic=True)
    elif not found and site.finding.code == "ANE801":
        edit = _clamped_table(site)
    else:
        raise Refused("not exactly one constant here")
    if _meets_softmax_only(site):
        yield site.fix(
            f"Mask with {FILL} (the same behind softmax; rows masked completely become uniform, not NaN)", edit
        )
    else:
        title = f"Mask with {FILL} (what is not behind the softmax sees it instead of infinity)"
        yield site.fix(title, edit, safety="unsafe")


# Where elements go on as they are, or shifted and scaled.
_THROUGH = frozenset({
    "add", "sub", "mul", "real_div", "cast", "identity", "clip", "maximum", "minimum", "select", "band_part", "reshape", "transpose",
    "expand_dims", "squeeze", "slice_by_index", "slice_by_size", "slice_update", "split", "concat", "stack", "tile", "gather",
})  # fmt: skip
# Where -1e4 and -inf give the same: an exponential of both is zero, and neither is the largest of a row.
_EQUAL = frozenset({
    "softmax", "scaled_dot_product_attention", "exp", "sigmoid", "relu", "reduce_max", "reduce_argmax", "reduce_log_sum_exp",
})  # fmt: skip
_LOGARITHM = re.compile(r"log_softmax|LogSoftmax|cross_entropy|CrossEntropy")


def _meets_softmax_only(site: Site) -> bool:
    """Whether what the calls here give ends in a softmax or the like wherever it goes, and is not returned."""
    made = {id(call) for call in site.calls}
    for graph in site.graphs:
        returned, consumers = {value.id for value in graph.outputs}, graph.consumers()
        left = [value for op in graph.ops if id(op.call) in made for value in op.outputs]
        seen: set[int] = set()
        while left:
            value = left.pop()
            if value.id in seen:
                continue
            seen.add(value.id)
            if value.id in returned:
                return False
            for op in consumers.get(value.id, ()):
                if op.kind in _THROUGH:
                    left += op.outputs
                elif op.kind not in _EQUAL or _LOGARITHM.search(op.call.torch):
                    return False
    return True


def _clamped_table(site: Site) -> TextEdit:
    """``scores + self.mask`` or ``self.mask[:n, :n]`` for a mask made elsewhere, a buffer for example: it is clamped here.

    Conversion folds that away. Where the mask is made stays as it is, and so does what is saved of it.
    """
    node = site.node
    if site.calls and all(isinstance(call.result, Value) and call.result.is_const for call in site.calls):
        return site.tree.replace(node, f"{site.tree.atom(node)}.clamp(min={FILL})", atomic=True)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        raise Refused("the constant is written elsewhere")
    sides: set[int] = set()
    for call in site.calls:
        known = [isinstance(arg, Value) and arg.is_const and (arg.type.dtype or "?")[0] in "fb" for arg in call.args]
        if len(known) != 2 or sum(known) != 1 or not all(isinstance(arg, Value) for arg in call.args):
            raise Refused("not a sum of scores and a constant mask")
        sides.add(known.index(True))
    if len(sides) != 1:
        raise Refused("the mask stands on either side")
    mask = (node.left, node.right)[sides.pop()]
    return site.tree.replace(mask, f"{site.tree.atom(mask)}.clamp(min={FILL})", atomic=True)


def _through_name(site: Site) -> list[ast.expr]:
    """``big = torch.finfo(x.dtype).min`` in the same function, used once, in this expression."""
    function = site.tree.function(site.node)
    if function is None:
        return []
    assigned: dict[str, list[ast.Assign]] = {}
    loads: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            loads[node.id] = loads.get(node.id, 0) + 1
    found: list[ast.expr] = []
    for node in ast.walk(site.node):
        if isinstance(node, ast.Name) and len(given := assigned.get(node.id, [])) == 1 and loads[node.id] == 1:
            if is_huge_negative(site.tree, given[0].value):
                found.append(given[0].value)
    return found
