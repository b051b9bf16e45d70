"""Figures of the server, side by side in one run: ``python tests/server/measure.py [FILE.py]``. Ratios are what counts.

initialize: process start to the answer, against a pygls server with no features. hover while analysing: the analysis of the
stand-in spins for as long as it likes, in a worker process or on a thread of the server. With FILE, edits of that file are
answered by the real analysis.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path

from lsp_client import Client, command, environment

BARE = "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()"
PARAMS = {"processId": None, "rootUri": None, "capabilities": {}}
URI = "file:///ws/m.py"


async def begin(arguments: list[str]) -> Client:
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=environment(), limit=1 << 27,
    )  # fmt: skip
    return Client(process)


def row(name: str, samples: list[float]) -> None:
    ordered = sorted(samples)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    low, middle = 1000 * ordered[0], 1000 * statistics.median(ordered)
    print(f"{name:58} min {low:8.1f}  p50 {middle:8.1f}  p95 {1000 * p95:8.1f} ms  n={len(ordered)}", flush=True)


async def initialize(rounds: int) -> None:
    ways = {
        "initialize, bare pygls": [sys.executable, "-c", BARE],
        "initialize, ane-lsp": command(analyst=None),
        "initialize, ane-lsp --in-process": command("--in-process", analyst=None),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, arguments in ways.items():
            started = time.perf_counter()
            client = await begin(arguments)
            await client.request("initialize", PARAMS, 60)
            times[name].append(time.perf_counter() - started)
            await client.stop()
    for name, samples in times.items():
        row(name, samples)


async def busy(rounds: int) -> None:
    """Requests while an analysis spins."""
    for name, options in (("worker process", []), ("thread", ["--in-process"])):
        client = await begin(command(*options))
        await client.initialize(folders=[])
        client.open(URI, "# SLOW 600\n")
        await asyncio.sleep(0.5)
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            await client.request("textDocument/documentLink", {"textDocument": {"uri": URI}})
            times.append(time.perf_counter() - started)
        row(f"request while an analysis spins, {name}", times)
        await client.stop()


async def round_trip(rounds: int) -> None:
    """Edit to diagnostics where the analysis is one ast.parse: mostly what the server itself costs."""
    for name, options in (("worker process", []), ("thread", ["--in-process"])):
        client = await begin(command(*options))
        await client.initialize(folders=[])
        client.open(URI, "x = 1\n" * 5000)
        await client.published(URI, 1)
        times = []
        for version in range(2, rounds + 2):
            started = time.perf_counter()
            place = {"line": 2500, "character": 0}
            client.change(URI, version, {"range": {"start": place, "end": place}, "text": "y"})
            await client.published(URI, version)
            times.append(time.perf_counter() - started)
        row(f"edit of 5,000 lines to diagnostics, ast.parse alone, {name}", times)
        await client.stop()


async def real(path: Path, rounds: int) -> None:
    """Edits of a real file, answered by the real analysis."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    for name, options in (("worker process", []), ("thread", ["--in-process"])):
        client = await begin(command(*options, analyst=None))
        await client.initialize(folders=[path.parent])
        uri = path.as_uri()
        started = time.perf_counter()
        client.open(uri, text)
        await client.published(uri, 1, 300)
        row(f"{path.name}: open to diagnostics, cold, {name}", [time.perf_counter() - started])
        edits, hovers = [], []
        doc = {"textDocument": {"uri": uri}}
        for version in range(2, rounds + 2):
            place = {"line": lines // 2, "character": 0}
            started = time.perf_counter()
            change = {"range": {"start": place, "end": place}, "text": "# a comment\n"}
            client.change(uri, version, change)
            await client.published(uri, version, 300)
            edits.append(time.perf_counter() - started)
            started = time.perf_counter()
            await client.request(
                "textDocument/hover", {**doc, "position": {"line": lines // 2 + version, "character": 20}}
            )
            hovers.append(time.perf_counter() - started)
        row(f"{path.name}: edit to diagnostics, {name}", edits)
        row(f"{path.name}: hover, {name}", hovers)
        await client.stop()


async def main() -> None:
    for argument in sys.argv[1:]:
        await real(Path(argument).resolve(), 15)
    await initialize(7)
    await busy(200)
    await round_trip(100)


if __name__ == "__main__":
    asyncio.run(main())
