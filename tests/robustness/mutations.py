"""Real models, broken the way editors and people break them, and a few texts that were written to break parsers."""

from __future__ import annotations

import io
import itertools
import tokenize
from pathlib import Path

from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
MODELS = sorted(p for p in (ROOT / "examples").rglob("*.py") if "class " in p.read_text(encoding="utf-8"))
WORDS = (
    "self", "x", "None", "True", "0", "1", "-1", "10**9", "''", "[]", "{}", "()", "lambda: 0", "yield", "await x", "*x",
    "**x", ":", ",", ".", "=", "==", ":=", "(", ")", "[", "]", "{", "}", "def", "class", "return", "import", "torch", "nn",
    "if", "else", "for x in x", "while", "try", "@", "->", "~", "not", "in", "is", "\n", "    ", "\t", "\\", "#", '"', "'''",
    "f'{x", "nn.Conv2d(3, 8, 3)", "torch.zeros(0)", "x.shape[0]", "x.view(-1)", "super().__init__()", "del x", "global x",
    "# ane: ignore", "# ane: input(1x3x8x8)", "# ane: input(", "# noqa: ANE302", "\x00", "\ufeff", "\u2028", "\U0001f600",
)  # fmt: skip


def tokens(text: str) -> list[str]:
    """`text` cut at its tokens, with the blanks between them: joined they are the text again."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    cuts = {0, len(text)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        for row, col in (token.start, token.end):
            cuts.add(min(len(text), starts[min(row - 1, len(lines))] + col))
    ordered = sorted(cuts)
    return [text[a:b] for a, b in itertools.pairwise(ordered)]


LINES = {path: path.read_text(encoding="utf-8").splitlines(keepends=True) for path in MODELS}
TOKENS = {path: tokens("".join(lines)) for path, lines in LINES.items()}


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A real model after one to six mutations of its lines or tokens."""
    path = draw(st.sampled_from(MODELS))
    by_line = draw(st.booleans())
    parts = list((LINES if by_line else TOKENS)[path])
    for _ in range(draw(st.integers(1, 6))):
        if not parts:
            break
        at = draw(st.integers(0, len(parts) - 1))
        kind = draw(st.sampled_from(("delete", "duplicate", "swap", "insert", "cut", "indent", "move")))
        if kind == "delete":
            del parts[at : at + draw(st.integers(1, 4))]
        elif kind == "duplicate":
            parts[at:at] = parts[at : at + draw(st.integers(1, 4))]
        elif kind == "swap":
            other = draw(st.integers(0, len(parts) - 1))
            parts[at], parts[other] = parts[other], parts[at]
        elif kind == "insert":
            parts.insert(at, draw(st.sampled_from(WORDS)))
        elif kind == "cut":
            parts[at] = parts[at][: draw(st.integers(0, len(parts[at])))]
        elif kind == "indent":
            parts[at] = "    " + parts[at]
        else:
            part = parts.pop(at)
            parts.insert(draw(st.integers(0, len(parts))), part)
    return "".join(parts)
