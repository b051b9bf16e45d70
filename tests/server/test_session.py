"""The core, without any protocol: what is analysed when, and what is shown of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsp_client import environment
from lsp_fake_analyst import FakeAnalyst

from ane_lsp.analysis import AnalysisError
from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.graph import Span
from ane_lsp.server.documents import Change
from ane_lsp.server.engine import EngineFailure, ProcessEngine, ThreadEngine
from ane_lsp.server.results import DocumentResult, fix_name
from ane_lsp.server.session import Session, Superseded, Unit

URI = "file:///ws/a.py"


class Told:
    """Remembers what a session says."""

    def __init__(self) -> None:
        self.analysed_units: list[tuple[str, str, bool]] = []
        self.states: list[str] = []
        self.gone: list[str] = []
        self.ahead_of: list[tuple[int, list[Any]]] = []

    def analysed(self, unit: Unit, edited: bool) -> None:
        self.analysed_units.append((unit.key, unit.text.text, edited))

    def ahead(self, unit: Unit) -> None:
        self.ahead_of.append((unit.stamp, unit.findings()))

    def forgotten(self, unit: Unit) -> None:
        self.gone.append(unit.key)

    def state(self, state: str, detail: str) -> None:
        self.states.append(state)


class ScriptedEngine:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.asked: list[tuple[str, asyncio.Future[Any]]] = []
        self.hearing: list[Any] = []
        self.cancelled: list[str] = []
        self.closed = False

    def start(self) -> None: ...

    def tell(self, *message: Any) -> None:
        self.told.append(message)

    async def ask(self, what: str, *args: Any, ahead: Any = None) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.asked.append((args[0], future))
        self.hearing.append(ahead)
        try:
            return await future
        except asyncio.CancelledError:
            self.cancelled.append(args[0])
            raise

    def close(self) -> None:
        self.closed = True

    async def step(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def answer(self, index: int = -1, **more: Any) -> None:
        path, future = self.asked[index]
        future.set_result(DocumentResult(path, **{"depends": frozenset(), **more}))

    @property
    def texts(self) -> dict[str, str]:
        return {message[1]: message[2] for message in self.told if message[0] == "overlay"}


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def session(engine: ScriptedEngine) -> Session:
    return Session(engine, Told())


def told(session: Session) -> Told:
    listener = session.listener
    assert isinstance(listener, Told)
    return listener


async def test_one_analysis_runs_at_a_time_and_an_edit_cancels_it(session, engine):
    session.debounce = 0.0
    session.open(URI, "python", 1, "a")
    session.open("file:///ws/b.py", "python", 1, "b")
    await engine.step()
    assert len(engine.asked) == 1
    session.change(URI, 2, [Change("aa")])
    await engine.step()
    assert engine.cancelled == ["/ws/a.py"]
    engine.answer()
    await engine.step()
    engine.answer()
    await engine.step()
    assert sorted(text for _, text, _ in told(session).analysed_units) == ["aa", "b"]
    assert engine.texts == {"/ws/a.py": "aa", "/ws/b.py": "b"}
    assert session.idle


async def test_a_result_for_an_older_text_is_never_shown(session, engine):
    unit = session.open(URI, "python", 1, "a")
    await engine.step()
    first = engine.asked[0][1]
    first.set_result(DocumentResult("/ws/a.py"))  # the answer and the edit cross
    session.change(URI, 2, [Change("ab")])
    await engine.step()
    assert told(session).analysed_units == []
    assert not unit.fresh


async def test_while_the_analysis_keeps_up_nothing_is_waited_for_and_otherwise_for_silence(session, engine):
    session.debounce = 0.05
    session.open(URI, "python", 1, "1")
    await engine.step()
    engine.answer()
    await engine.step()
    session.change(URI, 2, [Change("2")])
    await engine.step()
    assert len(engine.asked) == 2  # at once
    session.change(URI, 3, [Change("3")])  # cancels: typing has outrun us
    session.change(URI, 4, [Change("4")])
    await engine.step()
    assert len(engine.asked) == 2
    for _ in range(100):
        if len(engine.asked) == 3:
            break
        await asyncio.sleep(0.01)
    engine.answer()
    await engine.step()
    assert told(session).analysed_units[-1][1] == "4"


async def test_what_somebody_waits_for_goes_before_background_work(session, engine):
    session.add_files(["/ws/1.py", "/ws/2.py"])
    await engine.step()
    session.open(URI, "python", 1, "a")
    await engine.step()
    assert [path for path, _ in engine.asked] == ["/ws/1.py", "/ws/a.py"]
    assert engine.cancelled == ["/ws/1.py"]
    for _ in range(3):
        engine.answer()
        await engine.step()
    assert {key for key, _, _ in told(session).analysed_units} == {"file:///ws/1.py", "file:///ws/2.py", URI}


async def test_a_file_that_reads_an_edited_one_is_analysed_again_and_others_are_not(session, engine):
    for name, depends in (("a", frozenset()), ("b", frozenset({"/ws/a.py"})), ("c", frozenset())):
        session.open(f"file:///ws/{name}.py", "python", 1, name)
        await engine.step()
        engine.answer(depends=depends)
        await engine.step()
    asked = len(engine.asked)
    session.change(URI, 2, [Change("a2")])
    await engine.step()
    engine.answer(depends=frozenset())
    await engine.step()
    engine.answer(depends=frozenset({"/ws/a.py"}))
    await engine.step()
    assert [path for path, _ in engine.asked[asked:]] == ["/ws/a.py", "/ws/b.py"]
    assert told(session).analysed_units[-1][2] is False


async def test_findings_move_with_the_text_until_the_next_result(session, engine):
    found = Finding("ANE302", "r", "m", Span("/ws/a.py", 2, 0, 2, 3), "warning", "measured")
    unit = session.open(URI, "python", 1, "x\nbad\n")
    await engine.step()
    engine.answer(findings=(found,))
    await engine.step()
    session.change(URI, 2, [Change("\n\n", (0, 0), (0, 0))])
    assert [finding.span.line for finding in unit.findings()] == [4]
    session.change(URI, 3, [Change("", (3, 1), (3, 3))])
    assert unit.text.segment(unit.findings()[0].span) == "b"
    session.change(URI, 4, [Change("", (2, 0), (4, 0))])
    assert unit.findings() == []


async def test_waiting_for_a_result_ends_when_the_document_is_closed(session, engine):
    unit = session.open(URI, "python", 1, "a")
    waiting = asyncio.ensure_future(session.fresh(unit))
    await engine.step()
    session.close(URI)
    with pytest.raises(Superseded):
        await waiting
    assert told(session).gone == [URI]
    assert engine.told[-1] == ("overlay", "/ws/a.py", None)


async def test_waiting_ends_too_when_the_document_is_opened_again_at_once(session, engine):
    """Found by the random sessions: the waiting request was bound to the former document and never answered."""
    unit = session.open(URI, "python", 1, "a")
    waiting = asyncio.ensure_future(session.fresh(unit))
    await engine.step()
    session.close(URI)
    session.open(URI, "python", 1, "a")
    with pytest.raises(Superseded):
        await waiting


async def test_background_work_that_made_room_and_was_closed_meanwhile_stays_away(session, engine):
    """Found by the random sessions: a key without a unit stayed in the queue and stopped it for good."""
    for name in ("a", "b"):
        session.open(f"file:///ws/{name}.py", "python", 1, name)
        await engine.step()
        engine.answer()
        await engine.step()
    session.reconsider()
    await engine.step()
    running = engine.asked[-1][0]
    session.close(f"file://{running}")  # its cancellation is on its way
    session.open("file:///ws/c.py", "python", 1, "c")
    for _ in range(3):
        await engine.step()
        if not engine.asked[-1][1].done():
            engine.answer()
    await engine.step()
    assert session.idle
    assert told(session).analysed_units[-1][0] in ("file:///ws/c.py", "file:///ws/a.py", "file:///ws/b.py")


async def test_patience_is_limited(session, engine):
    unit = session.open(URI, "python", 1, "a")
    assert await session.fresh(unit, 0.01) is False


async def test_nothing_starts_until_settings_are_there(session, engine):
    session.hold()
    session.open(URI, "python", 1, "a")
    await engine.step()
    assert engine.asked == []
    session.configure([], {"targets": ["M1"]})
    session.release()
    await engine.step()
    assert len(engine.asked) == 1
    assert engine.told[0] == ("configure", [], {"targets": ["M1"]})


async def test_documents_of_other_kinds_are_kept_and_not_analysed(session, engine):
    for uri, language in (("file:///ws/readme.md", "markdown"), ("git:/ws/a.py", "python")):
        unit = session.open(uri, language, 1, "bad(1)")
        assert await session.fresh(unit, 1.0)
    await engine.step()
    assert engine.asked == []


async def test_an_engine_failure_is_kept_with_its_file(session, engine):
    unit = session.open(URI, "python", 1, "a")
    await engine.step()
    engine.asked[0][1].set_exception(EngineFailure("boom", "details"))
    await engine.step()
    assert unit.failure == "boom"
    assert unit.fresh


async def test_shutdown_wakes_who_waits(session, engine):
    unit = session.open(URI, "python", 1, "a")
    waiting = asyncio.ensure_future(session.fresh(unit))
    await engine.step()
    session.shutdown()
    with pytest.raises(Superseded):
        await waiting
    assert engine.closed


@pytest.mark.parametrize("kind", ["process", "thread"])
async def test_both_engines_answer_in_order_and_can_be_cancelled(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    engine = ProcessEngine("lsp_fake_analyst:FakeAnalyst") if kind == "process" else ThreadEngine(FakeAnalyst)
    engine.start()
    path = str(tmp_path / "x.py")
    try:
        for n in range(5):
            engine.tell("overlay", path, f"bad({n})")
            result = await engine.ask("analyze", path)
            assert result.findings[0].message.startswith(f"bad({n})")
        engine.tell("overlay", path, "# SLOW 60")
        task = asyncio.ensure_future(engine.ask("analyze", path))
        await asyncio.sleep(0.1)
        task.cancel()
        engine.tell("overlay", path, "bad(9)")
        assert (await asyncio.wait_for(engine.ask("analyze", path), 20)).findings
        with pytest.raises(EngineFailure):
            await engine.ask("nothing such")
    finally:
        engine.close()
    with pytest.raises(EngineFailure):
        await engine.ask("analyze", path)


async def test_a_restarted_worker_knows_what_the_first_one_was_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    engine = ProcessEngine("lsp_fake_analyst:FakeAnalyst")
    engine.start()
    try:
        engine.tell("configure", [], {"inlay-hints": "all"})
        engine.tell("overlay", str(tmp_path / "kept.py"), "bad(1)")
        engine.tell("overlay", str(tmp_path / "crash.py"), "# CRASH")
        with pytest.raises(EngineFailure):
            await engine.ask("analyze", str(tmp_path / "crash.py"))
        again = await engine.ask("analyze", str(tmp_path / "kept.py"))
        assert len(again.findings) == 1
        assert again.inlay_hints == "all"
    finally:
        engine.close()


async def test_an_engine_that_cannot_start_says_so_for_each_question():
    engine = ProcessEngine("no_such_module:Nothing")
    engine.start()
    try:
        for _ in range(2):
            with pytest.raises(EngineFailure, match="no_such_module"):
                await engine.ask("analyze", "x")
    finally:
        engine.close()


def test_the_core_imports_no_protocol():
    code = (
        "import sys, ane_lsp.server.session, ane_lsp.server.engine, ane_lsp.server.main, ane_lsp.server.analyst\n"
        "bad = {'pygls', 'lsprotocol', 'libcst', 'torch', 'attrs', 'cattrs'} & set(sys.modules)\n"
        "sys.exit(', '.join(bad) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=Path(__file__).parent
    )
    assert done.returncode == 0, done.stderr


FIXES = tuple(Fix(f"fix {n}", "safe", (TextEdit(Span("/ws/a.py", 1, 0, 1, 1), "b"),)) for n in (1, 2))
FIXABLE = Finding("ANE302", "n", "m", Span("/ws/a.py", 1, 0, 1, 1), "warning", "measured", fixes=FIXES)
NAMES = [fix_name(FIXABLE, fix) for fix in FIXES]


async def test_fixes_are_tried_when_nothing_else_is_to_be_done(session, engine):
    unit = session.open(URI, "python", 1, "a")
    await engine.step()
    engine.answer(findings=(FIXABLE,))
    await engine.step()
    assert session.idle  # trying fixes is no work anybody sees
    assert told(session).states[-1] == "idle"
    engine.asked[-1][1].set_result([True])
    await engine.step()
    assert unit.verdicts == {NAMES[0]: True}
    session.open("file:///ws/b.py", "python", 1, "b")  # makes room at once
    await engine.step()
    assert engine.cancelled == ["/ws/a.py"]
    assert engine.asked[-1][0] == "/ws/b.py"
    engine.answer()
    await engine.step()
    engine.asked[-1][1].set_result([False])  # and goes on afterwards
    await engine.step()
    assert unit.verdicts == dict(zip(NAMES, (True, False), strict=True))
    assert len(engine.asked) == 5


async def test_an_edit_ends_the_trying_of_fixes_and_wakes_who_waits(session, engine):
    session.debounce = 0.0
    unit = session.open(URI, "python", 1, "a")
    await engine.step()
    engine.answer(findings=(FIXABLE,))
    await engine.step()
    waiting = asyncio.ensure_future(session.verdicts(unit, NAMES[1:], 60.0))
    await engine.step()
    engine.asked[-1][1].set_result([True])
    await engine.step()
    session.change(URI, 2, [Change("aa")])
    assert await waiting == {}
    await engine.step()
    engine.answer()
    await engine.step()
    assert (unit.verdicts, unit.unverified) == ({}, [])


async def test_a_question_goes_before_the_trying_of_fixes(session, engine):
    session.open(URI, "python", 1, "a")
    await engine.step()
    engine.answer(findings=(FIXABLE,))
    await engine.step()
    question = asyncio.ensure_future(session.ask("notes", "the question"))
    await engine.step()
    assert engine.cancelled == ["/ws/a.py"]
    assert [path for path, _ in engine.asked] == ["/ws/a.py", "/ws/a.py", "the question", "/ws/a.py"]
    engine.asked[2][1].set_result(["noted"])
    assert await question == ["noted"]


async def test_fixes_nobody_asks_for_are_tried_for_a_limited_time(session, engine, monkeypatch):
    monkeypatch.setattr("ane_lsp.server.session.FIX_TIME", 0.0)
    unit = session.open(URI, "python", 1, "a")
    await engine.step()
    engine.answer(findings=(FIXABLE,))
    await engine.step()
    assert len(engine.asked) == 1
    waiting = asyncio.ensure_future(session.verdicts(unit, NAMES[1:], 60.0))
    await engine.step()
    engine.asked[-1][1].set_result([True])
    assert await waiting == {NAMES[1]: True}
    assert unit.unverified == NAMES[:1]


async def test_who_asks_for_diagnostics_does_not_wait_for_the_rest(session, engine):
    unit = session.open(URI, "python", 1, "a")
    await engine.step()
    waiting = asyncio.ensure_future(session.diagnosed(unit))
    whole = asyncio.ensure_future(session.fresh(unit))
    engine.hearing[0](DocumentResult("/ws/a.py", diagnosed=False))
    await engine.step()
    assert not waiting.done()
    engine.hearing[0](DocumentResult("/ws/a.py"))
    await engine.step()
    assert waiting.done()
    assert not whole.done()
    engine.answer()
    await engine.step()
    assert await whole
    session.change(URI, 2, [Change("ab")])
    assert not unit.diagnosed


async def test_findings_of_an_edit_come_before_the_rest_and_once(session, engine):
    unit = session.open(URI, "python", 1, "a")
    await engine.step()
    engine.hearing[0](DocumentResult("/ws/a.py"))
    assert told(session).ahead_of == [(unit.stamp, [])]
    assert unit.told
    assert not unit.fresh
    error = AnalysisError("budget", "late", Span("/ws/a.py", 1, 0, 1, 1))
    engine.hearing[0](DocumentResult("/ws/a.py", errors=(error,)))
    assert [e.message for e in unit.errors()] == ["late"]
    session.change(URI, 2, [Change("ab")])
    engine.hearing[0](DocumentResult("/ws/a.py"))  # of the text before
    assert len(told(session).ahead_of) == 2
    assert not unit.told
    session.debounce = 0.0
    await asyncio.sleep(0.1)
    engine.answer()
    await engine.step()
    assert unit.fresh
    assert unit.ahead is None
    assert unit.errors() == []
