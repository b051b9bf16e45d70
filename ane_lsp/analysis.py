"""The facade: one call from a file to everything that is known about it. Servers, commands and reports call only this."""

from __future__ import annotations

import ast
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ane_lsp._memory import rare_collections
from ane_lsp.checks.finding import SEVERITIES, Finding, Related
from ane_lsp.graph import Graph, Op, Span, dims
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.source import SyntaxProblem

if TYPE_CHECKING:
    from ane_lsp.checks.engine import Options
    from ane_lsp.interp.entries import EntryRun, FileRun, FileWorld
    from ane_lsp.interp.run import Capture, Run
    from ane_lsp.interp.values import Refusal
    from ane_lsp.knowledge.targets import Target
    from ane_lsp.syntax.comments import Directives
    from ane_lsp.syntax.exchange import Dependency
    from ane_lsp.syntax.inputs import InputSpec
    from ane_lsp.workspace import Settings, Workspace

PATIENCE = 0.01
"""Seconds that entries are followed before what is known so far is told."""
AGAIN = 0.25
"""The same until more is told: checking and telling takes time of those that wait."""

T = TypeVar("T")
U = TypeVar("U")
ErrorKind = Literal["syntax", "encoding", "read", "config", "budget", "internal"]


@dataclass(frozen=True, slots=True)
class AnalysisError:
    """Something that kept a part of the input from being analysed; the rest of the result still stands."""

    kind: ErrorKind
    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """Something in a file without models that nobody could follow: perhaps its model is behind that."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said of a model at a place. file: that of `span`, as messages name it."""

    file: str
    span: Span
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.span.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One entry's result in numbers.

    ops: operations left at run time. on_ane: those eligible for the target's ANE and converted to fp16, as far
    as is known.
    unknown_shapes: operations with an output whose shape is not known.
    assumed: what was assumed to run it ("B and L are symbols: no concrete entry calls Net").
    stopped: why the run ended early (``"budget"``), None where it did not. errors, warnings: how many of the findings.
    elsewhere: errors and warnings that stand in other files the model runs through, a line each; they are not in `findings`.
    off_ane: kinds of the operations that are not among `on_ane`, with how many of each, the most frequent first.
    lost: calls in it that were given tensors and could not be followed, and where its run ended early; what they compute, and
    what would follow, is not among `ops`.
    """

    name: str
    span: Span
    target: str
    ops: int
    on_ane: int
    unknown_shapes: int
    findings: int
    assumed: tuple[str, ...] = ()
    stopped: str | None = None
    errors: int = 0
    warnings: int = 0
    elsewhere: tuple[Remark, ...] = ()
    off_ane: tuple[tuple[str, int], ...] = ()
    lost: tuple[Remark, ...] = ()


@dataclass(slots=True)
class FileAnalysis:
    """Everything known about one file.

    findings: sorted by position, one per call expression and code, the worst case first. Their spans' `file` is the
    path as given to :func:`analyze`. graphs: one for each entry. models: the same in numbers, in the same order.
    unfollowed: where there are none, why that may be.
    ran: the functions of the file whose bodies what is found in models depends on; None where that may be anything. What is found
    in scripts depends on all (:func:`reads_whole_text`).
    standing: what :func:`again` needs, where it was asked for and can be had.
    """

    path: str
    findings: list[Finding] = field(default_factory=list)
    graphs: list[Graph] = field(default_factory=list)
    models: list[ModelSummary] = field(default_factory=list)
    errors: list[AnalysisError] = field(default_factory=list)
    unfollowed: list[Unfollowed] = field(default_factory=list)
    ran: set[Dependency] | None = field(default=None, compare=False, repr=False)
    standing: Standing | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Standing:
    """An analysed file that can be analysed again after functions were exchanged in its tree.

    whole: see :func:`reads_whole_text`. world: the one it was read in; None where it has to be analysed from scratch. checked: what was
    found for a graph, by its identity.
    """

    path: Path
    whole: bool
    tree: ast.Module
    directives: Directives
    settings: Settings
    workspace: Workspace
    world: FileWorld | None = None
    checked: dict[int, Checked] = field(default_factory=dict)


@dataclass(slots=True)
class Checked:
    """What was found in an entry, under its assumptions, and the same in numbers once it was counted. stopped: why its run ended early."""

    entry: EntryRun
    found: list[Finding]
    stopped: str | None
    summary: ModelSummary | None = None

    def holds(self, entry: EntryRun) -> bool:
        """Whether the same is found in another entry with that graph."""
        return (self.entry.assumed, self.entry.asked) == (entry.assumed, entry.asked)

    def own(self, file: str) -> list[Finding]:
        """Those of the file."""
        return [finding for finding in self.found if finding.span.file == file]


@dataclass(slots=True)
class TraceResult:
    """What ``ane-lsp trace`` prints: rows as in docs/trace.md, and the closing summary."""

    rows: list[dict[str, Any]]
    summary: dict[str, Any]


class Faults:
    """Faults of ours that the analysis of one file survived, with their places.

    places: what went wrong, and where in the sources. What was not at fault goes on.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[str, Span] = {}

    def survive(self, what: str, work: Callable[[], T], otherwise: U) -> T | U:
        """The result of `work`, `otherwise` where it fails. With ANE_LSP_DEBUG set the failure goes on its way."""
        try:
            return work()
        except Exception as error:
            if os.environ.get("ANE_LSP_DEBUG"):
                raise
            self.places[f"{what}: {type(error).__name__}: {error}"[:300]] = Span(self.file, 1, 0, 1, 0)
            return otherwise

    def finding(self) -> list[Finding]:
        """One finding for all, at the first that has a place in the file; empty without faults."""
        if not self.places:
            return []
        own = [(text, span) for text, span in self.places.items() if span.file == self.file]
        text, span = own[0] if own else (next(iter(self.places)), Span(self.file, 1, 0, 1, 0))
        more = f" and {len(self.places) - 1} more" if len(self.places) > 1 else ""
        message = f"An internal error of ane-lsp{more}: {text}. The rest was analysed. Please report it."
        return [Finding("ANE901", "rule-failed", message, span, "information", "measured")]


@rare_collections()
def analyze(
    path: Path,
    workspace: Workspace,
    settings: Settings,
    cancelled: Callable[[], bool] = lambda: False,
    keep: bool = False,
    ahead: Callable[[FileAnalysis], None] | None = None,
) -> FileAnalysis:
    """Analyse one file: find its entries, run each abstractly, check the graphs. keep: for :func:`again`. ahead: hears of what is
    found in the first models while others are followed.

    Never raises on the file's account: syntax errors, unreadable files and exhausted budgets come back in `errors`. A fault of
    ours in one step, one model or one rule costs that alone and comes back as one finding ANE901. `cancelled` is
    asked often; once it answers True the result so far is returned.
    """
    from ane_lsp.syntax.comments import Directives, parse_directives

    result = FileAnalysis(str(path))
    source = workspace.read(path)
    tree = source.parse()
    if isinstance(tree, SyntaxProblem):
        result.errors.append(AnalysisError(tree.kind, tree.message, tree.span))
        return result
    faults = Faults(str(source.path))
    directives = faults.survive("reading the comments", lambda: parse_directives(source), Directives())
    standing = Standing(source.path, reads_whole_text(source.text), tree, directives, settings, workspace)
    result.ran = set()
    found: list[Finding] = []
    checked: list[Checked] = []
    if "torch" in source.text or directives.inputs:
        nothing: tuple[list[Finding], list[Checked]] = ([], [])
        found, checked = faults.survive(
            "running the file", lambda: _run_and_check(result, standing, cancelled, faults, keep, ahead), nothing
        )
    _conclude(result, standing, found, checked, faults)
    _count(result, standing, found, checked, faults)
    steady = standing.world is not None and standing.world.steady
    if keep and result.ran is not None and not result.errors and steady:
        result.standing = standing
    return result


@rare_collections()
def again(
    standing: Standing,
    changed: set[Dependency],
    cancelled: Callable[[], bool] = lambda: False,
    ahead: Callable[[FileAnalysis, bool], None] = lambda found, last: None,
    surely: bool = True,
) -> FileAnalysis | None:
    """The analysis after `changed` functions were exchanged in the tree of a file; everything it depends on besides is as it was.

    Places are those in the tree. None where the file has to be analysed from scratch, or where `cancelled` said so; then
    `changed` still count when this is asked again. ahead: hears of what is found in some models while others are followed, and of
    those what was found before; and at last, when nothing else will be found, though perhaps nothing is counted yet. surely: see
    :meth:`FileWorld.again`.
    """
    if standing.world is None:
        return None
    in_part = InPart(standing, cancelled, lambda found: ahead(found, False))
    outcome = standing.world.again(changed, cancelled, in_part, surely)
    if outcome is None or outcome.run.stopped is not None:
        return None
    faults = Faults(str(standing.path))
    concluded = _concluded(outcome, standing, cancelled, faults)
    if concluded is None:
        return None
    result, found, checked = concluded
    if result.ran is not None and not result.errors:
        ahead(result, True)
        _count(result, standing, found, checked, faults)
    if result.ran is None or result.errors:
        standing.world = None
        return None
    result.standing = standing
    return result


def _concluded(
    outcome: FileRun, standing: Standing, cancelled: Callable[[], bool], faults: Faults
) -> tuple[FileAnalysis, list[Finding], list[Checked]] | None:
    """What is found in entries, which nobody has counted yet; None where `cancelled` said so."""
    result = FileAnalysis(str(standing.path))
    found, checked = _check_entries(result, outcome, standing, cancelled, faults)
    if cancelled():
        return None
    _conclude(result, standing, found, checked, faults)
    return result, found, checked


class InPart:
    """Tells what is known of a file while its entries are followed, now and then; of those whose turn has not come, what was found
    in them before."""

    def __init__(
        self, standing: Standing, cancelled: Callable[[], bool], ahead: Callable[[FileAnalysis], None]
    ) -> None:
        self._standing = standing
        self._cancelled = cancelled
        self._ahead = ahead
        self._before = [checked.entry for checked in standing.checked.values()]
        self._known = {id(entry.graph) for entry in self._before}
        self._due = time.monotonic() + PATIENCE

    def __call__(self, so_far: FileRun) -> None:
        if time.monotonic() < self._due or self._known.issuperset(id(entry.graph) for entry in so_far.entries):
            return
        followed = {entry.span for entry in so_far.entries}
        waiting = [entry for entry in self._before if entry.span not in followed]
        outcome = replace(so_far, entries=[*so_far.entries, *waiting])
        faults = Faults(str(self._standing.path))
        work = partial(_concluded, outcome, self._standing, self._cancelled, faults)
        concluded = faults.survive("telling of some", work, None)
        if concluded is not None and not concluded[0].errors:
            self._ahead(concluded[0])
        self._due = time.monotonic() + AGAIN


def _conclude(
    result: FileAnalysis, standing: Standing, found: list[Finding], checked: list[Checked], faults: Faults
) -> None:
    """What is shown of the findings of the entries, with those that need no entry."""
    from ane_lsp.checks.guards import review

    tree, path, settings = standing.tree, standing.path, standing.settings
    findings = faults.survive("reviewing findings", lambda: review(found, tree, settings.export_path), found)
    if standing.whole:
        of_text = partial(check_text, tree, path, settings, [one.entry.graph for one in checked])
        findings += faults.survive("checking the script", of_text, [])
    findings += faults.finding()
    if faults.places:
        result.ran = None
    kept = faults.survive(
        "applying the comments",
        lambda: standing.directives.apply(findings, str(path), lambda code: settings.is_selected(code))[0],
        findings,
    )
    kept = [f for f in kept if settings.is_selected(f.code, f.name, path) and _shown(f, settings)]
    result.findings = sorted(kept, key=_position)


def _count(
    result: FileAnalysis, standing: Standing, found: list[Finding], checked: list[Checked], faults: Faults
) -> None:
    """The models in numbers, once their findings are known. A fault of ours on the way is one more of those."""
    known = len(faults.places)
    shown = {(f.code, f.span): f.severity for f in result.findings}
    for one in checked:
        if one.summary is None:
            one.summary = faults.survive(f"counting {one.entry.graph.name}", partial(_summary, one, standing), None)
        if one.summary is not None:
            places = {(f.code, f.span) for f in one.own(str(standing.path))}
            severities = [shown[place] for place in places if place in shown]
            errors, warnings = severities.count("error"), severities.count("warning")
            result.graphs.append(one.entry.graph)
            result.models.append(
                replace(one.summary, span=one.entry.span, findings=len(severities), errors=errors, warnings=warnings)
            )
    if len(faults.places) > known:
        _conclude(result, standing, found, checked, faults)


# Modules that see the model's outputs while it is trained, and are no part of what is converted.
_TRAINING_ONLY = re.compile(
    r"(?:Loss|Losses|(?:_|[A-Z\d]{2})loss(?:es)?|Criterion|Penalty|HungarianMatcher|Assigner|Discriminator\w*)(?:[Vv]?\d+)?$"
    r"|^(?:Loss|Criterion)"
)


def _shown(finding: Finding, settings: Settings) -> bool:
    return finding.code.startswith("ANE9") or settings.shows(finding.confidence)


def _position(finding: Finding) -> tuple[object, ...]:
    span = finding.span
    return (span.line, span.col, SEVERITIES.index(finding.severity), finding.code)


_REASONS = 3  # that a file without models gives


def _run_and_check(
    result: FileAnalysis,
    standing: Standing,
    cancelled: Callable[[], bool],
    faults: Faults,
    keep: bool,
    ahead: Callable[[FileAnalysis], None] | None,
) -> tuple[list[Finding], list[Checked]]:
    from ane_lsp.interp.entries import FileWorld
    from ane_lsp.interp.run import Limits

    settings = standing.settings

    def follow(capture: Capture) -> tuple[FileWorld, FileRun]:
        world = FileWorld(
            standing.workspace, standing.path, standing.directives, _configured(settings, standing.path),
            settings.opset, Limits(seconds=settings.budget), capture, keep,
        )  # fmt: skip
        partly = InPart(standing, cancelled, ahead) if ahead and capture else None  # what is followed first
        return world, world.run(cancelled, partly)

    world, outcome = _as_captured(settings, follow, lambda found: found[1].run)
    if keep:
        standing.world = world
    return _check_entries(result, outcome, standing, cancelled, faults)


def _check_entries(
    result: FileAnalysis, outcome: FileRun, standing: Standing, cancelled: Callable[[], bool], faults: Faults
) -> tuple[list[Finding], list[Checked]]:
    """The findings of all entries, those of one place together, and entry by entry."""
    from ane_lsp.checks import engine
    from ane_lsp.interp import conversions

    file, settings = str(standing.path), standing.settings
    result.ran = outcome.ran
    options = engine.Options(settings.opset, settings.export_path, settings.coremltools)  # type: ignore[arg-type]
    merged: dict[tuple[str, Span, str], Finding] = {}
    checked: list[Checked] = []
    known, standing.checked = standing.checked, {}
    for entry in outcome.entries:
        one = known.get(id(entry.graph))
        if one is not None and one.holds(entry):
            one.entry = entry
        else:
            check = partial(_check_entry, entry, options, standing, cancelled)
            found = faults.survive(f"checking {entry.graph.name}", check, None)
            if found is None:
                continue
            if cancelled():  # perhaps in the middle of it
                standing.checked.update(known)
                break
            one = Checked(entry, found, outcome.run.stopped)
        standing.checked[id(entry.graph)] = one
        checked.append(one)
        for finding in one.own(file):
            _keep_worst(merged, finding)
    if not checked:
        lost = conversions.reasons(outcome.run.interp, outcome.run.errors, standing.tree, outcome.ran, file)
        result.unfollowed = [Unfollowed(message, span) for message, span in lost[:_REASONS]]
    if outcome.run.stopped == "budget":
        where = Span(file, 1, 0, 1, 0)
        result.errors.append(AnalysisError("budget", outcome.run.limit, where))
    if outcome.run.stopped == "memory":
        where = Span(file, 1, 0, 1, 0)
        result.errors.append(AnalysisError("budget", "the analysis stopped: it needs too much memory", where))
    for refused in outcome.run.refusals:
        refusal = _refused(refused, file)
        if refusal is not None:
            _keep_worst(merged, refusal)
    faults.places.update(outcome.run.internal)
    return list(merged.values()), checked


def _as_captured(settings: Settings, follow: Callable[[Capture], T], run_of: Callable[[T], Run]) -> T:
    """What is converted is what a model does while it is captured: library code asks, and takes another way then.

    A way of tracing may count on sizes being tensors, which they are for a tracer only. Where it ends in an error and the
    other does not, the model is read as it runs by itself.
    """
    captured = follow("trace" if settings.export_path == "trace" else "export")
    run = run_of(captured)
    if not run.lost_in_capture or run.stopped is not None:
        return captured
    return _better(captured, follow(""), run_of)


def _better(captured: T, alone: T, run_of: Callable[[T], Run]) -> T:
    """Of what a file does captured and by itself, what is gone by."""
    return alone if len(run_of(alone).errors) < len(run_of(captured).errors) else captured


def _check_entry(entry: EntryRun, options: Options, standing: Standing, cancelled: Callable[[], bool]) -> list[Finding]:
    from ane_lsp.checks import compiled, engine

    if _stays_outside(entry):
        return []
    file, workspace, chosen = str(standing.path), standing.workspace, _targets(standing.settings)
    found = engine.run(entry.graph, chosen, options, cancelled=cancelled, home=file)
    if options.export_path == "trace":

        def tree_of(path: str) -> ast.Module | None:
            source = workspace.read(Path(path))
            return source.tree if source.mentions(compiled.WORDS) else None

        found += compiled.elsewhere(entry.graph.known, file, tree_of, chosen[0])
    # Who converts a model leaves its loss behind, unless an entry of theirs says otherwise.
    return found if entry.asked else [replace(f, severity="information") if f.data.get("loss") else f for f in found]


def _targets(settings: Settings) -> tuple[Target, ...]:
    from ane_lsp.knowledge import targets

    return tuple(t for name in settings.targets for t in targets.resolve(name)) or targets.default()


def _stays_outside(entry: EntryRun) -> bool:
    """It is no part of what is converted and nobody asked for it: a script calls it to train, or it was found by us."""
    return not entry.asked and (entry.transform or _TRAINING_ONLY.search(entry.graph.name) is not None)


def _summary(checked: Checked, standing: Standing) -> ModelSummary:
    from ane_lsp.checks import dtype_flow, engine
    from ane_lsp.graph.excerpt import excerpt_of
    from ane_lsp.graph.rearranging import rearranged
    from ane_lsp.knowledge import eligibility

    entry, found, settings, workspace = checked.entry, checked.found, standing.settings, standing.workspace
    excerpt, assumed = excerpt_of(entry.graph), entry.assumed
    graph = excerpt.graph
    if _stays_outside(entry):
        kept_out = (
            "transforms of data run ahead of a model"
            if entry.transform
            else "losses, penalties and discriminators stay with training"
        )
        assumed = (*assumed, f"{kept_out}, so no rule is applied; give an entry to apply them")
    live = [op for op in graph.ops if not op.folds]
    kept = dtype_flow.kept_in_fp32(graph) if any(f.code == "ANE250" for f in found) else frozenset()

    merged = rearranged(graph)

    def off_ane(target: Target) -> Counter[str]:
        judge, found = eligibility.on(target, merged), Counter[str]()
        for op in live:
            if judge(op).ane != "yes" or op.id in kept:
                found[op.kind] += excerpt.times(op)
        return found

    # Of several targets, the one that runs least of it.
    chosen = engine.distinct(_targets(settings))
    off, target = max(((off_ane(t), t) for t in chosen), key=lambda counted: counted[0].total())
    count = excerpt.count(live)
    return ModelSummary(
        name=graph.name,
        span=entry.span,
        target=target.label,
        ops=count,
        on_ane=count - off.total(),
        unknown_shapes=excerpt.count([op for op in live if not _makes_known(op)]),
        findings=0,
        assumed=assumed,
        stopped=checked.stopped,
        elsewhere=_elsewhere(found, str(standing.path), workspace, settings),
        off_ane=tuple(off.most_common()),
        lost=tuple(Remark(workspace.relative(span.file), span, reason) for reason, span in graph.lost.items()),
    )


_SIZES = re.compile(
    r"\b(?:sizes?|shapes?|[1-9]?[dD]|dims?|dimensions?|dimensional|channels?|elements|lengths?|axis|index|indices|match|fit|divisible)\b"
)
_TYPES = re.compile(r"\b(?:dtypes?|types?|complex|bool|boolean|floating)\b")


def _refused(refused: Refusal, file: str) -> Finding | None:
    """A call that torch refuses with every size known, at its innermost place in the file."""
    span = next((place for place in refused.places if place.file == file), None)
    if span is None:
        return None
    of_sizes = refused.raises != "TypeError" and _SIZES.search(refused.message) and not _TYPES.search(refused.message)
    message = (
        f"{refused.operation} refuses these inputs (as torch 2.13 does): {refused.message.rstrip('.')}. "
        f"The model does not run, so it cannot be converted. {'Make the sizes fit' if of_sizes else 'Pass what it takes'}."
    )
    inner = refused.places[0]
    related = (Related(inner, "raised by this call"),) if inner != span else ()
    return Finding("ANE001", "torch-refuses", message, span, "error", "measured", refused.operation, related=related)


def of_the_program(item: object) -> bool:
    """Whether something that a graph holds is an object of the analysed program: it leads to all of its world."""
    kind = item.__class__
    return kind is object or kind.__module__ == "ane_lsp.interp.values"


def reads_whole_text(text: str) -> bool:
    """Whether checks look at all of a file's source, not only at what runs."""
    from ane_lsp.checks import compiled, scripts

    return any(word in text for word in (*scripts.WORDS, *compiled.WORDS))


def check_text(tree: ast.Module, path: Path, settings: Settings, graphs: Sequence[Graph]) -> list[Finding]:
    """Findings that the source tells, of conversion scripts and of functions that the models of `graphs` run compiled."""
    from ane_lsp.checks import compiled, scripts
    from ane_lsp.knowledge import targets

    target = targets.resolve_all(settings.targets)[0]
    found = scripts.check(tree, str(path), target)
    if settings.export_path == "trace":
        found += compiled.check(tree, graphs, str(path), target)
    return found


def _configured(settings: Settings, path: Path) -> list[tuple[str, tuple[InputSpec, ...]]]:
    from ane_lsp.syntax.inputs import parse_inputs
    from ane_lsp.workspace.globs import path_matches

    return [
        (entry.call, parse_inputs(",".join(entry.inputs)))
        for entry in settings.entries
        if not entry.file or path_matches(path, entry.file, settings.root)
    ]


def _elsewhere(found: list[Finding], file: str, workspace: Workspace, settings: Settings) -> tuple[Remark, ...]:
    """Errors and warnings of one model that its author meets in a library: where they stand, and what they say first."""
    told = {}
    for finding in found:
        span = finding.span
        chosen = settings.is_selected(finding.code, finding.name, Path(span.file)) and settings.shows(
            finding.confidence
        )
        if span.file != file and finding.severity in ("error", "warning") and chosen:
            what = finding.message.partition(": ")[0].partition(". ")[0].removesuffix(".")
            text = f"{finding.severity}[{finding.code}] {what}"
            told[span.file, span.line, finding.code] = Remark(workspace.relative(span.file), span, text)
    return tuple(told.values())


def _makes_known(op: Op) -> bool:
    """Whether all that is to be known of the shapes of its results is."""
    known: bool | None = op.alike.get(_makes_known)
    if known is None:
        shapes = [value.type.shape for value in op.outputs]
        known = all(shape is not None and all(map(dims.is_known, shape)) for shape in shapes)
        op.alike[_makes_known] = known
    return known


def _keep_worst(merged: dict[tuple[str, Span, str], Finding], finding: Finding) -> None:
    """One finding for each code and place over all entries: the worst severity, the others' places as related."""
    key = (finding.code, finding.span, "")
    known = merged.get(key)
    if known is None:
        merged[key] = finding
        return
    worst, other = known, finding
    if _rank(finding) < _rank(known):
        worst, other = finding, known
    merged[key] = replace(worst, related=tuple(dict.fromkeys((*worst.related, *other.related)))[:8])


def _rank(finding: Finding) -> tuple[int, bool]:
    """The worst first; of equal ones, one that is certain to be reached."""
    return SEVERITIES.index(finding.severity), bool(finding.data.get("optional"))


def call_graphs(
    path: Path, workspace: Workspace, settings: Settings, entry: str | None = None, inputs: tuple[InputSpec, ...] = ()
) -> list[Graph]:
    """A graph for each outermost model call, wherever the model's own source is: those the file makes as a script, or that of
    `entry` on `inputs`."""
    from ane_lsp.interp.entries import run_entry
    from ane_lsp.interp.run import Limits, run_script

    limits = Limits(seconds=settings.budget)

    def follow(capture: Capture) -> Run:
        if entry is None:
            return run_script(workspace, path, settings.opset, limits, capture=capture)
        return run_entry(workspace, path, entry, inputs, settings.opset, limits, capture=capture)

    return _as_captured(settings, follow, lambda run: run).graphs


def trace(
    path: Path,
    workspace: Workspace,
    settings: Settings,
    entry: str | None = None,
    inputs: tuple[InputSpec, ...] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> TraceResult:
    """Every distinct torch operation a file reaches: run as a script, or `entry` built and called on `inputs`.

    A script that calls no model, or all on what nobody knows, is traced from the entries a check would find; the summary lists what they assume.
    """
    from ane_lsp.interp import trace as printing

    run, graphs, assumed = _followed(path, workspace, settings, entry, inputs, cancelled)
    return TraceResult(printing.rows(graphs, workspace.relative), printing.summary(run, graphs, assumed))


def why(
    path: Path,
    line: int,
    workspace: Workspace,
    settings: Settings,
    entry: str | None = None,
    inputs: tuple[InputSpec, ...] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[list[list[str]], list[str]]:
    """Why values at a line are unknown: a chain for each, from the value back to the first unknown; and what was assumed."""
    from ane_lsp.interp import reasons

    run, _, assumed = _followed(path, workspace, settings, entry, inputs, cancelled)
    return reasons.chains(run.interp, str(path), line, workspace.relative), list(assumed)


def _followed(
    path: Path,
    workspace: Workspace,
    settings: Settings,
    entry: str | None,
    inputs: tuple[InputSpec, ...],
    cancelled: Callable[[], bool],
) -> tuple[Run, list[Graph], tuple[str, ...]]:
    """The run of a script or entry and its graphs; of discovered entries, with their assumptions, where a script has none."""
    from ane_lsp.interp.entries import run_entry, run_file
    from ane_lsp.interp.run import Limits, run_script
    from ane_lsp.syntax.comments import parse_directives

    limits = Limits(seconds=settings.budget)
    if entry is not None:
        run = run_entry(workspace, path, entry, inputs, settings.opset, limits, cancelled)
        return run, run.graphs, ()
    run = run_script(workspace, path, settings.opset, limits, cancelled)
    dark = {id(graph) for graph, _ in run.interp.conversions.dark}
    if run.stopped is not None or not dark.issuperset(map(id, run.graphs)):
        return run, run.graphs, ()
    directives = parse_directives(workspace.read(path))
    found = run_file(workspace, path, directives, _configured(settings, path), settings.opset, limits, cancelled)
    if run.graphs and not found.entries:
        return run, run.graphs, ()
    assumed = tuple(f"{e.graph.name}: {text}" for e in found.entries for text in e.assumed)
    return found.run, [e.graph for e in found.entries], assumed
