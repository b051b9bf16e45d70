"""In the worker: what fp16 does to the numbers. Every operation's result is rounded to fp16 and compared with fp32.

This emulates fp16 storage with fp32 arithmetic inside an operation. The Neural Engine accumulates differently, so a good
result here is necessary, not sufficient. Ranges hold for the given weights and inputs only: with random weights they say
nothing about the trained model.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from typing import Any

from ane_lsp.verify.worker_frames import innermost
from ane_lsp.verify.worker_model import Model

LARGEST, SUM_LIMIT, SMALLEST = 65504.0, 32768.0, 6e-8
GATE_DB = 40.0
_SAMPLE = 2048
_EQUAL = 0.9
_SHOWN = 40
_SUMS = ("sum", "mean", "var", "norm", "mm", "bmm", "matmul", "addmm", "cumsum", "einsum")


def compare(model: Model, expected: list[Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Outputs in emulated fp16 against fp32: PSNR and largest error per output, the first operation where they part, and
    operations whose values leave the range of fp16."""
    torch: Any = sys.modules["torch"]
    mode_type = importlib.import_module("torch.utils._python_dispatch").TorchDispatchMode
    exact: list[Any] = []
    ranges: list[dict[str, Any]] = []
    parted: list[dict[str, Any]] = []
    counter = {"n": 0, "aligned": True}

    def place() -> dict[str, Any]:
        frames = []
        frame: Any = sys._getframe(2)
        while frame is not None:
            frames.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
            frame = frame.f_back
        found = innermost(list(reversed(frames)))
        return {"file": found[0], "line": found[1], "fn": found[2]} if found else {}

    def floats(value: Any) -> list[Any]:
        if isinstance(value, torch.Tensor):
            return [value] if value.is_floating_point() and value.numel() else []
        if isinstance(value, (tuple, list)):
            return [t for v in value for t in floats(v)]
        return []

    class Exact(mode_type):  # type: ignore[misc, valid-type]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            for tensor in floats(out):
                exact.append((str(func), tuple(tensor.shape), sample(tensor)))
                largest = float(tensor.abs().amax())
                name = str(func).split(".")[1] if "." in str(func) else str(func)
                limit = SUM_LIMIT if any(s in name for s in _SUMS) else LARGEST
                if largest > LARGEST and float(tensor.amax()) <= LARGEST and name not in ("mm", "bmm", "addmm"):
                    # Far below and nowhere above: a mask, which may well become minus infinity.
                    ranges.append(
                        {"op": name, "what": "mask", "largest": largest, "shape": list(tensor.shape), **place()}
                    )
                elif math.isfinite(largest) and (largest > LARGEST or largest >= limit or 0 < largest < SMALLEST):
                    kind = "overflow" if largest > LARGEST else "large sum" if largest >= limit else "underflow"
                    ranges.append(
                        {"op": name, "what": kind, "largest": largest, "shape": list(tensor.shape), **place()}
                    )
            return out

    class Rounded(mode_type):  # type: ignore[misc, valid-type]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            for tensor in floats(out):
                if not _is_view(func):
                    tensor.copy_(tensor.half().to(tensor.dtype))
                index = counter["n"]
                counter["n"] += 1
                if index >= len(exact) or exact[index][0] != str(func) or exact[index][1] != tuple(tensor.shape):
                    counter["aligned"] = False
                if not counter["aligned"]:
                    continue
                if index % 50 == 0:
                    progress(index / max(1, len(exact)))
                db = psnr(exact[index][2], sample(tensor))
                if db < GATE_DB and len(parted) < _SHOWN:
                    parted.append({"op": str(func), "psnr": number(db), "shape": list(tensor.shape), **place()})
            return out

    with torch.no_grad():
        with Exact():
            model.wrapper(*model.tensors)
        # Weights and inputs are held in fp16 as well.
        saved = [
            (t, t.detach().clone())
            for t in (*model.module.parameters(), *model.module.buffers())
            if t.is_floating_point()
        ]
        try:
            for tensor, _ in saved:
                tensor.copy_(tensor.half().to(tensor.dtype))
            inputs = [t.half().float() if t.is_floating_point() else t for t in model.tensors]
            with Rounded():
                outputs = model.wrapper(*inputs)
        finally:
            for tensor, value in saved:
                tensor.copy_(value)
    outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
    return {
        "method": "emulated fp16 storage, fp32 arithmetic",
        "gate_db": GATE_DB,
        **against(expected, outputs),
        "first": parted[0] if parted else None,
        "aligned": counter["aligned"],
        "ranges": _merged(ranges),
    }


def _is_view(func: Any) -> bool:
    returns = getattr(getattr(func, "_schema", None), "returns", ())
    return any(getattr(r, "alias_info", None) is not None for r in returns)


def sample(tensor: Any) -> Any:
    """Up to some thousand elements, spread evenly."""
    flat = tensor.detach().reshape(-1)
    step = max(1, flat.numel() // _SAMPLE)
    return flat[::step].float().clone()


def against(expected: list[Any], outputs: list[Any], exact: bool = False) -> dict[str, Any]:
    """A row for each output, whether all pass the gate, and that in words.

    exact: computed in fp32, so that integers and truth values are equal, too, but for a tie here and there.
    """
    rows = [_output(i, a, b) for i, (a, b) in enumerate(zip(expected, outputs))]
    floats = [float(r["psnr"]) for r in rows if r["kind"] == "float"]
    worst = min(floats, default=math.inf)
    text = "no difference" if worst == math.inf else f"{worst:.1f} dB against torch in fp32"
    other = next((r for r in rows if r["kind"] == "shape"), None)
    few = next((r for r in rows if r["kind"] == "integer" and r["share"] < _EQUAL), None) if exact else None
    if other is not None:
        made, wanted = ("x".join(map(str, other[key])) or "scalar" for key in ("made", "shape"))
        text = f"output {other['index']} has the shape {made}, not {wanted}"
    elif few is not None:
        text = f"{1 - few['share']:.0%} of the numbers of output {few['index']} are others than in torch"
    return {"outputs": rows, "passes": worst >= GATE_DB and other is None and few is None, "text": text}


def psnr(expected: Any, actual: Any) -> float:
    """Peak signal to noise ratio, dB; the peak is the largest absolute value expected. Infinite where equal."""
    torch: Any = sys.modules["torch"]
    a, b = expected.double().reshape(-1), actual.double().reshape(-1)
    same = torch.isfinite(a)
    a, b = a[same], b[same]
    if not a.numel():
        return math.inf
    error = (a - b).square().mean().item()
    if math.isnan(error) or math.isinf(error):
        return -math.inf
    peak = a.abs().max().item()
    if error == 0:
        return math.inf
    return 10 * math.log10(peak * peak / error) if peak > 0 else -math.inf


def _output(index: int, expected: Any, actual: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"index": index, "shape": list(expected.shape)}
    if expected.numel() != actual.numel():
        return row | {"kind": "shape", "made": list(actual.shape), "psnr": None}
    if not expected.is_floating_point():
        equal = expected.reshape(-1) == actual.reshape(-1).to(expected.dtype)
        share = float(equal.float().mean()) if equal.numel() else 1.0
        return row | {"kind": "integer", "equal": bool(equal.all()), "share": share, "psnr": None}
    actual = actual.reshape(expected.shape)
    error = (expected.double() - actual.double()).abs()
    finite = error[error.isfinite()]
    return row | {
        "kind": "float", "psnr": number(psnr(expected, actual)), "not_finite": int((~actual.isfinite()).sum()),
        "max_error": float(finite.max()) if finite.numel() else None, "peak": number(float(expected.abs().max())),
    }  # fmt: skip


def number(value: float) -> Any:
    """JSON has no infinity."""
    return round(value, 4) if math.isfinite(value) else str(value)


def _merged(ranges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each line and kind, the worst value."""
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in ranges:
        key = (row.get("file"), row.get("line"), row["what"])
        known = best.get(key)
        if known is None or (row["largest"] < known["largest"]) == (row["what"] == "underflow"):
            best[key] = row
    return list(best.values())[:_SHOWN]
