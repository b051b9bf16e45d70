"""The model map: every model of a run by readiness, the operations that keep most of them back, and the trend.

Plain data and its JSON; :mod:`ane_lsp.report.map_html` draws it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from ane_lsp.analysis import ModelSummary
from ane_lsp.checks.finding import SEVERITIES, Finding
from ane_lsp.graph.records import dataclass
from ane_lsp.report.model import Report
from ane_lsp.report.terminal import printable

VERSION = 1
NEARLY = 0.05
"""The share of operations that may be off the ANE, or of unknown shape, in a model that is nearly ready."""

Readiness = Literal["ready", "nearly", "not ready", "not known"]
READINESS: tuple[Readiness, ...] = ("not ready", "not known", "nearly", "ready")
Change = Literal["", "new", "better", "worse", "same"]


@dataclass(frozen=True, slots=True)
class Model:
    """One model. change: against the earlier map, "" without one; before: its numbers there (on_ane of ops, findings).
    off_ane: kinds of operations that are not known to run on the ANE, with how many of each."""

    name: str
    file: str
    line: int
    target: str
    readiness: Readiness
    ops: int
    on_ane: int
    unknown_shapes: int
    findings: int
    errors: int
    warnings: int
    stopped: str | None = None
    assumed: tuple[str, ...] = ()
    change: Change = ""
    before: str = ""
    off_ane: tuple[tuple[str, int], ...] = ()

    @property
    def share(self) -> float:
        """The part of its operations that can run on the ANE, 0 to 1."""
        return self.on_ane / self.ops if self.ops else 0.0


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that findings at warning or above are about. places: how many; models: in how many models."""

    op: str
    codes: tuple[str, ...]
    severity: str
    places: int
    models: int
    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Map:
    """A whole run. gone: models of the earlier map that are no more. problems: what was not analysed in full.
    before: how many models of the earlier map were in each state."""

    models: tuple[Model, ...]
    operations: tuple[Operation, ...]
    files: int
    problems: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    compared: bool = False
    before: tuple[tuple[Readiness, int], ...] = ()

    def count(self, readiness: Readiness) -> int:
        """How many models are in that state."""
        return sum(model.readiness == readiness for model in self.models)

    def kinds(self) -> list[tuple[str, int, int]]:
        """Operations not known to run on the ANE: (kind, how many, in how many models), the most frequent first."""
        counted: Counter[str] = Counter()
        models: Counter[str] = Counter()
        for model in self.models:
            for kind, number in model.off_ane:
                counted[kind] += number
                models[kind] += 1
        return sorted(((kind, n, models[kind]) for kind, n in counted.items()), key=lambda row: (-row[1], row[0]))


def readiness(model: ModelSummary) -> Readiness:
    """What a model's numbers come to."""
    if not model.ops or model.stopped:
        return "not known"
    short = max(model.ops - model.on_ane, model.unknown_shapes) / model.ops
    if model.errors or short > NEARLY:
        return "not ready"
    return "nearly" if model.warnings or short else "ready"


def make(report: Report, earlier: Mapping[str, Any] | None = None) -> Map:
    """The map of a run, the worst models first; with the JSON of an earlier one, what changed. Raises ValueError where
    `earlier` is not a map of this version."""
    known = _known(earlier) if earlier is not None else None
    models = [_model(report, model, known) for model in report.models]
    models.sort(key=lambda m: (READINESS.index(m.readiness), -m.errors, -m.warnings, m.share, m.file, m.line))
    here = {(model.file, model.name) for model in models}
    problems = [f"{report.path(e.span.file)}:{e.span.line}: {e.message}" for e in report.errors]
    return Map(
        tuple(models),
        tuple(_operations(report)),
        report.files,
        tuple(problems),
        tuple(f"{name} ({file})" for file, name in known if (file, name) not in here) if known is not None else (),
        known is not None,
        tuple(
            (state, n) for state in READINESS if (n := sum(row["readiness"] == state for row in (known or {}).values()))
        ),
    )


def _known(earlier: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    try:
        if earlier["version"] != VERSION:
            raise ValueError(f"it has version {earlier['version']}, this program reads {VERSION}")
        found = {(str(row["file"]), str(row["name"])): row for row in earlier["models"]}
        for row in found.values():
            _rank(row["readiness"], int(row["errors"]), int(row["warnings"]), int(row["ops"]) - int(row["on_ane"]))
            int(row["findings"])
    except (KeyError, TypeError, AttributeError, OverflowError):
        raise ValueError("it is not a map written by ane-lsp report --format json") from None
    return found


def _rank(state: str, errors: int, warnings: int, off: int) -> tuple[int, int, int, int]:
    """Lower is better."""
    if state not in READINESS:
        raise ValueError(f"{state!r} is not a readiness")
    return (-READINESS.index(state), errors, warnings, off)


def _model(report: Report, model: ModelSummary, known: Mapping[tuple[str, str], Mapping[str, Any]] | None) -> Model:
    file = report.path(model.span.file)
    state = readiness(model)
    change: Change = ""
    before = ""
    if known is not None:
        old = known.get((file, model.name))
        change = "new"
        if old is not None:
            then = _rank(old["readiness"], old["errors"], old["warnings"], old["ops"] - old["on_ane"])
            now = _rank(state, model.errors, model.warnings, model.ops - model.on_ane)
            change = "better" if now < then else "worse" if now > then else "same"
            before = f"{old['readiness']}, {old['on_ane']} of {old['ops']}, {old['findings']} findings"
    return Model(
        model.name, file, model.span.line, model.target, state, model.ops, model.on_ane, model.unknown_shapes,
        model.findings, model.errors, model.warnings, model.stopped, model.assumed, change, before, model.off_ane,
    )  # fmt: skip


def _operations(report: Report) -> list[Operation]:
    grouped: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.op and finding.severity in ("error", "warning"):
            grouped.setdefault(finding.op, []).append(finding)
    found = []
    for op, findings in grouped.items():
        worst = min(findings, key=lambda f: SEVERITIES.index(f.severity))
        codes = Counter(finding.code for finding in findings)
        models = {(finding.span.file, finding.model) for finding in findings}
        found.append(
            Operation(
                op, tuple(code for code, _ in codes.most_common()), worst.severity, len(findings), len(models),
                report.path(worst.span.file), worst.span.line, worst.message,
            )
        )  # fmt: skip
    return sorted(found, key=lambda o: (SEVERITIES.index(o.severity), -o.models, -o.places, o.op))


def to_json(found: Map) -> str:
    """The map as one JSON document, version 1: what ``--against`` reads."""
    document = {
        "version": VERSION,
        "files": found.files,
        "models": [asdict(model) for model in found.models],
        "operations": [asdict(operation) for operation in found.operations],
        "problems": list(found.problems),
        "gone": list(found.gone),
    }
    return json.dumps(document, indent=2) + "\n"


def to_text(found: Map) -> str:
    """A line for each model, for the terminal."""
    lines = []
    for model in found.models:
        change = f" ({model.change})" if model.change not in ("", "same") else ""
        line = f"{model.readiness:9s}  {model.on_ane:5d} of {model.ops:5d}  {model.name}  {model.file}:{model.line}{change}"
        lines.append(printable(line))
    lines += [printable(f"gone       {name}") for name in found.gone]
    lines.append(("\n" if lines else "") + headline(found))
    lines += [printable(f"not analysed in full: {problem}") for problem in found.problems]
    return "\n".join(lines) + "\n"


def headline(found: Map) -> str:
    """The totals in one line."""
    states: Sequence[Readiness] = tuple(reversed(READINESS))
    parts = [f"{found.count(state)} {state}" for state in states if found.count(state)]
    text = f"{len(found.models)} model{'s' * (len(found.models) != 1)} in {found.files} file{'s' * (found.files != 1)}"
    text += f": {', '.join(parts)}" if parts else ""
    if found.compared:
        changes = Counter(model.change for model in found.models)
        told = [f"{changes[change]} {change}" for change in ("better", "worse", "new") if changes[change]]
        told += [f"{len(found.gone)} gone"] if found.gone else []
        text += f"; {', '.join(told) or 'nothing changed'}"
    return text
