"""Mistakes that other servers make (each was reproduced with one of them), over stdio against the real command."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest
from lsp_client import Client, ServerError, command, environment
from lsp_profiles import EAGER, LAZY_VERSIONED, PULL, PUSH, apply, at, encoding, full, span

URI = "file:///ws/model.py"
DOC = {"textDocument": {"uri": URI}}
CONTEXT = {"context": {"diagnostics": []}}


def sha(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()


async def test_characters_that_only_look_like_line_ends_do_not_shift_edits(start):
    client = await start()
    await client.initialize(folders=[])
    for number, separator in enumerate("\f\v\x1c\x85\u2028\u2029"):
        uri = f"file:///ws/{number}.py"
        client.open(uri, f"# ANE: digest\n# a{separator}comment\nx = 1\n")
        client.change(uri, 2, {"range": span(2, 4, 5), "text": "2"})
        items = await client.published(uri, 2)
        assert items[-1]["message"] == sha(f"# ANE: digest\n# a{separator}comment\nx = 2\n")


@pytest.mark.parametrize("units", ["utf-8", "utf-16", "utf-32"])
async def test_columns_are_in_the_agreed_units(start, units):
    client = await start()
    answer = await client.initialize(encoding(units), folders=[])
    assert answer["capabilities"]["positionEncoding"] == units
    before = "s = '😀é'; "
    width = {"utf-8": len(before.encode()), "utf-16": len(before.encode("utf-16-le")) // 2, "utf-32": len(before)}[
        units
    ]
    for number, end in enumerate(["\n", "\r\n", "\r"]):
        uri = f"file:///ws/{number}.py"
        client.open(uri, f"#{end}{before}bad(1){end}")
        (found,) = await client.published(uri)
        assert found["range"] == span(1, width, width + 6)


async def test_a_client_that_names_no_encoding_gets_utf_16(start):
    client = await start()
    answer = await client.initialize({"general": {"positionEncodings": ["utf-7"]}}, folders=[])
    assert answer["capabilities"]["positionEncoding"] == "utf-16"


async def test_a_document_is_found_however_its_uri_is_escaped(start):
    client = await start()
    await client.initialize(folders=[])
    for uri in ("file:///ws/a%20b/m%C3%A9.py", "file:///ws/a b/né.py", "file:///c%3A/x.py", "untitled:Untitled-1"):
        client.open(uri, "bad(1)\n")
        assert len(await client.published(uri, 1)) == 1
        client.change(uri, 2, {"text": "good(1)\n"})
        assert await client.published(uri, 2) == []


async def test_differently_escaped_uris_name_the_same_document(start):
    client = await start()
    await client.initialize(folders=[])
    client.open("file:///c%3A/a%20b.py", "bad(1)\n")
    await client.published("file:///c%3A/a%20b.py", 1)
    client.change("file:///C:/a b.py", 2, {"text": "1\n"})
    assert await client.published("file:///c%3A/a%20b.py", 2) == []


async def test_requests_about_documents_that_are_not_open_get_nothing(start, tmp_path):
    client = await start()
    await client.initialize(folders=[])
    uri = (tmp_path / "gone.py").as_uri()
    doc = {"textDocument": {"uri": uri}}
    client.open(uri, "bad(1)\n")
    await client.published(uri, 1)
    client.close(uri)
    await client.until(lambda: client.diagnostics[uri]["diagnostics"] == [])
    assert await client.request("textDocument/hover", {**doc, "position": at(0, 1)}) is None
    assert await client.request("textDocument/codeAction", {**doc, "range": full(), **CONTEXT}) == []
    assert await client.request("textDocument/inlayHint", {**doc, "range": full()}) == []
    assert await client.request("textDocument/codeLens", doc) == []
    assert await client.request("textDocument/documentLink", doc) == []


async def test_requests_are_answered_while_an_analysis_runs(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "# SLOW 8\nbad(1)\n")
    order = []
    client.on_diagnostics = lambda params: order.append("diagnostics")
    await client.request("textDocument/documentLink", DOC)
    order.append("links")
    await client.request("textDocument/completion", {**DOC, "position": at(0, 3)})
    order.append("completion")
    await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
    order.append("command")
    assert order == ["links", "completion", "command"]


async def test_a_hover_waits_only_so_long_and_is_answered_from_the_last_result(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "x = tensor(3)\n")
    await client.published(URI, 1)
    client.change(URI, 2, {"text": "# SLOW 60\nx = tensor(3)\n"})
    found = await client.request("textDocument/hover", {**DOC, "position": at(1, 6)})
    assert "[1, 3] f32" in found["contents"]["value"]
    assert found["range"] == span(1, 4, 13)


async def test_a_burst_of_edits_is_analysed_for_its_last_text_only(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "# SLOW 0.5\n")
    await client.published(URI, 1)
    versions = []
    client.on_diagnostics = lambda params: versions.append(params["version"])
    for version in range(2, 62):
        client.change(URI, version, {"text": f"# SLOW 0.5\nbad({version})\n"})
        await asyncio.sleep(0.002)
    (found,) = await client.published(URI, 61)
    assert found["message"].startswith("bad(61)")
    # Analyses that were started for texts in between were cancelled, and nothing of them was shown.
    assert versions == [61]
    assert client.stderr.count(b"a stray print") < 12


async def test_shutdown_does_not_wait_for_an_analysis(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "# HANG 300\n")
    await asyncio.sleep(0.3)
    info = await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
    assert await client.shutdown(timeout=15) == 0
    assert not _alive(info["worker"])


async def test_an_analysis_that_does_not_stop_is_replaced(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "# HANG 300\n")
    await asyncio.sleep(0.3)
    client.change(URI, 2, {"text": "bad(1)\n"})
    assert len(await client.published(URI, 2, timeout=40)) == 1


@pytest.mark.parametrize("fault", ["# CRASH", "# RAISE"])
async def test_a_failing_analysis_is_one_diagnostic_and_costs_no_other_file_its_own(start, fault):
    client = await start()
    await client.initialize(folders=[])
    other = "file:///ws/other.py"
    client.open(other, "bad(1)\n")
    assert len(await client.published(other, 1)) == 1
    client.open(URI, fault + "\n")
    (found,) = await client.published(URI, 1)
    assert found["code"] == "ANE901"
    assert found["severity"] == 3
    assert "Traceback" not in found["message"]
    client.change(other, 2, {"text": "bad(1)\nbad(2)\n"})
    assert len(await client.published(other, 2)) == 2
    client.change(URI, 2, {"text": "bad(1)\n"})
    assert [item["code"] for item in await client.published(URI, 2)] == ["ANE302"]
    assert not any(message["method"] == "window/showMessage" for message in client.received)


async def test_header_names_are_compared_without_case(start):
    client = await start()
    body = (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":null,"capabilities":{}}}'
    )
    client._waiting[1] = ("initialize", future := asyncio.get_running_loop().create_future())
    client.writer.write(
        b"content-length: %d\r\nCONTENT-TYPE: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%s" % (len(body), body)
    )
    assert (await asyncio.wait_for(future, 20))["serverInfo"]["name"] == "ane-lsp"


async def test_echoed_diagnostics_are_not_believed(start):
    """Neovim 0.7 echoes byte columns, ALE drops source and data: fixes come from our own findings in the range."""
    client = await start()
    await client.initialize(EAGER, folders=[])
    client.open(URI, "é = '😀'; bad(1)\n")
    (real,) = await client.published(URI)
    echoes = [
        [],
        [{"range": span(0, 0, 1), "message": "?"}],
        [{"range": span(99, 3, 9), "message": real["message"], "code": "ANE302", "source": "ruff", "data": {"x": 1}}],
    ]
    for echo in echoes:
        params = {**DOC, "range": real["range"], "context": {"diagnostics": echo}}
        titles = [action["title"] for action in await client.request("textDocument/codeAction", params)]
        assert titles[0] == "Replace bad by good"
    elsewhere = {**DOC, "range": span(0, 0, 1), "context": {"diagnostics": [real]}}
    assert await client.request("textDocument/codeAction", elsewhere) == []


async def test_edits_are_lazy_and_versioned_only_where_the_client_says_so(start):
    for capabilities, lazy in ((EAGER, False), (LAZY_VERSIONED, True)):
        client = await start()
        answer = await client.initialize(capabilities, folders=[])
        assert answer["capabilities"]["codeActionProvider"]["resolveProvider"] is lazy
        client.open(URI, "bad(1)\n", version=7)
        (found,) = await client.published(URI, 7)
        params = {**DOC, "range": found["range"], **CONTEXT}
        action = (await client.request("textDocument/codeAction", params))[0]
        assert ("edit" in action) is not lazy
        assert action["isPreferred"] is True
        if lazy:
            action = await client.request("codeAction/resolve", action)
            (change,) = action["edit"]["documentChanges"]
            assert change["textDocument"] == {"uri": URI, "version": 7}
            edits = change["edits"]
        else:
            edits = action["edit"]["changes"][URI]
        assert apply("bad(1)\n", edits) == "good(1)\n"


async def test_a_client_without_action_literals_gets_commands_that_apply_edits(start):
    client = await start()
    await client.initialize({"workspace": {"applyEdit": True}}, folders=[])
    applied = []
    client.answers["workspace/applyEdit"] = lambda params: applied.append(params["edit"]) or {"applied": True}
    client.open(URI, "bad(1)\n")
    (found,) = await client.published(URI)
    first = (await client.request("textDocument/codeAction", {**DOC, "range": found["range"], **CONTEXT}))[0]
    assert first["command"] == "ane-lsp.applyAction"
    assert await client.request("workspace/executeCommand", first) is True
    assert apply("bad(1)\n", applied[0]["changes"][URI]) == "good(1)\n"


async def test_an_action_of_an_older_text_is_refused(start):
    client = await start()
    await client.initialize(LAZY_VERSIONED, folders=[])
    client.open(URI, "bad(1)\n")
    (found,) = await client.published(URI)
    action = (await client.request("textDocument/codeAction", {**DOC, "range": found["range"], **CONTEXT}))[0]
    client.change(URI, 2, {"text": "\nbad(1)\n"})
    with pytest.raises(ServerError) as refused:
        await client.request("codeAction/resolve", action)
    assert refused.value.code == -32801


async def test_pull_is_offered_only_to_clients_that_can_be_told_to_ask_again(start):
    no_refresh = {"textDocument": {"diagnostic": {}}}
    for capabilities, pulls in ((no_refresh, False), (PULL, True), (PUSH, False)):
        client = await start()
        answer = await client.initialize(capabilities, folders=[])
        assert ("diagnosticProvider" in answer["capabilities"]) is pulls
        client.open(URI, "bad(1)\n")
        if pulls:
            report = await client.request("textDocument/diagnostic", DOC)
            assert len(report["items"]) == 1
            assert not client.diagnostics
        else:
            assert len(await client.published(URI, 1)) == 1


async def test_prints_of_the_analysis_do_not_reach_the_protocol(start):
    client = await start("--in-process")
    await client.initialize(folders=[])
    client.open(URI, "bad(1)\n")
    assert len(await client.published(URI, 1)) == 1
    assert b"a stray print" in client.stderr


async def test_a_traceback_is_neither_shown_nor_sent(start):
    client = await start()
    await client.initialize(folders=[])
    with pytest.raises(ServerError) as refused:
        await client.request("workspace/executeCommand", {"command": "ane-lsp.showRule", "arguments": [7]})
    assert refused.value.data is None
    client.notify(
        "textDocument/didChange",
        {"textDocument": {"uri": "file:///never/opened.py", "version": 1}, "contentChanges": [{"text": ""}]},
    )
    client.notify("textDocument/didOpen", {"textDocument": 3})
    with pytest.raises(ServerError) as malformed:
        await client.request("textDocument/hover", {"position": "here"})
    assert malformed.value.code == -32602
    client.open(URI, "bad(1)\n")
    await client.published(URI, 1)
    assert not any(message["method"] == "window/showMessage" for message in client.received)


async def test_requests_outside_a_session_are_refused_with_the_right_codes(start):
    client = await start()
    with pytest.raises(ServerError) as early:
        await client.request("textDocument/hover", {**DOC, "position": at(0, 0)})
    assert early.value.code == -32002
    client.open(URI, "bad(1)\n")  # a notification before initialize is dropped
    await client.initialize(folders=[])
    with pytest.raises(ServerError) as twice:
        await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert twice.value.code == -32600
    with pytest.raises(ServerError) as unknown:
        await client.request("textDocument/typeDefinition", {**DOC, "position": at(0, 0)})
    assert unknown.value.code == -32601
    await client.request("shutdown")
    with pytest.raises(ServerError) as late:
        await client.request("textDocument/hover", {**DOC, "position": at(0, 0)})
    assert late.value.code == -32600
    client.notify("exit")
    assert await asyncio.wait_for(client.process.wait(), 10) == 0


async def test_exit_without_shutdown_is_an_error(start):
    client = await start()
    await client.initialize(folders=[])
    client.notify("exit")
    assert await asyncio.wait_for(client.process.wait(), 10) == 1


async def test_a_request_cancelled_while_it_is_queued_is_not_carried_out(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "# SLOW 30\n")
    requests = [client.begin("textDocument/codeLens", DOC) for _ in range(40)]
    for msg_id, _ in requests:
        client.notify("$/cancelRequest", {"id": msg_id})
    for _, future in requests:
        with pytest.raises(ServerError) as cancelled:
            await asyncio.wait_for(future, 10)
        assert cancelled.value.code == -32800
    client.notify("$/cancelRequest", {"id": 4711})  # of nothing


async def test_garbage_on_the_wire_is_answered_or_ends_the_session_quietly(start):
    client = await start()
    await client.initialize(folders=[])
    for body in (
        b"not json",
        b"[]",
        b'{"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","id":{},"method":"shutdown"}',
        b"\xff\xfe",
    ):
        client.writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    client.open(URI, "bad(1)\n")
    assert len(await client.published(URI, 1)) == 1
    assert [error["code"] for error in client.refused] == [-32700, -32700, -32600, -32600, -32700]
    client.writer.write(b"Content-Length: abc\r\n\r\n")
    assert await asyncio.wait_for(client.process.wait(), 10) == 1
    assert b"Traceback" not in client.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc as on Unix")
async def test_the_server_ends_with_its_client(start, tmp_path):
    """Its client is killed while a third process keeps the pipe open, so only the process id tells."""
    starter = await asyncio.create_subprocess_exec("sleep", "300")
    client = await start()
    await client.request("initialize", {"processId": starter.pid, "rootUri": None, "capabilities": {}})
    client.notify("initialized", {})
    info = await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
    starter.kill()
    await starter.wait()
    assert await asyncio.wait_for(client.process.wait(), 15) == 1
    assert not _alive(info["worker"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
async def test_the_worker_ends_with_a_killed_server(start):
    client = await start()
    await client.initialize(folders=[])
    client.open(URI, "# HANG 300\n")
    info = await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
    os.kill(client.process.pid, signal.SIGKILL)
    for _ in range(100):
        if not _alive(info["worker"]):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the worker lives on")


async def test_the_client_closing_the_stream_ends_the_server(start):
    client = await start()
    await client.initialize(folders=[])
    client.writer.close()
    assert await asyncio.wait_for(client.process.wait(), 10) == 1


async def test_tcp_serves_one_client(start):
    process = await asyncio.create_subprocess_exec(
        *command("--tcp", "--port", "0"), stderr=asyncio.subprocess.PIPE, env=environment()
    )
    line = (await process.stderr.readline()).decode()
    port = int(line.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = Client(process)
    client.reader, client.writer = reader, writer
    client._tasks[0].cancel()
    client._tasks[0] = asyncio.ensure_future(client._read())
    await client.initialize(folders=[])
    client.open(URI, "bad(1)\n" * 2000)
    requests = [client.begin("textDocument/codeLens", DOC)[1] for _ in range(20)]
    assert len(await client.published(URI, 1)) == 2000
    await asyncio.gather(*requests)
    assert await client.shutdown() == 0
    assert client.problems == []


async def test_a_syntax_error_keeps_the_last_good_findings_moved_with_the_text(start):
    client = await start()
    await client.initialize(EAGER, folders=[])
    client.open(URI, "x = 1\nbad(1)\nclass Net: pass\n")
    await client.published(URI, 1)
    client.change(URI, 2, {"range": span(0, 5, 5), "text": "\ndef f("})
    items = await client.published(URI, 2)
    assert [(item["code"], item["range"]["start"]["line"]) for item in items] == [("ANE302", 2), ("syntax", 1)]
    client.change(URI, 3, {"range": span(0, 0, 0), "text": "\n"})
    items = await client.published(URI, 3)
    assert [(item["code"], item["range"]["start"]["line"]) for item in items] == [("ANE302", 3), ("syntax", 2)]
    action = (await client.request("textDocument/codeAction", {**DOC, "range": items[0]["range"], **CONTEXT}))[0]
    (edit,) = action["edit"]["changes"][URI]
    assert edit == {"range": span(3, 0, 3), "newText": "good"}
    lens = await client.request("textDocument/codeLens", DOC)
    assert lens[0]["range"]["start"] == at(4, 0)
    client.change(URI, 4, {"range": span(3, 0, 6), "text": ""})
    items = await client.published(URI, 4)
    assert [item["code"] for item in items] == ["syntax"]


async def test_many_diagnostics_do_not_split_the_text_for_each(tmp_path):
    """pygls splits the file again for each range it converts; here a text has one table of its lines."""
    from ane_lsp.graph import Span
    from ane_lsp.server.documents import Text
    from ane_lsp.syntax import positions

    made = []

    class Counting(positions.LineTable):
        def __init__(self, text: str) -> None:
            made.append(1)
            super().__init__(text)

    from ane_lsp.server import documents

    original = documents.LineTable
    documents.LineTable = Counting
    try:
        text = Text("é = 1\n" * 5000)
        for line in range(1, 501):
            text.client_range(Span("", line, 0, line, 3), "utf-16")
    finally:
        documents.LineTable = original
    assert len(made) == 1


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
