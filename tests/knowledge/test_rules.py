"""Rule pages: what a good one gives, and that a wrong one is pointed at exactly."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ane_lsp.knowledge import files, rules, scaffold, validate
from ane_lsp.knowledge.files import KnowledgeError

GOOD = files.read("ANE302-max-pool-window.md")
FILE = "ANE302-max-pool-window.md"


def test_everything_below_rules_is_valid() -> None:
    assert [str(p) for p in validate.problems()] == []


def test_a_page_is_read_whole() -> None:
    page = rules.page("ANE302")
    assert page.rule.name == "max-pool-window"
    assert page.rule.severity == "warning"
    assert set(page.sections) == set(rules.HEADINGS)
    assert [e.kind for e in page.examples] == ["bad", "good", "near-miss"]
    bad = page.examples[0]
    (line,) = bad.expected
    assert "self.pool(x)" in bad.source.splitlines()[line - 1]
    assert GOOD.splitlines()[bad.line + line - 2] == bad.source.splitlines()[line - 1]


@pytest.mark.parametrize(
    ("old", "new", "line", "col", "message"),
    [
        ('severity = "warning"', 'severity = "fatal"', 6, 1, "must be one of error, warning, information, hint"),
        ('code = "ANE302"', 'code = "ANE399"', 2, 1, "must be called ANE399-max-pool-window.md"),
        ('category = "limits"', 'category = "convert"', 5, 1, "have the category 'limits'"),
        ('fix = "safe"', 'fix = "safe"\nspeed = 3', 10, 1, "`speed` is not a key"),
        ('fix = "safe"', 'fix = safe', 9, 7, "Invalid value"),
        ('basis = "measured"\nchip = "M4"', 'basis = "guessed"\nchip = "M4"', 17, 1, "`basis` is 'guessed'"),
        ("## Why\n", "## Because\n", 0, 1, "expected `## Why` here"),
        ("+++\n\n## What", "\n## What", 0, 1, "is not closed"),
        ("  # expect: ANE302", "", 0, 1, "a bad example marks a line"),
        ("```python near-miss", "```text", 0, 1, "no ```python near-miss example"),
        ("applies-to = ", "applies = ", 8, 1, "`applies` is not a key"),
    ],
)  # fmt: skip
def test_a_wrong_page_is_pointed_at(old: str, new: str, line: int, col: int, message: str) -> None:
    assert old in GOOD
    with pytest.raises(KnowledgeError) as caught:
        rules.parse_page(FILE, GOOD.replace(old, new, 1))
    error = caught.value
    assert message in error.message
    assert error.file == FILE
    if line:
        assert (error.line, error.col) == (line, col), str(error)


def test_every_rule_has_a_check_and_every_check_a_page() -> None:
    from ane_lsp.checks import engine

    tool = {code for code in rules.codes() if code.startswith(("ANE0", "ANE9"))}  # made by the analysis itself
    assert engine.bound_codes() == set(rules.codes()) - tool


def test_names_and_selectors_are_unambiguous() -> None:
    names = [rules.rule_name(code) for code in rules.codes()]
    assert len(set(names)) == len(names)
    assert all(rules.by_name(name) == code for name, code in zip(names, rules.codes(), strict=True))


def test_listing_reads_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> str:
        raise AssertionError(f"{name} was read")

    monkeypatch.setattr(files, "read", refuse)
    assert len(rules.codes()) > 50
    assert rules.rule_name("ANE302") == "max-pool-window"


def test_reading_all_front_matter_is_quick_enough_to_need_no_index() -> None:
    rules.get.cache_clear()
    start = time.perf_counter()
    found = rules.all_rules()
    print(f"{len(found)} pages in {time.perf_counter() - start:.3f} s")
    assert {r.code for r in found} == set(rules.codes())


def test_a_new_rule_loads_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    made = scaffold.new_rule(tmp_path, "ANE399", "some-new-limit", "Something is too big", "conv")
    page = rules.parse_page(made.page.name, made.page.read_text(encoding="utf-8"))
    assert page.rule.summary == "Something is too big"
    assert made.module == "ane_lsp/checks/limits.py"
    compile(made.check, "check.py", "exec")
    assert '@rule("ANE399", ops=("conv",))' in made.check


def test_what_the_scaffold_left_open_is_pointed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    made = scaffold.new_rule(tmp_path, "ANE399", "some-new-limit", "Something is too big", "conv")
    text = made.page.read_text(encoding="utf-8")
    monkeypatch.setattr(files, "names", lambda folder="", suffix="": [made.page.name])
    monkeypatch.setattr(files, "read", lambda name: text)
    (left,) = validate.left_to_do()
    assert (left.file, left.message) == (made.page.name, "`TODO` is left to be written")
    assert text.splitlines()[left.line - 1][left.col - 1 :].startswith("TODO")
    monkeypatch.setattr(files, "read", lambda name: text.replace("TODO", "Written."))
    assert not list(validate.left_to_do())


def test_what_is_only_reported_is_not_expected_of_default_settings() -> None:
    with pytest.raises(KnowledgeError, match="bad min-confidence=reported"):
        rules.parse_page(FILE, re.sub(r'basis = "\w+"', 'basis = "reported"', GOOD))
    shown = re.sub(r'basis = "\w+"', 'basis = "reported"', GOOD).replace(
        "python bad", "python bad min-confidence=reported"
    )
    assert rules.parse_page(FILE, shown).examples[0].options == {"min-confidence": "reported"}


@pytest.mark.parametrize("module", scaffold.MODULES.values())
def test_new_checks_go_where_a_module_is(module: str) -> None:
    root = Path(scaffold.__file__).parents[1]
    assert (root / "checks" / f"{module}.py").is_file()


@pytest.mark.parametrize(
    ("code", "name"),
    [("ANE302", "another"), ("ANE399", "max-pool-window"), ("ANE999", "x"), ("X1", "x"), ("ANE399", "Bad Name")],
)
def test_a_taken_or_wrong_code_is_refused(tmp_path: Path, code: str, name: str) -> None:
    (tmp_path / "rules").mkdir()
    with pytest.raises(scaffold.ScaffoldError):
        scaffold.new_rule(tmp_path, code, name, "s", "conv")
    assert not list((tmp_path / "rules").iterdir())
