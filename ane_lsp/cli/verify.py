"""``ane-lsp verify``: run the model, convert it with Apple's tools, and hold the result against the analysis."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from ane_lsp.cli.errors import CLEAN, FAILED, FINDINGS, UsageError
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
from ane_lsp.cli.trace import read_inputs
from ane_lsp.graph import Span
from ane_lsp.placement import summary
from ane_lsp.report.terminal import Painter, printable
from ane_lsp.syntax.source import NOTEBOOK
from ane_lsp.verify.compare import MEANING
from ane_lsp.verify.job import Job, Limits
from ane_lsp.verify.run import Request, Verification, verify
from ane_lsp.verify.shown import facts, numbers_rows, to_json
from ane_lsp.workspace.workspace import absolute

BACKENDS = ("coreml", "mil", "numbers", "coreai")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``verify``."""
    parser.add_argument(
        "file", metavar="FILE[::ENTRY]",
        help="THE FILE IS RUN. ENTRY builds the model (Net, Net(width=32)); without it the call that the script makes counts",
    )  # fmt: skip
    parser.add_argument(
        "--input",
        action="append",
        metavar="SHAPE",
        help="an input: 1x3x224x224, 1x16:i64, mask=1x16:b8; repeatable, in order",
    )
    parser.add_argument(
        "--backend",
        default="coreml,mil,numbers",
        metavar="LIST",
        help="of coreml (convert), mil (compute the converted program here), numbers (emulate fp16 in torch), coreai "
        "(Apple's Core AI) (default: coreml,mil,numbers)",
    )
    parser.add_argument(
        "--convert-path",
        choices=("auto", "export", "trace", "export-core"),
        default="auto",
        help="default: the first that converts",
    )
    parser.add_argument(
        "--timeout", type=float, default=600.0, metavar="SECONDS", help="end the run after this time (default: 600)"
    )
    parser.add_argument("--memory", type=float, default=8.0, metavar="GB", help="memory the run may use (default: 8)")
    parser.add_argument("--format", choices=("text", "json", "html"), default="text", help="default: text")
    parser.add_argument("--output-file", "-o", type=Path, metavar="FILE", help="write the report here")
    parser.add_argument(
        "--report-disagreement", type=Path, metavar="FILE",
        help="write what the two sides disagree on: operations and shapes, no names and no source",
    )  # fmt: skip
    parser.add_argument(
        "--contribute", type=Path, metavar="FILE",
        help="on a Mac: write where Core ML would run each operation, without names, source or weights, for sending in",
    )  # fmt: skip
    parser.add_argument(
        "--show-output", action="store_true", help="show the end of what the code printed, on standard error"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be run, and run nothing")
    add_color_option(parser)
    add_target_options(parser)
    add_project_options(parser, "the interpreter or environment that RUNS the model, and whose libraries are read")
    parser.add_argument(
        "--budget", type=float, metavar="SECONDS", help="stop the static analysis after this time (default: 20)"
    )


def run(args: argparse.Namespace) -> int:
    """Verify one model. 0 it converts and the numbers hold, 1 findings or failure of the model, 2 wrong usage."""
    to_utf8(sys.stdout)
    name, _, entry = args.file.partition("::")
    path = absolute(Path(name))
    if not path.is_file():
        raise UsageError(f"no such file: {name}")
    if path.suffix == NOTEBOOK:
        raise UsageError("a notebook is not run here; move the model into a Python file")
    backends = tuple(b.strip() for b in args.backend.split(",") if b.strip())
    if unknown := [b for b in backends if b not in BACKENDS]:
        raise UsageError(f"--backend: {unknown[0]!r} is none of {', '.join(BACKENDS)}")
    projects = open_projects(project_arguments(args))
    workspace, settings = projects.workspace(path), projects.settings(path)
    if workspace.problem:
        raise UsageError(workspace.problem)
    limits = Limits(
        seconds=args.timeout, cpu_seconds=max(1, int(args.timeout * 2)), memory=int(args.memory * (1 << 30))
    )
    request = Request(
        path, entry or None, read_inputs(args.input or ()), backends, args.convert_path, limits, args.python
    )
    if args.dry_run:
        from ane_lsp.verify.run import interpreter, prepare

        _announce(prepare(request, workspace, settings)[0], interpreter(settings, workspace, args.python), sys.stdout)
        return CLEAN
    progress = _Progress()
    try:
        found = verify(
            request, workspace, settings, progress, on_job=lambda job, python: _announce(job, python, sys.stderr)
        )
    except KeyboardInterrupt:
        progress.clear()
        print("ane-lsp: cancelled; everything the run had started was ended", file=sys.stderr)
        raise
    progress.clear()
    if args.show_output:
        for line in _printed(found):
            print(f"  | {line}", file=sys.stderr)
    if args.report_disagreement is not None:
        from ane_lsp.verify.reproduce import report

        write_text("--report-disagreement", args.report_disagreement, json.dumps(report(found), indent=2) + "\n")
    if args.contribute is not None:
        _contribute(found, args.contribute)
    base = absolute(Path())
    if args.format == "json":
        text = json.dumps(to_json(found, lambda f: _relative(f, base)), indent=2) + "\n"
    elif args.format == "html":
        text = _page(found, workspace, base)
    else:
        paint = Painter(args.output_file is None and wants_color(args.color, sys.stdout))
        text = "\n".join(lines(found, base, paint)) + "\n"
    if args.output_file is None:
        sys.stdout.write(text)
    else:
        write_text("--output-file", args.output_file, text)
    if found.outcome.ended == "failed" and found.outcome.results.get("failed", {}).get("reason") in (
        "missing",
        "python",
        "inputs",
        "entry",
    ):
        return FAILED
    return CLEAN if found.ok else FINDINGS


def _contribute(found: Verification, path: Path) -> None:
    from ane_lsp.verify.contribute import NothingToContribute, evidence

    try:
        data = evidence(found)
    except NothingToContribute as error:
        print(f"ane-lsp: nothing was written to {path}: {error}", file=sys.stderr)
        return
    write_text("--contribute", path, json.dumps(data, indent=1) + "\n")
    print(
        f"ane-lsp: {path} holds {len(data['rows'])} kinds of operations with shapes and attributes, {data['chip']}, {data['os']}: "
        "look at it before you send it in",
        file=sys.stderr,
    )


def _announce(job: Job, python: str, stream: Any) -> None:
    """What will be run, before it is."""
    what = f"build {job.entry}" if job.entry else "run the script up to its first model call"
    print(
        f"ane-lsp verify runs your code: {python} will load {job.file} and {what}.\n"
        f"Limits: {job.limits.seconds:g} s, {job.limits.memory / (1 << 30):g} GB, {job.limits.processes} processes; model hubs "
        "are offline, the home folder is a temporary one. This limits accidents; it is no sandbox.",
        file=stream,
    )


class _Progress:
    """A line that is rewritten on a terminal; one line a step elsewhere. Goes to standard error."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.last = ("", -1.0)
        self.shown = 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event.get("kind") == "versions":
            self.clear()
            for note in event.get("notes", ()):  # said before the run fails of it
                print(f"ane-lsp: known problem: {printable(str(note))}", file=sys.stderr)
        if event.get("kind") != "progress":
            return
        text, percent = printable(str(event["text"])), float(event["percent"])
        if self.terminal:
            if time.monotonic() - self.shown > 0.1 or text != self.last[0]:
                sys.stderr.write(f"\r\033[K{percent:5.1f} %  {text[:100]}")
                sys.stderr.flush()
                self.shown = time.monotonic()
        elif text != self.last[0]:
            print(f"{percent:5.1f} %  {text}", file=sys.stderr)
        self.last = (text, percent)

    def clear(self) -> None:
        if self.terminal:
            sys.stderr.write("\r\033[K")


def lines(found: Verification, base: Path, paint: Painter) -> Iterator[str]:
    """The result as text."""
    if found.outcome.ended != "done":
        yield paint("error", f"verify {found.outcome.ended}: ") + printable(found.outcome.message)
        reason = found.outcome.results.get("failed", {}).get("reason")
        if found.outcome.ended == "crashed" or reason in ("internal", "user"):
            yield from (f"  | {line}" for line in _printed(found)[-12:])
    for label, text in facts(found):
        yield f"{paint('bold', label)}: {printable(text)}"
    for finding in found.findings:
        yield f"{_place(finding.span, base)}: {paint(finding.severity, f'{finding.severity}[{finding.code}]')} {printable(finding.message)}"
    for comparison in found.comparisons:
        style = {"confirmed": "good", "refuted": "error", "new": "warning"}.get(comparison.status, "dim")
        yield (
            f"{_place(comparison.finding.span, base)}: {paint(style, comparison.status)} {comparison.finding.code} "
            f"{printable(comparison.finding.message)}"
        )
        if comparison.status != "confirmed":
            yield f"    {printable(comparison.why)}"
    for label, plan in (
        ("placement of the program", found.placed),
        ("placement predicted from the source", found.predicted),
    ):
        # Of a model that fails, the source has the part before the failure: where that would run means nothing.
        if plan is not None and found.outcome.results.get("failed", {}).get("reason") != "user":
            yield f"{paint('bold', label)}: {printable(summary(plan))}"
    for plan in found.elsewhere:
        yield f"{paint('bold', 'placement')}: {printable(summary(plan))}"


def _printed(found: Verification) -> list[str]:
    """The end of what the run printed, lines of progress as they were left."""
    text = found.outcome.output.strip()
    return [printable(line.rpartition("\r")[2]) for line in text.split("\n")] if text else []


def _page(found: Verification, workspace: Any, base: Path) -> str:
    from ane_lsp.report.html import page, table
    from ane_lsp.report.model import Report

    def where(span: Span) -> str:
        return _place(span, base)

    rows = "".join(
        f"<tr><th scope=row>{escape(printable(k))}</th><td>{escape(printable(v))}</td></tr>" for k, v in facts(found)
    )
    sections = [("The run", f'<div class="scroll" tabindex="0"><table>{rows}</table></div>')]
    numbers = numbers_rows(found)
    if numbers:
        sections.append(("Numbers", table(("computed by", "output", "PSNR", "largest error", "40 dB gate"), numbers)))
    if found.comparisons:
        listed = table(
            ("status", "code", "source", "message", "why"),
            [
                [(c.status, "good" if c.status == "confirmed" else "bad" if c.is_disagreement else ""), (c.finding.code, ""),
                 (where(c.finding.span), ""), (c.finding.message, ""), (c.why, "")]
                for c in found.comparisons
            ],
        )  # fmt: skip
        legend = "; ".join(f"{status}: {text}" for status, text in MEANING.items())
        sections.append(
            ("Source analysis against the converted program", listed + f"<p><small>{escape(legend)}</small></p>")
        )
    report = Report(
        [*found.findings, *(c.finding for c in found.comparisons)], base=base,
        lines=lambda file: workspace.read(Path(file)).lines if Path(file).is_file() else None,
    )  # fmt: skip
    title = f"Verification of {Path(found.job.file).name}: {found.outcome.ended}"
    plans = [p for p in (found.placed, found.predicted if found.placed is None else None) if p is not None]
    plans += found.elsewhere
    return page(report, plans, title, sections)


def _place(span: Span, base: Path) -> str:
    return f"{printable(_relative(span.file, base))}:{span.line}:{span.col + 1}"


def _relative(file: str, base: Path) -> str:
    try:
        return Path(file).relative_to(base).as_posix()
    except ValueError:
        return Path(file).as_posix()
