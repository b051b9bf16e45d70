"""A verify run from end to end: analyse the source, run the worker, read the program, check it, compare."""

from __future__ import annotations

import ast
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from ane_lsp import analysis
from ane_lsp.checks import engine
from ane_lsp.checks.finding import Finding
from ane_lsp.graph import TORCH_DTYPE, Graph, Span
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import rules, targets
from ane_lsp.knowledge.targets import Target
from ane_lsp.placement import Placement, place
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.syntax.inputs import InputSpec, parse_inputs
from ane_lsp.syntax.source import SourceFile
from ane_lsp.verify import parent
from ane_lsp.verify.agreement import Agreement, agree
from ane_lsp.verify.compare import Comparison, Failure, compare, overlap
from ane_lsp.verify.job import BACKENDS, Input, Job, Limits
from ane_lsp.verify.parent import Event, Outcome
from ane_lsp.verify.program import NOWHERE, Places, to_graph
from ane_lsp.workspace import Settings, Workspace

CONVERSION_FAILED, OUT_OF_RANGE, DEPARTS = "ANE905", "ANE906", "ANE907"
# Families that say what does not convert: operations, and control flow or sizes that only the run knows.
_FORETELL = ("ANE1", "ANE6")


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked for. entry: ``Net``, ``Net(width=32)``, or None for the call the file makes. inputs: theirs."""

    path: Path
    entry: str | None = None
    inputs: tuple[InputSpec, ...] = ()
    backends: tuple[str, ...] = BACKENDS
    convert_path: str = "auto"
    limits: Limits = field(default_factory=Limits)
    python: str | None = None


@dataclass(slots=True)
class Verification:
    """Everything a run found. findings: of the run itself (ANE905 to ANE907). comparisons: static against converted.
    placed, predicted: the program and the source on the first target; elsewhere: the program, else the source, on the others.
    agreement: the operations of the source against those of the program."""

    outcome: Outcome
    job: Job
    target: Target
    static: Graph | None = None
    program: Graph | None = None
    comparisons: list[Comparison] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    predicted: Placement | None = None
    placed: Placement | None = None
    elsewhere: list[Placement] = field(default_factory=list)
    agreement: Agreement | None = None

    @property
    def ok(self) -> bool:
        """Converted, and nothing of the run's own at warning or above."""
        return self.outcome.ended == "done" and not any(f.severity in ("error", "warning") for f in self.findings)


def interpreter(settings: Settings, workspace: Workspace, given: str | None = None) -> str:
    """The user's Python: the one given, that of the settings, or that of the environment whose libraries are read."""
    for name in (given, settings.python):
        if name:
            path = Path(name).expanduser()
            if path.is_dir():
                path = _python_of(path)
            # The worker starts in another folder; what is no file here is a command to be found there.
            return str(path.absolute() if path.exists() else path)
    found = _python_of(workspace.environment.prefix)
    return str(found) if found.exists() else sys.executable


def _python_of(prefix: Path) -> Path:
    return prefix / "Scripts" / "python.exe" if os.name == "nt" else prefix / "bin" / "python"


def prepare(request: Request, workspace: Workspace, settings: Settings) -> tuple[Job, list[Graph]]:
    """What will be run, and the graphs of the static analysis it will be compared with."""
    result, graphs = _analysed(request, workspace, settings)
    source = workspace.read(request.path)
    name = _class_of(request.entry)
    inputs, said_by = _inputs(request, settings, source, result, name)
    fallback = _derived(graphs[-1]) if graphs else ()
    # Without an entry the script's own model call is followed; the analysis says which class that should be.
    call = None if request.entry else (graphs[0].name if graphs else None)
    paths = [str(workspace.root), *(str(p) for p in settings.search_paths)]
    job = Job(
        str(request.path), request.entry, call, inputs, said_by, fallback, settings.opset, tuple(paths),
        request.convert_path, request.backends, request.limits,
    )  # fmt: skip
    return job, graphs


def _analysed(request: Request, workspace: Workspace, settings: Settings) -> tuple[analysis.FileAnalysis, list[Graph]]:
    """The file, and the graphs of what was asked for."""
    result = analysis.analyze(request.path, workspace, settings)
    name = _class_of(request.entry)
    graphs = [g for g in result.graphs if name is None or g.name == name] or result.graphs
    # A script that calls a library's model has no model of its own.
    return result, graphs or analysis.call_graphs(request.path, workspace, settings)


def _class_of(entry: str | None) -> str | None:
    return entry.split("(")[0].strip() if entry else None


def _inputs(
    request: Request, settings: Settings, source: SourceFile, result: analysis.FileAnalysis, name: str | None
) -> tuple[tuple[Input, ...], str]:
    """Inputs that somebody wrote down, and where."""
    if request.inputs:
        return _concrete(request.inputs), "the command line"
    for entry in settings.entries:
        if name is not None and entry.call.split("(")[0].strip() == name and entry.inputs:
            return _concrete(parse_inputs(",".join(entry.inputs))), "the settings"
    directives = parse_directives(source)
    nodes = ast.walk(source.tree) if directives.inputs and source.tree is not None else ()
    defined = {node.lineno: node.name for node in nodes if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    for model in result.models:
        if name is None or model.name == name:
            hinted = directives.inputs.get(defined.get(model.span.line, ""))
            if hinted:
                return _concrete(hinted), "an # ane: input comment"
    return (), ""


def _concrete(specs: Sequence[InputSpec]) -> tuple[Input, ...]:
    """Specs with whole sizes; none where one is a symbol: a program is run on real tensors."""
    if any(not isinstance(size, int) for spec in specs for size in spec.shape):
        return ()
    return tuple(Input(tuple(int(s) for s in spec.shape), spec.dtype, spec.name) for spec in specs)


def _derived(graph: Graph) -> tuple[Input, ...]:
    """The inputs that the static analysis ran the model with, none where it does not know them all."""
    found = []
    for value in graph.inputs:
        if not value.type.is_static or value.type.dtype is None or value.type.shape is None:
            return ()
        found.append(Input(tuple(int(str(s)) for s in value.type.shape), value.type.dtype))
    return tuple(found)


def verify(
    request: Request,
    workspace: Workspace,
    settings: Settings,
    on_event: Callable[[Event], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    on_job: Callable[[Job, str], None] = lambda job, python: None,
) -> Verification:
    """Run everything. `on_job` is told what will be run, and with which interpreter, before it is. Never raises on the
    model's account."""
    on_event({"kind": "progress", "percent": 0, "text": "analysing the source"})
    job, graphs = prepare(request, workspace, settings)
    python = interpreter(settings, workspace, request.python)
    on_job(job, python)
    outcome = parent.run(job, python, on_event, cancelled)
    return assess(request, outcome, job, graphs, workspace, settings)


def assess(
    request: Request,
    outcome: Outcome,
    job: Job,
    graphs: Sequence[Graph],
    workspace: Workspace,
    settings: Settings,
) -> Verification:
    """What a finished run says about the source. graphs: of the static analysis, from :func:`prepare`."""
    chosen = targets.resolve_all(settings.targets)
    found = Verification(outcome, job, chosen[0])
    model = outcome.results.get("model", {})
    program = outcome.results.get("program")
    attempts = (program or outcome.results.get("failed", {})).get("attempts", [])
    # What converts depends on the path, so the source is held against each path that was tried.
    static = _Static(request, workspace, settings, model, graphs, _coremltools(outcome, settings))
    taken = (program or (attempts[-1] if attempts else {})).get("path", "")
    found.static = static.graph(taken)
    seen = static.findings(taken)
    for attempt in attempts:
        static.graph(attempt["path"])
    places = Places(static.graphs, lambda file, line: _line(workspace, file, line))
    converted: list[Finding] = []
    if program is not None:
        found.program = to_graph(program, model.get("name", ""), places)
        every = engine.run(found.program, chosen, static.options(taken))
        converted = [f for f in every if f.span != NOWHERE and _shown(f, settings)]
        found.placed = place(found.program, chosen[0])
    if found.static is not None:
        found.predicted = place(found.static, chosen[0])
    if found.static is not None and found.program is not None:
        found.agreement = agree(found.static, found.program, chosen[0])
    shown = found.program or found.static
    found.elsewhere = [place(shown, target) for target in chosen[1:]] if shown is not None else []
    failures = [_failure(attempt, static, places, job) for attempt in attempts]
    mil = outcome.results.get("mil")
    departs = not mil["fp32"]["passes"] if mil and "fp32" in mil else None
    if program is not None or attempts:
        found.comparisons = compare(seen, converted, found.program, failures, (program or {}).get("path", ""), departs)
    if program is None:
        found.findings += _conversion(failures)
    found.findings += _numbers(outcome.results.get("numbers"), places, job)
    found.findings += _emulated(mil, places, job, [f for f in seen if f.data.get("converts")])
    found.findings += _core_ai(outcome.results.get("coreai"), places, job)
    return found


def _shown(finding: Finding, settings: Settings) -> bool:
    return settings.is_selected(finding.code, finding.name, Path(finding.span.file)) and settings.shows(
        finding.confidence
    )


def _line(workspace: Workspace, file: str, line: int) -> str:
    try:
        return workspace.read(Path(file)).lines.line(line)
    except (OSError, IndexError, ValueError):
        return ""


def _counterpart(graphs: Sequence[Graph], model: Mapping[str, Any]) -> Graph | None:
    """The static graph of the model that was run: of the same name, and the same inputs where several are."""
    named = [g for g in graphs if g.name == model.get("name")] or list(graphs)
    exact = [g for g in named if _matches(g, model)]
    return next(iter(exact or named), None)


def _matches(graph: Graph, model: Mapping[str, Any]) -> bool:
    return [v.type.shape for v in graph.inputs] == [tuple(i["shape"]) for i in model.get("inputs", ())]


def _as_specs(model: Mapping[str, Any]) -> tuple[InputSpec, ...]:
    """The inputs of the run, named as the model's parameters."""
    short = {name: key for key, name in TORCH_DTYPE.items()}
    return tuple(
        InputSpec(
            tuple(i["shape"]), short.get(i["dtype"], "f32"), None if i["name"].startswith("input_") else i["name"]
        )
        for i in model["inputs"]
    )


def _span(frames: Sequence[Sequence[Any]], places: Places) -> Span:
    file, line, _ = frames[-1]
    return places.find(file, line, "", "")[0]


def _finding(code: str, message: str, span: Span, model: str = "") -> Finding:
    page = rules.get(code)
    return Finding(code, rules.rule_name(code), message, span, page.severity, "measured", model=model)


def _coremltools(outcome: Outcome, settings: Settings) -> str:
    """The version that took part, as the facts know them; that of the settings where none did."""
    used = outcome.results.get("versions", {}).get("packages", {}).get("coremltools")
    if not used:
        return settings.coremltools
    return "9.0" if tuple(int(part) for part in used.split(".")[:2] if part.isdigit()) <= (9, 0) else "main"


class _Static:
    """The source as it is read for a path of conversion: the graph of the model that was run, and the findings on it.

    A model that asks whether it is being traced or exported is analysed once more for the other way.
    """

    def __init__(
        self,
        request: Request,
        workspace: Workspace,
        settings: Settings,
        model: Mapping[str, Any],
        graphs: Sequence[Graph],
        coremltools: str,
    ) -> None:
        self._request, self._workspace, self._settings = request, workspace, settings
        self._model, self._coremltools = model, coremltools
        self.graphs = list(graphs)
        self._first = self._counterpart(graphs, settings)
        self._read: dict[bool, Graph | None] = {settings.export_path == "trace": self._first}
        self._known: dict[str, list[Finding]] = {}

    def _counterpart(self, graphs: Sequence[Graph], settings: Settings) -> Graph | None:
        request, model = self._request, self._model
        found = _counterpart(graphs, model)
        if request.entry and model and (found is None or not _matches(found, model)):
            # Now the inputs are known: analyse the same call that was run.
            again = analysis.call_graphs(request.path, self._workspace, settings, request.entry, _as_specs(model))
            self.graphs += again
            found = _counterpart(again or graphs, model)
        return found

    def graph(self, taken: str) -> Graph | None:
        path = taken or self._settings.export_path
        traced = path == "trace"
        if traced not in self._read:
            graph = self._first
            if graph is not None and graph.asks_capture:
                settings = replace(self._settings, export_path=path)
                graphs = _analysed(self._request, self._workspace, settings)[1]
                self.graphs += graphs
                graph = self._counterpart(graphs, settings)
            self._read[traced] = graph
        return self._read[traced]

    def options(self, taken: str) -> engine.Options:
        path = taken or self._settings.export_path
        return engine.Options(self._settings.opset, path, self._coremltools)  # type: ignore[arg-type]

    def findings(self, taken: str) -> list[Finding]:
        if taken not in self._known:
            graph = self.graph(taken)
            chosen = targets.resolve_all(self._settings.targets)
            every = engine.run(graph, chosen, self.options(taken)) if graph is not None else []
            tree = self._workspace.read(self._request.path).parse()
            if isinstance(tree, ast.Module):
                read_as = replace(self._settings, export_path=taken or self._settings.export_path)
                every += analysis.check_text(tree, self._request.path, read_as, [graph] if graph is not None else [])
            self._known[taken] = [f for f in every if _shown(f, self._settings)]
        return self._known[taken]


def _failure(attempt: Mapping[str, Any], static: _Static, places: Places, job: Job) -> Failure:
    """The error of a path on the line that caused it, with the findings that foretold it."""
    span = _span(attempt["frames"], places) if attempt["frames"] else Span(job.file, 1, 0, 1, 0)
    # A converter that names no line leaves it to the findings that say this cannot convert.
    foretold = tuple(
        f
        for f in static.findings(attempt["path"])
        if f.code.startswith(_FORETELL)
        and (overlap(f.span, span) if attempt["frames"] else f.severity == "error" and not f.data.get("optional"))
    )
    message = f"The {attempt['path']} path does not convert: {attempt['message']}"
    return Failure(attempt["path"], _finding(CONVERSION_FAILED, message, span), foretold, bool(attempt["frames"]))


def _conversion(failures: Sequence[Failure]) -> list[Finding]:
    """The errors of the paths that were tried, on the lines that caused them; equal places count once."""
    found: dict[Span, Finding] = {}
    for failure in failures:
        finding = failure.finding
        if failure.foretold:
            why = failure.foretold[0]
            finding = replace(finding, message=f"{finding.message} ({why.code}: {why.message})", span=why.span)
        found.setdefault(finding.span, finding)
    return list(found.values())


def _numbers(numbers: Mapping[str, Any] | None, places: Places, job: Job) -> list[Finding]:
    if numbers is None:
        return []
    found = []
    whole = Span(job.file, 1, 0, 1, 0)

    def at(row: Mapping[str, Any]) -> Span:
        return places.find(row["file"], row["line"], "", str(row.get("op", "")))[0] if row.get("file") else whole

    for row in numbers["ranges"]:
        value = f"{row['largest']:.3g}"
        text = {
            "overflow": f"{row['op']} reaches {value} with these weights and inputs; fp16 ends at 65504 and has infinity above",
            "mask": f"{row['op']} goes down to -{value}, which fp16 makes minus infinity; a row of nothing else becomes NaN in a softmax",
            "large sum": f"{row['op']} sums up to {value} with these weights and inputs; the Neural Engine may overflow above 32768",
            "underflow": f"the largest value of {row['op']} is {value} with these weights and inputs; fp16 makes it 0",
        }[row["what"]]
        if row["what"] == "mask" and float(row["largest"]) == float("inf"):
            text = f"{row['op']} holds minus infinity; a row of nothing else becomes NaN in a softmax"
        finding = _finding(OUT_OF_RANGE, text, at(row))
        found.append(finding if row["what"] not in ("large sum", "mask") else replace(finding, severity="information"))
    if not numbers["passes"]:
        worst = min((o["psnr"] for o in numbers["outputs"] if isinstance(o["psnr"], float)), default=None)
        first = numbers["first"]
        text = (
            "an output is not a number in fp16"
            if worst is None
            else f"the outputs in fp16 reach {worst:.1f} dB; the gate is 40 dB"
        )
        if first is not None:
            text += f". The first operation below it is {first['op']} ({first['psnr']} dB)"
        found.append(_finding(DEPARTS, text + f" ({numbers['method']})", at(first) if first else whole))
    return found


def _emulated(mil: Mapping[str, Any] | None, places: Places, job: Job, foretold: Sequence[Finding]) -> list[Finding]:
    """The converted program against torch: where it computes something else, and where rounding to fp16 spoils it.

    foretold: findings from the source that say the program computes something else.
    """
    if not mil or "fp16" not in mil:
        return []
    whole = Span(job.file, 1, 0, 1, 0)
    if not mil["fp32"]["passes"]:
        text = f"the converted program computes something else than the model: {mil['fp32']['text']}; the gate is 40 dB"
        if foretold:
            return [_finding(DEPARTS, f"{text} ({foretold[0].code}: {foretold[0].message})", foretold[0].span)]
        return [_finding(DEPARTS, text, whole)]
    if mil["fp16"]["passes"]:
        return []
    first = mil.get("first")
    text = f"the converted program with every result rounded to fp16: {mil['fp16']['text']}; the gate is 40 dB"
    if first is None:
        return [_finding(DEPARTS, text, whole)]
    at = places.find(first["file"], first["line"], first["op"], "")[0] if first.get("file") else whole
    return [_finding(DEPARTS, f"{text}. The first operation below it is {first['op']} ({first['psnr']} dB)", at)]


def _core_ai(executed: Mapping[str, Any] | None, places: Places, job: Job) -> list[Finding]:
    found = []
    for run in (executed or {}).get("runs", ()):
        at = Span(job.file, 1, 0, 1, 0)
        if run.get("file"):
            at = places.find(run["file"], run["line"], "", "")[0]
        if "refused" in run:
            found.append(
                _finding(
                    CONVERSION_FAILED, f"Core AI does not take the model in {run['precision']}: {run['refused']}", at
                )
            )
        elif not run.get("passes", True):
            found.append(_finding(DEPARTS, f"Core AI in {run['precision']}: {run['text']}; the gate is 40 dB", at))
    return found


def plan_agreement(found: Verification) -> tuple[int, int]:
    """(agreeing, compared) operations: Core ML's preferred device against our placement, joined by the output's name."""
    rows = {row["output"]: row["preferred"] for row in found.outcome.results.get("plan", {}).get("operations", ())}
    if found.placed is None or found.placed.problem is not None:
        return 0, 0
    both = [
        (rows[p.op.outputs[0].name], p.unit) for p in found.placed.ops if p.op.outputs and p.op.outputs[0].name in rows
    ]
    return sum(preferred == unit for preferred, unit in both), len(both)


def platform_note() -> str:
    """What this system cannot show."""
    if platform.system() == "Darwin":
        return ""
    return "Compiling and the compute plan need macOS: where Core ML really places the operations was not asked."
