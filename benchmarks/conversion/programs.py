"""Small programs, each with one torch call: from the random calls of the torch model's tests and the cases of torch.nn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, settings

from ane_lsp.graph import TORCH_DTYPE
from tests.torch_model import harness, stub_cases
from tests.torch_model.harness import Arg, Call, Dtype

PRELUDE = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
# What a Core ML program can take; other dtypes have rules of their own.
DTYPES = ("f32", "i64", "i32", "b8")
_TRIED = 120
_OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@", "and": "&",
    "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """Source that defines ``M`` and ends in ``out = m(...)``. name: the torch name under test."""

    name: str
    source: str


def of_functions(count: int, wanted: Callable[[str], bool]) -> Iterator[Program]:
    """Up to `count` programs for each wanted name that is declared, every other one with its later tensors as buffers."""
    harness.load()
    for name in sorted(harness.CASES):
        if wanted(name) and not name.startswith(("einops.", "torch.ops.torchvision.")):
            yield from _of_name(name, count)


def of_modules(count: int, wanted: Callable[[str], bool]) -> Iterator[Program]:
    """Up to `count` programs for each of the wanted classes of torch.nn, losses left out: they are no part of inference."""
    for name, variants in stub_cases.CASES.items():
        kept = 0
        for arguments, inputs in variants if wanted(f"torch.nn.{name}") and not name.endswith("Loss") else ():
            if inputs is None or kept == count:
                continue
            text = f"class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layer = nn.{name}({arguments})\n"
            text += "    def forward(self, *x):\n        return self.layer(*x)\n"
            source = f"{PRELUDE}{text}given = ({inputs},)\nm = M().eval()\nout = m(*given)\n"
            if _runs(source):
                kept += 1
                yield Program(f"torch.nn.{name}", source)


def _of_name(name: str, count: int) -> Iterator[Program]:
    found: dict[str, None] = {}
    for number, case in enumerate(harness.CASES[name]):
        calls = _calls(case, _TRIED)
        wanted = max(1, count // len(harness.CASES[name]))
        kept = 0
        for call in calls:
            if kept == wanted:
                break
            source = _source(name, call, (kept + number) % 2 == 1)
            if source is not None and source not in found and _runs(source):
                found[source] = None
                kept += 1
    yield from (Program(name, source) for source in found)


def _calls(case: harness.Case, count: int) -> list[Call]:
    """Random calls, the same each time, those with tensors large enough to say something first."""
    calls: list[Call] = []

    @settings(
        max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )  # fmt: skip
    @given(case.strategy)
    def keep(call: Call) -> None:
        calls.append(call)

    keep()
    return sorted(calls, key=lambda call: -sum(len(a.shape) > 1 and min(a.shape) > 1 for a in harness.args_in(call)))


def _source(name: str, call: Call, constants: bool) -> str | None:
    """The program, None where Core ML has no such input or we no way to write it."""
    args, kwargs = call
    tensors: list[Arg] = []

    def text(value: Any) -> str:
        if isinstance(value, Arg):
            tensors.append(value)
            return f"x{len(tensors) - 1}"
        if isinstance(value, Dtype):
            return f"torch.{TORCH_DTYPE[value]}"
        if isinstance(value, tuple):
            return f"({', '.join(map(text, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, list):
            return f"[{', '.join(map(text, value))}]"
        if isinstance(value, slice):
            return f"slice({text(value.start)}, {text(value.stop)}, {text(value.step)})"
        if value is Ellipsis:
            return "..."
        if isinstance(value, float) and repr(value) in ("inf", "-inf", "nan"):
            return f'float("{value}")'
        if value is None or isinstance(value, (bool, int, float, str)):
            return repr(value)
        raise TypeError(value)

    try:
        given = [text(a) for a in args]
        named = {k: text(v) for k, v in kwargs.items()}
    except TypeError:
        return None
    if any(t.dtype not in DTYPES or 0 in t.shape or not t.shape for t in tensors):
        return None
    if any(tensors[i].dtype == "b8" for i in range(len(tensors)) if i == 0 or not constants):
        return None  # Core ML has no bool inputs, and a cast in front would be another operation
    expression = _expression(name, given, named)
    if expression is None:
        return None
    weights = range(1, len(tensors)) if constants else ()
    inputs = [i for i in range(len(tensors)) if i not in weights]
    lines = ["class M(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += [f"        self.register_buffer('x{i}', {_made(tensors[i])})" for i in weights]
    lines.append(f"    def forward(self, {', '.join(f'x{i}' for i in inputs) or 'x'}):")
    lines += [f"        x{i} = self.x{i}" for i in weights]
    if name.endswith("_") and not name.endswith("__") and inputs:
        lines.append("        x0 = x0.clone()")
    lines.append(f"        return {expression}" if inputs else f"        return x + {expression}")
    lines.append(f"given = ({', '.join(_made(tensors[i]) for i in inputs) or 'torch.ones(1)'},)")
    return PRELUDE + "\n".join(lines) + "\nm = M().eval()\nout = m(*given)\n"


def _made(arg: Arg) -> str:
    dtype = f"torch.{TORCH_DTYPE[arg.dtype]}"
    shape = tuple(arg.shape)
    if arg.values is not None:
        values = ", ".join(f'float("{v}")' if isinstance(v, float) else repr(v) for v in arg.values)
        return f"torch.tensor([{values}], dtype={dtype}).reshape({shape})"
    return f"torch.rand({shape})" if arg.dtype == "f32" else f"torch.ones({shape}, dtype={dtype})"


def _expression(name: str, given: list[str], named: dict[str, str]) -> str | None:
    last = name.rsplit(".", 1)[-1]
    keywords = [f"{k}={v}" for k, v in named.items()]
    if not name.startswith("torch.Tensor."):
        return f"{name}({', '.join([*given, *keywords])})"
    if not given or not given[0].startswith("x"):
        return None
    if last.startswith("__"):
        plain = last.strip("_")
        if plain == "getitem":
            return f"{given[0]}[{given[1]}]"
        if plain in ("neg", "invert"):
            return f"{'-' if plain == 'neg' else '~'}{given[0]}"
        if plain in _OPERATORS and len(given) == 2:
            return f"{given[0]} {_OPERATORS[plain]} {given[1]}"
        return None
    if not callable(getattr(torch.Tensor, last)):
        return f"{given[0]}.{last}"
    return f"{given[0]}.{last}({', '.join([*given[1:], *keywords])})"


def _runs(source: str) -> bool:
    """Whether torch accepts it and returns tensors only."""
    scope: dict[str, Any] = {}
    try:
        exec(compile(source, "<program>", "exec"), scope)
    except Exception:
        return False
    out = scope["out"]
    flat = out if isinstance(out, (tuple, list)) else (out,)
    return bool(flat) and all(isinstance(t, torch.Tensor) and not t.dtype.is_complex for t in flat)
