"""The analysis process dies, hangs or cannot start: the server goes on, and only what was being analysed is lost."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from lsp_client import environment

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
