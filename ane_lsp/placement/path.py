"""The choice of engines for a chain of operations: the cheapest path, in the order the operations stand in the program."""

from __future__ import annotations

from collections.abc import Sequence

from ane_lsp.graph.records import dataclass
from ane_lsp.placement.costs import Constants, Cost


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of the chain: its estimates and whether the ANE may run it."""

    cost: Cost
    eligible: bool


@dataclass(frozen=True, slots=True)
class Path:
    """on_ane: for each step. total: ms, fixed costs included."""

    on_ane: tuple[bool, ...]
    total: float

    @property
    def switches(self) -> int:
        """Changes of engine along the way."""
        return sum(a != b for a, b in zip(self.on_ane, self.on_ane[1:]))

    @property
    def runs(self) -> int:
        """Separate runs on the ANE."""
        return sum(here and not before for before, here in zip((False, *self.on_ane), self.on_ane))


def cheapest(steps: Sequence[Step], fixed: Constants) -> Path:
    """The path with the smallest total. Entering the ANE costs a launch, changing engines a switch, ending there an output.

    Among equals the engine already in use stays.
    """
    if not steps:
        return Path((), 0.0)
    never = float("inf")
    ane = fixed.launch + steps[0].cost.ane if steps[0].eligible else never
    cpu = steps[0].cost.cpu
    came: list[tuple[bool, bool]] = [
        (True, False)
    ]  # per step: was the ANE before, on the way to the ANE and to the CPU
    for step in steps[1:]:
        enter, leave = cpu + fixed.switch + fixed.launch, ane + fixed.switch
        came.append((ane <= enter, leave < cpu))
        to_ane = min(ane, enter) + step.cost.ane if step.eligible else never
        cpu = min(cpu, leave) + step.cost.cpu
        ane = to_ane
    here = ane + fixed.output < cpu
    total = min(ane + fixed.output, cpu)
    units: list[bool] = []
    for to_ane_from, to_cpu_from in reversed(came):
        units.append(here)
        here = to_ane_from if here else to_cpu_from
    return Path(tuple(reversed(units)), total)
