"""What the server keeps of an analysis: plain data, small enough to cross a process border at every key press.

A graph of a large model holds thousands of linked objects. Editors ask for three things of it: what happens at a call,
what shape a name has, and the numbers of a model; so that is what is kept, already merged by place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, NamedTuple

from ane_lsp.analysis import AnalysisError, FileAnalysis, ModelSummary
from ane_lsp.checks.finding import Finding, Fix
from ane_lsp.graph import Call, Graph, Span, TensorType, Value
from ane_lsp.graph.records import dataclass

MAX_CONTEXTS = 6  # distinct shape signatures kept for one expression
MAX_HINT_TYPES = 4

FixName = tuple[str, tuple[int, int, int, int], str]
"""How server, analyst and clients name a fix: the finding's code and place, and the fix's title."""


def fix_name(finding: Finding, fix: Fix) -> FixName:
    span = finding.span
    return finding.code, (span.line, span.col, span.end_line, span.end_col), fix.title


class Signature(NamedTuple):
    """One way a call was reached: tensors in and out, as text, and the settings of its module."""

    model: str
    module: str
    ins: tuple[str, ...]
    out: str
    hyper: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CallSite:
    """A torch call or a torch module's construction in the file.

    ops: the MIL ops it becomes. built: True where `span` is the construction and the signatures those of its calls.
    more: distinct signatures left out.
    """

    span: Span
    torch: str
    ops: tuple[str, ...]
    signatures: tuple[Signature, ...]
    built: bool = False
    more: int = 0


@dataclass(frozen=True, slots=True)
class ShapeHint:
    """A tensor's type after it got a name. types: the distinct ones of all runs. input: a run-time input of `model`."""

    span: Span
    name: str
    types: tuple[str, ...]
    models: tuple[str, ...] = ()
    more: int = 0


@dataclass(slots=True)
class DocumentResult:
    """Everything the server says about one file.

    depends: other files whose text took part, where known; None where not. seconds: what the analysis took.
    inlay_hints, targets: the settings of those names that held. diagnosed: the findings, perhaps without fixes, and errors are all
    there are; False of what is told of some models before the others are known.
    """

    path: str
    findings: tuple[Finding, ...] = ()
    errors: tuple[AnalysisError, ...] = ()
    models: tuple[ModelSummary, ...] = ()
    calls: tuple[CallSite, ...] = ()
    shapes: tuple[ShapeHint, ...] = ()
    depends: frozenset[str] | None = None
    seconds: float = 0.0
    inlay_hints: str = "assignments"
    targets: tuple[str, ...] = ()
    diagnosed: bool = True

    @property
    def parsed(self) -> bool:
        """The text had a tree, so that the absence of findings means something."""
        return not any(error.kind in ("syntax", "encoding", "read") for error in self.errors)


@dataclass(frozen=True, slots=True)
class Predicted:
    """Where a model would run, in words. index: of its entry in the result's `models`. line: None where nothing is
    predicted; then `details` say why."""

    index: int
    target: str
    line: str | None
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """Something wrong in a settings file, at the key it is about."""

    span: Span
    message: str


@dataclass(slots=True)
class Completion:
    """Words the server can offer: settings keys with their descriptions, their values, devices, rules."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[tuple[str, str], ...] = ()  # name, one line about it
    rules: tuple[tuple[str, str], ...] = ()  # code, its name


_Site = tuple[Span, str, bool]
"""Where a call stands, or what it calls is built; what it calls; whether that is where it is built."""


@dataclass(frozen=True, slots=True)
class GraphDigest:
    """What one graph adds to a result, in order: of each call site the kinds of its ops and its signatures, of each named tensor its
    types."""

    graph: Graph
    calls: Mapping[_Site, tuple[dict[str, None], dict[Signature, None]]]
    shapes: Mapping[tuple[Span, str], dict[str, None]]


Digests = dict[int, GraphDigest]
"""By the identity of graphs."""


def digest(path: str, analysis: FileAnalysis, seconds: float = 0.0, known: Digests | None = None) -> DocumentResult:
    """The plain data of `analysis`, restricted to places in `path`. known: of graphs that were seen before; those of
    `analysis` afterwards."""
    known = {} if known is None else known
    calls: dict[_Site, tuple[dict[str, None], dict[Signature, None]]] = {}
    hints: dict[tuple[Span, str], tuple[dict[str, None], dict[str, None]]] = {}
    texts = _Texts()
    digests = [known.get(id(graph)) or _graph_digest(path, graph, texts) for graph in analysis.graphs]
    known.clear()
    known.update((id(one.graph), one) for one in digests)
    for one in digests:
        for site, (ops, signatures) in one.calls.items():
            kinds, seen = calls.setdefault(site, ({}, {}))
            kinds.update(ops)
            seen.update(signatures)
        for named, shown in one.shapes.items():
            types, models = hints.setdefault(named, ({}, {}))
            types.update(shown)
            models[one.graph.name] = None
    return DocumentResult(
        path,
        tuple(analysis.findings),
        tuple(analysis.errors),
        tuple(analysis.models),
        tuple(
            CallSite(span, torch, tuple(kinds), tuple(seen)[:MAX_CONTEXTS], built, max(0, len(seen) - MAX_CONTEXTS))
            for (span, torch, built), (kinds, seen) in calls.items()
        ),
        tuple(
            ShapeHint(span, name, tuple(types)[:MAX_HINT_TYPES], tuple(models), max(0, len(types) - MAX_HINT_TYPES))
            for (span, name), (types, models) in hints.items()
        ),
        seconds=seconds,
    )


def _graph_digest(path: str, graph: Graph, texts: _Texts) -> GraphDigest:
    ops = _ops_by_call(graph)
    calls: dict[_Site, tuple[dict[str, None], dict[Signature, None]]] = {}
    for call in graph.calls:
        here = [(call.span, call.torch, False)] if call.span.file == path else []
        if call.ctor is not None and call.ctor.file == path:
            here.append((call.ctor, call.torch, True))
        if here:
            signature = _signature(graph, call, texts)
            for site in here:
                kinds, seen = calls.setdefault(site, ({}, {}))
                kinds.update(dict.fromkeys(ops.get(call.id, ())))
                seen[signature] = None
    shapes: dict[tuple[Span, str], dict[str, None]] = {}
    for fact in graph.shapes:
        if fact.span.file == path:
            shapes.setdefault((fact.span, fact.name), {})[texts.type(fact.type)] = None
    return GraphDigest(graph, calls, shapes)


def _ops_by_call(graph: Graph) -> dict[int, list[str]]:
    kinds: dict[int, list[str]] = {}
    for op in graph.ops:
        if not op.folds:
            kinds.setdefault(op.call.id, []).append(op.kind)
    return kinds


def _signature(graph: Graph, call: Call, texts: _Texts) -> Signature:
    given, result = texts.types(call.args), call.result
    if call.kwargs:
        given += texts.types(call.kwargs.values())
    shown = texts.type(result.type) if result.__class__ is Value else ", ".join(texts.types((result,))) or "-"
    return Signature(graph.name, call.module, tuple(given), shown, texts.settings(call.hyper))


class _Texts:
    """What types and the settings of modules are shown as, found out once for each object. It is of use while those live."""

    def __init__(self) -> None:
        self._types: dict[int, str] = {}
        self._settings: dict[int, tuple[tuple[str, str], ...]] = {}

    def type(self, kind: TensorType) -> str:
        found = self._types.get(id(kind))
        if found is None:
            found = self._types[id(kind)] = str(kind)
        return found

    def types(self, held: Iterable[Any]) -> list[str]:
        """Those of the tensors among some values and in them, in order."""
        found: list[str] = []
        for item in held:
            kind = item.__class__
            if kind is Value:
                found.append(self.type(item.type))
            elif isinstance(item, (dict, list, tuple)):
                found += [self.type(value.type) for value in _values(item)]
        return found

    def settings(self, hyper: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        found = self._settings.get(id(hyper))
        if found is None:
            found = self._settings[id(hyper)] = tuple(
                (name, _text(value))
                for name, value in hyper.items()
                if name not in ("weight", "bias") and value is not None and not _values(value)
            )
        return found


def _values(structure: Any) -> list[Value]:
    found: list[Value] = []
    pending = [structure]
    while pending:
        item = pending.pop()
        if isinstance(item, Value):
            found.append(item)
        elif isinstance(item, dict):
            pending.extend(reversed(item.values()))
        elif isinstance(item, (list, tuple)):
            pending.extend(reversed(item))
    return found


def _text(value: Any) -> str:
    text = repr(value) if not isinstance(value, (str, int, float, bool)) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def group_by_file(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Findings by the file they stand in."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.span.file, []).append(finding)
    return grouped
