"""Answers to edits of a file, or of other documents that took part in its analysis: the result is kept, its places are moved, and only
what depends on functions that say something else is analysed again.

The analysed texts are compared with the present ones by :class:`ane_lsp.syntax.moving.Follower`; files on disk, folders and settings must
be as they were. Whatever cannot be moved for certain is left to a new analysis.
"""

from __future__ import annotations

import ast
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from ane_lsp.analysis import (
    AnalysisError,
    FileAnalysis,
    ModelSummary,
    Standing,
    again,
    of_the_program,
    reads_whole_text,
)
from ane_lsp.checks.finding import Finding, Fix, Related, TextEdit
from ane_lsp.fixes import fixable_codes
from ane_lsp.graph import Graph, Span
from ane_lsp.graph.records import dataclass
from ane_lsp.server.results import CallSite, Digests, DocumentResult, ShapeHint, digest
from ane_lsp.syntax import SourceFile, read_source
from ane_lsp.syntax.comments import mentions_directive
from ane_lsp.syntax.exchange import Dependency
from ane_lsp.syntax.moving import EVERYTHING, Follower, Shift
from ane_lsp.workspace import Dependencies, Settings, Workspace
from ane_lsp.workspace.workspace import text_digest

_ANSWERS = 16  # texts whose findings are remembered


class Lost(Exception):
    """A place of the result is no more."""


class Cancelled(Exception):
    """Nobody waits for the result any more. It can be asked for again."""


@dataclass(slots=True)
class World:
    """What a result depends on besides the text: settings, files and folders on disk, other documents of the editor."""

    settings: Settings
    disk: Dependencies
    documents: dict[str, SourceFile | None]

    def changed(self, settings: Settings, workspace: Workspace) -> dict[str, tuple[SourceFile, SourceFile]] | None:
        """Other documents whose text is not what it was, as they were and as they are; None where more has changed. The disk is another
        matter: to ask it takes longer than to tell what is found."""
        if settings != self.settings:
            return None
        found: dict[str, tuple[SourceFile, SourceFile]] = {}
        for path, source in self.documents.items():
            now = workspace.overlay(path)
            if now is source:
                continue
            if now is None:
                return None
            if source is None and not self.disk.unchanged():
                return None
            before = source if source is not None else read_source(Path(path))  # which is as it was then
            if now.unreadable is not None or before.unreadable is not None:
                return None
            if now.text == before.text:
                self.documents[path] = now  # it was only opened
            else:
                found[path] = before, now
        return found


def world(path: str, settings: Settings, workspace: Workspace, disk: Dependencies, used: Iterable[str]) -> World:
    """The world an analysis of `path` that read the files `used` has seen."""
    return World(settings, disk, {name: workspace.overlay(name) for name in used if name != path})


class _Beside:
    """Another document that took part in an analysis, followed like the file itself."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text = text
        self.shift: Shift | None = None
        self.follower = Follower(text, tree, EVERYTHING, mentions_directive, True)

    def follow(self, text: str) -> bool:
        """Whether its present text can be followed; then what has changed is told by the follower."""
        self.text, self.shift = text, self.follower.follow(text)
        return self.shift is not None


class Following:
    """A result and how to bring it up to date.

    What it keeps is at the places of the text that was analysed first (see :mod:`ane_lsp.syntax.exchange`); what it gives
    is at the present ones.
    """

    def __init__(
        self, found: FileAnalysis, result: DocumentResult, source: SourceFile, seen: World, digests: Digests
    ) -> None:
        self.result = result
        self._found = found
        self._seen = seen
        self._whole = reads_whole_text(source.text)
        self._torch = "torch" in source.text
        self._shift: Shift | None = None
        self._beside: dict[str, _Beside] = {}
        self._standing = found.standing
        self._changed: set[Dependency] = set()
        self._digests = digests
        self._again = False
        self._renewed = False
        self._last = source.text, {_name(finding): finding for finding in result.findings}
        self._answers: OrderedDict[str, DocumentResult] = OrderedDict()
        self._answered(text_digest(source.text), result)
        tree = source.tree
        steady = tree is not None and not any(error.kind != "config" for error in result.errors)
        ran = found.ran if found.ran is not None and not self._whole else EVERYTHING
        self._follower = (
            Follower(source.text, tree, ran, mentions_directive, self._standing is not None)
            if tree is not None and steady
            else None
        )

    @property
    def standing(self) -> bool:
        """Whether it holds the world of an analysis."""
        return self._standing is not None

    def drop(self) -> None:
        """Let go of the world of the analysis: edits that change what it ran are left to a new one."""
        self._standing = self._follower = None
        self._found.standing = None

    def settle(self) -> None:
        """Get ready for an edit, while nobody waits."""
        if self._standing is not None and self._standing.world is not None:
            self._standing.world.settle()

    def follow(
        self,
        source: SourceFile,
        settings: Settings,
        workspace: Workspace,
        cancelled: Callable[[], bool] = lambda: False,
        ahead: Callable[[DocumentResult], None] = lambda result: None,
    ) -> DocumentResult | None:
        """The result for the present text, None where the file has to be analysed again. Raises Cancelled.

        ahead: hears of its findings and errors, perhaps without fixes, before all else is known; first perhaps of some models'
        those of the text before (then it is not `diagnosed`).
        """
        if self._follower is None or source.unreadable is not None:
            return None
        if reads_whole_text(source.text) != self._whole or ("torch" in source.text) != self._torch:
            return None
        changed = self._seen.changed(settings, workspace)
        if changed is None or not all(self._take(path, *versions) for path, versions in changed.items()):
            return None
        text = text_digest("\0".join([source.text, *(f"{path}\0{one.text}" for path, one in self._beside.items())]))
        known = self._answers.get(text)
        if known is not None:
            ahead(known)
        shift = self._follower.follow(source.text)
        if shift is None:
            return None

        told: list[tuple[Finding, ...]] = []
        moves = self._moves(shift)

        def tell(findings: tuple[Finding, ...], errors: tuple[AnalysisError, ...], last: bool = False) -> None:
            if known is None and (last or not told or told[-1] != findings):
                ahead(self._for_now(findings, errors, moves, source.text, last))
                told.append(findings)

        if not self._renewed_for(self._follower) or not self._renew(cancelled, tell):
            return None
        if not told:
            tell(self.result.findings, self.result.errors, True)
        if not self._seen.disk.unchanged():
            return None
        try:
            moved = _moved_result(self.result, moves)
        except Lost:
            return None
        self._shift = shift
        self._last = source.text, dict(zip(map(_name, self.result.findings), moved.findings))
        self._answered(text, moved)
        return moved

    def _take(self, path: str, before: SourceFile, now: SourceFile) -> bool:
        """Take over what another document says by now. False where that cannot be."""
        world = self._standing.world if self._standing is not None else None
        if world is None or not world.uses_alike(path, before.text, now.text):
            return False
        if world.reads(path):
            one = self._beside.get(path)
            if one is None:
                tree = world.beside(path)
                if tree is None:
                    return False
                one = self._beside[path] = _Beside(before.text, tree)
            if not one.follow(now.text) or not self._renewed_for(one.follower):
                return False
        self._seen.documents[path] = now
        return True

    def _moves(self, shift: Shift) -> Moves:
        """Where places of the analysed texts are in the present ones."""
        shifts = {path: one.shift for path, one in self._beside.items() if one.shift is not None}
        return _in({**shifts, self.result.path: shift})

    def _answered(self, text: str, result: DocumentResult) -> None:
        """Whoever takes an edit back to a text, here its digest, hears at once what was found then."""
        self._answers[text] = DocumentResult(result.path, result.findings, result.errors)
        self._answers.move_to_end(text)
        if len(self._answers) > _ANSWERS:
            self._answers.popitem(last=False)

    def _for_now(
        self, findings: Iterable[Finding], errors: Iterable[AnalysisError], moves: Moves, text: str, last: bool
    ) -> DocumentResult:
        """What is told before all is known; last: nothing else will be found. A finding in a version of a function that is no more
        stays on its line, if that was not edited: a model that has not been followed again may still say so."""
        path = self.result.path
        told: dict[tuple[str, Span], Finding] = {}
        gone: list[Finding] = []
        for finding in findings:
            try:
                moved = moved_finding(finding, moves)
            except Lost:
                gone.append(finding)
            else:
                told[_name(moved)] = moved
        if gone:
            before, shown = self._last
            lines = _in({path: _Lines(before.split("\n"), text.split("\n"))})
        for finding in gone:
            if (old := shown.get(_name(finding))) is not None:
                with suppress(Lost):
                    moved = moved_finding(replace(old, fixes=(), related=()), lines)
                    told.setdefault(_name(moved), moved)
        failed = []
        for error in errors:
            try:
                failed.append(replace(error, span=moves(error.span)))
            except Lost:
                last = False
        return DocumentResult(path, tuple(told.values()), tuple(failed), diagnosed=last and not gone)

    def _renewed_for(self, follower: Follower) -> bool:
        """Let the world know which functions a follower has exchanged in its tree. False where that cannot be."""
        standing = self._standing
        if standing is None:
            return True
        if standing.world is None or not standing.world.take(follower.exchanged, follower.defaults):
            return False
        self._changed |= follower.exchanged
        self._again |= follower.looks
        return True

    def _renew(
        self,
        cancelled: Callable[[], bool],
        ahead: Callable[[tuple[Finding, ...], tuple[AnalysisError, ...], bool], None],
    ) -> bool:
        """Analyse again what depends on functions that were exchanged. False where that cannot be."""
        standing = self._standing
        if standing is None:
            return True
        ran = self._found.ran
        if ran is None:
            self._changed.clear()
            return False
        concerned = self._again or (self._whole and self._changed) or not ran.isdisjoint(self._changed)
        if concerned and not self._analyse_again(standing, cancelled, ahead, False):
            return False
        self._changed.clear()
        # What no graph shows was presumed to be as before: mostly this says nothing else.
        return (
            standing.world is None
            or not standing.world.doubtful
            or self._analyse_again(standing, cancelled, ahead, True)
        )

    def _analyse_again(
        self, standing: Standing, cancelled: Callable[[], bool],
        ahead: Callable[[tuple[Finding, ...], tuple[AnalysisError, ...], bool], None], surely: bool,
    ) -> bool:  # fmt: skip
        """See :func:`ane_lsp.analysis.again`. False where it cannot be. Raises Cancelled."""
        self._again = True
        before = self._found

        def tell(found: FileAnalysis, last: bool) -> None:
            if not last or not surely or (found.findings, found.errors) != (before.findings, before.errors):
                ahead(tuple(found.findings), tuple(found.errors), last)

        found = again(standing, self._changed, cancelled, tell, surely)
        if cancelled():
            raise Cancelled
        if found is None:
            return False
        self._changed, self._again, self._found = set(), False, found
        if standing.world is not None and not standing.world.complete():
            return False
        if found != before:  # what an edit leaves as it was holds the very graphs
            self._renewed = True
            self.result = digest(self.result.path, found, known=self._digests)
        return True

    def edited(self, finding: Finding) -> bool:
        """Whether a moved finding may have other fixes, because its statement has been edited since the analysis."""
        return finding.code in fixable_codes() and (
            self._renewed or (self._shift is not None and self._shift.edited(finding.span.line))
        )

    def found(self) -> FileAnalysis:
        """The whole analysis with its graphs, at the present places. Raises Lost where one is no more."""
        if self._shift is None:
            return self._found
        plain = replace(self._found, ran=None, standing=None)
        moved: FileAnalysis = _Mover(self._moves(self._shift)).copy(plain)
        return moved

    def sites(self) -> FileAnalysis:
        """The analysis with the calls and ops of the file at the present places, for whoever asks what stands where.

        The places of the calls that led there are left as they are, and so is all else. Raises Lost where one is no more.
        """
        if self._shift is None:
            return self._found
        return replace(
            self._found,
            graphs=[_at_present(graph, _in({self.result.path: self._shift})) for graph in self._found.graphs],
        )


def _at_present(graph: Graph, moves: Moves) -> Graph:
    places: dict[Span, Span] = {}

    def place(span: Span) -> Span:
        found = places.get(span)
        if found is None:
            found = places[span] = moves(span)
        return found

    calls, moved = [], {}
    for call in graph.calls:
        span, ctor = place(call.span), place(call.ctor) if call.ctor is not None else None
        if span is not call.span or ctor is not call.ctor:
            made = moved[id(call)] = call.at(span, ctor)
            calls.append(made)
        else:
            calls.append(call)
    ops = [
        op.again(op.id, op.inputs, op.attrs, op.outputs, moved[id(op.call)]) if id(op.call) in moved else op
        for op in graph.ops
    ]
    return replace(graph, calls=calls, ops=ops)


class _Mover(pickle.Pickler):
    """Copies an object with every span at its present place."""

    def __init__(self, moves: Moves) -> None:
        self._stream = io.BytesIO()
        super().__init__(self._stream, pickle.HIGHEST_PROTOCOL)
        self._moves = moves
        self._held: list[Any] = []

    def copy(self, one: Any) -> Any:
        """Raises Lost where a place is no more."""
        self.dump(one)
        with _holding(self._held):
            return pickle.loads(self._stream.getvalue())  # made by ourselves a line above

    def reducer_override(self, item: Any) -> Any:
        if item.__class__ is Span:
            return Span, tuple(self._moves(item))
        if of_the_program(item):
            self._held.append(item)
            return _held, (len(self._held) - 1,)
        return NotImplemented


_HELD: ContextVar[Sequence[Any]] = ContextVar("held")


@contextmanager
def _holding(held: Sequence[Any]) -> Iterator[None]:
    token = _HELD.set(held)
    try:
        yield
    finally:
        _HELD.reset(token)


def _held(number: int) -> Any:
    """An object that is no part of the copy, but held by it."""
    return _HELD.get()[number]


Moves = Callable[[Span], Span]
"""A place to where it is now. Raises Lost where it is no more."""


def _in(shifts: Mapping[str, Shift | _Lines]) -> Moves:
    """Places of some files are moved, those of others stay."""

    def moves(span: Span) -> Span:
        shift = shifts.get(span.file)
        if shift is None:
            return span
        moved = shift.span(span)
        if moved is None:
            raise Lost
        return moved

    return moves


def _name(finding: Finding) -> tuple[str, Span]:
    return finding.code, finding.span


class _Lines:
    """Where the lines of a text are after an edit somewhere in it."""

    def __init__(self, before: list[str], after: list[str]) -> None:
        most = min(len(before), len(after))
        self._head = next((n for n in range(most) if before[n] != after[n]), most)
        tail = next((n for n in range(most - self._head) if before[-1 - n] != after[-1 - n]), most - self._head)
        self._edited = len(before) - tail
        self._longer = len(after) - len(before)

    def span(self, span: Span) -> Span | None:
        """A place of the former text in the present one; None where it was edited."""
        if span.end_line <= self._head:
            return span
        if span.line <= self._edited:
            return None
        return Span(span.file, span.line + self._longer, span.col, span.end_line + self._longer, span.end_col)


def _moved_result(result: DocumentResult, moves: Moves) -> DocumentResult:
    return replace(
        result,
        findings=tuple(moved_finding(f, moves) for f in result.findings),
        errors=tuple(replace(e, span=moves(e.span)) for e in result.errors),
        models=tuple(_moved_model(m, moves) for m in result.models),
        calls=tuple(CallSite(moves(c.span), c.torch, c.ops, c.signatures, c.built, c.more) for c in result.calls),
        shapes=tuple(ShapeHint(moves(s.span), s.name, s.types, s.models, s.more) for s in result.shapes),
        seconds=0.0,
    )


def _moved_model(model: ModelSummary, moves: Moves) -> ModelSummary:
    elsewhere, lost = (
        tuple(replace(one, span=moves(one.span)) for one in remarks) for remarks in (model.elsewhere, model.lost)
    )
    return replace(model, span=moves(model.span), elsewhere=elsewhere, lost=lost)


def moved_finding(finding: Finding, moves: Moves) -> Finding:
    """A finding with all its places. Raises Lost where one is no more."""
    fixes = tuple(
        Fix(fix.title, fix.safety, tuple(TextEdit(moves(e.span), e.text) for e in fix.edits)) for fix in finding.fixes
    )
    related = tuple(Related(moves(r.span), r.message) for r in finding.related)
    return replace(finding, span=moves(finding.span), related=related, fixes=fixes)


__all__ = ["Cancelled", "Following", "Lost", "World", "world"]
