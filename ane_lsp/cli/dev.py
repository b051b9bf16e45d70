"""``ane-lsp dev``: chores for contributors, run in a source checkout."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ane_lsp.cli.errors import CLEAN, UsageError
from ane_lsp.cli.options import to_utf8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``dev``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="CHORE")
    new = actions.add_parser("new-rule", help="write the page of a new rule, to be filled in")
    new.add_argument("code", help="a free code, for example ANE321; its digit decides the family")
    new.add_argument("name", help="what is wrong, in a few words with hyphens: max-pool-window")
    new.add_argument("--op", default="conv", help="the MIL operation it looks at (default: conv)")
    new.add_argument("--summary", default="TODO: what is wrong, in one line", help="what is wrong, in one line")
    actions.add_parser("check-rules", help="read everything in rules/ and report what is wrong")
    actions.add_parser("claims", help="print what became of each claim people make about the ANE")
    actions.add_parser("schema", help="print the JSON schema of the settings")
    actions.add_parser("settings-docs", help="print the settings reference")
    actions.add_parser("man", help="print the manual page")


def run(args: argparse.Namespace) -> int:
    """Do the chore."""
    to_utf8(sys.stdout)
    if args.action == "new-rule":
        return _new_rule(args)
    if args.action == "man":
        from ane_lsp.cli.man import manual

        print(manual(), end="")
        return CLEAN
    if args.action == "claims":
        from ane_lsp.knowledge import coverage

        print(coverage.claims_markdown(), end="")
        return CLEAN
    if args.action == "check-rules":
        from ane_lsp.knowledge import validate

        return validate.main()
    from ane_lsp.workspace import schema

    text = schema.markdown() if args.action == "settings-docs" else json.dumps(schema.json_schema(), indent=2) + "\n"
    print(text, end="")
    return CLEAN


def _new_rule(args: argparse.Namespace) -> int:
    from ane_lsp.knowledge import files, scaffold

    root = Path(str(files.root())).parent
    if not (root / "pyproject.toml").is_file():
        raise UsageError("new-rule works in a source checkout: install it with pip install -e .")
    try:
        made = scaffold.new_rule(root, args.code.upper(), args.name, args.summary, args.op)
    except scaffold.ScaffoldError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"the page cannot be written: {error.strerror}") from None
    print(f"wrote {made.page.relative_to(root)}\n\nNow add to {made.module}:\n\n{made.check}")
    print(f"Then: python3 tasks.py test -- tests/checks -k {args.code.upper()}")
    return CLEAN
