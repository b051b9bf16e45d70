"""The analysis process dies, hangs or cannot start: the server goes on, and only what was being analysed is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import pytest
from lsp_client import environment

from ane_lsp._memory import resident
from ane_lsp.server import engine as engines
from ane_lsp.server.engine import EngineFailure, ProcessEngine
from ane_lsp.server.worker import REST

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])


async def test_a_process_killed_for_one_job_does_the_others_again():
    engine = ProcessEngine("lsp_fake_analyst:FakeAnalyst", grace=0.3)
    try:
        engine.start()
        engine.tell("overlay", "/ws/a.py", "# HANG 60\n")
        engine.tell("overlay", "/ws/b.py", "bad(1)\n")
        stuck = asyncio.ensure_future(engine.ask("analyze", "/ws/a.py"))
        await asyncio.sleep(0.2)
        stuck.cancel()
        found = await asyncio.wait_for(engine.ask("analyze", "/ws/b.py"), 60)
        assert [f.code for f in found.findings] == ["ANE302"]
        assert stuck.cancelled()
    finally:
        engine.close()


async def test_a_process_that_died_before_the_first_question_is_replaced():
    engine = ProcessEngine("lsp_fake_analyst:FakeAnalyst")
    try:
        engine.start()
        engine.tell("overlay", "/ws/b.py", "bad(1)\n")
        os.kill(engine.pid, signal.SIGKILL)
        await asyncio.sleep(0.3)
        found = await asyncio.wait_for(engine.ask("analyze", "/ws/b.py"), 60)
        assert [f.code for f in found.findings] == ["ANE302"]
    finally:
        engine.close()


async def test_an_analyst_that_cannot_be_loaded_is_tried_again(tmp_path, monkeypatch):
    """An upgrade of the installation under a running server: what was told meanwhile is known afterwards."""
    ready = tmp_path / "ready"
    (tmp_path / "late_analyst.py").write_text(
        "import pathlib\nfrom lsp_fake_analyst import FakeAnalyst\n"
        f"if not pathlib.Path({str(ready)!r}).exists():\n    raise ImportError('half installed')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    engine = ProcessEngine("late_analyst:FakeAnalyst")
    try:
        engine.start()
        engine.tell("overlay", "/ws/a.py", "x = 1\n")
        engine.tell("overlay", "/ws/a.py", "bad(1)\n")
        with pytest.raises(EngineFailure, match="half installed"):
            await asyncio.wait_for(engine.ask("analyze", "/ws/a.py"), 60)
        ready.touch()
        for _ in range(20):
            await asyncio.sleep(0.5)
            try:
                found = await asyncio.wait_for(engine.ask("analyze", "/ws/a.py"), 60)
                break
            except EngineFailure:
                continue
        assert [f.code for f in found.findings] == ["ANE302"]
    finally:
        engine.close()


async def test_a_process_that_dies_again_and_again_is_left_alone_for_a_while_only(monkeypatch):
    monkeypatch.setattr(engines, "MAX_DEATHS", 1)
    monkeypatch.setattr(engines, "DEATH_WINDOW", 5.0)
    engine = ProcessEngine("lsp_fake_analyst:FakeAnalyst")
    try:
        engine.start()
        engine.tell("overlay", "/ws/a.py", "# CRASH\n")
        engine.tell("overlay", "/ws/b.py", "bad(1)\n")
        for _ in range(2):
            with pytest.raises(EngineFailure, match="ended"):
                await asyncio.wait_for(engine.ask("analyze", "/ws/a.py"), 60)
        with pytest.raises(EngineFailure, match="too often"):
            await engine.ask("analyze", "/ws/b.py")
        engine._deaths = [death - 5.0 for death in engine._deaths]
        found = await asyncio.wait_for(engine.ask("analyze", "/ws/b.py"), 60)
        assert [f.code for f in found.findings] == ["ANE302"]
    finally:
        engine.close()


async def test_what_takes_long_is_done_once_nobody_has_asked_for_a_while():
    engine = ProcessEngine("lsp_fake_analyst:RestingAnalyst")
    try:
        engine.start()
        assert await asyncio.wait_for(engine.ask("rests"), 60) == 0
        await asyncio.sleep(2 * REST)
        assert await asyncio.wait_for(engine.ask("rests"), 60) == 1
    finally:
        engine.close()


async def _until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def _ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def growing(monkeypatch):
    """An engine that allows its process 20 MB."""
    if not resident():
        pytest.skip("this system does not tell how much memory a process holds")
    monkeypatch.setattr(engines, "MAX_GROWN", 20_000_000)
    monkeypatch.setattr(engines, "QUIET", 0.2)
    engine = ProcessEngine("lsp_fake_analyst:FakeAnalyst")
    yield engine
    engine.close()


async def test_a_process_that_has_grown_is_replaced_while_nobody_asks(growing):
    growing.start()
    first = growing.pid
    growing.tell("overlay", "/ws/a.py", "bad(1)\n")
    await asyncio.wait_for(growing.ask("analyze", "/ws/a.py"), 60)
    await asyncio.sleep(0.5)
    assert growing.pid == first  # it has not grown
    growing.tell("overlay", "/ws/b.py", "# GROWS 30\n")
    await asyncio.wait_for(growing.ask("analyze", "/ws/b.py"), 60)
    assert growing.pid == first
    await _until(lambda: growing.pid != first)
    await _until(lambda: _ended(first))
    second = growing.pid
    found = await asyncio.wait_for(growing.ask("analyze", "/ws/a.py"), 60)
    assert [f.code for f in found.findings] == ["ANE302"]  # it knows what the first was told
    await asyncio.sleep(0.5)
    assert growing.pid == second  # what the last analysis needs anew is not growth


async def test_a_process_that_grows_on_is_replaced_between_two_questions(growing, monkeypatch):
    """Nobody rests: what waits behind the question that is answered is asked of the heir."""
    monkeypatch.setattr(engines, "QUIET", 600.0)
    growing.start()
    first = growing.pid
    growing.tell("overlay", "/ws/a.py", "bad(1)\n# SLOW 0.05\n")
    growing.tell("overlay", "/ws/b.py", "risky(1)\n# GROWS 15\n")
    end = time.monotonic() + 60
    while growing.pid == first:
        assert time.monotonic() < end
        asked = [asyncio.ensure_future(growing.ask("analyze", f"/ws/{name}.py")) for name in "abaa"]
        told = await asyncio.wait_for(asyncio.gather(*asked), 60)
        assert [[f.code for f in found.findings] for found in told] == [["ANE302"], ["ANE402"], ["ANE302"], ["ANE302"]]


async def test_an_heir_that_dies_costs_nothing(growing):
    growing.start()
    first = growing.pid
    growing.tell("overlay", "/ws/a.py", "bad(1)\n")
    await asyncio.wait_for(growing.ask("analyze", "/ws/a.py"), 60)
    growing.tell("overlay", "/ws/a.py", "bad(1)\n# GROWS 30\n")
    await asyncio.wait_for(growing.ask("analyze", "/ws/a.py"), 60)
    growing.tell("overlay", "/ws/a.py", "# HANG 60\n")  # what the heir does first
    await _until(lambda: growing._heir)
    os.kill(growing._heir.process.pid, signal.SIGKILL)
    await _until(lambda: growing._heir is None)
    assert growing.pid == first
    growing.tell("overlay", "/ws/a.py", "bad(1)\n")
    found = await asyncio.wait_for(growing.ask("analyze", "/ws/a.py"), 60)
    assert [f.code for f in found.findings] == ["ANE302"]


async def test_closing_ends_the_heir_too(growing):
    growing.start()
    await asyncio.wait_for(growing.ask("analyze", "/ws/a.py"), 60)
    growing.tell("overlay", "/ws/a.py", "# GROWS 30\n")
    await asyncio.wait_for(growing.ask("analyze", "/ws/a.py"), 60)
    growing.tell("overlay", "/ws/a.py", "# GROWS 60\n# HANG 60\n")
    await _until(lambda: growing._heir)
    pids = growing.pid, growing._heir.process.pid
    growing.close()
    assert all(map(_ended, pids))
