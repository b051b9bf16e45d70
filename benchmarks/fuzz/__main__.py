"""Coverage-guided fuzzing with atheris (``pip install atheris``; Linux, CPython 3.11 to 3.13).

``python -m benchmarks.fuzz TARGET [--minutes 10]``: one target of ``--list``, or ``all`` in turns. Inputs that reached new
code are kept under ``.fuzz/TARGET/corpus``, each new fault with its traceback under ``.fuzz/TARGET/found``, and one line a
run in ``.fuzz/log.jsonl``; ``--summary`` adds those up. Exits 1 where something was found. An input that was found and
mended belongs into ``tests/robustness/regressions/TARGET``, which the tests run again.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Fuzz for the time given; restart after a crash or hang."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="*", metavar="TARGET", help="what to fuzz, several in turns")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together (default: 10)")
    parser.add_argument("--turn", type=float, default=5.0, help="minutes before the next target's turn (default: 5)")
    parser.add_argument("--work", type=Path, default=ROOT / ".fuzz", help="where corpus and findings are kept")
    parser.add_argument("--list", action="store_true", help="list the targets")
    parser.add_argument("--summary", action="store_true", help="add up the runs so far")
    args = parser.parse_args()
    if args.list:
        for target in TARGETS.values():
            print(f"{target.name:14s} {(target.run.__doc__ or '').splitlines()[0]}")
        return 0
    if args.summary:
        return summary(args.work)
    chosen = list(TARGETS) if args.target == ["all"] else args.target
    if not chosen or set(chosen) - set(TARGETS):
        parser.error(f"choose from: all, {', '.join(TARGETS)}")
    end = time.monotonic() + 60 * args.minutes
    found = 0
    while (left := end - time.monotonic()) > 5:
        for name in chosen:
            left = end - time.monotonic()
            if left > 5:
                found += turn(name, args.work, min(left, 60 * args.turn if len(chosen) > 1 else left))
    return 1 if found else 0


def turn(name: str, work: Path, seconds: float) -> int:
    """Fuzz one target for so long; how many faults were new."""
    folder = work / name
    corpus, found = folder / "corpus", folder / "found"
    for path in (corpus, found):
        path.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        path = corpus / f"seed-{number:04d}"
        if not path.exists():
            path.write_bytes(seed)
    before, busy = set(found.iterdir()), processor_seconds()
    began, runs = time.monotonic(), 0
    while (left := seconds - (time.monotonic() - began)) > 3:
        stats = folder / "stats.json"
        stats.unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks.fuzz.child", name, str(folder), f"{left:.0f}"]
        with (folder / "log.txt").open("ab") as log:
            code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log).returncode
        runs += json.loads(stats.read_text())["runs"] if stats.exists() else 0
        if code and time.monotonic() - began < 3:
            sys.exit(f"{name}: cannot be fuzzed, see {folder / 'log.txt'}")
        if not code:
            break
    new = sorted(path for path in set(found.iterdir()) - before if path.suffix == ".txt")
    line = {
        "target": name,
        "seconds": round(time.monotonic() - began),
        "busy": round(processor_seconds() - busy),
        "runs": runs,
        "corpus": len(list(corpus.iterdir())),
    }
    with (work / "log.jsonl").open("a") as log_file:
        log_file.write(json.dumps({**line, "new": [path.stem for path in new]}) + "\n")
    print(
        f"{name}: {line['seconds']} s ({line['busy']} s busy), {runs} inputs, {line['corpus']} kept, {len(new)} new faults",
        flush=True,
    )
    for path in new:
        print(f"    {path}", flush=True)
    return len(new)


def processor_seconds() -> float:
    """What the processes that have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def summary(work: Path) -> int:
    """Print hours, inputs and faults of each target."""
    rows: dict[str, list[float]] = {}
    log = work / "log.jsonl"
    if not log.exists():
        sys.exit(f"{work}: no run was kept there")
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        row = rows.setdefault(entry["target"], [0, 0, 0, 0])
        for at, value in enumerate((entry["seconds"] / 3600, entry["busy"] / 3600, entry["runs"], len(entry["new"]))):
            row[at] += value
    rows["all"] = [sum(column) for column in zip(*rows.values())]
    print("| target | hours | of processor time | inputs | faults found |\n|---|---|---|---|---|")
    for name, (hours, busy, runs, faults) in rows.items():
        print(f"| {name} | {hours:.2f} | {busy:.2f} | {runs:,.0f} | {faults:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
