"""``ane-lsp explain CODE``: the page of a rule."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from ane_lsp.cli.errors import CLEAN, UsageError
from ane_lsp.cli.options import add_color_option, to_utf8, wants_color
from ane_lsp.report.terminal import Painter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``explain``."""
    parser.add_argument("code", metavar="CODE", help="a rule's code or name: ANE302, max-pool-window")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    add_color_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print the page."""
    to_utf8(sys.stdout)
    code = find_code(args.code)
    if args.format == "json":
        from ane_lsp.knowledge import rules

        page = rules.page(code)
        document = {**asdict(page.rule), "sections": dict(page.sections)}
        print(json.dumps(document, indent=2, default=str))
        return CLEAN
    painted = args.format == "text" and wants_color(args.color, sys.stdout)
    for line in page_lines(code, Painter(painted), markdown=args.format == "markdown"):
        print(line)
    return CLEAN


def find_code(text: str) -> str:
    """The code of a rule by code or name. Raises UsageError with close matches."""
    from ane_lsp.knowledge import rules
    from ane_lsp.workspace.schema import close

    wanted = text.strip()
    if wanted.upper() in rules.codes():
        return wanted.upper()
    named = rules.by_name(wanted.lower())
    if named is None:
        names = [*rules.codes(), *map(rules.rule_name, rules.codes())]
        raise UsageError(f"no rule is called {wanted!r}{close(wanted, names) or '; ane-lsp rules lists them'}")
    return named


def page_lines(code: str, paint: Painter, markdown: bool = False) -> Iterator[str]:
    """Headline, facts, sections and evidence of a rule."""
    from ane_lsp.knowledge import rules

    page = rules.page(code)
    rule = page.rule
    mark = "# " if markdown else ""
    yield paint("bold", f"{mark}{rule.code} {rule.name}")
    yield ""
    yield rule.summary + "."
    yield ""
    facts = [("severity", rule.severity), ("family", rule.category), ("fix", rule.fix)]
    if rule.ops:
        facts.append(("operations", ", ".join(rule.ops)))
    if rule.applies_to != ("all",):
        facts.append(("targets", ", ".join(rule.applies_to)))
    for label, value in facts:
        yield f"- {label}: {value}" if markdown else f"  {paint('dim', label + ':')} {value}"
    for title, text in page.sections.items():
        yield ""
        yield paint("bold", f"## {title}" if markdown else title)
        yield ""
        yield text
    yield ""
    yield paint("bold", "## Evidence" if markdown else "Evidence")
    yield ""
    for item in rule.evidence:
        evidence = item.evidence
        where = ", ".join(part for part in (evidence.chip, evidence.os, evidence.date) if part)
        yield f"- {evidence.claim}"
        yield f"  {item.basis}{f' ({where})' if where else ''}: {evidence.source}"
