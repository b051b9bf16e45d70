"""What the interpreter keeps between steps, and the operations its layers ask of each other."""

from __future__ import annotations

import ast
import sys
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ane_lsp._memory import resident
from ane_lsp.graph import Span, Unknown
from ane_lsp.interp import state
from ane_lsp.interp.conversions import Conversions
from ane_lsp.interp.frames import Frame, Signal
from ane_lsp.interp.outside import Outside
from ane_lsp.interp.ran import Ran
from ane_lsp.interp.values import (
    MISSING,
    BoundMethod,
    ClassObject,
    Function,
    Instance,
    ModuleObject,
    Opaque,
    PyRaise,
    Recalled,
    Stop,
    Tensor,
)
from ane_lsp.syntax.exchange import ANY_DEFAULT

if TYPE_CHECKING:
    from ane_lsp.interp.enough import Listening
    from ane_lsp.interp.record import ActiveModule, Recorder
    from ane_lsp.interp.repeats import Repeats
    from ane_lsp.interp.rounds import Watch
    from ane_lsp.interp.templates import Template
    from ane_lsp.interp.zeros import Zeros
    from ane_lsp.syntax.source import SourceFile
    from ane_lsp.workspace import Workspace

MAX_DEPTH = 220
MAX_ELEMENTS = 1_000_000  # of one sequence
MAX_SHARED = 5_000  # values below a name that are looked at for changes
CHANGING = frozenset({Instance, dict, list, set, OrderedDict, deque, defaultdict})
LASTING_SIZES = -1_000_000_000_000  # sizes of top levels have numbers from here on, all below 0
MAX_REASONS = 5_000  # unknown values of watched files that are remembered

PLAIN = (bool, int, float, str, bytes, complex, tuple, list, dict, set, frozenset, slice, range)

Capture = Literal["", "trace", "export"]
"""How a model's forward runs: by itself, under ``torch.jit.trace`` or under ``torch.export.export``."""

clock = time.thread_time
"""Seconds of this thread: a loaded machine does not use up a budget."""


NOWHERE = sys.maxsize
"""Deeper than any frame."""


class Base:
    """State of one run.

    workspace: where sources are read. recorder: where torch calls go. watched: paths of files whose assignments are
    remembered for hints. steps, seconds, megabytes: the budget. cancelled: asked now and then; True ends the run.
    """

    def __init__(
        self,
        workspace: Workspace,
        recorder: Recorder,
        max_steps: int = 4_000_000,
        seconds: float = 20.0,
        cancelled: Callable[[], bool] = lambda: False,
        watched: frozenset[str] = frozenset(),
        megabytes: int = 800,
    ) -> None:
        self.workspace = workspace
        self.recorder = recorder
        self.max_steps = max_steps
        self.seconds = seconds
        self.deadline = float("inf")  # on the clock of the thread that runs, see start_clock
        self.cancelled = cancelled
        self.watched = watched
        self.exchangeable = watched  # paths of files whose functions may be exchanged in the world that is kept
        self.megabytes = megabytes
        self.max_resident = resident() + megabytes * 1_000_000
        self.steps = 0
        self.first_step = 0  # of the present share of the budget
        self.frame: Frame = Frame(ModuleObject("<start>", None), {}, None, None, "<start>")
        self.journals: list[state.Journal] = []
        self.branches = 0  # undecided ones that are being run
        self.forking: list[ast.AST | None] = []  # what is undecided there
        self.deep = 0  # branches run inside of many others
        self.cut = False  # whether one was not run, being too deep inside of others
        self.gaps = False  # some container has held items that may be absent
        self.users: dict[frozenset[str], list[Path]] = {}  # files that build classes of these names
        self.named: dict[int, Any] = {}  # containers of names that were changed in branches, by id, see state.merge
        self.undo: state.Journal | state.Touched | None = None  # of the stage that is recorded, see replay.py
        self.following = False  # entries are followed: the top level of what they import runs later than it would
        self.run_late = False  # such a top level is what runs
        self.top_touched = state.Touched()  # by the top level of modules that were run during a stage
        self.modules: dict[str, ModuleObject] = {}
        self.with_stars: list[ModuleObject] = []  # modules whose star imports may not have run yet
        self.with_hooks: frozenset[str] = frozenset()  # packages with classes that hear of their subclasses
        self.forcing = False  # inside force_pending_imports
        self.decorating = 0  # decorators that are being applied
        # Registries that nobody else fills, by module and names, with the files that were looked at; None for others.
        self.closed: dict[tuple[str, frozenset[str]], set[str] | None] = {}
        # Look-ups that nothing helped, see force_pending_imports: by id, the container and the state in which each was made.
        self.missed: dict[int, tuple[Any, dict[tuple[str, bool], tuple[int, ...]]]] = {}
        self.half_run: dict[int, Any] = {}  # by id: registries for which not everything was run, see there
        self.bindings = 0  # grows whenever a name of a module that has run, or of a class in it, may have changed
        self.nowhere: set[str] = set()  # names of modules that are looked for in stubs only, and are not there
        # By id of what modules and their classes and objects had names for: the first such module, see Registries._owner_of.
        self._held: dict[int, ModuleObject] | None = None
        self._holders: dict[int, ModuleObject] = {}  # the same of the names of those classes and objects
        self._held_state: Any = None
        # By id of a container: the module that had a name for it when last asked.
        self._owners: dict[int, ModuleObject] = {}
        self._waiting: frozenset[str] = frozenset()  # packages that hold definitions back, see force_pending_imports
        self._waiting_state: Any = None
        self.trying = 0
        self.handled: Any = None
        self.compared = 0  # items looked at by the running comparison
        self.unresolved: dict[str, Span] = {}  # calls that led nowhere: what was called -> where
        self.conversions = Conversions()
        self.top_ran = Ran()  # functions of exchangeable files that the top level of a module ran
        self.ran = self.top_ran  # what the present stage ran or looked into
        self.top_drawn = LASTING_SIZES  # the number of the last size that a top level made up
        self.top_runs = 0  # how often the top level of a module was run, or a part of it
        self.limited = False  # a limit of steps was met
        self.sources: dict[str, SourceFile] = {}  # of modules, as they were when they were first asked for
        self.reasons: dict[tuple[int, int, str], tuple[Span, str, Unknown]] = {}  # unknown values of watched files
        self.on_top_level_error: Callable[[ModuleObject, ast.stmt, PyRaise], None] | None = None
        self.internal: dict[str, Span] = {}  # faults of ours, with the place that led to them
        self.differentiated = False  # backward() was called
        self.probing = False
        # The depth of the outermost frame with a handler of an exception that may have been raised.
        self.thrown_to = NOWHERE
        self.doubtful = False  # a branch nobody can decide was given up, as torch refused a call in it
        self.listening: Listening | None = None  # what a probed forward has told, where the rest of it may be left
        self.building = 0  # constructors of modules that run, outside any forward
        self.inference = False  # models are called as they are converted: in eval mode
        self.measured = False  # how much a call recorded decided what was tried next
        self.capture: Capture = ""  # and so are answered their questions whether they are being traced or exported
        self.probe_shapes: dict[int, tuple[Unknown, Any]] = {}  # shapes of probes that were read, for unpacking
        self.items: dict[int, tuple[Unknown, dict[int, Tensor]]] = {}  # inputs in lists of unknown length, by place
        # Modules by class and arguments, and by the state of names outside: see templates.py. None: one that cannot be copied.
        self.built: OrderedDict[Any, dict[tuple[int, int], Template | None]] = OrderedDict()
        self.changes = 0  # grows whenever a name outside the running functions is bound anew
        self.outside = Outside()  # containers such names stand for that were read while modules were built or called
        # Attributes of modules by which kept calls are not told apart unless they read one; how often one was read.
        self.ordinals: set[str] = set()
        self.ordinals_read = 0
        self.recalled: list[tuple[Recalled, Any, Any]] = []  # what cached functions gave for the first time in this run
        self.written: state.Written | None = None  # containers changed while a module is built or called
        self.covered: dict[int, Any] = {}  # containers that were written down for calls of modules, see seen.py
        self.made = 0  # calls and constructions that were written down so far
        # While some are made once more to be compared, which of them may be others by now.
        self.doubted: Callable[[Any], bool] | None = None
        self.expected: list[Template] = []  # those of them that are part of what is built again
        self.watch: Watch | None = None  # of the model that is called next
        self.repeats: Repeats | None = None  # calls of modules that were made before, where the world is kept
        self.templates: dict[Any, Instance] = {}  # leaf modules of torch by class and arguments, see templates.py
        # Weights as state_dict() gives them, see weights.py.
        self.detached: dict[int, tuple[tuple[Any, ...], Tensor, Any]] = {}
        self._spans: dict[int, Span] = {}

    def span(self, node: ast.AST) -> Span:
        """Where a node of the running module stands. Columns are UTF-8 bytes, as in ``ast``."""
        return self.span_in(self.frame, node)

    def span_in(self, frame: Frame, node: Any) -> Span:
        """Where a node stands in the file of `frame`. A method call that spans lines stands where its name does."""
        key = id(node)
        found = self._spans.get(key)
        if found is None:
            line, col = node.lineno, node.col_offset
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = node.func
                if name.lineno != name.end_lineno and name.end_lineno is not None and name.end_col_offset is not None:
                    line, col = name.end_lineno, name.end_col_offset - len(name.attr.encode())
            found = Span(frame.module.path or frame.module.name, line, col, node.end_lineno, node.end_col_offset)
            self._spans[key] = found
        return found

    def internal_error(self, error: Exception, node: ast.AST | None = None) -> Unknown:
        """A fault of the interpreter itself: noted once, and the value is unknown."""
        if isinstance(error, MemoryError):
            raise Stop("memory") from None
        import traceback

        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        span = self.span(node) if node is not None else self.here() or Span("", 1, 0, 1, 0)
        self.internal.setdefault(text, span)
        return Unknown(f"an internal error of ane-lsp: {text}", span)

    def here(self) -> Span | None:
        """Where the innermost frame outside torch is, the place a reader of the source would look at."""
        frame: Frame | None = self.frame
        while frame is not None:
            if not frame.module.is_torch and frame.node is not None:
                return self.span_in(frame, frame.node)
            frame = frame.parent
        return None

    def innermost(self, suits: Callable[[Frame], bool]) -> Span | None:
        """Where the innermost frame is that suits."""
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.node is not None and suits(frame):
                return self.span_in(frame, frame.node)
            frame = frame.parent
        return None

    def span_of(self, func: Function, node: Any) -> Span:
        """Where a node of a function's definition stands."""
        return Span(func.module.path or "", node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)

    def frame_in(self, module: ModuleObject) -> Frame:
        """A frame at the top level of a module."""
        return Frame(module, module.namespace, None, self.frame, "<module>")

    def start_clock(self) -> None:
        """The time budget counts from here, on the calling thread."""
        self.deadline = clock() + self.seconds
        self.max_resident = resident() + self.megabytes * 1_000_000

    @contextmanager
    def off_the_clock(self) -> Iterator[None]:
        """What is done inside counts for no budget of time."""
        began = clock()
        try:
            yield
        finally:
            self.deadline += clock() - began

    @contextmanager
    def step_limit(self, steps: int) -> Iterator[None]:
        """Allow only so many steps more inside; the program is stopped with ``PyRaise(TimeoutError)`` then."""
        outer = self.max_steps
        self.max_steps = min(outer, self.steps + steps)
        try:
            yield
        except Stop as stop:
            if stop.reason != "budget" or self.steps > outer or clock() > self.deadline:
                raise
            self.limited = True
        finally:
            self.max_steps = outer

    @contextmanager
    def share(self, part: float) -> Iterator[list[str]]:
        """Allow only `part` of what is left of the budget inside. The limit that stopped it is in the list afterwards."""
        steps, deadline, seconds, first = self.max_steps, self.deadline, self.seconds, self.first_step
        now = clock()
        self.max_steps = self.steps + int((steps - self.steps) * part)
        self.deadline, self.seconds, self.first_step = now + (deadline - now) * part, seconds * part, self.steps
        stopped: list[str] = []
        frame, modules = self.frame, list(self.recorder.modules)
        try:
            yield stopped
        except Stop as stop:
            if stop.reason != "budget":
                raise
            stopped.append(stop.limit)
            self.back_to(frame, modules)
        finally:
            self.max_steps, self.deadline, self.seconds, self.first_step = steps, deadline, seconds, first

    def back_to(self, frame: Frame, modules: Sequence[ActiveModule] | None = None) -> None:
        """Go on in `frame`, outside of all branches, after what was done inside was broken off. modules: those that run there,
        None where they are still the ones."""
        self.frame = frame
        if modules is not None:
            self.recorder.modules[:] = modules
        self.journals.clear()
        self.branches = 0
        self.forking.clear()

    def looked_into(self, function: Any) -> None:
        """Something depends on the source of a function, whether it runs or not."""
        if function.__class__ is Function and function.module.path in self.exchangeable:
            self.ran.update((function.node, (function.node, ANY_DEFAULT)))

    def looked_at_signature(self, function: Function) -> None:
        """Something depends on the defaults of a function, but not on its body. What else its head says is never exchanged."""
        if function.module.path in self.exchangeable:
            self.ran.add((function.node, ANY_DEFAULT))

    def unknown(self, reason: str, cause: Unknown | None = None) -> Unknown:
        """A value nobody knows, with the place where that became so."""
        return Unknown(reason, self.here(), cause)

    def note_unknown(self, span: Span, what: str, value: Unknown) -> None:
        """Remember that `what`, at a place of a watched file, is unknown. The first time counts."""
        if not self.probing and len(self.reasons) < MAX_REASONS:
            self.reasons.setdefault((span.line, span.col, what), (span, what, value))

    def touch(self, container: Any) -> None:
        """To be called before a container is changed in place, so that a branch can be undone."""
        if self.journals:
            for journal in reversed(self.journals):
                journal.touch(container)
                if not journal.watching:
                    break
        if self.written is not None and container.__class__ is not Recalled:
            self.written[id(container)] = container
            self.written.made.discard(id(container))
        if id(container) in self.outside.noted:
            self.outside.written(container, self.run_late)
        if self.covered and id(container) in self.covered and self.repeats is not None:
            self.repeats.pieces.written(container)
        if self.undo is not None:
            self.undo.touch(container)

    def touch_names(self, container: Any) -> None:
        """As :meth:`touch`, for the names of a class, a module or a function."""
        if self.journals:
            self.named[id(container)] = container
        self.touch(container)

    def make(self, container: Any) -> Any:
        """To be called with a new container: in the branches that do not make it, it does not exist."""
        if self.journals:
            for journal in reversed(self.journals):
                journal.made[id(container)] = container
                if not journal.watching:
                    break
        return container

    def born(self, container: Any) -> Any:
        """The same of one that may outlive what makes it: while calls are kept, it is noted as theirs."""
        if self.written is not None:
            self.written.born.add(id(container))
        return self.make(container)

    def change(self, container: Any, contents: Any) -> None:
        """Have a container hold something else, as if the program had done so."""
        self.touch(container)
        state.restore(container, contents)

    def recall(self, known: Recalled, key: Any, found: Any) -> None:
        """A cached function gave this; from here on it is not run for it."""
        self.touch(known)
        known[key] = found
        self.recalled.append((known, key, found))

    def made_here(self, *containers: Any) -> None:
        """To be called with tables that came into being in the running call, or in one that returned them to it."""
        if self.written is not None:
            tables = {id(one): one for one in containers}
            self.written.take(tables, tables.keys(), tables.keys())

    def put_back(self, container: Any, contents: Any) -> None:
        """Give a container contents that it had before."""
        if self.repeats is not None:
            self.repeats.pieces.written(container)
        if id(container) in self.outside.noted:
            self.outside.written(container)
        state.restore(container, contents)

    def records(self, key: int) -> int:
        """How many references to what has this identity are held by what keeps record of changes and look-ups."""
        touched = self.undo is not None and key in self.undo.containers
        return touched + (key in self.missed) + self.outside.records(key)

    def changes_kept(self) -> int:
        """How many containers can be given back what they held before."""
        return len(self.undo.saved) if isinstance(self.undo, state.Journal) else 0

    def changed_since(self, since: int) -> dict[int, Any]:
        """By identity, what containers held that were changed first since :meth:`changes_kept`, kept so that it can be given back to them."""
        if not isinstance(self.undo, state.Journal):
            return {}
        saved = self.undo.saved
        return {key: before for key, (_, before) in islice(reversed(saved.items()), len(saved) - since)}

    def note_shared(self, value: Any) -> None:
        """A name outside all functions, or of a class, stands for a container that was read while a module is built or called:
        once that changes, or what lies in it, the same arguments may give something else. Other values are left."""
        if value.__class__ not in CHANGING:
            return
        shared, note = self.outside.shared, self.outside.note
        pending: list[Any] = [value]
        for one in pending:
            if id(one) in shared or len(pending) > MAX_SHARED:
                continue
            kind = one.__class__
            if kind is Instance:
                note(one)
                pending += (one.attrs, one.data)
            elif kind in CHANGING:
                note(one)
                pending += one.values() if isinstance(one, dict) else one

    def throwing(self) -> tuple[int, int]:
        """What :meth:`all_caught` needs to tell of what is done from here on."""
        outer, self.thrown_to = self.thrown_to, NOWHERE
        return outer, self.frame.depth

    def all_caught(self, before: tuple[int, int]) -> bool:
        """Whether exceptions that may have been raised all went to handlers of functions that were called meanwhile."""
        outer, depth = before
        own, self.thrown_to = self.thrown_to, min(outer, self.thrown_to)
        return bool(own > depth)

    def next_number(self) -> int:
        """The number of a call or construction that is written down; it grows."""
        self.made += 1
        return self.made

    def surroundings(self) -> tuple[int, int]:
        """Equal wherever names outside the running functions stand for the same, as far as calls have read them."""
        return self.changes, self.outside.state()

    def situation(self) -> tuple[tuple[int, int], int, int]:
        """Equal as long as names outside stand for the same, nothing failed in here, and nothing more was found that nobody knows."""
        return self.surroundings(), len(self.internal), len(self.unresolved)

    def raise_(self, kind: type[BaseException], message: str = "") -> Any:
        """Raise a builtin exception in the interpreted program."""
        raise PyRaise(kind(message), self.here())

    def opaque(self, name: str) -> Opaque:
        return Opaque(name)

    # -- what the layers above provide -------------------------------------------------------------------------------

    def tick(self) -> None:
        raise NotImplementedError

    def eval(self, node: ast.expr, frame: Frame) -> Any:
        raise NotImplementedError

    def annotation(self, node: ast.expr, frame: Frame) -> Any:
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        raise NotImplementedError

    def run_block(self, body: list[ast.stmt], frame: Frame) -> Signal | None:
        raise NotImplementedError

    def run_function(self, function: Function, frame: Frame) -> Any:
        raise NotImplementedError

    def store(self, frame: Frame, name: str, value: Any) -> None:
        raise NotImplementedError

    def start_generator(self, function: Function, frame: Frame) -> Any:
        raise NotImplementedError

    def fork(self, frame: Frame, branches: list[Callable[[], Any]], node: ast.AST | None = None) -> Signal | None:
        raise NotImplementedError

    def fork_value(
        self, frame: Frame, thunks: list[Callable[[], Any]], node: ast.AST | None = None, told: Zeros | None = None
    ) -> Any:
        raise NotImplementedError

    def call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        raise NotImplementedError

    def plain_or_registered(self, obj: Instance, name: str) -> Any:
        raise NotImplementedError

    def type_of(self, value: Any) -> Any:
        raise NotImplementedError

    def type_name(self, value: Any) -> str:
        raise NotImplementedError

    def truth(self, value: Any) -> Any:
        raise NotImplementedError

    def iterate(self, value: Any) -> Iterator[Any]:
        raise NotImplementedError

    def items_of(self, value: Any) -> Iterator[Any]:
        raise NotImplementedError

    def uncounted(self, value: Any) -> Unknown:
        raise NotImplementedError

    def without_gaps(self, args: tuple[Any, ...], start: int = 0) -> tuple[Any, ...]:
        raise NotImplementedError

    def listed(self, value: Any) -> list[Any]:
        raise NotImplementedError

    def unpack_tensor(self, value: Tensor, count: int) -> list[Any]:
        raise NotImplementedError

    def iterate_tensor(self, value: Tensor) -> Iterator[Any]:
        raise NotImplementedError

    def tensor_getattr(self, value: Tensor, name: str) -> Any:
        raise NotImplementedError

    def tensor_class_attribute(self, name: str) -> Any:
        raise NotImplementedError

    def tensor_setattr(self, value: Tensor, name: str, new: Any) -> None:
        raise NotImplementedError

    def tensor_truth(self, value: Tensor, decides: bool = True) -> bool | Unknown:
        raise NotImplementedError

    def taken_out(self, method: str, value: Tensor, found: Any) -> None:
        raise NotImplementedError

    def torch_type_of(self, value: Any) -> Any:
        raise NotImplementedError

    def torch_method(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        raise NotImplementedError

    def torch_function(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def stands_for_stdlib(self, module: ModuleObject) -> bool:
        raise NotImplementedError

    def module_attribute(self, module: ModuleObject, name: str) -> Any:
        raise NotImplementedError

    def run_module(self, module: ModuleObject) -> None:
        raise NotImplementedError

    def resolve_lazy(self, value: Any, namespace: dict[str, Any], name: str) -> Any:
        raise NotImplementedError

    def named_again(self, values: Iterable[Any], names: dict[Any, Any]) -> None:
        raise NotImplementedError

    def force_pending_imports(self, container: Any, key: Any = MISSING, needed: bool = True) -> bool:
        raise NotImplementedError

    def complete(self, container: Any) -> None:
        """Have the rest run that registers with a dict of which all entries are wanted."""
        if self.half_run and id(container) in self.half_run:
            self.force_pending_imports(container)

    def is_nn_module(self, cls: ClassObject) -> bool:
        raise NotImplementedError

    def take_for_module(self, cls: ClassObject) -> None:
        raise NotImplementedError

    def nn_getattr(self, obj: Instance, name: str) -> Any:
        return MISSING

    def nn_setattr(self, obj: Instance, name: str, value: Any) -> bool:
        raise NotImplementedError

    def nn_delattr(self, obj: Instance, name: str) -> bool:
        raise NotImplementedError

    def is_forward(self, method: BoundMethod) -> bool:
        raise NotImplementedError

    def nn_call(self, obj: Instance, args: tuple[Any, ...], kwargs: dict[str, Any], hooked: bool = True) -> Any:
        raise NotImplementedError
