"""The reader of Core ML's compute plan, against an imitation with the names that coremltools 9.0 has. No Mac takes part."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ane_lsp.verify import worker_apple


class MLNeuralEngineComputeDevice:
    pass


class MLGPUComputeDevice:
    pass


class MLCPUComputeDevice:
    pass


class FakePlan:
    """Answers as recorded in coremltools' own documentation: None for constants, objects with a class per device otherwise."""

    def __init__(self, rows: list[tuple[str, str, Any, Any]]) -> None:
        self._answers = {name: (usage, weight) for name, _, usage, weight in rows}
        operations = [
            SimpleNamespace(operator_name=kind, outputs=[SimpleNamespace(name=name)]) for name, kind, _, _ in rows
        ]
        main = SimpleNamespace(block=SimpleNamespace(operations=operations))
        self.model_structure = SimpleNamespace(program=SimpleNamespace(functions={"main": main}))

    def get_compute_device_usage_for_mlprogram_operation(self, operation: Any) -> Any:
        return self._answers[operation.outputs[0].name][0]

    def get_estimated_cost_for_mlprogram_operation(self, operation: Any) -> Any:
        weight = self._answers[operation.outputs[0].name][1]
        return None if weight is None else SimpleNamespace(weight=weight)


def _usage(preferred: Any, *supported: Any) -> Any:
    return SimpleNamespace(preferred_compute_device=preferred, supported_compute_devices=list(supported))


def test_rows_are_joined_by_output_and_constants_left_out() -> None:
    ane, gpu, cpu = MLNeuralEngineComputeDevice(), MLGPUComputeDevice(), MLCPUComputeDevice()
    plan = FakePlan([
        ("weight_0", "const", None, None),
        ("conv_0", "ios18.conv", _usage(ane, cpu, ane, gpu), 0.75),
        ("argmax_0", "ios17.reduce_argmax", _usage(cpu, cpu), None),
    ])  # fmt: skip
    assert worker_apple.read(plan) == [
        {"output": "conv_0", "kind": "conv", "preferred": "ANE", "supported": ["ANE", "CPU", "GPU"], "cost": 0.75},
        {"output": "argmax_0", "kind": "reduce_argmax", "preferred": "CPU", "supported": ["CPU"], "cost": None},
    ]
