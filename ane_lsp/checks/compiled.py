"""Functions that ``torch.jit.script`` compiles, in a model that is traced.

A trace keeps such a function as the code it is: sizes, branches, loops and writes, which tracing works out elsewhere, are operations for
coremltools there. What it makes of each was tried (``tests/checks/test_compiled.py``). torch.export runs the function as it is written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from types import EllipsisType

from ane_lsp.checks.engine import IF_TAKEN
from ane_lsp.checks.finding import Finding
from ane_lsp.checks.source import Hit, Located, Names, finding
from ane_lsp.graph import Graph
from ane_lsp.knowledge.evidence import Severity
from ane_lsp.knowledge.targets import Target

CODE = "ANE130"
# A file without any of these words compiles no function.
WORDS = ("jit.script", "import script", "script_if_tracing")
_COMPILERS = frozenset({"torch.jit.script", "torch.jit.script_if_tracing", "torch.jit.script_method"})
_OWN_COMPILER = "script_if_tracing"  # which older libraries brought along, as torch had none
_LEFT_OUT = frozenset({"torch.jit.ignore", "torch.jit.unused"})
# Functions of torch.nn.functional whose own code, compiled too, holds what does not convert.
_COMPILED_WITH = frozenset(
    f"torch.nn.functional.{name}"
    for name in (
        "adaptive_avg_pool2d", "adaptive_max_pool2d", "affine_grid", "glu", "group_norm", "instance_norm", "interpolate",
        "local_response_norm", "upsample",
    )
)  # fmt: skip
_WHERE = "in a function that torch.jit.script compiles"


def check(tree: ast.Module, graphs: Sequence[Graph], file: str, target: Target) -> list[Finding]:
    """Findings about the compiled functions of a file that models run when they are traced."""
    names = Names(tree)
    found = []
    functions = _compiled(tree, names)
    optional = _lines_run(graphs, file) if functions else {}
    items = _items_taken(graphs, file) if functions else set()
    for function in functions:
        lines = [n for n in range(function.lineno, (function.end_lineno or 0) + 1) if n in optional]
        for hit in _hits(function, names, lines[-1], items) if lines else ():
            made = finding(hit, file, target)
            if all(optional[n] for n in lines):
                severity = "warning" if made.severity == "error" else made.severity
                made = replace(made, message=f"{made.message} {IF_TAKEN}", severity=severity)
            found.append(made)
    return found


def elsewhere(graph: Graph, home: str, tree_of: Callable[[str], ast.Module | None], target: Target) -> list[Finding]:
    """The same of functions that a model of the file `home` runs in others; `tree_of` gives those that have the words."""
    found = []
    for file in dict.fromkeys([call.span.file for call in graph.calls]):
        tree = tree_of(file) if file != home else None
        if tree is not None:
            found += check(tree, [graph], file, target)
    return found


def _lines_run(graphs: Sequence[Graph], file: str) -> dict[int, bool]:
    """The lines of a file that call torch, and whether a run of the model may pass all of these calls by."""
    found: dict[int, bool] = {}
    for graph in graphs:
        for call in graph.calls:
            if call.span.file == file:
                found[call.span.line] = found.get(call.span.line, True) and call.optional
    return found


def _items_taken(graphs: Sequence[Graph], file: str) -> set[tuple[int, int]]:
    """Where in a file an item of a tensor is taken: lines and columns."""
    return {
        (call.span.line, call.span.col)
        for graph in graphs
        for call in graph.calls
        if call.span.file == file and call.torch == "torch.Tensor.__getitem__"
    }


def _compiled(tree: ast.Module, names: Names) -> list[ast.FunctionDef]:
    """Functions that are compiled, and those of the file that these call by name, which are compiled with them."""
    top = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any(_compiles(one, names) for one in node.decorator_list)
    ]
    for statement in tree.body:  # snake = torch.jit.script(snake)
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func, args=[ast.Name(id=given)])):
                if name == given and name in top and names.dotted(func) in _COMPILERS:
                    found.append(top[name])
    for function in found:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = top.get(node.func.id)
                if called is not None and called not in found and not _is_left_out(called, names):
                    found.append(called)
    return list(dict.fromkeys(found))


def _compiles(decorator: ast.expr, names: Names) -> bool:
    return names.dotted(decorator) in _COMPILERS or (isinstance(decorator, ast.Name) and decorator.id == _OWN_COMPILER)


def _is_left_out(function: ast.FunctionDef, names: Names) -> bool:
    return any(
        names.dotted(one.func if isinstance(one, ast.Call) else one) in _LEFT_OUT for one in function.decorator_list
    )


def _hits(function: ast.FunctionDef, names: Names, last: int, items: Container[tuple[int, int]]) -> list[Hit]:
    body = _Body(function, names, last, items)
    for statement in function.body:
        body.visit(statement)
    return body.hits


class _Body(ast.NodeVisitor):
    """What of a compiled function's code coremltools does not take, or takes for something else.

    last: its last line that calls torch; behind that of a model the converter does not look. items: places where items of tensors are taken.
    """

    def __init__(
        self, function: ast.FunctionDef, names: Names, last: int, items: Container[tuple[int, int]] = ()
    ) -> None:
        self.hits: list[Hit] = []
        self._names = names
        self._last = last
        self._behind = {one: function.body[n + 1 :] for n, one in enumerate(function.body)}
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        self._given = {one.arg for one in every}
        self._optional = {one.arg for one in every if one.annotation is not None and _may_be_none(one.annotation)}
        self._sizes: set[str] = set()
        # Items of tensors that bound slices, which torch makes numbers of by itself.
        self._implicit: list[ast.expr] = []
        bound: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                bound.setdefault(node.targets[0].id, []).append(node.value)
        self._sizes = {name for name, values in bound.items() if all(map(self._is_size, values))}
        for item in _bounds_of_slices(function):
            value = bound[item.id][0] if isinstance(item, ast.Name) and len(bound.get(item.id, ())) == 1 else item
            if _is_item(value) and (value.lineno, value.col_offset) in items and value not in self._implicit:
                self._implicit.append(value)
        self._loops = 0

    def _say(self, node: Located, what: str, rest: str, severity: Severity | None = None) -> None:
        self.hits.append(Hit(CODE, f"{what} {_WHERE} {rest}", node, severity=severity))

    def _refused(self, node: Located, what: str, advice: str, tried: str = "9.0 and main") -> None:
        self._say(node, what, f"does not convert when traced (coremltools {tried}). {advice}")

    def _lost(self, node: Located, advice: str) -> None:
        self._say(node, "A change in place", f"is missing in the traced program (coremltools 9.0 and main). {advice}")

    def _stays(self, node: Located, what: str, advice: str) -> None:
        rest = f"stays one in a traced program, and control flow does not run on the ANE. {advice}"
        self._say(node, what, rest, "warning")

    def _is_size(self, node: ast.expr) -> bool:
        """Whether it is the whole size of a tensor: ``x.shape``, ``x.size()`` or a name of it."""
        match node:
            case ast.Attribute(attr="shape") | ast.Call(func=ast.Attribute(attr="size"), args=[], keywords=[]):
                return True
            case ast.Name(id=name):
                return name in self._sizes
        return False

    # -- sizes and attributes ----------------------------------------------------------------------------------------

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Load) and self._is_size(node.value):
            self._refused(node, "An item of a size", "Use x.size(0), or unpack the whole: b, c, t = x.shape.")
        elif node in self._implicit:
            self._refused(
                node, "An item of a tensor as the bound of a slice", "Make it a number: int(n[0]).", tried="9.0"
            )
        elif isinstance(node.value, ast.Call) and _method(node.value) == "chunk":
            self._chunks(node.value)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load) and not self._names.dotted(node):
            if node.attr == "dtype":
                self._refused(
                    node, "The dtype of a tensor", "Use a constant dtype, such as torch.float32, or x.float()."
                )
            elif node.attr in ("is_cuda", "requires_grad"):
                self._refused(node, f"`{node.attr}`", "Leave the question out.")
        self.generic_visit(node)

    def _chunks(self, call: ast.Call) -> None:
        self._refused(call, "chunk without unpacking", "Unpack it, a, b = x.chunk(2, 1), or use split.")

    # -- control flow ------------------------------------------------------------------------------------------------

    def visit_Assert(self, node: ast.Assert) -> None:
        if self._decided(node.test) is not True and node.lineno < self._last:
            self._refused(node, "An assertion", "Write it where the function is called.")

    def visit_Raise(self, node: ast.Raise) -> None:
        if node.lineno < self._last:
            self._refused(node, "An exception", "Raise it where the function is called.")

    def visit_If(self, node: ast.If) -> None:
        decided = self._decided(node.test)
        if decided is None:
            guard = all(isinstance(statement, ast.Raise) for statement in node.body)
            self._test(node.test, guard, shapes_differ=_differ_in_rank(node, self._behind.get(node, ())))
        for statement in [*(node.body if decided is not False else ()), *(node.orelse if decided is not True else ())]:
            self.visit(statement)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        if self._decided(node.test) is None:
            self._test(node.test, shapes_differ=_are_apart([node.body, node.orelse]))
        self.visit(node.body)
        self.visit(node.orelse)

    def _test(self, test: ast.expr, guard: bool = False, shapes_differ: bool = False) -> None:
        """Look at a condition; guard: of an exception, about which enough is said. shapes_differ: what comes of its two sides."""
        before = len(self.hits)
        self.visit(test)
        if guard or len(self.hits) > before or _names_self(test):
            return
        if any(self._is_refused(node) for node in ast.walk(test)):
            self._refused(test, "This condition", "Use torch.where, or make the choice where the function is called.")
        elif any(isinstance(node, (ast.Name, ast.Attribute)) and self._varies(node) for node in ast.walk(test)):
            if shapes_differ:
                advice = "Make the choice where the function is called."
                self._refused(test, "A branch whose sides differ in rank", advice, tried="9.0")
            else:
                self._stays(test, "A branch", "Use torch.where, or make the choice where the function is called.")

    def _varies(self, node: ast.Name | ast.Attribute) -> bool:
        """Whether it is an argument, or something of a tensor."""
        return node.id in self._given if isinstance(node, ast.Name) else not self._names.dotted(node)

    def _is_refused(self, node: ast.AST) -> bool:
        """Conditions without a counterpart: negations, None for what may be None, strings, whole sizes."""
        match node:
            case ast.UnaryOp(op=ast.Not()):
                return self._decided(node) is None
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
                return isinstance(left, ast.Name) and left.id in self._optional
            case ast.Compare(left=left, comparators=[right]):
                return any((isinstance(side, ast.Constant) and isinstance(side.value, str)) or self._is_size(side)
                           for side in (left, right))  # fmt: skip
        return False

    def _decided(self, test: ast.expr) -> bool | None:
        """What torch.jit.script decides while it compiles."""
        match test:
            case ast.Constant(value=value):
                return bool(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                decided = self._decided(operand)
                return None if decided is None else not decided
            case ast.BoolOp(op=op, values=parts):
                decided_parts = {self._decided(part) for part in parts}
                ends = isinstance(op, ast.Or)
                return ends if ends in decided_parts else None if None in decided_parts else not ends
            case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[ast.Constant(value=None)]):
                if name in self._given - self._optional and isinstance(op, (ast.Is, ast.IsNot)):
                    return isinstance(op, ast.IsNot)
            case ast.Call(func=ast.Name(id="isinstance")):
                return True
            case ast.Call(func=func) if self._names.dotted(func) == "torch.jit.is_scripting":
                return True
        return None

    def visit_For(self, node: ast.For) -> None:
        if isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range":
            self._stays(node.iter, "A loop", "Write its steps out, or leave the decorator out: tracing unrolls loops.")
        else:
            self._refused(node.iter, "A loop over a list", "Leave the decorator out: tracing unrolls loops.")
        self._in_loop(node)

    def visit_While(self, node: ast.While) -> None:
        self._stays(node.test, "A loop", "Write its steps out, or leave the decorator out: tracing unrolls loops.")
        self._in_loop(node)

    def _in_loop(self, node: ast.For | ast.While) -> None:
        self._loops += 1
        self.generic_visit(node)
        self._loops -= 1

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._refused(node, "A comprehension", "Leave the decorator out: tracing unrolls loops.")

    # -- calls -------------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        name, method = node.func.id if isinstance(node.func, ast.Name) else "", _method(node)
        if name == "print":
            if node.lineno < self._last:
                self._refused(node, "print", "Leave it out.")
            return
        if name == "len":
            self._refused(node, "len", "Use x.dim() for the number of axes, and x.size(0) for a length.")
            return
        if name == "float" and node.args and not isinstance(node.args[0], (ast.Constant, ast.Name)):
            self._refused(node, "float() of a size or a tensor", "Multiply by the number as it is.")
        elif (full := self._names.dotted(node.func)) in _COMPILED_WITH:
            self._refused(node, full.rpartition(".")[2], "Call it outside of the compiled function.")
        elif method == "view_as":
            self._refused(node, method, "Use x.view(y.size()).")
        elif method == "append" and self._loops:
            self._refused(node, "A list that grows in a loop", "Leave the decorator out: tracing unrolls loops.")
        self.generic_visit(node)

    # -- writes ------------------------------------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and self._writes(node.value):
            self._lost(node.value, "Use the result: x = x.add(y).")
        self.generic_visit(node)

    def _writes(self, call: ast.Call) -> bool:
        """Whether a call is there only for what it changes, under a name that the converter does not follow."""
        method = _method(call)
        if any(
            k.arg == "inplace" and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords
        ):
            return bool(self._names.dotted(call.func))
        if not method.endswith("_") or method.endswith("__"):
            return False
        stored = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Subscript)
        return method not in (("fill_", "copy_") if stored else ("zero_",))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Subscript):
            self._lost(node.target, "Write it out: x[0] = x[0] + y.")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        [target, *_] = node.targets
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Call) and _method(node.value) == "chunk":
            self._chunks(node.value)
        elif isinstance(target, ast.Subscript) and (self._loops or isinstance(target.slice, ast.Compare)):
            self._lost(target, "Compute a new tensor: torch.where, torch.cat.")
        self.generic_visit(node)


def _bounds_of_slices(function: ast.FunctionDef) -> list[ast.expr]:
    """What slices of tensors begin and end with, without signs."""
    bounds = [bound for node in ast.walk(function) if isinstance(node, ast.Slice) for bound in (node.lower, node.upper)]
    return [bound.operand if isinstance(bound, ast.UnaryOp) else bound for bound in bounds if bound is not None]


def _is_item(node: ast.expr) -> bool:
    """``n[0]``"""
    match node:
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=int())):
            return True
    return False


def _method(call: ast.Call) -> str:
    """The last part of what is called, ``""`` for a plain name."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _differ_in_rank(node: ast.If, behind: Sequence[ast.stmt]) -> bool:
    """Whether the sides of a branch give one tensor with and without another axis; behind: the statements that follow it."""
    ends = _returned([node])
    if ends:
        return _are_apart([*ends, *_returned(behind[:1])])
    bound = [_bound(side) for side in (node.body, node.orelse)]
    read = {name for statement in behind for name in _read(statement)}
    every = {name: ast.Name(name) for side in bound for name in side if name in read}
    return any(_are_apart([side.get(name) or unchanged for side in bound]) for name, unchanged in every.items())


def _read(statement: ast.stmt) -> set[str]:
    return {one.id for one in ast.walk(statement) if isinstance(one, ast.Name)}


def _returned(statements: Sequence[ast.stmt]) -> list[ast.expr]:
    """What statements return, also in branches that do nothing else."""
    found: list[ast.expr] = []
    for statement in statements:
        match statement:
            case ast.Return(value=ast.expr() as value):
                found.append(value)
            case ast.If(body=[only], orelse=others):
                found += _returned([only, *others])
    return found


def _bound(side: Sequence[ast.stmt]) -> dict[str, ast.expr]:
    """The names that a side of a branch gives a value, if none is given one twice or read afterwards."""
    found: dict[str, ast.expr] = {}
    for statement in side:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if found.keys().isdisjoint(_read(statement)):
                found[name] = value
            case ast.Raise() | ast.Pass():
                pass
            case _:
                return {}
    return found


def _are_apart(results: Sequence[ast.expr]) -> bool:
    """Whether two of the results are the same tensor with another number of axes."""
    ranks: dict[str, set[int]] = {}
    for result in results:
        name, more = _axes_more(result)
        ranks.setdefault(name, set()).add(more)
    return any(name and len(found) > 1 for name, found in ranks.items())


def _axes_more(result: ast.expr) -> tuple[str, int]:
    """A name, and how many axes more than it this has; "" where that is not said by the expression."""
    match result:
        case ast.Name(id=name):
            return name, 0
        case ast.Call(func=ast.Attribute(attr="unsqueeze", value=value)):
            name, more = _axes_more(value)
            return name, more + 1
        case ast.Subscript(value=value, slice=index):
            name, more = _axes_more(value)
            for item in index.elts if isinstance(index, ast.Tuple) else [index]:
                match item:
                    case ast.Constant(value=None):
                        more += 1
                    case ast.Slice() | ast.Constant(value=EllipsisType()):
                        pass
                    case _:
                        return "", 0
            return name, more
        case ast.BinOp(left=value, right=ast.Constant()):
            return _axes_more(value)
    return "", 0


def _names_self(test: ast.expr) -> bool:
    """Whether it asks an attribute of a compiled module, which may be a constant."""
    return any(isinstance(node, ast.Name) and node.id == "self" for node in ast.walk(test))


def _may_be_none(annotation: ast.expr) -> bool:
    """``Optional[Tensor]``, ``Tensor | None``, ``Union[Tensor, None]``, also as a string."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return "Optional" in annotation.value or "None" in annotation.value
    return any(_is_none(node) for node in ast.walk(annotation))


def _is_none(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="Optional") | ast.Attribute(attr="Optional") | ast.Constant(value=None):
            return True
    return False


__all__ = ["CODE", "WORDS", "check", "elsewhere"]
