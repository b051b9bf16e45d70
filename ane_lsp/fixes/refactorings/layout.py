"""A block of linear layers, moved to (batch, channels, 1, length): 1x1 convolutions, norms over channels, attention by heads.

The class stays what it is to its callers: it takes and returns (batch, length, channels), and its parameters keep their names.
forward is followed from statement to statement with what is known of each name (:mod:`values`). What works on elements alone
passes; splitting, permuting and merging axes turns into another reading of the channels; the scores of an attention are kept
until they meet the values and are then written as products for each head with the softmax over the keys. Whatever else is met
gets the tensor in the layout it had; where that is not possible the refactoring is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.refactorings.base import Place, names_bound, names_read, refactoring, statements
from ane_lsp.fixes.refactorings.expressions import Expressions
from ane_lsp.fixes.refactorings.layers import Layers, has_linear
from ane_lsp.fixes.refactorings.values import (
    Broken,
    Channels,
    Held,
    Plain,
    Scores,
    Several,
    atom,
    depends,
    to_channels,
)
from ane_lsp.fixes.tree import Refused
from ane_lsp.graph import Span

_Env = dict[str, Held]


@refactoring("ane-layout", "Convert this block to the ANE layout (batch, channels, 1, length)", has_linear)
def ane_layout(place: Place) -> Fix:
    """The class around the place."""
    block = Block(place)
    block.run()
    count = len(block.layers.taken)
    if not count:
        raise Refused(block.reason or f"no linear layer of {place.model.name} can be made a convolution")
    if block.unfinished:
        raise Refused(block.unfinished)
    layers = "1 linear layer" if count == 1 else f"{count} linear layers"
    title = f"Convert {place.model.name} to (batch, channels, 1, length): {layers} as 1x1 convolutions (weights get two more axes; checkpoints of before load)"
    edits = {*block.edits, *block.layers.edits, *block.layers.init_edits()}
    order = sorted(edits, key=lambda e: (e.span.line, e.span.col, e.span.end_line, e.span.end_col))
    return Fix(title, "unsafe", tuple(order))


class Block:
    """The rewriting of one forward."""

    def __init__(self, place: Place) -> None:
        self.place, self.tree = place, place.tree
        self.layers = Layers(place)
        self.edits: list[TextEdit] = []
        self.expressions = Expressions(place, self.layers)
        self.unfinished = ""
        _ = place.init

    @property
    def reason(self) -> str:
        """Why the first linear layer that could not be moved could not."""
        return self.expressions.reason

    def run(self) -> None:
        self._block(list(statements(self.place.forward.body)), {})

    # -- statements --------------------------------------------------------------------------------------------------

    def _block(self, body: Sequence[ast.stmt], env: _Env) -> bool:
        """Rewrite a block; whether anything of it is left."""
        left = False
        for index, statement in enumerate(body):
            self.expressions.env = env
            self._prepare(statement, body[index:], env)
            left |= self._statement(statement, env)
        return left

    def _statement(self, statement: ast.stmt, env: _Env) -> bool:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            return self._assign(statement, statement.targets[0], env)
        if (
            isinstance(statement, ast.AnnAssign)
            and statement.value is not None
            and isinstance(statement.target, ast.Name)
        ):
            self._replace(statement.value, self.expressions.plain(statement.value))
            self._bind(statement.target.id, Plain(statement.target.id), env)
            return True
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            return self._augmented(statement, statement.target, env)
        if isinstance(statement, ast.If):
            return self._branches(statement, env)
        if isinstance(statement, (ast.Return, ast.Expr)) and statement.value is not None:
            self._replace(statement.value, self.expressions.plain(statement.value))
            return True
        if isinstance(statement, (ast.Assert, ast.Raise)):
            for node in ast.iter_child_nodes(statement):
                if isinstance(node, ast.expr):
                    self._replace(node, self.expressions.plain(node))
            return True
        touched = {
            n for n in names_read(statement) | names_bound(statement) if not isinstance(env.get(n, Plain(n)), Plain)
        }
        if touched:
            raise self.place.why(statement, f"works on {', '.join(sorted(touched))} in a way that is not followed")
        for name in names_bound(statement):
            self._bind(name, Plain(name), env)
        return True

    def _assign(self, statement: ast.Assign, target: ast.expr, env: _Env) -> bool:
        value = self.expressions.visit(statement.value)
        if isinstance(target, ast.Name):
            return self._name(statement, target.id, value, env)
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, Several):
            names = [t.id for t in target.elts if isinstance(t, ast.Name)]
            if len(names) != len(target.elts) or len(names) != len(value.parts):
                raise self.place.why(statement, "takes the parts apart in a way that is not followed")
            self._replace(statement.value, value.text)
            for name, part in zip(names, value.parts, strict=True):
                self._bind(name, part.with_text(name) if isinstance(part, Channels) else Plain(name), env)
            return True
        self._replace(statement.value, self.expressions.as_plain(value, statement.value))
        for name in names_bound(target):
            self._bind(name, Plain(name), env)
        return True

    def _name(self, statement: ast.Assign, name: str, value: Held, env: _Env) -> bool:
        if isinstance(value, (Scores, Broken)):
            self._drop(statement)
            self._bind(name, value, env)
            return False
        if isinstance(value, Channels):
            self._bind(name, value.with_text(name), env)
            if value.text == name:
                self._drop(statement)
                return False
        elif isinstance(value, Several):
            self._bind(name, Several(name, tuple(self._part(p, name, i) for i, p in enumerate(value.parts))), env)
        else:
            self._bind(name, Plain(name), env)
        self._replace(statement.value, value.text)
        return True

    def _part(self, part: Plain | Channels, name: str, index: int) -> Plain | Channels:
        text = f"{name}[{index}]"
        return part.with_text(text) if isinstance(part, Channels) else Plain(text)

    def _augmented(self, statement: ast.AugAssign, target: ast.Name, env: _Env) -> bool:
        before = env.get(target.id, Plain(target.id))
        left = ast.copy_location(ast.Name(target.id, ast.Load()), target)
        value = self.expressions.combine(statement, left, statement.op, statement.value)
        if isinstance(value, Scores):
            self._drop(statement)
            self._bind(target.id, value, env)
            return False
        if type(before) is not type(value):
            raise self.place.why(statement, "changes a tensor in place that is held in another layout")
        self._replace(statement.value, self.expressions.right)
        self._bind(target.id, value.with_text(target.id) if isinstance(value, Channels) else Plain(target.id), env)
        return True

    def _branches(self, statement: ast.If, env: _Env) -> bool:
        self._replace(statement.test, self.expressions.plain(statement.test))
        first, second = dict(env), dict(env)
        edits = len(self.edits)
        moved = dict(self.expressions.moved)
        left = self._block(statement.body, first)
        after, self.expressions.moved = self.expressions.moved, dict(moved)
        more = self._block(statement.orelse, second)
        both = self.expressions.moved.items() & after.items()
        self.expressions.moved = {name: text for name, text in moved.items() if (name, text) in both}
        ends = [isinstance(b[-1], (ast.Return, ast.Raise)) if b else False for b in (statement.body, statement.orelse)]
        for name in {*first, *second}:
            a, b = first.get(name, Plain(name)), second.get(name, Plain(name))
            env[name] = b if ends[0] else a if ends[1] or a == b else self._joined(statement, name, a, b)
        if not left and not more:
            del self.edits[edits:]
            self._drop(statement)
            return False
        if not left or (statement.orelse and not more):
            raise self.place.why(statement.test, "decides about a part of the attention alone")
        return True

    def _joined(self, statement: ast.If, name: str, a: Held, b: Held) -> Held:
        """A value after an if: the same on both sides, or an attention that has a mask if there is one."""
        if isinstance(a, Scores) and isinstance(b, Scores) and b.mask is None and a.mask is not None:
            without = replace(a, mask=None)
            test = statement.test
            given = (
                isinstance(test, ast.Compare)
                and isinstance(test.ops[0], ast.IsNot)
                and isinstance(test.comparators[0], ast.Constant)
                and test.comparators[0].value is None
                and self.tree.text(test.left) == a.mask
            )
            if without == b and given:
                return a
        if (
            isinstance(a, Channels)
            and isinstance(b, Channels)
            and (a.order, len(a.factors)) == (b.order, len(b.factors))
        ):
            return Channels(
                name, a.order, tuple(x if x == y else None for x, y in zip(a.factors, b.factors, strict=True))
            )
        return Broken(f"{name} is held in different ways after the `if` in line {statement.lineno}")

    # -- names and edits ---------------------------------------------------------------------------------------------

    def _bind(self, name: str, value: Held, env: _Env) -> None:
        for other, held in env.items():
            if other != name and name in depends(held):
                env[other] = Broken(f"{name}, on which {other} depends, is given another value before it is used")
        env[name] = value
        self.expressions.forget(name)

    def _prepare(self, statement: ast.stmt, rest: Sequence[ast.stmt], env: _Env) -> None:
        """Where several layers take the same tensor, it is moved once, in front of the first."""
        if isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.Try)):
            return
        for name in sorted(self.expressions.wanted_by_layers(statement)):
            if not isinstance(env.get(name, Plain(name)), Plain) or name in self.expressions.moved:
                continue
            count = 0
            for later in rest:
                count += self.expressions.wanted_by_layers(later).get(name, 0)
                if name in names_bound(later):
                    break
            if count > 1:
                fresh = self.tree.fresh(f"{name}_channels")
                span = self.tree.span(statement)
                indent = self.tree.source.lines.line(span.line).encode()[: span.col].decode()
                if indent.strip():
                    return
                line = f"{indent}{fresh} = {to_channels(name)}{self.tree.source.newline}"
                self.edits.append(TextEdit(Span(span.file, span.line, 0, span.line, 0), line))
                self.expressions.moved[name] = fresh

    def _replace(self, node: ast.expr, text: str) -> None:
        if text != self.tree.text(node):
            needs = "\n" in text and not self.tree._enclosed(node) and not text.startswith("(")
            self.edits.append(TextEdit(self.tree.span(node), atom(text) if needs else text))

    def _drop(self, statement: ast.stmt) -> None:
        """Take a statement out with its lines."""
        source, span = self.tree.source, self.tree.span(statement)
        start, end = source.lines.offset(span.line, 0), source.lines.offset(span.end_line, span.end_col)
        after = source.lines.line(span.end_line).encode()[span.end_col :].decode().strip()
        if source.text[start : source.lines.offset(span.line, span.col)].strip() or (
            after and not after.startswith("#")
        ):
            raise self.place.why(statement, "shares its line with another statement")
        if span.end_line >= len(source.lines) or end < start:
            raise self.place.why(statement, "is the file's last line")
        self.edits.append(TextEdit(Span(span.file, span.line, 0, span.end_line + 1, 0), ""))
