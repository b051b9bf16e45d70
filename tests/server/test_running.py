"""Predictions, verify and the report: what is lazy, what is refused, what is cleaned up."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from lsp_client import ServerError
from lsp_profiles import EAGER, LAZY_VERSIONED, PUSH, full, merge, span

URI = "file:///ws/model.py"
DOC = {"textDocument": {"uri": URI}}
PROGRESS = {"window": {"workDoneProgress": True}}
MODEL = (
    "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x\nNet()(torch.zeros(1, 4))\n"
)
NUMBERS = {
    "kind": "numbers", "ranges": [], "passes": False, "first": None, "method": "a stand-in",
    "outputs": [{"index": 0, "kind": "float", "shape": [1], "psnr": 12.0, "max_error": 1.0, "peak": 2.0}],
}  # fmt: skip
# What a verify worker's interpreter is replaced by: says that it ran, then what the environment of the test says.
WORKER = """#!{python}
import json, pathlib, sys, time
pathlib.Path({mark!r}).write_text(str(__import__("os").getpid()))
request = json.loads(sys.stdin.readline())
def say(**event):
    print(request["token"], json.dumps(event), flush=True)
say(kind="progress", percent=40, text="converting")
{then}
say(**dict({numbers!r}, first=dict(op="linear", psnr=3, file=request["job"]["file"], line=4)))
say(kind="done")
"""


def workspace(folder: Path, then: str = "") -> tuple[Path, Path]:
    """A model beside an environment whose interpreter leaves a mark: (model, mark)."""
    mark, scripts = folder / "was-run", folder / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").write_text("home = /nowhere\n")
    (folder / ".venv" / "lib" / f"python3.{sys.version_info[1]}" / "site-packages").mkdir(parents=True)
    program = scripts / "python"
    program.write_text(WORKER.format(python=sys.executable, mark=str(mark), then=then, numbers=NUMBERS))
    program.chmod(0o755)
    (folder / "model.py").write_text(MODEL)
    return folder / "model.py", mark


async def lenses(client, doc=None):
    return await client.request("textDocument/codeLens", doc or DOC)


async def test_a_lens_gets_its_prediction_when_it_is_seen(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "class Net: pass\nbad(1)\n")
    first, report = await lenses(client)
    assert "command" not in first
    assert report["command"]["command"] == "ane-lsp.report"
    resolved = await client.request("codeLens/resolve", first)
    assert resolved["command"]["title"] == (
        "92 % on the ANE of M4, 3 switches (predicted) · 1 finding · 1 unknown shape"
    )
    shown = await client.request("workspace/executeCommand", resolved["command"])
    assert "92 % of it" in shown
    assert "without bad: less" in shown
    client.change(URI, 2, {"text": "class Net: pass\n# UNPLACED\n"})
    (first, _) = await lenses(client)
    resolved = await client.request("codeLens/resolve", first)
    assert resolved["command"]["title"] == "M4: 38 of 41 operations can run on the ANE · 1 unknown shape"
    client.change(URI, 3, {"text": "x = 1\n"})  # the class is gone: the lens keeps its numbers
    assert "38 of 41" in (await client.request("codeLens/resolve", first))["command"]["title"]


async def test_verify_is_refused_until_initialize_says_that_the_workspace_is_trusted(start, tmp_path):
    """Settings come from the workspace too, so they cannot say so; and nothing of its environment is run."""
    path, mark = workspace(tmp_path)
    uri, doc = path.as_uri(), {"textDocument": {"uri": path.as_uri()}}
    for options in ({}, {"trusted": "yes"}, {"trusted": False}):
        client = await start(analyst=None, cwd=tmp_path)
        client.answers["workspace/configuration"] = lambda params: [{"trusted": True}] * len(params["items"])
        configuration = {"workspace": {"configuration": True}}
        await client.initialize(merge(PUSH, configuration), folders=[tmp_path], options=options)
        client.notify("workspace/didChangeConfiguration", {"settings": {"ane-lsp": {"trusted": True}}})
        client.open(uri, MODEL)
        await client.published(uri, 1, 60)
        titles = [lens["command"]["title"] for lens in await lenses(client, doc) if "command" in lens]
        assert titles == ["open report"]
        with pytest.raises(ServerError, match="trusted"):
            await client.request(
                "workspace/executeCommand",
                {"command": "ane-lsp.verify", "arguments": [{"uri": uri, "model": "Net"}]},
            )
        await client.shutdown()
        assert not mark.exists()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for an interpreter is a script")
async def test_verify_in_a_trusted_workspace(start, tmp_path):
    path, mark = workspace(tmp_path)
    uri, doc = path.as_uri(), {"textDocument": {"uri": path.as_uri()}}
    client = await start(analyst=None)
    await client.initialize(merge(PUSH, PROGRESS), folders=[tmp_path], options={"trusted": True})
    client.open(uri, MODEL)
    await client.published(uri, 1, 60)
    lens = next(lens for lens in await lenses(client, doc) if lens.get("command", {}).get("title") == "verify")
    client.change(uri, 2, {"range": span(0, 0, 0), "text": "# new\n"})
    with pytest.raises(ServerError, match="save"):
        await client.request("workspace/executeCommand", lens["command"])
    client.change(uri, 3, {"text": MODEL})
    found = await client.request("workspace/executeCommand", lens["command"], timeout=60)
    assert (found["ended"], found["findings"]) == ("done", 1), found
    assert mark.exists()
    items = await client.until(
        lambda: [d for d in client.diagnostics[uri]["diagnostics"] if d["source"] == "ane-lsp verify"]
    )
    assert [(item["code"], "12.0 dB" in item["message"]) for item in items] == [("ANE907", True)]
    kinds = [m["params"]["value"] for m in client.received if m["method"] == "$/progress"]
    assert (kinds[0]["kind"], kinds[-1]["kind"]) == ("begin", "end")
    assert any(value.get("percentage") == 40 and value["message"] == "converting" for value in kinds)
    # What a run said stays at its place while the text is edited, and goes with the document.
    client.change(uri, 4, {"range": span(0, 0, 0), "text": "\n"})
    items = [item for item in await client.published(uri, 4, 60) if item["source"] == "ane-lsp verify"]
    assert [item["range"]["start"]["line"] for item in items] == [4]
    client.close(uri)
    await client.until(lambda: client.diagnostics[uri]["diagnostics"] == [])


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for an interpreter is a script")
async def test_a_cancelled_verify_leaves_no_process(start, tmp_path):
    path, mark = workspace(tmp_path, then="time.sleep(600)")
    uri = path.as_uri()
    client = await start(analyst=None)
    await client.initialize(merge(PUSH, PROGRESS), folders=[tmp_path], options={"trusted": True})
    client.open(uri, MODEL)
    await client.published(uri, 1, 60)
    command = {"command": "ane-lsp.verify", "arguments": [{"uri": uri, "model": "Net"}]}

    async def runs() -> int:
        mark.unlink(missing_ok=True)
        while not (mark.exists() and mark.read_text()):
            await asyncio.sleep(0.02)
        return int(mark.read_text())

    async def gone(pid: int) -> None:
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.02)

    _, answer = client.begin("workspace/executeCommand", command)
    pid = await asyncio.wait_for(runs(), 60)
    with pytest.raises(ServerError, match="already"):
        await client.request("workspace/executeCommand", command)
    (token,) = {m["params"]["token"] for m in client.received if m["method"] == "$/progress"}
    client.notify("window/workDoneProgress/cancel", {"token": token})
    assert (await asyncio.wait_for(answer, 30))["ended"] == "cancelled"
    await asyncio.wait_for(gone(pid), 30)
    client.begin("workspace/executeCommand", command)  # and the server's own end takes it along
    pid = await asyncio.wait_for(runs(), 60)
    client.process.kill()
    await asyncio.wait_for(gone(pid), 30)


async def test_the_report_is_a_file_or_content(start):
    client = await start()
    client.answers["window/showDocument"] = lambda params: {"success": True}
    await client.initialize({"window": {"showDocument": {"support": True}}}, folders=[])
    client.open(URI, "class Net: pass\n")
    command = (await lenses(client))[-1]["command"]
    made = await client.request("workspace/executeCommand", command)
    assert Path(made["path"]).read_text() == "<html>/ws/model.py[]</html>"
    (shown,) = [m["params"] for m in client.asked if m["method"] == "window/showDocument"]
    assert shown == {"uri": made["uri"], "external": True}
    await client.shutdown()
    assert not Path(made["path"]).exists()
    client = await start()
    await client.initialize(folders=[], options={"reportContent": True})
    client.open(URI, "class Net: pass\n")
    made = await client.request("workspace/executeCommand", command)
    assert made == {"title": "model.py", "html": "<html>/ws/model.py[]</html>"}


async def test_actions_answer_from_what_is_verified(start):
    """In the background fixes are tried; editors that ask with every move of the cursor wait for none of it."""
    client = await start()
    await client.initialize(merge(PUSH, LAZY_VERSIONED), folders=[])
    text = "bad(1)\nbad('never')\n"

    async def titles(trigger: int, where=None) -> list[str]:
        context = {"diagnostics": [], "triggerKind": trigger}
        given = {**DOC, "range": where or full(), "context": context}
        found = await client.request("textDocument/codeAction", given)
        return [action["title"] for action in found if action["title"].startswith("Replace")]

    client.open(URI, text)
    assert len(await titles(1)) == 2  # asked for by a person: waited for; the refused ones are not offered
    assert len(await titles(2)) == 2
    client.change(URI, 2, {"text": text + "# SLOW GATE\n"})
    assert await titles(2) == []
    assert len(await titles(1)) == 4  # patience is over: tried when chosen
    every = await client.request(
        "textDocument/codeAction", {**DOC, "range": full(), "context": {"diagnostics": [], "triggerKind": 2, "only": ["source.fixAll"]}},
    )  # fmt: skip
    assert [action["kind"] for action in every] == ["source.fixAll.ane"]


async def test_whole_edits_are_verified_first(start):
    client = await start()
    await client.initialize(EAGER, folders=[])
    client.open(URI, "bad(1)\nbad('never')\n")
    context = {"context": {"diagnostics": []}}
    found = await client.request("textDocument/codeAction", {**DOC, "range": full(), **context})
    lines = {
        edit["range"]["start"]["line"] for action in found if action["title"].startswith("Replace")
        for edit in action["edit"]["changes"][URI]
    }  # fmt: skip
    assert lines == {0}
