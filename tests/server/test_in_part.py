"""While the models of a file are followed one by one, what is known so far is told."""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_following import analysed, answered

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.server.analyst import Analyst
from ane_lsp.server.following import _Lines
from ane_lsp.server.results import DocumentResult

SHARED = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, kernel):
        super().__init__()
        self.pool = nn.MaxPool2d(kernel)

    def forward(self, x):
        y = x
        return self.pool(y)


class Head(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.fc = nn.Linear(4, width)

    def forward(self, x):
        return self.fc(x)


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.block = Block(9)

    def forward(self, x):
        return self.block(self.conv(x))


class Second(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3)
        self.block = Block(11)

    def forward(self, x):
        return self.block(self.conv(x)).abs().sort()
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known so far is told after every model."""
    monkeypatch.setattr("ane_lsp.analysis.PATIENCE", 0.0)
    monkeypatch.setattr("ane_lsp.analysis.AGAIN", 0.0)


def places(findings: Iterable[Finding]) -> list[tuple[str, int]]:
    return sorted((finding.code, finding.span.line) for finding in findings)


def told(analyst: Analyst, path: Path, text: str) -> tuple[list[DocumentResult], DocumentResult]:
    """What is heard before the answer to an edit, and the answer, which is that of an analysis from scratch."""
    heard: list[DocumentResult] = []
    analyst.ahead = heard.append
    analyst.overlay(str(path), text)
    result = analyst.analyze(str(path), lambda: False)
    fresh = analysed(path, text).analyze(str(path), lambda: False)
    assert places(result.findings) == places(fresh.findings)
    assert_all_known(heard, result)
    return heard, result


def assert_all_known(heard: list[DocumentResult], result: DocumentResult) -> None:
    """What is said to be all is all, and is said before the answer."""
    whole = [part for part in heard if part.diagnosed]
    assert whole
    for part in whole:
        assert {str(bare(f)) for f in part.findings} == {str(bare(f)) for f in result.findings}
        assert part.errors == result.errors


def bare(finding: Finding) -> Finding:
    return replace(finding, fixes=())


@pytest.mark.usefixtures("impatient")
def test_models_that_wait_for_their_turn_keep_their_findings(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = SHARED.replace(
        "Block(11)", "Block(2)"
    )  # of the two, only `First`, which is followed later, has a large pool
    analyst = analysed(path, text)
    heard, result = told(analyst, path, text.replace("        y = x\n", "        z = x + 1\n        y = x\n"))
    pooled = {("ANE302", 13), ("ANE410", 13)}
    assert pooled <= set(places(result.findings))
    assert len(heard) > 1
    for part in heard:
        assert places(part.findings) == places(result.findings)
    assert answered(analyst, path, text) == "again"


@pytest.mark.usefixtures("impatient")
def test_what_an_edit_changed_is_told_with_the_first_model(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, SHARED)
    heard, result = told(analyst, path, SHARED.replace("return self.pool(y)", "return self.pool(y).sort()[0]"))
    assert ("ANE204", 12) in places(result.findings)
    assert ("ANE204", 12) in places(heard[0].findings)
    heard, result = told(analyst, path, SHARED.replace("return self.pool(y)", "return y"))
    assert not [place for part in (*heard, result) for place in places(part.findings) if place[1] == 12]


@pytest.mark.usefixtures("impatient")
def test_the_first_model_is_told_before_the_graphs_of_the_others_are_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ane_lsp.interp.repeats import Kept
    from ane_lsp.interp.splices import Splices

    for module in ("repeats", "calls"):
        monkeypatch.setattr(f"ane_lsp.interp.{module}.WORTH_IT", 0)
    path = tmp_path / "net.py"
    analyst = analysed(path, SHARED)
    analyst.idle()
    exchanged: list[str] = []
    settled: list[str] = []
    graph, alone = Splices.graph, Splices.alone

    def counted(splices: Splices, old: Any, made_of: Any) -> Any:
        exchanged.append(old.name)
        return graph(splices, old, made_of)

    def found_out(splices: Splices, kept: Kept) -> None:
        settled.append(kept.path)
        alone(splices, kept)

    monkeypatch.setattr(Splices, "graph", counted)
    monkeypatch.setattr(Splices, "alone", found_out)
    at_each: list[int] = []
    edits = [
        SHARED.replace("return self.pool(y)", f"return self.pool(y){more}") for more in (".abs()", ".exp()", ".tanh()")
    ]
    for text in edits:
        exchanged.clear()
        at_each.clear()
        analyst.ahead = lambda part: at_each.append(len(exchanged))
        analyst.overlay(str(path), text)
        result = analyst.analyze(str(path), lambda: False)
        assert (at_each[0], exchanged) == (1, ["Second", "First"])
        assert settled == []
        assert places(result.findings) == places(analysed(path, text).analyze(str(path), lambda: False).findings)
    # What was left for later was done by the next edit, and is done at rest.
    settle = analyst._kept[str(path)].following
    assert settle is not None
    analyst.idle()
    exchanged.clear()
    assert answered(analyst, path, edits[0]) == "again"
    assert "First" in exchanged


@pytest.mark.usefixtures("impatient")
def test_who_takes_an_edit_back_hears_at_once_what_was_found_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ane_lsp.server import following

    path = tmp_path / "net.py"
    analyst = analysed(path, SHARED)
    assert answered(analyst, path, SHARED.replace("return self.pool(y)", "return y")) == "again"
    heard: list[DocumentResult] = []
    before: list[int] = []
    again = following.again

    def watched(*given: Any) -> Any:
        before.append(len(heard))
        return again(*given)

    monkeypatch.setattr(following, "again", watched)
    analyst.ahead = heard.append
    assert answered(analyst, path, SHARED) == "again"
    assert before == [1]
    assert [places(part.findings) for part in heard] == [[("ANE204", 42), ("ANE302", 12), ("ANE410", 12)]]


@pytest.mark.usefixtures("impatient")
def test_a_refusal_stays_until_its_model_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = SHARED.replace("class First", "# ane: input(1x3x32x32)\nclass First").replace(
        "class Second", "# ane: input(1x3x64x64)\nclass Second"
    )
    text = text.replace("return self.block(self.conv(x)).abs()", "return self.conv(self.block(self.conv(x))).abs()")
    analyst = analysed(path, text)
    heard, result = told(analyst, path, text.replace("        y = x\n", "        y = x.relu()\n"))
    refused = [place for place in places(result.findings) if place[0] == "ANE001"]
    assert len(refused) == 1
    assert len(heard) > 1
    assert all(refused[0] in places(part.findings) for part in heard)
    heard, result = told(
        analyst, path, text.replace("return self.conv(self.block(self.conv(x)))", "return self.block(self.conv(x))")
    )
    assert "ANE001" not in {code for code, _ in places(result.findings)}


@pytest.mark.usefixtures("impatient")
def test_a_file_that_is_opened_tells_of_its_models_as_they_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANE_LSP_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "net.py"
    text = SHARED.replace("Block(11)", "Block(2)")
    path.write_text(text)
    analyst, heard = Analyst(), []
    analyst.ahead = heard.append
    analyst.overlay(str(path), text)
    result = analyst.analyze(str(path), lambda: False)
    assert places(result.findings) == [("ANE204", 42), ("ANE302", 12), ("ANE410", 12)]
    assert places(heard[0].findings) == [("ANE204", 42)]
    assert not heard[0].diagnosed
    assert_all_known(heard, result)
    assert places(heard[-1].findings) == places(result.findings)


@pytest.mark.usefixtures("impatient")
def test_a_fault_while_telling_costs_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ane_lsp import analysis

    path = tmp_path / "net.py"
    analyst = analysed(path, SHARED)
    real, calls = analysis._concluded, []

    def fails_at_first(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 1:
            raise KeyError("entry")
        return real(*given)

    monkeypatch.delenv("ANE_LSP_DEBUG", raising=False)
    monkeypatch.setattr(analysis, "_concluded", fails_at_first)
    text = SHARED.replace("        y = x\n", "        y = x.relu()\n")
    assert answered(analyst, path, text) == "again"
    assert len(calls) > 1
    result = analyst._kept[str(path)].following.result  # type: ignore[union-attr]
    monkeypatch.setattr(analysis, "_concluded", real)
    assert sorted(f.code for f in result.findings) == sorted(
        f.code for f in analysed(path, text).analyze(str(path), lambda: False).findings
    )


def test_lines_that_were_not_edited_are_found_again() -> None:
    chance = random.Random(7)
    for _ in range(500):
        before = [chance.choice("abc") for _ in range(chance.randint(1, 8))]
        after = list(before)
        at = chance.randint(0, len(after))
        after[at : at + chance.randint(0, 2)] = [chance.choice("abc") for _ in range(chance.randint(0, 2))]
        lines = _Lines(before, after)
        for number, line in enumerate(before, 1):
            moved = lines.span(Span("net.py", number, 0, number, 1))
            if moved is not None:
                assert after[moved.line - 1] == line
        kept = [lines.span(Span("net.py", n, 0, n, 1)) for n in range(1, len(before) + 1)]
        assert sum(place is None for place in kept) <= 2
