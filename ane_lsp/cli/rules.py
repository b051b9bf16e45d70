"""``ane-lsp rules``: what is checked, and what became of each known constraint."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from ane_lsp.cli.errors import CLEAN, FINDINGS, UsageError
from ane_lsp.cli.options import to_utf8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``rules``."""
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument(
        "--coverage", action="store_true", help="every catalogued constraint with the rule or fact it became"
    )
    parser.add_argument(
        "--evidence", type=Path, metavar="FILE",
        help="check a file that `ane-lsp verify --contribute` wrote, and print its rows and where they contradict the facts",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print the list. 1 where evidence contradicts a fact."""
    to_utf8(sys.stdout)
    if args.evidence is not None:
        return _evidence(args.evidence)
    rows = _coverage() if args.coverage else _rules()
    if args.format == "json":
        print(json.dumps(rows, indent=2))
        return CLEAN
    columns = list(rows[0]) if rows else []
    if args.format == "markdown":
        print("| " + " | ".join(columns) + " |")
        print("|" + "---|" * len(columns))
        for row in rows:
            print("| " + " | ".join(value.replace("|", "\\|") for value in row.values()) + " |")
        return CLEAN
    widths = [max(len(row[column]) for row in rows) for column in columns[:-1]]
    for row in rows:
        values = list(row.values())
        print("  ".join([*(value.ljust(size) for value, size in zip(values, widths, strict=False)), values[-1]]))
    print(f"\n{_total(rows, args.coverage)}")
    return CLEAN


def _evidence(path: Path) -> int:
    from ane_lsp.knowledge import observations
    from ane_lsp.knowledge.files import KnowledgeError

    try:
        found = observations.read(path.name, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (KnowledgeError, UnicodeDecodeError) as error:
        raise UsageError(str(error)) from None
    sys.stdout.write(observations.to_csv(found, f"contributed: {path.name}"))
    wrong = list(observations.contradictions(found))
    print(f"{len(found)} rows for rules/facts/{observations.TABLE}; {len(wrong)} contradict the facts", file=sys.stderr)
    for one, verdict in wrong:
        said = "may run on the Neural Engine" if verdict.ane == "yes" else f"may not: {verdict.reason}"
        print(
            f"{one.op} {json.dumps(one.inputs)}: the facts say it {said}; Core ML offers {', '.join(one.supported)}",
            file=sys.stderr,
        )
    return FINDINGS if wrong else CLEAN


def _total(rows: list[dict[str, str]], coverage: bool) -> str:
    if not coverage:
        return f"{len(rows)} rules"
    count = Counter(row["outcome"] for row in rows)
    return (
        f"{len(rows)} constraints: {count['rule']} have a rule, {count['fact']} are facts, "
        f"{count['not-flagged']} are not flagged, with the reason"
    )


def _rules() -> list[dict[str, str]]:
    from ane_lsp.knowledge import rules

    return [
        {
            "code": rule.code,
            "name": rule.name,
            "severity": rule.severity,
            "fix": "" if rule.fix == "none" else f"{rule.fix} fix",
            "summary": rule.summary,
        }
        for rule in rules.all_rules()
    ]


def _coverage() -> list[dict[str, str]]:
    from ane_lsp.knowledge import coverage

    return [
        {
            "constraint": entry.constraint,
            "outcome": entry.outcome,
            "where": ", ".join(entry.refs),
            "note": entry.note,
        }
        for entry in coverage.table()
    ]
