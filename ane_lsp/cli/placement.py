"""``ane-lsp placement``: where each operation of a model is predicted to run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ane_lsp.analysis import AnalysisError
from ane_lsp.cli.errors import CLEAN, FINDINGS, UsageError
from ane_lsp.cli.options import (
    add_color_option,
    add_project_options,
    add_target_options,
    open_projects,
    project_arguments,
    to_utf8,
    wants_color,
)
from ane_lsp.cli.output import write_text
from ane_lsp.placement import Placement, describe, summary
from ane_lsp.placement.words import time_text
from ane_lsp.report.terminal import Painter, printable
from ane_lsp.workspace.workspace import absolute

NOTE = (
    "A prediction, with compute units CPU and Neural Engine: a chain of estimates from one M4 with macOS 27. Branches, the GPU "
    "and the real run time are not modelled."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``placement``."""
    parser.add_argument("file", type=Path, metavar="FILE", help="analysed from its source (nothing of it is run)")
    parser.add_argument("--entry", metavar="NAME", help="only the models of this name")
    parser.add_argument("--all", action="store_true", help="list every operation, not only those off the Neural Engine")
    parser.add_argument("--format", choices=("text", "json", "html"), default="text", help="default: text")
    parser.add_argument("--output-file", "-o", type=Path, metavar="FILE", help="write the report here")
    add_color_option(parser)
    add_target_options(parser)
    add_project_options(parser)
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="stop analysing after this time (default: 20)")


def run(args: argparse.Namespace) -> int:
    """Print a placement for each model and target. 1 where no model was found or nothing could be predicted."""
    from ane_lsp import analysis
    from ane_lsp.knowledge import targets
    from ane_lsp.placement import place

    to_utf8(sys.stdout)
    if not args.file.is_file():
        raise UsageError(f"no such file: {args.file}")
    projects = open_projects(project_arguments(args))
    path = absolute(args.file)
    workspace, settings = projects.workspace(path), projects.settings(path)
    if workspace.problem:
        raise UsageError(workspace.problem)
    result = analysis.analyze(path, workspace, settings)
    graphs = [g for g in result.graphs if args.entry is None or g.name == args.entry]
    if args.entry is not None and not graphs:
        names = ", ".join(dict.fromkeys(g.name for g in result.graphs)) or "none"
        raise UsageError(f"--entry: no model is called {args.entry} (found: {names})")
    chosen = targets.resolve_all(settings.targets)
    plans = [place(graph, target) for graph in graphs for target in chosen]
    base = absolute(Path())
    if args.format == "json":
        from ane_lsp.placement.data import VERSION, to_json

        shown = {
            "version": VERSION,
            "note": NOTE,
            "placements": [to_json(p, lambda f: _relative(f, base)) for p in plans],
        }
        text = json.dumps(shown, indent=2) + "\n"
    elif args.format == "html":
        from ane_lsp.report.html import page
        from ane_lsp.report.model import Report

        report = Report(
            result.findings, result.models, result.errors, 1, base, lambda file: workspace.read(Path(file)).lines,
            checked=[str(path)],
        )  # fmt: skip
        text = page(report, placements=plans, title=f"Placement of {args.file.name}")
    else:
        paint = Painter(args.output_file is None and wants_color(args.color, sys.stdout))
        text = "\n".join([*_errors(result.errors), *lines(plans, base, paint, every=args.all)]) + "\n"
    if args.output_file is None:
        sys.stdout.write(text)
    else:
        write_text("--output-file", args.output_file, text)
    return CLEAN if plans and all(p.problem is None for p in plans) else FINDINGS


def _errors(errors: list[AnalysisError]) -> Iterator[str]:
    for error in errors:
        yield f"{error.span}: {printable(error.message)}"


def lines(plans: list[Placement], base: Path, paint: Painter, every: bool = False) -> Iterator[str]:
    """The placements as text."""
    for plan in plans:
        yield paint("bold", printable(plan.model)) + f": {printable(summary(plan))}"
        if plan.problem is None:
            yield from _numbers(plan)
            yield from _segments(plan, paint)
        yield from _removals(plan, base)
        listed = [p for p in plan.ops if every or (p.unit != "ANE" and plan.problem is None and not plan.too_small)]
        if listed:
            yield "  operations:" if every else "  off the ANE or undecided:"
        seen: dict[tuple[str, str], int] = {}
        for placed in listed:
            key = (f"{_relative(placed.op.span.file, base)}:{placed.op.span.line}", describe(placed, plan))
            seen[key] = seen.get(key, 0) + 1
        for (where, text), count in seen.items():
            yield f"    {printable(where)}  {printable(text)}" + (f"  x{count}" if count > 1 else "")
        yield ""
    if not plans:
        yield "no model was found in this file"
    else:
        yield paint("dim", NOTE)


def _numbers(plan: Placement) -> Iterator[str]:
    yield (
        f"  {len(plan.ops)} operations: {plan.on_ane} on the ANE, {len(plan.ops) - plan.on_ane - plan.undecided} on the CPU"
        + (f", {plan.undecided} undecided" if plan.undecided else "")
        + f"; {plan.switches} switches; confidence: {plan.confidence}"
    )
    yield (
        f"  estimated {'at least ' if plan.unpriced else ''}{time_text(plan.total_ms)}: {time_text(plan.ane_ms)} on the ANE, {time_text(plan.cpu_ms)} on the CPU, "
        f"{time_text(plan.fixed_ms)} to launch and switch; on the CPU alone {time_text(plan.all_cpu_ms)}"
    )


_BAR = 60


def _segments(plan: Placement, paint: Painter) -> Iterator[str]:
    total = len(plan.ops)
    bar = ""
    for segment in plan.segments:
        width = max(1, round(_BAR * segment.ops / total))
        mark = {"ANE": "=", "CPU": "c", "unknown": "?"}[segment.unit]
        bar += paint({"ANE": "good", "CPU": "warning", "unknown": "dim"}[segment.unit], mark * width)
    yield f"  [{bar}]  = ANE, c CPU, ? undecided"


def _removals(plan: Placement, base: Path) -> Iterator[str]:
    for removal in plan.removals:
        kinds = ", ".join(removal.kinds[:3])
        more = f"{removal.moved} more operations would move to the ANE, " if removal.moved > 0 else ""
        yield (
            f"  without {printable(kinds)} at {printable(_relative(removal.span.file, base))}:{removal.span.line}: {more}"
            f"about {time_text(removal.saved_ms)} less"
        )


def _relative(file: str, base: Path) -> str:
    try:
        return Path(file).relative_to(base).as_posix()
    except ValueError:
        return Path(file).as_posix()
