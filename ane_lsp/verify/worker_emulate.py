"""In the worker: the converted program computed on this machine, a second witness that needs no Mac.

Every operation is computed twice in step, once with fp32 between operations and once with every result rounded to fp16. What a
kernel here does not cover, coremltools' own constant folding computes. Arithmetic inside an operation is fp32: the Neural
Engine accumulates differently, so a good result is necessary, not sufficient.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from ane_lsp.verify.worker_kernels import KERNELS
from ane_lsp.verify.worker_numbers import GATE_DB, against, number, psnr, sample

_FLOATS = ("fp16", "fp32")


class Missing(Exception):
    """An operation nobody here computes."""


class _Holder:
    """What a Var of MIL keeps its known value in."""

    def __init__(self, val: Any) -> None:
        self.val = val


def execute(
    program: Any,
    feed: dict[str, Any],
    expected: list[Any],
    locate: Callable[[Any], dict[str, Any]],
    progress: Callable[[float], None],
) -> dict[str, Any]:
    """Outputs of the main function against torch in fp32, and the first operation where fp16 parts from fp32, with its line.

    feed: arrays by input name. `missing` in the result names operations that are not emulated; there are no numbers then.
    """
    torch: Any = importlib.import_module("torch")
    function = program.functions["main"]
    ops = [op for op in function.operations if op.op_type != "const"]
    absent = sorted({op.op_type for op in ops if not _computable(op)})
    if absent:
        return {"missing": absent, "text": f"not emulated: {', '.join(absent)}"}
    exact = {id(var): torch.from_numpy(feed[name].copy()) for name, var in function.inputs.items()}
    rounded = {key: _round(value) for key, value in exact.items()}
    last = _last_uses(ops, function.outputs)
    first: dict[str, Any] | None = None
    for index, op in enumerate(ops):
        if index % 20 == 0:
            progress(index / len(ops))
        with torch.no_grad():
            try:
                precise, coarse = _compute(op, exact), _compute(op, rounded)
            except Missing as error:
                return {"missing": [op.op_type], "text": f"not emulated: {op.op_type} ({error})"}
        for var, a, b in zip(op.outputs, precise, coarse):
            b = _round(b) if _is_float(var) else b
            exact[id(var)], rounded[id(var)] = a, b
            if first is None and _is_float(var) and a.is_floating_point() and a.numel():
                db = psnr(sample(a), sample(b))
                if db < GATE_DB:
                    first = {"op": op.op_type, "psnr": number(db), "shape": list(a.shape), **locate(op)}
        for key in last[index]:
            exact.pop(key, None)
            rounded.pop(key, None)
    for var in function.outputs:
        if id(var) not in exact:  # a constant
            exact[id(var)] = _tensor(var.val)
            rounded[id(var)] = _round(exact[id(var)])
    names = [id(var) for var in function.outputs]
    wide = against(expected, [exact[key] for key in names], exact=True)
    narrow = against(expected, [rounded[key] for key in names])
    return {"fp32": wide, "fp16": narrow, "first": None if narrow["passes"] else first, "text": narrow["text"]}


def _computable(op: Any) -> bool:
    if op.op_type in KERNELS or op.op_type.startswith("constexpr_"):
        return True
    base: Any = importlib.import_module("coremltools.converters.mil.mil").Operation
    return type(op).value_inference is not base.value_inference and not op.blocks


def _last_uses(ops: list[Any], outputs: Any) -> list[list[int]]:
    """Per operation, the values that nobody reads after it."""
    kept = {id(var) for var in outputs}
    seen: set[int] = set()
    found: list[list[int]] = []
    for op in reversed(ops):
        used = {id(var) for var in (*_operands(op), *op.outputs)} - kept - seen
        seen |= used
        found.append(list(used))
    return found[::-1]


def _operands(op: Any) -> Iterator[Any]:
    for given in op.inputs.values():
        yield from given if isinstance(given, (list, tuple)) else () if given is None else (given,)


def _is_float(var: Any) -> bool:
    types: Any = importlib.import_module("coremltools.converters.mil.mil.types")
    return var.dtype is not None and types.is_float(var.dtype)


def _round(value: Any) -> Any:
    return value.half().float() if value.is_floating_point() else value


def _compute(op: Any, values: dict[int, Any]) -> list[Any]:
    """The outputs, as torch tensors; floats in fp32. Raises Missing."""
    torch: Any = importlib.import_module("torch")
    if op.op_type.startswith("constexpr_"):
        return [_tensor(op.materialized_val_inference() if op.outputs[0].val is None else op.outputs[0].val)]

    def get(given: Any) -> Any:
        if isinstance(given, (list, tuple)):
            return [get(v) for v in given]
        return values[id(given)] if id(given) in values else _tensor(given.val)

    kernel = KERNELS.get(op.op_type)
    if kernel is not None:
        given = {k: get(v) for k, v in op.inputs.items() if v is not None}
        try:
            made = kernel(op, given)
        except NotImplementedError as error:
            raise Missing(str(error)) from error
        except TypeError as error:
            if any(not isinstance(d, int) for var in op.outputs for d in var.shape or ()):
                raise Missing("a size that is known at run time only") from error
            raise
    else:
        made = _folded(op, values)
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    found = []
    for var, value in zip(op.outputs, made):
        tensor = value if isinstance(value, torch.Tensor) else _tensor(value)
        if (
            var.shape is not None
            and all(isinstance(d, int) for d in var.shape)
            and tuple(tensor.shape) != tuple(var.shape)
        ):
            raise Missing(f"computed {tuple(tensor.shape)} where the program says {tuple(var.shape)}")
        found.append(tensor)
    return found


def _tensor(value: Any) -> Any:
    torch: Any = importlib.import_module("torch")
    numpy: Any = importlib.import_module("numpy")
    if isinstance(value, (str, type(None))):
        return value
    array = numpy.asarray(value)
    if array.dtype.kind in "US":
        return value
    if array.dtype.kind == "O":
        raise Missing("a size that is known at run time only")
    if array.dtype.kind == "f":
        array = array.astype(numpy.float32)
    elif array.dtype.kind in "iu":
        array = array.astype(numpy.int64)
    return torch.from_numpy(numpy.array(array, copy=True))


def _folded(op: Any, values: dict[int, Any]) -> Any:
    """What coremltools' constant folding makes of the operation when its operands are known."""
    numpy: Any = importlib.import_module("numpy")
    known = [(var, var._sym_val) for var in _operands(op) if id(var) in values]
    try:
        for var, _ in known:
            array = values[id(var)].numpy()
            if array.dtype == numpy.int64:
                array = array.astype(numpy.int32)
            var._sym_val = _Holder(array if array.ndim else array[()])
        made = op.value_inference()
    except MemoryError:
        raise
    except Exception as error:
        raise Missing(f"{type(error).__name__}: {' '.join(str(error).split())[:120]}") from error
    finally:
        for var, before in known:
            var._sym_val = before
    if made is None:
        raise Missing("coremltools does not fold it")
    return made
