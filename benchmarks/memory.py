"""``python -m benchmarks.memory FOLDER``: what the server holds with a package as its workspace and files of it open.

``--open`` files that import torch are opened, the largest among them, and everything is waited for: diagnostics of each, and
what the server does while nobody asks. Then ``--edits`` lines are typed, in one file after the other, each answered. Prints the
memory of the server and its processes after each step, shared pages by their share.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from pathlib import Path

from benchmarks.edits import memory
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


async def measure(folder: Path, count: int, edits: int, seed: int) -> None:
    """Open, wait, type; print."""
    client = await Client.start(OWN)
    await client.begin(folder)
    pid = client.process.pid
    documents = chosen(folder, count, seed)
    for document in documents:
        client.open(document)
    for document in documents:
        await client.answered(document)
    print(
        f"{len(documents)} files open, {sum(len(d.text) for d in documents):,} characters: {memory(pid):.0f} MB",
        flush=True,
    )
    await asyncio.sleep(REST)
    rested = memory(pid)
    print(f"after {REST:g} s of rest: {rested:.0f} MB", flush=True)
    for number in range(edits):
        document = documents[number * 10 // max(edits, 1) * len(documents) // 10 % len(documents)]
        at = document.text.index("\n") + 1
        client.change(document, document.replace(at, at, f"# line {number}\n"))
        await client.answered(document)
        if number % max(1, edits // 10) == edits // 10 - 1:
            print(f"after {number + 1:,} edits: {memory(pid):.0f} MB ({memory(pid) / rested:.2f} of that)", flush=True)
    await client.stop()


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--open", type=int, default=20)
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    asyncio.run(measure(args.folder.resolve(), args.open, args.edits, args.seed))


if __name__ == "__main__":
    main()
