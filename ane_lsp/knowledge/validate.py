"""Reads everything below ``rules/`` and reports what is wrong: ``python -m ane_lsp.knowledge.validate``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

from ane_lsp.knowledge import conversion, coverage, eligibility, files, limits, observations, rules, tables, targets
from ane_lsp.knowledge.evidence import CONFIDENCES
from ane_lsp.knowledge.files import KnowledgeError

# Tables that are read by other parts or by readers only: header, and which cells may not be empty.
PLAIN_TABLES = {
    "numerics.csv": (
        ("fact", "ops", "value", "meaning", "confidence", "chip", "os", "source"),
        ("fact", "ops", "meaning", "confidence", "source"),
    ),
    "cost-constants.csv": (
        ("constant", "backend", "value", "meaning", "confidence", "chip", "os", "source"),
        ("constant", "backend", "value", "meaning", "confidence", "chip", "os", "source"),
    ),
    "cost-rates.csv": (
        ("op", "form", "backend", "measure", "from", "rate", "unit", "meaning", "confidence", "chip", "os", "source"),
        ("op", "backend", "from", "rate", "unit", "confidence", "chip", "os", "source"),
    ),
    "cost-samples.csv": (
        ("case", "op", "shapes", "params", "ane_ms", "bnns_ms", "classic_cpu_ms", "bytes", "flops", "origin", "confidence",
         "chip", "os", "source"),
        ("case", "op", "shapes", "origin", "confidence", "chip", "os", "source"),
    ),
}  # fmt: skip


def problems() -> Iterator[KnowledgeError]:
    """Everything that is wrong, one error for each page and table."""
    loaders: list[Callable[[], object]] = [
        targets.chips,
        eligibility.facts,
        limits.table,
        conversion.coverage,
        conversion.table,
        coverage.table,
        coverage.claims,
        observations.table,
        _codes_of_facts,
        *(partial(_plain, name) for name in PLAIN_TABLES),
    ]
    try:
        loaders += [partial(rules.page, code) for code in rules.codes()]
    except KnowledgeError as error:
        yield error
    for load in loaders:
        try:
            load()
        except KnowledgeError as error:
            yield error
    yield from left_to_do()


def left_to_do() -> Iterator[KnowledgeError]:
    """The first place of each page that the scaffold left open."""
    for name in files.names("", ".md"):
        for number, line in enumerate(files.read(name).splitlines(), 1):
            if "TODO" in line:
                yield KnowledgeError(name, number, line.index("TODO") + 1, "`TODO` is left to be written")
                break


def _plain(name: str) -> None:
    columns, filled = PLAIN_TABLES[name]
    for row in tables.load(name, columns, filled):
        row.choice("confidence", CONFIDENCES)


def _codes_of_facts() -> None:
    """Facts and conversion cases name rules that exist."""
    known = set(rules.codes())
    for facts in eligibility.facts().values():
        for fact in facts:
            if fact.code and fact.code not in known:
                raise KnowledgeError("facts/ane-ops.csv", fact.line, 8, f"`code`: no rule is called {fact.code}")
            if fact.code and not fact.reason:
                raise KnowledgeError("facts/ane-ops.csv", fact.line, 9, "`reason`: is empty, and a rule reports it")
    unknown = set(conversion.codes()) - known
    if unknown:
        raise KnowledgeError(
            "facts/torch-conversion.csv", 1, 5, f"`code`: no rule is called {', '.join(sorted(unknown))}"
        )


def main() -> int:
    """Print every problem; 1 if there is one."""
    found = list(problems())
    for problem in found:
        print(f"rules/{problem}")
    if not found:
        print(f"{len(rules.codes())} rules and {len(files.names('facts', '.csv'))} fact tables are valid")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
