"""Runs of the interpreter: a file as a script, or a class or function of a file called on given inputs."""

from __future__ import annotations

import ast
import sys
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ane_lsp._memory import rare_collections
from ane_lsp.graph import Graph, Span, Unknown
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.base import Capture
from ane_lsp.interp.frames import UnknownIteration
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.record import Recorder
from ane_lsp.interp.values import Builtin, ModuleObject, PyRaise, Refusal, Stop
from ane_lsp.syntax.source import NOTEBOOK

if TYPE_CHECKING:
    from ane_lsp.workspace import Workspace

_STACK_BYTES = 512 * 1024 * 1024
_HOST_RECURSION = 60_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use: interpreter steps, seconds of processor time, megabytes on top of what the process holds."""

    steps: int = 6_000_000
    seconds: float = 20.0
    megabytes: int = 800


@dataclass(slots=True)
class Run:
    """What a run left behind.

    graphs: one for each outermost model call. errors: what ended it or a top-level statement early, with its place.
    unresolved: calls that could not be followed, by reason. stopped: ``"budget"``, ``"memory"``, ``"cancelled"`` or None.
    limit: where a budget stopped it, what was used up, for the reader.
    internal: faults of ours that were survived, with the places that led to them. refusals: calls torch refuses for certain.
    lost_in_capture: a model failed that had asked whether it is captured, and was told so.
    """

    interp: Interpreter
    graphs: list[Graph] = field(default_factory=list)
    errors: list[tuple[str, Span | None]] = field(default_factory=list)
    stopped: str | None = None
    limit: str = ""
    seconds: float = 0.0
    result: Any = None
    internal: dict[str, Span] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    lost_in_capture: bool = False

    def ended_by(self, raised: PyRaise) -> None:
        """The interpreted program raised and nothing in it caught that."""
        if isinstance(raised.value, KeyboardInterrupt):
            return  # how a loop without an end ends (:mod:`ane_lsp.interp.loops`)
        self.errors.append((self.interp.describe(raised.value), raised.span))
        self.interp.conversions.note_end(self.interp, raised)
        self.lost_in_capture |= bool(self.interp.capture) and self.interp.recorder.graph.asks_capture
        if raised.refusal is not None:
            self.refusals.append(raised.refusal)


def _with_room(work: Callable[[], T]) -> T:
    """Do `work` on a large piece of Python's stack of frames.

    CPython 3.11 and later keep frames in pieces of 16 kB, each mapped when a call needs it and unmapped when that call returns:
    a loop of calls at the edge of a piece asks the system for memory each time. This function says that it needs the half
    of a piece of :data:`_FRAMES` bytes, and the calls it makes live in the other half.
    """
    return work()


_FRAMES = 16 * 2**20
_with_room.__code__ = _with_room.__code__.replace(co_stacksize=_FRAMES // 2 // 8 + 1)


def deep(work: Callable[[], T]) -> T:
    """Run `work` where the host's recursion limit and stack allow deep interpreted calls."""
    outcome: list[Any] = []
    context = copy_context()  # what the workspace tracks is tracked in the thread too

    def target() -> None:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, _HOST_RECURSION))
        try:
            outcome.append((True, context.run(_with_room, work)))
        except BaseException as error:
            outcome.append((False, error))

    previous = threading.stack_size(_STACK_BYTES)
    try:
        thread = threading.Thread(target=target, name="ane-lsp-run", daemon=True)
        thread.start()
    finally:
        threading.stack_size(previous)
    thread.join()
    good, value = outcome[0]
    if good:
        return value  # type: ignore[no-any-return]
    raise value


def start(
    workspace: Workspace,
    opset: str = "iOS18",
    limits: Limits = Limits(),
    cancelled: Callable[[], bool] = lambda: False,
    watched: frozenset[str] = frozenset(),
    capture: Capture = "",
) -> Interpreter:
    """A fresh interpreter."""
    interp = Interpreter(workspace, Recorder(opset), limits.steps, limits.seconds, cancelled, watched, limits.megabytes)
    interp.capture = capture
    return interp


def load_file(interp: Interpreter, path: Path, as_main: bool) -> ModuleObject | None:
    """Run the top level of `path`. None where it does not parse. `as_main` makes it the script."""
    tree = interp.workspace.read(path).parse()
    if not isinstance(tree, ast.Module):
        return None
    name = interp.workspace.module_name(path)
    module = ModuleObject(name, str(path), path.name == "__init__.py")
    module.is_torch = False
    interp.modules[name] = module
    module.state = "running"
    module.namespace["__name__"] = "__main__" if as_main else name
    if path.suffix == NOTEBOOK:  # what IPython adds to Python
        module.namespace["display"] = Builtin("display", lambda interp, args, kwargs: None)
        module.namespace["get_ipython"] = interp.unknown("what IPython does is not read")
    interp.run_top_level(module, tree.body)
    return module


def guarded(interp: Interpreter, work: Callable[[], Any]) -> Run:
    """Do `work` with the interpreter; budgets, cancellation and the program's own exceptions end it in an orderly way."""
    run = Run(interp)
    began = time.monotonic()

    def timed() -> Any:
        interp.start_clock()
        return work()

    interp.on_top_level_error = lambda module, statement, raised: run.ended_by(raised)
    try:
        with rare_collections():
            run.result = deep(timed)
    except Stop as stop:
        run.stopped = stop.reason
        run.limit = f"the analysis stopped after {stop.limit}"
    except PyRaise as raised:
        run.ended_by(raised)
    except UnknownIteration as lost:
        run.errors.append((lost.unknown.reason, lost.unknown.span))
    except RecursionError:
        run.stopped = "budget"
        run.limit = "the analysis stopped: the program nests too deeply"
    except MemoryError:
        run.stopped = "memory"
    except Exception as error:  # ours, outside all statements: what was recorded so far still stands
        interp.internal_error(error)
    run.internal = dict(interp.internal)
    run.graphs = interp.recorder.graphs
    run.seconds = time.monotonic() - began
    return run


def run_script(
    workspace: Workspace,
    path: Path,
    opset: str = "iOS18",
    limits: Limits = Limits(),
    cancelled: Callable[[], bool] = lambda: False,
    capture: Capture = "",
) -> Run:
    """Interpret a file as ``python file.py`` would run it."""
    interp = start(workspace, opset, limits, cancelled, frozenset({str(path)}), capture)
    return guarded(interp, lambda: load_file(interp, path, as_main=True))


__all__ = ["Capture", "Limits", "Run", "Unknown", "guarded", "load_file", "run_script", "start"]
