"""Where abstract execution starts in a file, and with which inputs."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Graph, Span, TensorType, Unknown, dims
from ane_lsp.graph.excerpt import excerpt_of
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.callers import uses_in
from ane_lsp.interp.captured import either_way
from ane_lsp.interp.classes import functions_of, prepares_data
from ane_lsp.interp.fast import fast_path
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.replay import Book
from ane_lsp.interp.run import Capture, Limits, Run, guarded, load_file, start
from ane_lsp.interp.scopes import renew_signature, signature_of
from ane_lsp.interp.torch_glue import run_compiled
from ane_lsp.interp.values import (
    ClassObject,
    Function,
    Instance,
    ModuleObject,
    Refusal,
    Tensor,
)

if TYPE_CHECKING:
    from ane_lsp.syntax.comments import Directives
    from ane_lsp.syntax.exchange import Dependency, Exchange
    from ane_lsp.syntax.inputs import InputSpec
    from ane_lsp.workspace import Workspace


ATTEMPT_STEPS = 1_500_000  # interpreter steps for one entry of a file
SCRIPT_SHARE = 0.6  # of the budget for running the file as a script; the rest is for what it defines


@dataclass(frozen=True, slots=True)
class EntryRun:
    """One model call that was followed.

    span: where the entry is: the class, the factory, or the model call. assumed: what was assumed to run it.
    asked: the settings or a comment name it. transform: it is a transform of data by its base class.
    """

    graph: Graph
    span: Span
    assumed: tuple[str, ...] = ()
    asked: bool = False
    transform: bool = False


@dataclass(slots=True)
class FileRun:
    """Every entry of a file, or those that were followed so far, and the run they share.

    ran: functions of the file that the entries depend on.
    """

    run: Run
    entries: list[EntryRun]
    ran: set[Dependency] = field(default_factory=set)


Partly = Callable[[FileRun], None]


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


def call_on(interp: Interpreter, inputs: Sequence[InputSpec], model: Any) -> Any:
    """Call a model on inputs that somebody asked for."""

    def call() -> Any:
        args, kwargs = call_arguments(inputs)
        return interp.call(model, args, kwargs)

    return either_way(interp, call)


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
    return FileWorld(workspace, path, directives, configured, opset, limits, capture).run(cancelled)


class FileWorld:
    """The interpreted world of one file: its entries are followed once by :meth:`run`.

    keep: it is kept, so that after functions of the file, or of other documents that an editor holds, were exchanged in their trees
    :meth:`again` can follow those entries once more that depend on them.
    """

    def __init__(
        self,
        workspace: Workspace,
        path: Path,
        directives: Directives,
        configured: Sequence[tuple[str, Sequence[InputSpec]]],
        opset: str,
        limits: Limits,
        capture: Capture = "",
        keep: bool = False,
    ) -> None:
        self.interp = start(workspace, opset, limits, watched=frozenset({str(path)}), capture=capture)
        self.interp.inference = True
        if keep:
            # In a world that is followed once, writing calls down costs more than the few that are made again save.
            from ane_lsp.interp.repeats import Repeats

            self.interp.repeats = Repeats(self.interp)
            self.interp.exchangeable |= workspace.open_paths
        self._path = path
        self._directives = directives
        self._configured = configured
        self._keep = keep
        self.interp.sources[str(path)] = workspace.read(path)
        self._book: Book | None = None
        self._module: ModuleObject | None = None
        self._entries: list[EntryRun] = []
        self._script: list[EntryRun] = []
        self._errors: list[tuple[str, Span | None]] = []
        self._refusals: list[Refusal] = []
        self._runs: list[Run] = []
        self._refused: dict[tuple[Any, ...], list[Refusal]] = {}  # by each entry's key
        self._refused_before: dict[tuple[Any, ...], list[Refusal]] = {}
        self._partly: Partly | None = None

    @property
    def steady(self) -> bool:
        """Whether :meth:`again` may be asked."""
        return self._book is not None and self._book.fit

    def settle(self) -> None:
        """Get ready for :meth:`again`, while nobody waits."""
        if self._book is not None:
            self._book.settle()
            for entry in self._entries:
                excerpt_of(entry.graph).settle()

    def complete(self) -> bool:
        """Make what was left for later of what the last run gave. False where that cannot be: then :meth:`run` has to be asked again."""
        return self._book is None or self._book.complete()

    @property
    def doubtful(self) -> bool:
        """Whether what no graph shows was presumed to be as before: to ask :meth:`again` about no change tells."""
        return self._book is not None and self._book.doubtful

    def reads(self, path: str) -> bool:
        """Whether another file is more to it than one that was looked through for who uses the classes of this one."""
        return path in self.interp.sources or not path.endswith(".py")

    def beside(self, path: str) -> ast.Module | None:
        """The tree of another document from which modules were made, in which functions may be exchanged; None where they may not."""
        interp = self.interp
        source = interp.sources.get(path)
        if source is None or path not in interp.exchangeable:
            return None
        try:
            body = [statement for piece in source.pieces or () for statement in piece.parse()]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return ast.Module(body, []) if body else None

    def uses_alike(self, path: str, one: str, other: str) -> bool:
        """Whether two texts of another document use the classes of the file alike, as far as that was asked of files beside it. What is
        assumed for a use that was followed tells its line: those are never alike."""
        return all(
            Path(path) not in users and uses_in(one, self._path, names) == uses_in(other, self._path, names)
            for names, users in self.interp.users.items()
        )

    def take(self, changed: Collection[Dependency], exchanges: Iterable[Exchange]) -> bool:
        """Functions were exchanged: renew what is known of them and give those in `exchanges` the other defaults of their
        parameters. False where one is not found."""
        nodes = [node for node in changed if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        for node in nodes:
            renew_signature(node)
        if not self.interp.still_only_read(nodes):
            return False
        exchanges = list(exchanges)
        functions = self._functions() if changed else {}
        for node in nodes:
            for function in functions.get(node, ()):
                if function.fast not in (None, run_compiled):
                    function.fast = fast_path(function.module.name, function.qualname, node)
        for exchange in exchanges:
            if exchange.old not in functions:
                return False
            for function in functions[exchange.old]:
                positional = signature_of(function.node).positional
                first = len(positional) - len(function.defaults)
                for name, value in exchange.defaults:
                    constant = ast.literal_eval(value)
                    if name in positional:
                        function.defaults[positional.index(name) - first] = constant
                    else:
                        function.kw_defaults[name] = constant
        return True

    def _functions(self) -> dict[ast.AST, list[Function]]:
        """The functions of files that are edited, by their nodes."""
        found: dict[ast.AST, list[Function]] = {}
        for function in functions_of(self.interp.modules.values(), self.interp.exchangeable):
            found.setdefault(function.node, []).append(function)
        return found

    def run(self, cancelled: Callable[[], bool] = lambda: False, partly: Partly | None = None) -> FileRun:
        """Follow every entry. partly: hears after each of those that were followed so far."""
        interp = self.interp
        interp.cancelled, self._partly = cancelled, partly
        endless: list[str] = []

        def work() -> Any:
            module: ModuleObject | None = None
            with interp.share(SCRIPT_SHARE) as ended:
                module = load_file(interp, self._path, as_main=True)
            self._collect(0, None)
            interp.conversions.running = False
            if ended:  # what the script defined before can still be called
                endless.append(f"the script was left after {ended[0]}; what it defined until then was analysed")
                module = interp.modules[interp.workspace.module_name(self._path)]
                module.state = "done"
                interp.bindings += 1
            self._module = module
            if module is None:
                return None
            self._script = list(self._entries)
            if self._keep:
                self._book = Book(interp)
                self._book.begin()
            self._follow(module)
            return module

        run = guarded(interp, work)
        if run.stopped is not None and not self._entries:
            self._collect(0, None)
        if endless and run.stopped is None:
            run.stopped, run.limit = "budget", endless[0]
        if run.stopped is not None or run.internal:
            self._book = None
        elif self._book is not None:
            self._book.finish()
        if interp.conversions.assumed:
            run.refusals.clear()
        self._errors, self._refusals = list(run.errors), list(run.refusals)
        return self._finished(run)

    def again(
        self,
        changed: Collection[Dependency],
        cancelled: Callable[[], bool] = lambda: False,
        partly: Partly | None = None,
        surely: bool = True,
    ) -> FileRun | None:
        """The entries after `changed` functions of the file were exchanged; None where all has to be run from scratch.

        A run that was cancelled may be asked for again. partly: hears after each entry of those that were followed so far.
        surely: else it may be presumed that what no graph shows is as before (see :attr:`doubtful`).
        """
        book, module, interp = self._book, self._module, self.interp
        interp.cancelled, self._partly = cancelled, partly
        if book is None or module is None or book.concerns_top(changed):
            return None

        def work() -> bool:
            if not book.rewind(changed, surely):
                return False
            self._entries, self._runs, self._refused = list(self._script), [], {}
            self._follow(module)
            return True

        run = guarded(interp, work)
        if run.result is False:
            return None
        if run.stopped == "cancelled":
            return FileRun(run, self._entries)
        if run.stopped is not None or run.internal or interp.limited or not book.fit:
            self._book = None
            return None
        book.finish()
        run.errors[:0], run.refusals[:0] = self._errors, self._refusals
        self._errors, self._refusals = list(run.errors), list(run.refusals)
        return self._finished(run)

    def _finished(self, run: Run) -> FileRun:
        run.errors.extend(error for sub in self._runs for error in sub.errors)
        run.refusals.extend(refusal for sub in self._runs for refusal in sub.refusals)
        self._refused_before = self._refused
        return FileRun(run, self._entries, self._book.ran() if self._book is not None else self.interp.ran.all())

    def _follow(self, module: ModuleObject) -> None:
        """Follow the entries that the script itself did not reach."""
        from ane_lsp.interp.discovery import discover

        interp = self.interp
        interp.following = True
        for expression, inputs in self._configured:
            self(
                lambda e=expression: instantiate(interp, evaluate(interp, module, e)),  # type: ignore[misc]
                _definition_span(module, expression, self._path),
                [],
                ("configured", expression, str(inputs)),
                asked=True,
                then=partial(call_on, interp, inputs),
            )
        discover(interp, module, self._directives, self)

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
        """See :class:`ane_lsp.interp.discovery.Attempt`."""
        before = len(self.interp.recorder.graphs)
        done, run = self._attempt(
            key,
            self._telling(assumed, partial(either_way, self.interp, work)),
            then and self._telling(assumed, then),
            assumed,
        )
        lasting = run
        if assumed or not proves:  # inputs nobody wrote prove nothing
            lasting = Run(self.interp, errors=run.errors)
        elif not complete:
            lasting.refusals = [refusal for refusal in run.refusals if "NoneType" not in refusal.message]
        self._runs.append(lasting)
        self._refused[key] = lasting.refusals
        self._collect(before, span, tuple(assumed), asked, called)
        self._tell()
        return done

    def _telling(self, assumed: list[str], work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, and what it assumes of how the program is started."""

        def told(*given: Any) -> Any:
            with self.interp.conversions.told(assumed):
                return work(*given)

        return told

    def _tell(self) -> None:
        """Let whoever waits for the file hear of the entries so far. What was refused in the others before may still be."""
        if self._partly is not None:
            with self.interp.off_the_clock():
                refused = {**self._refused_before, **self._refused}.values()
                run = Run(self.interp, refusals=[*self._refusals, *chain(*refused)])
                self._partly(FileRun(run, list(self._entries)))

    def _attempt(
        self, key: tuple[Any, ...], work: Callable[[], Any], then: Callable[[Any], Any] | None, assumed: list[str]
    ) -> tuple[bool, Run]:
        interp = self.interp
        interp.doubtful = False
        if self._book is not None:
            return self._book.attempt(key, work, then, assumed, partial(guarded_inline, interp), ATTEMPT_STEPS)
        with interp.step_limit(ATTEMPT_STEPS):
            return guarded_inline(interp, (lambda: then(work())) if then is not None else work)
        return False, Run(interp)  # the limit ended it

    def settled(self, caller: Span, found: Sequence[Span]) -> None:
        """See :class:`ane_lsp.interp.discovery.Attempt`."""
        entries = self._entries
        made = [replace(entry, span=found[0]) for entry in entries if entry.span == caller and found]
        entries[:] = [entry for entry in entries if entry.span != caller and entry.span not in found] + made

    def without(self, graphs: Sequence[Graph]) -> None:
        """See :class:`ane_lsp.interp.discovery.Attempt`."""
        others = set(map(id, graphs))
        self._entries[:] = [entry for entry in self._entries if id(entry.graph) not in others]

    def _collect(
        self, before: int, span: Span | None, assumed: tuple[str, ...] = (), asked: bool = False, called: bool = False
    ) -> None:
        conversions = self.interp.conversions
        if span is None:
            assumed = (*assumed, *conversions.assumed)
        file = str(self._path)
        elsewhere = span is not None and span.file != file
        known: set[tuple[ClassObject, int]] = set()  # class and size: of other files' models one call is told
        recorder = self.interp.recorder
        for graph, (root, where) in list(zip(recorder.graphs, recorder.entries))[before:]:
            converted = next((place for model, place in conversions.of(span is None) if model is root), None)
            if converted is not None and (where is None or where.file != file):  # a library does that for the script
                where = converted
            if (
                any(call.span.file == file for call in graph.known.calls)
                or root.cls.module.path == file
                or (
                    (converted is not None or ((called or span is None) and _called_in(file, span or where, graph)))
                    and (root.cls, graph.size) not in known
                )
                or (elsewhere and any(place.file == file for call in graph.known.calls for place in call.stack))
            ):
                self._entries.append(
                    EntryRun(graph, span or where or _class_span(root), assumed, asked, prepares_data(root.cls))
                )
                if not root.cls.module.is_torch:
                    known.add((root.cls, graph.size))
            elif span is None and where is not None and where.file == file and None in _ranks(graph):
                what = f"{root.cls.name} is called on tensors of which not even the number of dimensions is known"
                self.interp.conversions.lost.setdefault(what, where)


def guarded_inline(interp: Interpreter, work: Callable[[], Any]) -> tuple[bool, Run]:
    """Do `work` inside a run: the interpreted program's own exceptions end only this piece. True where it went through."""
    from ane_lsp.interp.frames import UnknownIteration
    from ane_lsp.interp.values import PyRaise

    frame, modules = interp.frame, list(interp.recorder.modules)
    run = Run(interp)
    try:
        run.result = work()
        return True, run
    except PyRaise as raised:
        run.ended_by(raised)
    except UnknownIteration as lost:
        run.errors.append((lost.unknown.reason, lost.unknown.span))
    except RecursionError:
        run.errors.append(("RecursionError: nested too deeply", None))
    except Exception as error:  # our own fault: it costs this entry only
        interp.internal_error(error)
    finally:
        interp.back_to(frame, modules)
    return False, run


def _called_in(file: str, where: Span | None, graph: Graph) -> bool:
    """Whether a file calls a model, on inputs of known rank."""
    ranks = _ranks(graph)
    return where is not None and where.file == file and bool(ranks) and None not in ranks


def _ranks(graph: Graph) -> list[int | None]:
    return [value.type.rank for value in graph.inputs]


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
