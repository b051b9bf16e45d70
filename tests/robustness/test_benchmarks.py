"""The command that measures what was promised: what it says of figures, and one small run of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import goals
from benchmarks.scaling import Cost, costs, exponent, quarters, spread

ROOT = Path(__file__).resolve().parents[2]
NO_LONG: dict[str, list[dict[str, object]]] = {}


def edit(server: str, p50: float, p95: float) -> dict[str, object]:
    wall = {"first_p50": p50, "first_p95": p95, "wall_p50": p50, "wall_p95": p95}
    return {"file": "a.py", "server": server, "kind": "forward", **wall}


@pytest.mark.parametrize(
    ("own", "peer", "met", "ratio"),
    [
        ((50, 120), 500, True, 10.0),
        ((51, 120), 800, False, 800 / 51),
        ((50, 121), 800, False, 16.0),
        ((50, 120), 499, False, 9.98),
        ((50, 120), None, True, None),
    ],
)
def test_an_edit_meets_its_goal_by_all_three_figures(
    own: tuple[float, float], peer: float | None, met: bool, ratio: float | None
) -> None:
    rows = [edit("ane-lsp", *own)] + ([edit("pyright", peer, peer)] if peer is not None else [])
    (line,) = goals.lines({"edits": rows}, NO_LONG)
    assert (line.met, line.ratio) == (met, pytest.approx(ratio))


def test_a_library_is_held_against_torchfix_and_the_parser() -> None:
    found = {"name": "lib", "files": 80, "cached": 0.9, "parse": 0.3,
             "sample": {"files": 10, "own": {"cpu": 2.0, "wall": 1.0}, "torchfix": {"cpu": 40.0, "wall": 19.0}}}  # fmt: skip
    assert [(line.ratio, line.met) for line in goals.lines({"library": found}, NO_LONG)] == [
        (20.0, True), (19.0, False), (pytest.approx(1 / 3), True)
    ]  # fmt: skip
    del found["sample"]["torchfix"]  # type: ignore[attr-defined]
    assert [line.met for line in goals.lines({"library": found}, NO_LONG)][:2] == [None, None]


def test_the_server_may_start_a_tenth_later_than_a_bare_one() -> None:
    def row(what: str, wall: float) -> dict[str, object]:
        return {"what": what, "n": 1, "wall": wall, "cpu": wall}

    for own, met in ((550, True), (560, False)):
        rows = [row("initialize, bare pygls", 500), row("initialize", own), row("open a.py, cold", 1001)]
        start, opened = goals.lines({"start": rows}, NO_LONG)
        assert (start.met, opened.met) == (met, False)


def test_what_long_runs_keep_is_part_of_the_table() -> None:
    many = {"file": "a.py", "part": "memory", "edits": {"1000": 100.0, "10000": 105.0}, "growth": 0.05}
    rows = [{"common": "lib", "match": "*.py", "files": n, "cpu": 2.0 * n, "megabytes": 300} for n in (10, 100, 1000)]
    grown, scaled = goals.lines({}, {"many": [many], "scaling": rows})
    assert grown.met
    assert (scaled.met, scaled.peer) == (True, "exponent 1.00")
    assert "| yes |" in goals.markdown([grown])
    assert goals.lines({}, {"scaling": rows[:2]})[0].met is None
    many["growth"] = 0.06
    assert not goals.lines({}, {"many": [many]})[0].met


def test_the_exponent_the_parts_and_the_quarters() -> None:
    assert exponent([(10, 3), (100, 300)]) == pytest.approx(2)
    files = [Path(str(i)) for i in range(10)]
    assert spread(files, 3) == [files[0], files[3], files[6]]
    assert spread(files, 99) == files
    assert quarters([1, 1, 2, 2, 3, 3, 4, 4]) == (1, 2, 3, 4)
    assert quarters([1, 2, 3]) == ()


def test_a_part_that_was_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text("x = 1\n")
    measured = []

    def cost(files: list[Path], jobs: int) -> Cost:
        measured.append(len(files))
        return Cost(len(files), len(files), 1.0, 1.0, 50, (1, 2, 3, 4))

    monkeypatch.setattr("benchmarks.scaling.cost", cost)
    kept = tmp_path / "kept.jsonl"
    first = list(costs(tmp_path, "*.py", [1, 2], 2, kept))
    again = list(costs(tmp_path, "*.py", [2, 1, 3000], 2, kept))
    assert measured == [1, 2, 3]
    assert again[:2] == first
    list(costs(tmp_path, "*.py", [1], 1, kept))  # another number of jobs is another figure
    assert measured[-1] == 1


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the benchmarks read /proc")
def test_one_small_run_of_all_of_it(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    small = library / "small.py"
    shutil.copy(ROOT / "examples" / "detector_neck.py", small)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", str(small), "--opened", str(small), "--library", str(library),
         "--quick", "--sample", "1", "--out", str(tmp_path / "figures.json")],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": os.path.dirname(sys.executable)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "figures.json").read_text())
    assert {row["kind"] for row in document["edits"]} >= {"open", "comment", "forward"}
    assert {row["part"] for row in document["warm"]} == {"hover", "inlay hints", "code actions", "typing"}
    assert {"initialize", "initialize, bare pygls", "check small.py, cold"} <= {
        row["what"] for row in document["start"]
    }
    assert document["library"]["files"] == 1
    assert document["memory"]["open"] == 1
    for line in goals.lines(document, NO_LONG):
        assert line.goal in done.stdout
