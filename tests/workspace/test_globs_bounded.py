"""Patterns with many stars: right, and in time that does not explode."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from ane_lsp.workspace import globs
from ane_lsp.workspace.globs import glob_regex, path_matches

DEEP = Path("/r") / "/".join("aab" * 12 for _ in range(12)) / ("a" * 60 + ".py")
BOMBS = [
    "**/" * 30 + "x",
    "*a" * 30 + "*b/c",
    "*a" * 40 + "b",
    "**a" * 30 + "b",
    "?*" * 40 + "!",
    "a*" * 20 + "**/" + "*b" * 20 + "c",
]


@pytest.mark.parametrize("pattern", BOMBS)
def test_a_pattern_made_to_hang_does_not(pattern: str) -> None:
    began = time.process_time()
    assert not path_matches(DEEP, pattern, Path("/r"))
    assert time.process_time() - began < 10  # exponential would take years


def test_both_ways_of_matching_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    for _ in range(3000):
        pattern = "".join(
            chance.choices(["a", "b", "/", "*", "**", "**/", "?", "[ab]", "[!a]", "\\*", "."], k=chance.randint(1, 7))
        )
        try:
            quick = re.compile("".join(globs._tokens(pattern)) + r"\Z")
        except re.error:
            continue
        slow = globs._Parallel(globs._tokens(pattern))
        for _ in range(6):
            text = "".join(chance.choices("ab/.*", k=chance.randint(0, 8)))
            assert bool(slow.match(text)) == bool(quick.match(text)), (pattern, text)


def test_many_stars_still_match() -> None:
    assert glob_regex("a*b*c*d*e*f").match("a1b2c3d4e5f")
    assert not glob_regex("a*b*c*d*e*f").match("a1b2c3d4/e5f")
    assert glob_regex("**/a/**/b/**/c/**/*.py").match("x/a/b/y/c/z/m.py")
