"""A page for each chip and device, their list, and what differs between engine generations."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.knowledge import targets
from ane_lsp.knowledge.targets import Target
from generator import facts
from generator.text import code, plain, searchable, slug, source, table

REFERENCE = "M4"
"""The chip that was measured operation by operation."""


def pages() -> Iterator[tuple[str, str]]:
    """(address below docs/, Markdown)."""
    yield "devices/index.md", _index()
    yield "devices/generations.md", _generations()
    reference = targets.resolve(REFERENCE)[0]
    for chip in targets.chips():
        yield f"devices/{slug(chip.chip)}.md", _chip(chip, reference)
    for device, chips in _devices().items():
        yield f"devices/{slug(device)}.md", _device(device, chips)


def _devices() -> dict[str, list[Target]]:
    found: dict[str, list[Target]] = {}
    for chip in targets.chips():
        for device in chip.devices:
            found.setdefault(device, []).append(chip)
    return found


def _index() -> str:
    devices = _devices()
    chips = targets.chips()
    out = [
        "# Chips and devices", "",
        f"{len(chips)} chips and {len(devices)} devices can be named as a target: `ane-lsp check --target \"iPhone 15 Pro\"`. "
        "What counts for a model is the engine's generation, which chips of a phone and of a Mac share. "
        f"[What differs between chips](generations.md), for example [M1 against M4]({compare('M1', 'M4')}) and "
        f"[A14 against A17 Pro]({compare('A14', 'A17 Pro')}).", "", "## Chips", "",
    ]  # fmt: skip
    rows = [
        [
            f"[{plain(chip.chip)}]({slug(chip.chip)}.md)",
            _generation(chip),
            str(chip.cores),
            f"{chip.tops:g}" if chip.tops is not None else "",
            plain(chip.first_os),
            str(len(chip.devices)),
        ]
        for chip in chips
    ]
    out += [
        *table(["chip", "engine", "cores", "TOPS (Apple's figure)", "first OS", "devices"], rows),
        "",
        "## Devices",
        "",
    ]
    rows = [
        [
            f"[{plain(device)}]({slug(device)}.md)",
            ", ".join(f"[{plain(chip.chip)}]({slug(chip.chip)}.md)" for chip in own),
            ", ".join(dict.fromkeys(map(_generation, own))),
        ]
        for device, own in devices.items()
    ]
    out += searchable(table(["device", "chip", "engine"], rows), "Find a device")
    return "\n".join(out) + "\n"


def _generation(chip: Target) -> str:
    return f"H{chip.generation}" if chip.generation else "not known"


def _generations() -> str:
    known = facts.generations()
    header = [f"H{g}<br>{', '.join(facts.chips_of(g))}" for g in known]
    out = [
        "---", "hide: [toc]", "---", "", "# What differs between chips", "",
        "Each column is an engine generation with its chips. Only H16 with macOS 27 was measured operation by operation through "
        "Core ML; for the others a cell is carried over from it unless something else was reported. Hover over a cell for where "
        "it comes from.", "", '<div class="compare"></div>', "", "## Operations", "",
    ]  # fmt: skip
    rows = []
    for line in facts.lines():
        if line.differs(known):
            name = "any operation" if line.op == "*" else code(line.op)
            rows.append([name, code(line.when) if line.when else "otherwise", *(cell(line, g) for g in known)])
    out += [*_comparable(table(["operation", "where", *header], rows), 2), "", "## Limits", ""]
    out += [
        "By the best evidence there is for each generation; most come from compiler tables, as the sources in "
        "`rules/facts/limits.csv` say, and are used as `reported`.", "",
    ]  # fmt: skip
    rows = []
    for name in facts.limit_names():
        values = [facts.limit(name, g) for g in known]
        shown = plain(name.replace("_", " "))
        rows.append([f"**{shown}**" if len(set(filter(None, values))) > 1 else shown, *values])
    out += _comparable(table(["limit", *header], rows), 1)
    return "\n".join(out) + "\n"


def _comparable(lines: list[str], labels: int) -> list[str]:
    """A table with a column for each generation behind its first `labels` columns (docs/assets/compare.js)."""
    return [f'<div class="comparable" data-labels="{labels}" markdown>', "", *lines, "", "</div>"]


def compare(one: str, other: str) -> str:
    """The address below devices/ of two chips side by side."""
    return f"generations.md?compare={one},{other}"


def cell(line: facts.Line, generation: int) -> str:
    """The answer for a generation, with where it comes from as a tooltip."""
    fact = line.facts[generation]
    mark = facts.MARKS[line.answer(generation)]
    if fact is None:
        return mark
    told = f"{fact.scope}; {fact.source}" if fact.source else fact.scope
    bold = mark.startswith("**")
    word = mark.strip("*")
    shown = f"<b>{word}</b>" if bold else word
    rest = " within its own limits" if line.limited(generation) else ""
    return f'<abbr title="{plain(told)}" class="{line.answer(generation)}">{shown}</abbr>{rest}'


def _chip(chip: Target, reference: Target) -> str:
    table_rows = [
        ("engine generation", _generation(chip)),
        ("engine cores", str(chip.cores)),
        ("TOPS (Apple's figure)", "none given" if chip.tops is None else f"{chip.tops:g}"),
        ("first OS", plain(chip.first_os) or "not known"),
        ("source", source(chip.source)),
    ]
    if chip.note:
        table_rows.append(("note", plain(chip.note)))
    out = [
        f"# {chip.chip}", "", *table(["", ""], table_rows), "",
        "```sh", f'ane-lsp check models/ --target "{chip.chip}"', "```", "", *_differences(chip, reference), "## Devices", "",
    ]  # fmt: skip
    out += [f"- [{plain(device)}]({slug(device)}.md)" for device in chip.devices] or ["None is listed."]
    return "\n".join(out) + "\n"


def _differences(chip: Target, reference: Target) -> list[str]:
    out = [f"## What differs from {reference.chip}", ""]
    if not chip.generation:
        return [*out, "The generation of this engine is not known, so nothing is told apart.", ""]
    if chip.generation == reference.generation:
        if chip.chip == reference.chip:
            return [
                "## What differs from other chips", "",
                "This is the chip on which every operation was measured through Core ML (macOS 27). "
                "[What differs between chips](generations.md).", "",
            ]  # fmt: skip
        kin = "measurements hold" if chip.family == reference.family else "measurements made on a Mac are carried over"
        return [*out, f"The engine is of the same generation; {kin}.", ""]
    pair = (chip.generation, reference.generation)
    rows = [
        [
            "any operation" if line.op == "*" else code(line.op),
            code(line.when) if line.when else "in general",
            cell(line, chip.generation),
            cell(line, reference.generation),
        ]
        for line in facts.lines()
        if line.differs(pair)
    ]
    if rows:
        out += [*table(["operation", "where", chip.chip, reference.chip], rows), ""]
    else:
        out += ["No operation is known to be treated differently.", ""]
    rows = [
        [plain(name.replace("_", " ")), facts.limit(name, pair[0]), facts.limit(name, pair[1])]
        for name in facts.limit_names()
        if facts.limit(name, pair[0])
        and facts.limit(name, pair[1])
        and facts.limit(name, pair[0]) != facts.limit(name, pair[1])
    ]
    if rows:
        out += [*table(["limit", chip.chip, reference.chip], rows), ""]
    out += [
        f"[Side by side with any other]({compare(facts.chips_of(chip.generation)[0], reference.chip)}). "
        f"Everything else is taken from {reference.chip} with the word `carried`: measured there, not here. "
        "[How sure are we](../evidence.md).", "",
    ]  # fmt: skip
    return out


def _device(device: str, chips: list[Target]) -> str:
    undated = targets.resolve(device)[0].name or device
    out = [
        f"# {device}", "", *table(
            ["chip", "engine", "first OS"],
            [[f"[{plain(c.chip)}]({slug(c.chip)}.md)", _generation(c), plain(c.first_os)] for c in chips],
        ), "", "```sh", f'ane-lsp check models/ --target "{undated}"', "```", "",
        "What its engine takes and what differs from others stands on the page of its chip: "
        + ", ".join(f"[{plain(c.chip)}]({slug(c.chip)}.md)" for c in chips) + ".",
    ]  # fmt: skip
    return "\n".join(out) + "\n"
