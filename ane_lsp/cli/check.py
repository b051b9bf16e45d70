"""``ane-lsp check``: files and folders to findings, reports and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ane_lsp.analysis import AnalysisError, FileAnalysis
from ane_lsp.checks.finding import CONFIDENCES, SEVERITIES, Finding
from ane_lsp.cli import fixing
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
from ane_lsp.cli.progress import Bar
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.report.formats import FORMATS, render
from ane_lsp.report.model import Report, merged
from ane_lsp.report.terminal import printable
from ane_lsp.syntax.source import decode_source
from ane_lsp.workspace.discover import discover
from ane_lsp.workspace.globs import path_matches
from ane_lsp.workspace.project import Projects
from ane_lsp.workspace.workspace import absolute

if TYPE_CHECKING:
    from ane_lsp.placement import Placement

_PICTURED = 24  # models whose operations a page lists


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``check``."""
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files, folders, or - for stdin")
    parser.add_argument("--stdin-filename", metavar="FILE", help="the file that stdin stands for")
    add_target_options(parser)
    group = parser.add_argument_group("selection")
    group.add_argument(
        "--select", action="append", metavar="CODES", help="codes, families or names to report (ANE3, ANE302, ALL)"
    )
    group.add_argument("--extend-select", action="append", metavar="CODES", help="more codes to report")
    group.add_argument("--ignore", action="append", metavar="CODES", help="codes not to report")
    group.add_argument(
        "--min-confidence", choices=CONFIDENCES, help="the weakest evidence to report (default: carried)"
    )
    group.add_argument("--include", action="append", metavar="GLOB", help="files to check in folders (default: *.py)")
    group.add_argument("--exclude", action="append", metavar="GLOB", help="files and folders to leave out")
    group.add_argument("--force-exclude", action="store_true", help="leave out excluded files also when they are named")
    group.add_argument("--no-gitignore", action="store_true", help="check files that .gitignore names, too")
    group.add_argument("--baseline", type=Path, metavar="FILE", help="hide the findings that this file records")
    group.add_argument("--write-baseline", type=Path, metavar="FILE", help="record all findings in this file")
    fixing.add_arguments(parser)
    group = parser.add_argument_group("output")
    group.add_argument("--format", choices=FORMATS, default="text", help="output format (default: text)")
    group.add_argument("--output-file", "-o", type=Path, metavar="FILE", help="write the report here")
    group.add_argument("--statistics", action="store_true", help="count findings by rule")
    group.add_argument(
        "--fail-on", choices=(*SEVERITIES, "never"), default="warning", help="the mildest severity for exit code 1"
    )
    group.add_argument("--exit-zero", action="store_true", help="exit 0 even with findings")
    add_color_option(group)  # type: ignore[arg-type]
    add_project_options(parser)
    group = parser.add_argument_group("running")
    group.add_argument("--jobs", "-j", type=int, metavar="N", help="worker processes (default: by the number of files)")
    group.add_argument(
        "--budget", type=float, metavar="SECONDS", help="stop analysing a file after this time (default: 20)"
    )
    group.add_argument("--no-cache", action="store_true", help="neither read nor write the result cache")
    group.add_argument("--watch", "-w", action="store_true", help="check again whenever a file changes, until Ctrl-C")
    group.add_argument("--no-progress", action="store_true", help="no progress bar, also on a terminal")


@dataclass(slots=True)
class Outcome:
    """What a run found, before a baseline or a report looks at it. `files` are absolute, in order."""

    files: list[Path]
    results: list[FileAnalysis]
    problems: list[Finding] = field(default_factory=list)
    missing: list[AnalysisError] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All findings, each once, in order."""
        return merged([*self.problems, *(finding for result in self.results for finding in result.findings)])

    @property
    def errors(self) -> list[AnalysisError]:
        """All errors, each once, in order."""
        every = [*self.missing, *(error for result in self.results for error in result.errors)]
        return sorted(dict.fromkeys(every), key=lambda e: (e.span.file, e.span.line, e.kind))


def run(args: argparse.Namespace) -> int:
    """Check, report, and say by the exit code how it went."""
    to_utf8(sys.stdout)
    if args.watch:
        from ane_lsp.cli import watch

        return watch.run(args)
    projects = open_projects(project_arguments(args))
    change = fixing.wanted(args)
    outcome = check(args, projects)
    return fix(args, projects, outcome) if change else finish(args, projects, outcome)


def fix(args: argparse.Namespace, projects: Projects, outcome: Outcome) -> int:
    """Change the files, then report what is left, or only what was done."""
    stdin = "-" in args.paths
    done = fixing.fix_files(args, projects, outcome.results, stdin)
    if stdin and not args.diff:
        path = outcome.results[0].path
        source = projects.workspace(Path(path)).read(Path(path))
        sys.stdout.write(done.texts.get(path, source.text))
    if args.diff or args.fix_only or args.add_ignore or stdin:
        _say(done.applied, done.changed, args)
        for error in done.errors:
            print(printable(f"{error.span.file}: {error.message}"), file=sys.stderr)
        if done.errors or outcome.missing:
            return FAILED
        return FINDINGS if args.diff and done.changed else CLEAN
    outcome.results = [done.results.get(result.path, result) for result in outcome.results]
    outcome.missing += done.errors
    code = finish(args, projects, outcome)
    _say(done.applied, done.changed, args)
    return code


def _say(applied: int, changed: int, args: argparse.Namespace) -> None:
    """One line for people, where it cannot be taken for output."""
    what = "silenced" if args.add_ignore else "fixed"
    findings, files = "finding" if applied == 1 else "findings", "file" if changed == 1 else "files"
    verb = f"would be {what}" if args.diff else what
    print(f"{applied} {findings} {verb} in {changed} {files}", file=sys.stderr)


def check(args: argparse.Namespace, projects: Projects) -> Outcome:
    """Analyse everything the command line names."""
    from ane_lsp.cli.runner import analyse_all, analyse_one

    if "-" in args.paths:
        if len(args.paths) > 1:
            raise UsageError("- (stdin) cannot be combined with other paths")
        path = absolute(Path(args.stdin_filename or "stdin.py"))
        source = decode_source(path, sys.stdin.buffer.read())
        if source.unreadable is not None:
            problem = source.unreadable
            result = FileAnalysis(str(path), errors=[AnalysisError(problem.kind, problem.message, problem.span)])
        else:
            projects.workspace(path).set_overlay(path, source.text)
            result = analyse_one(path, projects)
        outcome = Outcome([path], [result])
    else:
        files, missing = collect(args, projects)
        bar = Bar(wanted=not args.no_progress)
        try:
            results = analyse_all(files, projects, project_arguments(args), args.jobs, not args.no_cache, bar)
        finally:
            bar.clear()
        outcome = Outcome(files, results, missing=missing)
    outcome.problems += settings_problems(projects)
    return outcome


def settings_problems(projects: Projects) -> list[Finding]:
    """What is wrong with the settings read so far. Raises UsageError where no environment can be found."""
    for workspace in projects.workspaces():
        if workspace.problem:
            raise UsageError(workspace.problem)
    return [
        Finding("ANE904", "settings", wrong.message, wrong.span, "warning", "documented")
        for wrong in dict.fromkeys(projects.problems)
    ]


def collect(args: argparse.Namespace, projects: Projects) -> tuple[list[Path], list[AnalysisError]]:
    """The files to check, each once, ordered by path; and the names that stand for nothing."""
    files: dict[Path, None] = {}
    missing: list[AnalysisError] = []
    for name in args.paths:
        path = absolute(Path(name))
        settings = projects.settings(path / "_" if path.is_dir() else path)
        root = settings.root
        if path.is_dir():
            found = discover(path, settings.include, settings.exclude, root or path, not args.no_gitignore)
            files.update(dict.fromkeys(found))
        elif not path.exists():
            missing.append(AnalysisError("read", "no such file or folder", Span(str(path), 1, 0, 1, 0)))
        elif not (args.force_exclude and any(path_matches(path, pattern, root) for pattern in settings.exclude)):
            files[path] = None
    return sorted(files), missing


def finish(args: argparse.Namespace, projects: Projects, outcome: Outcome) -> int:
    """Apply the baseline, print the report, return the exit code."""
    report = make_report(args, projects, outcome)
    if args.baseline is not None:
        from ane_lsp.cli.baseline import hide_known

        report.findings, report.baselined = hide_known(report, args.baseline)
    if args.write_baseline is not None:
        from ane_lsp.cli.baseline import write_baseline

        write_baseline(report, args.write_baseline)
        print(f"{len(report.findings)} findings recorded in {args.write_baseline}", file=sys.stderr)
        return CLEAN
    emit(args, report)
    return exit_code(args, report)


def make_report(args: argparse.Namespace, projects: Projects, outcome: Outcome) -> Report:
    """The outcome as the formats want it."""

    def lines(file: str) -> object:
        source = projects.workspace(Path(file)).read(Path(file))
        return None if source.unreadable is not None else source.lines

    return Report(
        findings=outcome.findings,
        models=[model for result in outcome.results for model in result.models],
        errors=outcome.errors,
        unfollowed=[one for result in outcome.results for one in result.unfollowed],
        files=len(outcome.files),
        base=absolute(Path()),
        lines=lines,  # type: ignore[arg-type]
        fail_on=None if args.fail_on == "never" else args.fail_on,
        statistics=args.statistics,
        checked=[str(path) for path in outcome.files],
        placements=_placements(projects, outcome) if args.format == "html" else (),
    )


def _placements(projects: Projects, outcome: Outcome) -> list[Placement]:
    """Where each model's operations would run, for the first target of its file; the picture of a page with few models."""
    from ane_lsp.analysis import analyze
    from ane_lsp.knowledge import targets
    from ane_lsp.placement import place

    found: list[Placement] = []
    for path, result in zip(outcome.files, outcome.results, strict=True):
        if not result.models or len(found) >= _PICTURED:
            continue
        graphs = result.graphs or analyze(path, projects.workspace(path), projects.settings(path)).graphs  # not cached
        chosen = targets.resolve_all(projects.settings(path).targets)[0]
        found += [place(graph, chosen) for graph in graphs]
    return found[:_PICTURED]


def emit(args: argparse.Namespace, report: Report) -> None:
    """Write the report to where it was asked for. Raises UsageError where that cannot be written."""
    if args.output_file is None:
        sys.stdout.write(render(report, args.format, wants_color(args.color, sys.stdout)))
        return
    text = render(report, args.format, args.color == "always")
    write_text("--output-file", args.output_file, text)


def exit_code(args: argparse.Namespace, report: Report) -> int:
    """0 clean, 1 findings or files that do not parse, 2 where a named file is missing or the tool itself failed."""
    if any(error.kind in ("internal", "read") for error in report.errors):
        return FAILED
    if args.exit_zero or report.fail_on is None:
        return CLEAN
    failing: Sequence[object] = [finding for finding in report.findings if report.fails(finding.severity)]
    broken = [error for error in report.errors if error.kind != "budget"]
    return FINDINGS if failing or broken else CLEAN
