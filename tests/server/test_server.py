"""What the server offers, over stdio against the real command. Tests share a session where they can: starting costs most."""

from __future__ import annotations

import asyncio
import json

import pytest
from lsp_client import ServerError
from lsp_profiles import EAGER, LAZY_VERSIONED, PULL, PUSH, apply, at, full, merge, span

URI = "file:///ws/model.py"
DOC = {"textDocument": {"uri": URI}}
CONTEXT = {"context": {"diagnostics": []}}


async def test_a_diagnostic_carries_all_that_the_client_can_show(start):
    client = await start()
    await client.initialize(merge(PUSH, EAGER), folders=[])
    client.open(URI, "import x\nbad(1)\nrisky(2)\n")
    first, second = await client.published(URI, 1)
    assert first == {
        "range": span(1, 0, 6), "severity": 2, "code": "ANE302", "source": "ane-lsp",
        "message": "bad(1) runs on the CPU", "codeDescription": first["codeDescription"], "data": {"name": "max-pool-window"},
        "relatedInformation": [{"location": {"uri": URI, "range": span(1, 0, 3)}, "message": "named here"}],
    }  # fmt: skip
    assert first["codeDescription"]["href"].endswith("ANE302-max-pool-window.md")
    assert second["severity"] == 3


async def test_code_actions(start):
    client = await start()
    await client.initialize(merge(PUSH, LAZY_VERSIONED), folders=[])
    text = "bad(1); bad(2)\nrisky(3)\n"
    client.open(URI, text)
    await client.published(URI, 1)

    async def actions(where, only=None):
        context = {"diagnostics": [], **({"only": only} if only else {})}
        return await client.request("textDocument/codeAction", {**DOC, "range": where, "context": context})

    async def result(action):
        resolved = await client.request("codeAction/resolve", action)
        return apply(text, resolved["edit"]["documentChanges"][0]["edits"])

    found = await actions(span(0, 2, 2))
    assert [(a["title"], a["kind"], a.get("isPreferred", False)) for a in found] == [
        ("Replace bad by good", "quickfix", True),
        ("Replace bad by better, which changes numbers (unsafe)", "quickfix", False),
        ("Ignore ANE302 (max-pool-window) on this line", "quickfix", False),
        ("Ignore ANE302 (max-pool-window) in this file", "quickfix", False),
        ("Ignore ANE302 (max-pool-window) in this project", "quickfix", False),
        ("Fix all 2 ANE302 (max-pool-window) in this file", "quickfix", False),
        ("Apply all 2 safe fixes of ane-lsp in this file", "source.fixAll.ane", False),
    ]
    assert found[0]["diagnostics"][0]["range"] == span(0, 0, 6)
    assert await result(found[0]) == "good(1); bad(2)\nrisky(3)\n"
    assert await result(found[1]) == "better(1); bad(2)\nrisky(3)\n"
    assert await result(found[2]) == "bad(1); bad(2)  # ane: ignore[ANE302]\nrisky(3)\n"
    assert await result(found[3]) == "# ane: ignore-file[ANE302]\n" + text
    assert await result(found[5]) == "good(1); good(2)\nrisky(3)\n"
    assert await result(found[6]) == "good(1); good(2)\nrisky(3)\n"
    for only in (["source.fixAll"], ["source.fixAll.ane"], ["source"]):
        assert [a["kind"] for a in await actions(full(), only)] == ["source.fixAll.ane"]
    assert await actions(full(), ["source.organizeImports"]) == []
    assert await actions(full(), ["source.fixAll.ruff"]) == []
    assert await actions(full(), ["refactor"]) == []
    assert {a["kind"] for a in await actions(full(), ["quickfix"])} == {"quickfix"}
    assert (await actions(span(1, 0, 0)))[0]["title"].startswith("Ignore ANE402")


async def test_fix_all_as_a_command(start):
    client = await start()
    await client.initialize(LAZY_VERSIONED, folders=[])
    applied = []
    client.answers["workspace/applyEdit"] = lambda params: applied.append(params["edit"]) or {"applied": True}
    client.open(URI, "bad(1)\nbad(2)\n")
    assert await client.request("workspace/executeCommand", {"command": "ane-lsp.fixAll", "arguments": [URI]}) is True
    assert apply("bad(1)\nbad(2)\n", applied[0]["documentChanges"][0]["edits"]) == "good(1)\ngood(2)\n"


async def test_hover(start):
    client = await start()
    await client.initialize({"textDocument": {"hover": {"contentFormat": ["markdown"]}}}, folders=[])
    client.open(URI, "y = tensor(4)  # ane: ignore[ANE302]\nbad(1)\nz = 1\n")

    async def hover(line, character):
        found = await client.request("textDocument/hover", {**DOC, "position": at(line, character)})
        return found and (found["contents"]["value"], found["range"])

    call, where = await hover(0, 5)
    assert "`torch.nn.Conv2d` → `conv`" in call
    assert "`[1, 3] f32` → `[1, 4] f32`" in call
    assert "tensor on M4: can run on the ANE" in call
    assert where == span(0, 4, 13)
    finding, _ = await hover(1, 2)
    assert "ANE302" in finding
    assert "runs on the CPU" not in finding  # the message is shown by the client already
    assert "windows above 8" in finding
    assert "<CPU>" not in finding  # nothing from a fact or a source is markup
    assert "[source](x)" not in finding
    name, _ = await hover(0, 0)
    assert "[1, 4] f32" in name
    code, where = await hover(0, 30)
    assert code.startswith("# ANE302")
    assert where == span(0, 29, 35)
    assert await hover(2, 4) is None


async def test_hover_without_markdown(start):
    client = await start()
    await client.initialize({"textDocument": {"hover": {"contentFormat": ["plaintext"]}}}, folders=[])
    client.open(URI, "y = tensor(4)\n")
    found = await client.request("textDocument/hover", {**DOC, "position": at(0, 6)})
    assert found["contents"]["kind"] == "plaintext"
    assert "`" not in found["contents"]["value"]


async def test_inlay_hints_lenses_links_and_completion(start):
    client = await start()
    capabilities = {"textDocument": {"inlayHint": {"resolveSupport": {"properties": ["tooltip"]}}}}
    answer = await client.initialize(capabilities, folders=[])
    assert answer["capabilities"]["inlayHintProvider"]["resolveProvider"] is True
    client.open(URI, "class Net:\n  é = 1; y = tensor(4)  # ane: ignore[ANE302, ANE999]\n# ane: \n")
    (hint,) = await client.request("textDocument/inlayHint", {**DOC, "range": full()})
    assert hint["label"] == ": [1, 4] f32"
    assert hint["position"] == at(1, 10)
    assert not hint["paddingRight"]  # the text has a space of its own
    assert "tooltip" not in hint
    resolved = await client.request("inlayHint/resolve", hint)
    assert "`Net`" in resolved["tooltip"]["value"]
    assert await client.request("textDocument/inlayHint", {**DOC, "range": span(0, 0, 5)}) == []
    lens, _ = await client.request("textDocument/codeLens", DOC)
    lens = await client.request("codeLens/resolve", lens)
    assert lens["command"]["title"] == "92 % on the ANE of M4, 3 switches (predicted) · 1 unknown shape"
    shown = await client.request("workspace/executeCommand", lens["command"])
    assert "B is a symbol" in shown
    (link,) = await client.request("textDocument/documentLink", DOC)  # ANE999 has no page
    assert link["range"] == span(1, 38, 44)
    found = await client.request("textDocument/completion", {**DOC, "position": at(2, 7)})
    assert [item["label"] for item in found["items"]] == ["ignore", "ignore-file", "input"]
    found = await client.request("textDocument/completion", {**DOC, "position": at(1, 40)})
    assert found["items"][0]["textEdit"] == {"range": span(1, 38, 40), "newText": "ANE302"}
    assert (await client.request("textDocument/completion", {**DOC, "position": at(1, 3)}))["items"] == []


async def test_settings_files_are_validated_and_completed(start):
    client = await start()
    await client.initialize(folders=[])
    uri = "file:///ws/ane-lsp.toml"
    text = 'targets = ["iP"]\nnonsense = 1\nmin-confidence = ""\n\n[entry]\n'
    client.open(uri, text, language="toml")
    (found,) = await client.published(uri, 1)
    assert (found["code"], found["range"]["start"]["line"]) == ("ANE904", 1)

    async def labels(line, character):
        params = {"textDocument": {"uri": uri}, "position": at(line, character)}
        return [item["label"] for item in (await client.request("textDocument/completion", params))["items"]]

    assert await labels(0, 14) == ["iPhone 15 Pro", "M4"]
    assert await labels(2, 18) == ["measured", "reported"]
    assert await labels(3, 0) == ["targets", "min-confidence"]
    client.change(uri, 2, {"text": "targets = []\n"})
    assert await client.published(uri, 2) == []


async def test_pulled_diagnostics(start, tmp_path):
    client = await start()
    answer = await client.initialize(merge(PULL, {"workspace": {"configuration": True}}), folders=[tmp_path])
    assert answer["capabilities"]["diagnosticProvider"]["interFileDependencies"] is True
    other = tmp_path / "other.py"
    other.write_text("x = 1\n")
    client.open(URI, f"bad(1)\n# SEES {other}\n")
    report = await client.request("textDocument/diagnostic", DOC)
    assert report["kind"] == "full"
    assert [item["code"] for item in report["items"]] == ["ANE302"]
    assert report["relatedDocuments"][other.as_uri()]["items"][0]["message"] == "6 characters"
    again = await client.request("textDocument/diagnostic", {**DOC, "previousResultId": report["resultId"]})
    assert again["kind"] == "unchanged"
    # The dependency's text changes: the client is told to ask again, and gets something new.
    other_text = "x = 1234\n"
    client.open(other.as_uri(), other_text)
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": other.as_uri(), "type": 2}]})
    other_doc = {"textDocument": {"uri": other.as_uri()}}
    report = await client.request("textDocument/diagnostic", other_doc)
    if "9 characters" not in [item["message"] for item in report["items"]]:  # asked before the other result was there
        await client.until(lambda: [m for m in client.asked if m["method"] == "workspace/diagnostic/refresh"])
        report = await client.request("textDocument/diagnostic", other_doc)
    assert [item["message"] for item in report["items"]] == ["9 characters"]
    # A waiting pull is told to ask again when its document goes.
    client.change(URI, 2, {"text": "# SLOW 60\n"})
    _, waiting = client.begin("textDocument/diagnostic", DOC)
    await asyncio.sleep(0.2)
    client.close(URI)
    with pytest.raises(ServerError) as gone:
        await asyncio.wait_for(waiting, 10)
    assert (gone.value.code, gone.value.data) == (-32802, {"retriggerRequest": True})


async def test_settings_changes_reach_every_view(start, tmp_path):
    client = await start()
    given = [None, None]
    client.answers["workspace/configuration"] = lambda params: given[: len(params["items"])]
    capabilities = merge(
        PULL,
        {
            "workspace": {
                "didChangeConfiguration": {"dynamicRegistration": True},
                "didChangeWatchedFiles": {"dynamicRegistration": True},
            }
        },
    )
    await client.initialize(capabilities, folders=[tmp_path])
    await client.until(lambda: [m for m in client.asked if m["method"] == "client/registerCapability"])
    (register,) = [m for m in client.asked if m["method"] == "client/registerCapability"]
    assert {r["method"] for r in register["params"]["registrations"]} == {
        "workspace/didChangeConfiguration",
        "workspace/didChangeWatchedFiles",
    }
    uri = (tmp_path / "a.py").as_uri()
    doc = {"textDocument": {"uri": uri}}
    client.open(uri, "y = tensor(4)\nbad(1)\n")
    report = await client.request("textDocument/diagnostic", doc)
    assert len(report["items"]) == 1
    given[:] = [{"ignore": ["ANE302"]}, {"ignore": ["ANE302"], "inlayHints": "off", "codeLens": False}]
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    await client.until(
        lambda: (
            {"workspace/diagnostic/refresh", "workspace/inlayHint/refresh", "workspace/codeLens/refresh"}
            <= {m["method"] for m in client.asked}
        )
    )
    report = await client.request("textDocument/diagnostic", {**doc, "previousResultId": report["resultId"]})
    assert report["items"] == []
    assert await client.request("textDocument/inlayHint", {**doc, "range": full()}) == []


async def test_configuration_by_initialization_options_and_by_notification(start, tmp_path):
    client = await start()
    await client.initialize(
        options={"settings": {"ignore": ["ANE302"]}, "statusNotification": True}, folders=[tmp_path]
    )
    uri = (tmp_path / "a.py").as_uri()
    client.open(uri, "bad(1)\n")
    assert await client.published(uri, 1) == []
    client.notify("workspace/didChangeConfiguration", {"settings": {"ane-lsp": {"ignore": []}}})
    await client.until(lambda: client.diagnostics[uri]["diagnostics"])
    states = [m["params"]["state"] for m in client.received if m["method"] == "ane-lsp/status"]
    assert "analysing" in states
    await client.until(
        lambda: [m for m in client.received if m["method"] == "ane-lsp/status"][-1]["params"]["state"] == "idle"
    )


async def test_the_whole_workspace(start, tmp_path):
    for name, text in (("a", "bad(1)\n"), ("b", "1\n"), ("c", "risky(1)\nbad(2)\n")):
        (tmp_path / f"{name}.py").write_text(text)
    a, c = ((tmp_path / name).as_uri() for name in ("a.py", "c.py"))
    client = await start()
    await client.initialize(options={"diagnosticMode": "workspace"}, folders=[tmp_path])
    assert len(await client.published(c)) == 2
    assert len(await client.published(a)) == 1
    client.open(a, "1\n")
    await client.until(lambda: client.diagnostics[a]["diagnostics"] == [])
    client.close(a)
    await client.until(lambda: client.diagnostics[a]["diagnostics"])
    (tmp_path / "c.py").unlink()
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": c, "type": 3}]})
    await client.until(lambda: client.diagnostics[c]["diagnostics"] == [])
    (tmp_path / "d.py").write_text("bad(1)\n")
    d = (tmp_path / "d.py").as_uri()
    client.notify("workspace/didRenameFiles", {"files": [{"oldUri": c, "newUri": d}]})
    assert len(await client.published(d)) == 1


async def test_workspace_diagnostics_are_pulled_once_and_then_when_something_changes(start, tmp_path):
    (tmp_path / "a.py").write_text("bad(1)\n")
    a = (tmp_path / "a.py").as_uri()
    client = await start()
    answer = await client.initialize(PULL, options={"diagnosticMode": "workspace"}, folders=[tmp_path])
    assert answer["capabilities"]["diagnosticProvider"]["workspaceDiagnostics"] is True
    report = await client.request("workspace/diagnostic", {"previousResultIds": []})
    (item,) = [i for i in report["items"] if i["uri"] == a]
    assert len(item["items"]) == 1
    msg_id, waiting = client.begin(
        "workspace/diagnostic", {"previousResultIds": [{"uri": a, "value": item["resultId"]}]}
    )
    await asyncio.sleep(0.3)
    assert not waiting.done()
    client.open(a, "1\n")
    report = await asyncio.wait_for(waiting, 10)
    assert [(i["uri"], i["items"]) for i in report["items"]] == [(a, [])]
    ids = [{"uri": i["uri"], "value": i["resultId"]} for i in report["items"]]
    msg_id, waiting = client.begin("workspace/diagnostic", {"previousResultIds": ids})
    client.notify("$/cancelRequest", {"id": msg_id})
    with pytest.raises(ServerError) as cancelled:
        await asyncio.wait_for(waiting, 10)
    assert cancelled.value.code == -32800


async def test_checking_the_workspace_reports_progress_and_can_be_cancelled(start, tmp_path):
    for n in range(5):
        (tmp_path / f"f{n}.py").write_text(f"# SLOW 0.2\nbad({n})\n")
    client = await start()
    await client.initialize({"window": {"workDoneProgress": True}}, folders=[tmp_path])
    found = await client.request("workspace/executeCommand", {"command": "ane-lsp.checkWorkspace"})
    assert found == {"files": 5, "findings": 5}
    steps = [m["params"]["value"]["kind"] for m in client.received if m["method"] == "$/progress"]
    assert steps[0] == "begin"
    assert steps[-1] == "end"
    assert "report" in steps
    assert len([uri for uri, params in client.diagnostics.items() if params["diagnostics"]]) == 5
    (tmp_path / "long.py").write_text("# SLOW 60\n")
    _, waiting = client.begin("workspace/executeCommand", {"command": "ane-lsp.checkWorkspace"})
    token = (
        await client.until(lambda: [m for m in client.asked if m["method"] == "window/workDoneProgress/create"][1:])
    )[0]["params"]["token"]
    await asyncio.sleep(0.3)
    client.notify("window/workDoneProgress/cancel", {"token": token})
    assert (await asyncio.wait_for(waiting, 10))["files"] == 5


def notebook(*cells: tuple[str, int, str]) -> dict:
    return {
        "notebookDocument": {
            "uri": "file:///ws/n.ipynb", "notebookType": "jupyter-notebook", "version": 1,
            "cells": [{"kind": kind, "document": uri} for uri, kind, _ in cells],
        },
        "cellTextDocuments": [
            {"uri": uri, "languageId": "python" if kind == 2 else "markdown", "version": 1, "text": text} for uri, kind, text in cells
        ],
    }  # fmt: skip


def cell(n: int) -> str:
    return f"vscode-notebook-cell:/ws/n.ipynb#W{n}sZmlsZQ%3D%3D"


async def test_notebook_cells_are_one_module(start):
    client = await start()
    await client.initialize(merge(PUSH, LAZY_VERSIONED), folders=[])
    client.notify(
        "notebookDocument/didOpen",
        notebook((cell(1), 2, "%matplotlib inline\nx = (1"), (cell(2), 1, "# bad(1)"), (cell(3), 2, ")\n\nbad(2)")),
    )
    (found,) = await client.published(cell(3))
    assert found["range"] == span(2, 0, 6)
    assert found["relatedInformation"][0]["location"]["uri"] == cell(3)
    assert await client.published(cell(1)) == []
    doc = {"textDocument": {"uri": cell(3)}}
    action = (await client.request("textDocument/codeAction", {**doc, "range": found["range"], **CONTEXT}))[0]
    edit = (await client.request("codeAction/resolve", action))["edit"]["documentChanges"][0]
    assert edit == {
        "textDocument": {"uri": cell(3), "version": 1},
        "edits": [{"range": span(2, 0, 3), "newText": "good"}],
    }
    # Edit a cell, remove one, add one, turn one into markup.
    change = {"notebookDocument": {"uri": "file:///ws/n.ipynb", "version": 2}}
    text = {"document": {"uri": cell(3), "version": 2}, "changes": [{"range": span(2, 4, 5), "text": "77"}]}
    client.notify("notebookDocument/didChange", {**change, "change": {"cells": {"textContent": [text]}}})
    await client.until(
        lambda: [i["message"] for i in client.diagnostics[cell(3)]["diagnostics"]] == ["bad(77) runs on the CPU"]
    )
    new = {"uri": cell(4), "languageId": "python", "version": 1, "text": "y = tensor(4)\nbad(4)"}
    array = {"start": 3, "deleteCount": 0, "cells": [{"kind": 2, "document": cell(4)}]}
    client.notify(
        "notebookDocument/didChange", {**change, "change": {"cells": {"structure": {"array": array, "didOpen": [new]}}}}
    )
    assert len(await client.published(cell(4))) == 1
    (hint,) = await client.request("textDocument/inlayHint", {"textDocument": {"uri": cell(4)}, "range": full()})
    assert hint["position"] == at(0, 1)
    hover = await client.request("textDocument/hover", {"textDocument": {"uri": cell(4)}, "position": at(0, 6)})
    assert "torch.nn.Conv2d" in hover["contents"]["value"]
    array = {"start": 3, "deleteCount": 1}
    client.notify(
        "notebookDocument/didChange",
        {**change, "change": {"cells": {"structure": {"array": array, "didClose": [{"uri": cell(4)}]}}}},
    )
    await client.until(lambda: client.diagnostics[cell(4)]["diagnostics"] == [])
    client.notify(
        "notebookDocument/didChange", {**change, "change": {"cells": {"data": [{"kind": 1, "document": cell(3)}]}}}
    )
    await client.until(lambda: client.diagnostics[cell(3)]["diagnostics"] == [])
    client.notify(
        "notebookDocument/didClose",
        {"notebookDocument": {"uri": "file:///ws/n.ipynb"}, "cellTextDocuments": [{"uri": cell(n)} for n in (1, 2, 3)]},
    )
    assert await client.shutdown() == 0


async def test_cells_are_pushed_to_a_client_that_pulls(start):
    client = await start()
    await client.initialize(PULL, folders=[])
    client.notify("notebookDocument/didOpen", notebook((cell(1), 2, "bad(1)")))
    assert len(await client.published(cell(1))) == 1
    report = await client.request("textDocument/diagnostic", {"textDocument": {"uri": cell(1)}})
    assert report["items"] == []


async def test_folders_come_and_go_with_settings_of_their_own(start, tmp_path):
    client = await start()
    asked = []

    def answer(params):
        asked.append([item.get("scopeUri") for item in params["items"]])
        return [{"ignore": ["ANE302"]} for _ in params["items"]]

    client.answers["workspace/configuration"] = answer
    one, two = tmp_path / "one", tmp_path / "two"
    await client.initialize({"workspace": {"configuration": True}}, folders=[one])
    await client.until(lambda: asked)
    assert asked[0] == [None, one.as_uri()]
    event = {"added": [{"uri": two.as_uri(), "name": "two"}], "removed": [{"uri": one.as_uri(), "name": "one"}]}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    await client.until(lambda: len(asked) == 2)
    assert asked[1] == [None, two.as_uri()]
    info = await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
    assert info["folders"] == [two.as_uri()]
    assert "bad(" not in json.dumps(info)


async def test_tracing(start):
    client = await start()
    await client.initialize(folders=[], trace="messages")
    client.open(URI, "1\n")
    await client.request("textDocument/codeLens", DOC)
    await client.until(
        lambda: [m for m in client.received if m["method"] == "$/logTrace" and "codeLens" in m["params"]["message"]]
    )
    client.notify("$/setTrace", {"value": "off"})
    count = len(client.received)
    await client.request("textDocument/codeLens", DOC)
    assert not [m for m in client.received[count:] if m["method"] == "$/logTrace"]
