"""Programs of random torch calls: every operation the analysis knows, on arguments nobody would pass."""

from __future__ import annotations

from functools import cache

from benchmarks.fuzz.reader import Reader

HEADER = """\
import math
import torch
from torch import nn
import torch.nn.functional as F
x = torch.randn(2, 3, 8, 8)
y = torch.zeros(4, 4)
i = torch.arange(3)
b = x > 0
e = torch.zeros(0, 3)
s = torch.tensor(2.5)
h = x.half()
c = torch.zeros(3, dtype=torch.complex64)
u = open("unknown").read()
n = torch.zeros(len(u), 3)
"""
VALUES = (
    "x", "y", "i", "b", "e", "s", "h", "c", "n", "u", "len(u)", "v", "w", "[v]", "(x, y)", "[x, x]", "[e]", "[[y], [y]]", "[u]",
    "0", "1", "2", "3", "-1", "-2", "7", "10**30", "2**62", "-2**63", "1.5", "0.0", "-0.5", "float('nan')", "float('inf')", "1e308",
    "True", "False", "None", "...", "slice(None)", "1j", "''", "'sum'", "'mean'", "'none'", "'reflect'", "'bilinear'", "'ij,jk->ik'",
    "'a' * 99", "'same'", "'trunc'", "b'x'", "[]", "()", "{}", "(1,)", "(2, 3)", "[0, 1]", "(-1, 4)", "(8, 8)", "(1, 1, 1, 1)", "[1.5]",
    "[2**40, 2**40]", "(None, 2)", "range(3)", "set()", "{1}", "{'a': x}", "object()", "lambda q: q", "int", "torch.float16",
    "torch.int64", "torch.bool", "torch.float8_e4m3fn", "torch.complex64", "'cpu'", "torch.device('cpu')", "torch.channels_last",
    "torch.strided", "torch.Size([2, 3])", "x.shape", "nn.Linear(3, 3)", "nn.Parameter(y)", "x[0]", "x[..., None]", "x.T", "math.inf",
)  # fmt: skip
SUBSCRIPTS = (
    "0",
    "-1",
    "9",
    "...",
    "None",
    ":",
    "::2",
    "1:",
    ":-1",
    "b",
    "i",
    "[0, 1]",
    "True",
    "s",
    "10**30",
    "v",
    "u",
    "::0",
    "::-1",
    "''",
)


@cache
def names() -> tuple[str, ...]:
    """Every public name with a rule, in a fixed order."""
    from ane_lsp.torch_model import registry

    return tuple(sorted(registry.names()))


@cache
def modules() -> tuple[str, ...]:
    """Classes of torch.nn with a model."""
    from pathlib import Path

    import ane_lsp.torch_model

    stubs = Path(ane_lsp.torch_model.__file__).parent / "stubs" / "torch" / "nn"
    found = set()
    for path in stubs.rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("class ") and not line.startswith("class _"):
                found.add(line[6:].split("(")[0].split(":")[0])
    return tuple(sorted(found))


def program(read: Reader) -> str:
    """A program of up to 12 statements; every one may raise, none ends it."""
    lines = [HEADER]
    while read and len(lines) < 13:
        lines.append(f"try:\n    {'vw'[read.below(2)]} = {_statement(read)}\nexcept Exception: pass\n")
    return "".join(lines)


def _statement(read: Reader) -> str:
    kind = read.below(8)
    if kind == 0:
        return f"{read.choice(VALUES)}[{', '.join(read.choice(SUBSCRIPTS) for _ in range(1 + read.below(4)))}]"
    if kind == 1:
        operator = read.choice(
            ("+", "-", "*", "/", "//", "%", "**", "@", "<<", ">>", "&", "|", "^", "<", "==", "is", "in", "and")
        )
        return f"{read.choice(VALUES)} {operator} {read.choice(VALUES)}"
    if kind == 2 and modules():
        return f"nn.{read.choice(modules())}({_arguments(read, ())})({_arguments(read, ())})"
    name = read.choice(names())
    known = _parameters(name)
    if name.startswith("torch.Tensor.") and kind > 3:
        return f"{read.choice(VALUES)}.{name.rpartition('.')[2]}({_arguments(read, known[1:])})"
    if name.startswith("torch."):
        return f"{name}({_arguments(read, known)})"
    return f"F.relu({read.choice(VALUES)})"


def _arguments(read: Reader, known: tuple[str, ...]) -> str:
    parts = [read.choice(VALUES) for _ in range(read.below(5))]
    named = dict.fromkeys(read.choice(known) for _ in range(read.below(3)) if known)
    parts += [f"{name}={read.choice(VALUES)}" for name in named]
    if read.below(30) == 29:
        parts.append(read.choice(("*x", "*u", "**{}", "**{'dim': 1}", "*[1] * 50", "**u")))
    return ", ".join(parts)


@cache
def _parameters(name: str) -> tuple[str, ...]:
    from ane_lsp.torch_model import registry

    found = registry.find(name)
    return tuple(found.signature.parameters) if found is not None else ()
