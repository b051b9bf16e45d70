"""What somebody does to a file: bursts of small edits after which the text mostly parses again."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

Change = dict[str, Any]
_NUMBER = re.compile(r"(?<![\w.])\d{1,4}(?![\w.])")
_STATEMENTS = (
    "x = x + 1", "y = torch.zeros(2, 3)", "x = x.transpose(1, 2)", "# a note", "print(x.shape)", "x = F.relu(x)", "pass",
    "self.pool = nn.MaxPool2d(13, 1, 6)", "import math", "assert x is not None", "x = x.view(-1)", "s = 'é😀漢'", "del y",
    "x = torch.einsum('ij,jk->ik', x, x)", "if x is None: return None", "for i in range(3): x = x * i", "x = x[..., ::2]",
)  # fmt: skip


class Document:
    """A document as its client has it, in UTF-16 units. `original` is what is on disk."""

    def __init__(self, uri: str, text: str) -> None:
        self.uri, self.original, self.text, self.version = uri, text, text, 0

    def place(self, offset: int) -> dict[str, int]:
        """A position of the protocol; sources here end lines with LF only."""
        start = self.text.rfind("\n", 0, offset) + 1
        before = self.text[start:offset]
        units = len(before) if before.isascii() else len(before.encode("utf-16-le", "surrogatepass")) // 2
        return {"line": self.text.count("\n", 0, offset), "character": units}

    def replace(self, start: int, end: int, new: str) -> Change:
        """Change the text; the change as the protocol says it."""
        change = {"range": {"start": self.place(start), "end": self.place(end)}, "text": new}
        self.text = self.text[:start] + new + self.text[end:]
        return change

    def whole(self, text: str) -> Change:
        """Replace everything."""
        self.text = text
        return {"text": text}


def burst(document: Document, chance: random.Random) -> Iterator[Change]:
    """The edits of one thought, each a notification of its own."""
    kind = chance.random()
    if kind < 0.45:
        yield from _typed(document, chance)
    elif kind < 0.70:
        yield from _numbers(document, chance)
    elif kind < 0.82:
        yield from _cut_and_undo(document, chance)
    elif kind < 0.92:
        yield from _scribbled(document, chance)
    else:
        yield document.whole(document.original)


def _line_start(document: Document, chance: random.Random) -> int:
    at = chance.randrange(len(document.text) + 1)
    return document.text.rfind("\n", 0, at) + 1


def _typed(document: Document, chance: random.Random) -> Iterator[Change]:
    """A statement, key by key, at the indentation of the line it comes before."""
    start = _line_start(document, chance)
    line = document.text[start:].split("\n", 1)[0]
    words = " " * (len(line) - len(line.lstrip(" "))) + chance.choice(_STATEMENTS)
    yield document.replace(start, start, "\n")
    for number, letter in enumerate(words):
        if chance.random() < 0.04:  # a typing error, taken back
            yield document.replace(start + number, start + number, "q")
            yield document.replace(start + number, start + number + 1, "")
        yield document.replace(start + number, start + number, letter)
    if chance.random() < 0.5:
        yield document.replace(start, start + len(words) + 1, "")


def _numbers(document: Document, chance: random.Random) -> Iterator[Change]:
    """Sizes, changed one after the other."""
    for _ in range(chance.randint(1, 10)):
        found = list(_NUMBER.finditer(document.text))
        if not found:
            return
        match = chance.choice(found)
        yield document.replace(*match.span(), str(chance.choice((1, 2, 3, 4, 7, 8, 16, 32, 64, 96, 128, 256))))


def _cut_and_undo(document: Document, chance: random.Random) -> Iterator[Change]:
    """Lines taken away, and pasted back in most cases."""
    start = _line_start(document, chance)
    end = start
    for _ in range(chance.randint(1, 6)):
        end = document.text.find("\n", end) + 1 or len(document.text)
    lines = document.text[start:end]
    yield document.replace(start, end, "")
    if chance.random() < 0.8:
        yield document.replace(start, start, lines)


def _scribbled(document: Document, chance: random.Random) -> Iterator[Change]:
    """Keys that make no sense, and the undo of all of them."""
    before = document.text
    for _ in range(chance.randint(2, 20)):
        at = chance.randrange(len(document.text) + 1)
        end = min(len(document.text), at + chance.choice((0, 0, 1, 3)))
        yield document.replace(
            at, end, chance.choice(("(", ")", ":", "\n", "    ", "'", "é", "x", "=", "", "😀", "[", "def "))
        )
    yield document.whole(before)
