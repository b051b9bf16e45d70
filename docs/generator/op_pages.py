"""What the ANE runs, by Core ML operation, and what converts, by torch call."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from ane_lsp.knowledge import files, rules
from generator import facts
from generator.device_pages import cell
from generator.text import code, plain, searchable, table


def pages() -> Iterator[tuple[str, str]]:
    """(address below docs/, Markdown)."""
    yield "ops.md", _ops()
    yield "conversion.md", _conversion()


def _ops() -> str:
    known = facts.generations()
    header = [f"H{g}<br>{', '.join(facts.chips_of(g))}" for g in known]
    rows = []
    for line in facts.lines():
        decided = [fact for fact in line.facts.values() if fact is not None]
        if not decided:
            continue
        codes = dict.fromkeys(fact.code for fact in decided if fact.code in rules.codes())
        reasons = dict.fromkeys(fact.reason for fact in decided if fact.reason)
        rows.append([
            "any operation" if line.op == "*" else code(line.op),
            code(line.when) if line.when else "",
            *(cell(line, g) for g in known),
            ", ".join(f"[{c}](rules/{c}.md)" for c in codes),
            plain("; ".join(reasons)),
        ])  # fmt: skip
    count = len({line.op for line in facts.lines()} - {"*"})
    out = [
        "---", "hide: [toc, navigation]", "---", "", "# What the ANE runs", "",
        f"{count} Core ML (MIL) operations on every engine generation. The first line of an operation that fits decides; a line "
        "without a condition holds otherwise. Hover over a cell for where it comes from. *yes* means that Core ML offers the "
        "operation to the ANE, not that it is worth it there: [placement](placement.md). Words in braces stand for a property of "
        "the operation. A torch call becomes one or more of these: [conversion](conversion.md).", "",
        *searchable(table(["operation", "where", *header, "rule", "why"], rows), "Find an operation"),
    ]  # fmt: skip
    return "\n".join(out) + "\n"


def _conversion() -> str:
    rows = []
    for row in csv.DictReader(files.read("facts/torch-coverage.csv").splitlines()):
        answers = [row[column] for column in ("trace_9_0", "export_9_0", "core_9_0", "trace_ios15", "trace_main")]
        rows.append(
            [code(row["case"]), *(f"**{plain(a)}**" if a == "no" else plain(a) for a in answers), plain(row["mil_ops"])]
        )
    out = [
        "---", "hide: [toc, navigation]", "---", "", "# What converts", "",
        f"{len(rows)} torch calls, each converted with torch 2.13: by `torch.jit.trace`, by `torch.export`, and by `torch.export` "
        "with decompositions, in coremltools 9.0 (deployment target iOS 18, and iOS 15 for the trace) and its development version.",
        "", *searchable(
            table(["torch", "trace", "export", "decomposed", "trace, iOS 15", "trace, 9.1 dev", "becomes"], rows), "Find a torch call"
        ),
    ]  # fmt: skip
    return "\n".join(out) + "\n"
