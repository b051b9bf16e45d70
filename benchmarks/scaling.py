"""``python -m benchmarks.scaling FOLDER``: what ``ane-lsp check`` costs over growing parts of a folder, in time and memory.

The files that ``--match`` names are shuffled by ``--seed`` and each size takes the first of them, so that a larger part holds
the smaller ones and its mix of small and large files tends to that of the whole. For each part: processor seconds of the
command and its processes, seconds by the clock, and the most memory they held together (shared pages by their share). Then the
exponent of the cost (1: it grows with the files), and what the whole folder would cost at the rate of the largest part; that
last figure is extrapolated unless the largest part is the whole.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.edits import memory

PAUSE = 0.5
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Cost:
    """Of one run: files, lines of source, processor seconds, seconds by the clock, peak of all processes together in MB."""

    files: int
    lines: int
    cpu: float
    wall: float
    megabytes: float


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The power of x that y grows with, by least squares over the logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    x, y = (sum(p[i] for p in logs) / len(logs) for i in (0, 1))
    return sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _ in logs)


def cost(files: Sequence[Path], jobs: int) -> Cost:
    """One cold run over the files, without the cache."""
    command = [sys.executable, "-m", "ane_lsp", "check", "--exit-zero", "--no-cache", "-j", str(jobs), *map(str, files)]
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "ANE_LSP_CACHE_DIR": folder}
        before, began, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0.0
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env) as process:
            while process.poll() is None:
                peak = max(peak, memory(process.pid))
                time.sleep(PAUSE)
        if process.returncode:
            sys.exit(f"the command ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    return Cost(len(files), lines, round(cpu, 2), round(time.monotonic() - began, 1), round(peak))


def chosen(folder: Path, pattern: str, seed: int) -> list[Path]:
    """The files of the folder that fit, shuffled the same way for the same seed."""
    every = sorted(path for path in folder.rglob(pattern) if path.is_file())
    random.Random(seed).shuffle(every)
    return every


def main() -> None:
    """Measure each size, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--match", default="*.py", help="names of the files (default: *.py)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 3000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write the costs here as well, one JSON object a line")
    args = parser.parse_args()
    files = chosen(args.folder.resolve(), args.match, args.seed)
    sizes = sorted({min(size, len(files)) for size in args.sizes})
    print("| files | lines | processor s | s by the clock | ms a file | µs a line | peak MB |\n" + "|---:" * 7 + "|")
    costs: list[Cost] = []
    for size in sizes:
        costs.append(found := cost(files[:size], args.jobs))
        print(
            f"| {found.files:,} | {found.lines:,} | {found.cpu:.1f} | {found.wall:.0f} | {1000 * found.cpu / found.files:.0f}"
            f" | {1e6 * found.cpu / found.lines:.0f} | {found.megabytes:.0f} |",
            flush=True,
        )
        if args.out is not None:
            with args.out.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(found)) + "\n")
    if len(costs) > 1:
        by_files, by_lines = (exponent([(getattr(c, key), c.cpu) for c in costs]) for key in ("files", "lines"))
        print(f"\nexponent of the processor time: {by_files:.2f} by files, {by_lines:.2f} by lines")
    if costs and len(files) > costs[-1].files:
        whole = costs[-1].cpu / costs[-1].files * len(files)
        print(
            f"all {len(files):,} files would take {whole / 60:.0f} minutes of processor time at the last rate (not run)"
        )


if __name__ == "__main__":
    main()
