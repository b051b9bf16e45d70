"""``python -m benchmarks.warm FILE...``: a file that is open and analysed: requests, typing, memory.

requests: hover, inlay hints and code actions, each at a random place, one after the other. typing: 20 edits a second for some
seconds, each a letter more of a name in one method; afterwards the time from the last key to the diagnostics of its version,
beside what such an edit takes by itself, and how many analyses the keys in between were answered with: where keys queue up, the
first grows with the seconds. memory: what the server and its children hold after each tenth of many quick edits (``--many
10000``).
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import os
import random
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Any

from ane_lsp.server.worker import REST
from benchmarks.edits import KINDS, edits, project, quantile
from benchmarks.processes import memory
from benchmarks.servers.__main__ import OWN, Server

_EVERY = 0.05
_CAPABILITIES = {
    "textDocument": {
        "publishDiagnostics": {"versionSupport": True},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor", "source"]}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        },
        "inlayHint": {"resolveSupport": {"properties": ["tooltip"]}},
        "hover": {"contentFormat": ["markdown"]},
    }
}


class Watched(Server):
    """Remembers when the diagnostics of which version came."""

    def on_publish(self, params: dict[str, Any]) -> None:
        self.__dict__.setdefault("versions", {}).setdefault(params.get("version"), time.perf_counter())


class Editor:
    """A server with one open file."""

    def __init__(self, server: Watched, file: Path) -> None:
        self.server = server
        self.uri = file.as_uri()
        self.text = file.read_text(encoding="utf-8")
        self.version = 1

    @classmethod
    async def start(cls, command: str, file: Path) -> Editor:
        server = await Watched.start(command)
        assert isinstance(server, Watched)
        editor, root = cls(server, file), project(file).as_uri()
        await server.request("initialize", {"processId": os.getpid(), "rootUri": root, "capabilities": _CAPABILITIES,
                                            "workspaceFolders": [{"uri": root, "name": "ws"}]})  # fmt: skip
        server.notify("initialized", {})
        document = {"uri": editor.uri, "languageId": "python", "version": 1, "text": editor.text}
        server.notify("textDocument/didOpen", {"textDocument": document})
        await editor.answered()
        return editor

    def change(self, text: str) -> None:
        self.version += 1
        document = {"uri": self.uri, "version": self.version}
        self.server.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def type(self, line: int, column: int, letters: str) -> None:
        """Put letters at a place, both from 0, as a range."""
        self.version += 1
        place = {"line": line, "character": column}
        changes = [{"range": {"start": place, "end": place}, "text": letters}]
        document = {"uri": self.uri, "version": self.version}
        self.server.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    async def answered(self) -> float:
        """When the diagnostics of the present version came."""
        versions: dict[int, float] = self.server.__dict__.setdefault("versions", {})
        await self.server.until(lambda: self.version in versions)
        return versions[self.version]


async def requests(editor: Editor, count: int) -> dict[str, list[float]]:
    """Seconds of each request, by kind."""
    chance = random.Random(0)
    lines = editor.text.split("\n")
    places = [
        (number, chance.randrange(len(line))) for number, line in enumerate(lines) if line.strip() and line.isascii()
    ]
    document = {"uri": editor.uri}
    took: dict[str, list[float]] = {"hover": [], "inlay hints": [], "code actions": []}
    for _ in range(count):
        line, column = chance.choice(places)
        place = {"line": line, "character": column}
        screen = {"start": {"line": max(0, line - 30), "character": 0}, "end": {"line": min(len(lines) - 1, line + 30), "character": 0}}  # fmt: skip
        asked = {
            "hover": ("textDocument/hover", {"textDocument": document, "position": place}),
            "inlay hints": ("textDocument/inlayHint", {"textDocument": document, "range": screen}),
            "code actions": ("textDocument/codeAction", {"textDocument": document, "context": {"diagnostics": []}, "range": {"start": place, "end": place}}),
        }  # fmt: skip
        for kind, (method, params) in asked.items():
            began = time.perf_counter()
            answer = await editor.server.request(method, params)
            took[kind].append(time.perf_counter() - began)
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
    return took


def place_to_type(text: str) -> tuple[int, int]:
    """The line, from 0, before the first statement of the longest forward, and its indentation."""
    methods = [
        f for c in ast.parse(text).body if isinstance(c, ast.ClassDef) for f in c.body
        if isinstance(f, ast.FunctionDef) and f.name == "forward"
    ]  # fmt: skip
    longest = max(methods, key=lambda f: (f.end_lineno or 0) - f.lineno)
    first = next(s for s in longest.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)))
    return first.lineno - 1, first.col_offset


async def typing(editor: Editor, seconds: float, alone: int = 10) -> dict[str, Any]:
    """Milliseconds of `alone` single keys and from the last of many, and how many of the versions were answered."""
    line, column = place_to_type(editor.text)
    editor.type(line, 0, " " * column + "x_ = 1\n")
    await editor.answered()
    column += 1
    singles = []
    for _ in range(alone):
        await asyncio.sleep(0.4)
        began = time.perf_counter()
        editor.type(line, column, "a")
        singles.append(await editor.answered() - began)
    first = editor.version
    began = due = time.perf_counter()
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        due += _EVERY
        last = time.perf_counter()
        editor.type(line, column, "b")
    settled = await editor.answered() - last
    versions = editor.server.__dict__["versions"]
    return {
        "single_p50": round(1000 * quantile(singles, 0.5), 1),
        "single_p95": round(1000 * quantile(singles, 0.95), 1),
        "after_last": round(1000 * settled, 1),
        "keys": editor.version - first,
        "answered": sum(1 for version in versions if version is not None and version > first),
    }


async def many(editor: Editor, count: int) -> dict[str, Any]:
    """Megabytes after each tenth of so many edits, no two numbers in them alike, once they are taken back; and the growth from the first
    tenth on."""
    kinds = [kind for kind in KINDS if next(edits(editor.text, kind, 1), None) is not None]
    texts = chain.from_iterable(zip(*(edits(editor.text, kind, count // len(kinds) + 1) for kind in kinds)))
    held = {}
    for number in range(1, count + 1):
        editor.change(next(texts))
        await editor.answered()
        if number % (count // 10) == 0:
            editor.change(editor.text)  # how much a text needs by itself is no growth
            await editor.answered()
            await asyncio.sleep(REST + 1)  # what is only garbage is let go of when no edit has come for a while
            held[number] = round(memory(editor.server.process.pid, "Pss_Anon"), 1)
            print(f"{number} edits: {held[number]} MB", file=sys.stderr, flush=True)
    return {"edits": held, "growth": round(held[count] / held[count // 10] - 1, 3)}


async def measured(command: str, file: Path, asked: int, seconds: float, edited: int) -> list[dict[str, Any]]:
    """A row for each part that is asked for: requests of each kind, seconds of typing, edits after which memory is compared."""
    editor = await Editor.start(command, file)
    rows: list[dict[str, Any]] = []
    if asked:
        for kind, took in (await requests(editor, asked)).items():
            rows.append({"part": kind, "n": len(took), **{f"p{share}": round(1000 * quantile(took, share / 100), 1) for share in (50, 95)}})  # fmt: skip
    if seconds:
        rows.append({"part": "typing", **await typing(editor, seconds, min(10, max(asked, 3)))})
        editor.change(editor.text)
        await editor.answered()
    if edited:
        rows.append({"part": "memory", **await many(editor, edited)})
    await editor.server.stop()
    return rows


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--command", default=OWN, help="another server")
    parser.add_argument("--requests", type=int, default=200, help="requests of each kind")
    parser.add_argument("--typing", type=float, default=5.0, metavar="SECONDS", help="how long to type")
    parser.add_argument("--many", type=int, default=0, metavar="EDITS", help="edits after which memory is compared")
    parser.add_argument("--out", type=Path, help="add the rows here, one JSON object a line")
    args = parser.parse_args()
    for file in args.files:
        asked = (args.requests, args.typing, args.many)
        for row in asyncio.run(measured(args.command, file.resolve(), *asked)):
            line = json.dumps({"file": file.name, **row})
            print(line, flush=True)
            if args.out is not None:
                with args.out.open("a", encoding="utf-8") as out:
                    out.write(line + "\n")


if __name__ == "__main__":
    main()
