"""What a client gets before the protocol's types are there: diagnostics of what it opens, in order with all else it says."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from lsp_client import environment

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.server.client import Client
from ane_lsp.server.desk import Desk
from ane_lsp.server.greeting import Greeting
from ane_lsp.server.options import Configuration
from ane_lsp.server.results import DocumentResult
from ane_lsp.server.wire import RequestError, Wire

A, B, C = "file:///ws/a.py", "file:///ws/b.py", "file:///ws/c.py"


class Engine:
    """Finds something in the first line of everything."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def start(self) -> None: ...

    def tell(self, *message: Any) -> None:
        self.told.append(message)

    async def ask(self, what: str, *args: Any, ahead: Any = None) -> Any:
        finding = Finding("ANE302", "max-pool-window", "too large", Span(args[0], 1, 0, 1, 3), "warning", "measured")
        return DocumentResult(args[0], (finding,), depends=frozenset())

    def close(self) -> None: ...


class Peer:
    """The other end of a desk's wire."""

    def __init__(self, **params: Any) -> None:
        self.said: list[dict[str, Any]] = []
        self.dispatched: list[Any] = []
        self.engine = Engine()
        params.setdefault("capabilities", {})
        greeting = Greeting(params, Client.of(params), Configuration())
        self.desk = Desk(self.engine, greeting, Wire(self._read))

    def _read(self, data: bytes) -> None:
        self.said.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def say(self, method: str, params: Any = None, **more: Any) -> None:
        self.desk.hear({"jsonrpc": "2.0", "method": method, "params": params, **more})

    def open(self, uri: str, **other: Any) -> None:
        document = {"uri": uri, "languageId": "python", "version": 1, "text": "bad()\n", **other}
        self.say("textDocument/didOpen", {"textDocument": document})

    async def heard(self, method: str) -> list[Any]:
        for _ in range(20):
            await asyncio.sleep(0)
        return [message["params"] for message in self.said if message.get("method") == method]

    async def diagnosed(self) -> list[str]:
        return [params["uri"] for params in await self.heard("textDocument/publishDiagnostics")]

    def hand_over(self) -> list[str]:
        self.desk.hand_over(self.dispatched.append)
        return [message.get("method") for message in self.dispatched]


async def test_what_is_opened_is_told_before_anything_can_be_answered() -> None:
    client = Peer()
    client.say("initialized", {})
    client.open(A, version=7)
    (told,) = await client.heard("textDocument/publishDiagnostics")
    assert (told["uri"], told["version"]) == (A, 7)
    (item,) = told["diagnostics"]
    assert (item["code"], item["severity"], item["range"]["end"]) == ("ANE302", 2, {"line": 0, "character": 3})
    assert client.hand_over() == []


async def test_nothing_is_analysed_before_the_settings_are_known() -> None:
    client = Peer(capabilities={"workspace": {"configuration": True}})
    client.open(A)
    assert await client.diagnosed() == []
    client.say("initialized", {})
    (asked,) = await client.heard("workspace/configuration")
    assert asked["items"] == [{"section": "ane-lsp"}]
    assert await client.diagnosed() == []
    number = next(message["id"] for message in client.said if message.get("method") == "workspace/configuration")
    client.desk.hear({"jsonrpc": "2.0", "id": number, "result": [{"ignore": ["ANE301"]}]})
    assert await client.diagnosed() == [A]
    assert ("configure", [], {"ignore": ["ANE301"]}) in client.engine.told


async def test_folders_keep_their_own_settings() -> None:
    """Also those that a client adds later."""
    client = Peer(capabilities={"workspace": {"configuration": True}}, workspaceFolders=[{"uri": "file:///one"}])
    moving = asyncio.ensure_future(client.desk.configured.moved({"file:///two": "file:///two"}, []))
    await client.heard("workspace/configuration")
    (asked,) = [message for message in client.said if message.get("method") == "workspace/configuration"]
    assert [item.get("scopeUri") for item in asked["params"]["items"]] == [None, "file:///one", "file:///two"]
    answers = [{}, {"ignore": ["ANE301"]}, {"ignore": ["ANE302"]}]
    client.desk.hear({"jsonrpc": "2.0", "id": asked["id"], "result": answers})
    await moving
    assert client.engine.told[-1] == ("configure", [("/one", answers[1]), ("/two", answers[2])], {})


async def test_messages_keep_their_order() -> None:
    """Requests change nothing, so that what is opened behind them need not wait; behind an edit everything waits."""
    client = Peer()
    client.say("initialized", {})
    client.open(A)
    client.say("textDocument/hover", {}, id=1)
    client.say("$/setTrace", {"value": "off"})
    client.open(B)
    client.say("textDocument/didChange", {"textDocument": {"uri": A, "version": 2}, "contentChanges": []})
    client.open(C)
    assert await client.diagnosed() == [B, A]  # what was touched last comes first
    assert client.hand_over() == [
        "textDocument/hover", "$/setTrace", "textDocument/didChange", "textDocument/didOpen",
    ]  # fmt: skip
    client.open(A)
    assert client.dispatched[-1]["method"] == "textDocument/didOpen"


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"uri": 1}, {"uri": A, "languageId": "python", "version": "1", "text": ""}],
    ids=str,
)
async def test_malformed_openings_are_left_to_the_protocol(document: Any) -> None:
    client = Peer()
    client.say("initialized", {})
    client.say("textDocument/didOpen", {"textDocument": document})
    client.open(A)
    assert await client.diagnosed() == []
    assert client.hand_over() == ["textDocument/didOpen"] * 2


async def test_nothing_is_opened_after_shutdown() -> None:
    client = Peer()
    client.say("shutdown", id=1)
    client.open(A)
    assert client.hand_over() == ["shutdown", "textDocument/didOpen"]


async def test_unreadable_messages_wait() -> None:
    client, broken = Peer(), ValueError("no JSON")
    client.desk.hear(broken)
    client.desk.hear({"jsonrpc": "2.0", "id": 5, "result": None})  # nobody asked
    client.desk.hand_over(client.dispatched.append)
    assert client.dispatched == [broken, {"jsonrpc": "2.0", "id": 5, "result": None}]


async def test_a_client_is_asked() -> None:
    said: list[dict[str, Any]] = []
    wire = Wire(lambda data: said.append(json.loads(data.partition(b"\r\n\r\n")[2])))
    asking = asyncio.ensure_future(wire.ask("a/question", {"x": 1}))
    refused = asyncio.ensure_future(wire.ask("another", None))
    await asyncio.sleep(0)
    first, second = (message["id"] for message in said)
    assert first != second
    assert wire.answered({"id": first, "result": [2]})
    assert wire.answered({"id": second, "error": {"code": -1, "message": "no"}})
    assert await asking == [2]
    with pytest.raises(RequestError, match="no") as caught:
        await refused
    assert caught.value.code == -1
    assert not wire.answered({"id": first, "result": 3})
    assert not wire.answered({"id": None, "result": 3})
    with pytest.raises(RequestError, match="did not answer"):
        await wire.ask("a/question", None, timeout=0.01)


def test_serving_needs_none_of_the_protocols_types() -> None:
    """They are what a server's start is made of."""
    script = (
        "import sys, ane_lsp.server.lifecycle\n"
        "print(sorted(name for name in ('pygls', 'lsprotocol', 'cattrs', 'attrs') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), timeout=60)
    assert done.stdout == "[]\n", done.stderr
