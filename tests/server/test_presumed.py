"""What no graph shows is presumed to be as before an edit, until what is found has been told."""

from pathlib import Path
from typing import Any

import pytest
from test_cutoff import check, check_each
from test_following import analysed, answered, comparable
from test_probed_layers import MODEL

from ane_lsp.interp.cutoff import Cutoff, Piece
from ane_lsp.interp.replay import Book
from ane_lsp.server.analyst import Analyst
from ane_lsp.server.results import DocumentResult

EDITED = MODEL.replace(
    "        return self.norm(hidden", "        hidden = torch.cumprod(hidden * 2, 1)\n        return self.norm(hidden"
)
MORE = EDITED.replace("self.k(hidden).view", "self.k(hidden).relu().view")


class Order:
    """In which order pieces were made once more, by whether that is on probes, and findings told."""

    def __init__(self, analyst: Analyst, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        self.told: list[DocumentResult] = []
        again = Cutoff._again

        def noted(cutoff: Cutoff, piece: Piece) -> Any:
            self.steps.append("on probes" if piece.scene is not None and piece.scene.probing else "shown")
            return again(cutoff, piece)

        def tell(result: DocumentResult) -> None:
            self.steps.append("told")
            self.told.append(result)

        monkeypatch.setattr(Cutoff, "_again", noted)
        analyst.ahead = tell


@pytest.fixture
def settled(tmp_path: Path) -> tuple[Path, Analyst]:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    check_each(path, analyst, MORE, MODEL)
    return path, analyst


def test_findings_are_told_before_runs_on_probes_are_made_again(
    settled: tuple[Path, Analyst], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, analyst = settled
    order = Order(analyst, monkeypatch)
    analyst.overlay(str(path), EDITED)
    result = analyst.analyze(str(path), lambda: False)
    told = len(order.steps) - order.steps[::-1].index("told")
    assert "shown" in order.steps[:told]
    assert "on probes" not in order.steps[:told]
    assert "on probes" in order.steps[told:]
    assert [f.code for f in order.told[-1].findings] == [f.code for f in result.findings]
    assert "ANE206" in {finding.code for finding in result.findings}
    check(path, analyst, EDITED)


def test_what_was_presumed_and_is_not_so_is_followed_again(
    settled: tuple[Path, Analyst], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, analyst = settled
    again, attempt = Cutoff._again, Book._stage
    stages: list[object] = []

    def differs(cutoff: Cutoff, piece: Piece) -> Any:
        return again(cutoff, piece) if piece.scene is None or not piece.scene.probing else False

    def counted(*given: Any) -> Any:
        stages.append(given)
        return attempt(*given)

    monkeypatch.setattr(Book, "_stage", counted)
    with monkeypatch.context() as patch:
        patch.setattr(Cutoff, "_again", differs)
        assert answered(analyst, path, EDITED) != "anew"
        assert stages
    check_each(path, analyst, EDITED, MORE, EDITED)


@pytest.mark.parametrize("following", [EDITED, EDITED + "# a comment\n", MORE, MODEL])
def test_what_was_not_looked_at_for_lack_of_time_is_looked_at_with_the_next_edit(
    settled: tuple[Path, Analyst], monkeypatch: pytest.MonkeyPatch, following: str
) -> None:
    path, analyst = settled
    order = Order(analyst, monkeypatch)
    analyst.overlay(str(path), EDITED)
    analyst.analyze(str(path), lambda: any(result.diagnosed for result in order.told))
    assert "on probes" not in order.steps
    analyst.idle()
    kept = analyst._kept[str(path)].following
    assert kept is not None
    assert kept._standing is not None
    world = kept._standing.world
    assert world is not None
    assert world.doubtful
    check(path, analyst, following)
    assert "on probes" in order.steps
    assert not world.doubtful
    check_each(path, analyst, MORE, EDITED, MODEL)


def test_an_analysis_that_nobody_waits_for_leaves_all_as_it_was(
    settled: tuple[Path, Analyst], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, analyst = settled
    order = Order(analyst, monkeypatch)
    for most in range(6):
        order.steps.clear()
        analyst.overlay(str(path), EDITED if most % 2 else MORE)
        analyst.analyze(str(path), lambda most=most: len(order.steps) > most)  # type: ignore[misc]
    check_each(path, analyst, EDITED, MODEL)
    assert comparable(analyst.analyze(str(path), lambda: False)) == comparable(
        analysed(path, MODEL).analyze(str(path), lambda: False)
    )
