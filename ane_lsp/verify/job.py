"""What a verify run is asked to do and may use. Plain data: it crosses a process border as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from ane_lsp.graph.records import dataclass

# Python distribution to the extra of ours that brings it.
EXTRAS: Mapping[str, str] = {"coremltools": "verify", "coreai_torch": "coreai"}
BACKENDS = ("coreml", "mil", "numbers")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the worker may use. seconds: wall clock; cpu_seconds; memory: bytes of address space, and of resident memory of
    all its processes together; processes: alive at one time in its session."""

    seconds: float = 600.0
    cpu_seconds: int = 1200
    memory: int = 8 << 30
    processes: int = 32


@dataclass(frozen=True, slots=True)
class Input:
    """One model input. source: who says so, in words that are shown."""

    shape: tuple[int, ...]
    dtype: str = "f32"
    name: str | None = None

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "scalar"
        return (f"{self.name}=" if self.name else "") + shape + ("" if self.dtype == "f32" else f":{self.dtype}")


@dataclass(frozen=True, slots=True)
class Job:
    """file: absolute. entry: an expression in the file's namespace, None to follow the model call that the file itself makes
    as a script. inputs: given by the user, with `input_source`; fallback: what the static analysis derived, used last.
    call: the class whose call is wanted where the script calls several.
    """

    file: str
    entry: str | None = None
    call: str | None = None
    inputs: tuple[Input, ...] = ()
    input_source: str = ""
    fallback: tuple[Input, ...] = ()
    opset: str = "iOS18"
    paths: tuple[str, ...] = ()
    path: str = "auto"  # auto, export, trace, export-core
    backends: tuple[str, ...] = BACKENDS
    limits: Limits = field(default_factory=Limits)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: Mapping[str, Any]) -> Job:
    """The job that :meth:`Job.to_json` wrote."""
    values = dict(data)
    for key in ("inputs", "fallback"):
        values[key] = tuple(Input(tuple(i["shape"]), i["dtype"], i["name"]) for i in values[key])
    values["paths"], values["backends"] = tuple(values["paths"]), tuple(values["backends"])
    values["limits"] = Limits(**values["limits"])
    return Job(**values)
