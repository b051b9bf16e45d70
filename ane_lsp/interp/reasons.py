"""Why something is unknown: from a value at a line back to the first unknown, in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ane_lsp.graph import Span, Unknown
from ane_lsp.interp.machine import Interpreter

_LONGEST = 12  # steps of one chain that are told
_SHORT = 48  # characters of source that are quoted
_ADVISES = re.compile(r"\badd an? |\bset `|is not read|is not modelled|not installed")
_ADVICE = "an entry with concrete arguments and inputs would tell: `# ane: input(...)` at the class or its forward, or one in the settings"


def chains(interp: Interpreter, file: str, line: int, relative: Callable[[Path], str]) -> list[list[str]]:
    """A chain for each unknown value noted at a line of a watched file, in order of columns.

    Each step is a text with its place (``model.py:12``) and the source there; the last is the first unknown, with what
    would help: an entry, a default or a hint.
    """
    noted = sorted(
        (kept for kept in interp.reasons.values() if kept[0].file == file and kept[0].line <= line <= kept[0].end_line),
        key=lambda kept: (kept[0].line, kept[0].col),
    )
    told: list[list[str]] = []
    for span, what, value in noted:
        chain = [f"{_place(span, relative)}{what} is unknown"]
        chain += [_step(interp, step, relative) for step in _steps(value)]
        if not _ADVISES.search(value.first.reason):
            chain.append(_ADVICE)
        if chain not in told:
            told.append(chain)
    return told


def _steps(value: Unknown) -> list[Unknown]:
    """The unknown and what it goes back to; the middle of a long chain is left out."""
    steps: list[Unknown] = []
    step: Unknown | None = value
    while step is not None and len(steps) < 1000:
        if not steps or (step.reason, step.span) != (steps[-1].reason, steps[-1].span):
            steps.append(step)
        step = step.cause
    return steps if len(steps) <= _LONGEST else [*steps[: _LONGEST // 2], *steps[-_LONGEST // 2 :]]


def _step(interp: Interpreter, step: Unknown, relative: Callable[[Path], str]) -> str:
    if step.span is None:
        return step.reason
    quoted = " ".join(interp.workspace.read(Path(step.span.file)).segment(step.span).split())
    shown = f"`{quoted}`: " if quoted and len(quoted) <= _SHORT and quoted not in step.reason else ""
    return f"{_place(step.span, relative)}{shown}{step.reason}"


def _place(span: Span, relative: Callable[[Path], str]) -> str:
    return f"{relative(Path(span.file))}:{span.line}: "
