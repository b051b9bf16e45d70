"""In the worker: convert with Apple's Core AI stack and execute the program on this machine's CPU, in fp32 and in fp16.

The program runs in a process of its own: the CPU is slow in fp16, and a native call can be ended in no other way.
"""

from __future__ import annotations

import copy
import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ane_lsp.verify.worker_base import Failed, need
from ane_lsp.verify.worker_convert import whole_stacks
from ane_lsp.verify.worker_frames import innermost, parse_python, user_frames
from ane_lsp.verify.worker_model import Model
from ane_lsp.verify.worker_numbers import against

RUNNER = Path(__file__).with_name("worker_coreai_run.py")
_SHOWN = 40


class _Refused(Exception):
    """The stack does not take the model. ops: what it refuses, with lines."""

    def __init__(self, message: str, ops: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.ops = ops


class _NotHalf(Exception):
    """The model itself does not run in half precision."""


def execute(model: Model, expected: list[Any], seconds: float, tell: Callable[[list[dict[str, Any]]], None]) -> None:
    """Both precisions against torch in fp32; `tell` gets all runs so far after each. What the stack refuses is listed, with
    lines. seconds: for executing one program."""
    need("coreai_torch")
    runs: list[dict[str, Any]] = []
    for precision in ("fp32", "fp16"):
        began = time.monotonic()
        row: dict[str, Any] = {"precision": precision}
        try:
            row |= against(expected, _run(model, precision, seconds))
        except MemoryError:
            raise
        except subprocess.TimeoutExpired:
            row |= {"stopped": seconds, "text": f"stopped after {seconds:g} s: this CPU is slow in {precision}"}
        except _NotHalf as error:
            row["text"] = f"not run: torch does not run this model in half precision ({error})"
        except _Refused as error:
            row |= {"refused": str(error), "text": f"refused: {str(error)[:300]}", "ops": error.ops}
            if error.ops:
                row |= {key: error.ops[0][key] for key in ("file", "line") if key in error.ops[0]}
        row["seconds"] = round(time.monotonic() - began, 2)
        runs.append(row)
        tell(runs)
        if "refused" in row:
            break


def _run(model: Model, precision: str, seconds: float) -> list[Any]:
    torch: Any = sys.modules["torch"]
    numpy: Any = importlib.import_module("numpy")
    stack: Any = importlib.import_module("coreai_torch")
    wrapper, tensors = model.wrapper, list(model.tensors)
    exported = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            if precision == "fp16":
                wrapper = copy.deepcopy(wrapper).half()
                tensors = [t.half() if t.is_floating_point() else t for t in tensors]
            with torch.no_grad(), whole_stacks():
                exported = torch.export.export(wrapper, tuple(tensors), strict=False)
            exported = exported.run_decompositions(stack.get_decomp_table())
            program = stack.TorchConverter().add_exported_program(exported).to_coreai()
            program.save_asset(Path(folder) / "model.aimodel")
        except MemoryError:
            raise
        except Exception as error:
            if precision == "fp16" and exported is None:
                raise _NotHalf(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}") from error
            text = " ".join(str(error).split())[:1000]
            raise _Refused(f"{type(error).__name__}: {text}", _named(exported, str(error))) from error
        names = [spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
        numpy.savez(Path(folder) / "in.npz", **{name: _array(t) for name, t in zip(names, tensors)})
        done = subprocess.run(
            [sys.executable, "-E", "-s", str(RUNNER), folder],
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise _Refused(f"the runtime: {last[:1000]}", [])
        with numpy.load(Path(folder) / "out.npz") as file:
            found = {name: file[name] for name in file.files}
    order = [str(name) for name in exported.graph_signature.user_outputs]
    if set(found) != set(order):
        raise Failed("coreai", f"the program's outputs are {', '.join(found)}, the exported model's {', '.join(order)}")
    return [torch.from_numpy(numpy.array(found[name], copy=True)) for name in order]


def _array(tensor: Any) -> Any:
    """As the program takes it: it has no 64-bit integers."""
    return tensor.numpy().astype("int32") if str(tensor.dtype) == "torch.int64" else tensor.numpy()


def _named(exported: Any, text: str) -> list[dict[str, Any]]:
    """Operations of the exported graph that an error names, each once a line; else the innermost line in its traceback."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for node in exported.graph.nodes if exported is not None else ():
        target = str(node.target)
        if node.op != "call_function" or len(target) < 6 or target not in text:
            continue
        frame = innermost(parse_python(node.meta.get("stack_trace")))
        place = {"file": frame[0], "line": frame[1]} if frame else {}
        rows.setdefault((target, *place.values()), {"op": target, **place})
    if rows:
        return list(rows.values())[:_SHOWN]
    frame = innermost(user_frames(parse_python(text)))
    return [{"op": "", "file": frame[0], "line": frame[1]}] if frame else []
