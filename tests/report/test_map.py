"""``ane-lsp report``: states, order, trend, and a page that is safe to open."""

import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sample import FILE, POOL, report, span

from ane_lsp.analysis import AnalysisError, ModelSummary
from ane_lsp.cli.main import main
from ane_lsp.report import map_html, workspace_map
from ane_lsp.report.treemap import Rect, squarify

GOOD = ModelSummary("Good", span(2, 0, 2, 9), "M4", 40, 40, 0, 0)
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "ready"),
        ({"findings": 3}, "ready"),
        ({"warnings": 1}, "nearly"),
        ({"on_ane": 38}, "nearly"),
        ({"unknown_shapes": 2}, "nearly"),
        ({"on_ane": 37}, "not ready"),
        ({"unknown_shapes": 3}, "not ready"),
        ({"errors": 1}, "not ready"),
        ({"ops": 0, "on_ane": 0}, "not known"),
        ({"stopped": "budget"}, "not known"),
    ],
)
def test_readiness(given: dict[str, object], expected: str) -> None:
    assert workspace_map.readiness(replace(GOOD, **given)) == expected  # type: ignore[arg-type]


def made(models: list[ModelSummary], earlier: object = None, **given: object) -> workspace_map.Map:
    return workspace_map.make(report(**{"models": models, "errors": [], **given}), earlier)  # type: ignore[arg-type]


def test_the_worst_come_first() -> None:
    names = [replace(GOOD, name="C", errors=1), replace(GOOD, name="A"), replace(GOOD, name="B", warnings=1)]
    assert [model.name for model in made(names).models] == ["C", "B", "A"]


def test_operations_count_findings_that_matter() -> None:
    again = replace(POOL, span=span(4, 8, 5, 10), model="Other", severity="error", code="ANE105")
    mild = replace(POOL, op="conv", severity="hint")
    (operation,) = made([], findings=[POOL, again, mild]).operations
    assert (operation.op, operation.codes, operation.severity) == ("max_pool", ("ANE302", "ANE105"), "error")
    assert (operation.places, operation.models, operation.line) == (2, 2, 4)


def test_the_trend() -> None:
    before = made([replace(GOOD, name=name, warnings=2, findings=2) for name in ("Up", "Same", "Down", "Gone")])
    earlier = json.loads(workspace_map.to_json(before))
    now = made(
        [
            replace(GOOD, name="Up"),
            replace(GOOD, name="Same", warnings=2, findings=9),
            replace(GOOD, name="Down", warnings=2, on_ane=39),
            replace(GOOD, name="Fresh"),
        ],
        earlier,
    )
    assert {m.name: m.change for m in now.models} == {"Up": "better", "Same": "same", "Down": "worse", "Fresh": "new"}
    assert now.gone == (f"Gone ({report().path(FILE)})",)
    assert workspace_map.headline(now).endswith("; 1 better, 1 worse, 1 new, 1 gone")
    assert {m.change for m in before.models} == {""}
    assert now.before == (("nearly", 4),)
    assert before.before == ()
    page = map_html.page(now)
    assert "before: nearly, 40 of 40, 2 findings" in page
    assert "No more: Gone" in page


@pytest.mark.parametrize(
    "earlier", [{}, {"version": 2, "models": []}, {"version": 1, "models": [{"file": "a", "name": "b"}]}, []]
)
def test_what_is_no_map_is_refused(earlier: object) -> None:
    with pytest.raises(ValueError, match=r"map|version"):
        made([GOOD], earlier)


class Page(HTMLParser):
    """Collects what a page would load or run, and whether its tags close."""

    VOID = ("meta", "input", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and not (value or "").startswith("#"):
                self.loads.append(f"{tag} {value}")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>\x1b\u202e"


def test_the_page_is_self_contained_and_escaped() -> None:
    wild = replace(GOOD, name=HOSTILE, target=HOSTILE, stopped=HOSTILE, assumed=(HOSTILE,))
    error = AnalysisError("syntax", HOSTILE, span(4, 9, 4, 10))
    finding = replace(POOL, op=HOSTILE, message=HOSTILE)
    text = map_html.page(made([wild, GOOD], findings=[finding], errors=[error]), HOSTILE)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.loads == page.handlers == []
    assert text.count("<script>") == 1
    assert "<img" not in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text)
    assert "prefers-color-scheme" in text
    assert "width=device-width" in text


def test_the_tiles_fill_the_map_by_size() -> None:
    values = [60.0, 40.0, 30.0, 30.0, 10.0, 5.0, 5.0, 1.0]
    whole = Rect(10, 20, 210, 90)
    tiles = squarify(values, whole)
    scale = whole.width * whole.height / sum(values)
    for value, tile in zip(values, tiles, strict=True):
        assert tile.width * tile.height == pytest.approx(value * scale)
        assert whole.x <= tile.x + 1e-9
        assert tile.x + tile.width <= whole.x + whole.width + 1e-9
        assert whole.y <= tile.y + 1e-9
        assert tile.y + tile.height <= whole.y + whole.height + 1e-9
    for one, other in itertools.combinations(tiles, 2):
        wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
        high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
        assert min(wide, high) < 1e-9, "two tiles overlap"
    assert all(0.25 < tile.width / tile.height < 4 for tile in tiles[:-1]), "the last takes what is left"
    assert squarify([], whole) == []
    assert squarify([3.0], whole) == [whole]


def test_every_model_has_a_tile_that_leads_to_its_card() -> None:
    models = [replace(GOOD, name=f"N{n}", ops=n * n, on_ane=n) for n in range(7)]
    text = map_html.page(made(models))
    tiles = re.findall(r'href="#(model-\d+)" title="(\w+):', text)
    cards = dict(re.findall(r'id="(model-\d+)"><h3>(\w+)</h3>', text))
    assert sorted(name for _, name in tiles) == sorted(model.name for model in models)
    assert all(cards[address] == name for address, name in tiles)


def test_operations_off_the_ane_are_counted_over_models() -> None:
    one = replace(GOOD, name="One", on_ane=37, off_ane=(("gather", 2), ("lstm", 1)))
    found = made([one, replace(GOOD, name="Two", on_ane=39, off_ane=(("gather", 1),)), GOOD])
    assert found.kinds() == [("gather", 3, 2), ("lstm", 1, 1)]
    page = map_html.page(found)
    assert "Operations off the ANE (4)" in page
    assert "<small>3 in 2 models</small>" in page
    assert "off the ANE: gather 2, lstm 1" in page
    assert json.loads(workspace_map.to_json(found))["models"][0]["off_ane"] == [["gather", 2], ["lstm", 1]]
    assert "Operations off the ANE" not in map_html.page(made([GOOD]))


def test_the_folder_of_all_files_is_said_once() -> None:
    models = [replace(GOOD, name=n, span=GOOD.span._replace(file=f"/far/away/{n}/net.py")) for n in ("a", "b")]
    page = map_html.page(made(models))
    assert page.count("/far/away/") == 1
    assert "<small>a/net.py:2</small>" in page


def test_nothing_found() -> None:
    found = made([], findings=[], files=1)
    assert "None was found" in map_html.page(found)
    assert workspace_map.to_text(found) == "0 models in 1 file\n"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(ROOT / "examples")
    first, page = tmp_path / "map.json", tmp_path / "out" / "map.html"
    assert main(["report", folder, "--format", "json", "-o", str(first), "--no-cache"]) == 0
    assert main(["report", folder, "--against", str(first), "-o", str(page), "--no-cache"]) == 0
    assert "nothing changed" in capsys.readouterr().err
    assert "DetectorNeck" in page.read_text(encoding="utf-8")
    document = json.loads(first.read_text(encoding="utf-8"))
    assert {m["name"] for m in document["models"]} >= {"DetectorNeck", "AudioTagger", "TinyDecoder"}
    assert all(m["warnings"] > 0 and m["findings"] >= m["warnings"] for m in document["models"])
    assert {o["op"] for o in document["operations"]} >= {"lstm", "max_pool", "reduce_argmax"}
    assert main(["report", folder, "--against", folder]) == 2
    assert main(["report", folder, "--against", str(page)]) == 2
    document["models"][0]["findings"] = float("inf")
    for number, text in enumerate((json.dumps(document), "[" * 5000 + "]" * 5000)):
        odd = tmp_path / f"{number}.json"
        odd.write_text(text)
        assert main(["report", str(tmp_path), "--against", str(odd)]) == 2
    assert main(["report", str(tmp_path / "none.py"), "--format", "text"]) == 2
    assert "no such file" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "none.py"), folder, "-o", str(page)]) == 2
    assert "not analysed in full" in capsys.readouterr().err
