"""``python -m benchmarks.start FILE...``: how long the first answer takes, of the server and of the command.

initialize: process start to the answer, the server beside a pygls server without features, in turns. open: process start to the
first diagnostics of a file that is opened at once, with an empty cache and with the one that the first server left. small: ``ane-lsp
check`` of a small file as a whole process, without a cached result and with it. Seconds by the clock and of processor time; the
median of ``--rounds``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.edits import project
from benchmarks.processes import processor_time
from benchmarks.servers.__main__ import CAPABILITIES, OWN, Server

BARE = "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()"
SMALL = Path(__file__).parent.parent / "examples" / "detector_neck.py"
Times = dict[str, list[tuple[float, float]]]
"""By what was measured: seconds by the clock and of processor time of each round."""


async def started(command: str, root: Path, cache: Path) -> tuple[Server, float, float]:
    """A server that has answered `initialize`, and what that took."""
    began = time.perf_counter()
    server = await Server.start(command, ANE_LSP_CACHE_DIR=str(cache))
    folders = [{"uri": root.as_uri(), "name": "ws"}]
    await server.request("initialize", {"processId": os.getpid(), "rootUri": root.as_uri(), "capabilities": CAPABILITIES,
                                        "workspaceFolders": folders})  # fmt: skip
    return server, time.perf_counter() - began, processor_time(server.process.pid)


async def initialize(rounds: int, root: Path) -> Times:
    """The bare server and ours in turns, so that a machine's mood falls on both."""
    ways = {"initialize, bare pygls": shlex.join([sys.executable, "-c", BARE]), "initialize": OWN}
    found: Times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, command in ways.items():
            server, wall, cpu = await started(command, root, root)
            await server.stop()
            found[name].append((wall, cpu))
    return found


async def opened(file: Path, cache: Path) -> tuple[float, float]:
    """Starting a server and opening a file in it, to the file's diagnostics."""
    server, answered, _ = await started(OWN, project(file), cache)
    server.notify("initialized", {})
    text = file.read_text(encoding="utf-8")
    document = {"uri": file.as_uri(), "languageId": "python", "version": 1, "text": text}
    began, seen = time.perf_counter(), server.published
    server.notify("textDocument/didOpen", {"textDocument": document})
    await server.next_diagnostics(seen)
    took = answered + time.perf_counter() - began, processor_time(server.process.pid)
    await asyncio.sleep(0.5)  # it keeps its result after it has answered
    await server.stop()
    return took


async def opening(files: list[Path], rounds: int) -> Times:
    """Each file cold and from the cache."""
    found: Times = {}
    for _ in range(rounds):
        for file in files:
            with tempfile.TemporaryDirectory() as cache:
                for name in ("cold", "from the cache"):
                    found.setdefault(f"open {file.name}, {name}", []).append(await opened(file, Path(cache)))
    return found


def process(command: list[str], cwd: Path, env: dict[str, str]) -> tuple[float, float]:
    """A whole process and its children: by the clock and of processor time. Exit codes of linters are not errors here."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - began, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def small(rounds: int) -> Times:
    """The command on one small file."""
    own = [sys.executable, "-m", "ane_lsp", "check", "--exit-zero", "small.py"]
    found: Times = {"python -c pass": [], "check small.py, cold": [], "check small.py, from the cache": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copy(SMALL, folder / "small.py")
            env = {**os.environ, "ANE_LSP_CACHE_DIR": str(folder / "cache"),
                   "PYTHONPATH": str(Path(__file__).resolve().parents[1])}  # fmt: skip
            found["python -c pass"].append(process([sys.executable, "-c", "pass"], folder, env))
            for how in ("cold", "from the cache"):
                found[f"check small.py, {how}"].append(process(own, folder, env))
    return found


def rows(found: Times) -> list[dict[str, Any]]:
    """Medians in ms."""
    return [
        {"what": name, "n": len(times), **{kind: round(1000 * statistics.median(column), 1)
         for kind, column in zip(("wall", "cpu"), zip(*times))}}
        for name, times in found.items()
    ]  # fmt: skip


def measured(files: list[Path], rounds: int) -> list[dict[str, Any]]:
    """Everything, a row for each figure."""
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(initialize(rounds, Path(name)))
    found.update(asyncio.run(opening(files, max(1, rounds // 2))))
    found.update(small(rounds))
    return rows(found)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="files of about 300 lines to open")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    for row in measured([file.resolve() for file in args.files], args.rounds):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
