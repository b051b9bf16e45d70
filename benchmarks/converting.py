"""What coremltools makes of a model, computed here and held against torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ane_lsp.verify.worker_emulate import execute


def convert(net: torch.nn.Module, inputs: Sequence[torch.Tensor], path: str, **options: Any) -> Any:
    """The MIL program of a model, in fp32, its inputs in order as ``x0``, ``x1`` where it is traced. Raises whatever torch and coremltools raise."""
    import coremltools as ct

    if path == "trace":
        made: Any = torch.jit.trace(net, tuple(inputs), check_trace=False)
        kinds = [np.float32 if value.is_floating_point() else np.int32 for value in inputs]
        shapes = [ct.TensorType(name=f"x{n}", shape=v.shape, dtype=k) for n, (v, k) in enumerate(zip(inputs, kinds))]
    else:
        exported = torch.export.export(net, tuple(inputs))
        made, shapes = exported.run_decompositions({} if path == "export" else None), None
    return ct.convert(
        made, inputs=shapes, convert_to="milinternal", minimum_deployment_target=ct.target.iOS18,
        compute_precision=ct.precision.FLOAT32, **options,
    )  # fmt: skip


def computes_the_same(program: Any, inputs: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> bool | None:
    """Whether a program gives torch's numbers; None where it cannot be computed here, or torch's are not finite."""
    names = list(program.functions["main"].inputs)
    feed = {f"x{n}": value.numpy().copy() for n, value in enumerate(inputs)}
    if not feed.keys() >= set(names):
        if len(names) != len(inputs):
            return None
        feed = dict(zip(names, feed.values()))
    outputs = [value.float() if value.dtype == torch.bool else value for value in expected]
    result = execute(program, feed, outputs, lambda op: {}, print_nothing)
    if "fp32" not in result or not all(bool(value.isfinite().all()) for value in expected):
        return None
    return bool(result["fp32"]["passes"])


def print_nothing(share: float) -> None:
    """Takes the progress of a computation."""


def tensors_of(made: Any) -> Iterator[torch.Tensor]:
    """The tensors of what a model returned, in the order of a program's outputs."""
    if isinstance(made, torch.Tensor):
        yield made
    elif isinstance(made, (tuple, list)):
        for item in made:
            yield from tensors_of(item)
    elif isinstance(made, dict):
        yield from tensors_of(list(made.values()))
