"""``ane-lsp report``: the map of a workspace's models."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ane_lsp.checks.finding import CONFIDENCES
from ane_lsp.cli import check
from ane_lsp.cli.errors import CLEAN, FAILED, UsageError
from ane_lsp.cli.options import (
    add_project_options,
    add_target_options,
    open_projects,
    project_arguments,
    to_utf8,
)
from ane_lsp.cli.output import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``report``."""
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files and folders")
    parser.add_argument("--format", choices=("html", "json", "text"), default="html", help="default: html")
    parser.add_argument("--output-file", "-o", type=Path, metavar="FILE", help="write the map here")
    parser.add_argument("--against", type=Path, metavar="FILE", help="the JSON map of an earlier run: show the trend")
    parser.add_argument("--title", default="Models on the Neural Engine", help="the page's heading")
    add_target_options(parser)
    parser.add_argument(
        "--min-confidence", choices=CONFIDENCES, help="the weakest evidence to count (default: carried)"
    )
    parser.add_argument("--include", action="append", metavar="GLOB", help="files to read in folders (default: *.py)")
    parser.add_argument("--exclude", action="append", metavar="GLOB", help="files and folders to leave out")
    add_project_options(parser)
    parser.add_argument(
        "--jobs", "-j", type=int, metavar="N", help="worker processes (default: by the number of files)"
    )
    parser.add_argument(
        "--budget", type=float, metavar="SECONDS", help="stop analysing a file after this time (default: 20)"
    )
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the result cache")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar, also on a terminal")


def run(args: argparse.Namespace) -> int:
    """Write the map. 0 whatever is in it; 2 where a named file is missing or the tool itself failed."""
    from ane_lsp.report import workspace_map

    to_utf8(sys.stdout)
    earlier = _read(args.against) if args.against is not None else None
    projects = open_projects(project_arguments(args))
    args = argparse.Namespace(**{**vars(_check_defaults()), **vars(args)})
    if "-" in args.paths:
        raise UsageError("a map is of files and folders, not of standard input")
    outcome = check.check(args, projects)
    report = check.make_report(args, projects, outcome)
    try:
        found = workspace_map.make(report, earlier)
    except ValueError as error:
        raise UsageError(f"--against: {args.against}: {error}") from None
    if args.format == "html":
        from ane_lsp.report import map_html

        text = map_html.page(found, args.title)
    else:
        text = workspace_map.to_json(found) if args.format == "json" else workspace_map.to_text(found)
    if args.output_file is None:
        sys.stdout.write(text)
    else:
        write_text("--output-file", args.output_file, text)
        print(workspace_map.headline(found), file=sys.stderr)
        for problem in found.problems:
            print(f"not analysed in full: {problem}", file=sys.stderr)
    return FAILED if any(error.kind in ("internal", "read") for error in report.errors) else CLEAN


def _check_defaults() -> argparse.Namespace:
    """What `check` has and a map has no use for, as it is without being said."""
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return parser.parse_args([])


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--against: cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"--against: {path} is not JSON") from None
    if not isinstance(document, dict):
        raise UsageError(f"--against: {path} is not a map written by ane-lsp report --format json")
    return document
