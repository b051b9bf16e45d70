"""Random damage: to sources, edits, settings, directives, rule pages and cache files. Nothing may raise or fail inside.

More of it: ``ANE_FUZZ_EXAMPLES=20000 pytest tests/robustness/test_fuzz.py``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import WORDS, sources

from ane_lsp.analysis import FileAnalysis, analyze, trace
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.syntax.inputs import parse_inputs
from ane_lsp.syntax.source import decode_source, source_from_text
from ane_lsp.workspace import Dependencies, Settings, Workspace
from ane_lsp.workspace.settings import load_settings

EXAMPLES = int(os.environ.get("ANE_FUZZ_EXAMPLES", 0))
PATH = Path(os.path.abspath(os.sep)) / "nowhere" / "model.py"


def fuzz(examples: int) -> settings:
    return settings(
        max_examples=EXAMPLES or examples,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def analysed(text: str, budget: float = 5) -> FileAnalysis:
    return analyze(PATH, Workspace(PATH.parent, overlays={PATH: text}), Settings(budget=budget))


def sound(found: FileAnalysis, text: str) -> None:
    """No fault of ours, and every finding lies inside the text."""
    faults = [f"{f.span}: {f.message}" for f in found.findings if f.code == "ANE901"]
    faults += [e.message for e in found.errors if e.kind == "internal"]
    assert not faults, faults
    lines = source_from_text(PATH, text).lines
    for finding in found.findings:
        if finding.span.file == str(PATH):
            assert 1 <= finding.span.line <= len(lines)
            assert finding.span.line <= finding.span.end_line


@fuzz(60)
@given(sources())
def test_damaged_sources(text: str) -> None:
    sound(analysed(text), text)


@fuzz(25)
@given(sources())
def test_damaged_sources_are_traced(text: str) -> None:
    found = trace(PATH, Workspace(PATH.parent, overlays={PATH: text}), Settings(budget=5))
    json.dumps([*found.rows, found.summary])
    assert not found.summary["summary"].get("internal_errors")


@fuzz(25)
@given(st.lists(sources(), min_size=2, max_size=3))
def test_one_workspace_through_edits_says_what_a_fresh_one_does(texts: list[str]) -> None:
    workspace = Workspace(PATH.parent)
    for text in texts:
        workspace.set_overlay(PATH, text)
        again = analyze(PATH, workspace, Settings(budget=30))
    fresh = analysed(texts[-1], budget=30)
    assert [(f.code, f.span, f.message) for f in again.findings] == [
        (f.code, f.span, f.message) for f in fresh.findings
    ]
    assert again.errors == fresh.errors


@fuzz(200)
@given(
    st.lists(
        st.sampled_from([*WORDS, "ane", "input", "entry", "ignore", "off", "on", "1x3", "f16", "B", "?", "{", "ANE302"])
    )
)
def test_directives(words: list[str]) -> None:
    text = "# ane: " + " ".join(words)
    source = source_from_text(PATH, text + "\nx = 1  " + text + "\n")
    directives = parse_directives(source)
    directives.apply([], str(PATH), lambda code: True)
    try:
        parse_inputs("".join(words))
    except ValueError:
        pass


KEYS = ("targets", "minimum-deployment-target", "select", "ignore", "extend-select", "per-file-ignores", "min-confidence",
        "include", "exclude", "python", "entry", "inlay-hints", "budget", "search-paths", "unknown")  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["ANE3", "M4", "all", "**"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@fuzz(200)
@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), VALUES, max_size=5))
def test_settings_from_an_editor(given_settings: dict[str, object]) -> None:
    merged, problems = Settings().merge(given_settings)
    assert isinstance(merged, Settings)
    for problem in problems:
        assert problem.message


@fuzz(150)
@given(
    st.text(alphabet="abct[]{}=\"'#\n.-,019 \\u\x00é", max_size=120),
    st.sampled_from(["ane-lsp.toml", "pyproject.toml"]),
)
def test_settings_files(text: str, name: str) -> None:
    for start in ("", "[tool.ane-lsp]\n", "targets = ", "[[entry]]\ncall = "):
        load_settings(PATH.parent / name, start + text)


@fuzz(200)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"# coding: latin-1\n", b"# coding: utf-16\n", b"# coding: idna\n"]),
)
def test_bytes_of_any_kind(data: bytes, start: bytes) -> None:
    source = decode_source(PATH, start + data)
    source.parse()
    if source.unreadable is None:
        parse_directives(source)
        _ = source.pieces


@fuzz(80)
@given(st.data())
def test_rule_pages(data: st.DataObject) -> None:
    """A damaged page is refused with a place and a reason, never with another error."""
    from ane_lsp.knowledge import rules
    from ane_lsp.knowledge.files import KnowledgeError, root

    text = (Path(str(root())) / "ANE302-max-pool-window.md").read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 30))
    damaged = (
        text[:at]
        + data.draw(st.sampled_from(["", "+++", "[[", '"', "\n", "=", "é", "\x00", "1e999", "## "]))
        + text[at + length :]
    )
    try:
        rules.parse_page("ANE302-max-pool-window.md", damaged)
    except KnowledgeError:
        pass


@fuzz(60)
@given(st.data())
def test_cache_files(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A damaged entry is no entry: the file is analysed again."""
    from ane_lsp.stored import ResultCache

    folder = tmp_path_factory.mktemp("cache")
    store = ResultCache(folder, "build")
    text = "import torch\nfrom torch import nn\nnn.MaxPool2d(9)(torch.zeros(1, 3, 32, 32))\n"
    store.save("ab" * 32, analysed(text), Dependencies())
    entry = next(p for p in folder.rglob("*") if p.is_file())
    stored = entry.read_bytes()
    kept = store.load("ab" * 32)
    assert kept is not None
    at = data.draw(st.integers(0, len(stored)))
    junk = data.draw(st.binary(max_size=8) | st.sampled_from([b"null", b"[]", b"{", b"\xff", b'"', b"1e999"]))
    entry.write_bytes(stored[:at] + junk + stored[at + data.draw(st.integers(0, 200)) :])
    found = store.load("ab" * 32)
    assert found is None or isinstance(found, FileAnalysis)
