"""Path patterns: the glob dialect of settings, and of ``.gitignore`` files."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Protocol

_QUICK_STARS = 3
"""Up to so many stars a regular expression is used. Patterns come with a repository, and with every further star an unlucky
match costs a power of the path's length; beyond, all ways are followed side by side."""


class Glob(Protocol):
    """A pattern that was read."""

    def match(self, text: str, /) -> object:
        """Truthy where all of `text` fits."""


@lru_cache(maxsize=4096)
def glob_regex(pattern: str) -> Glob:
    """``*`` and ``?`` stay inside one path part, ``**`` crosses parts, ``[...]`` is a character class."""
    tokens = _tokens(pattern)
    try:
        if sum(token in (_PARTS, _DEEP, _STAR) for token in tokens) > _QUICK_STARS:
            return _Parallel(tokens)
        return re.compile("".join(tokens) + r"\Z")
    except re.error:
        return re.compile(re.escape(pattern) + r"\Z")


_PARTS, _DEEP, _STAR = "(?:[^/]+/)*", ".*", "[^/]*"


def _tokens(pattern: str) -> list[str]:
    """Regular expressions, each for one character or for one of the three kinds of star."""
    out: list[str] = []
    index = 0
    while index < len(pattern):
        char, token, width = pattern[index], "", 1
        if pattern.startswith("**/", index) and (index == 0 or pattern[index - 1] == "/"):
            token, width = _PARTS, 3
        elif pattern.startswith("**", index):
            token, width = _DEEP, 2
        elif char == "*":
            token = _STAR
        elif char == "?":
            token = "[^/]"
        elif char == "[" and (close := pattern.find("]", index + 2)) > 0:
            inner = pattern[index + 1 : close].replace("\\", "\\\\").replace("[", "\\[")
            inner = "^" + inner[1:] if inner[0] in "!^" else inner
            token, width = f"[{inner}]", close + 1 - index
        elif char == "\\" and index + 1 < len(pattern):
            token, width = re.escape(pattern[index + 1]), 2
        else:
            token = re.escape(char)
        index += width
        if not (out and token == out[-1] and token in (_PARTS, _DEEP, _STAR)):
            out.append(token)
    return out


class _Parallel:
    """Matches in time proportional to pattern times text, whatever the stars."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._single = [None if t in (_PARTS, _DEEP, _STAR) else re.compile(t, re.DOTALL) for t in tokens]

    def match(self, text: str, /) -> bool:
        places = self._reached({(0, False)})  # a token, and whether one of `_PARTS` is inside a part
        for char in text:
            following: set[tuple[int, bool]] = set()
            for at, inside in places:
                if at == len(self._tokens):
                    continue
                token, single = self._tokens[at], self._single[at]
                if single is not None:
                    if single.match(char):
                        following.add((at + 1, False))
                elif token == _PARTS:
                    if char != "/":
                        following.add((at, True))
                    elif inside:
                        following.add((at, False))
                elif char != "\n" if token == _DEEP else char != "/":
                    following.add((at, False))
            places = self._reached(following)
        return (len(self._tokens), False) in places

    def _reached(self, places: set[tuple[int, bool]]) -> set[tuple[int, bool]]:
        """These places and those behind stars that stand for nothing."""
        waiting = list(places)
        while waiting:
            at, inside = waiting.pop()
            if at < len(self._tokens) and self._single[at] is None and not inside and (at + 1, False) not in places:
                places.add((at + 1, False))
                waiting.append((at + 1, False))
        return places


def path_matches(path: Path, pattern: str, root: Path | None, whole: bool = False) -> bool:
    """Whether `path` or, unless `whole`, a folder that holds it matches. Without ``/`` a name at any depth is meant."""
    try:
        relative = path.relative_to(root) if root is not None else path
    except ValueError:
        relative = path
    pattern = pattern.removeprefix("./").rstrip("/")
    regex = glob_regex(pattern)
    parts = relative.parts
    if "/" not in pattern:
        return any(regex.match(part) for part in (parts[-1:] if whole else parts))
    ends = range(len(parts) if whole else 1, len(parts) + 1)
    return any(regex.match("/".join(parts[:end])) for end in ends)
