"""A graph and a target to a placement: the engine of each operation, segments, times, and what keeps work off the ANE.

Known limits, from the study the model rests on (one M4 with macOS 27.0.1): operations count as one chain, branches are not
modelled; the GPU takes no part (compute units CPU and Neural Engine); the CPU's two libraries count as one; whether the run
time follows the plan was not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ane_lsp.graph import Graph, Op, Span, Unknown
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import eligibility
from ane_lsp.knowledge.evidence import Confidence, confidence_rank
from ane_lsp.knowledge.targets import Target
from ane_lsp.placement import costs
from ane_lsp.placement.chain import chain
from ane_lsp.placement.path import Path, Step, cheapest

Unit = Literal["ANE", "CPU", "unknown"]
MEASURED_ON = "M4"
# Removals looked at; each is one more search over the whole chain.
_TRIED = 24
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Placed:
    """One operation of the chain.

    unit: where it would run; ``unknown`` where that hangs on an eligibility nobody has measured. ane_ms, cpu_ms: estimates,
    None where a size is not known. verdict: whether the ANE may run it, and why not.
    """

    op: Op
    unit: Unit
    ane_ms: float | None
    cpu_ms: float | None
    verdict: eligibility.Verdict


@dataclass(frozen=True, slots=True)
class Segment:
    """Operations in a row on one engine: ``ops[first:last + 1]`` of the placement. ms: estimated, without fixed costs."""

    unit: Unit
    first: int
    last: int
    ms: float

    @property
    def ops(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Removal:
    """What would change if an operation the ANE cannot run were gone.

    span: its source expression. kinds: MIL names there. ops: how many operations that expression makes.
    moved: further operations that would then be placed on the ANE. saved_ms: estimated time won.
    """

    span: Span
    kinds: tuple[str, ...]
    ops: int
    moved: int
    saved_ms: float


@dataclass(frozen=True, slots=True)
class Placement:
    """A prediction for one graph on one target, with compute units CPU and Neural Engine.

    problem: why nothing is predicted, None where something is; the numbers are 0 then. ops: the chain, in program order.
    ane_ms, cpu_ms: estimated time of operations on each engine. fixed_ms: launches, switches and output. all_cpu_ms: the
    same chain wholly on the CPU. too_small: eligible work that would stay on the CPU because it cannot repay the fixed cost.
    """

    model: str
    target: str
    ops: tuple[Placed, ...]
    segments: tuple[Segment, ...]
    removals: tuple[Removal, ...]
    ane_ms: float
    cpu_ms: float
    fixed_ms: float
    all_cpu_ms: float
    confidence: Confidence
    problem: str | None = None
    too_small: bool = False

    @property
    def unpriced(self) -> int:
        """Operations with no estimate: they stay on the CPU on every path, and the times are lower bounds."""
        return sum(placed.cpu_ms is None for placed in self.ops)

    @property
    def on_ane(self) -> int:
        """Operations placed on the ANE."""
        return sum(placed.unit == "ANE" for placed in self.ops)

    @property
    def undecided(self) -> int:
        """Operations whose engine is not known."""
        return sum(placed.unit == "unknown" for placed in self.ops)

    @property
    def switches(self) -> int:
        """Changes of engine."""
        return max(0, len(self.segments) - 1)

    @property
    def total_ms(self) -> float:
        return self.ane_ms + self.cpu_ms + self.fixed_ms

    @property
    def saving_ms(self) -> float:
        """What using the ANE wins over the CPU alone."""
        return self.all_cpu_ms - self.total_ms


def place(graph: Graph, target: Target) -> Placement:
    """Predict where each operation of `graph` would run on `target`. Never raises on the graph's account.

    An operation whose eligibility is not known is placed twice, as if it could and as if it could not run on the ANE; what
    differs between the two is ``unknown``. With a size missing that decides a cost, nothing is predicted.
    """
    fp16 = graph.source == "static"
    ops = chain(graph)
    verdicts = list(map(eligibility.on(target), ops))
    estimates = [costs.cost(op, fp16) for op in ops]
    problem = _problem(ops, verdicts, estimates)
    if problem is not None:
        placed = tuple(
            Placed(op, "CPU" if v.ane == "no" else "unknown", c.ane if c else None, c.cpu if c else None, v)
            for op, v, c in zip(ops, verdicts, estimates)
        )
        return Placement(graph.name, target.label, placed, (), (), 0.0, 0.0, 0.0, 0.0, "reported", problem)
    fixed = costs.constants()
    # The cost of what can only run on the CPU is the same on every path, so a missing one decides nothing.
    steps = [Step(c or costs.Cost(0.0, 0.0), v.ane in ("yes", "depends")) for c, v in zip(estimates, verdicts)]
    path = cheapest(steps, fixed)
    hopeful = path
    if any(v.ane == "unknown" for v in verdicts):
        hopeful = cheapest([replace(s, eligible=v.ane != "no") for s, v in zip(steps, verdicts)], fixed)
    units: list[Unit] = [
        ("ANE" if low else "CPU") if low == high else "unknown" for low, high in zip(path.on_ane, hopeful.on_ane)
    ]
    placed = tuple(
        Placed(op, unit, c.ane if c else None, c.cpu if c else None, v)
        for op, unit, c, v in zip(ops, units, estimates, verdicts)
    )
    ane_ms = sum(s.cost.ane for s, here in zip(steps, path.on_ane) if here)
    cpu_ms = sum(s.cost.cpu for s, here in zip(steps, path.on_ane) if not here)
    eligible = sum(s.eligible for s in steps)
    return Placement(
        model=graph.name,
        target=target.label,
        ops=placed,
        segments=_segments(units, steps),
        removals=_removals(ops, steps, path, fixed),
        ane_ms=ane_ms,
        cpu_ms=cpu_ms,
        fixed_ms=path.total - ane_ms - cpu_ms,
        all_cpu_ms=sum(s.cost.cpu for s in steps),
        confidence=_confidence(verdicts, target),
        too_small=bool(eligible) and not any(path.on_ane) and not any(hopeful.on_ane) and eligible > len(ops) // 2,
    )


def _problem(
    ops: Sequence[Op], verdicts: Sequence[eligibility.Verdict], estimates: Sequence[costs.Cost | None]
) -> str | None:
    if not ops:
        return "no operations were reached"
    missing = [op for op, v, c in zip(ops, verdicts, estimates) if c is None and v.ane != "no"]
    if not missing:
        return None
    what = _missing(missing[0])
    count = f"{len(missing)} operations" if len(missing) > 1 else "one operation"
    return f"{count} of {len(ops)} have sizes that are not known here, the first is {missing[0].kind} on line {missing[0].span.line} ({what})"


def _missing(op: Op) -> str:
    for value in (*op.input_values(), *op.outputs):
        if value.type.shape is None:
            return "even its rank is not known"
        for size in value.type.shape:
            if isinstance(size, Unknown):
                return size.first.reason
            if not isinstance(size, int):
                return f"size {size}"
        if value.type.dtype is None:
            return "its dtype is not known"
    return "a parameter is not known"


def _segments(units: Sequence[Unit], steps: Sequence[Step]) -> tuple[Segment, ...]:
    found: list[Segment] = []
    start = 0
    for index in range(1, len(units) + 1):
        if index < len(units) and units[index] == units[start]:
            continue
        ms = sum(s.cost.ane if units[start] == "ANE" else s.cost.cpu for s in steps[start:index])
        found.append(Segment(units[start], start, index - 1, ms))
        start = index
    return tuple(found)


def _removals(ops: Sequence[Op], steps: Sequence[Step], path: Path, fixed: costs.Constants) -> tuple[Removal, ...]:
    """The source expressions whose operations, taken out of the chain, change the picture most."""
    groups: dict[Span, list[int]] = {}
    for index, (op, step) in enumerate(zip(ops, steps)):
        if not step.eligible:
            groups.setdefault(op.span, []).append(index)
    tried = sorted(groups.items(), key=lambda item: -len(item[1]))[:_TRIED]
    before = sum(path.on_ane)
    found: list[Removal] = []
    for span, indices in tried:
        gone = set(indices)
        free = cheapest([s for i, s in enumerate(steps) if i not in gone], fixed)
        own = sum(steps[i].cost.cpu for i in indices)
        moved = sum(free.on_ane) - before
        saved = path.total - free.total - own
        if moved > 0 or saved > fixed.switch / 2:
            kinds = tuple(dict.fromkeys(ops[i].kind for i in indices))
            found.append(Removal(span, kinds, len(indices), moved, saved))
    return tuple(sorted(found, key=lambda r: (-r.saved_ms, -r.moved))[:_SHOWN])


def _confidence(verdicts: Sequence[eligibility.Verdict], target: Target) -> Confidence:
    """No better than the fixed costs are worth on the target, and than the eligibility of nine tenths of the operations."""
    ranked = sorted((v.confidence for v in verdicts), key=confidence_rank)
    typical = ranked[min(len(ranked) - 1, len(ranked) * 9 // 10)]
    own = eligibility.confidence_on("measured", MEASURED_ON, target)
    return max(own, typical, key=confidence_rank)
