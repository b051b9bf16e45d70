"""A placement in words: one line for a model, one for an operation."""

from __future__ import annotations

from ane_lsp.placement.plan import Placed, Placement


def summary(placement: Placement) -> str:
    """One line, for a code lens: ``92 % on the ANE of M4, 3 switches (predicted)``."""
    if placement.problem is not None:
        return f"placement on {placement.target} not predicted: {placement.problem}"
    total = len(placement.ops)
    if placement.too_small:
        return f"would be placed on the CPU of {placement.target}: too small to repay the launch of the ANE (predicted)"
    share = 100 * placement.on_ane / total
    shown = "100" if placement.on_ane == total else f"{min(share, 99):.0f}"
    text = f"{shown} % on the ANE of {placement.target}"
    if placement.switches:
        text += f", {placement.switches} switch{'es' if placement.switches > 1 else ''}"
    if placement.undecided:
        text += f", {placement.undecided} undecided"
    return text + " (predicted)"


def describe(placed: Placed, placement: Placement) -> str:
    """One operation, for a hover."""
    verdict = placed.verdict
    if placed.unit == "unknown":
        where = f"where {placed.op.kind} would run on {placement.target} is not known"
        why = placement.problem or verdict.reason
        return f"{where}: {why}" if why else where
    where = f"{placed.op.kind} is predicted to run on the {placed.unit} of {placement.target}"
    if placed.unit == "CPU":
        if verdict.ane == "no":
            where += f": {verdict.reason or 'the ANE cannot run it'}"
        elif placement.too_small:
            where += ": the ANE could run it, but the model is too small to repay the launch"
        else:
            where += ": the ANE could run it, but going there and back costs more than it wins"
    if placed.ane_ms is not None and placed.cpu_ms is not None and verdict.ane != "no":
        where += f" (about {_time(placed.ane_ms)} there, {_time(placed.cpu_ms)} on the CPU)"
        if placed.unit == "CPU":
            where = where.replace(" there, ", " on the ANE, ")
    return where


def _time(ms: float) -> str:
    if ms >= 1:
        return f"{ms:.1f} ms"
    return f"{ms * 1000:.1f} µs" if ms < 0.01 else f"{ms * 1000:.0f} µs"


def time_text(ms: float) -> str:
    """A duration for people: ``4.7 µs``, ``0.3 ms`` as ``312 µs``, ``1.2 ms``."""
    return _time(ms)
