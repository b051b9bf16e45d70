"""``ane-lsp check --fix`` and its relatives: what is written, shown as a diff, or silenced."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ane_lsp.analysis import AnalysisError, FileAnalysis, analyze
from ane_lsp.checks.finding import Finding
from ane_lsp.cli.errors import UsageError
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.source import SourceFile, source_from_text
from ane_lsp.workspace.project import Projects

if TYPE_CHECKING:
    from ane_lsp.fixes.fixpoint import Fixed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that change files."""
    group = parser.add_argument_group("fixing")
    group.add_argument("--fix", action="store_true", help="apply safe fixes, then report what is left")
    group.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="with --fix, --fix-only or --diff: also fixes that change numbers, parameters or layout",
    )
    group.add_argument("--fix-only", action="store_true", help="apply safe fixes and report nothing that is left")
    group.add_argument("--diff", action="store_true", help="print what would change; exit 1 where anything would")
    group.add_argument(
        "--add-ignore", action="store_true", help="silence every finding with a comment at the end of its line"
    )


def wanted(args: argparse.Namespace) -> bool:
    """Whether any of these options was given."""
    if args.unsafe_fixes and not (args.fix or args.fix_only or args.diff):
        raise UsageError("--unsafe-fixes needs --fix, --fix-only or --diff")
    if args.add_ignore and (args.fix or args.fix_only):
        raise UsageError("--add-ignore cannot be combined with --fix; run them one after the other")
    return bool(args.fix or args.fix_only or args.diff or args.add_ignore)


@dataclass(slots=True)
class Changes:
    """What was done. results: of changed files, in place of the old ones. texts: what they hold now."""

    results: dict[str, FileAnalysis] = field(default_factory=dict)
    errors: list[AnalysisError] = field(default_factory=list)
    changed: int = 0
    applied: int = 0
    texts: dict[str, str] = field(default_factory=dict)


def analyser(path: Path, projects: Projects) -> Callable[[str], FileAnalysis]:
    """Analyses `path` as if it held a given text."""
    workspace, settings = projects.workspace(path), projects.settings(path)

    def run(text: str) -> FileAnalysis:
        with workspace.overlaid(path, text):
            return analyze(path, workspace, settings)

    return run


def fix_files(
    args: argparse.Namespace, projects: Projects, results: list[FileAnalysis], stdin: bool = False
) -> Changes:
    """Fix, or silence the findings of, every analysed file; written to disk unless shown as a diff or read from stdin."""
    from ane_lsp.fixes import fixable_codes

    done = Changes()
    codes = fixable_codes()
    for result in results:
        path = Path(result.path)
        own = [finding for finding in result.findings if finding.span.file == result.path]
        source = projects.workspace(path).read(path)
        if source.tree is None:
            continue
        if args.add_ignore:
            text = silenced(source, own)
            changed = FileAnalysis(
                result.path, [f for f in result.findings if f not in own], [], result.models, result.errors
            )
            count = len(own)
        elif any(finding.code in codes for finding in own):
            fixed = _fixed(args, projects, source)
            text, count = fixed.text, len(fixed.applied)
            after = fixed.result
            changed = after if isinstance(after, FileAnalysis) else result
        else:
            continue
        if text == source.text:
            continue
        _put(args, done, source, text, stdin)
        if args.diff or stdin or not any(e.span.file == result.path for e in done.errors):
            done.changed += 1
            done.applied += count
            done.texts[result.path] = text
            if not args.diff:
                done.results[result.path] = FileAnalysis(
                    result.path, changed.findings, [], changed.models, changed.errors
                )
    return done


def _fixed(args: argparse.Namespace, projects: Projects, source: SourceFile) -> Fixed:
    from ane_lsp.fixes import fix_text

    return fix_text(source, analyser(source.path, projects), unsafe=args.unsafe_fixes)


def silenced(source: SourceFile, findings: list[Finding]) -> str:
    """The text with a comment for each finding that can be silenced. Comments go to line ends, so places stay."""
    from ane_lsp.fixes.comments import NOT_SUPPRESSIBLE, suppress
    from ane_lsp.fixes.edits import apply, changes

    for finding in findings:
        if finding.code in NOT_SUPPRESSIBLE:
            continue
        edit = suppress(source, finding)
        if edit is not None:
            after = source_from_text(source.path, apply(source.text, changes(source.lines, [edit])))
            if after.tree is not None:
                source = after
    return source.text


def _put(args: argparse.Namespace, done: Changes, source: SourceFile, text: str, stdin: bool) -> None:
    from ane_lsp.fixes.files import NotWritten, encoded, write

    try:
        if args.diff:
            encoded(source, text)
            sys.stdout.write(unified(source, text))
        elif stdin:
            encoded(source, text)
        else:
            write(source, text)
    except NotWritten as problem:
        where = Span(str(source.path), 1, 0, 1, 0)
        done.errors.append(AnalysisError("read", f"not fixed: {problem}", where))


def unified(source: SourceFile, text: str) -> str:
    """A diff that patch and git apply read."""
    try:
        name = source.path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        name = source.path.as_posix()
    old, new = source.text.split("\n"), text.split("\n")
    import difflib

    lines = list(difflib.unified_diff([x + "\n" for x in old], [x + "\n" for x in new], f"a/{name}", f"b/{name}"))
    return "".join(lines)
