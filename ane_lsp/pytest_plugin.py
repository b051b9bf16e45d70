"""The pytest plugin: the fixture `assert_ane_ready`, documented in docs/pytest.md.

pytest imports this at every start, so the analysis is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ane_lsp.analysis import FileAnalysis
    from ane_lsp.checks.finding import Finding
    from ane_lsp.knowledge.targets import Target


def assert_ane_ready(
    model: type | str | Path,
    inputs: str | Sequence[str] = (),
    target: str | Sequence[str] = (),
    *,
    call: str | None = None,
    fail_on: str = "warning",
    ignore: Sequence[str] = (),
    off_ane: Sequence[str] | None = None,
    **settings: Any,
) -> FileAnalysis:
    """Assert that a model has no findings at `fail_on` or above, and was seen whole. Nothing of it is run.

    model: a top-level class, or the path of a file, all of whose models count. inputs: shapes as in
    ``# ane: input(...)``. target: a chip, device or generation, or several. call: how a class is built.
    off_ane: with it, every operation that is not known to run on the ANE of each target fails, but for these MIL kinds.
    Further keywords are settings. Returns the analysis. Raises AssertionError with the findings; ValueError for wrong
    arguments, a class without source, or a file without models.
    """
    __tracebackhide__ = True
    import ane_lsp
    from ane_lsp.checks.finding import SEVERITIES
    from ane_lsp.knowledge import targets

    if fail_on not in SEVERITIES:
        raise ValueError(f"fail_on is {fail_on!r}; it must be one of {', '.join(SEVERITIES)}")
    named = [target] if isinstance(target, str) else list(target)
    if named:
        settings["targets"] = named
    if ignore:
        settings["ignore"] = list(ignore)
    if isinstance(model, type):
        found = ane_lsp.analyze_class(model, inputs, call, **settings)
        findings = [finding for finding in found.findings if _about(finding, model.__name__)]
    elif inputs or call:
        raise ValueError("inputs and call belong to a class; a file says them itself, with # ane: input(...)")
    else:
        found = ane_lsp.analyze_file(model, **settings)
        findings = found.findings
    problems = [f"{Path(error.span.file).name}:{error.span.line}: {error.message}" for error in found.errors]
    problems += [f"{m.name} was analysed in part only: {m.stopped}" for m in found.models if m.stopped]
    name = model.__name__ if isinstance(model, type) else str(model)
    if not found.models and not problems:
        problems.append("no model was found: " + _why_none(model))
    bad = [f for f in findings if SEVERITIES.index(f.severity) <= SEVERITIES.index(fail_on)]
    off = [] if off_ane is None else _elsewhere(found, targets.resolve_all(named), off_ane)
    if bad or problems or off:
        raise AssertionError(_told(name, named, found, bad, problems, off))
    return found


def _told(
    name: str, named: Sequence[str], found: FileAnalysis, bad: list[Finding], problems: list[str], off: list[str]
) -> str:
    """What failed in one line, which is all that pytest's summary shows; the findings; what can be done about them."""
    import ane_lsp
    from ane_lsp.checks.finding import SEVERITIES

    counts = [(sum(f.severity == s for f in bad), s) for s in SEVERITIES] + [(len(off), "operation")]
    parts = [f"{n} {word}{'s' * (n != 1 and word != 'information')}" for n, word in counts if n]
    if off:
        parts[-1] += " off the ANE"
    headline = f"{name} is not ready for the ANE of {', '.join(named) or 'the targets in the settings'}"
    lines = [f"{headline}: {', '.join([*parts, *problems[:1]])}"]
    lines += [f"- {problem}" for problem in problems[1:]]
    if bad:
        shown = ane_lsp.FileAnalysis(found.path, bad, [], [], [])
        lines += ["", ane_lsp.render(shown).rpartition("\n\n")[0]]  # without the totals
    if off:
        lines += ["", "Off the ANE:", *(f"- {line}" for line in off)]
    worst_first = sorted(bad, key=lambda finding: SEVERITIES.index(finding.severity))
    codes = list(dict.fromkeys(finding.code for finding in worst_first))
    if codes:
        lines += [
            "",
            f"Why, and how to fix it: ane-lsp explain {codes[0]}",
            f"To accept it: ignore={codes!r}, or # ane: ignore[{codes[0]}] at the line with a word why",
        ]
    return "\n".join(lines)


def _why_none(model: type | str | Path) -> str:
    if isinstance(model, type):
        return f'say its inputs, assert_ane_ready({model.__name__}, "1x3x224x224"), and how it is built, call="..."'
    return "say the inputs of its classes, # ane: input(1x3x224x224) above each, or name an entry in the settings"


def _about(finding: Finding, name: str) -> bool:
    """Whether a finding of the file is one of this model; the file's own (comments, settings) count as well."""
    return not finding.model or finding.model == name


def _elsewhere(found: FileAnalysis, chips: Sequence[Target], allowed: Sequence[str]) -> list[str]:
    from ane_lsp.graph.rearranging import rearranged
    from ane_lsp.knowledge import eligibility

    told: dict[str, None] = {}
    for graph in found.graphs:
        merged = rearranged(graph)
        judges = [(chip, eligibility.on(chip, merged)) for chip in chips]
        for op in graph.ops:
            if op.folds or op.kind in allowed:
                continue
            for chip, judge in judges:
                verdict = judge(op)
                if verdict.ane != "yes":
                    where = f"{Path(op.span.file).name}:{op.span.line}"
                    told[f"{op.kind} at {where} on {chip.label}: {verdict.reason or verdict.ane}"] = None
    return list(told)


@pytest.fixture(name="assert_ane_ready", scope="session")
def assert_ane_ready_fixture() -> Callable[..., FileAnalysis]:
    """Asserts that a model is ready for the Neural Engine: ``assert_ane_ready(Net, "1x3x224x224", target="iPhone 15")``."""
    return assert_ane_ready
