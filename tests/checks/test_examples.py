"""Every example of every rule page is run: what it expects is found, and nothing of that rule where it expects none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.knowledge import rules
from ane_lsp.knowledge.rules import Example
from ane_lsp.workspace import Settings, Workspace

CASES = [
    pytest.param(code, example, id=f"{code}-{example.kind}-{number}")
    for code in rules.codes()
    for number, example in enumerate(rules.page(code).examples)
]


def settings_of(example: Example) -> Settings:
    """The settings written behind the fence's kind."""
    given: dict[str, object] = {key: value for key, value in example.options.items() if key != "requires"}
    if "targets" in given:
        given["targets"] = str(given["targets"]).split(",")
    settings, problems = Settings().merge(given)
    assert not problems, [p.message for p in problems]
    return settings


@pytest.mark.parametrize(("code", "example"), CASES)
def test_example(code: str, example: Example, tmp_path: Path) -> None:
    needed = example.options.get("requires")
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"its source is read, and {needed} is not installed")
    file = tmp_path / "example.py"
    file.write_text(example.source, encoding="utf-8")
    result = analyze(file, Workspace(tmp_path), settings_of(example))
    assert not result.errors, result.errors
    assert result.models, "the example reaches no model"
    named = {code, *(c for expected in example.expected.values() for c in expected)}
    found: dict[int, set[str]] = {}
    for finding in result.findings:
        if finding.code in named:
            found.setdefault(finding.span.line, set()).add(finding.code)
    assert found == {line: set(codes) for line, codes in example.expected.items()}, [
        f"{f.span.line}: {f.code} {f.message}" for f in result.findings
    ]
