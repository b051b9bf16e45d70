"""A file's tree for whoever edits it: nodes by place, parents, names of torch things, and text that keeps its meaning."""

from __future__ import annotations

import ast
import operator
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

from ane_lsp.checks.finding import TextEdit
from ane_lsp.graph import Span
from ane_lsp.syntax.source import SourceFile

# Expressions that can stand anywhere without brackets.
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.List, ast.Dict, ast.Set, ast.ListComp, ast.JoinedStr)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
# Inside these an expression may be evaluated several times, later, or not at all.
_CONDITIONAL = (
    ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp, ast.BoolOp, ast.While, ast.comprehension,
)  # fmt: skip
_HOOKS = frozenset({
    "weight_norm", "spectral_norm", "register_forward_hook", "register_forward_pre_hook", "register_module_forward_hook",
})  # fmt: skip
# These compute the weight whenever it is read.
_PARAMETRIZED = ("torch.nn.utils.parametrizations.weight_norm", "torch.nn.utils.parametrizations.spectral_norm")
_ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


class Refused(Exception):
    """The rewrite does not apply here; the reason is for tests and logs."""


def _covers(node: ast.AST, line: int) -> bool:
    """Whether something in a node may stand at a line."""
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    if first is None or last is None:
        return True
    for decorator in getattr(node, "decorator_list", ()):
        first = min(first, decorator.lineno)
    return bool(first <= line <= last)


class Tree:
    """One version of one file."""

    def __init__(self, source: SourceFile) -> None:
        tree = source.tree
        if tree is None:
            raise Refused("the file does not parse")
        self.source = source
        self.module = tree

    @cached_property
    def _parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.module) for child in ast.iter_child_nodes(node)}

    def at(self, span: Span) -> ast.expr:
        """The expression that stands exactly at `span`."""
        if span.file != str(self.source.path):
            raise Refused("in another file")
        pending = deque[ast.AST]([self.module])
        while pending:
            node = pending.popleft()
            if isinstance(node, ast.expr) and self.span(node) == span:
                return node
            pending.extend(child for child in ast.iter_child_nodes(node) if _covers(child, span.line))
        raise Refused("no expression there")

    def span(self, node: ast.AST) -> Span:
        """Where a node stands."""
        return self.source.span(node)

    def text(self, node: ast.AST) -> str:
        """A node as written."""
        return self.source.segment(self.span(node))

    def atom(self, node: ast.expr) -> str:
        """A node as written, in brackets unless it binds tighter than any operator (numbers are not followed by a dot)."""
        text = self.text(node)
        tight = isinstance(node, (*_ATOMS, ast.Constant)) or (isinstance(node, ast.Tuple) and text[:1] == "(")
        return text if tight else f"({text})"

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """Enclosing nodes, innermost first."""
        while (found := self._parents.get(node)) is not None:
            yield found
            node = found

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node that holds this one."""
        return self._parents.get(node)

    def previous(self, statement: ast.stmt) -> ast.stmt | None:
        """The statement before in the same block."""
        parent = self._parents.get(statement)
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(parent, block, None)
            if isinstance(statements, list) and statement in statements and statement is not statements[0]:
                found: ast.stmt = statements[statements.index(statement) - 1]
                return found
        return None

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement a node belongs to."""
        return next(n for n in (node, *self.parents(node)) if isinstance(n, ast.stmt))

    def function(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The innermost def around a node; None at module or class level and in a lambda."""
        for found in self.parents(node):
            if isinstance(found, _SCOPES):
                return found if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
        return None

    # -- edits -------------------------------------------------------------------------------------------------------

    def replace(self, node: ast.expr, text: str, atomic: bool = False) -> TextEdit:
        """Put `text` in a node's place. atomic: it needs no brackets whatever stands around it."""
        span = self.span(node)
        return TextEdit(span, text if atomic or self._enclosed(node) else f"({text})")

    def replace_by_name(self, node: ast.expr, name: str) -> TextEdit:
        """Put a name in a node's place, and in that of brackets that stood around the node alone."""
        span = self.span(node)
        text, lines = self.source.text, self.source.lines
        start, end = lines.offset(span.line, span.col), lines.offset(span.end_line, span.end_col)
        before = text[: start - 1].rstrip(" ")[-1:]
        if text[start - 1 : start] == "(" and text[end : end + 1] == ")" and not (before.isalnum() or before in ")]}_"):
            first, last = lines.position(start - 1), lines.position(end + 1)
            return TextEdit(Span(span.file, *first, *last), name)
        return TextEdit(span, name)

    def _enclosed(self, node: ast.expr) -> bool:
        """Whether what stands around a node ends at its borders, so that any operator may stand in its place."""
        parent = self._parents.get(node)
        if isinstance(parent, (ast.Assign, ast.Return, ast.Expr, ast.AnnAssign, ast.AugAssign)):
            return "\n" not in self.text(node)
        if isinstance(parent, (ast.keyword, ast.List, ast.ListComp, ast.GeneratorExp)):
            return True
        if isinstance(parent, ast.Call):
            return node in parent.args
        text, lines, span = self.source.text, self.source.lines, self.span(node)
        start, end = lines.offset(span.line, span.col), lines.offset(span.end_line, span.end_col)
        return text[:start].rstrip()[-1:] == "(" and text[end:].lstrip()[:1] == ")"

    def before(self, node: ast.AST, line: str) -> TextEdit:
        """A new statement in front of the one `node` belongs to. Refused where that could change what is evaluated."""
        statement = self.statement(node)
        for found in (node, *self.parents(node)):
            if isinstance(found, _CONDITIONAL):
                raise Refused("evaluated under a condition or repeatedly")
            if found is statement:
                break
        if not isinstance(statement, (ast.Assign, ast.Return, ast.Expr, ast.AugAssign, ast.AnnAssign)):
            raise Refused("not a simple statement")
        span = self.span(statement)
        indent = self.source.lines.line(span.line).encode()[: span.col].decode()
        if indent.strip():
            raise Refused("several statements on one line")
        return TextEdit(
            Span(span.file, span.line, span.col, span.line, span.col), f"{line}{self.source.newline}{indent}"
        )

    # -- names -------------------------------------------------------------------------------------------------------

    @cached_property
    def _bound(self) -> dict[str, list[ast.AST]]:
        """Every binding of every name, in any scope."""
        found: dict[str, list[ast.AST]] = {}
        for node in ast.walk(self.module):
            names: Sequence[str] = ()
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                names = (node.id,)
            elif isinstance(node, ast.arg):
                names = (node.arg,)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names = (node.name,)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.asname or alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ExceptHandler) and node.name:
                names = (node.name,)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                names = node.names
            for name in names:
                found.setdefault(name, []).append(node)
        return found

    def refuse_hooks(self) -> None:
        """For rewrites that read a layer's weights instead of calling it: Refused where the file uses what runs at its call."""
        text = self.source.text
        if text.isascii() and not any(name in text for name in _HOOKS):  # other letters may be read as these
            return
        for node in ast.walk(self.module):
            if isinstance(node, (ast.Attribute, ast.Name)):
                name = node.attr if isinstance(node, ast.Attribute) else node.id
                if name in _HOOKS and self.qualified(node) not in _PARAMETRIZED:
                    raise Refused(f"{name} may run when the layer is called")

    def value(self, node: ast.expr | None) -> object:
        """What an expression of literals, whole-number arithmetic and constant names is; Refused for anything else.

        A constant name is bound once in the file, at its top or in the function that reads it. None stands for an argument
        that was not given.
        """
        if isinstance(node, (ast.Tuple, ast.List)):
            return tuple(self.value(element) for element in node.elts)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            left, right = self.value(node.left), self.value(node.right)
            if type(left) is int and type(right) is int and (right or not isinstance(node.op, ast.FloorDiv)):
                return _ARITHMETIC[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.value(node.operand)
            return -inner if isinstance(inner, (int, float)) else literal(node)
        if isinstance(node, ast.Name):
            bindings = self._bound.get(node.id, [])
            statement = self.parent(bindings[0]) if len(bindings) == 1 else None
            if isinstance(statement, ast.Assign) and statement.targets == bindings:
                scope = self.function(statement)
                if isinstance(self.parent(statement), ast.Module) or (scope and scope is self.function(node)):
                    return self.value(statement.value)
        return literal(node)

    @cached_property
    def modules(self) -> dict[str, str]:
        """Names that mean one torch thing in the whole file (``nn``: ``torch.nn``), shortest spelling first."""
        found: dict[str, str] = {}
        for statement in self.module.body:
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    target = alias.name if alias.asname else name
                    if all(isinstance(n, ast.Import) for n in self._bound[name]):
                        found[name] = target
            elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
                for alias in statement.names:
                    name = alias.asname or alias.name
                    if len(self._bound.get(name, ())) == 1:
                        found[name] = f"{statement.module}.{alias.name}"
        return {n: t for n, t in found.items() if t.split(".")[0] in ("torch", "math", "numpy")}

    def qualified(self, node: ast.expr) -> str | None:
        """The dotted name an expression stands for: ``F.pad`` is ``torch.nn.functional.pad``."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.modules:
            return None
        return ".".join((self.modules[node.id], *reversed(parts)))

    def spell(self, dotted: str) -> tuple[str, tuple[TextEdit, ...]]:
        """How to write ``torch.nn.Sequential`` here, and the import this needs, if any."""
        found = [
            name + dotted[len(target) :]
            for name, target in self.modules.items()
            if dotted == target or dotted.startswith(target + ".")
        ]
        if found:
            return min(found, key=len), ()
        if "torch" in self._bound:
            raise Refused("the name torch means something else here")
        return dotted, (self._import_torch(),)

    def _import_torch(self) -> TextEdit:
        """``import torch``, in its place among the plain imports at the top of the file."""
        after: ast.stmt | None = None
        first: ast.stmt | None = None
        body = self.module.body
        for index, statement in enumerate(body):
            docstring = index == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            if docstring or future:
                after = statement
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                module = statement.names[0].name if isinstance(statement, ast.Import) else statement.module or ""
                if first is None and module.split(".")[0] == "torch":
                    first = statement
            else:
                break
        newline = self.source.newline
        if first is not None:
            return TextEdit(Span(str(self.source.path), first.lineno, 0, first.lineno, 0), f"import torch{newline}")
        if after is None:
            return TextEdit(Span(str(self.source.path), 1, 0, 1, 0), f"import torch{newline}")
        if after.end_lineno is None or after.end_lineno >= len(self.source.lines):
            raise Refused("no line for the import")
        line = after.end_lineno + 1
        return TextEdit(Span(str(self.source.path), line, 0, line, 0), f"import torch{newline}")

    def fresh(self, wish: str) -> str:
        """A name nobody uses in this file."""
        used = {n.id for n in ast.walk(self.module) if isinstance(n, ast.Name)} | set(self._bound)
        return next(name for name in (wish, *(f"{wish}_{n}" for n in range(2, 99))) if name not in used)


@lru_cache(maxsize=1)
def tree_of(source: SourceFile) -> Tree:
    """The tree of a file whose findings are looked at one after the other. Raises Refused where it does not parse."""
    return Tree(source)


def bind(call: ast.Call, names: Sequence[str]) -> dict[str, ast.expr]:
    """Arguments of a call by parameter name. Refused for ``*args``, ``**kwargs`` and names not in the signature."""
    if len(call.args) > len(names):
        raise Refused("more arguments than the signature has")
    bound: dict[str, ast.expr] = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Starred):
            raise Refused("*args")
        bound[name] = value
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg not in names or keyword.arg in bound:
            raise Refused("arguments the signature does not name")
        bound[keyword.arg] = keyword.value
    return bound


def literal(node: ast.expr | None) -> object:
    """The value of a literal; Refused for anything else (None stands for an argument that was not given)."""
    if node is None:
        return None
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError):
        raise Refused("not a literal") from None
    return value


def is_stable(node: ast.expr) -> bool:
    """Whether an expression may be written twice: a name, ``self.scale``, ``x[0]``; it costs nothing and changes nothing."""
    if isinstance(node, (ast.Name, ast.Constant)):
        return True
    if isinstance(node, ast.Attribute):
        return is_stable(node.value)
    return False
