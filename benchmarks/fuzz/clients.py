"""Sessions of clients as bytes, and the real server that reads them: framing, dispatch, session, features.

The analysis is a stand-in that answers at once: what is fuzzed here is everything between the wire and the analysis.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any

from ane_lsp.server import verifier
from ane_lsp.server.engine import EngineFailure
from ane_lsp.server.framing import ProtocolError, encoded, read_message
from ane_lsp.server.greeting import greet
from ane_lsp.server.lifecycle import serve
from benchmarks.fuzz.mutators import mutated

ROOT = Path(__file__).resolve().parents[2]
URI = "file:///ws/model.py"
TEXT = "# ANE: digest\nclass Net: pass\nx = tensor(3)\nbad(1)\nrisky(2)\n"
RESULTS = ("analyze", "settings", "words", "notes", "holds", "placements", "report", "page", "fix-all")


@cache
def _analyst_class() -> Any:
    sys.path.insert(0, str(ROOT / "tests" / "server"))
    try:
        from lsp_fake_analyst import FakeAnalyst
    finally:
        sys.path.pop(0)
    return FakeAnalyst


class InlineEngine:
    """Answers on the event loop, at once."""

    def __init__(self) -> None:
        self._analyst = _analyst_class()()

    def start(self) -> None: ...

    def tell(self, *message: Any) -> None:
        getattr(self._analyst, message[0])(*message[1:])

    async def ask(self, what: str, *args: Any, ahead: Any = None) -> Any:
        await asyncio.sleep(0)
        if what not in RESULTS:  # listing a folder a client names would walk this machine
            return []
        try:
            return self._analyst.ask(what, args, lambda: False)
        except Exception as error:
            raise EngineFailure(str(error), "of the stand-in") from error

    def close(self) -> None: ...


_PATIENCE = 60.0  # seconds a session may take after its client has hung up


class Lingering(io.BytesIO):
    """A client that waits a moment for its answers before it hangs up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.idle: Callable[[], bool] = lambda: True

    def readline(self, size: int | None = -1, /) -> bytes:
        found = super().readline(-1 if size is None else size)
        if not found:
            time.sleep(0.004)
        return found


class Faults(logging.Handler):
    """Keeps what the server logs about failures of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None and not isinstance(record.exc_info[1], EngineFailure):
            self.errors.append(record.exc_info[1])


async def _refuse(request: Any, report: Any) -> verifier.Verified:
    return verifier.Verified("failed", "not here")


async def _limited(session: Coroutine[Any, Any, Any]) -> None:
    """Raises RuntimeError in :func:`asyncio.run` where a session does not end."""
    loop = asyncio.get_running_loop()
    loop.call_later(_PATIENCE, loop.stop)
    await session


def served(data: bytes) -> None:
    """Serve `data` as a whole session. Raises what the server caught as a failure of its own."""
    verifier.run = _refuse
    faults = Faults()
    loggers = [logging.getLogger("ane_lsp"), logging.getLogger("asyncio")]
    for logger in loggers:
        logger.addHandler(faults)
        logger.propagate = False
    logging.getLogger("ane_lsp").setLevel(logging.ERROR)
    reader, writer = Lingering(data), io.BytesIO()
    writer.close = lambda: None  # type: ignore[method-assign]
    try:
        greeting = greet(reader, writer)
        if greeting is not None:
            asyncio.run(_limited(serve(reader, writer, InlineEngine(), greeting)))
    finally:
        for logger in loggers:
            logger.removeHandler(faults)
        logging.getLogger("ane_lsp").setLevel(logging.ERROR)
    if faults.errors:
        raise faults.errors[0]
    _answers(data, writer.getvalue())


def _answers(sent: bytes, written: bytes) -> None:
    """Only messages were written, each JSON, and no request was answered twice."""
    out = io.BytesIO(written)
    answered: Counter[Any] = Counter()
    while (body := read_message(out)) is not None:
        message = json.loads(body)
        assert message["jsonrpc"] == "2.0"
        if "id" in message and "method" not in message and message["id"] is not None:
            assert ("result" in message) != ("error" in message), "an answer is a result or an error"
            answered[json.dumps(message["id"])] += 1
    asked: Counter[str] = Counter()
    for message in messages(sent):
        if isinstance(message, dict) and "id" in message:
            asked[json.dumps(message["id"])] += 1
    more = answered - asked
    assert not more, f"answered more often than asked: {more}"


def messages(data: bytes) -> list[Any]:
    """The messages of a session, as far as they can be read."""
    found: list[Any] = []
    stream = io.BytesIO(data)
    try:
        while (body := read_message(stream)) is not None:
            try:
                found.append(json.loads(body))
            except (ValueError, RecursionError):
                found.append(None)
    except (ProtocolError, ValueError):
        pass
    return found


def session(items: list[Any]) -> bytes:
    """Messages as bytes."""
    return b"".join(map(encoded, items))


ODD = (URI, "file:///ws/other.py", "file:///ws/pyproject.toml", "file://[", "file:///%00", "untitled:U", {"line": 10**9, "character": -1},
       {"start": {"line": 3, "character": 0}, "end": {"line": 1, "character": 5}}, "ane-lsp.verify", "full", "utf-8", "workspace")  # fmt: skip


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change a message, the order of messages, or the bytes around them."""
    items = messages(data)
    if not items:
        return data[: chance.randrange(len(data) + 1)] + sessions()[0]
    kind = chance.randrange(10)
    if kind < 6:
        from benchmarks.fuzz.mutators import ODD_VALUES

        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(len(items))
            items[at] = mutated(items[at], chance, (*ODD_VALUES, *ODD))
    elif kind == 6:
        at = chance.randrange(len(items))
        items.insert(chance.randrange(len(items) + 1), items[at])
    elif kind == 7:
        del items[chance.randrange(len(items))]
    elif kind == 8:
        other = messages(chance.choice(sessions()))
        items[-2:-2] = other[2 + chance.randrange(max(1, len(other) - 2)) :][:4]
    else:
        written = session(items)
        at = chance.randrange(len(written) + 1)
        junk = chance.choice(
            (
                b"",
                b"\r\n",
                b"Content-Length: 5\r\n\r\n",
                b"content-length:9999999999\r\n\r\n",
                b"\xff\xfe",
                b"{",
                b"\0" * 9,
            )
        )
        return written[:at] + junk + written[at + chance.randrange(8) :]
    try:
        return session(items)
    except (ValueError, RecursionError):
        return data


def _request(number: int, method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _tell(method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


@cache
def sessions() -> list[bytes]:
    """Whole sessions of different clients, each method of the server in one of them."""
    doc = {"uri": URI}
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    place = {"textDocument": doc, "position": {"line": 3, "character": 1}}
    item = {"uri": URI, "languageId": "python", "version": 1, "text": TEXT}
    lens = {"uri": URI, "index": 0, "model": "Net", "target": "M4", "numbers": "n"}
    rich = {
        "general": {"positionEncodings": ["utf-8"]},
        "textDocument": {
            "publishDiagnostics": {"relatedInformation": True, "dataSupport": True, "codeDescriptionSupport": True},
            "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}, "dataSupport": True,
                           "resolveSupport": {"properties": ["edit"]}},
            "diagnostic": {"relatedDocumentSupport": True},
            "inlayHint": {"resolveSupport": {"properties": ["tooltip"]}},
        },
        "workspace": {"workspaceEdit": {"documentChanges": True}, "diagnostics": {"refreshSupport": True}, "configuration": True,
                      "applyEdit": True},
        "window": {"workDoneProgress": True},
    }  # fmt: skip
    options = {
        "ane-lsp": {"inlayHints": "all", "targets": ["M4"], "debounce": 0},
        "trusted": False,
        "statusNotification": True,
    }
    end = [_request(99, "shutdown", None), _tell("exit", None)]

    def begin(capabilities: Any, **more: Any) -> list[Any]:
        params = {
            "processId": None,
            "rootUri": "file:///ws",
            "capabilities": capabilities,
            "initializationOptions": options,
            **more,
        }
        return [
            _request(1, "initialize", params),
            _tell("initialized", {}),
            _tell("textDocument/didOpen", {"textDocument": item}),
        ]

    edit = {"range": {"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 3}}, "text": "bad(2); "}
    change = _tell(
        "textDocument/didChange", {"textDocument": {**doc, "version": 2}, "contentChanges": [edit, {"text": TEXT}]}
    )
    asks = [
        _request(2, "textDocument/hover", place),
        _request(
            3,
            "textDocument/codeAction",
            {"textDocument": doc, "range": span, "context": {"diagnostics": [], "triggerKind": 1}},
        ),
        _request(4, "textDocument/inlayHint", {"textDocument": doc, "range": span}),
        _request(5, "textDocument/codeLens", {"textDocument": doc}),
        _request(6, "textDocument/documentLink", {"textDocument": doc}),
        _request(7, "textDocument/completion", place),
        _request(8, "textDocument/diagnostic", {"textDocument": doc}),
    ]
    commands = [
        _request(20 + n, "workspace/executeCommand", {"command": name, "arguments": arguments})
        for n, (name, arguments) in enumerate((
            ("ane-lsp.debugInfo", []), ("ane-lsp.showRule", ["ANE302"]), ("ane-lsp.targets", []), ("ane-lsp.fixAll", [URI]),
            ("ane-lsp.verify", [lens]), ("ane-lsp.showModel", [lens]), ("ane-lsp.checkWorkspace", []), ("ane-lsp.reanalyse", []),
            ("ane-lsp.applyAction", [{"do": "all", "uri": URI, "version": 1}]), ("ane-lsp.report", [lens]),
        ))
    ]  # fmt: skip
    files = [
        _tell(
            "workspace/didChangeWatchedFiles",
            {"changes": [{"uri": URI, "type": 2}, {"uri": "file:///ws/pyproject.toml", "type": 3}]},
        ),
        _tell("workspace/didRenameFiles", {"files": [{"oldUri": URI, "newUri": "file:///ws/new.py"}]}),
        _tell(
            "workspace/didChangeWorkspaceFolders",
            {"event": {"added": [{"uri": "file:///b", "name": "b"}], "removed": []}},
        ),
        _tell(
            "workspace/didChangeConfiguration",
            {"settings": {"ane-lsp": {"diagnosticMode": "open-files", "logLevel": "off"}}},
        ),
        _tell("textDocument/didSave", {"textDocument": doc}),
        _tell("textDocument/didClose", {"textDocument": doc}),
    ]
    cell = "vscode-notebook-cell:/ws/n.ipynb#a"
    cells = [{"kind": 2, "document": cell}, {"kind": 1, "document": cell + "b"}]
    notebook = [
        _tell("notebookDocument/didOpen", {
            "notebookDocument": {"uri": "file:///ws/n.ipynb", "notebookType": "jupyter-notebook", "version": 1, "cells": cells},
            "cellTextDocuments": [{**item, "uri": cell}],
        }),
        _tell("notebookDocument/didChange", {
            "notebookDocument": {"uri": "file:///ws/n.ipynb", "version": 2},
            "change": {"cells": {
                "structure": {"array": {"start": 1, "deleteCount": 1, "cells": [{"kind": 2, "document": cell + "c"}]},
                              "didOpen": [{**item, "uri": cell + "c"}], "didClose": []},
                "textContent": [{"document": {"uri": cell, "version": 2}, "changes": [edit]}],
            }},
        }),
        _request(30, "textDocument/hover", {**place, "textDocument": {"uri": cell}}),
        _tell("notebookDocument/didClose", {"notebookDocument": {"uri": "file:///ws/n.ipynb"}, "cellTextDocuments": [{"uri": cell}]}),
    ]  # fmt: skip
    resolves = [
        _request(40, "codeLens/resolve", {"range": span, "data": lens}),
        _request(
            41,
            "inlayHint/resolve",
            {"position": place["position"], "label": "x", "data": {"uri": URI, "version": 1, "at": [3, 0, 3, 1]}},
        ),
        _request(42, "codeAction/resolve", {"title": "x", "data": {"do": "all", "uri": URI, "version": 1}}),
        _tell("$/cancelRequest", {"id": 40}),
        _tell("$/setTrace", {"value": "verbose"}),
        _tell("window/workDoneProgress/cancel", {"token": "t"}),
    ]
    settings = {
        **item,
        "uri": "file:///ws/ane-lsp.toml",
        "languageId": "toml",
        "text": 'nonsense = 1\nignore = ["ANE302"]\n',
    }
    scenes = [
        [*asks],
        [change, *asks, *resolves],
        [*commands],
        [*files],
        [*notebook],
        [_tell("textDocument/didOpen", {"textDocument": settings})],
    ]
    found = [session([*begin(rich), *scene, *end]) for scene in scenes]
    found.append(session([*begin({}, trace="verbose", clientInfo={"name": "x"}, workspaceFolders=None), *asks, *end]))
    found.append(session([*begin({}, processId=1), change, *resolves]))
    return found
