"""Where abstract execution starts in a file, and with which inputs."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Graph, Span, TensorType, Unknown, dims
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.run import Capture, Limits, Run, guarded, load_file, start
from ane_lsp.interp.values import ClassObject, Function, Instance, ModuleObject, Tensor

if TYPE_CHECKING:
    from ane_lsp.syntax.comments import Directives
    from ane_lsp.syntax.inputs import InputSpec
    from ane_lsp.workspace import Workspace


ATTEMPT_STEPS = 1_500_000  # interpreter steps for one entry of a file
SCRIPT_SHARE = 0.6  # of the budget for running the file as a script; the rest is for what it defines


@dataclass(frozen=True, slots=True)
class EntryRun:
    """One model call that was followed.

    span: where the entry is: the class, the factory, or the model call. assumed: what was assumed to run it.
    asked: the settings or a comment name it.
    """

    graph: Graph
    span: Span
    assumed: tuple[str, ...] = ()
    asked: bool = False


@dataclass(slots=True)
class FileRun:
    """Every entry of a file, and the run they share."""

    run: Run
    entries: list[EntryRun]


def tensor_of(spec: InputSpec) -> Tensor:
    """An input tensor as described; names become symbols."""
    shape = tuple(
        dims.fresh() if size == "?" else dims.symbol(size) if isinstance(size, str) else size for size in spec.shape
    )
    return Tensor(TensorType(shape, spec.dtype), "input")


def call_arguments(specs: Iterable[InputSpec]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and named input tensors."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for spec in specs:
        if spec.name is None:
            args.append(tensor_of(spec))
        else:
            kwargs[spec.name] = tensor_of(spec)
    return tuple(args), kwargs


def evaluate(interp: Interpreter, module: ModuleObject, expression: str) -> Any:
    """The value of an expression in a module's namespace, ``Net`` or ``Net(width=32)``. Raises SyntaxError."""
    from ane_lsp.interp.frames import Frame

    tree = ast.parse(expression.strip(), mode="eval")
    return interp.eval(tree.body, Frame(module, module.namespace, None, None, "<entry>"))


def instantiate(interp: Interpreter, target: Any) -> Any:
    """A module from an entry's value: an instance as it is, a class or factory called without arguments."""
    if isinstance(target, (ClassObject, Function)):
        return interp.call(target, ())
    return target


def run_entry(
    workspace: Workspace,
    path: Path,
    entry: str,
    inputs: Sequence[InputSpec],
    opset: str,
    limits: Limits,
    cancelled: Callable[[], bool] = lambda: False,
    capture: Capture = "",
) -> Run:
    """Build `entry` of a file and call it on the inputs; of the rest of the file only definitions run."""
    interp = start(workspace, opset, limits, cancelled, frozenset({str(path)}), capture)

    def work() -> Any:
        module = load_file(interp, path, as_main=False)
        if module is None:
            return None
        interp.recorder.graphs.clear()
        target = instantiate(interp, evaluate(interp, module, entry))
        args, kwargs = call_arguments(inputs)
        return interp.call(target, args, kwargs)

    return guarded(interp, work)


def run_file(
    workspace: Workspace,
    path: Path,
    directives: Directives,
    configured: Sequence[tuple[str, Sequence[InputSpec]]],
    opset: str,
    limits: Limits,
    cancelled: Callable[[], bool] = lambda: False,
    capture: Capture = "",
) -> FileRun:
    """Follow every entry of a file: the script itself, configured entries, ``# ane: input`` comments, then the rest."""
    from ane_lsp.interp.discovery import discover

    interp = start(workspace, opset, limits, cancelled, frozenset({str(path)}), capture)
    interp.inference = True
    entries: list[EntryRun] = []
    run_ref: list[Run] = []
    endless: list[str] = []

    def collect(before: int, span: Span | None, assumed: tuple[str, ...] = (), asked: bool = False) -> None:
        elsewhere = span is not None and span.file != str(path)
        for graph, (root, where) in list(zip(interp.recorder.graphs, interp.recorder.entries))[before:]:
            if (
                any(call.span.file == str(path) for call in graph.calls)
                or root.cls.module.path == str(path)
                or (elsewhere and any(place.file == str(path) for call in graph.calls for place in call.stack))
            ):
                entries.append(EntryRun(graph, span or where or _class_span(root), assumed, asked))

    class Attempts:
        def __call__(
            self, work: Callable[[], Any], span: Span, assumed: list[str], proves: bool = True, asked: bool = False
        ) -> bool:
            before = len(interp.recorder.graphs)
            done = False
            with interp.step_limit(ATTEMPT_STEPS):
                done = guarded_inline(interp, work, run_ref)
            if assumed or not proves:  # inputs nobody wrote prove nothing
                run_ref[-1].refusals.clear()
            collect(before, span, tuple(assumed), asked)
            return done

        def settle(self, caller: Span, found: Sequence[Span]) -> None:
            made = [replace(entry, span=found[0]) for entry in entries if entry.span == caller and found]
            entries[:] = [entry for entry in entries if entry.span != caller and entry.span not in found] + made

    attempt = Attempts()

    def work() -> Any:
        module: ModuleObject | None = None
        with interp.share(SCRIPT_SHARE) as ended:
            module = load_file(interp, path, as_main=True)
        collect(0, None)
        if ended:  # what the script defined before can still be called
            endless.append("budget")
            module = interp.modules[workspace.module_name(path)]
            module.state = "done"
            interp.bindings += 1
        if module is None:
            return None
        for expression, inputs in configured:
            args, kwargs = call_arguments(inputs)
            attempt(
                lambda e=expression, a=args, k=kwargs: interp.call(  # type: ignore[misc]
                    instantiate(interp, evaluate(interp, module, e)), a, k
                ),
                _definition_span(module, expression, path),
                [],
                asked=True,
            )
        discover(interp, module, directives, attempt)
        return module

    run = guarded(interp, work)
    if run.stopped is not None and not entries:
        collect(0, None)
    if endless and run.stopped is None:
        run.stopped = endless[0]
    run.errors.extend(error for sub in run_ref for error in sub.errors)
    run.refusals.extend(refusal for sub in run_ref for refusal in sub.refusals)
    run.lost_in_capture |= any(sub.lost_in_capture for sub in run_ref)
    return FileRun(run, entries)


def guarded_inline(interp: Interpreter, work: Callable[[], Any], sink: list[Run]) -> bool:
    """Do `work` inside a run: the interpreted program's own exceptions end only this piece. True where it went through."""
    from ane_lsp.interp.frames import UnknownIteration
    from ane_lsp.interp.values import PyRaise

    frame, modules = interp.frame, list(interp.recorder.modules)
    run = Run(interp)
    sink.append(run)
    try:
        run.result = work()
        return True
    except PyRaise as raised:
        run.ended_by(raised)
    except UnknownIteration as lost:
        run.errors.append((lost.unknown.reason, lost.unknown.span))
    except RecursionError:
        run.errors.append(("RecursionError: nested too deeply", None))
    except Exception as error:  # our own fault: it costs this entry only
        interp.internal_error(error)
    finally:
        interp.frame = frame
        interp.recorder.modules[:] = modules
        interp.journals.clear()
    return False


def _class_span(root: Instance) -> Span:
    node = root.cls.node
    path = root.cls.module.path or ""
    return (
        Span(path, node.lineno, node.col_offset, node.lineno, node.col_offset + 5) if node else Span(path, 1, 0, 1, 0)
    )


def _definition_span(module: ModuleObject, expression: str, path: Path) -> Span:
    name = expression.split("(")[0].strip().split(".")[0]
    value = module.namespace.get(name)
    node = getattr(value, "node", None)
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return Span(str(path), node.lineno, node.col_offset, node.lineno, node.col_offset + len(node.name))
    return Span(str(path), 1, 0, 1, 0)


__all__ = ["EntryRun", "FileRun", "Unknown", "call_arguments", "evaluate", "run_entry", "run_file", "tensor_of"]
