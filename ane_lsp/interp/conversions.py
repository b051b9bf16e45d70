"""What a script converts, and why no model is known of it.

A script hands its model to ``torch.jit.trace``, ``torch.onnx.export`` and the like, or calls it. Where that is a value nobody
knows, the first reason on its way is why the file has no model; what else could not be followed comes after it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Graph, Span, Unknown
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.values import ClassObject, Function, Instance, Lazy, Partial

if TYPE_CHECKING:
    from ane_lsp.interp.base import Base
    from ane_lsp.interp.frames import Frame
    from ane_lsp.interp.machine import Interpreter
    from ane_lsp.interp.values import PyRaise

_MAKERS = (Function, ClassObject, Partial)
_NOT_READ = re.compile(r"package \S+ is not read|^module '\S+' was not found")
_CONVERTS = re.compile(
    r"\bjit\.(trace|trace_module|script)$|\bonnx\._?export$|\bexport\.export$|\b(ct|coremltools(\.\w+)*)\.convert$"
)


@dataclass(slots=True)
class Conversions:
    """What a run met, each with its place in the file that is checked, by reason.

    lost: unknown values that were called with tensors outside of any model, or converted. ended: exceptions of other files that
    ended a statement of this one.
    traced, scripted: models that the script converts on an example, and those it compiles without any. running: the file runs as a script.
    assumed: what was assumed of how the script is started. asked: arguments nobody gives, by the reason why they are unknown.
    keys: what such an argument is taken as, where it is a key of a registry. dark: graphs of models that the script called on what nobody
    knows, and where it did.
    """

    lost: dict[str, Span] = field(default_factory=dict)
    ended: dict[str, Span] = field(default_factory=dict)
    traced: list[tuple[Instance, Span]] = field(default_factory=list)
    scripted: list[tuple[Instance, Span]] = field(default_factory=list)
    running: bool = True
    assumed: list[str] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    dark: list[tuple[Graph, Frame]] = field(default_factory=list)

    def assume(self, told: str) -> None:
        """Something that decides what the script builds, and is told with what it builds."""
        if told not in self.assumed:
            self.assumed.append(told)

    @contextmanager
    def told(self, assumed: list[str]) -> Iterator[None]:
        """What is assumed meanwhile is added to `assumed` alone."""
        before, self.assumed = self.assumed, []
        try:
            yield
        finally:
            assumed.extend(text for text in self.assumed if text not in assumed)
            self.assumed = before

    def key_in(self, registry: dict[Any, Any], given: Unknown) -> Any:
        """The key for an argument nobody gives: the first one of a table of functions and classes. None for another table."""
        name = self.asked.get(given.reason) if given.cause is None else None
        if name is None or not registry or not all(map(_makes, registry.values())):
            return None
        taken = self.keys.setdefault(name, next(iter(registry)))
        if taken not in registry:
            return None
        self.assume(f"{name} is taken as {taken!r}, the first that there is: it is given no value")
        return taken

    def note(self, interp: Base, value: Unknown) -> None:
        """An unknown value takes the place of a model."""
        where = _told_at(interp, value)
        if where is not None:
            self.lost.setdefault(value.first.reason, where)

    def note_model(self, interp: Base, model: Instance, example: bool) -> None:
        """A model is converted, on an example or without."""
        where = led_to(interp)
        if self.running and where is not None:
            (self.traced if example else self.scripted).append((model, where))

    def of(self, script: bool) -> list[tuple[Instance, Span]]:
        """What the script converted by running, or what is called for it afterwards, with its place."""
        return self.traced if script else self.scripted

    def note_end(self, interp: Interpreter, raised: PyRaise) -> None:
        """An exception nobody caught, where another file raised it."""
        from ane_lsp.interp.imports import is_stub

        at, within = raised.span, raised.within
        if at is None or within is None or at.file == within.file:
            return
        told = interp.describe(raised.value)
        self.ended.setdefault(
            told if is_stub(at.file) else f"line {at.line} of {Path(at.file).name} raised {told}", within
        )


def _makes(value: Any) -> bool:
    return isinstance(value, _MAKERS) or (isinstance(value, Lazy) and value.piece is not None)


def _told_at(interp: Base, value: Unknown) -> Span | None:
    """The first place on the way of an unknown value that is in the file, else the place there which led to its use."""
    found: Span | None = None
    step: Unknown | None = value
    for _ in range(1000):
        if step is None:
            break
        if step.span is not None and step.span.file in interp.watched:
            found = step.span
        step = step.cause
    return found or led_to(interp)


def led_to(interp: Base) -> Span | None:
    """The innermost place in the file that led to what runs."""
    return interp.innermost(lambda frame: frame.module.path in interp.watched)


def reasons(
    interp: Interpreter, errors: list[tuple[str, Span | None]], tree: ast.Module, ran: Container[Any], file: str
) -> list[tuple[str, Span]]:
    """Why there may be no model in a file, the likeliest first: what stands in the place of a model, what ended the script, other
    calls that could not be followed, and packages that are not there, unless what stands in the place of a model tells enough."""
    found = interp.conversions
    groups = [
        list(found.lost.items()),
        [*((told, span) for told, span in errors if span is not None), *found.ended.items()],
        [*interp.unresolved.items(), *_never_called(tree, ran, file)],
    ]
    ranked = [
        (len(groups) if rank and _NOT_READ.search(told) else rank, told, span)
        for rank, group in enumerate(groups)
        for told, span in group
        if span.file == file
    ]
    ranked.sort(key=lambda one: (one[0], one[2].line, one[2].col))
    best: dict[str, Span] = {}
    for rank, told, span in ranked:
        repeated = any(told in other and span.line == place.line for other, place in best.items())
        if not repeated and (rank < len(groups) or ranked[0][0]):
            best.setdefault(told, span)
    return list(best.items())


def _never_called(tree: ast.Module, ran: Container[Any], file: str) -> Iterator[tuple[str, Span]]:
    """Functions that convert a model and did not run."""
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and function not in ran:
            if any(isinstance(node, ast.Call) and _CONVERTS.search(ast.unparse(node.func)) for node in _own(function)):
                place = Span(
                    file, function.lineno, function.col_offset, function.lineno, function.col_offset + len("def")
                )
                yield f"{function.name}() converts a model, and nothing here calls it", place


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function that are not in a function inside of it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
            yield from _own(child)
