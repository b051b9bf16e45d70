"""A page for each rule, and their list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ane_lsp.knowledge import rules
from ane_lsp.knowledge.rules import Rule
from generator.text import plain, source, table, where

FAMILIES = {
    "program": ("ANE0xx: does not run", "torch itself would refuse it, whatever the device."),
    "convert": ("ANE1xx: does not convert", "coremltools refuses the operation, or converts it to something else."),
    "placement": ("ANE2xx: leaves the ANE", "It converts, and runs on the CPU or GPU."),
    "limits": ("ANE3xx: too large", "The operation runs on the ANE, but not with this size or parameter."),
    "performance": ("ANE4xx: runs there, slowly", "Layout, alignment, strides, kernels, transposes."),
    "numerics": ("ANE5xx: fp16", "Overflow, underflow and cancellation in sixteen bits."),
    "shapes": ("ANE6xx: dynamic shapes and control flow", "What is known only at run time."),
    "model": ("ANE7xx: weights, states, size", "Compression, model size, states, inputs and outputs."),
    "transformer": ("ANE8xx: transformers", "Masks, caches, rotary positions, attention."),
    "tool": ("ANE9xx: the tool itself", "Settings, comments and the analysis."),
}
_KINDS = {
    "bad": "Reported",
    "good": "Not reported",
    "near-miss": "Not reported, though it looks like it",
}
_FENCE = re.compile(r"^```python (bad|good|near-miss)(.*)$")


def pages() -> Iterator[tuple[str, str]]:
    """(address below docs/, Markdown)."""
    listed = rules.all_rules()
    yield "rules/index.md", _index(listed)
    for rule in listed:
        yield f"rules/{rule.code}.md", _page(rule)


def _index(listed: tuple[Rule, ...]) -> str:
    out = [
        "---", "search: { boost: 2 }", "---", "", "# Rules", "",
        f"{len(listed)} rules. `ane-lsp explain CODE` prints a rule's page in the terminal; editors show it in a hover.", "",
    ]  # fmt: skip
    for category, (title, meaning) in FAMILIES.items():
        own = [rule for rule in listed if rule.category == category]
        if own:
            out += [f"## {title}", "", meaning, ""]
            rows = [
                [
                    f"[{rule.code}]({rule.code}.md)",
                    plain(rule.name),
                    rule.severity,
                    "" if rule.fix == "none" else rule.fix,
                    plain(rule.summary),
                ]
                for rule in own
            ]
            out += [*table(["code", "name", "severity", "fix", "what"], rows), ""]
    return "\n".join(out)


def _page(rule: Rule) -> str:
    page = rules.page(rule.code)
    scope = "every chip" if rule.applies_to == ("all",) else ", ".join(map(plain, rule.applies_to))
    facts = [
        ("severity", rule.severity),
        ("family", f"[{FAMILIES[rule.category][0]}](index.md)"),
        ("fix", {"none": "none", "safe": "offered, safe", "unsafe": "offered, changes numbers or interface"}[rule.fix]),
        ("applies to", scope),
    ]
    if rule.ops:
        facts.append(("operations", ", ".join(f"<code>{plain(op)}</code>" for op in rule.ops)))
    out = [f"# {rule.code} {rule.name}", "", f"{plain(rule.summary)}.", "", *table(["", ""], facts), ""]
    for title, text in page.sections.items():
        out += [f"## {title}", "", _examples(text) if title == "Examples" else text, ""]
    out += ["## Evidence", "", "What the words mean: [how sure are we](../evidence.md).", ""]
    rows = [
        [
            plain(item.evidence.claim),
            item.basis,
            plain(where(item.evidence.chip, item.evidence.os)),
            plain(item.evidence.date),
            source(item.evidence.source),
        ]
        for item in rule.evidence
    ]
    out += table(["claim", "known", "where", "when", "source"], rows)
    return "\n".join(out) + "\n"


def _examples(text: str) -> str:
    """Code blocks with a caption, the reported lines marked."""
    lines = text.splitlines()
    out: list[str] = []
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if match is None:
            out.append(line)
            continue
        body = lines[number + 1 : next(n for n in range(number + 1, len(lines)) if lines[n].startswith("```"))]
        marked = [str(n) for n, row in enumerate(body, 1) if "# expect:" in row]
        options = f" with `{match[2].strip()}`" if match[2].strip() else ""
        highlight = f' hl_lines="{" ".join(marked)}"' if marked else ""
        out += [f"**{_KINDS[match[1]]}**{options}:", "", f"```python{highlight}"]
    return "\n".join(out)
