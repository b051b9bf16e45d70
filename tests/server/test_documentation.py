"""docs/language-server.md says what the server has, and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from ane_lsp.server.names import APPLY_ACTION, COMMANDS, FIX_ALL, STATUS
from ane_lsp.server.options import EDITOR_OPTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "language-server.md").read_text(encoding="utf-8")


def test_commands_options_and_names_are_documented():
    listed = re.search(r"^Commands: (.*)$", PAGE, re.MULTILINE)
    assert listed
    assert {name.removeprefix("ane-lsp.") for name in re.findall(r"`([\w.-]+)`", listed[1])} == {
        name.removeprefix("ane-lsp.") for name in COMMANDS if name != APPLY_ACTION
    }
    for option in EDITOR_OPTIONS:
        assert f"`{option.key}`" in PAGE, option.key
    assert f"`{FIX_ALL}`" in PAGE
    assert f"`{STATUS}`" in PAGE


def test_the_tests_it_names_exist():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) >= 17
    found: set[str] = set()
    for folder in ("server", "editors"):
        for file in (ROOT / "tests" / folder).glob("test_*.py"):
            found.update(re.findall(r"^(?:async )?def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= found, named - found


def test_source_segments_are_not_cut_out_of_the_whole_file():
    """ast.get_source_segment splits all of the text at each call: 38 calls on 2,000 lines took half a second."""
    for file in (ROOT / "ane_lsp").rglob("*.py"):
        assert "get_source_segment" not in file.read_text(encoding="utf-8"), file
