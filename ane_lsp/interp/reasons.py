"""Why something is unknown: from a value at a line back to the first unknown, in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ane_lsp.graph import Span, Unknown
from ane_lsp.interp.machine import Interpreter

_LONGEST = 12  # steps of one chain that are told


def chains(interp: Interpreter, file: str, line: int, relative: Callable[[Path], str]) -> list[list[str]]:
    """A chain for each unknown value noted at a line of a watched file, in order of columns.

    Each step is a text with its place (``model.py:12``); the last is the first unknown, where an entry, a default or a
    hint would help.
    """
    noted = sorted(
        (kept for kept in interp.reasons.values() if kept[0].file == file and kept[0].line <= line <= kept[0].end_line),
        key=lambda kept: (kept[0].line, kept[0].col),
    )
    told: list[list[str]] = []
    for span, what, value in noted:
        chain = [f"{_place(span, relative)}{what} is unknown", *(_step(step, relative) for step in _steps(value))]
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


def _step(step: Unknown, relative: Callable[[Path], str]) -> str:
    return f"{_place(step.span, relative) if step.span is not None else ''}{step.reason}"


def _place(span: Span, relative: Callable[[Path], str]) -> str:
    return f"{relative(Path(span.file))}:{span.line}: "
