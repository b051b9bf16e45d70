"""An hour of random edits against the real server: ``python -m benchmarks.soak --minutes 60 --files 200``.

The files are real (timm, torchvision, transformers, the examples, the traced models); timm and torchvision are copied into a
workspace, so that open files import each other. At most ``--open`` are open at a time; each comes and goes many times. After
a burst of edits the typist reads for up to ``--read`` seconds, or until the diagnostics come: the time from the last edit to
the diagnostics of its version is the latency. What was typed over before it was answered is counted as such. Requests are
made in between.

At the end every file (or ``--compare`` of them) is opened once more, in batches, in the server that was soaked and in a fresh one: the texts must be
equal (by the digests of ``ane-lsp.debugInfo``) and so must the diagnostics. Writes ``docs/assets/soak.json`` and ``soak.svg``.
Exits 1 where something differs, a request failed, or memory grew: the server's own by more than a tenth over the second half; that
of the analysis process, which rises until another takes its place, beyond what it is replaced at and one large file more.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import hashlib
import json
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ane_lsp.server.engine import MAX_GROWN
from benchmarks.packages import required
from benchmarks.servers.__main__ import OWN, Server
from benchmarks.soak.plot import svg
from benchmarks.soak.typist import Document, burst

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "docs" / "assets"
CAPABILITIES = {
    "textDocument": {
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": True},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}},
    }
}
BUDGET = 10.0
"""Seconds of analysis a file may take."""
SAMPLE = 10.0
SETTLE = 150.0
"""Seconds a batch of the final comparison may take to say its last word."""
GROWTH = 1.10
CEILING = 3 * MAX_GROWN / 1e6
"""MB that the analysis process may hold: it is replaced between two questions once it has grown by two thirds of that."""
NOISE = {"budget"}
"""Codes that depend on how busy the machine is: files that carry one are not compared."""
FINE = {-32800, -32801, -32802}  # cancelled or superseded: the client asks again


class Client(Server):
    """A server with the newest diagnostics of each document."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.diagnostics: dict[str, tuple[int | None, list[Any]]] = {}
        self.heard = 0.0
        self.typed: dict[str, tuple[int, float]] = {}  # the last edit of each document: its version and when
        self.latencies: list[tuple[float, float]] = []  # when typed, and seconds to the diagnostics of that version
        super().__init__(process)

    def on_publish(self, params: dict[str, Any]) -> None:
        self.diagnostics[params["uri"]] = (params.get("version"), params["diagnostics"])
        self.heard = time.monotonic()
        version, when = self.typed.get(params["uri"], (-1, 0.0))
        if version == params.get("version"):
            self.latencies.append((when, self.heard - when))
            del self.typed[params["uri"]]

    async def begin(self, root: Path) -> None:
        """The handshake."""
        folders = [{"uri": root.as_uri(), "name": "ws"}]
        await self.request(
            "initialize", {"processId": os.getpid(), "rootUri": root.as_uri(), "capabilities": CAPABILITIES,
                           "workspaceFolders": folders, "initializationOptions": {"python": sys.prefix, "budget": BUDGET}},
        )  # fmt: skip
        self.notify("initialized", {})

    def open(self, document: Document) -> None:
        document.version += 1
        self.diagnostics.pop(document.uri, None)
        item = {"uri": document.uri, "languageId": "python", "version": document.version, "text": document.text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def close(self, document: Document) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": document.uri}})

    def change(self, document: Document, change: dict[str, Any]) -> None:
        document.version += 1
        identifier = {"uri": document.uri, "version": document.version}
        self.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})

    async def answered(self, document: Document) -> None:
        """Wait for the diagnostics of the document's present version."""
        await self.until(lambda: (self.diagnostics.get(document.uri) or (None,))[0] == document.version)


def choose(workspace: Path, number: int, chance: random.Random) -> list[Path]:
    """Copies timm and torchvision into the workspace; the files to edit, those of transformers where they are."""
    found: list[list[Path]] = []
    for name in ("timm", "torchvision"):
        source = required(name)
        shutil.copytree(source, workspace / name, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
        found.append(sorted((workspace / name).rglob("*.py")))
    package = required("transformers")
    found.append(sorted(package.glob("models/*/modeling_*.py")))
    (workspace / "own").mkdir()
    own = [*sorted((ROOT / "examples").glob("*.py")), *sorted((ROOT / "tests" / "data").rglob("*.py"))]
    for path in own:
        shutil.copy(path, workspace / "own" / path.name)
    found.append(sorted((workspace / "own").glob("*.py")))
    shares = (0.40, 0.22, 0.28, 0.10)
    chosen: list[Path] = []
    for paths, share in zip(found, shares, strict=True):
        torch = [p for p in paths if "torch" in (text := p.read_text(encoding="utf-8")) and "\r" not in text]
        chosen += chance.sample(torch, min(len(torch), round(number * share)))
    return chosen


def processes(root: int) -> dict[int, float]:
    """Resident megabytes of a process and its children, the process first. Linux only; empty elsewhere."""
    found: dict[int, float] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop(0)
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            children = [Path(p, "children").read_text().split() for p in Path(f"/proc/{pid}/task").iterdir()]
        except OSError:
            continue
        size = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")), "0")
        found[pid] = int(size) / 1024
        waiting += [int(child) for each in children for child in each]
    return found


@dataclass
class Record:
    """What happened. outrun: bursts that were not answered while the typist read. latencies, requests: (seconds since the start, milliseconds). memory: (seconds, server, worker) in MB."""

    edits: int = 0
    bursts: int = 0
    outrun: int = 0
    latencies: list[tuple[float, float]] = field(default_factory=list)
    requests: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


async def watch(record: Record, pid: int, began: float) -> None:
    """Sample memory until cancelled."""
    while True:
        sizes = list(processes(pid).values())
        if sizes:
            record.memory.append((time.monotonic() - began, sizes[0], sum(sizes[1:])))
        await asyncio.sleep(SAMPLE)


async def soak(client: Client, documents: list[Document], args: argparse.Namespace, record: Record) -> list[Document]:
    """Edit until the time is over; the documents left open."""
    chance = random.Random(args.seed)
    began = time.monotonic()
    memory = asyncio.ensure_future(watch(record, client.process.pid, began))
    opened: list[Document] = []
    asking: set[asyncio.Future[None]] = set()
    while time.monotonic() - began < 60 * args.minutes and record.edits < args.edits:
        if len(opened) < args.open or chance.random() < 0.04:
            if len(opened) >= args.open:
                client.close(opened.pop(chance.randrange(len(opened))))
            closed = [d for d in documents if d not in opened]
            opened.append(chance.choice(closed))
            client.open(opened[-1])
        # Most of the work goes into the document that was opened last, as it does in an editor.
        document = opened[-1] if chance.random() < 0.6 else chance.choice(opened)
        last = 0.0
        for _ in range(chance.randint(1, args.thoughts)):
            for change in burst(document, chance):
                client.change(document, change)
                record.edits += 1
                last = time.monotonic()
                await asyncio.sleep(args.pause)
        record.bursts += 1
        if last:
            client.typed[document.uri] = document.version, last
            try:
                await asyncio.wait_for(client.answered(document), args.read)
            except asyncio.TimeoutError:
                record.outrun += 1
        if chance.random() < 0.3 and len(asking) < 5:
            asking.add(asyncio.ensure_future(ask(client, document, chance, record, began)))
            asking = {task for task in asking if not task.done()}
        if client.process.returncode is not None:
            record.failures.append(f"the server ended with code {client.process.returncode}")
            break
        if record.bursts % 100 == 0:
            left = time.monotonic() - began
            print(
                f"{left / 60:5.1f} min, {record.edits} edits, {sum(record.memory[-1][1:]) if record.memory else 0:.0f} MB",
                flush=True,
            )
    await asyncio.gather(*asking, return_exceptions=True)
    memory.cancel()
    record.latencies = [(when - began, 1000 * took) for when, took in client.latencies]
    return opened


async def ask(client: Client, document: Document, chance: random.Random, record: Record, began: float) -> None:
    """One request about a random place."""
    place = document.place(chance.randrange(len(document.text) + 1))
    uri = {"textDocument": {"uri": document.uri}}
    span = {"start": {"line": max(0, place["line"] - 30), "character": 0}, "end": place}
    method, params = chance.choice([
        ("textDocument/hover", {**uri, "position": place}),
        ("textDocument/inlayHint", {**uri, "range": span}),
        ("textDocument/codeAction", {**uri, "range": span, "context": {"diagnostics": [], "triggerKind": 2}}),
        ("textDocument/codeLens", uri),
    ])  # fmt: skip
    started = time.monotonic()
    answer = await client.request(method, params)
    record.requests.append((started - began, 1000 * (time.monotonic() - started)))
    if "error" in answer and answer["error"]["code"] not in FINE:
        record.failures.append(f"{method}: {answer['error']['message']}")


def plain(items: list[Any]) -> list[str]:
    """Diagnostics in an order of their own."""
    return sorted(json.dumps(item, sort_keys=True) for item in items)


async def settled(client: Client, documents: list[Document]) -> None:
    """Wait until each document's present version was published and nothing more comes."""
    end = time.monotonic() + SETTLE
    for document in documents:
        left = max(0.1, end - time.monotonic())
        try:
            await asyncio.wait_for(client.answered(document), left)
        except asyncio.TimeoutError:
            return
    while time.monotonic() < end:
        info = await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
        if all(unit["fresh"] for unit in info["result"]["documents"]) and time.monotonic() - client.heard > 0.5:
            return
        await asyncio.sleep(0.2)


async def compare(soaked: Client, fresh: Client, documents: list[Document], batch: int) -> dict[str, Any]:
    """Open every document in both servers, a batch at a time: which texts and diagnostics differ."""
    found: dict[str, Any] = {"documents": 0, "findings": 0, "skipped": 0, "texts": [], "diagnostics": []}
    for at in range(0, len(documents), batch):
        part = documents[at : at + batch]
        for document in part:
            soaked.open(document)
            fresh.notify("textDocument/didOpen", {"textDocument": {
                "uri": document.uri, "languageId": "python", "version": document.version, "text": document.text,
            }})  # fmt: skip
        await asyncio.gather(settled(soaked, part), settled(fresh, part))
        digests = []
        for client in (soaked, fresh):
            info = await client.request("workspace/executeCommand", {"command": "ane-lsp.debugInfo"})
            digests.append({unit["uri"]: unit["digest"] for unit in info["result"]["documents"]})
        for document in part:
            own = hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            if any(own not in each.values() for each in digests):
                found["texts"].append(document.uri)
            versions = [client.diagnostics.get(document.uri, (None, [])) for client in (soaked, fresh)]
            if any(
                version != document.version or {i.get("code") for i in items} & NOISE for version, items in versions
            ):
                found["skipped"] += 1
                continue
            found["documents"] += 1
            found["findings"] += len(versions[1][1])
            first, second = (plain(items) for _, items in versions)
            if first != second:
                only = [sorted(set(first) - set(second))[:3], sorted(set(second) - set(first))[:3]]
                found["diagnostics"].append({"uri": document.uri, "soaked only": only[0], "fresh only": only[1]})
        for document in part:
            soaked.close(document)
            fresh.close(document)
        print(f"compared {at + len(part)} of {len(documents)}: {len(found['diagnostics'])} differ", flush=True)
    return found


def quantiles(values: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in ms."""
    ordered = sorted(values)
    if not ordered:
        return {}

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"n": len(ordered), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)}


def growth(memory: list[tuple[float, float, float]]) -> float:
    """The server's own memory: the median of the last quarter against that of the second."""
    sizes = [server for _, server, _ in memory]
    if len(sizes) < 16:
        return 1.0
    quarter = len(sizes) // 4
    return statistics.median(sizes[-quarter:]) / statistics.median(sizes[quarter : 2 * quarter])


def lowest(memory: list[tuple[float, float, float]]) -> list[int]:
    """MB of the analysis process at its lowest in each quarter: it is back there once it was replaced."""
    quarter = max(1, len(memory) // 4)
    return [
        round(min(worker for _, _, worker in memory[at : at + quarter]))
        for at in range(0, 4 * quarter, quarter)
        if memory[at:]
    ]


def minutes(points: list[tuple[float, float]], share: float) -> list[tuple[float, float]]:
    """A quantile for each minute."""
    by_minute: dict[int, list[float]] = {}
    for when, value in points:
        by_minute.setdefault(int(when // 60), []).append(value)
    return [(m + 0.5, sorted(v)[min(len(v) - 1, int(share * len(v)))]) for m, v in sorted(by_minute.items())]


def write(
    record: Record, compared: dict[str, Any], args: argparse.Namespace, files: int, seconds: float
) -> dict[str, Any]:
    """The figures and the plot."""
    memory = [(when / 60, server, worker) for when, server, worker in record.memory]
    figures = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} shared cores, {platform.system()}, Python {platform.python_version()}",
        "minutes": round(seconds / 60, 1), "files": files, "open": args.open, "edits": record.edits, "bursts": record.bursts,
        "bursts not answered while the typist read": record.outrun,
        "edit to diagnostics, ms": quantiles([v for _, v in record.latencies]),
        "requests, ms": quantiles([v for _, v in record.requests]),
        "memory, MB": {
            "server": [round(f(s for _, s, _ in memory)) for f in (min, max)] if memory else [],
            "worker": [round(f(w for _, _, w in memory)) for f in (min, max)] if memory else [],
            "server, last quarter against the second": round(growth(record.memory), 3),
            "worker, lowest of each quarter": lowest(record.memory),
        },
        "failures": record.failures[:20], "failure count": len(record.failures),
        "compared at the end": {**compared, "texts": len(compared["texts"]), "diagnostics": len(compared["diagnostics"])},
    }  # fmt: skip
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "soak.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    title = f"{record.edits:,} random edits over {files} files in {seconds / 60:.0f} minutes, two shared cores"
    latency = [("median", minutes(record.latencies, 0.5)), ("p95", minutes(record.latencies, 0.95))]
    sizes = [("server", [(m, s) for m, s, _ in memory]), ("analysis process", [(m, w) for m, _, w in memory])]
    asked = [("median", minutes(record.requests, 0.5)), ("p95", minutes(record.requests, 0.95))]
    panels = [("edit to diagnostics, ms", latency), ("requests, ms", asked), ("memory, MB", sizes)]
    (args.out / "soak.svg").write_text(svg(title, panels), encoding="utf-8")
    return figures


async def run(args: argparse.Namespace) -> int:
    """Soak, compare, write."""
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="ane-soak-") as name:
        workspace = Path(name).resolve()
        paths = choose(workspace, args.files, chance)
        documents = [Document(path.as_uri(), path.read_text(encoding="utf-8")) for path in paths]
        record = Record()
        client = await Client.start(OWN)
        await client.begin(workspace)
        began = time.monotonic()
        opened = await soak(client, documents, args, record)
        seconds = time.monotonic() - began
        for document in opened:
            client.close(document)
        fresh = await Client.start(OWN)
        await fresh.begin(workspace)
        last = chance.sample(documents, min(len(documents), args.compare))
        compared = await compare(client, fresh, last, args.open)
        await client.stop()
        await fresh.stop()
    figures = write(record, compared, args, len(paths), seconds)
    print(json.dumps(figures, indent=1))
    for differing in (*compared["texts"], *compared["diagnostics"]):
        print("differs:", differing)
    grown = growth(record.memory) > GROWTH or max(figures["memory, MB"]["worker"], default=0) > CEILING
    return 1 if record.failures or compared["texts"] or compared["diagnostics"] or grown else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--edits", type=int, default=100_000, help="stop after so many (default: 100,000)")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--open", type=int, default=20, help="documents open at a time (default: 20)")
    parser.add_argument(
        "--pause", type=float, default=0.01, help="seconds between the edits of a burst (default: 0.01)"
    )
    parser.add_argument("--read", type=float, default=1.5, help="seconds the typist waits after a burst (default: 1.5)")
    parser.add_argument("--thoughts", type=int, default=5, help="at most so many changes in a row before reading")
    parser.add_argument("--compare", type=int, default=200, help="files compared at the end (default: 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder of the figures (default: docs/assets)")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
