"""Runs rules over a graph: ``Graph`` and targets in, findings out.

A rule is a function bound to its page by code::

    @rule("ANE302", ops=("max_pool",))
    def pool_window(context: Context, op: Op) -> Iterator[Report]:
        if ...:
            yield Report("max_pool with a 9x9 window runs on the CPU ...", weight=9, data={"kernel": [9, 9]})

``@graph_rule("ANE601")`` sees the whole graph instead. Both run once per distinct target unless they say
``per_target=False``. Ops that fold at conversion time are not shown to op rules (``folded=True`` shows them), nor are ops whose results reach no
output of the model: a converter drops them.

What a rule yields is one problem in one context. The engine merges: one finding for each code and call expression, the worst
case first, with the other contexts as related places. An exception in one rule becomes one ANE901 finding and costs no other
rule its results.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from itertools import chain
from typing import Any, Literal, TypeVar

from ane_lsp.checks.finding import Finding, Related
from ane_lsp.graph import Call, Graph, Op, Span
from ane_lsp.graph.excerpt import Excerpt, excerpt_of
from ane_lsp.graph.liveness import idle_calls, idle_ops, training_ops
from ane_lsp.graph.rearranging import rearranged
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import eligibility
from ane_lsp.knowledge import rules as pages
from ane_lsp.knowledge import targets as chips
from ane_lsp.knowledge.eligibility import Verdict
from ane_lsp.knowledge.evidence import SEVERITIES, Confidence, Evidence, Severity, confidence_rank
from ane_lsp.knowledge.targets import Target

ExportPath = Literal["trace", "export", "export-core"]
INTERNAL = "ANE901"
# Contexts listed in a merged finding; the rest is counted in the last one.
MAX_RELATED = 6
P = TypeVar("P", Op, Call)


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say that changes a verdict.

    opset: the minimum deployment target (``iOS15`` ... ``iOS26``; ``macOS15`` and iOS 18 are one opset). export_path: how
    the model is converted. coremltools: the version used, ``9.0`` or ``main``. precision: of the converted program.
    """

    opset: str = "iOS18"
    export_path: ExportPath = "trace"
    coremltools: str = "9.0"
    precision: Literal["fp16", "fp32"] = "fp16"


@dataclass(frozen=True, slots=True)
class Report:
    """One problem in one context, as a rule sees it.

    message: what, consequence and scope, what to do. at: where, None for the op the rule was asked about.
    severity, confidence, evidence: None takes them from the rule's page (confidence by the best evidence for the target).
    weight: how bad, compared with other reports of the same rule; the heaviest names the merged finding.
    key: tells apart two problems of one rule in one call. everywhere: does not depend on the target.
    moots: nothing can be said of where the call would run or how fast, because no path converts it.
    """

    message: str
    at: Op | Call | Span | None = None
    severity: Severity | None = None
    confidence: Confidence | None = None
    evidence: tuple[Evidence, ...] | None = None
    weight: float = 0.0
    related: tuple[Related, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    everywhere: bool = False
    moots: bool = False


def in_order(lists: Sequence[list[P]]) -> list[P]:
    """What is in lists that each are in the order of execution, once and in that order."""
    if len(lists) == 1:
        return lists[0]
    return sorted({one.id: one for one in chain(*lists)}.values(), key=lambda one: one.id)


@dataclass(frozen=True)
class Context:
    """What a rule may ask. `target` stands for every selected chip with the same engine and OS family.

    home: the file the author looks at, "" where there is none.
    """

    excerpt: Excerpt
    target: Target
    targets: tuple[Target, ...]
    options: Options
    home: str = ""

    @cached_property
    def graph(self) -> Graph:
        """What rules are asked about: as much of the model's graph as tells everything."""
        return self.excerpt.graph

    def count(self, ops: Sequence[Op], at: Op | Call) -> int:
        """How many ops of the model these are, of which a finding tells `at` a place: `graph` may have some that stand for others. At a
        place that stands for others itself they are those of one layer."""
        call = at.call if isinstance(at, Op) else at
        return len(ops) if self.excerpt.is_stand_in(call) else self.excerpt.count(ops)

    def near(self, places: Iterable[P]) -> list[P]:
        """Ops or calls in the order of execution, those in the author's file first.

        A rule that reports many places once lets its finding stand at the first of these.
        """
        return sorted(places, key=lambda place: place.span.file != self.home)

    def verdict(self, op: Op) -> Verdict:
        """Whether the op may run on the target's ANE."""
        return self._judge(op)

    @cached_property
    def _judge(self) -> Callable[[Op], Verdict]:
        return eligibility.on(self.target, self.rearranged)

    @cached_property
    def rearranged(self) -> frozenset[int]:
        """Ids of ops of more than five axes that a converter makes steps of fewer of."""
        return rearranged(self.graph)

    @cached_property
    def idle(self) -> frozenset[int]:
        """Ids of ops whose results reach no output, or only a loss; a converted model lacks them, op rules do not see them."""
        return self.dropped | training_ops(self.graph)

    @cached_property
    def dropped(self) -> frozenset[int]:
        """Ids of ops whose results reach no output of the entry as it is written, so that a converter drops them."""
        return idle_ops(self.graph)

    @cached_property
    def asked(self) -> Mapping[str, list[Op]]:
        """The ops that op rules see, in the order of execution, by kind; all of them under ``"*"``."""
        found: dict[str, list[Op]] = {"*": [op for op in self.graph.ops if op.id not in self.idle]}
        for op in found["*"]:
            found.setdefault(op.kind, []).append(op)
            if op.kind.startswith("aten."):
                found.setdefault("aten.*", []).append(op)
        return found

    @cached_property
    def judged(self) -> Mapping[str, list[Op]]:
        """The ops that op rules see and that run, in the order of execution, by the code of their verdict."""
        found: defaultdict[str, list[Op]] = defaultdict(list)
        judge = self._judge
        for op in self.asked["*"]:
            if not op.folds:
                found[judge(op).code].append(op)
        return found

    @cached_property
    def _called(self) -> Mapping[str, list[Call]]:
        """Calls by the name of what is called."""
        found: dict[str, list[Call]] = {}
        for call in self.graph.calls:
            found.setdefault(call.torch, []).append(call)
        return found

    def called(self, wanted: Callable[[str], bool]) -> list[Call]:
        """Calls of what is `wanted` by its name, in the order of execution. It is asked once for each name."""
        return in_order([calls for torch, calls in self._called.items() if wanted(torch)])

    def ops_of(self, wanted: Callable[[str], bool]) -> list[Op]:
        """The ops that op rules see of such calls, in the order of execution."""
        calls = {call.id for call in self.called(wanted)}
        return [op for op in self.asked["*"] if op.call.id in calls] if calls else []

    @cached_property
    def dtypes(self) -> frozenset[str | None]:
        """Those of all tensors that ops read and make."""
        return frozenset().union(*[dtypes for dtypes, _ in self._tensors])

    @cached_property
    def most_axes(self) -> int:
        """Of all tensors that ops read and make, as far as is known."""
        return max((axes for _, axes in self._tensors), default=0)

    @cached_property
    def _tensors(self) -> list[tuple[frozenset[str | None], int]]:
        found = [op.alike.get(_tensors_of) or _tensors_of(op) for op in self.graph.ops]
        return list(dict(zip(map(id, found), found)).values())

    @cached_property
    def idle_calls(self) -> frozenset[int]:
        """Ids of calls all of whose ops are idle."""
        return idle_calls(self.graph, self.idle)

    @cached_property
    def dropped_calls(self) -> frozenset[int]:
        """Ids of calls all of whose ops are dropped."""
        return self.idle_calls if self.dropped == self.idle else idle_calls(self.graph, self.dropped)

    @cached_property
    def last(self) -> int:
        """The id of the last call with an op that is not idle, -1 for none. A converter of traces stops there."""
        return max((op.call.id for op in self.asked["*"]), default=-1)

    @cached_property
    def memo(self) -> dict[str, Any]:
        """Results that several rules of one family share, by a key of their own; empty at the start of each run."""
        return {}


def _tensors_of(op: Op) -> tuple[frozenset[str | None], int]:
    """The dtypes of all tensors that an op reads and makes, and the most axes that one has."""
    types = [value.type for value in (*op.input_values(), *op.outputs)]
    found = frozenset(one.dtype for one in types), max([one.rank or 0 for one in types], default=0)
    op.alike[_tensors_of] = found
    return found


OpCheck = Callable[[Context, Op], Iterable[Report]]
GraphCheck = Callable[[Context], Iterable[Report]]
C = TypeVar("C", OpCheck, GraphCheck)


@dataclass(frozen=True, slots=True)
class _Bound:
    code: str
    check: Callable[..., Iterable[Report]]
    ops: tuple[str, ...]  # empty for a graph rule
    per_target: bool
    folded: bool
    judged: bool = False
    calls: tuple[str, ...] = ()


_BOUND: list[_Bound] = []


def rule(
    code: str,
    *,
    ops: tuple[str, ...],
    per_target: bool = True,
    folded: bool = False,
    judged: bool = False,
    calls: tuple[str, ...] = (),
) -> Callable[[OpCheck], OpCheck]:
    """Bind an op rule to its page. ops: MIL kinds, ``aten.NAME``, ``aten.*`` for every op without a lowering, or ``*``.

    judged: it sees only ops whose verdict on the target stands under its code. calls: only those of calls that have one of these as the
    last part of their name.
    """

    def bind(check: OpCheck) -> OpCheck:
        _BOUND.append(_Bound(code, check, ops, per_target, folded, judged, calls))
        return check

    return bind


def graph_rule(code: str, *, per_target: bool = True) -> Callable[[GraphCheck], GraphCheck]:
    """Bind a rule that looks at the whole graph."""

    def bind(check: GraphCheck) -> GraphCheck:
        _BOUND.append(_Bound(code, check, (), per_target, True))
        return check

    return bind


def bound_codes() -> frozenset[str]:
    """Codes that some check is bound to, of graphs or of source text."""
    from ane_lsp.checks import compiled, scripts

    _load()
    return frozenset(b.code for b in _BOUND) | {*scripts.CODES, compiled.CODE}


def op_codes() -> frozenset[str]:
    """Codes of rules that look at one operation at a time."""
    _load()
    return frozenset(b.code for b in _BOUND if b.ops)


_loaded = False


def _load() -> None:
    """Import every module of this package once, so that a rule module only has to exist."""
    global _loaded
    if not _loaded:
        _loaded = True
        from ane_lsp import checks

        for module in sorted(m.name for m in pkgutil.iter_modules(checks.__path__)):
            importlib.import_module(f"{checks.__name__}.{module}")


def run(
    graph: Graph,
    targets: Iterable[Target] = (),
    options: Options | None = None,
    codes: Callable[[str], bool] = lambda code: True,
    cancelled: Callable[[], bool] = lambda: False,
    home: str = "",
) -> list[Finding]:
    """Findings of every rule on a graph, by position, one per call expression and code. Never raises on a rule's account.

    targets: none means the default set. codes: which rules to run. cancelled: asked often; True ends with what was found.
    home: the file under analysis. A finding about several places stands at one of its own, if it has one; a finding inside
    a plain function of another file, called from this one, stands at that call (``torchvision.ops.nms(...)``).
    """
    _load()
    selected = tuple(targets) or chips.default()
    options = options or Options()
    groups = _groups(selected)
    failures: dict[str, Finding] = {}
    try:
        excerpt = excerpt_of(graph)
    except Exception as error:
        excerpt = graph.excerpt = Excerpt(graph)
        failures[""] = _failure(
            "layers", graph, error, "Which layers repeat was not found out", "Rules were asked about all"
        )
    contexts = [Context(excerpt, group[0], selected, options, home) for group in groups]
    reports: list[_Placed] = []
    for bound in _BOUND:
        if not codes(bound.code):
            continue
        if cancelled():
            break
        try:
            for context, group in zip(contexts, groups, strict=True):
                for report, op in _apply(bound, context):
                    reports.append(_place(bound, report, op, context, group))
                if not bound.per_target:
                    break
        except Exception as error:
            what = f"The check {bound.code} failed on this model"
            failures.setdefault(bound.code, _failure(bound.code, graph, error, what, _MISSING))
    merged = _merge(_without_moot(reports), selected, excerpt)
    merged += failures.values()
    return sorted(merged, key=_order)


def _apply(bound: _Bound, context: Context) -> Iterator[tuple[Report, Op | None]]:
    if not bound.ops:
        for report in bound.check(context):
            yield report, report.at if isinstance(report.at, Op) else None
        return
    for op in _seen_by(bound, context):
        if op.folds and not bound.folded:
            continue
        for report in bound.check(context, op):
            yield report, report.at if isinstance(report.at, Op) else op


def _seen_by(bound: _Bound, context: Context) -> list[Op]:
    """The ops that an op rule may see, in the order of execution."""
    if bound.judged:
        ops = context.judged.get(bound.code, [])
    elif bound.calls:
        ops = context.ops_of(lambda torch: torch.rsplit(".", 1)[-1] in bound.calls)
    else:
        kinds = ("*",) if "*" in bound.ops else bound.ops
        return in_order([context.asked[kind] for kind in kinds if kind in context.asked])
    return ops if "*" in bound.ops else [op for op in ops if op.kind in bound.ops]


def distinct(selected: tuple[Target, ...]) -> tuple[Target, ...]:
    """One target for each set of targets that no fact tells apart."""
    return tuple(group[0] for group in _groups(selected))


def _groups(selected: tuple[Target, ...]) -> list[tuple[Target, ...]]:
    """Targets that no fact tells apart, together; a chip that was measured leads its group."""
    found: dict[tuple[object, ...], list[Target]] = {}
    for target in selected:
        key = (target.generation, target.family) if target.generation else (target.chip,)
        found.setdefault(key, []).append(target)
    return [tuple(sorted(group, key=lambda t: len(t.chip))) for group in found.values()]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A report with everything its finding needs."""

    bound: _Bound
    report: Report
    op: Op | None
    call: Call | None
    span: Span
    severity: Severity
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    group: tuple[Target, ...]
    everywhere: bool

    @property
    def optional(self) -> bool:
        """Whether a run of the model may pass by."""
        return self.call is not None and self.call.optional

    @property
    def badness(self) -> tuple[float, ...]:
        rank = SEVERITIES.index(self.severity)
        return (-rank, not self.optional, -confidence_rank(self.confidence), self.report.weight)


def _place(bound: _Bound, report: Report, op: Op | None, context: Context, group: tuple[Target, ...]) -> _Placed:
    at = report.at if report.at is not None else op
    if at is None:
        raise ValueError(f"a report of the graph rule {bound.code} must say where (`at`)")
    call = at.call if isinstance(at, Op) else at if isinstance(at, Call) else None
    span = at if isinstance(at, Span) else at.span
    if call is not None and _is_wrapped(call, context.home):
        related = Related(span, f"inside {call.fn}")
        report = replace(report, related=(related, *report.related), data={**report.data, "inside": call.fn})
        span = call.stack[-1]
    page = pages.get(bound.code)
    evidence = report.evidence if report.evidence is not None else tuple(e.evidence for e in page.evidence)
    confidence = report.confidence or page_confidence(page, group[0])
    return _Placed(
        bound, report, op, call, span, report.severity or page.severity, confidence, evidence, group,
        not bound.per_target or report.everywhere,
    )  # fmt: skip


def _is_wrapped(call: Call, home: str) -> bool:
    """Whether a plain function of another file makes the call, and the author's file calls that function."""
    if not home or call.span.file == home or "." in call.fn or not call.stack:
        return False
    return call.stack[-1].file == home


def page_confidence(page: pages.Rule, target: Target) -> Confidence:
    """The best word a rule's evidence allows for a target."""
    return min((evidence_confidence(e, target) for e in page.evidence), key=confidence_rank)


def evidence_confidence(observed: pages.RuleEvidence, target: Target) -> Confidence:
    """What an observation of a rule page is worth on a target."""
    return eligibility.confidence_on(observed.basis, observed.evidence.chip, target)


# Families that say where a converted program runs and how fast.
_OF_PROGRAMS = ("ANE2", "ANE3", "ANE4")


def _without_moot(reports: list[_Placed]) -> list[_Placed]:
    refused = {p.call.id for p in reports if p.report.moots and p.call is not None}
    return [
        p for p in reports if p.call is None or p.call.id not in refused or not p.bound.code.startswith(_OF_PROGRAMS)
    ]


def _merge(reports: list[_Placed], selected: tuple[Target, ...], excerpt: Excerpt) -> list[Finding]:
    by_place: dict[tuple[str, Span, str], list[_Placed]] = {}
    for placed in reports:
        by_place.setdefault((placed.bound.code, placed.span, placed.report.key), []).append(placed)
    return [_finding(group, selected, excerpt) for group in by_place.values()]


# What a finding adds where nothing decides the branch it stands in; an error is then a warning.
IF_TAKEN = "Holds only if the branch that leads here is taken."


def _finding(found: list[_Placed], selected: tuple[Target, ...], excerpt: Excerpt) -> Finding:
    worst = max(found, key=lambda p: p.badness)  # the first among equals: the order of execution
    hit = {t.chip for p in found for t in p.group}
    everywhere = any(p.everywhere for p in found) or hit.issuperset(t.chip for t in selected)
    related = list(worst.report.related)
    if worst.call is not None and worst.call.ctor is not None and worst.call.ctor != worst.span:
        related.append(Related(worst.call.ctor, "constructed here"))
    related += _contexts(found, worst, excerpt)
    data = dict(worst.report.data)
    if not everywhere:
        data["targets"] = [t.label for t in selected if t.chip in hit]
    message, severity = worst.report.message, worst.severity
    if worst.optional:
        message = f"{message} {IF_TAKEN}"
        data["optional"] = True
        severity = "warning" if severity == "error" else severity
    return Finding(
        code=worst.bound.code,
        name=pages.rule_name(worst.bound.code),
        message=message,
        span=worst.span,
        severity=severity,
        confidence=worst.confidence,
        op=worst.op.kind if worst.op is not None else "",
        target="" if everywhere else worst.group[0].label,
        evidence=worst.evidence,
        related=tuple(dict.fromkeys(related)),
        data=data,
        model=excerpt.graph.name,
    )


def _contexts(found: list[_Placed], worst: _Placed, excerpt: Excerpt) -> list[Related]:
    """The other calls of the same expression that have the problem, as places in the source."""
    if worst.call is None:
        return []
    calls = excerpt.all_of(list({p.call.id: p.call for p in found if p.call is not None}.values()))
    seen = {call.id: call for call in calls if call.id != worst.call.id}
    listed = [
        Related(call.ctor or (call.stack[-1] if call.stack else call.span), _where(call)) for call in seen.values()
    ]
    rest = len(listed) - MAX_RELATED
    listed = listed[:MAX_RELATED]
    if rest > 0:
        last = listed[-1]
        listed[-1] = replace(last, message=f"{last.message}, and {rest} more")
    return listed


def _where(call: Call) -> str:
    return f"also here, as {call.module}" if call.module else "also here"


_MISSING = "Its findings are missing here; all other checks ran"


def _failure(rule: str, graph: Graph, error: Exception, what: str, consequence: str) -> Finding:
    import traceback

    span = graph.calls[0].span if graph.calls else graph.ops[0].span if graph.ops else Span("", 1, 0, 1, 0)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        code=INTERNAL,
        name="rule-failed",
        message=f"{what} ({type(error).__name__}: {error}). {consequence}. Please report it with this model.",
        span=span,
        severity="information",
        confidence="measured",
        data={"rule": rule, "where": f"{last.name}:{last.lineno}"},
        model=graph.name,
    )


def _order(finding: Finding) -> tuple[object, ...]:
    span = finding.span
    return span.file, span.line, span.col, SEVERITIES.index(finding.severity), finding.code
