"""``python -m benchmarks.memory FOLDER``: what the server holds with a package as its workspace and files of it open.

``--open`` files that import torch are opened, the largest among them, and everything is waited for: diagnostics of each, and
what the server does while nobody asks. Then ``--edits`` lines are typed, in one file after the other, each answered. Prints the
memory of the server and its processes after each step, shared pages by their share.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.processes import memory
from benchmarks.servers.__main__ import OWN
from benchmarks.soak.__main__ import Client
from benchmarks.soak.typist import Document

REST = 5.0
"""Seconds for what happens while nobody asks."""


def chosen(folder: Path, count: int, seed: int) -> list[Document]:
    """Files of the folder: a quarter of them the largest, the rest at random."""
    files = [p for p in sorted(folder.rglob("*.py")) if "torch" in p.read_text(encoding="utf-8")]
    largest = sorted(files, key=lambda p: -p.stat().st_size)[: count // 4]
    others = [p for p in files if p not in largest]
    rest = random.Random(seed).sample(others, min(len(others), count - len(largest)))
    return [Document(path.as_uri(), path.read_text(encoding="utf-8")) for path in (*largest, *rest)]


async def measure(
    folder: Path, count: int, edits: int, seed: int, say: Callable[[str], None], rest: float = REST
) -> dict[str, Any]:
    """Open, wait, type. Megabytes with the files open, after a rest and after the edits (0 without any)."""
    client = await Client.start(OWN)
    await client.begin(folder)
    pid = client.process.pid
    documents = chosen(folder, count, seed)
    for document in documents:
        client.open(document)
    for document in documents:
        await client.answered(document)
    opened, edited = memory(pid), 0.0
    say(f"{len(documents)} files open, {sum(len(d.text) for d in documents):,} characters: {opened:.0f} MB")
    await asyncio.sleep(rest)
    rested = memory(pid)
    say(f"after {rest:g} s of rest: {rested:.0f} MB")
    for number in range(edits):
        document = documents[number * 10 // max(edits, 1) * len(documents) // 10 % len(documents)]
        at = document.text.index("\n") + 1
        client.change(document, document.replace(at, at, f"# line {number}\n"))
        await client.answered(document)
        if number % max(1, edits // 10) == edits // 10 - 1:
            edited = memory(pid)
            say(f"after {number + 1:,} edits: {edited:.0f} MB ({edited / rested:.2f} of that)")
    await client.stop()
    return {"name": folder.name, "open": len(documents), "opened": round(opened, 1), "rested": round(rested, 1),
            "edits": edits, "edited": round(edited, 1)}  # fmt: skip


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--open", type=int, default=20)
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    asyncio.run(measure(args.folder.resolve(), args.open, args.edits, args.seed, partial(print, flush=True)))


if __name__ == "__main__":
    main()
