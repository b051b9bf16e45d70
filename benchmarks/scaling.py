"""``python -m benchmarks.scaling FOLDER``: what ``ane-lsp check`` costs over growing parts of a folder, in time and memory.

A part takes the files that ``--match`` names evenly from their sorted list, so that each holds the same mix of packages and sizes.
For each, from the smallest: processor seconds of the command and its processes, seconds by the clock, the most memory they held
together (shared pages by their share), and what they held in each quarter of the run (the median), which tells growth with the
files from a large one. Then the exponent of the cost (1: it grows with the files). With ``--out`` each cost is written as soon as
it is known, and a part that is written there is not measured again: a run of hours can be stopped and taken up. What the whole
folder would cost at the rate of the largest part is extrapolated unless that part is the whole.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.processes import memory

PAUSE = 0.5
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Cost:
    """Of one run: files, lines of source, processor seconds, seconds by the clock, peak of all processes together in MB, and
    what they held in each quarter of the run (empty where it was too short to tell)."""

    files: int
    lines: int
    cpu: float
    wall: float
    megabytes: float
    quarters: tuple[float, ...] = ()


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The power of x that y grows with, by least squares over the logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    x, y = (sum(p[i] for p in logs) / len(logs) for i in (0, 1))
    return sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _ in logs)


def quarters(held: Sequence[float]) -> tuple[float, ...]:
    """The median of each quarter of a series, nothing of one with fewer than eight values."""
    if len(held) < 8:
        return ()
    cuts = [len(held) * i // 4 for i in range(5)]
    return tuple(round(statistics.median(held[start:end])) for start, end in itertools.pairwise(cuts))


def cost(files: Sequence[Path], jobs: int) -> Cost:
    """One cold run over the files, without the cache."""
    command = [sys.executable, "-m", "ane_lsp", "check", "--exit-zero", "--no-cache", "-j", str(jobs), *map(str, files)]
    held: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "ANE_LSP_CACHE_DIR": folder}
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env) as process:
            while process.poll() is None:
                held.append(memory(process.pid))
                time.sleep(PAUSE)
        if process.returncode:
            sys.exit(f"the command ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    wall = round(time.monotonic() - began, 1)
    return Cost(len(files), lines, round(cpu, 2), wall, round(max(held, default=0.0)), quarters(held))


def files_of(folder: Path, pattern: str = "*.py") -> list[Path]:
    """The files of the folder that fit, sorted."""
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def spread(files: Sequence[Path], count: int) -> list[Path]:
    """`count` of the files, evenly over the list; all where there are fewer."""
    count = min(count, len(files))
    return [files[i * len(files) // count] for i in range(count)]


def costs(folder: Path, match: str, sizes: Sequence[int], jobs: int, kept: Path | None = None) -> Iterator[Cost]:
    """The cost of each part, from the smallest up; what `kept` holds is not measured again, what is measured is added to it."""
    files = files_of(folder, match)
    key = {"common": folder.name, "match": match, "of": len(files), "jobs": jobs}
    known: dict[int, Cost] = {}
    if kept is not None and kept.exists():
        for line in kept.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if {name: row.pop(name, None) for name in key} == key:
                known[row["files"]] = Cost(**{**row, "quarters": tuple(row["quarters"])})
    for size in sorted({min(size, len(files)) for size in sizes}):
        if (found := known.get(size)) is None:
            found = cost(spread(files, size), jobs)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as out:
                    out.write(json.dumps({**key, **asdict(found)}) + "\n")
        yield found


def main() -> None:
    """Measure each size, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--match", default="*.py", help="names of the files (default: *.py)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 3000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--out", type=Path, help="keep the costs here, one JSON object a line, and take up what is there"
    )
    args = parser.parse_args()
    folder = args.folder.resolve()
    files = files_of(folder, args.match)
    print(
        "| files | lines | processor s | s by the clock | ms a file | µs a line | peak MB | MB by quarter |\n"
        + "|---:" * 8
        + "|"
    )
    found: list[Cost] = []
    for one in costs(folder, args.match, args.sizes, args.jobs, args.out):
        found.append(one)
        print(
            f"| {one.files:,} | {one.lines:,} | {one.cpu:.1f} | {one.wall:.0f} | {1000 * one.cpu / one.files:.0f}"
            f" | {1e6 * one.cpu / one.lines:.0f} | {one.megabytes:.0f} | {', '.join(map(str, one.quarters))} |",
            flush=True,
        )
    if len(found) > 1:
        by_files, by_lines = (exponent([(getattr(c, key), c.cpu) for c in found]) for key in ("files", "lines"))
        print(f"\nexponent of the processor time: {by_files:.2f} by files, {by_lines:.2f} by lines")
    if found and len(files) > found[-1].files:
        whole = found[-1].cpu / found[-1].files * len(files)
        print(
            f"all {len(files):,} files would take {whole / 60:.0f} minutes of processor time at the last rate (not run)"
        )


if __name__ == "__main__":
    main()
