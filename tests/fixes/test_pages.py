"""What the rule pages promise is what there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from prove import fix

from ane_lsp.fixes import fixable_codes
from ane_lsp.knowledge import rules


def test_pages_say_which_rules_have_a_fix() -> None:
    assert {code for code in rules.codes() if rules.page(code).rule.fix != "none"} == fixable_codes()


@pytest.mark.parametrize("code", sorted(fixable_codes()))
def test_a_page_says_what_its_fix_does_and_why_it_is_right(code: str) -> None:
    page = rules.page(code)
    assert f"Quick-fix, {page.rule.fix}" in page.sections["How to fix"]


def examples() -> list[object]:
    found = []
    for code in sorted(fixable_codes() - {"ANE903"}):
        for number, example in enumerate(rules.page(code).examples):
            if example.kind == "bad" and "requires" not in example.options:
                found.append(pytest.param(code, example, id=f"{code}-{number}"))
    return found


@pytest.mark.parametrize(("code", "example"), examples())
def test_examples_stay_programs(code: str, example: rules.Example, tmp_path: Path) -> None:
    """Fixed with everything allowed: what comes out parses, gains no finding, and a second run changes nothing."""
    options = {k: str(v) for k, v in example.options.items() if k not in ("requires", "min-confidence", "targets")}
    _, before, fixed = fix(example.source, tmp_path, unsafe=True, **options)
    compile(fixed.text, "example.py", "exec", dont_inherit=True)
    assert fixed.settled
    assert fix(fixed.text, tmp_path, unsafe=True, **options)[2].text == fixed.text
    if fixed.applied:
        assert fixed.result is not None
        assert len(fixed.result.findings) <= len(before.findings)
