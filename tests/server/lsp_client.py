"""A language client that trusts nothing: every message it gets is checked against the protocol's types."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import converters
from lsprotocol import types as lsp

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FAKE = "lsp_fake_analyst:FakeAnalyst"
_converter = converters.get_converter()
VENDOR = {"ane-lsp/status"}
_cache = tempfile.TemporaryDirectory()  # results that servers of these tests keep


def command(*options: str, analyst: str | None = FAKE) -> list[str]:
    """The real command, with the stand-in analysis unless told otherwise."""
    chosen = ["--analyst", analyst] if analyst else []
    return [sys.executable, "-m", "ane_lsp", "server", *chosen, *options]


def environment() -> dict[str, str]:
    return dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), str(HERE)]), ANE_LSP_CACHE_DIR=_cache.name)


class ServerError(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.data, self.message = error["code"], error.get("data"), error["message"]


class Client:
    """Speaks raw JSON. `received`: notifications in order; `asked`: requests of the server.

    `answers`: method to a function of params, for requests of the server.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.reader, self.writer = process.stdout, process.stdin
        self.received: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.refused: list[dict[str, Any]] = []  # errors about messages whose id could not be read
        self.answers: dict[str, Callable[[Any], Any]] = {
            "workspace/configuration": lambda params: [None] * len(params["items"]),
        }
        self.diagnostics: dict[str, dict[str, Any]] = {}
        self.on_diagnostics: Callable[[dict[str, Any]], None] | None = None
        self._waiting: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        self._next = 0
        self._news = asyncio.Event()
        self.stderr = b""
        self._tasks = [asyncio.ensure_future(self._read())]
        if process.stderr is not None:
            self._tasks.append(asyncio.ensure_future(self._read_stderr()))

    @classmethod
    async def start(cls, *options: str, analyst: str | None = FAKE, cwd: Path | None = None) -> Client:
        process = await asyncio.create_subprocess_exec(
            *command(*options, analyst=analyst),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=environment(), cwd=cwd or ROOT, limit=1 << 26,
        )  # fmt: skip
        return cls(process)

    async def initialize(
        self,
        capabilities: dict[str, Any] | None = None,
        folders: list[Path] | None = None,
        options: Any = None,
        **more: Any,
    ) -> dict[str, Any]:
        given = None if folders is None else [{"uri": path.as_uri(), "name": path.name} for path in folders]
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities or {},
                  "workspaceFolders": given, "initializationOptions": options, **more}  # fmt: skip
        result = await self.request("initialize", params)
        self.notify("initialized", {})
        return result

    # -- sending -----------------------------------------------------------------------------------------------------

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        self.writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})})

    def begin(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Any]]:
        """Send a request without waiting: its id and its answer to come."""
        self._next += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = (method, future)
        self.send(
            {"jsonrpc": "2.0", "id": self._next, "method": method, **({} if params is None else {"params": params})}
        )
        return self._next, future

    async def request(self, method: str, params: Any = None, timeout: float = 30.0) -> Any:
        return await asyncio.wait_for(self.begin(method, params)[1], timeout)

    def open(self, uri: str, text: str, version: int = 1, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": list(changes)},
        )

    def close(self, uri: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    # -- waiting -----------------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Any], timeout: float = 20.0) -> Any:
        """Wait for something to become true of what was received."""

        async def wait() -> Any:
            while not (value := condition()):
                self._news.clear()
                await self._news.wait()
            return value

        try:
            return await asyncio.wait_for(wait(), timeout)
        except asyncio.TimeoutError:
            tail = self.stderr.decode("utf-8", "replace")[-2000:]
            raise AssertionError(f"never came; last messages {self.received[-3:]}; stderr {tail}") from None

    async def published(self, uri: str, version: int | None = None, timeout: float = 20.0) -> list[dict[str, Any]]:
        """Diagnostics of a document once they are there for `version` (or at all)."""

        def there() -> bool:
            return uri in self.diagnostics and (version is None or self.diagnostics[uri].get("version") == version)

        await self.until(there, timeout)
        return self.diagnostics[uri]["diagnostics"]

    async def shutdown(self, timeout: float = 10.0) -> int:
        """The orderly end; the server's exit code."""
        await self.request("shutdown", timeout=timeout)
        self.notify("exit")
        code = await asyncio.wait_for(self.process.wait(), timeout)
        await self.stop()
        return code

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        for task in self._tasks:
            try:
                await asyncio.wait_for(task, 5)
            except (asyncio.TimeoutError, asyncio.CancelledError):
                pass

    # -- receiving ---------------------------------------------------------------------------------------------------

    async def _read_stderr(self) -> None:
        while data := await self.process.stderr.read(65536):
            self.stderr += data

    async def _read(self) -> None:
        try:
            while True:
                length = 0
                while line := (await self.reader.readline()).strip():
                    name, _, value = line.partition(b":")
                    if name == b"Content-Length":
                        length = int(value)
                    elif name != b"Content-Type":
                        self.problems.append(f"header {line!r}")
                if not length:
                    break
                self._received(json.loads(await self.reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError(self.stderr.decode("utf-8", "replace")[-3000:]))

    def _received(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self._validate(message["method"], message, 0)
            if "id" in message:
                self.asked.append(message)
                answer = self.answers.get(message["method"], lambda params: None)(message.get("params"))
                if answer is not NotImplemented:
                    self.send({"jsonrpc": "2.0", "id": message["id"], "result": answer})
            else:
                self.received.append(message)
                if message["method"] == "textDocument/publishDiagnostics":
                    self.diagnostics[message["params"]["uri"]] = message["params"]
                    if self.on_diagnostics:
                        self.on_diagnostics(message["params"])
        else:
            method, future = self._waiting.pop(message["id"], ("", None))
            if message["id"] is None and "error" in message:
                self.refused.append(message["error"])
            elif future is None:
                self.problems.append(f"answer to nothing: {message}")
            elif "error" in message:
                self._validate("", message, 0, lsp.ResponseErrorMessage)
                if not future.done():
                    future.set_exception(ServerError(message["error"]))
            else:
                self._validate(method, message, 1)
                if not future.done():
                    future.set_result(message["result"])
        self._news.set()

    def _validate(self, method: str, message: dict[str, Any], part: int, kind: Any = None) -> None:
        """part: 0 for the message itself, 1 for the response to it."""
        if method in VENDOR:
            return
        kind = kind or lsp.METHOD_TO_TYPES.get(method, (None, None))[part]
        if kind is None:
            self.problems.append(f"unknown method {method}")
            return
        try:
            again = _converter.unstructure(_converter.structure(message, kind))
        except Exception as error:
            self.problems.append(f"{method}: {error!r}: {str(message)[:400]}")
            return
        if lost := _lost(message, again):
            self.problems.append(f"{method}: not of the protocol: {lost}")


def _lost(sent: Any, kept: Any, path: str = "") -> str:
    """A key that was sent and that the protocol's types do not know."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for key, value in sent.items():
            if key not in kept and value is not None:
                return f"{path}.{key}"
            if key in kept and (found := _lost(value, kept[key], f"{path}.{key}")):
                return found
    elif isinstance(sent, list) and isinstance(kept, (list, tuple)):
        for index, (a, b) in enumerate(zip(sent, kept, strict=True)):
            if found := _lost(a, b, f"{path}[{index}]"):
                return found
    return ""
