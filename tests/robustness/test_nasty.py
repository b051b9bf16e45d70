"""Hostile sources: each ends, in bounded memory, without a fault of ours, and does not cost the rest of its file."""

from __future__ import annotations

from pathlib import Path

import harness
import nasty
import pytest

LOST = {
    "lru_cache recursion": "caches are not modelled: each call runs",
}
"""Cases whose model is not reached today, and why."""


@pytest.mark.parametrize("name", nasty.SURVIVED)
def test_the_rest_of_the_file_is_still_understood(name: str, tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    path.write_text(nasty.SURVIVED[name] + nasty.MODEL, encoding="utf-8", newline="")

    def work() -> harness.Outcome:
        harness.few_steps(400_000)
        return harness.analyse(path, budget=60)

    found = harness.run(work)
    assert not found.crash, found.crash
    assert not found.internal, found.internal
    assert "ANE302" in found.codes or name in LOST, found.errors


@pytest.mark.parametrize("name", nasty.ENDLESS)
def test_a_program_without_end_ends_and_keeps_what_was_found(name: str, tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    path.write_text(nasty.MODEL + nasty.ENDLESS[name], encoding="utf-8")

    def work() -> harness.Outcome:
        harness.few_steps(30_000)
        return harness.analyse(path, budget=60)

    found = harness.run(work)
    assert not found.crash, found.crash
    assert not found.internal, found.internal
    assert "ANE302" in found.codes, found.errors


@pytest.mark.parametrize(
    ("steps", "seconds", "said"), [(30_000, 60, "18,000 steps of the program"), (None, 0.5, "0.3 s")]
)
def test_the_limit_that_ended_a_script_is_said_and_its_classes_are_checked(
    steps: int | None, seconds: float, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "case.py"
    path.write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return torch.nn.functional.max_pool2d(x, 9)\n"
        "total = 0\nfor i in range(10 ** 7):\n    for j in range(10 ** 4):\n        total = (total * 31 + i * j) % 1000003\n"
    )

    def work() -> harness.Outcome:
        if steps is not None:
            harness.few_steps(steps)
        return harness.analyse(path, budget=seconds)

    found = harness.run(work)
    assert not found.crash, found.crash
    assert found.errors == [("budget", f"the script was left after {said}; what it defined until then was analysed")]
    assert "ANE302" in found.codes


@pytest.mark.parametrize("name", ["while counting", "many tensors", "fibonacci", "exponential comprehension"])
def test_trace_says_that_it_stopped(name: str, tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    path.write_text(nasty.MODEL + nasty.ENDLESS[name], encoding="utf-8")

    def work() -> harness.Outcome:
        harness.few_steps(30_000)
        return harness.traced(path, budget=60)

    found = harness.run(work)
    assert not found.crash, found.crash
    assert found.extra["stopped"] == "budget"
    assert "torch.nn.MaxPool2d" in found.ops


def test_memory_stops_a_run(tmp_path: Path) -> None:
    """A few steps that take much: the run ends by memory, not by time."""
    path = tmp_path / "case.py"
    path.write_text(nasty.MODEL + "a = []\nwhile True:\n    a.append('x' * 900_000 + str(len(a)))\n")
    found = harness.run(lambda: harness.analyse(path, budget=60))
    assert not found.crash, found.crash
    assert ("budget", "the analysis stopped: it needs too much memory") in found.errors
    assert "ANE302" in found.codes


def test_the_fork_harness_sees_a_hang_and_a_flood() -> None:
    if not harness.can_fork():
        pytest.skip("no fork on this system")

    def flood() -> int:
        return len(bytearray(900_000_000))

    def hang() -> None:
        while True:
            pass

    assert "MB" in harness.bounded(flood, 100)[2] or "MemoryError" in harness.bounded(flood, 100)[2]
    assert "hung" in harness.bounded(hang, 100, hangs_after=0.3)[2]
