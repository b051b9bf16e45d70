"""Checks many files that nobody wrote as models: whatever Python holds, nothing may fail inside or run without bound.

``python -m benchmarks.sweep FOLDER... [--files 1500] [--seed 0] [--out FILE]``: a random choice of the Python files under
the folders, each checked as ``ane-lsp check`` does without a cache. Prints what went wrong, the slowest and the hungriest;
writes a line of JSON a file. Exits 1 where a file met a fault of ours or ran more than twice its budget.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

from ane_lsp.cli.runner import analyse_one
from ane_lsp.workspace.project import Projects

LIMIT = 2.0
"""A run may take this many times its budget: the time outside the interpreter (parsing, rules) has no clock of its own."""


def choose(folders: list[Path], number: int, seed: int) -> list[Path]:
    """`number` of the files under the folders, the same for the same seed."""
    every = sorted(p for folder in folders for p in folder.rglob("*.py") if p.is_file())
    if not every:
        sys.exit("no Python files there")
    return sorted(random.Random(seed).sample(every, min(number, len(every))))


def check(path: Path, budget: float) -> dict[str, Any]:
    """One file as a row: processor seconds, memory of the process so far (MB), codes, kinds of errors, our faults."""
    began = time.process_time()
    found = analyse_one(path, Projects({"budget": budget}, root=path.parent, config=False))
    return {
        "file": str(path),
        "seconds": round(time.process_time() - began, 3),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
        "codes": sorted({f.code for f in found.findings}),
        "errors": sorted({e.kind for e in found.errors}),
        "models": len(found.models),
        "faults": [f"{f.span}: {f.message}" for f in found.findings if f.code == "ANE901"]
        + [e.message for e in found.errors if e.kind == "internal"],
    }


def main() -> int:
    """Check the files and sum up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--files", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=5.0, help="seconds of analysis a file may take")
    parser.add_argument("--out", type=Path, help="write the rows here, one JSON object a line")
    args = parser.parse_args()
    files = choose(args.folders, args.files, args.seed)
    rows: list[dict[str, Any]] = []
    out = args.out.open("w", encoding="utf-8") if args.out else None
    for number, path in enumerate(files, 1):
        if out is not None:  # a file that ends the process is the one named last
            out.write(f'{{"began": {json.dumps(str(path))}}}\n')
            out.flush()
        rows.append(check(path, args.budget))
        if out is not None:
            out.write(json.dumps(rows[-1]) + "\n")
            out.flush()
        if sys.stderr.isatty():
            print(f"\r{number} of {len(files)}", end="", file=sys.stderr)
    return report(rows, args.budget)


def report(rows: list[dict[str, Any]], budget: float) -> int:
    """Print the sums; 1 where something went wrong."""
    faults = [row for row in rows if row["faults"]]
    late = [row for row in rows if row["seconds"] > LIMIT * budget]
    models = sum(row["models"] for row in rows)
    print(f"{len(rows)} files, {models} models, {sum(row['seconds'] for row in rows):.0f} s of processor time")
    print(f"faults of ours: {len(faults)} files; over {LIMIT:g} times the budget: {len(late)}; ", end="")
    print(f"stopped by the budget: {sum('budget' in row['errors'] for row in rows)}; peak {rows[-1]['memory']} MB")
    for row in faults:
        print(row["file"], *row["faults"], sep="\n    ")
    for row in sorted(rows, key=lambda row: -row["seconds"])[:5]:
        print(f"{row['seconds']:8.2f} s  {row['file']}")
    return 1 if faults or late else 0


if __name__ == "__main__":
    sys.exit(main())
