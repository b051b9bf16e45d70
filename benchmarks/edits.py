"""``python -m benchmarks.edits FILE...``: an edit of a real file to its diagnostics, by what was edited, beside pyright.

comment: a comment line at a random place. function: a statement more in a top-level function. forward, init: the same in the
``forward`` or ``__init__`` of a class, which leaves what is recorded as it was. operation: an operation more on the first input of
a ``forward``, which does not. hyper: another number as default of a constructor's parameter. Each kind through the
real server, one edit after the other, each taken back before the next: wall clock to the first diagnostics of that version (first),
which may be those of the first model followed with what was known of the others, and until all of them are known (wall: a
request for its diagnostics is answered), and the processor time that the server and its children took until then, which does
not depend on what else the machine does. What takes an edit back is answered from memory, and so counted by itself (back). At the end the memory they hold (proportional
share, so that pages of two processes count once). With ``--of OTHER`` another document is open, too, which reads the edited one, and it is the
diagnostics of that one that are waited for (wall); the very first edit, after which it is analysed anew, is not counted.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.processes import memory, processor_time
from benchmarks.servers.__main__ import CAPABILITIES, OWN, Server

KINDS = ("comment", "function", "forward", "init", "operation", "hyper")


def edits(text: str, kind: str, count: int, seed: int = 0) -> Iterator[str]:
    """`count` texts, each `text` with one edit of a kind. Fewer where the file has no place for one."""
    chance = random.Random(seed)
    lines = text.split("\n")
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    methods = {
        name: [f for c in tree.body if isinstance(c, ast.ClassDef) for f in c.body
               if isinstance(f, ast.FunctionDef) and f.name == name]
        for name in ("forward", "__init__")
    }  # fmt: skip
    places: list[tuple[int, int, str, str]] = []  # line from 0, column from, what stands there, what comes there
    if kind == "comment":
        starts = [(node.lineno - 1, node.col_offset) for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        places = [
            (line, 0, "", " " * column + "# typed {n}\n") for line, column in starts if not lines[line][:column].strip()
        ]
    elif kind == "hyper":
        for node in methods["__init__"]:
            for value in node.args.defaults:
                if (
                    isinstance(value, ast.Constant)
                    and isinstance(value.value, (int, float))
                    and type(value.value) is not bool
                    and value.lineno == value.end_lineno
                ):
                    new = f"{float(value.value)}{{n}}" if type(value.value) is float else str(value.value * 2)
                    places.append(
                        (
                            value.lineno - 1,
                            value.col_offset,
                            str(lines[value.lineno - 1][value.col_offset : value.end_col_offset]),
                            new,
                        )
                    )
    else:
        chosen = functions if kind == "function" else methods["__init__" if kind == "init" else "forward"]
        for node in chosen:
            statement = "typed = {n}"
            if kind == "operation":
                if len(node.args.args) < 2:
                    continue
                statement = f"{node.args.args[1].arg} = {node.args.args[1].arg} * {{n}}"
            first = next(
                (s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))), None
            )
            if first is not None and not lines[first.lineno - 1][: first.col_offset].strip():
                places.append((first.lineno - 1, 0, "", " " * first.col_offset + statement + "\n"))
    chance.shuffle(places)
    for number in range(min(count, count if places else 0)):
        line, column, old, new = places[number % len(places)]
        changed = lines[line][:column] + new.format(n=number + 1) + lines[line][column + len(old) :]
        yield "\n".join([*lines[:line], changed, *lines[line + 1 :]])


def project(file: Path) -> Path:
    """The folder an editor would have open: the innermost around a file that is no package."""
    folder = file.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


async def session(
    command: str, file: Path, counts: dict[str, int], pause: float, other: Path | None = None
) -> dict[str, Any]:
    """One server, one file: seconds of wall and processor time by kind. other: whose diagnostics are waited for, where not the file's."""
    text = file.read_text(encoding="utf-8")
    server = await Server.start(command)
    pid = server.process.pid
    root = project(file).as_uri()
    await server.request("initialize", {"processId": os.getpid(), "rootUri": root, "capabilities": CAPABILITIES,
                                        "workspaceFolders": [{"uri": root, "name": "ws"}]})  # fmt: skip
    server.notify("initialized", {})
    uri, version = file.as_uri(), 1
    began, seen, cpu = time.perf_counter(), server.published, processor_time(pid)
    server.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}})  # fmt: skip
    await server.next_diagnostics(seen)
    first = time.perf_counter() - began

    if other is not None:
        document = {
            "uri": other.as_uri(),
            "languageId": "python",
            "version": 1,
            "text": other.read_text(encoding="utf-8"),
        }
        server.notify("textDocument/didOpen", {"textDocument": document})

    async def whole() -> None:
        if command == OWN:  # others say it once
            await server.request("textDocument/diagnostic", {"textDocument": {"uri": (other or file).as_uri()}})

    def typed(changed: str) -> None:
        nonlocal version
        version += 1
        document = {"uri": uri, "version": version}
        server.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": changed}]})

    await whole()
    took = time.perf_counter() - began
    rows: dict[str, Any] = {"open": {"first": [first], "wall": [took], "cpu": [processor_time(pid) - cpu]}}
    if other is not None:
        for changed in (*edits(text, "comment", 1), text):
            typed(changed)
            await whole()
    for kind, count in counts.items():
        row = rows[kind] = {"first": [], "wall": [], "cpu": [], "back": []}
        for changed in (one for edited in edits(text, kind, count) for one in (edited, text)):
            await asyncio.sleep(pause)  # what an answer leaves to be done must not count for the next
            cpu, seen, began = processor_time(pid), server.published, time.perf_counter()
            typed(changed)
            await server.next_diagnostics(seen)
            told = time.perf_counter() - began
            await whole()
            if changed is text:
                row["back"].append(time.perf_counter() - began)
                continue
            row["first"].append(told)
            row["wall"].append(time.perf_counter() - began)
            row["cpu"].append(processor_time(pid) - cpu)
    rows["memory"] = round(memory(pid), 1)
    await server.stop()
    return rows


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(
    servers: dict[str, str], files: list[Path], counts: dict[str, int], pause: float, other: Path | None = None
) -> list[dict[str, Any]]:
    """A row for each file, server and kind: milliseconds."""
    found = []
    for file in files:
        for name, command in servers.items():
            rows = asyncio.run(session(command, file, counts, pause, other))
            held = rows.pop("memory")
            for kind, times in rows.items():
                if times["wall"]:
                    found.append({
                        "file": file.name, "server": name, "kind": kind, "n": len(times["wall"]), "memory_mb": held,
                        **{f"{what}_p{share}": round(1000 * quantile(times[what], share / 100), 1)
                           for what in ("first", "wall", "cpu", "back") if times.get(what) for share in (50, 95)},
                    })  # fmt: skip
                    print(json.dumps(found[-1]), flush=True)
    return found


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument(
        "--server", action="append", default=[], metavar="NAME=COMMAND", help="a server to compare with"
    )
    parser.add_argument("--edits", type=int, default=10, help="edits of each kind")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which kinds, with commas")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two edits")
    parser.add_argument("--of", type=Path, help="wait for the diagnostics of this file, which reads the edited one")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    args = parser.parse_args()
    servers = {"ane-lsp": OWN, **dict(given.split("=", 1) for given in args.server)}
    counts = dict.fromkeys(args.kinds.split(","), args.edits)
    rows = table(servers, [file.resolve() for file in args.files], counts, args.pause, args.of and args.of.resolve())
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(f"{row['file']:24} {row['server']:12} {row['kind']:9} first p50 {row['first_p50']:9.1f} wall p50 {row['wall_p50']:9.1f} p95 {row['wall_p95']:9.1f} ms"
              f"  cpu p50 {row['cpu_p50']:8.1f} p95 {row['cpu_p95']:8.1f} ms  n={row['n']}  {row['memory_mb']} MB")  # fmt: skip


if __name__ == "__main__":
    main()
