"""Times language servers as an editor meets them: ``python -m benchmarks.servers FILE... --server NAME=COMMAND...``.

For each server and file: process start to the answer of ``initialize``, opening the file to its first diagnostics, and a
typed comment to the diagnostics of that version, one edit after the other. Servers take turns, so that a machine's mood
falls on all of them. ``--save`` writes ``figures.json`` beside this file, which the documentation draws.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import platform
import shlex
import signal
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.processes import family

FIGURES = Path(__file__).resolve().parent / "figures.json"
OWN = f"{sys.executable} -P -m ane_lsp server" if sys.version_info >= (3, 11) else f"{sys.executable} -m ane_lsp server"
CAPABILITIES = {"textDocument": {"publishDiagnostics": {"versionSupport": True}}}
_PATIENCE = 600.0


Spoken = TypeVar("Spoken", bound="Server")


class Server:
    """One process, spoken to in raw JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.news = asyncio.Event()
        self.replies: dict[int, Any] = {}
        self.published = 0
        self.reading = asyncio.ensure_future(self._read())
        self.sent = 0

    @classmethod
    async def start(cls: type[Spoken], command: str, **variables: str) -> Spoken:
        words = shlex.split(command)
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **variables}
        process = await asyncio.create_subprocess_exec(
            *words, stdin=pipe, stdout=pipe, stderr=null, limit=1 << 26, env=environment
        )
        return cls(process)

    async def _read(self) -> None:
        reader = self.process.stdout
        assert reader is not None
        while True:
            size = 0
            while (line := (await reader.readline()).strip()) != b"":
                name, _, value = line.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            if not size:
                return
            message = json.loads(await reader.readexactly(size))
            if message.get("method") == "textDocument/publishDiagnostics":
                self.published += 1
                self.on_publish(message["params"])
            elif "method" in message and "id" in message:
                answer: Any = None
                if message["method"] == "workspace/configuration":
                    answer = [None] * len(message["params"]["items"])
                self.on_request(message)
                self.write({"id": message["id"], "result": answer})
            elif "id" in message:
                self.replies[message["id"]] = message
            self.news.set()

    def on_publish(self, params: dict[str, Any]) -> None:
        """Diagnostics came in; timing needs no more than that."""

    def on_request(self, message: dict[str, Any]) -> None:
        """The server asks for something; it is answered with null."""

    def write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: Any) -> None:
        self.write({"method": method, "params": params})

    async def request(self, method: str, params: Any) -> Any:
        self.sent += 1
        number = self.sent
        self.write({"id": number, "method": method, "params": params})
        await self.until(lambda: number in self.replies)
        return self.replies[number]

    async def until(self, condition: Any) -> None:
        async def wait() -> None:
            while not condition():
                self.news.clear()
                await self.news.wait()

        await asyncio.wait_for(wait(), _PATIENCE)

    async def next_diagnostics(self, before: int) -> None:
        await self.until(lambda: self.published > before)

    async def stop(self) -> None:
        for pid in reversed(family(self.process.pid)):  # a wrapper's child would keep the pipes, and so the wait, open
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.process.wait()
        self.reading.cancel()


async def session(command: str, file: Path, edits: int) -> dict[str, list[float]]:
    """One server, one file. Seconds."""
    text = file.read_text(encoding="utf-8")
    started = time.perf_counter()
    server = await Server.start(command)
    root = file.parent.as_uri()
    folders = [{"uri": root, "name": "ws"}]
    await server.request(
        "initialize",
        {"processId": os.getpid(), "rootUri": root, "capabilities": CAPABILITIES, "workspaceFolders": folders},
    )
    took = {"start": [time.perf_counter() - started], "open": [], "edit": []}
    server.notify("initialized", {})
    uri = file.as_uri()
    started = time.perf_counter()
    seen = server.published
    server.notify(
        "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}}
    )
    await server.next_diagnostics(seen)
    took["open"].append(time.perf_counter() - started)
    middle = text.count("\n") // 2
    lines = text.split("\n")
    for version in range(2, edits + 2):
        await asyncio.sleep(0.3)  # late answers to the edit before must not count for this one
        lines.insert(middle, "# typed")
        seen = server.published
        started = time.perf_counter()
        server.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": "\n".join(lines)}]},
        )
        await server.next_diagnostics(seen)
        took["edit"].append(time.perf_counter() - started)
    await server.stop()
    return took


async def measure(servers: dict[str, str], files: list[Path], rounds: int, edits: int) -> list[dict[str, Any]]:
    """Medians in ms, a row for each file and server."""
    rows = []
    for file in files:
        found: dict[str, dict[str, list[float]]] = {name: {"start": [], "open": [], "edit": []} for name in servers}
        for _ in range(rounds):
            for name, command in servers.items():
                try:
                    took = await session(command, file, edits)
                except (asyncio.TimeoutError, ConnectionError, OSError) as error:
                    print(f"{name}: {file.name}: {type(error).__name__} {error}", file=sys.stderr)
                    continue
                for key, values in took.items():
                    found[name][key] += values
        for name, times in found.items():
            medians = {key: round(1000 * statistics.median(values), 1) for key, values in times.items() if values}
            size = len(file.read_text(encoding="utf-8").splitlines())
            rows.append({"server": name, "file": file.name, "lines": size, "n": len(times["edit"]), **medians})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--server", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--edits", type=int, default=10)
    parser.add_argument("--save", action="store_true", help=f"write {FIGURES.name}")
    args = parser.parse_args()
    servers = {"ane-lsp": OWN, **dict(given.split("=", 1) for given in args.server)}
    rows = asyncio.run(measure(servers, [file.resolve() for file in args.files], args.rounds, args.edits))
    if args.save:
        document = {
            "date": datetime.date.today().isoformat(),
            "machine": f"{os.cpu_count()} shared cores, {platform.system()}, Python {platform.python_version()}",
            "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known",
            "rounds": args.rounds,
            "rows": rows,
        }
        FIGURES.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
