"""Figures inside written pages: ``<!-- figure: NAME -->`` stands for what these functions count."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ane_lsp
from ane_lsp.checks.finding import SEVERITIES
from ane_lsp.knowledge import coverage, eligibility, rules, tables, targets
from generator.chart import bars
from generator.text import plain, source, table, where

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ("examples/tiny_decoder.py", "docs/tutorial/decoder.py")
"""The tutorial's model, before and after."""

_PLACE = re.compile(r"<!-- figure: ([a-z-]+) -->")


def fill(text: str) -> str:
    """The text with its figures. Raises KeyError for a name nobody counts."""
    return _PLACE.sub(lambda match: FIGURES[match[1]](), text)


def _evidence() -> str:
    found = [item for rule in rules.all_rules() for item in rule.evidence]
    facts = [fact for own in eligibility.facts().values() for fact in own]
    rows = [
        [word, str(Counter(item.basis for item in found)[word]), str(Counter(fact.basis for fact in facts)[word])]
        for word in eligibility.BASES
    ]
    header = ["known by", f"observations on {len(rules.codes())} rule pages", "facts about operations"]
    return "\n".join(table(header, rows))


def _accounting() -> str:
    count = Counter(entry.outcome for entry in coverage.table())
    return (
        f"{len(coverage.table())} constraints were catalogued: {count['rule']} have a rule, {count['fact']} are facts that rules "
        f"and the placement use, {count['not-flagged']} are not flagged, each with a reason (`ane-lsp rules --coverage`)."
    )


def _constants() -> str:
    columns = ("constant", "backend", "value", "meaning", "confidence", "chip", "os", "source")
    rows = [
        [plain(row["constant"].replace("_", " ")), plain(row["backend"]), row["value"], plain(row["meaning"]),
         f"{row['confidence']} on {where(row['chip'], row['os'])}", source(row["source"])]
        for row in tables.load("cost-constants.csv", columns)
    ]  # fmt: skip
    return "\n".join(table(["constant", "backend", "value", "meaning", "known", "source"], rows))


def _rules() -> str:
    return str(len(rules.codes()))


def _targets() -> str:
    chips = targets.chips()
    return f"{len(chips)} chips and {sum(len(chip.devices) for chip in chips)} device names"


def _servers() -> str:
    document = json.loads((ROOT / "benchmarks" / "servers" / "figures.json").read_text(encoding="utf-8"))
    rows = document["rows"]
    out = [f"{document['date']}, {document['machine']}, load {document['load']}; {document['rounds']} rounds.", ""]
    for file in dict.fromkeys(row["file"] for row in rows):
        own = [row for row in rows if row["file"] == file]
        drawn = [(row["server"], row["edit"], row["server"] == "ane-lsp") for row in own]
        out += [bars(f"{file}, {own[0]['lines']} lines: from an edit to its findings, median", drawn, "ms"), ""]
    header = ["server", "file", "start to `initialize`", "open to findings", "edit to findings", "edits"]
    cells = [
        [
            plain(row["server"]),
            plain(row["file"]),
            *(f"{row[key]:g} ms" for key in ("start", "open", "edit")),
            str(row["n"]),
        ]
        for row in rows
    ]
    return "\n".join([*out, *table(header, cells)])


def _speed() -> str:
    from benchmarks import goals

    document = json.loads((ROOT / "benchmarks" / "baseline.json").read_text(encoding="utf-8"))
    # A file written before date, load and edits were recorded has only the commands' figures.
    when = [document["date"]] if "date" in document else []
    load = [f"load {document['load']}"] if "load" in document else []
    out = [", ".join([*when, f"Python {document['python']}", "2 shared cores", *load]) + ".", ""]
    if reached := goals.lines(document):
        out += [*table(list(goals.HEADER), [line.cells() for line in reached]), ""]
    rows = document.get("edits", [])
    for file in dict.fromkeys(row["file"] for row in rows):
        own = [row for row in rows if row["file"] == file]
        drawn = [(f"{row['server']}, {row['kind']}", row["cpu_p50"], row["server"] == "ane-lsp") for row in own]
        out += [bars(f"{file}: processor time from an edit to its findings, median", drawn, "ms"), ""]
    header = ["file", "server", "what was edited", "wall, p50", "p95", "processor time, p50", "p95", "edits", "memory"]
    cells = [
        [
            plain(row["file"]), plain(row["server"]), plain(row["kind"]),
            *(f"{row[key]:g} ms" for key in ("wall_p50", "wall_p95", "cpu_p50", "cpu_p95")),
            str(row["n"]), f"{row['memory_mb']:g} MB",
        ]
        for row in rows
    ]  # fmt: skip
    out += [*table(header, cells), ""] if rows else []
    out += _checked(document.get("library", {}))
    figures = [[plain(name), f"{seconds:g}"] for name, seconds in document["figures"].items()]
    return "\n".join([*out, *table(["command", "CPU seconds"], figures)])


def _checked(library: dict[str, Any]) -> list[str]:
    """The picture of a package checked cold beside torchfix."""
    if "torchfix" not in library.get("sample", {}):
        return []
    sample = library["sample"]
    ways = (("cpu", "processor time, one process"), ("wall", "by the clock"))
    drawn = [(f"{name}, {way}", round(sample[key][kind], 1), key == "own")
             for kind, way in ways for name, key in (("ane-lsp", "own"), ("torchfix", "torchfix"))]  # fmt: skip
    return [bars(f"{library['name']}, {sample['files']} files, cold", drawn, "s"), ""]


def _tutorial() -> str:
    found = [ane_lsp.analyze_file(ROOT / name) for name in TUTORIAL]
    (before,), (after,) = (file.models for file in found)
    rows = [("operations", before.ops, after.ops), ("of them can run on the ANE of M4", before.on_ane, after.on_ane)]
    rows += [
        (f"findings: {severity}", *(sum(finding.severity == severity for finding in file.findings) for file in found))
        for severity in SEVERITIES
    ]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


FIGURES: dict[str, Callable[[], str]] = {
    "evidence": _evidence,
    "accounting": _accounting,
    "constants": _constants,
    "rules": _rules,
    "servers": _servers,
    "speed": _speed,
    "tutorial": _tutorial,
    "targets": _targets,
}
