"""Findings of many programs, in every file they reach, as plain rows."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ane_lsp.analysis import analyze
from ane_lsp.checks import engine
from ane_lsp.checks.finding import SEVERITIES, Finding
from ane_lsp.checks.guards import review
from ane_lsp.graph import Call, Graph, Value
from ane_lsp.interp.run import Limits, run_script
from ane_lsp.knowledge import targets
from ane_lsp.workspace import Settings, Workspace

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One program. whole: run it as a script and keep findings in every file; otherwise analyse it as an editor does."""

    path: Path
    origin: str
    whole: bool


def collect(job: Job, workspace: Workspace, settings: Settings) -> Iterator[Row]:
    """The findings of a program that default settings show."""
    found = _whole(job.path, workspace, settings) if job.whole else _one_file(job.path, workspace, settings)
    for finding, facts in found:
        if not settings.shows(finding.confidence):
            continue
        yield {
            "origin": job.origin,
            "program": job.path.name,
            "code": finding.code,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "message": finding.message,
            "file": workspace.relative(finding.span.file),
            "path": finding.span.file,
            "line": finding.span.line,
            "col": finding.span.col,
            "end_line": finding.span.end_line,
            "model": finding.model,
            "target": finding.target,
            "related": [f"{workspace.relative(r.span.file)}:{r.span.line} {r.message}" for r in finding.related[:4]],
            "facts": facts,
        }


def _whole(path: Path, workspace: Workspace, settings: Settings) -> Iterator[tuple[Finding, str]]:
    run = run_script(workspace, path, settings.opset, Limits(seconds=settings.budget))
    chosen = tuple(t for name in settings.targets for t in targets.resolve(name)) or targets.default()
    options = engine.Options(settings.opset, settings.export_path, settings.coremltools)  # type: ignore[arg-type]
    found: dict[tuple[object, ...], tuple[Finding, str]] = {}
    for graph in run.graphs:
        by_file: dict[str, list[Finding]] = {}
        for finding in engine.run(graph, chosen, options):
            by_file.setdefault(finding.span.file, []).append(finding)
        for file, group in by_file.items():
            tree = workspace.read(Path(file)).parse()
            if isinstance(tree, ast.Module):
                for finding in review(group, tree, settings.export_path):
                    found.setdefault((finding.code, finding.span), (finding, _facts([graph], finding)))
    yield from found.values()


def _one_file(path: Path, workspace: Workspace, settings: Settings) -> Iterator[tuple[Finding, str]]:
    result = analyze(path, workspace, settings)
    for finding in result.findings:
        yield finding, _facts(result.graphs, finding)


def _facts(graphs: Sequence[Graph], finding: Finding) -> str:
    """The call at the finding's place, with the types of what goes in and comes out."""
    for graph in graphs:
        call = next((c for c in graph.calls if c.span == finding.span), None)
        if call is not None:
            return describe(call)
    return ""


def describe(call: Call) -> str:
    """``torch.nn.MaxPool2d(1x3x8x8 f32) -> 1x3x4x4 f32  {kernel_size: 2}``."""
    given = ", ".join(_value(item) for item in (*call.args, *call.kwargs.values()))
    hyper = ", ".join(f"{k}: {v}" for k, v in list(call.hyper.items())[:8])
    return f"{call.torch}({given}) -> {_value(call.result)}" + (f"  {{{hyper}}}" if hyper else "")


def _value(item: object) -> str:
    if isinstance(item, Value):
        shape = "?" if item.type.shape is None else "x".join(map(str, item.type.shape))
        return f"{shape or 'scalar'} {item.type.dtype}" + (" const" if item.is_const else "")
    if isinstance(item, (tuple, list)):
        return "[" + ", ".join(_value(part) for part in item[:4]) + "]"
    text = str(item)
    return text if len(text) < 40 else text[:37] + "..."


def merged(rows: Sequence[Row]) -> list[Row]:
    """One row for each code, file and line: the worst severity, in the order of places."""
    kept: dict[tuple[str, str, int], Row] = {}
    for row in rows:
        key = (row["code"], row["file"], row["line"])
        known = kept.get(key)
        if known is None or SEVERITIES.index(row["severity"]) < SEVERITIES.index(known["severity"]):
            kept[key] = row
    return [kept[key] for key in sorted(kept)]
