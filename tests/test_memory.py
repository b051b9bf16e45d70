"""Garbage in circles is looked for when the process has grown, and by Python itself again afterwards."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from ane_lsp import _memory
from ane_lsp._memory import collect_between, collect_if_grown, held_after_collecting, keep_for_good, rare_collections


class Ring:
    def __init__(self) -> None:
        self.me = self


def test_garbage_goes_once_the_process_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.isenabled(), gc.get_threshold()
    holds = 100
    monkeypatch.setattr(_memory, "resident", lambda: holds)
    with rare_collections(room=10), rare_collections(room=0):  # the outer one counts
        for size, collected in ((105, False), (110, False), (111, True), (121, False), (122, True)):
            gone = weakref.ref(Ring())
            holds = size
            assert held_after_collecting() == size
            assert (gone() is None) is collected, size
        assert not gc.isenabled()
    assert (gc.isenabled(), gc.get_threshold()) == before


def test_between_two_analyses_what_the_first_left_is_taken_apart_where_it_is_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = 100
    monkeypatch.setattr(_memory, "resident", lambda: held)
    gc.collect()
    with rare_collections(room=2 * _memory._SMALL):
        few = weakref.ref(Ring())
        collect_between()
        assert few() is not None
        rings = [Ring() for _ in range(2 * _memory._YOUNG)]
        gone = weakref.ref(rings.pop())
        del rings
        collect_between()
        assert gone() is not None  # the process is small
        held = 2 * _memory._SMALL
        collect_between()
        assert gone() is None
        assert few() is None
    gone = weakref.ref([Ring() for _ in range(2 * _memory._YOUNG)].pop())
    gc.disable()
    try:
        collect_between()  # a program that collects its own way is left alone
        assert gone() is not None
    finally:
        gc.enable()


def test_a_process_that_stays_looks_through_all_it_holds_once_it_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    holds = 100
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: holds)

    def old_ring() -> weakref.ref[Ring]:
        ring = Ring()
        gc.collect(1)  # from here on it is one of the objects that are old
        return weakref.ref(ring)

    try:
        keep_for_good()
        assert gc.get_freeze_count()
        gc.disable()
        gone = old_ring()
        for blocks, collected in ((100, False), (125, False), (126, True)):
            holds = blocks
            collect_if_grown(0.25)
            assert (gone() is None) is collected, blocks
        gone = old_ring()
        collect_if_grown(0.25)  # it has not since
        assert gone() is not None
        gone = weakref.ref(Ring())
        collect_if_grown(0.25)  # what is new is always looked through
        assert gone() is None
    finally:
        gc.enable()
        gc.unfreeze()


def test_where_the_system_tells_nothing_python_looks_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_threshold()
    monkeypatch.setattr(_memory, "resident", lambda: 0)
    with rare_collections():
        assert gc.isenabled()
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before


def test_a_program_that_collects_its_own_way_is_left_alone() -> None:
    gc.disable()
    try:
        with rare_collections(room=0):
            gone = weakref.ref(Ring())
            held_after_collecting()
            assert gone() is not None
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_command_ends_with_all_it_has_to_say(tmp_path: Path) -> None:
    """A process that ends at once must not lose what is buffered, nor its exit code."""
    layers = "\n".join(f"        x = F.max_pool2d(x, 13, 1, 6)  # {number}" for number in range(400))
    (tmp_path / "net.py").write_text(
        "import torch.nn.functional as F\nfrom torch import nn\n\n\nclass Net(nn.Module):  # ane: input(1x3x32x32)\n"
        f"    def forward(self, x):\n{layers}\n        return x\n"
    )
    command = [sys.executable, "-m", "ane_lsp", "check", "net.py", "--no-cache", "--format", "concise"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert sum("ANE302" in line for line in done.stdout.splitlines()) == 400
