"""The reader of Core ML's compute plan, against an imitation with the names that coremltools 9.0 has. No Mac takes part."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ane_lsp.verify import worker_apple


def _recorded() -> Any:
    """The names of coremltools 9.0's public interface: its own classes where it is installed, else a recording of them."""
    try:
        plan, device = (importlib.import_module(f"coremltools.models.{m}") for m in ("compute_plan", "compute_device"))
    except ImportError:
        return None
    return SimpleNamespace(plan=plan, device=device)


_REAL = _recorded()
_FIELDS = {
    "MLModelStructureProgramOperation": ["inputs", "operator_name", "outputs", "blocks", "__proxy__"],
    "MLModelStructureProgramBlock": ["inputs", "operations", "output_names"],
    "MLModelStructureProgramNamedValueType": ["name", "type"],
    "MLModelStructureProgramFunction": ["inputs", "block"],
    "MLModelStructureProgram": ["functions"],
    "MLModelStructure": ["neuralnetwork", "program", "pipeline"],
    "MLComputePlanDeviceUsage": ["preferred_compute_device", "supported_compute_devices"],
    "MLComputePlanCost": ["weight"],
}


def test_the_recording_is_what_coremltools_has() -> None:
    if _REAL is None:
        pytest.skip("coremltools is not installed: its recorded interface is used and cannot be compared")
    for name, fields in _FIELDS.items():
        assert [f.name for f in dataclasses.fields(getattr(_REAL.plan, name))] == fields
    assert list(inspect.signature(_REAL.plan.MLComputePlan.load_from_path).parameters) == ["path", "compute_units"]
    for name in (
        "get_compute_device_usage_for_mlprogram_operation",
        "get_estimated_cost_for_mlprogram_operation",
    ):
        assert list(inspect.signature(getattr(_REAL.plan.MLComputePlan, name)).parameters) == ["self", "operation"]
    model = importlib.import_module("coremltools").models.MLModel
    assert list(inspect.signature(model.get_compiled_model_path).parameters) == ["self"]
    assert {"model", "compute_units"} <= set(inspect.signature(model).parameters)


def _make(kind: str, /, **values: Any) -> Any:
    """An object of the interface, every field of it given or None."""
    fields = {field: values.get(field) for field in _FIELDS[kind]}
    return SimpleNamespace(**fields) if _REAL is None else getattr(_REAL.plan, kind)(**fields)


def _device(name: str) -> Any:
    kind = type(name, (), {}) if _REAL is None else getattr(_REAL.device, name)
    return object.__new__(kind)  # it cannot be made without Core ML


def _operation(name: str, kind: str, blocks: tuple[Any, ...] = ()) -> Any:
    output = _make("MLModelStructureProgramNamedValueType", name=name)
    return _make("MLModelStructureProgramOperation", operator_name=kind, outputs=[output], blocks=list(blocks))


class FakePlan:
    """Answers as coremltools' documentation says: None for constants, objects with a class per device otherwise."""

    def __init__(self, rows: list[tuple[str, str, Any, Any]], operations: list[Any] | None = None) -> None:
        self._answers = {name: (usage, weight) for name, _, usage, weight in rows}
        listed = operations or [_operation(name, kind) for name, kind, _, _ in rows]
        block = _make("MLModelStructureProgramBlock", operations=listed)
        main = _make("MLModelStructureProgramFunction", block=block)
        program = _make("MLModelStructureProgram", functions={"main": main})
        self.model_structure = _make("MLModelStructure", program=program)

    def get_compute_device_usage_for_mlprogram_operation(self, operation: Any) -> Any:
        return self._answers[operation.outputs[0].name][0]

    def get_estimated_cost_for_mlprogram_operation(self, operation: Any) -> Any:
        weight = self._answers[operation.outputs[0].name][1]
        return None if weight is None else _make("MLComputePlanCost", weight=weight)


def _usage(preferred: Any, *supported: Any) -> Any:
    return _make(
        "MLComputePlanDeviceUsage", preferred_compute_device=preferred, supported_compute_devices=list(supported)
    )


def test_rows_are_joined_by_output_and_constants_left_out() -> None:
    ane, gpu, cpu = map(_device, ("MLNeuralEngineComputeDevice", "MLGPUComputeDevice", "MLCPUComputeDevice"))
    plan = FakePlan([
        ("weight_0", "const", None, None),
        ("conv_0", "ios18.conv", _usage(ane, cpu, ane, gpu), 0.75),
        ("argmax_0", "ios17.reduce_argmax", _usage(cpu, cpu), None),
    ])  # fmt: skip
    assert worker_apple.read(plan) == [
        {"output": "conv_0", "kind": "conv", "preferred": "ANE", "supported": ["ANE", "CPU", "GPU"], "cost": 0.75},
        {"output": "argmax_0", "kind": "reduce_argmax", "preferred": "CPU", "supported": ["CPU"], "cost": None},
    ]


def test_operations_of_branches_are_asked_too() -> None:
    cpu = _device("MLCPUComputeDevice")
    inner = _operation("inner_0", "ios18.relu")
    outer = _operation("cond_0", "ios18.cond", (_make("MLModelStructureProgramBlock", operations=[inner]),))
    rows = [("inner_0", "ios18.relu", _usage(cpu, cpu), 0.5), ("cond_0", "ios18.cond", _usage(cpu, cpu), 0.5)]
    assert [row["output"] for row in worker_apple.read(FakePlan(rows, [outer]))] == ["cond_0", "inner_0"]


def test_a_run_compiles_plans_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    ane, cpu = _device("MLNeuralEngineComputeDevice"), _device("MLCPUComputeDevice")
    asked: list[Any] = []

    class Model:
        def __init__(self, path: str, compute_units: str) -> None:
            self.units = compute_units
            asked.append((path, compute_units))

        def get_compiled_model_path(self) -> str:
            return "/tmp/m.mlmodelc"

        def predict(self, feed: dict[str, Any]) -> dict[str, Any]:
            asked.append(("predict", self.units, sorted(feed)))
            return {}

    class MLComputePlan:
        @staticmethod
        def load_from_path(path: str, compute_units: str) -> FakePlan:
            asked.append((path, compute_units))
            return FakePlan([("conv_0", "ios18.conv", _usage(ane, cpu, ane), 1.0)])

    units = SimpleNamespace(CPU_AND_NE="CPU_AND_NE", CPU_ONLY="CPU_ONLY", ALL="ALL")
    models = SimpleNamespace(MLModel=Model, compute_plan=SimpleNamespace(MLComputePlan=MLComputePlan))
    monkeypatch.setitem(sys.modules, "coremltools", SimpleNamespace(models=models, ComputeUnit=units))  # type: ignore[arg-type]
    answer = SimpleNamespace(stdout="Apple M4 Pro\n")
    monkeypatch.setattr(worker_apple.subprocess, "run", lambda *a, **k: answer)
    monkeypatch.setattr(worker_apple.platform, "mac_ver", lambda: ("26.1", ("", "", ""), "arm64"))
    found = worker_apple.inspect(SimpleNamespace(package_path="/tmp/m.mlpackage"), {"x": 0})
    assert found["operations"][0]["preferred"] == "ANE"
    assert set(found["latency_ms"]) == {"CPU_ONLY", "CPU_AND_NE", "ALL"}
    assert (found["chip"], found["os"]) == ("M4 Pro", "macOS 26.1")
    assert asked[:2] == [("/tmp/m.mlpackage", "CPU_AND_NE"), ("/tmp/m.mlmodelc", "CPU_AND_NE")]
    assert ("predict", "ALL", ["x"]) in asked
