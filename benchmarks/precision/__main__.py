"""``python -m benchmarks.precision``: collect findings over real code, and draw the sample that is judged by hand.

    python -m benchmarks.precision collect OUT.jsonl --python ENV [--entries ENTRY.py ...] [--files ORIGIN=DIR:GLOB:COUNT ...]
        [--draw SEED] [--unseen EARLIER ...]
    python -m benchmarks.precision sample OUT.jsonl [--seed N] [--worse 150] [--information 60] [--even]
    python -m benchmarks.precision volume OUT.jsonl

``collect`` runs each entry as a script and keeps findings in every file it reaches; of ``--files`` it draws COUNT files of a
folder with a fixed seed and analyses each as an editor does, in turn from each origin, so that what there is at any time is
even; files that an earlier output or audit table names are left out with ``--unseen``, so that a draw is independent of those
its rules were mended by. Rows are appended, finished programs are not run again.
``sample`` prints findings with their source; the verdicts live in audit.md. ``--even`` takes as many from each origin as there
are, in turn. ``volume`` counts findings for each file.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from itertools import zip_longest
from pathlib import Path

from ane_lsp.workspace import Settings, Workspace
from benchmarks.precision.collect import Job, Row, collect, merged

SEED = 20260


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precision", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    gather = commands.add_parser("collect", help="run programs, append their findings to a file")
    gather.add_argument("out", type=Path)
    gather.add_argument("--entries", nargs="*", type=Path, default=[], metavar="ENTRY.py")
    gather.add_argument("--files", nargs="*", default=[], metavar="ORIGIN=DIR:GLOB:COUNT")
    gather.add_argument("--draw", type=int, default=SEED, help="seed of the drawn files")
    gather.add_argument(
        "--unseen", nargs="*", type=Path, default=[], help="outputs and tables whose files are left out"
    )
    gather.add_argument("--python", default=sys.prefix, help="environment whose packages are read")
    gather.add_argument("--search-path", action="append", type=Path, default=[])
    gather.add_argument("--budget", type=float, default=20.0, help="seconds for one program")
    gather.add_argument("--again", type=Path, help="only programs that had errors or warnings in this earlier output")
    gather.add_argument("--share", default="0/1", help="I/N: every N-th program from the I-th on")
    draw = commands.add_parser("sample", help="draw findings and print them with their source")
    draw.add_argument("out", type=Path)
    draw.add_argument("--seed", type=int, default=SEED)
    draw.add_argument("--worse", type=int, default=150, help="errors and warnings")
    draw.add_argument("--information", type=int, default=60)
    draw.add_argument("--even", action="store_true", help="in turn from each origin")
    count = commands.add_parser("volume", help="findings for each analysed file, by severity")
    count.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    return {"collect": _collect, "sample": _sample, "volume": _volume}[options.command](options)


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _jobs(options: argparse.Namespace) -> list[Job]:
    jobs = [Job(path.resolve(), path.stem.split("_")[0], True) for path in options.entries]
    seen = "\n".join(path.read_text(encoding="utf-8") for path in options.unseen)
    drawn: list[list[Job]] = []
    for spec in options.files:
        origin, _, rest = spec.partition("=")
        folder, pattern, count = rest.rsplit(":", 2)
        top = Path(folder).resolve()
        # A file without a module has nothing to say; tables name files from the folder that holds the package.
        paths = [path for path in sorted(top.glob(pattern)) if b"Module" in path.read_bytes()]
        paths = [path for path in paths if not re.search(rf"{re.escape(str(path.relative_to(top.parent)))}\b", seen)]
        paths = [path for path in paths if f'"{_name(Job(path, origin, False))}"' not in seen]
        drawn.append(
            [
                Job(path, origin, False)
                for path in random.Random(options.draw).sample(paths, min(int(count), len(paths)))
            ]
        )
    jobs += [job for turn in zip_longest(*drawn) for job in turn if job is not None]
    if options.again is not None:
        rows = [row for row in _read(options.again) if row.get("severity") in ("error", "warning")]
        programs = {(row["origin"], row["program"]) for row in rows}
        # A file that was analysed by itself has all its findings in it.
        alone = {row["path"]: row["origin"] for row in rows if Path(row["path"]).name == row["program"]}
        jobs = [job for job in jobs if (job.origin, job.path.name) in programs]
        jobs += [Job(Path(path), origin, False) for path, origin in alone.items()]
    index, total = map(int, options.share.split("/"))
    return jobs[index::total]


def _name(job: Job) -> str:
    return f"{job.origin}:{job.path.name if job.whole else job.path.parent.name + '/' + job.path.name}"


def _collect(options: argparse.Namespace) -> int:
    done = {row["done"] for row in _read(options.out) if "done" in row}
    settings = Settings(budget=options.budget)
    workspace = Workspace(Path.cwd(), options.search_path, options.python)
    for job in _jobs(options):
        name = _name(job)
        if name in done:
            continue
        began = time.monotonic()
        rows = list(collect(job, workspace, settings))
        with options.out.open("a", encoding="utf-8") as file:
            for row in [*rows, {"done": name, "whole": job.whole, "findings": len(rows)}]:
                file.write(json.dumps(row) + "\n")
        print(f"{name}: {len(rows)} findings, {time.monotonic() - began:.1f} s", flush=True)
    return 0


def _sample(options: argparse.Namespace) -> int:
    rows = merged([row for row in _read(options.out) if "code" in row])
    worse = [row for row in rows if row["severity"] in ("error", "warning")]
    information = [row for row in rows if row["severity"] == "information"]
    print("all findings:", dict(Counter(row["severity"] for row in rows)))
    print("errors and warnings by code:", dict(sorted(Counter(row["code"] for row in worse).items())))
    print("informations by code:", dict(sorted(Counter(row["code"] for row in information).items())))
    for title, pool, size in (("W", worse, options.worse), ("I", information, options.information)):
        drawn = (
            _even(pool, size, options.seed)
            if options.even
            else random.Random(options.seed).sample(pool, min(size, len(pool)))
        )
        for number, row in enumerate(sorted(drawn, key=lambda r: (r["code"], r["file"], r["line"])), 1):
            _print(f"{title}{number}", row)
    return 0


def _even(pool: list[Row], size: int, seed: int) -> list[Row]:
    """One finding from each origin in turn, each origin's own in random order, until there are enough or none are left."""
    chosen = random.Random(seed)
    origins = sorted({row["origin"] for row in pool})
    piles = [
        chosen.sample(pile, len(pile)) for name in origins for pile in [[row for row in pool if row["origin"] == name]]
    ]
    return [row for turn in zip_longest(*piles) for row in turn if row is not None][:size]


def _print(label: str, row: Row) -> None:
    where = f"{row['file']}:{row['line']}"
    print(f"\n== {label} {row['code']} {row['severity']} {row['confidence']} {where} [{row['origin']}, {row['model']}]")
    print(f"   {row['message']}")
    if row["facts"]:
        print(f"   facts: {row['facts']}")
    for related in row["related"]:
        print(f"   related: {related}")
    lines = Path(row["path"]).read_text(encoding="utf-8", errors="replace").splitlines()
    for number in range(max(1, row["line"] - 4), min(len(lines), row["end_line"] + 3) + 1):
        mark = ">" if row["line"] <= number <= row["end_line"] else " "
        print(f"   {mark}{number:5} {lines[number - 1][:140]}")


def _volume(options: argparse.Namespace) -> int:
    rows = _read(options.out)
    files = [row["done"] for row in rows if "done" in row and not row["whole"]]
    seen: dict[str, Counter[str]] = {name: Counter() for name in files}
    for row in rows:
        name = f"{row['origin']}:{Path(row['path']).parent.name}/{row['program']}" if "code" in row else ""
        if name in seen:
            seen[name][row["severity"]] += 1
    print(f"{'file':60} error warning information hint")
    for name, counts in sorted(seen.items(), key=lambda item: -sum(item[1].values())):
        print(f"{name:60} {counts['error']:5} {counts['warning']:7} {counts['information']:11} {counts['hint']:4}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
