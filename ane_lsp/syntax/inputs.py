"""Model inputs as people write them: ``1x3x224x224``, ``Bx16:i64``, ``mask=1x1x16x16:b8``, ``scalar:i64``."""

from __future__ import annotations

import re

from ane_lsp.graph import DTYPES, TORCH_DTYPE
from ane_lsp.graph.records import dataclass

_DTYPE_NAMES = {**{name: name for name in DTYPES}, **{torch: short for short, torch in TORCH_DTYPE.items()}}
_DTYPE_NAMES |= {"float": "f32", "half": "f16", "double": "f64", "long": "i64", "int": "i32"}
_NAMED = re.compile(r"^([A-Za-z_]\w*)\s*=\s*(.*)$", re.DOTALL)
_DIGITS = 18  # of a size; torch's are 64 bits wide
_SIZE = re.compile(r"^(?:\d+|[A-Za-z_]\w*|\?)$")
_X_BETWEEN_SIZES = re.compile(r"(?<=[0-9?])[x×](?=[0-9?A-Z])|(?<=[A-Za-z_])[x×](?=[0-9?])|(?<=[A-Z])[x×](?=[A-Z])")


class InputError(ValueError):
    """The text does not describe an input; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One model input.

    shape: sizes, a name (``B``) for a symbolic one, ``?`` for an unknown one. dtype: a key of ``TORCH_DTYPE``.
    name: the parameter it goes to, None for the next positional one.
    """

    shape: tuple[int | str, ...]
    dtype: str = "f32"
    name: str | None = None

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "scalar"
        return (f"{self.name}=" if self.name else "") + shape + ("" if self.dtype == "f32" else f":{self.dtype}")


def parse_input(text: str) -> InputSpec:
    """Read one input. Sizes are joined by ``x``, in brackets also by commas. Raises InputError."""
    named = _NAMED.match(text.strip())
    name, rest = (named[1], named[2]) if named else (None, text.strip())
    shape_text, colon, dtype_text = rest.partition(":")
    shape_text, dtype_text = shape_text.strip(), dtype_text.strip().removeprefix("torch.")
    dtype = _DTYPE_NAMES.get(dtype_text) if colon else "f32"
    if dtype is None:
        raise InputError(f"unknown dtype {dtype_text!r}; known: {', '.join(sorted(DTYPES))}")
    if shape_text in ("scalar", "()", "[]"):
        return InputSpec((), dtype, name)
    if shape_text[:1] in ("(", "[") and shape_text[-1:] in (")", "]"):
        parts = [part for part in (p.strip() for p in shape_text[1:-1].split(",")) if part]
    else:
        parts = _X_BETWEEN_SIZES.sub("\0", shape_text).split("\0")
    if not all(_SIZE.match(part) for part in parts):
        raise InputError(
            f"{text.strip()!r} is not a shape; write sizes joined by x, for example 1x3x224x224 or 1x16:i64"
        )
    if any(part.isdigit() and len(part) > _DIGITS for part in parts):
        raise InputError(f"a size of more than {_DIGITS} digits")
    return InputSpec(tuple(int(part) if part.isdigit() else part for part in parts), dtype, name)


def parse_inputs(text: str) -> tuple[InputSpec, ...]:
    """Read inputs separated by commas (commas in brackets belong to a shape). Raises InputError."""
    parts = [part for part in _split_top_level(text) if part.strip()]
    specs = tuple(parse_input(part) for part in parts)
    seen: set[str] = set()
    for spec in specs:
        if spec.name is None and seen:
            raise InputError(f"{spec} is positional and stands after a named input")
        if spec.name is not None:
            if spec.name in seen:
                raise InputError(f"input {spec.name!r} is given twice")
            seen.add(spec.name)
    return specs


def _split_top_level(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
