"""``ane-lsp refactor FILE:LINE [NAME]``: larger rewrites at a place, right or refused with a reason."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ane_lsp.cli.errors import CLEAN, FAILED, FINDINGS, UsageError
from ane_lsp.cli.fixing import analyser, unified
from ane_lsp.cli.options import add_project_options, add_target_options, open_projects, project_arguments, to_utf8
from ane_lsp.workspace.workspace import absolute


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``refactor``."""
    parser.add_argument("place", metavar="FILE:LINE[:COLUMN]", help="a place in a model; line and column count from 1")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="ane-layout, split-model or hoist-table; without it, what is possible there",
    )
    parser.add_argument("--diff", action="store_true", help="print what would change, and write nothing")
    add_target_options(parser)
    add_project_options(parser)


def run(args: argparse.Namespace) -> int:
    """0 where it was done or listed, 1 where it was refused."""
    from ane_lsp.fixes.files import NotWritten, encoded, write
    from ane_lsp.fixes.refactorings import ORDER, offers, refactor
    from ane_lsp.fixes.tree import Refused

    to_utf8(sys.stdout)
    if args.name is not None and args.name not in ORDER:
        raise UsageError(f"no refactoring {args.name!r}; there are {', '.join(ORDER)}")
    path, line, col = _place(args.place)
    projects = open_projects(project_arguments(args))
    source = projects.workspace(path).read(path)
    if source.problem is not None:
        raise UsageError(f"{path}: {source.problem.message}")
    if line > len(source.lines):
        raise UsageError(f"{path} has {len(source.lines)} lines")
    analyse = analyser(path, projects)
    result = analyse(source.text)
    if args.name is None:
        found = offers(source, result, line, col)
        for offer in found:
            print(f"{offer.name}: {offer.title}")
        if not found:
            print("nothing to refactor here", file=sys.stderr)
        return CLEAN if found else FINDINGS
    try:
        fix, text = refactor(source, result, args.name, analyse, line, col)
    except Refused as reason:
        print(f"{args.name} refused: {reason}", file=sys.stderr)
        return FINDINGS
    try:
        if args.diff:
            encoded(source, text)
            sys.stdout.write(unified(source, text))
        else:
            write(source, text)
    except NotWritten as problem:
        print(f"{path}: {problem}", file=sys.stderr)
        return FAILED
    print(f"{fix.title} ({fix.safety})", file=sys.stderr)
    return CLEAN


def _place(text: str) -> tuple[Path, int, int | None]:
    """File, line and column (from 0) of ``FILE:LINE:COLUMN``."""
    found = re.fullmatch(r"(.+?):(\d+)(?::(\d+))?", text)
    if found is None or int(found[2]) < 1 or found[3] == "0":
        raise UsageError(f"{text!r} is not FILE:LINE or FILE:LINE:COLUMN")
    path = absolute(Path(found[1]))
    if not path.is_file():
        raise UsageError(f"{found[1]}: no such file")
    return path, int(found[2]), None if found[3] is None else int(found[3]) - 1
