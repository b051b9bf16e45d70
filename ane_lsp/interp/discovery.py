"""Entries nobody wrote down: classes and factories of a file that no model call reached.

Order: what ``# ane: input`` comments ask for, models that the script compiled without calling them or called on what nobody knows
(:mod:`ane_lsp.interp.dark`), tests, factories that need no arguments, then every nn.Module class that was not reached, those that use
others first, then classes inside functions (:mod:`ane_lsp.interp.inner`). Constructor parameters without a value become symbols where they are sizes
(:mod:`ane_lsp.interp.assumptions`); inputs are found by probing (:mod:`ane_lsp.interp.inputs`). Where that leaves a class in the
dark, files of its package that build it are followed (:mod:`ane_lsp.interp.callers`). What was assumed is told.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ane_lsp.graph import Graph, Span, Unknown, Value
from ane_lsp.interp.assumptions import build, required
from ane_lsp.interp.callers import users_of
from ane_lsp.interp.dark import run_dark
from ane_lsp.interp.inner import Enclosing, define, inner_classes
from ane_lsp.interp.inputs import NOTHING_TELLS, call_probed
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.values import ClassObject, Function, Instance, ModuleObject
from ane_lsp.syntax.moving import BY_TEXT, bound_names, mentioned_names, returns_made

if TYPE_CHECKING:
    from ane_lsp.syntax.comments import Directives


class Attempt(Protocol):
    """Follows one entry: `work` is done, the graphs it makes are kept with the entry's place and what was assumed."""

    def __call__(
        self,
        work: Callable[[], Any],
        span: Span,
        assumed: list[str],
        key: tuple[Any, ...],
        proves: bool = True,
        complete: bool = True,
        asked: bool = False,
        called: bool = False,
        then: Callable[[Any], Any] | None = None,
    ) -> bool:
        """True where it went through. key: tells it from all others of the file. proves: whether a call that torch refuses is a
        fault of the file; complete: even where what it refuses is None. asked: by a comment. called: the script calls it at `span`. then:
        what is done with the result of `work`."""
        ...

    def settled(self, caller: Span, found: Sequence[Span]) -> None:
        """The entries at `caller`, in another file, reach the classes at `found`: they take the place of what was there."""
        ...

    def without(self, graphs: Sequence[Graph]) -> None:
        """Others say more than the entries of these graphs, which are left out."""
        ...


_FACTORIES = 8  # factories of one file that are tried
_CALLERS = 6  # entries of another file that are tried
_FRUITLESS = 3  # entries of other files in a row that told nothing: no later one did in 1,800 files of 80 projects
_CALLER_STEPS = 200_000  # for following other files, all together
_DEFINING_STEPS = 50_000  # for the top level of one of them; what takes longer is a script at work


def discover(interp: Interpreter, module: ModuleObject, directives: Directives, attempt: Attempt) -> None:
    """Follow the entries of `module` that the script itself did not reach."""
    from ane_lsp.interp.entries import call_on, instantiate

    definitions = _definitions(interp, module)
    for node, value in definitions:
        inputs = directives.inputs.get(node.name)
        if inputs is None:
            continue
        given: list[str] = []
        attempt(
            partial(build, interp, value, given)
            if isinstance(value, ClassObject)
            else partial(instantiate, interp, value),
            _name_span(module, node),
            given,
            ("asked", node.name, str(inputs)),
            asked=True,
            then=partial(call_on, interp, inputs),
        )
    _run_scripted(interp, attempt)
    run_dark(interp, module, [value for node, value in definitions if node.name in directives.inputs], attempt)
    classes = [v for _, v in definitions if isinstance(v, ClassObject) and _has_forward(interp, v)]
    _run_functions(interp, module, definitions, classes, attempt)
    dark: list[ClassObject] = []
    for cls in _users_first(classes):
        if cls not in interp.recorder.reached and isinstance(cls.node, ast.ClassDef):
            assumed: list[str] = []
            before = len(interp.recorder.graphs)
            through = attempt(
                partial(build, interp, cls, assumed),
                _name_span(module, cls.node),
                assumed,
                ("class", cls.qualname),
                complete=_built_without(cls),
                then=partial(_called, interp, assumed),
            )
            made = interp.recorder.graphs[before:]
            if through and made and all(map(_hands_on, made)):
                continue
            if not through or _in_the_dark(assumed) or _unknown_shapes(made, module):
                dark.append(cls)
    _run_inner(interp, module, attempt)
    if dark:
        with interp.step_limit(_CALLER_STEPS):
            _run_callers(interp, module, dark, attempt)


def _run_scripted(interp: Interpreter, attempt: Attempt) -> None:
    """Models that the script compiled and never called."""
    for place, (model, span) in enumerate(interp.conversions.scripted):
        if model.cls not in interp.recorder.reached:
            assumed = list(interp.conversions.assumed)
            attempt(
                lambda model=model: model,  # type: ignore[misc]
                span,
                assumed,
                ("scripted", place),
                then=partial(_called, interp, assumed),
            )


def _run_inner(interp: Interpreter, module: ModuleObject, attempt: Attempt) -> None:
    """Classes inside functions that nothing called."""
    tree = interp.tree_of(module)
    for place, (function, node) in enumerate(inner_classes(tree) if tree is not None else ()):
        if any(cls.node is node for cls in interp.recorder.reached):
            continue
        assumed: list[str] = []

        def made(function: Enclosing = function, node: ast.ClassDef = node, assumed: list[str] = assumed) -> Any:
            cls = define(interp, module, function, node)
            return build(interp, cls, assumed) if cls is not None and _has_forward(interp, cls) else None

        attempt(
            made,
            _name_span(module, node),
            assumed,
            ("inner", function.name, node.name, place),
            proves=False,
            then=partial(_called, interp, assumed),
        )


Definition = tuple["ast.ClassDef | ast.FunctionDef", Any]


def _definitions(interp: Interpreter, module: ModuleObject) -> list[Definition]:
    """Top-level classes and functions of a file with what their names stand for: decorators may have replaced them."""
    tree = interp.tree_of(module)
    found: list[Definition] = []
    for node in tree.body if tree is not None else []:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            value = module.namespace.get(node.name)
            if value is not None and not isinstance(value, Unknown):
                found.append((node, value))
    return found


def _name_span(module: ModuleObject, node: ast.ClassDef | ast.FunctionDef) -> Span:
    return Span(str(module.path), node.lineno, node.col_offset, node.lineno, node.col_offset + len(node.name))


def _has_forward(interp: Interpreter, cls: ClassObject) -> bool:
    if not interp.is_nn_module(cls) or cls.module.is_torch:
        return False
    found = cls.lookup("forward")
    return isinstance(found, Function) and not _is_abstract(found)


def _is_abstract(func: Function) -> bool:
    body = func.node.body
    statements = body if isinstance(body, list) else []
    real = [s for s in statements if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return not real or (len(real) == 1 and isinstance(real[0], (ast.Pass, ast.Raise)))


def _run_functions(
    interp: Interpreter,
    module: ModuleObject,
    definitions: list[Definition],
    classes: list[ClassObject],
    attempt: Attempt,
) -> None:
    """Tests, and factories that need no arguments, as long as they reach classes nothing reached before."""
    tried = 0
    leads_to = _Mentioned(interp.tree_of(module))
    for node, value in definitions:
        if not isinstance(node, ast.FunctionDef):
            continue
        if all(c in interp.recorder.reached for c in classes) or not classes:
            return
        if required(node) or node.name.startswith("_") or not _makes_models(node):
            continue
        tried += 1
        if tried > _FACTORIES:
            return
        before = len(interp.recorder.reached)
        wanted = [c for c in classes if c not in interp.recorder.reached]
        if before and not leads_to.any_of(node.name, wanted):  # it would build what was built before, to the end
            if tried >= 3:
                return
            continue
        assumed: list[str] = []
        attempt(
            partial(interp.call, value, ()),
            _name_span(module, node),
            assumed,
            ("function", node.name),
            complete=_can_do_without(node),
            then=partial(_called_if_new, interp, assumed),
        )
        if len(interp.recorder.reached) == before and tried >= 3:
            return


def _can_do_without(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    """Whether a function is meant to be called without arguments. Where a parameter is None by default, or what was not given is
    read from ``**kwargs`` as None, it is often meant to be given: torch refusing None is no fault of the file."""
    if any(map(_is_none, (*node.args.defaults, *node.args.kw_defaults))):
        return False
    if node.args.kwarg is None:
        return True
    return not any(
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("get", "pop")
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == node.args.kwarg.arg
        and (_is_none(call.args[1]) if len(call.args) > 1 else call.func.attr == "get")
        for call in ast.walk(node)
    )


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _built_without(cls: ClassObject) -> bool:
    init = cls.lookup("__init__")
    return not isinstance(init, Function) or _can_do_without(init.node)


def _makes_models(node: ast.FunctionDef) -> bool:
    """Whether a function may return or call a model: a test, or something that returns a call's result."""
    if node.name.startswith("test"):
        return True
    return returns_made(node)


def _called_if_new(interp: Interpreter, assumed: list[str], made: Any) -> Any:
    """Call what a factory made, unless it called it itself."""
    if isinstance(made, Instance) and interp.is_nn_module(made.cls) and made.cls not in interp.recorder.reached:
        return call_probed(interp, made, assumed)
    return made


def _called(interp: Interpreter, assumed: list[str], made: Any) -> Any:
    """Call an object of a class."""
    if isinstance(made, Instance):
        return call_probed(interp, made, assumed)
    return made


def _users_first(classes: list[ClassObject]) -> list[ClassObject]:
    """Classes before those they mention; otherwise the last defined first."""
    mentioned = {c: mentioned_names(c.node) if c.node is not None else frozenset() for c in classes}
    ordered: dict[ClassObject, None] = {}

    def visit(cls: ClassObject, above: tuple[ClassObject, ...]) -> None:
        for user in reversed(classes):
            if user not in ordered and user is not cls and user not in above and cls.name in mentioned[user]:
                visit(user, (*above, cls))
        ordered.setdefault(cls)

    for cls in reversed(classes):
        visit(cls, ())
    return list(ordered)


class _Mentioned:
    """Which classes of a file a function may lead to, by the names that it and what it names mention."""

    def __init__(self, tree: ast.Module | None) -> None:
        self._tree = tree
        self._names: dict[str, frozenset[str]] = {}

    def _read(self) -> None:
        for statement in self._tree.body if self._tree is not None else []:
            mentioned = mentioned_names(statement)
            for name in bound_names(statement):
                self._names[name] = self._names.get(name, frozenset()) | mentioned

    def any_of(self, name: str, classes: list[ClassObject]) -> bool:
        """Whether `name` may lead to one of the classes; True also where that cannot be told from names."""
        if not self._names:
            self._read()
        if any(c.node is None or c.node.decorator_list or c.name not in self._names for c in classes):
            return True  # a decorator may have put the class where other names lead to
        wanted = {c.name for c in classes} | BY_TEXT
        seen = {name}
        pending = [name]
        while pending:
            for other in self._names.get(pending.pop(), ()):
                if other in wanted:
                    return True
                if other not in seen:
                    seen.add(other)
                    pending.append(other)
        return False


# -- callers in other files ------------------------------------------------------------------------------------------------


def _run_callers(interp: Interpreter, module: ModuleObject, dark: list[ClassObject], attempt: Attempt) -> None:
    """Follow what other files of the package do with classes nothing is known of here."""
    recorder = interp.recorder
    missing = {cls.name: cls for cls in dark}
    names = frozenset(missing)
    users = interp.users.get(names)
    if users is None:
        users = interp.users[names] = users_of(interp.workspace, Path(module.path or ""), missing)
    fruitless = 0
    for path in users:
        user = interp.find_module(interp.workspace.module_name(path), module)
        if user is None or user.path != str(path):
            continue
        if not _define(interp, user):
            continue
        for node, value in _entries_of(interp, user, missing)[:_CALLERS]:
            before = set(recorder.reached)
            recorder.reached.difference_update(missing.values())
            assumed = [f"called by {node.name} in {interp.workspace.relative(path)}:{node.lineno}"]
            factory = isinstance(node, ast.FunctionDef)
            caller = _name_span(user, node)
            found: list[ClassObject] = []
            try:
                attempt(
                    partial(interp.call, value, ()) if factory else partial(build, interp, value, assumed),
                    caller,
                    assumed,
                    ("caller", str(path), node.name, tuple(missing)),
                    then=partial(_called_if_new if factory else _called, interp, assumed),
                )
                found = [c for c in missing.values() if c in recorder.reached and not _in_the_dark(assumed)]
            finally:
                recorder.reached |= before
                attempt.settled(caller, [_name_span(module, cls.node) for cls in found])  # type: ignore[arg-type]
            for cls in found:
                del missing[cls.name]
            fruitless = 0 if found else fruitless + 1
            if not missing or fruitless == _FRUITLESS:
                return


def _define(interp: Interpreter, user: ModuleObject) -> bool:
    """Run the top level of another file. False where that takes long: a script's loops over its models are of no use here."""
    limited = interp.limited
    with interp.step_limit(_DEFINING_STEPS):
        interp.run_module(user)
    if user.state == "running":
        interp.limited = limited
        return False
    return True


def _in_the_dark(assumed: list[str]) -> bool:
    """Whether an entry ran without the value of something, so that another one may tell more."""
    return any(" is unknown: " in text or NOTHING_TELLS in text for text in assumed)


def _hands_on(graph: Graph) -> bool:
    """Whether a model gives what it is given, whatever that is: stochastic depth outside of training."""
    return not graph.known.calls and bool(graph.outputs) and all(value.origin == "input" for value in graph.outputs)


def _unknown_shapes(graphs: list[Graph], module: ModuleObject) -> bool:
    """Whether a call in the file has a result of unknown rank."""
    return any(
        isinstance(call.result, Value) and call.result.type.shape is None
        for graph in graphs
        for call in graph.known.calls
        if call.span.file == module.path
    )


def _entries_of(interp: Interpreter, user: ModuleObject, missing: dict[str, ClassObject]) -> list[Definition]:
    """Factories without arguments, then classes, of a file that lead to one of the missing classes."""
    tree = interp.tree_of(user)
    nodes = [n for n in (tree.body if tree is not None else []) if isinstance(n, (ast.ClassDef, ast.FunctionDef))]
    mentioned = {node.name: mentioned_names(node) for node in nodes}
    leading = set(missing)
    while True:
        more = {name for name, uses in mentioned.items() if name not in leading and uses & leading}
        if not more:
            break
        leading |= more
    functions: list[Definition] = []
    classes: list[Definition] = []
    for node in nodes:
        if node.name not in leading or node.name in missing:
            continue
        if isinstance(node, ast.FunctionDef) and (required(node) or not _makes_models(node)):
            continue
        value = interp.module_attribute(user, node.name)
        if isinstance(value, ClassObject) and _has_forward(interp, value):
            classes.append((node, value))
        elif isinstance(node, ast.FunctionDef):
            functions.append((node, value))
    first = _users_first([v for _, v in classes])
    return [*functions[: _CALLERS // 2], *sorted(classes, key=lambda item: first.index(item[1]))]


__all__ = ["Attempt", "discover"]
