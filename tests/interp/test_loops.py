"""Loops of scripts: training goes on for hours and a camera is read for ever, but a few rounds show all there is to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.graph import Unknown
from ane_lsp.interp import loops
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.run import Run, guarded, load_file, start
from ane_lsp.workspace import Settings, Workspace

SCRIPT = """
import torch
from torch import nn
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
seen, steps, last = [], 0, None
{loop}
    seen.append(1)
    steps += 1
    last = net(torch.zeros(2, 3, {size}, 32))
nn.Flatten()(last)
"""


def script(tmp_path: Path, text: str) -> tuple[Interpreter, Run]:
    path = tmp_path / "train.py"
    path.write_text(text, encoding="utf-8")
    interp = start(Workspace(tmp_path))
    done = guarded(interp, lambda: load_file(interp, path, as_main=True))
    assert not done.internal
    return interp, done


def execute(tmp_path: Path, loop: str, size: str = "32") -> tuple[Run, dict[str, Any]]:
    _, done = script(tmp_path, SCRIPT.format(loop=loop, size=size))
    assert done.stopped is None
    return done, done.result.namespace


@pytest.mark.parametrize("loop", ["for epoch in range(1_000_000):", "while True:", "while steps < 1_000_000:"])
def test_a_loop_that_repeats_itself_is_left(tmp_path: Path, loop: str) -> None:
    done, names = execute(tmp_path, loop)
    assert not done.errors
    assert [graph.name for graph in done.graphs][-1] == "Flatten"
    assert len(done.graphs) < 10
    assert isinstance(names["steps"], Unknown)
    assert isinstance(names["seen"], Unknown)
    assert names["last"].type.shape == (2, 8, 30, 30)


def test_a_size_nobody_knows_is_nothing_new(tmp_path: Path) -> None:
    done, names = execute(tmp_path, "for epoch in range(1_000):", "int(input())")
    assert len(done.graphs) < 10
    assert [str(size) for size in names["last"].type.shape] == ["2", "8", "?", "30"]


def test_a_loop_that_shows_something_new_is_followed(tmp_path: Path) -> None:
    done, names = execute(tmp_path, "for epoch in range(20):", "32 + epoch")
    assert len(done.graphs) == 21
    assert names["steps"] == 20
    assert len(names["seen"]) == 20


def test_a_text_that_grows_is_not_followed_for_ever(tmp_path: Path) -> None:
    done, names = execute(tmp_path, "for epoch in range(1_000):", "32 + epoch")
    assert 21 <= len(done.graphs) < 30
    assert [str(size) for size in names["last"].type.shape] == ["2", "8", "?", "30"]
    assert isinstance(names["steps"], Unknown)


def test_rounds_that_were_given_up_prove_nothing(tmp_path: Path) -> None:
    """That a list stays empty is no fault of the program where only the rounds that would fill it could not be followed."""
    path = tmp_path / "net.py"
    path.write_text(
        "import foreign\nimport torch\nfrom torch import nn\n\nmade = []\nfor one in foreign.many():\n    made.append(nn.missing(one))\n"
        "    made += 3\nnn.ReLU()(torch.cat(made))\n"
    )
    assert [f.code for f in analyze(path, Workspace(tmp_path), Settings()).findings if f.code == "ANE001"] == []


def test_a_short_loop_runs_to_its_end(tmp_path: Path) -> None:
    done, names = execute(tmp_path, "for epoch in range(4):")
    assert len(done.graphs) == 5
    assert names["steps"] == 4


def test_an_endless_loop_without_a_model_ends_as_the_user_would_end_it(tmp_path: Path) -> None:
    text = (
        "import torch\nfrom torch import nn\nframes = 0\ntry:\n    while True:\n        frames += 1\n"
        "except KeyboardInterrupt:\n    nn.ReLU()(torch.zeros(3))\nwhile 1:\n    frames += 1\n"
    )
    interp, done = script(tmp_path, text)
    assert (done.stopped, done.errors) == (None, [])
    assert [graph.name for graph in done.graphs] == ["ReLU"]
    assert "a loop that does not end by itself" in interp.unresolved


@pytest.mark.parametrize(
    "loop", ["for n in range(2, 9_999):", "n = 1\nwhile n < 9_999:\n    n += 1", "for n in map(int, range(9_999)):"]
)
def test_a_loop_that_may_be_left_in_each_round_is_not_followed_to_its_end(loop: str, tmp_path: Path) -> None:
    """A free name for a folder is looked for so."""
    text = (
        f"import os\nfound, tried = None, []\n{loop}\n    tried.append(n)\n    if not os.path.exists(f'runs/{{n}}'):\n"
        "        found = n\n        break\nlength = len(tried)\n"
    )
    _, done = script(tmp_path, text)
    assert (done.stopped, done.errors) == (None, [])
    names = done.result.namespace
    assert isinstance(names["length"], Unknown)
    assert not isinstance(names["found"], int)
    assert not isinstance(names["n"], int)


@pytest.mark.parametrize(("found", "rounds"), [("str(n)", range(7, 10)), ("7", range(18, 19))])
def test_a_search_that_may_have_found_many_different_things_is_over(found: str, rounds: range, tmp_path: Path) -> None:
    """Nobody knows which it found, whatever the other rounds do. Where all rounds return the same, they are followed."""
    text = (
        "import os\nimport torch\nfrom torch import nn\nnet = nn.ReLU()\n\n\ndef search():\n    for n in range(18):\n"
        f"        net(torch.zeros(n + 1))\n        if os.path.exists(str(n)):\n            return {found}\n    return {found}\n\n\n"
        "found = search()\n"
    )
    _, done = script(tmp_path, text)
    assert (done.stopped, done.errors) == (None, [])
    assert len(done.graphs) in rounds
    value = done.result.namespace["found"]
    assert value == 7 if found == "7" else isinstance(value, Unknown)


PYRAMID = """
import torch
from torch import nn
import torch.nn.functional as F


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        \"\"\"x: (B, 1, H, W)\"\"\"
        levels = [x]
        while True:
            for i in range({work}):
                x = x + i
            x = self.conv(F.interpolate(x, size=(x.shape[2] // 2, x.shape[3] // 2)))
            levels.append(x)
            if min(x.shape[2:]) <= 16:
                break
        return levels
"""


@pytest.mark.parametrize(("work", "rounds"), [(1, range(60, 70)), (50, range(9, 20))])
def test_a_costly_loop_of_a_model_that_may_be_left_in_each_round_is_followed_for_a_few(
    work: int, rounds: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "_COSTLY_EXITS", (8, 3_000))
    path = tmp_path / "net.py"
    path.write_text(PYRAMID.format(work=work), encoding="utf-8")
    found = analyze(path, Workspace(tmp_path), Settings())
    assert not found.errors
    (graph,) = found.graphs
    assert sum(op.kind == "conv" for op in graph.ops) in rounds


def test_rounds_that_do_much_and_call_no_model_are_left_earlier(tmp_path: Path) -> None:
    text = (
        "frames, seen = 0, []\ntry:\n    while True:\n        for i in range(1_500):\n            seen = str(i)\n"
        "        frames += 1\nexcept KeyboardInterrupt:\n    pass\n"
    )
    _, done = script(tmp_path, text)
    assert (done.stopped, done.errors) == (None, [])
    assert 50 <= done.result.namespace["frames"] < 1_000


@pytest.mark.parametrize("change", ["self.levels.insert(0, nn.Conv2d(8, 8, 3))", "del self.levels[0]"])
def test_a_module_list_changed_nobody_knows_how_often_is_still_one_table(change: str, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import os\nimport torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.levels = nn.ModuleList([nn.Conv2d(8, 8, 1)])\n"
        f"        for _ in os.listdir('.'):\n            {change}\n\n"
        "    def forward(self, x):\n        for level in self.levels:\n            x = level(x)\n        return x\n"
    )
    found = analyze(path, Workspace(tmp_path), Settings())
    assert [finding.message for finding in found.findings if finding.code.startswith("ANE9")] == []
    assert [graph.name for graph in found.graphs] == ["Net"]


@pytest.mark.parametrize("loop", ["for epoch in range(600_000):", "while epoch < 600_000:"])
def test_a_long_loop_that_calls_no_model_does_not_use_up_the_time(tmp_path: Path, loop: str) -> None:
    """What it goes on changing is unknown then, and what stands behind it is reached."""
    text = "import torch\nfrom torch import nn\nrates, epoch, rate, kept = [], 0, 1, 3\nclass Schedule:\n    def step(self):\n        return rate + 1\n"
    text += f"schedule = Schedule()\n{loop}\n    epoch += 1\n    rate = schedule.step()\n    rates.append(rate)\n"
    text += "x = nn.Flatten()(torch.zeros(2, 3, kept))\ny = torch.zeros(len(rates), rate, kept)\n"
    interp, done = script(tmp_path, text)
    assert done.stopped is None
    assert interp.steps < 300_000
    names = done.result.namespace
    assert names["x"].type.shape == (2, 9)
    assert names["kept"] == 3
    assert isinstance(names["rate"], Unknown)
    assert names["y"].type.shape is None or not any(isinstance(size, int) for size in names["y"].type.shape[:2])
