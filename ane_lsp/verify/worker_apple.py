"""In the worker, on a Mac only: compile the model and ask Core ML's compute plan where each operation would run.

It has never run where this project is developed, which has no Mac: it is written from coremltools' source and documentation and
tested against a recorded imitation of that interface.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

_NAMES = {"MLNeuralEngineComputeDevice": "ANE", "MLGPUComputeDevice": "GPU", "MLCPUComputeDevice": "CPU"}
_REPEATS = 5


class Plan(Protocol):
    """The part of ``coremltools.models.compute_plan.MLComputePlan`` that is used."""

    @property
    def model_structure(self) -> Any: ...
    def get_compute_device_usage_for_mlprogram_operation(self, operation: Any) -> Any: ...
    def get_estimated_cost_for_mlprogram_operation(self, operation: Any) -> Any: ...


def available() -> bool:
    """Whether this system can compile and plan."""
    return platform.system() == "Darwin"


def inspect(converted: Any, feed: dict[str, Any]) -> dict[str, Any]:
    """The plan for CPU and Neural Engine, and latency per choice of compute units. `converted`: the model coremltools made."""
    ct: Any = sys.modules["coremltools"]
    model = ct.models.MLModel(converted.package_path, compute_units=ct.ComputeUnit.CPU_AND_NE)
    plan: Plan = ct.models.compute_plan.MLComputePlan.load_from_path(
        model.get_compiled_model_path(), compute_units=ct.ComputeUnit.CPU_AND_NE
    )
    latency = {}
    for name in ("CPU_ONLY", "CPU_AND_NE", "ALL"):
        loaded = ct.models.MLModel(converted.package_path, compute_units=getattr(ct.ComputeUnit, name))
        loaded.predict(feed)  # the first call loads
        began = time.perf_counter()
        for _ in range(_REPEATS):
            loaded.predict(feed)
        latency[name] = round((time.perf_counter() - began) * 1000 / _REPEATS, 3)
    return {"operations": read(plan), "latency_ms": latency, "compute_units": "CPU_AND_NE", **machine()}


def machine() -> dict[str, str]:
    """The chip by its name (``M4 Pro``) and the system (``macOS 26.1``)."""
    asked = subprocess.run(
        ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
    )
    return {"chip": asked.stdout.strip().removeprefix("Apple "), "os": f"macOS {platform.mac_ver()[0]}"}


def read(plan: Plan) -> list[dict[str, Any]]:
    """One row per operation that is not a constant: its output's name is what joins it to the converted program."""
    rows = []
    for operation in _operations(plan.model_structure.program.functions["main"].block):
        usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
        cost = plan.get_estimated_cost_for_mlprogram_operation(operation)
        if usage is None:  # constants have none
            continue
        rows.append({
            "output": operation.outputs[0].name if operation.outputs else "",
            "kind": operation.operator_name.rsplit(".", 1)[-1],
            "preferred": _device(usage.preferred_compute_device),
            "supported": sorted(_device(d) for d in usage.supported_compute_devices),
            "cost": None if cost is None else cost.weight,
        })  # fmt: skip
    return rows


def _operations(block: Any) -> Iterator[Any]:
    """Operations in order, those of branches and loops behind the operation that holds them."""
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from _operations(inner)


def _device(device: Any) -> str:
    return _NAMES.get(type(device).__name__, type(device).__name__)
