"""Expressions of a block that is moved to (batch, channels, 1, length): what each is held as, and how it is written then."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace

from ane_lsp.fixes.masks import is_huge_negative
from ane_lsp.fixes.refactorings.base import Place, own_attribute, tensor_ranks
from ane_lsp.fixes.refactorings.layers import ELEMENTWISE_FUNCTIONS, ELEMENTWISE_METHODS, Layers
from ane_lsp.fixes.refactorings.values import (
    BATCH,
    LENGTH,
    Broken,
    Channels,
    Held,
    Plain,
    Scores,
    Several,
    atom,
    to_channels,
    to_sequence,
)
from ane_lsp.fixes.tree import Refused, bind, literal
from ane_lsp.graph import Value

_ELEMENTWISE = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_SDPA = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")


class Expressions:
    """Follows expressions. env: what names hold; changed by whoever follows statements. right: the last right operand's text."""

    def __init__(self, place: Place, layers: Layers) -> None:
        self.place, self.tree, self.layers = place, place.tree, layers
        self.env: dict[str, Held] = {}
        self.moved: dict[str, str] = {}
        self.reason = ""
        self.right = ""

    def forget(self, name: str) -> None:
        """A name means something else from here on."""
        self.moved.pop(name, None)

    def wanted_by_layers(self, statement: ast.stmt) -> Counter[str]:
        """How often plain names are given to layers that can be moved."""
        found: Counter[str] = Counter()
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
                attribute = own_attribute(node.func)
                if attribute and self.layers.can_move(attribute, node) and self._makes_linear(attribute, node):
                    found[node.args[0].id] += 1
        return found

    def _makes_linear(self, attribute: str, call: ast.Call) -> bool:
        made = self.layers.constructors(attribute, call)
        return any(self.place.qualified(node.func) == "torch.nn.Linear" for node in made)

    # -- results -----------------------------------------------------------------------------------------------------

    def plain(self, node: ast.expr) -> str:
        """An expression, held as it was."""
        return self.as_plain(self.visit(node), node)

    def as_plain(self, held: Held, node: ast.AST) -> str:
        """How a value is written where it is wanted as it was."""
        if isinstance(held, Plain):
            return held.text
        if isinstance(held, Channels):
            try:
                return to_sequence(held)
            except Refused as problem:
                raise self.place.why(node, str(problem)) from None
        if isinstance(held, Several):
            if isinstance(node, (ast.Tuple, ast.List)):
                return self._splice(node, {n: self.as_plain(self.visit(n), n) for n in node.elts})
            if all(isinstance(part, Plain) for part in held.parts):
                return held.text
            raise self.place.why(node, "is used as a whole")
        if isinstance(held, Broken):
            raise self.place.why(node, held.reason)
        raise self.place.why(
            node, "uses the scores of the attention other than in softmax and the product with the values"
        )

    def visit(self, node: ast.expr) -> Held:
        """What an expression is held as."""
        if isinstance(node, ast.Name):
            held = self.env.get(node.id, Plain(node.id))
            if isinstance(held, Broken):
                raise self.place.why(node, held.reason)
            return held
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.BinOp):
            return self.combine(node, node.left, node.op, node.right)
        if isinstance(node, ast.UnaryOp):
            inner = self.visit(node.operand)
            if isinstance(inner, Channels) and isinstance(node.op, ast.USub):
                return inner.with_text(self._splice(node, {node.operand: inner.text}))
        elif isinstance(node, ast.Attribute):
            return self._attribute(node)
        elif isinstance(node, ast.Subscript):
            return self._subscript(node)
        elif isinstance(node, (ast.Tuple, ast.List)):
            return self._several(node)
        elif isinstance(node, ast.IfExp):
            return self._choice(node)
        elif isinstance(node, ast.Compare) and any(
            isinstance(c, ast.Constant) and c.value is None for c in node.comparators
        ):
            inner = self.visit(node.left)
            if isinstance(inner, Channels):
                return Plain(self._splice(node, {node.left: inner.text}))
        return self._generic(node)

    def _generic(self, node: ast.expr) -> Plain:
        """An expression of which nothing is known but what it is made of."""
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            for name in ast.walk(node):
                if isinstance(name, ast.Name) and not isinstance(self.env.get(name.id, Plain("")), Plain):
                    raise self.place.why(node, f"works on {name.id} in a way that is not followed")
            return Plain(self.tree.text(node))
        parts = [n for child in ast.iter_child_nodes(node) for n in self._expressions(child)]
        return Plain(self._splice(node, {part: self.plain(part) for part in parts}))

    def _expressions(self, node: ast.AST) -> list[ast.expr]:
        if isinstance(node, ast.Slice) or not isinstance(node, ast.expr):
            return [n for child in ast.iter_child_nodes(node) for n in self._expressions(child)]
        return [node]

    def _splice(self, node: ast.AST, parts: dict[ast.expr, str]) -> str:
        """A node as written, with new text for some of its parts."""
        lines, text, whole = self.tree.source.lines, self.tree.source.text, self.tree.span(node)
        start, end = lines.offset(whole.line, whole.col), lines.offset(whole.end_line, whole.end_col)
        found: list[str] = []
        at = start
        for part in sorted(parts, key=lambda n: (n.lineno, n.col_offset)):
            span = self.tree.span(part)
            first, last = lines.offset(span.line, span.col), lines.offset(span.end_line, span.end_col)
            new = parts[part]
            if new != text[first:last] and isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Compare)):
                new = atom(new)
            found += (text[at:first], new)
            at = last
        return "".join((*found, text[at:end]))

    def _several(self, node: ast.Tuple | ast.List) -> Held:
        parts = [self.visit(n) for n in node.elts]
        if all(isinstance(p, Plain) for p in parts) or any(isinstance(n, ast.Starred) for n in node.elts):
            return Plain(self._splice(node, {n: self.as_plain(p, n) for n, p in zip(node.elts, parts, strict=True)}))
        kept = [p for p in parts if isinstance(p, (Plain, Channels))]
        if len(kept) != len(parts):
            raise self.place.why(node, "holds the scores of an attention")
        return Several(self._splice(node, {n: p.text for n, p in zip(node.elts, kept, strict=True)}), tuple(kept))

    def _choice(self, node: ast.IfExp) -> Held:
        test, a, b = self.plain(node.test), self.visit(node.body), self.visit(node.orelse)
        if isinstance(a, Channels) and isinstance(b, Channels) and (a.order, a.factors) == (b.order, b.factors):
            return a.with_text(self._splice(node, {node.test: test, node.body: a.text, node.orelse: b.text}))
        if isinstance(a, Channels) and isinstance(node.orelse, ast.Constant) and node.orelse.value is None:
            return a.with_text(self._splice(node, {node.test: test, node.body: a.text}))
        texts = {node.test: test, node.body: self.as_plain(a, node.body), node.orelse: self.as_plain(b, node.orelse)}
        return Plain(self._splice(node, texts))

    def _attribute(self, node: ast.Attribute) -> Held:
        base = self.visit(node.value)
        if isinstance(base, Channels):
            if node.attr == "shape":
                return Plain(f"({', '.join(base.size(i) for i in range(len(base.order)))})")
            if node.attr in ("dtype", "device"):
                return Plain(f"{atom(base.text)}.{node.attr}")
            if node.attr == "mT":
                return base.permuted([*range(len(base.order) - 2), -1, -2])
            return Plain(self._splice(node, {node.value: self.as_plain(base, node.value)}))
        if isinstance(base, Scores) and node.attr in ("dtype", "device"):
            return Plain(f"{atom(base.queries)}.{node.attr}")
        return Plain(self._splice(node, {node.value: self.as_plain(base, node.value)}))

    def _subscript(self, node: ast.Subscript) -> Held:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            base = self.visit(node.value.value)
            if isinstance(base, Channels) and isinstance(index := self._constant(node.slice), int):
                return Plain(base.size(index))
        base = self.visit(node.value)
        index = self._constant(node.slice)
        if isinstance(base, Several) and isinstance(index, int) and -len(base.parts) <= index < len(base.parts):
            part = base.parts[index]
            text = f"{atom(base.text)}[{index}]"
            return part.with_text(text) if isinstance(part, Channels) else Plain(text)
        if isinstance(base, Channels) and not base.is_sequence and isinstance(index, int):
            count, part = base.parts(0)
            return part.with_text(f"{atom(base.text)}.chunk({count}, 1)[{index}]")
        return self._generic(node)

    def _constant(self, node: ast.expr) -> object:
        try:
            return literal(node)
        except Refused:
            return None

    # -- operators ---------------------------------------------------------------------------------------------------

    def combine(self, node: ast.AST, left: ast.expr, op: ast.operator, right: ast.expr) -> Held:
        """``left op right``, for a binary operator or an assignment with one."""
        a, b = self.visit(left), self.visit(right)
        if isinstance(op, ast.MatMult) and not (isinstance(a, Plain) and isinstance(b, Plain)):
            return self._product(node, a, b)
        if isinstance(a, Scores) or isinstance(b, Scores):
            return self._scores(node, a, op, b, left, right)
        if isinstance(op, _ELEMENTWISE) and (isinstance(a, Channels) or isinstance(b, Channels)):
            texts = self._alike(node, a, b, left, right)
            if texts is not None:
                form = a if isinstance(a, Channels) else b
                assert isinstance(form, Channels)
                self.right = texts[1]
                return form.with_text(self._splice(node, {left: texts[0], right: texts[1]}))
        first, second = self.as_plain(a, left), self.as_plain(b, right)
        self.right = second
        return Plain(self._splice(node, {left: first, right: second}))

    def _alike(self, node: ast.AST, a: Held, b: Held, left: ast.expr, right: ast.expr) -> tuple[str, str] | None:
        """Both operands as they are written over channels; None where one of them cannot be."""
        if isinstance(a, Channels) and isinstance(b, Channels):
            return (a.text, b.text) if (a.order, len(a.factors)) == (b.order, len(b.factors)) else None
        found: list[str] = []
        for held, other, part in ((a, b, left), (b, a, right)):
            if isinstance(held, Channels):
                found.append(held.text)
                continue
            assert isinstance(other, Channels)
            if not isinstance(held, Plain):
                return None
            text = self._beside(node, held, other, part)
            if text is None:
                return None
            found.append(text)
        return found[0], found[1]

    def _beside(self, node: ast.AST, held: Plain, other: Channels, part: ast.expr) -> str | None:
        """A plain operand next to one over channels."""
        if self.is_number(node, part):
            return held.text
        ranks = {tuple(tensor_ranks(call)) for call in self.place.calls_at(node)}
        if len(ranks) != 1 or not other.is_sequence:
            return None
        (both,) = ranks
        if both == (3, 3) and isinstance(part, ast.Name) and part.id in self.moved and self._same_shapes(node):
            return self.moved[part.id]
        if sorted(r or 0 for r in both) == [1, 3] and own_attribute(part):
            return f"{held.text}[:, None, None]"
        return None

    def _same_shapes(self, node: ast.AST) -> bool:
        shapes = [
            [v.type.shape for v in (*call.args, *call.kwargs.values()) if isinstance(v, Value)]
            for call in self.place.calls_at(node)
        ]
        return all(len(s) == 2 and s[0] is not None and s[0] == s[1] for s in shapes)

    def _moved(self, node: ast.expr, held: Plain) -> str:
        if isinstance(node, ast.Name) and node.id in self.moved:
            return self.moved[node.id]
        return to_channels(held.text)

    def is_number(self, node: ast.AST, part: ast.expr) -> bool:
        """Whether an operand is a plain number: seen to be, or made of numbers as written."""
        calls = self.place.calls_at(node)
        if calls:
            return all(len(tensor_ranks(call)) == 1 for call in calls)
        return self._is_arithmetic(part)

    def _is_arithmetic(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, (int, float))
        if isinstance(node, ast.BinOp):
            return self._is_arithmetic(node.left) and self._is_arithmetic(node.right)
        if isinstance(node, ast.Call):
            name = self.place.qualified(node.func)
            if name.startswith("math.") or (isinstance(node.func, ast.Name) and node.func.id in ("float", "int")):
                return True
            return isinstance(node.func, ast.Attribute) and node.func.attr == "size" and len(node.args) == 1
        if isinstance(node, ast.Subscript):
            return isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
        attribute = own_attribute(node)
        if attribute:
            statement = self.place.assigned(attribute)
            return statement is not None and not any(
                isinstance(n, ast.Call) and not self.place.qualified(n.func).startswith("math.")
                for n in ast.walk(statement.value)
            )
        return False

    # -- attention ---------------------------------------------------------------------------------------------------

    def _product(self, node: ast.AST, a: Held, b: Held) -> Held:
        if isinstance(a, Scores) and isinstance(b, Channels):
            return self._weighted(node, a, b)
        if not isinstance(a, Channels) or not isinstance(b, Channels):
            raise self.place.why(node, "multiplies a tensor over channels with something else")
        for count in (1, 2):
            rows = (BATCH, LENGTH, 0) if count == 1 else (BATCH, 0, LENGTH, 1)
            columns = (*rows[:-2], rows[-1], rows[-2])
            if a.order == rows and b.order == columns and len(a.factors) == len(b.factors) == count:
                heads = "1"
                if count == 2:
                    self._heads(node, a.factors, b)
                    heads = a.size(1)
                return Scores(a.text, b.text, heads, a.factors)
        raise self.place.why(node, "is no product of queries and keys, head by head")

    def _heads(self, node: ast.AST, factors: tuple[str | None, ...], other: Channels) -> str:
        """How many heads there are; Refused where `other` might have another number of them."""
        same = factors[0] == other.factors[0] if factors[0] is not None else factors == other.factors
        if factors[0] is None:
            shapes = [[v.type.shape for v in (*c.args, *c.kwargs.values()) if isinstance(v, Value)]
                      for c in self.place.calls_at(node)]  # fmt: skip
            same = same and bool(shapes) and all(len({s[1] for s in each if s and len(s) == 4}) == 1 for each in shapes)
        if not same:
            raise self.place.why(node, "may have other heads in one tensor than in the other")
        return other.size(other.order.index(0))

    def _weighted(self, node: ast.AST, scores: Scores, values: Channels) -> Channels:
        if not scores.normalised:
            raise self.place.why(node, "multiplies scores without a softmax")
        single = scores.heads == "1"
        if values.order != ((BATCH, LENGTH, 0) if single else (BATCH, 0, LENGTH, 1)):
            raise self.place.why(node, "is no product of weights and values, head by head")
        if not single:
            self._heads(node, scores.factors, values)
        return values.with_text(scores.call(self.layers.helper("attention_over_channels"), values.text))

    def _scores(self, node: ast.AST, a: Held, op: ast.operator, b: Held, left: ast.expr, right: ast.expr) -> Held:
        """Scores times a number, or with a mask."""
        scores, other, part = (a, b, right) if isinstance(a, Scores) else (b, a, left)
        if isinstance(scores, Scores) and isinstance(other, Plain) and not scores.normalised:
            if isinstance(op, ast.Mult) and scores.mask is None and self._is_scale(node, part):
                return replace(scores, scale=(*scores.scale, atom(other.text)))
            if isinstance(op, ast.Div) and a is scores and scores.mask is None and self._is_scale(node, part):
                return replace(scores, scale=(*scores.scale, f"(1 / {atom(other.text)})"))
            if isinstance(op, ast.Add) and scores.mask is None and self._is_float(node):
                return replace(scores, mask=other.text)
        raise self.place.why(node, "does something to the scores that is neither a scale nor one mask")

    def _is_float(self, node: ast.AST) -> bool:
        """No bool tensor takes part, which would be added as ones."""
        values = [v for call in self.place.calls_at(node) for v in (*call.args, *call.kwargs.values())]
        return not any(isinstance(v, Value) and v.type.dtype == "b8" for v in values)

    def _is_scale(self, node: ast.AST, part: ast.expr) -> bool:
        return self.is_number(node, part) or (isinstance(part, ast.Name) and not self.place.calls_at(node))

    def _fused(self, node: ast.Call) -> Held:
        """scaled_dot_product_attention."""
        bound = bind(node, _SDPA)
        q, k, v = (self.visit(bound[name]) if name in bound else None for name in _SDPA[:3])
        rows = (BATCH, 0, LENGTH, 1)
        if not (isinstance(q, Channels) and isinstance(k, Channels) and isinstance(v, Channels)):
            if isinstance(q, Plain) and isinstance(k, Plain) and isinstance(v, Plain):
                return self._generic(node)
            raise self.place.why(node, "gets some of its tensors in another layout")
        if (
            "enable_gqa" in bound
            or not q.order == k.order == v.order == rows
            or not len(q.factors) == len(v.factors) == 2
        ):
            raise self.place.why(node, "is no attention of (batch, heads, length, width)")
        heads = self._heads(node, q.factors, q)
        self._heads(node, q.factors, k)
        self._heads(node, q.factors, v)
        parts = [q.text, k.text, v.text, heads]
        for name, keyword in (
            ("scale", "scale"),
            ("attn_mask", "mask"),
            ("is_causal", "is_causal"),
            ("dropout_p", "dropout"),
        ):
            given = bound.get(name)
            if given is not None and not (isinstance(given, ast.Constant) and not given.value):
                parts.append(f"{keyword}={self.plain(given)}")
        return v.with_text(f"{self.layers.helper('attention_over_channels')}({', '.join(parts)})")

    # -- calls -------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Held:
        name = self.place.qualified(node.func)
        if name:
            return self._function(node, name)
        attribute = own_attribute(node.func)
        if attribute and len(node.args) == 1 and not node.keywords:
            return self._module(node, attribute)
        if isinstance(node.func, ast.Attribute) and not attribute:
            base = self.visit(node.func.value)
            if isinstance(base, Channels):
                return self._method(node, node.func, base)
            if isinstance(base, Scores):
                return self._of_scores(node, node.func.attr, base, node.args, node.keywords)
        return self._generic(node)

    def _function(self, node: ast.Call, name: str) -> Held:
        last = name.rsplit(".", 1)[-1]
        if name == "torch.nn.functional.scaled_dot_product_attention":
            return self._fused(node)
        if not node.args or any(isinstance(a, ast.Starred) for a in node.args):
            return self._generic(node)
        first = self.visit(node.args[0])
        if name in ("torch.matmul", "torch.bmm") and len(node.args) == 2:
            second = self.visit(node.args[1])
            if not (isinstance(first, Plain) and isinstance(second, Plain)):
                return self._product(node, first, second)
        elif isinstance(first, Scores):
            return self._of_scores(node, last, first, node.args[1:], node.keywords)
        elif isinstance(first, Channels) and name in ELEMENTWISE_FUNCTIONS:
            return first.with_text(self._with_first(node, first.text))
        return self._generic(node)

    def _with_first(self, node: ast.Call, text: str) -> str:
        rest = [*node.args[1:], *(k.value for k in node.keywords)]
        return self._splice(node, {node.args[0]: text, **{n: self.plain(n) for n in rest}})

    def _module(self, node: ast.Call, attribute: str) -> Held:
        given = node.args[0]
        held = self.visit(given)
        if isinstance(held, Scores):
            if held.normalised and self.layers.is_dropout(attribute):
                return replace(held, dropout=f"self.{attribute}.p if self.training else 0.0")
            raise self.place.why(node, "does something to the scores that is not known")
        if self.layers.can_move(attribute, node) and (
            isinstance(held, Channels) or self._makes_linear(attribute, node)
        ):
            if isinstance(held, Channels) and not held.is_sequence:
                raise self.place.why(node, "takes a tensor whose channels are split")
            self.layers.take(attribute, node)
            text = held.text if isinstance(held, Channels) else self._moved(given, Plain(self.as_plain(held, given)))
            return Channels(self._splice(node, {given: text}))
        if isinstance(held, Channels) and self.layers.is_elementwise(attribute, node):
            return held.with_text(self._splice(node, {given: held.text}))
        if not self.reason and any(call.torch == "torch.nn.Linear" for call in self.place.calls_at(node)):
            try:
                self.layers.constructors(attribute, node)
            except Refused as problem:
                self.reason = str(problem)
        return self._generic(node)

    def _method(self, node: ast.Call, func: ast.Attribute, base: Channels) -> Held:
        name, text = func.attr, base.text
        rank = len(base.order)
        if name in ELEMENTWISE_METHODS and name != "dropout":
            rest = {n: self.plain(n) for n in (*node.args, *(k.value for k in node.keywords))}
            return base.with_text(self._splice(node, {func.value: atom(text), **rest}))
        if name == "size":
            axis = self._constant(node.args[0]) if node.args else None
            if isinstance(axis, int):
                return Plain(base.size(axis))
            if not node.args and not node.keywords:
                return Plain(f"({', '.join(base.size(i) for i in range(rank))})")
        if name in ("transpose", "permute") and not node.keywords:
            axes = self._axes(node)
            if name == "permute" and len(axes) == rank:
                return base.permuted(axes)
            if name == "transpose" and len(axes) == 2:
                order = list(range(rank))
                order[axes[0]], order[axes[1]] = order[axes[1]], order[axes[0]]
                return base.permuted(order)
        if name in ("view", "reshape", "unflatten", "flatten"):
            return self._reshaped(node, base)
        if name in ("split", "chunk", "unbind"):
            return self._parts(node, name, base)
        if base.is_sequence:
            return self._generic(node)
        raise self.place.why(node, "is not followed while the channels are split")

    def _axes(self, node: ast.Call) -> list[int]:
        given = [self._constant(a) for a in node.args]
        if len(given) == 1 and isinstance(given[0], (tuple, list)):
            given = list(given[0])
        axes = [g for g in given if isinstance(g, int)]
        if len(axes) != len(given):
            raise self.place.why(node, "has axes that are not written as numbers")
        return axes

    def _reshaped(self, node: ast.Call, base: Channels) -> Channels:
        """Splitting the last axis, or merging what it was split into."""
        shapes = {(call.args[0].type.shape, call.result.type.shape) for call in self.place.calls_at(node)
                  if call.args and isinstance(call.args[0], Value) and isinstance(call.result, Value)}  # fmt: skip
        if not shapes or any(a is None or b is None for a, b in shapes):
            raise self.place.why(node, "has sizes that are not known")
        known = [(a, b) for a, b in shapes if a is not None and b is not None]
        ranks = {len(b) for _, b in known}
        kept = all(a[:2] == b[:2] for a, b in known)
        if base.is_sequence and kept and ranks <= {4, 5}:
            count = ranks.pop() - 2
            factors = self._written(node, count)
            return replace(base, order=(BATCH, LENGTH, *range(count)), factors=factors)
        if base.is_natural and kept and ranks == {3}:
            return Channels(base.text)
        raise self.place.why(node, "reshapes in a way that is not followed")

    def _written(self, node: ast.Call, count: int) -> tuple[str | None, ...]:
        """The last sizes as they are written; None for -1."""
        args: list[ast.expr] = list(node.args)
        if len(args) == 1:
            args = self._elements(args[0])
        if isinstance(node.func, ast.Attribute) and node.func.attr == "unflatten" and len(node.args) == 2:
            args = self._elements(node.args[1])
        sizes = args[-count:]
        if len(sizes) != count or any(isinstance(s, ast.Starred) for s in sizes):
            return (None,) * count
        return tuple(None if self._constant(s) == -1 else self.plain(s) for s in sizes)

    def _elements(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.Name):
            given = [
                s.value
                for s in ast.walk(self.place.forward)
                if isinstance(s, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in s.targets)
            ]
            node = given[0] if len(given) == 1 else node
        return list(node.elts) if isinstance(node, (ast.Tuple, ast.List)) else [node]

    def _parts(self, node: ast.Call, name: str, base: Channels) -> Several:
        text = atom(base.text)
        if name == "unbind":
            bound = bind(node, ("dim",))
            axis = self._constant(bound["dim"]) if "dim" in bound else 0
            if not isinstance(axis, int):
                raise self.place.why(node, "has an axis that is not written as a number")
            count, part = base.parts(axis)
            return self._chunks(node, f"{text}.chunk({count}, 1)", part)
        bound = bind(node, ("split_size", "dim") if name == "split" else ("chunks", "dim"))
        size, axis = next(iter(bound.values()), None), self._constant(bound["dim"]) if "dim" in bound else 0
        if not base.is_sequence or axis not in (2, -1) or size is None:
            raise self.place.why(node, "is not followed")
        return self._chunks(node, f"{text}.{name}({self.plain(size)}, 1)", base)

    def _chunks(self, node: ast.Call, text: str, part: Channels) -> Several:
        counts = {len(call.result) for call in self.place.calls_at(node) if isinstance(call.result, (tuple, list))}
        if len(counts) != 1:
            raise self.place.why(node, "makes a number of parts that is not known")
        base = atom(text)
        return Several(text, tuple(part.with_text(f"{base}[{i}]") for i in range(counts.pop())))

    def _of_scores(
        self, node: ast.Call, name: str, scores: Scores, args: list[ast.expr], keywords: list[ast.keyword]
    ) -> Held:
        given = {k.arg: k.value for k in keywords}
        if name == "softmax" and not scores.normalised:
            axis = self._constant(args[0]) if args else self._constant(given["dim"]) if "dim" in given else None
            if axis == -1 or axis == (2 if scores.heads == "1" else 3):
                return replace(scores, normalised=True)
        if name == "masked_fill" and len(args) == 2 and scores.mask is None and not scores.normalised:
            if is_huge_negative(self.tree, args[1]):
                return replace(scores, mask=f"({self.plain(args[0])}).logical_not()")
        if name in ("to", "float", "type_as", "contiguous", "type"):
            return scores
        if name == "dropout" and scores.normalised:
            p = args[0] if args else given.get("p")
            training = args[1] if len(args) > 1 else given.get("training")
            if p is not None and training is not None:
                return replace(scores, dropout=f"{atom(self.plain(p))} if {self.plain(training)} else 0.0")
        raise self.place.why(node, "does something to the scores that is not followed")
