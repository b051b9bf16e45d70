"""A forward cut in two at an operation that does not run on the ANE, so that each side can be converted on its own.

forward becomes three methods, called one after the other: what comes before, the operation, what comes after. Where the
operation stands at the very start (a token embedding) or at the very end (argmax, sampling) there are two. Nothing else changes:
the statements stay in their order, the parameters where they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.refactorings.base import (
    Place,
    method,
    names_bound,
    names_read,
    own_attribute,
    refactoring,
    statements,
)
from ane_lsp.fixes.tree import Refused
from ane_lsp.graph import Span, Value

_SIMPLE = (ast.Assign, ast.Return, ast.Expr, ast.AugAssign, ast.AnnAssign)


def _offered(place: Place) -> bool:
    return bool(_operation(place))


@refactoring("split-model", "Split this forward at the operation here, to convert both sides on their own", _offered)
def split_model(place: Place) -> Fix:
    """At the torch operation that stands at the place."""
    return _Cut(place, _operation(place)).fix()


def _operation(place: Place) -> ast.expr:
    """The operation of forward at the place: the innermost torch call around a column; on a line the first one that something
    was found about, else the outermost."""
    found = [
        node
        for node in ast.walk(place.forward)
        if isinstance(node, ast.expr) and place.calls_at(node) and _makes_tensor(place, node) and _here(place, node)
    ]
    if not found:
        raise Refused("no torch operation of a model's forward begins on this line")
    if place.col is not None:
        return found[-1]  # ast.walk goes from the outside inwards
    spans = {finding.span for finding in place.findings}
    return next((node for node in found if place.tree.span(node) in spans), found[0])


def _here(place: Place, node: ast.expr) -> bool:
    span = place.tree.span(node)
    if place.col is None:
        return span.line == place.line
    return (span.line, span.col) <= (place.line, place.col) <= (span.end_line, span.end_col)


def _makes_tensor(place: Place, node: ast.expr) -> bool:
    results = [call.result for call in place.calls_at(node)]
    flat = [r for result in results for r in (result if isinstance(result, (tuple, list)) else (result,))]
    return any(isinstance(r, Value) for r in flat) and not isinstance(node, ast.Attribute)


class _Cut:
    """The pieces of a forward around one operation."""

    def __init__(self, place: Place, node: ast.expr) -> None:
        self.place, self.tree, self.node = place, place.tree, node
        self.forward = place.forward
        self.body = list(statements(self.forward.body))
        self.index = next(i for i, s in enumerate(self.body) if any(n is node for n in ast.walk(s)))
        self.statement = self.body[self.index]
        self.word = self._word()

    def _word(self) -> str:
        """What to call the operation in names: ``embed`` for a lookup, else torch's name for it."""
        name = self.place.calls_at(self.node)[0].torch.rsplit(".", 1)[-1].strip("_").lower()
        return {"embedding": "embed", "getitem": "index"}.get(name, re.sub(r"\W", "_", name))

    def fix(self) -> Fix:
        self._check()
        args = [a.arg for a in self.forward.args.args[1:]]
        before, after = self.body[: self.index], self.body[self.index + 1 :]
        given = self._operands()
        result = self.tree.fresh(f"{self.word}_result")
        first = [self._written(s) for s in before] + [f"{name} = {text}" for name, text, named in given if not named]
        names = [name for name, _, _ in given]
        rest = self._rest(result)
        needed = self._needed(rest, after, result)
        kept = [n for n in needed if n != result]
        if not first:
            return self._without_before(args, names, given, kept, result, rest, after)
        shapes = self._shapes(kept, before)
        tensors = [n for n in kept if n not in shapes]
        for line in reversed(list(dict.fromkeys(shapes.values()))):
            rest = [self.tree.text(line), *rest]
            tensors += [n for n in sorted(names_read(line)) if n not in ("self", *tensors, *shapes) and n != result]
        self._check_tensors(tensors, before, args)
        passed = list(dict.fromkeys([*names, *tensors]))
        tail = self._is_returned(rest, after, result)
        parts = [self._method(f"before_{self.word}", args, [*first, f"return {', '.join(passed)}"])]
        parts.append(self._method(self.word_method, names, self._operation_lines(given)))
        lines = [f"{', '.join(passed)} = self.before_{self.word}({', '.join(args)})"]
        operation = f"self.{self.word_method}({', '.join(names)})"
        if tail:
            lines.append(f"return {operation}")
        else:
            parts.append(self._method(f"after_{self.word}", [result, *tensors], [*rest, *map(self._written, after)]))
            lines.append(f"return self.after_{self.word}({', '.join([operation, *tensors])})")
        return self._fix(parts, lines, "both sides" if not tail else "what comes before")

    def _without_before(
        self,
        args: list[str],
        names: list[str],
        given: list[tuple[str, str, bool]],
        kept: list[str],
        result: str,
        rest: list[str],
        after: Sequence[ast.stmt],
    ) -> Fix:
        """The operation comes first: it takes arguments of forward, and the rest takes its result."""
        if self._is_returned(rest, after, result):
            raise self.place.why(self.node, "is all that forward does")
        unknown = [n for n in kept if n not in args]
        if unknown:
            raise self.place.why(self.node, f"is used with {', '.join(unknown)}, which is not known then")
        parts = [
            self._method(self.word_method, names, self._operation_lines(given)),
            self._method(f"after_{self.word}", [result, *kept], [*rest, *map(self._written, after)]),
        ]
        operation = f"self.{self.word_method}({', '.join(names)})"
        return self._fix(parts, [f"return self.after_{self.word}({', '.join([operation, *kept])})"], "what comes after")

    # -- what is allowed ---------------------------------------------------------------------------------------------

    def _check(self) -> None:
        forward, place = self.forward, self.place
        arguments = forward.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            raise Refused("forward takes *args, **kwargs or keywords")
        if not isinstance(self.statement, _SIMPLE):
            raise place.why(self.node, "stands in a branch or a loop of forward")
        for parent in place.tree.parents(self.node):
            if parent is self.statement:
                break
            if isinstance(
                parent, (ast.Lambda, ast.IfExp, ast.BoolOp, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.NamedExpr)
            ):
                raise place.why(self.node, "is evaluated under a condition or repeatedly")
        early = [
            n for s in self.body[:-1] for n in ast.walk(s) if isinstance(n, (ast.Return, ast.Yield, ast.YieldFrom))
        ]
        if early or not isinstance(self.body[-1], ast.Return):
            raise Refused("forward returns in more than one place, or nothing")
        for name in (f"before_{self.word}", self.word_method, f"after_{self.word}"):
            if method(place.model, name):
                raise Refused(f"{place.model.name} has a method {name} already")
        indent = place.tree.source.lines.line(self.statement.lineno).encode()[: self.statement.col_offset].decode()
        if indent.strip():
            raise place.why(self.statement, "shares its line with another statement")
        for statement in self.body:
            if any(isinstance(n, (ast.Global, ast.Nonlocal)) for n in ast.walk(statement)):
                raise place.why(statement, "reaches out of forward")

    @property
    def word_method(self) -> str:
        """The method that runs the operation."""
        return f"run_{self.word}"

    # -- operands and results ----------------------------------------------------------------------------------------

    def _operands(self) -> list[tuple[str, str, bool]]:
        """Names that the operation reads: as they are, or made of its operands in front of it. (name, source, is it a name)."""
        found: list[tuple[str, str, bool]] = []
        for part in self._tensor_parts():
            if isinstance(part, ast.Name):
                entry = (part.id, part.id, True)
            else:
                text = self.tree.text(part)
                name = self.tree.fresh("given" if not found else f"given_{len(found) + 1}")
                entry = (name, text if "\n" not in text else f"({text})", False)
            if entry not in found:
                found.append(entry)
        read = names_read(self.node) - {"self"} - set(self.tree.modules)
        inside = {n for part in self._tensor_parts() for n in names_read(part)}
        local = {n for s in self.body[: self.index] for n in names_bound(s)} | {
            a.arg for a in self.forward.args.args[1:]
        }
        more = (read - inside) & local
        if more:
            raise self.place.why(self.node, f"depends on {', '.join(sorted(more))}, which is no tensor")
        return found

    def _tensor_parts(self) -> list[ast.expr]:
        """Operand expressions that are tensors."""
        node = self.node
        if isinstance(node, ast.BinOp):
            return [node.left, node.right]
        if isinstance(node, ast.Subscript):
            return [node.value]
        if not isinstance(node, ast.Call):
            raise self.place.why(node, "is not written as a call")
        parts = [*node.args, *(k.value for k in node.keywords)]
        if (
            isinstance(node.func, ast.Attribute)
            and not own_attribute(node.func)
            and self.tree.qualified(node.func) is None
        ):
            parts.insert(0, node.func.value)
        local = {n for s in self.body for n in names_bound(s)} | {a.arg for a in self.forward.args.args[1:]}
        return [p for p in parts if names_read(p) & local]

    def _operation_lines(self, given: list[tuple[str, str, bool]]) -> list[str]:
        """The body of the operation's method, with the comments of its statement."""
        above, behind = self._comments(self.statement)
        return [*above, f"return {self._again(given)}{behind}"]

    def _again(self, given: list[tuple[str, str, bool]]) -> str:
        """The operation on the names it is given."""
        text, span = self.tree.source, self.tree.span(self.node)
        start = text.lines.offset(span.line, span.col)
        whole = self.tree.text(self.node)
        pieces: list[str] = []
        at = 0
        for part in sorted(self._tensor_parts(), key=lambda n: (n.lineno, n.col_offset)):
            if isinstance(part, ast.Name):
                continue
            own = self.tree.span(part)
            first = text.lines.offset(own.line, own.col) - start
            last = text.lines.offset(own.end_line, own.end_col) - start
            source = self.tree.text(part)
            name = next(n for n, t, named in given if not named and t in (source, f"({source})"))
            pieces += (whole[at:first], name)
            at = last
        return "".join((*pieces, whole[at:]))

    def _rest(self, result: str) -> list[str]:
        """The statement of the operation, on its result."""
        source, span, whole = self.tree.source, self.tree.span(self.node), self.tree.span(self.statement)
        start = source.lines.offset(whole.line, whole.col)
        text = self.tree.text(self.statement)
        first, last = (
            source.lines.offset(span.line, span.col) - start,
            source.lines.offset(span.end_line, span.end_col) - start,
        )
        return [text[:first] + result + text[last:]]

    def _needed(self, rest: list[str], after: Sequence[ast.stmt], result: str) -> list[str]:
        """Names of forward that what comes after reads, in order."""
        bound = {a.arg for a in self.forward.args.args[1:]} | {n for s in self.body for n in names_bound(s)} | {result}
        found: dict[str, None] = {}
        known: set[str] = set()
        body = "\n".join(f" {text.strip()}" for text in rest)
        (own,) = ast.parse(f"def f():\n{body}\n").body
        assert isinstance(own, ast.FunctionDef)
        for statement in [*own.body, *after]:
            reads = names_read(statement)
            if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
                reads.add(statement.target.id)
            found.update(dict.fromkeys(sorted((reads & bound) - known)))
            if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                known |= names_bound(statement)
        return list(found)

    def _shapes(self, names: list[str], before: Sequence[ast.stmt]) -> dict[str, ast.stmt]:
        """Names that hold sizes (``B, T, C = x.shape``), and the statements that can be repeated behind the cut."""
        found: dict[str, ast.stmt] = {}
        for name in names:
            made = [s for s in before if name in names_bound(s)]
            if len(made) != 1 or not isinstance(made[0], ast.Assign) or self._is_tensor(name):
                continue
            value = made[0].value
            base = value.value if isinstance(value, ast.Subscript) else value
            base = base.func if isinstance(base, ast.Call) and not base.keywords else base
            source = base.value if isinstance(base, ast.Attribute) and base.attr in ("shape", "size") else None
            if not isinstance(source, ast.Name):
                continue
            later = before[before.index(made[0]) + 1 :]
            again = [s for s in [made[0], *later, self.statement] if source.id in names_bound(s)]
            if not again:
                found[name] = made[0]
        return found

    def _is_tensor(self, name: str) -> bool:
        first, last = self.forward.lineno, self.forward.end_lineno or self.forward.lineno
        file = str(self.tree.source.path)
        named = any(
            f.name == name and f.span.file == file and first <= f.span.line <= last
            for g in self.place.graphs
            for f in g.shapes
        )
        return named or any(
            v.name == name for g in self.place.graphs for v in g.inputs if g.name == self.place.model.name
        )

    def _check_tensors(self, names: Sequence[str], before: Sequence[ast.stmt], args: Sequence[str]) -> None:
        for name in names:
            made = any(name in names_bound(s) for s in before)
            if made and not self._is_tensor(name):
                raise Refused(f"{name} is used on both sides of the cut and is not known to be a tensor")
            if not made and name not in args:
                raise Refused(f"{name} is used behind the cut and is not known there")

    def _is_returned(self, rest: list[str], after: Sequence[ast.stmt], result: str) -> bool:
        """Nothing comes after: the result is returned at once."""
        if not after:
            return rest[-1].split() == ["return", result]
        assigned = self.statement.targets[0] if isinstance(self.statement, ast.Assign) else None
        (first, *more) = after
        return (
            not more
            and isinstance(first, ast.Return)
            and isinstance(first.value, ast.Name)
            and isinstance(assigned, ast.Name)
            and first.value.id == assigned.id
            and rest[-1].split() == [assigned.id, "=", result]
        )

    # -- text --------------------------------------------------------------------------------------------------------

    def _comments(self, statement: ast.stmt) -> tuple[list[str], str]:
        """Comments above a statement, and behind it."""
        source, span = self.tree.source, self.tree.span(statement)
        end = source.lines.line(span.end_line).encode()[span.end_col :].decode().rstrip()
        above: list[str] = []
        line = span.line - 1
        while line >= 1 and source.lines.line(line).strip().startswith("#"):
            above.insert(0, source.lines.line(line).strip())
            line -= 1
        return above, end if end.strip().startswith("#") else ""

    def _written(self, statement: ast.stmt) -> str:
        """A statement with its comments, as it stands."""
        above, behind = self._comments(statement)
        indent = self.tree.source.lines.line(statement.lineno).encode()[: statement.col_offset].decode()
        return f"\n{indent}".join([*above, self.tree.text(statement) + behind])

    def _method(self, name: str, args: Sequence[str], lines: Sequence[str]) -> str:
        source = self.tree.source
        body = source.lines.line(self.statement.lineno).encode()[: self.statement.col_offset].decode()
        head = source.lines.line(self.forward.lineno).encode()[: self.forward.col_offset].decode()
        text = f"{head}def {name}({', '.join(['self', *args])}):\n"
        return text + "".join(f"{body}{line}\n" for line in lines)

    def _fix(self, parts: list[str], lines: list[str], what: str) -> Fix:
        source = self.tree.source
        newline = source.newline
        first, last = self.body[0], self.body[-1]
        start = self._first_line(first)
        body = source.lines.line(first.lineno).encode()[: first.col_offset].decode()
        new = "".join(f"{body}{line}\n" for line in lines) + "\n" + "\n".join(parts)
        text = new.replace("\r\n", "\n").replace("\n", newline)
        file = str(source.path)
        end = last.end_lineno or last.lineno
        if end < len(source.lines):
            span = Span(file, start, 0, end + 1, 0)
        else:
            span, text = Span(file, start, 0, end, len(source.lines.line(end).encode())), text.removesuffix(newline)
        title = f"Split forward at {self.word}, so that {what} can be converted alone (adds methods)"
        return Fix(title, "safe", (TextEdit(span, text),))

    def _first_line(self, statement: ast.stmt) -> int:
        """The first line of forward's body, comments above it included."""
        line = statement.lineno
        while line > 1 and self.tree.source.lines.line(line - 1).strip().startswith("#"):
            line -= 1
        return line
