"""Mutations that keep the structure of an input, so that what they make gets past the first parser."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

Mutator = Callable[[bytes, random.Random], bytes]

_TOKEN = re.compile(r"\w+|[ \t]+|\r\n|\W", re.ASCII)
WORDS = (
    "self", "x", "None", "True", "0", "1", "-1", "10**30", "2**62", "1e400", "''", "[]", "{}", "()", "lambda: 0", "yield", "*x",
    "await x", "**x", ":", ",", ".", "=", "==", ":=", "(", ")", "[", "]", "{", "}", "def f(x):", "class A(nn.Module):", "return",
    "import torch", "nn", "if x:", "else:", "for x in x", "while True:", "try:", "except* E:", "finally:", "@", "->", "~", "not",
    "in", "is", "\n", "\n    ", "\n        ", "\t", "\\", "#", '"', "'''", "f'{x", "t'{x}'", "match x:", "case [a, *b]:",
    "type T[X: int] = X", "global x", "nonlocal x", "del x", "with x as y:", "super().__init__()", "x.shape[0]", "x.view(-1)",
    "nn.Conv2d(3, 8, 3)", "torch.zeros(0)", "torch.randn(1, 3, 8, 8)", "nn.Sequential(*[nn.ReLU()] * 9)", "x[..., None]",
    "__getattr__", "__call__", "__slots__", "__class__", "@property", "@staticmethod", "@torch.no_grad()", "yield from x",
    "\x00", "\ufeff", "\u2028", "\U0001f600", "\ud800", "é", "\r", "\x0c", "# ane: ignore", "# ane: input(1x3x8x8)",
    "# ane: input(", "# ane: ignore[ANE302]", "# ane: ignore-file", "# ane: entry", "# noqa: ANE302", "# type: ignore",
)  # fmt: skip


def pieces_of(texts: Sequence[str]) -> list[str]:
    """Lines and short runs of lines of `texts`, to be spliced into others."""
    found: dict[str, None] = {}
    for text in texts:
        lines = text.splitlines(keepends=True)
        for at in range(len(lines)):
            found["".join(lines[at : at + 1 + at % 3])] = None
    return list(found)


def tokens(pieces: Sequence[str] = (), words: Sequence[str] = WORDS) -> Mutator:
    """Deletes, doubles, swaps, moves and inserts tokens or lines; `pieces` are inserted too."""

    def mutate(data: bytes, chance: random.Random) -> bytes:
        text = data.decode("utf-8", "surrogatepass" if chance.random() < 0.5 else "replace")
        parts = text.splitlines(keepends=True) if chance.random() < 0.4 else _TOKEN.findall(text)
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            at = chance.randrange(len(parts) + 1)
            kind = chance.randrange(8)
            if kind == 0:
                del parts[at : at + chance.randint(1, 6)]
            elif kind == 1:
                parts[at:at] = parts[at : at + chance.randint(1, 6)]
            elif kind == 2 and parts:
                other, at = chance.randrange(len(parts)), chance.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            elif kind == 3 and at < len(parts):
                parts[at] = chance.choice(words)
            elif kind == 4 and at < len(parts):
                parts[at] = parts[at][: chance.randrange(len(parts[at]) + 1)]
            elif kind == 5 and parts:
                part = parts.pop(chance.randrange(len(parts)))
                parts.insert(at, part)
            elif kind == 6 and pieces:
                parts.insert(at, chance.choice(pieces))
            else:
                parts.insert(at, chance.choice(words))
        return "".join(parts).encode("utf-8", "surrogatepass")

    def safely(data: bytes, chance: random.Random) -> bytes:
        try:
            return mutate(data, chance)
        except UnicodeDecodeError:
            return mutate(data.decode("utf-8", "replace").encode(), chance)

    return safely


ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, float("inf"), float("nan"), "", "x", "\ud800", "\0",
    "../../..", "file:///etc/passwd", "file://%", "untitled:a", "ANE302", "a" * 5000, [], {}, [[]], [None], {"": None}, [{}], ["x", 1],
)  # fmt: skip


def json_values(extra: Sequence[Any] = ()) -> Mutator:
    """Replaces, deletes, doubles and moves values of a JSON document; text that is not JSON stays."""
    odd = (*ODD_VALUES, *extra)

    def mutate(data: bytes, chance: random.Random) -> bytes:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return data
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            value = mutated(value, chance, odd)
        return json.dumps(value).encode()

    return mutate


def mutated(value: Any, chance: random.Random, odd: Sequence[Any] = ODD_VALUES) -> Any:
    """`value` with one change somewhere inside; changes `value` in place where it is a container."""
    holders: list[tuple[Any, Any]] = []
    stack: list[Any] = [value]
    while stack:
        holder = stack.pop()
        items: Any = (
            holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
        )
        for key, item in items:
            holders.append((holder, key))
            stack.append(item)
    if not holders or chance.random() < 0.02:
        return deepcopy(chance.choice(odd))
    holder, key = chance.choice(holders)
    kind = chance.randrange(5)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        other, place = chance.choice(holders)
        if (place in other) if isinstance(other, dict) else (place < len(other)):
            holder[key] = json.loads(json.dumps(other[place]))
    elif kind == 2 and isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(holder[key])))
    elif kind == 3 and isinstance(holder[key], int) and not isinstance(holder[key], bool):
        holder[key] += chance.choice((1, -1, 7, -holder[key], 10**6))
    elif kind == 4 and isinstance(holder[key], str):
        text = holder[key]
        at = chance.randrange(len(text) + 1)
        holder[key] = (
            text[:at]
            + chance.choice(("", "\n", "\r", "é", "😀", "\ud83d", "(", "%", "/", "..", "x" * 99))
            + text[at + 1 :]
        )
    else:
        holder[key] = deepcopy(chance.choice(odd))  # it is changed in place later, and must not end up in itself
    return value
