"""Targets: the chips a model may run on, found by chip, device, engine generation or ``all``.

Sources give some limits per "A13" ... "A16"; those are labels of the compiler's families, one generation off the chips of
that name. Here only the engine's generation number counts (A14 and M1 are 13, M4 and A17 Pro are 16), and no label of a
compiler family is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field, replace
from functools import cache

from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import tables
from ane_lsp.knowledge.evidence import CONFIDENCES
from ane_lsp.knowledge.files import KnowledgeError

# The only chip measured operation by operation through Core ML.
DEFAULT = ("M4",)


class TargetError(ValueError):
    """No target has this name. `matches` are names that come close."""

    def __init__(self, name: str, message: str, matches: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.matches = matches


@dataclass(frozen=True, slots=True)
class Target:
    """One chip.

    family: ``A`` (iPhone, iPad), ``M`` (Mac, iPad) or ``S`` (Watch, HomePod). generation: the engine's (11 ... 18), 0 where
    it is not known. tops: the marketing figure, None where none was given. first_os: the first OS that runs on it.
    name: how the user asked for it (``iPhone 15 Pro``), the chip's name otherwise.
    """

    chip: str
    family: str
    generation: int
    cores: int
    tops: float | None
    first_os: str
    devices: tuple[str, ...]
    source: str
    note: str = ""
    name: str = field(default="", compare=False)

    @property
    def label(self) -> str:
        """What messages call it: the device and its chip, or the chip."""
        return f"{self.name} ({self.chip})" if self.name and self.name != self.chip else self.chip

    @property
    def os(self) -> str:
        """The OS family whose releases decide what Core ML can do there."""
        return {"M": "macOS", "S": "watchOS"}.get(self.family, "iOS")


_CHIP_COLUMNS = ("chip", "family", "generation", "cores", "tops", "core_ml", "first_os", "confidence", "source", "note")
_DEVICE_COLUMNS = ("device", "chip", "confidence", "source")


@cache
def chips() -> tuple[Target, ...]:
    """Every chip whose engine Core ML can use, oldest generation first. Raises KnowledgeError for a wrong table."""
    return tuple(target for target, usable in _chips() if usable)


@cache
def _chips() -> tuple[tuple[Target, bool], ...]:
    devices: dict[str, list[str]] = {}
    for row in tables.load("devices.csv", _DEVICE_COLUMNS, _DEVICE_COLUMNS):
        row.choice("confidence", CONFIDENCES)
        devices.setdefault(row["chip"], []).append(row["device"])
    found: list[tuple[Target, bool]] = []
    for row in tables.load(
        "chips.csv", _CHIP_COLUMNS, ("chip", "family", "generation", "cores", "confidence", "source")
    ):
        row.choice("family", ("A", "M", "S"))
        row.choice("confidence", CONFIDENCES)
        usable = row.choice("core_ml", ("yes", "no")) == "yes"
        target = Target(
            chip=row["chip"],
            family=row["family"],
            generation=row.integer("generation"),
            cores=row.integer("cores"),
            tops=row.number("tops") if row["tops"] else None,
            first_os=row["first_os"],
            devices=tuple(devices.pop(row["chip"], ())),
            source=row["source"],
            note=row["note"],
        )
        found.append((target, usable))
    if devices:
        raise KnowledgeError("facts/devices.csv", 1, 1, f"chips missing from chips.csv: {', '.join(sorted(devices))}")
    return tuple(sorted(found, key=lambda item: item[0].generation))


@cache
def resolve(name: str) -> tuple[Target, ...]:
    """The chips a name stands for, oldest generation first.

    name: a chip (``M4``, ``A15``), a device with or without its year (``iPhone 15 Pro``, ``MacBook Air 13-inch (2022)``;
    one device may have had several chips), an engine generation (``h16``), or ``all``.
    Raises TargetError, with close matches, where nothing is called that.
    """
    wanted = _plain(name)
    if wanted == "all":
        return chips()
    generation = re.fullmatch(r"h(\d+)[a-z]?", wanted)
    if generation:
        found = tuple(t for t in chips() if t.generation == int(generation[1]))
        if found:
            return found
        known = sorted({t.generation for t in chips() if t.generation})
        raise TargetError(name, f"no chip has engine generation {name}; known are H{known[0]} to H{known[-1]}")
    index = _index()
    if wanted in index:
        return tuple(_named(t, shown) for t, shown in index[wanted])
    for target, usable in _chips():
        if not usable and wanted in {
            _plain(n) for n in (target.chip, _short(target.chip), *target.devices, *map(_undated, target.devices))
        }:
            raise TargetError(name, f"the Neural Engine of {target.chip} is not open to Core ML")
    import difflib

    near = (
        difflib.get_close_matches(wanted, list(index), n=4, cutoff=0.6)
        or [k for k in index if wanted and wanted in k][:4]
    )
    matches = tuple(dict.fromkeys(index[key][0][1] for key in near))
    hint = f"; did you mean {' or '.join(matches)}?" if matches else ""
    raise TargetError(name, f"no chip or device is called {name!r}{hint}", matches)


def resolve_all(names: Iterable[str]) -> tuple[Target, ...]:
    """The chips several names stand for, each once, in the order given; no name means the default set."""
    found: dict[str, Target] = {}
    for name in tuple(names) or DEFAULT:
        for target in resolve(name):
            found.setdefault(target.chip, target)
    return tuple(found.values())


def default() -> tuple[Target, ...]:
    """The targets checked where the settings name none."""
    return resolve_all(DEFAULT)


@cache
def _index() -> dict[str, list[tuple[Target, str]]]:
    """Every accepted spelling, normalised, to chips and the name to show."""
    found: dict[str, list[tuple[Target, str]]] = {}

    def add(spelling: str, target: Target, shown: str) -> None:
        entry = found.setdefault(_plain(spelling), [])
        if all(target is not other for other, _ in entry):
            entry.append((target, shown))

    for target in chips():
        add(target.chip, target, target.chip)
        add(_short(target.chip), target, target.chip)
        for device in target.devices:
            add(device, target, device)
            add(_undated(device), target, device)
    return found


def _named(target: Target, shown: str) -> Target:
    return target if shown == target.chip else replace(target, name=_undated(shown))


def _short(chip: str) -> str:
    return chip.replace(" Bionic", "")


def _undated(device: str) -> str:
    """A device name without the year in its brackets; a size or a count of ports stays."""
    return re.sub(r"\s*\((?:[^()]*,\s*)?(?:early |late )?\d{4}\)$", "", device)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", " ", name.lower().replace('"', "-inch")).strip()
