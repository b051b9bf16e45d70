"""In the worker: convert with Apple's Core AI stack and execute the program on this machine's CPU, in fp32 and in fp16."""

from __future__ import annotations

import asyncio
import copy
import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ane_lsp.verify.worker_frames import innermost, parse_python, user_frames
from ane_lsp.verify.worker_model import Model
from ane_lsp.verify.worker_numbers import GATE_DB, _number, psnr


def execute(model: Model, expected: list[Any]) -> dict[str, Any]:
    """Both precisions against torch in fp32. What the stack refuses is listed, with lines where it names nodes."""
    from ane_lsp.verify.worker_run import need

    need("coreai_torch")
    runs: list[dict[str, Any]] = []
    for precision in ("fp32", "fp16"):
        began = time.monotonic()
        try:
            outputs = _run(model, precision)
        except MemoryError:
            raise
        except Exception as error:
            runs.append(_refused(precision, error))
            break
        rows = [
            {"index": i, "psnr": _number(psnr(a, b)), "max_error": float((a.double() - b.double()).abs().max())}
            for i, (a, b) in enumerate(zip(expected, outputs))
            if a.is_floating_point()
        ]
        worst = min((r["psnr"] for r in rows if isinstance(r["psnr"], float)), default=None)
        seconds = round(time.monotonic() - began, 2)
        text = "equal to torch" if worst is None else f"{worst:.1f} dB against torch in fp32"
        passes = worst is None or worst >= GATE_DB
        runs.append(
            {
                "precision": precision,
                "outputs": rows,
                "seconds": seconds,
                "passes": passes,
                "text": f"{text}, {seconds} s",
            }
        )
    return {"message": "executed on the CPU of this machine", "runs": runs}


def _refused(precision: str, error: Exception) -> dict[str, Any]:
    text = " ".join(str(error).split())[:1000]
    frame = innermost(user_frames(parse_python(str(error))))
    place = {"file": frame[0], "line": frame[1]} if frame else {}
    return {
        "precision": precision,
        "refused": f"{type(error).__name__}: {text}",
        "text": f"refused: {text[:300]}",
        **place,
    }


def _run(model: Model, precision: str) -> list[Any]:
    torch: Any = sys.modules["torch"]
    numpy: Any = importlib.import_module("numpy")
    stack: Any = importlib.import_module("coreai_torch")
    wrapper, tensors = model.wrapper, list(model.tensors)
    if precision == "fp16":
        wrapper = copy.deepcopy(wrapper).half()
        tensors = [t.half() if t.is_floating_point() else t for t in tensors]
    with torch.no_grad():
        exported = torch.export.export(wrapper, tuple(tensors), strict=False)
    exported = exported.run_decompositions(stack.get_decomp_table())
    program = stack.TorchConverter().add_exported_program(exported).to_coreai()
    names = [spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.aimodel"
        asset = program.save_asset(path)
        found = asyncio.run(_execute(asset, dict(zip(names, tensors)), numpy))
    order = [str(name) for name in exported.graph_signature.user_outputs]
    if set(found) != set(order):
        raise ValueError(
            f"the program's outputs are called {', '.join(found)}, the exported model's {', '.join(order)}"
        )
    outputs = [found[name] for name in order]
    return [torch.from_numpy(numpy.array(o, copy=True)).float() for o in outputs]


async def _execute(asset: Any, tensors: dict[str, Any], numpy: Any) -> dict[str, Any]:
    runtime: Any = importlib.import_module("coreai.runtime")
    async with asset.executable() as loaded:
        function = loaded.load_function("main")
        found = await function({name: runtime.NDArray(tensor.numpy()) for name, tensor in tensors.items()})
    return {name: numpy.asarray(value.numpy() if hasattr(value, "numpy") else value) for name, value in found.items()}
