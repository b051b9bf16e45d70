"""The heart of the server: which documents are open, what is known about each, and what is analysed next.

Knows no protocol. A layer above feeds it documents and settings, asks it for results, and is told through a
:class:`Listener` when a result is new. One analysis runs at a time; an edit of the document under analysis cancels it;
a result is only ever handed out together with the text it was made from, or moved along with that text's edits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import field, replace
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from ane_lsp.analysis import AnalysisError, ModelSummary
from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.server import uris
from ane_lsp.server.documents import Change, Document, Edit, Notebook, Part, Text, join_cells, move_all, path_of
from ane_lsp.server.engine import Engine, EngineFailure
from ane_lsp.server.results import CallSite, DocumentResult, FixName, SettingsProblem, ShapeHint, fix_name
from ane_lsp.syntax.positions import Encoding

log = logging.getLogger(__name__)

SETTINGS_FILES = ("ane-lsp.toml", "pyproject.toml")
DEBOUNCE = 0.08  # seconds of silence waited for once typing has outrun the analysis
FIX_TIME = 5.0  # seconds spent on verifying the fixes of one result that nobody has asked for

Kind = Literal["python", "settings", "other"]
State = Literal["starting", "analysing", "idle", "failing"]


class Priority(IntEnum):
    """What is analysed first."""

    FOREGROUND = 0
    RELATED = 1
    BACKGROUND = 2
    IDLE = 3


@dataclass(slots=True)
class Snapshot:
    """A result and the edits made since."""

    result: DocumentResult
    edits: list[Edit] = field(default_factory=list)

    def findings(self) -> list[Finding]:
        """The findings at their present places; those whose place was edited away are left out."""
        if not self.edits:
            return list(self.result.findings)
        path = self.result.path
        return [moved for finding in self.result.findings if (moved := _move_finding(finding, path, self.edits))]

    def calls(self) -> list[CallSite]:
        return _move_each(self.result.calls, self.edits)

    def shapes(self) -> list[ShapeHint]:
        return _move_each(self.result.shapes, self.edits)

    def models(self) -> list[tuple[int, ModelSummary]]:
        """The models with their numbers in the result."""
        numbered = enumerate(self.result.models)
        return [(index, moved) for index, model in numbered for moved in _move_each((model,), self.edits)]


def _move_each(items: Iterable[Any], edits: Sequence[Edit]) -> list[Any]:
    if not edits:
        return list(items)
    return [replace(item, span=span) for item in items if (span := move_all(item.span, edits))]


def _move_finding(finding: Finding, path: str, edits: Sequence[Edit]) -> Finding | None:
    def moved(span: Span) -> Span | None:
        return move_all(span, edits) if span.file == path else span

    span = moved(finding.span)
    if span is None:
        return None
    related = [replace(item, span=place) for item in finding.related if (place := moved(item.span))]
    fixes: list[Fix] = []
    for fix in finding.fixes:
        places = [moved(edit.span) for edit in fix.edits]
        if None not in places:
            edited = [TextEdit(place, edit.text) for place, edit in zip(places, fix.edits, strict=True) if place]
            fixes.append(replace(fix, edits=tuple(edited)))
    return replace(finding, span=span, related=tuple(related), fixes=tuple(fixes))


@dataclass(eq=False, slots=True)
class Unit:
    """What is analysed as a whole: a document, a notebook, or a file nobody has open.

    stamp counts everything that may change the result. result: the newest one, of whatever text; good: the newest one of
    a text that parsed. failure: why the last analysis did not come back. changed: edited since the last accepted result.
    ahead: findings and errors of the present text that came before the rest of its result; told: somebody heard of them.
    parts: for notebooks, where each cell went. verdicts: which fixes of the result turned out to hold; unverified: those
    still to be tried, and fix_seconds, what trying took. verified: what a converted program said, None where none was made.
    """

    key: str
    path: Path
    kind: Kind
    text: Text
    open: bool = True
    stamp: int = 0
    done: int = -1
    result: Snapshot | None = None
    good: Snapshot | None = None
    ahead: Snapshot | None = None
    told: bool = False
    problems: list[SettingsProblem] = field(default_factory=list)
    failure: str | None = None
    changed: bool = True
    unsent: bool = True
    due: float = 0.0
    touched: int = 0
    parts: list[Part] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    verdicts: dict[FixName, bool] = field(default_factory=dict)
    unverified: list[FixName] = field(default_factory=list)
    fix_seconds: float = 0.0
    fix_waiters: list[asyncio.Future[None]] = field(default_factory=list)
    verified: Snapshot | None = None

    @property
    def fresh(self) -> bool:
        """The result belongs to the present text and settings."""
        return self.done == self.stamp

    @property
    def diagnosed(self) -> bool:
        """All findings and errors of the present text are there, though perhaps not the rest of its result."""
        return self.fresh or (self.told and self.ahead is not None and self.ahead.result.diagnosed)

    def shown(self) -> Snapshot | None:
        """What readers see: the newest result, or while the text does not parse the last one that did."""
        if self.result is not None and self.result.result.parsed:
            return self.result
        return self.good or self.result

    def findings(self) -> list[Finding]:
        """All findings to show, at their present places."""
        shown = self.ahead or self.shown()
        return shown.findings() if shown else []

    def errors(self) -> list[AnalysisError]:
        """What kept parts of the present text from being analysed."""
        newest = self.ahead or self.result
        if newest is None:
            return []
        path, edits = newest.result.path, newest.edits
        moved = ((error, move_all(error.span, edits) if error.span.file == path else error.span)
                 for error in newest.result.errors)  # fmt: skip
        return [replace(error, span=span) for error, span in moved if span]


class Listener(Protocol):
    """Who is told what happens."""

    def analysed(self, unit: Unit, edited: bool) -> None:
        """There is a new result, or a new failure, for `unit`; `edited` where its own text had changed."""

    def ahead(self, unit: Unit) -> None:
        """Findings and errors of the edited text of `unit` are there before the rest of its result."""

    def forgotten(self, unit: Unit) -> None:
        """Nothing is known about `unit` any more: it was closed or deleted."""

    def state(self, state: State, detail: str) -> None:
        """The server started to work, came to rest, or cannot work."""


class Superseded(Exception):
    """The document changed while the answer was on its way; the client asks again."""


class Session:
    """Documents and their results."""

    def __init__(self, engine: Engine, listener: Listener, encoding: Encoding = "utf-16") -> None:
        self.engine = engine
        self.encoding: Encoding = encoding
        self.root = Path.cwd()
        self.debounce = DEBOUNCE
        self.documents: dict[str, Document] = {}
        self.notebooks: dict[str, Notebook] = {}
        self.units: dict[str, Unit] = {}
        self.listener = listener
        self._pending: dict[str, Priority] = {}
        self._running: tuple[Unit, Priority, asyncio.Task[None]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0
        self._state: State = "starting"
        self._closed = False
        self._held = False

    # -- documents ---------------------------------------------------------------------------------------------------

    def open(self, uri: str, language: str, version: int, text: str) -> Unit:
        """A client opened a document; opening it twice replaces the text."""
        document = self._new_document(uri, language, version, text)
        kind = kind_of(document)
        return self._begin(uris.key(uri), document.path, kind, document.text)

    def change(self, uri: str, version: int, changes: Sequence[Change]) -> Unit | None:
        """Apply a client's edits. None where the document is not open."""
        key = uris.key(uri)
        document = self.documents.get(key)
        if document is None:
            log.warning("change of a document that is not open: %s", uri)
            return None
        edits = document.change(version, changes, self.encoding)
        if document.notebook is not None:
            return self._rejoin(document.notebook)
        unit = self.units[key]
        unit.text = document.text
        self._edited(unit, edits)
        return unit

    def close(self, uri: str) -> None:
        """A client closed a document: from now on the disk counts."""
        key = uris.key(uri)
        if self.documents.pop(key, None) is not None:
            self._end(key)

    def document(self, uri: str) -> Document | None:
        """The open document of `uri`, however it is escaped."""
        return self.documents.get(uris.key(uri))

    def unit(self, uri: str) -> Unit | None:
        """What `uri` is analysed as: itself, or for a cell its notebook."""
        document = self.document(uri)
        key = document.notebook if document and document.notebook else uris.key(uri)
        return self.units.get(key)

    # -- notebooks ---------------------------------------------------------------------------------------------------

    def open_notebook(
        self, uri: str, version: int, cells: Sequence[tuple[str, int]], texts: Sequence[tuple[str, str, int, str]]
    ) -> Unit:
        """cells: (uri, kind) in order; texts: (uri, language, version, text) of those with text."""
        key = uris.key(uri)
        path = path_of(uri, self.root)
        notebook = Notebook(key, path.with_name(path.name + ".py"), version)
        self.notebooks[key] = notebook
        for text in texts:
            self._new_document(*text, notebook=key)
        self._order_cells(notebook, cells)
        unit = self._begin(key, notebook.path, "python", Text(""))
        self._rejoin(key)
        return unit

    def change_notebook(
        self,
        uri: str,
        version: int,
        splice: tuple[int, int, Sequence[tuple[str, int]]] | None,
        opened: Sequence[tuple[str, str, int, str]],
        closed: Sequence[str],
        kinds: Sequence[tuple[str, int]],
        texts: Sequence[tuple[str, int, Sequence[Change]]],
    ) -> Unit | None:
        """splice: (start, deleted, new cells); kinds: cells that changed between markup and code."""
        notebook = self.notebooks.get(uris.key(uri))
        if notebook is None:
            log.warning("change of a notebook that is not open: %s", uri)
            return None
        notebook.version = version
        order = list(notebook.kinds.items())
        if splice is not None:
            start, deleted, new = splice
            order[start : start + deleted] = [(uris.key(cell), kind) for cell, kind in new]
        changed_kinds = {uris.key(cell): kind for cell, kind in kinds}
        for text in opened:
            self._new_document(*text, notebook=notebook.uri)
        for cell in closed:
            self.documents.pop(uris.key(cell), None)
        self._order_cells(notebook, [(cell, changed_kinds.get(cell, kind)) for cell, kind in order])
        for cell, cell_version, changes in texts:
            document = self.document(cell)
            if document is not None:
                document.change(cell_version, changes, self.encoding)
        return self._rejoin(notebook.uri)

    def close_notebook(self, uri: str, cells: Sequence[str]) -> None:
        key = uris.key(uri)
        notebook = self.notebooks.pop(key, None)
        if notebook is not None:
            self._end(key)
            for cell in {*map(uris.key, cells), *notebook.kinds}:
                self.documents.pop(cell, None)

    def _order_cells(self, notebook: Notebook, cells: Sequence[tuple[str, int]]) -> None:
        notebook.kinds = {uris.key(cell): kind for cell, kind in cells}

    def _rejoin(self, key: str) -> Unit | None:
        """Make the notebook's module anew; what changed in it is found by comparing."""
        notebook, unit = self.notebooks[key], self.units.get(key)
        if unit is None:
            return None
        notebook.cells = [
            cell for cell, kind in notebook.kinds.items()
            if kind == 2 and cell in self.documents and self.documents[cell].language == "python"
        ]  # fmt: skip
        module, unit.parts = join_cells((cell, self.documents[cell].text) for cell in notebook.cells)
        unit.text, edit = unit.text.apply(Change(module), self.encoding)
        self._edited(unit, [edit])
        return unit

    # -- files without a document ------------------------------------------------------------------------------------

    def add_files(self, paths: Iterable[str]) -> None:
        """Analyse these files too, when nothing else is waiting."""
        for path in paths:
            key = uris.key(uris.from_path(path))
            if key not in self.units:
                self.units[key] = Unit(key, Path(path), "python", Text(""), open=False, unsent=False)
                self._want(self.units[key], Priority.BACKGROUND)

    def drop_files(self) -> None:
        """Forget the files of :meth:`add_files` that nobody has open."""
        for key in [key for key, unit in self.units.items() if not unit.open]:
            self._forget(key)

    def drop_waiting(self) -> None:
        """Analyse no more of the files nobody has open."""
        for key in [key for key, priority in self._pending.items() if priority is Priority.BACKGROUND]:
            del self._pending[key]

    def drop_clean(self) -> None:
        """Forget files nobody has open and about which there is nothing to say."""
        for key, unit in list(self.units.items()):
            if not unit.open and not unit.findings() and not unit.errors():
                self._forget(key)

    def touched(self, paths: Sequence[str], deleted: Sequence[str] = ()) -> None:
        """Files changed, appeared or went on disk."""
        self.engine.tell("touched", [*paths, *deleted])
        for path in deleted:
            key = uris.key(uris.from_path(path))
            if key in self.units and not self.units[key].open:
                self._forget(key)
        names = {*paths, *deleted}
        if any(Path(path).name in SETTINGS_FILES for path in names):
            self.reconsider()
            return
        for unit in list(self.units.values()):
            depends = unit.result.result.depends if unit.result else None
            own = str(unit.path) in names
            if unit.kind == "python" and (
                (own and not unit.open) or (not own and (depends is None or names & depends))
            ):
                self._stale(unit, Priority.RELATED if unit.open else Priority.BACKGROUND)

    def reconsider(self) -> None:
        """Settings changed: every result may."""
        for unit in list(self.units.values()):
            self._stale(unit, Priority.RELATED if unit.open else Priority.BACKGROUND)

    def configure(self, folders: list[tuple[str, dict[str, Any]]], options: dict[str, Any]) -> None:
        """Editor settings of each workspace folder, and of files outside all of them."""
        self.engine.tell("configure", folders, options)
        self.reconsider()

    # -- answers -----------------------------------------------------------------------------------------------------

    async def fresh(self, unit: Unit, patience: float | None = None) -> bool:
        """Wait until `unit`'s result belongs to its present text; False where `patience` seconds did not suffice.

        Raises Superseded where the document was closed meanwhile.
        """
        return await self._until(unit, lambda: unit.fresh, patience)

    async def diagnosed(self, unit: Unit) -> None:
        """The same until its findings and errors are there, which come before the rest."""
        await self._until(unit, lambda: unit.diagnosed, None)

    async def _until(self, unit: Unit, ready: Callable[[], bool], patience: float | None) -> bool:
        end = None if patience is None else time.monotonic() + patience
        while not ready():
            if self.units.get(unit.key) is not unit or self._closed:  # closed, perhaps opened again since
                raise Superseded
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            unit.waiters.append(future)
            if unit.key not in self._pending and (self._running is None or self._running[0] is not unit):
                self._want(unit, Priority.FOREGROUND)
            try:
                await asyncio.wait_for(future, None if end is None else max(0.0, end - time.monotonic()))
            except asyncio.TimeoutError:
                return False
            finally:
                with suppress(ValueError):
                    unit.waiters.remove(future)
        return True

    async def verdicts(self, unit: Unit, names: Sequence[FixName], patience: float) -> dict[FixName, bool]:
        """Which of these fixes hold, tried before all others; those not known after `patience` seconds are left out."""
        end = time.monotonic() + patience
        stamp = unit.stamp
        unit.unverified = [n for n in names if n not in unit.verdicts] + [n for n in unit.unverified if n not in names]
        while unit.stamp == stamp and not self._closed and any(name not in unit.verdicts for name in names):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            unit.fix_waiters.append(future)
            self._pump()
            try:
                await asyncio.wait_for(future, max(0.0, end - time.monotonic()))
            except asyncio.TimeoutError:
                break
            finally:
                with suppress(ValueError):
                    unit.fix_waiters.remove(future)
        return {name: unit.verdicts[name] for name in names if name in unit.verdicts}

    async def ask(self, what: str, *args: Any) -> Any:
        """A question to the analyst that changes nothing here; fixes are verified later. Raises EngineFailure."""
        if self._running is not None and self._running[1] is Priority.IDLE:
            self._running[2].cancel()
        return await self.engine.ask(what, *args)

    def hold(self) -> None:
        """Start nothing until :meth:`release`: settings are about to come."""
        self._held = True

    def release(self) -> None:
        self._held = False
        self._pump()

    @property
    def idle(self) -> bool:
        """Nothing is running or waiting."""
        return not self._busy and not self._pending

    @property
    def _busy(self) -> bool:
        return self._running is not None and self._running[1] is not Priority.IDLE

    async def settled(self, report: Callable[[int, int], None] | None = None) -> None:
        """Wait until nothing is left to analyse; `report` hears how many are done of how many."""
        total = len(self._pending) + self._busy
        while not self.idle and not self._closed:
            if report is not None:
                left = len(self._pending) + self._busy
                total = max(total, left)
                report(total - left, total)
            await asyncio.sleep(0.1)

    def shutdown(self) -> None:
        """Stop at once; waiting requests are told."""
        self._closed = True
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._running is not None:
            self._running[2].cancel()
        for unit in self.units.values():
            _wake(unit)
        self.engine.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _new_document(self, uri: str, language: str, version: int, text: str, notebook: str | None = None) -> Document:
        document = Document(uri, path_of(uri, self.root), language, version, Text(text), notebook)
        self.documents[uris.key(uri)] = document
        return document

    def _begin(self, key: str, path: Path, kind: Kind, text: Text) -> Unit:
        old = self.units.get(key)
        if old is not None and old.open:
            _, edit = old.text.apply(Change(text.text), self.encoding)
            old.text, old.kind = text, kind
            self._edited(old, [edit])
            return old
        unit = Unit(key, path, kind, text)
        self.units[key] = unit
        if old is not None:  # known from the disk: shown until the document's own result comes
            unit.stamp = old.stamp + 1
            _wake(old)
        self._edited(unit, [])
        return unit

    def _end(self, key: str) -> None:
        unit = self.units.get(key)
        if unit is not None:
            self.engine.tell("overlay", str(unit.path), None)
            self._forget(key)
            self._spread(unit)

    def _forget(self, key: str) -> None:
        unit = self.units.pop(key)
        self._pending.pop(key, None)
        if self._running is not None and self._running[0] is unit:
            self._running[2].cancel()
        _wake(unit)
        self.listener.forgotten(unit)

    def _edited(self, unit: Unit, edits: Sequence[Edit]) -> None:
        kept = (unit.result, unit.good, unit.ahead, unit.verified)
        for snapshot in {id(s): s for s in kept if s is not None}.values():
            snapshot.edits.extend(edits)
        unit.changed = unit.unsent = True
        now = time.monotonic()
        outrun = (self._running is not None and self._running[0] is unit) or unit.due > now
        unit.due = now + self.debounce if outrun else 0.0
        self._stale(unit, Priority.FOREGROUND)

    def _stale(self, unit: Unit, priority: Priority) -> None:
        unit.stamp += 1
        unit.told = False
        _wake_all(unit.fix_waiters)
        self._turn += 1
        unit.touched = self._turn
        if self._running is not None and self._running[0] is unit:
            self._running[2].cancel()
        if unit.kind == "other":
            unit.done = unit.stamp
            return
        self._want(unit, priority)

    def _want(self, unit: Unit, priority: Priority) -> None:
        if self._closed:
            return
        self._pending[unit.key] = min(priority, self._pending.get(unit.key, priority))
        if (
            self._running is not None
            and self._running[1] > priority
            and (not self._busy or self._running[0] is not unit)
        ):
            other, kept, task = self._running  # background work makes room and is done again later
            if self.units.get(other.key) is other and kept is not Priority.IDLE:
                self._pending.setdefault(other.key, kept)
            task.cancel()
        self._pump()

    def _pump(self) -> None:
        if self._running is not None or self._closed or self._held:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            self._tell("idle", "")
            self._pump_fixes()
            return
        now = time.monotonic()
        ready = [key for key in self._pending if self.units[key].due <= now]
        if not ready:
            wait = min(self.units[key].due for key in self._pending) - now
            self._timer = asyncio.get_running_loop().call_later(wait, self._pump)
            return
        # Within a priority: what somebody waits for, then what was touched last.
        key = min(ready, key=lambda k: (self._pending[k], not self.units[k].waiters, -self.units[k].touched))
        priority = self._pending.pop(key)
        unit = self.units[key]
        task = asyncio.get_running_loop().create_task(self._analyse(unit))
        self._running = (unit, priority, task)
        task.add_done_callback(self._finished)
        self._tell("analysing", unit.path.name)

    def _pump_fixes(self) -> None:
        """Nothing else is to be done: try fixes, first those somebody waits for, then of what was touched last."""
        left = [
            u for u in self.units.values() if u.unverified and u.fresh and (u.fix_waiters or u.fix_seconds < FIX_TIME)
        ]
        if left:
            unit = min(left, key=lambda u: (not u.fix_waiters, -u.touched))
            task = asyncio.get_running_loop().create_task(self._try_fix(unit))
            self._running = (unit, Priority.IDLE, task)
            task.add_done_callback(self._finished)

    async def _try_fix(self, unit: Unit) -> None:
        stamp, name, started = unit.stamp, unit.unverified[0], time.monotonic()
        try:
            (held,) = await self.engine.ask("holds", str(unit.path), [name])
        except EngineFailure as error:
            log.error("fixes of %s: %s\n%s", unit.path, error, error.detail)
            unit.unverified.clear()
            return
        finally:
            unit.fix_seconds += time.monotonic() - started
        if unit.stamp == stamp:
            unit.verdicts[name] = held
            unit.unverified.remove(name)
            _wake_all(unit.fix_waiters)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if self._running is not None and self._running[2] is task:
            self._running = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("analysis task failed", exc_info=error)
        self._pump()

    async def _analyse(self, unit: Unit) -> None:
        stamp = unit.stamp
        failure: str | None = None
        answer: Any = None
        for other in self.units.values():
            if other.unsent and other.open and other.kind == "python":
                other.unsent = False
                self.engine.tell("overlay", str(other.path), other.text.text)
        try:
            if unit.kind == "settings":
                answer = await self.engine.ask("settings", str(unit.path), unit.text.text)
            else:
                answer = await self.engine.ask("analyze", str(unit.path), ahead=partial(self._ahead, unit, stamp))
        except EngineFailure as error:
            log.error("%s: %s\n%s", unit.path, error, error.detail)
            failure = str(error)
        if unit.stamp != stamp or self.units.get(unit.key) is not unit:
            return
        self._accept(unit, answer, failure)

    def _ahead(self, unit: Unit, stamp: int, part: DocumentResult) -> None:
        """Findings come before the rest: they are what somebody who types waits for."""
        if unit.stamp != stamp or self.units.get(unit.key) is not unit or not unit.open or not unit.changed:
            return
        unit.ahead, unit.told = Snapshot(part), True
        self.listener.ahead(unit)
        if part.diagnosed:
            _wake(unit)

    def _accept(self, unit: Unit, answer: Any, failure: str | None) -> None:
        unit.done, unit.failure, unit.due = unit.stamp, failure, 0.0
        changed, unit.changed, unit.ahead = unit.changed, False, None
        if unit.kind == "settings":
            unit.problems = answer or []
        elif failure is None:
            result: DocumentResult = answer
            if not unit.open:  # nobody hovers over it
                result = replace(result, calls=(), shapes=())
            unit.result = Snapshot(result)
            if result.parsed:
                unit.good = unit.result
            notebook = unit.key in self.notebooks
            names = [] if notebook or not unit.open else [fix_name(f, fix) for f in result.findings for fix in f.fixes]
            unit.verdicts, unit.unverified, unit.fix_seconds = {}, list(dict.fromkeys(names)), 0.0
        _wake(unit)
        self.listener.analysed(unit, changed)
        if changed and unit.open:
            self._spread(unit)

    def _spread(self, unit: Unit) -> None:
        """The text of `unit` is new: open documents that read it are analysed again."""
        path = str(unit.path)
        for other in list(self.units.values()):
            if other is unit or other.kind != "python" or other.result is None:
                continue
            depends = other.result.result.depends
            if (depends is None and other.open) or (depends is not None and path in depends):
                self._stale(other, Priority.RELATED if other.open else Priority.BACKGROUND)

    def _tell(self, state: State, detail: str) -> None:
        if state != self._state or state == "analysing":
            self._state = state
            self.listener.state(state, detail)


def _wake(unit: Unit) -> None:
    _wake_all(unit.waiters)


def _wake_all(waiters: Iterable[asyncio.Future[None]]) -> None:
    for future in waiters:
        if not future.done():
            future.set_result(None)


def kind_of(document: Document) -> Kind:
    """Python is analysed, settings files are validated, of anything else only the text is kept."""
    if uris.scheme(document.uri) not in ("file", "untitled", "vscode-notebook-cell", ""):
        return "other"  # a client's view of something else: a diff's old side, a remote file
    if document.path.name in SETTINGS_FILES:
        return "settings"
    if document.language == "python" or document.path.suffix in (".py", ".pyi", ".pyw"):
        return "python"
    return "other"
