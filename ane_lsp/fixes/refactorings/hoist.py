"""Tables that forward makes anew each time, made once in __init__ and kept as buffers that are not saved.

For a value that depends on literals, on numbers that __init__ gives to self, and on torch functions that make or transform
tensors: ranges, rotary tables, index arithmetic, masks.
"""

from __future__ import annotations

import ast

from ane_lsp.checks.finding import Fix, TextEdit
from ane_lsp.fixes.refactorings.base import Place, names_bound, names_read, own_attribute, refactoring, statements
from ane_lsp.fixes.tree import Refused
from ane_lsp.graph import Span, Value

_MAKERS = frozenset(f"torch.{name}" for name in (
    "arange", "linspace", "ones", "zeros", "full", "eye", "tensor", "cos", "sin", "exp", "log", "outer", "cat", "stack", "tril",
    "triu", "pow", "meshgrid", "abs", "where", "sqrt", "rsqrt", "floor", "clamp", "einsum", "matmul", "flatten", "float32", "int64",
    "bool", "int32", "float16", "long", "float", "tril_indices", "triu_indices",
))  # fmt: skip
_METHODS = frozenset({
    "float", "long", "int", "bool", "view", "reshape", "unsqueeze", "squeeze", "transpose", "permute", "flatten", "cos", "sin",
    "exp", "log", "tril", "triu", "repeat", "expand", "contiguous", "repeat_interleave", "clamp", "abs", "sum", "cumsum", "pow",
    "masked_fill", "to", "size", "unbind", "chunk", "flip",
})  # fmt: skip
_TAKEN = frozenset({
    "type", "half", "float", "double", "bfloat16", "cpu", "cuda", "to", "train", "eval", "apply", "compile", "forward", "training",
    "modules", "children", "parameters", "buffers", "dump_patches", "call_super_init",
})  # fmt: skip
"""Names that every nn.Module has."""


def _offered(place: Place) -> bool:
    statement = _statement(place)
    return isinstance(statement.value, (ast.Call, ast.BinOp, ast.Subscript)) and bool(_Table(place, statement).ready())


@refactoring("hoist-table", "Make this table once, in __init__, as a buffer that is not saved", _offered)
def hoist_table(place: Place) -> Fix:
    """The assignment at the place."""
    statement = _statement(place)
    return _Table(place, statement).fix()


def _statement(place: Place) -> ast.Assign:
    for statement in statements(place.forward.body):
        if isinstance(statement, ast.Assign) and statement.lineno <= place.line <= (statement.end_lineno or 0):
            return statement
    raise Refused("no assignment in a model's forward here")


class _Table:
    """One assignment of forward whose value is the same at each call."""

    def __init__(self, place: Place, statement: ast.Assign) -> None:
        self.place, self.tree, self.statement = place, place.tree, statement

    def ready(self) -> bool:
        self._check()
        return True

    def _check(self) -> str:
        """The name it is given; Refused where the value may differ from call to call."""
        why = self.place.why
        targets = self.statement.targets
        if len(targets) != 1 or not isinstance(targets[0], ast.Name):
            raise why(self.statement, "does not give one name")
        for node in ast.walk(self.statement.value):
            self._constant(node)
        if not any(isinstance(call.result, Value) for call in self.place.calls_at(self.statement.value)):
            raise why(self.statement.value, "is not known to be a tensor")
        written = {
            n.id for n in ast.walk(self.place.forward) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
        }
        name = targets[0].id
        bound = [s for s in ast.walk(self.place.forward) if isinstance(s, ast.stmt) and s is not self.place.forward
                 and name in names_bound(s)]  # fmt: skip
        if (
            name in written
            and len({s for s in bound if isinstance(s, (ast.Assign, ast.AugAssign, ast.For, ast.AnnAssign))}) != 1
        ):
            raise why(self.statement, f"gives a name that is given again: {name}")
        self._not_written_into(name)
        return name

    def _not_written_into(self, name: str) -> None:
        for node in ast.walk(self.place.forward):
            inner = node.value if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) else None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_"):
                inner = node.func.value
            if isinstance(inner, ast.Name) and inner.id == name:
                raise self.place.why(node, "writes into the table")

    def _constant(self, node: ast.AST) -> None:
        why = self.place.why
        if isinstance(node, ast.Name):
            if node.id != "self" and node.id not in self.tree.modules and node.id not in ("float", "int", "True"):
                if not self._is_device(node):
                    raise why(node, "may differ from call to call")
        elif isinstance(node, ast.Attribute) and own_attribute(node):
            parent = self.tree.parent(node)
            if isinstance(parent, ast.Call) and parent.func is node:
                raise why(parent, "is a method or a layer")
            if not self._is_number(node.attr):
                raise why(node, "is not a number that __init__ sets once")
        elif isinstance(node, ast.Call):
            name = self.tree.qualified(node.func)
            last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            builtin = isinstance(node.func, ast.Name) and node.func.id in ("float", "int")
            if not (
                name in _MAKERS or (name or "").startswith("math.") or builtin or (name is None and last in _METHODS)
            ):
                raise why(node, "is not a function that makes the same each time")
        elif isinstance(node, ast.keyword) and node.arg == "dtype" and self.tree.qualified(node.value) is None:
            raise why(node.value, "is a type that may differ from call to call")
        elif isinstance(node, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.Await, ast.NamedExpr)):
            raise why(node, "is not followed")

    def _is_device(self, node: ast.Name) -> bool:
        """``device=x.device``: a buffer is where its module is."""
        parent = self.tree.parent(node)
        above = self.tree.parent(parent) if parent is not None else None
        return (
            isinstance(parent, ast.Attribute)
            and parent.attr == "device"
            and isinstance(above, ast.keyword)
            and above.arg == "device"
        )

    def _is_number(self, attribute: str) -> bool:
        if attribute in self._tables():
            return True
        assigned = self.place.assigned(attribute)
        if assigned is None or assigned not in self.place.init.body:
            return False
        return not any(
            isinstance(n, ast.Call) and not (self.tree.qualified(n.func) or "").startswith("math.")
            and not (isinstance(n.func, ast.Name) and n.func.id in ("int", "float", "len", "round", "max", "min"))
            for n in ast.walk(assigned.value)
        )  # fmt: skip

    def _tables(self) -> set[str]:
        """Buffers that __init__ registers and nobody saves: a table may be made of others."""
        found = set()
        for node in ast.walk(self.place.init):
            if isinstance(node, ast.Call) and own_attribute(node.func) == "register_buffer" and node.args:
                saved = next((k.value for k in node.keywords if k.arg == "persistent"), None)
                first = node.args[0]
                if isinstance(saved, ast.Constant) and saved.value is False and isinstance(first, ast.Constant):
                    found.add(str(first.value))
        return found

    def fix(self) -> Fix:
        name = self._check()
        model = self.place.model
        attributes = {own_attribute(n) for n in ast.walk(model)} | {getattr(s, "name", "") for s in model.body} | _TAKEN
        buffer = next(
            n for n in (name, f"{name}_table", *(f"{name}_table_{i}" for i in range(2, 99))) if n not in attributes
        )
        source, last = self.tree.source, self.place.init.body[-1]
        indent = source.lines.line(last.lineno).encode()[: last.col_offset].decode()
        if indent.strip() or isinstance(last, (ast.Return, ast.Raise)):
            raise self.place.why(last, "is where __init__ would go on")
        text = f'{source.newline}{indent}self.register_buffer("{buffer}", {self._value()}, persistent=False)'
        end = last.end_lineno or last.lineno
        col = len(source.lines.line(end).encode())
        at = Span(str(source.path), end, col, end, col)
        edits = [TextEdit(at, text), *self._uses(name, buffer)]
        title = f"Make {name} once, in __init__, as a buffer that is not saved"
        types = [c.result.type.dtype for c in self.place.calls_at(self.statement.value) if isinstance(c.result, Value)]
        if all(dtype is not None and dtype[0] in "iub" and dtype != "bf16" for dtype in types):
            return Fix(title, "safe", tuple(edits))
        return Fix(f"{title} (half() and the like reach it, too)", "unsafe", tuple(edits))

    def _value(self) -> str:
        """The value without devices."""
        value = self.statement.value
        whole, source = self.tree.span(value), self.tree.source
        start = source.lines.offset(whole.line, whole.col)
        text = self.tree.text(value)
        cuts: list[tuple[int, int]] = []
        for node in ast.walk(value):
            if isinstance(node, ast.keyword) and node.arg == "device":
                span = self.tree.span(node)
                first, last = (
                    source.lines.offset(span.line, span.col) - start,
                    source.lines.offset(span.end_line, span.end_col) - start,
                )
                comma = text.rfind(",", 0, first)
                if comma < 0 or text[comma + 1 : first].strip():
                    raise self.place.why(node.value, "is the first argument")
                cuts.append((comma, last))
        for first, last in sorted(cuts, reverse=True):
            text = text[:first] + text[last:]
        return text if "\n" not in text or isinstance(value, ast.Call) else f"({text})"

    def _uses(self, name: str, buffer: str) -> list[TextEdit]:
        """The assignment goes, and what read the name reads the buffer."""
        source, span = self.tree.source, self.tree.span(self.statement)
        line = source.lines.line(span.line).encode()
        behind = source.lines.line(span.end_line).encode()[span.end_col :].decode().strip()
        if line[: span.col].decode().strip() or (behind and not behind.startswith("#")):
            raise self.place.why(self.statement, "shares its line with another statement")
        gone = TextEdit(Span(span.file, span.line, 0, span.end_line + 1, 0), "")
        reads = [
            TextEdit(self.tree.span(n), f"self.{buffer}")
            for n in ast.walk(self.place.forward)
            if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
        ]
        if not reads or any(names_read(n.args) for n in [self.place.forward] if name in names_read(n.args)):
            raise self.place.why(self.statement, "is not used")
        return [gone, *reads]
