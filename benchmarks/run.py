"""``python -m benchmarks.run``: what the command and the server cost, beside tools on the same files, in one run.

Everything that was promised about speed and memory is measured and held against what was promised, in one table
(:mod:`benchmarks.goals`):

- edits of each file, kind by kind, through the real server and through pyright's (:mod:`benchmarks.edits`);
- hover, inlay hints, code actions and fast typing in the first of them (:mod:`benchmarks.warm`);
- ``initialize`` beside a bare pygls server, the first diagnostics, a small file as a whole process (:mod:`benchmarks.start`);
- ``check`` of every ``--sample``-th file of a library, cold, beside torchfix, by processor time with one process and by the clock
  with each tool's default; of all of it from the cache, beside ``ast.parse``;
- the server's memory with files of the library open (:mod:`benchmarks.memory`).

What takes hours (scaling to thousands of files, memory over 10,000 edits) is measured by its own command and read from where
that keeps it. Files and the library are found among the installed packages unless they are named; a part that has nothing to
measure is left out. Peers (ruff, pyright, torchfix) are run where they are on PATH, and the others are named.

``--save`` stores everything as the baseline, which docs/benchmarks.md shows; without it the commands' processor seconds are
compared with the stored ones and what is more than 25 % above is marked. ``--table`` prints the stored table, ``--quick`` goes
through all of it with as little as possible.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import goals, memory, start, warm
from benchmarks.edits import KINDS, table
from benchmarks.packages import folder
from benchmarks.scaling import files_of
from benchmarks.servers.__main__ import OWN
from benchmarks.start import SMALL, process

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
WORSE = 1.25
PEERS = {
    "ruff": ["ruff", "check", "--no-cache", "--isolated"],
    "pyright": ["pyright"],
    "torchfix": ["torchfix", "--select", "ALL"],
}
CHECK = [sys.executable, "-m", "ane_lsp", "check", "--exit-zero"]
EDITED = (("timm", "models/vision_transformer.py"), ("transformers", "models/blip_2/modeling_blip_2.py"))
OPENED = (("torchvision", "models/mobilenetv2.py"), ("torchvision", "models/googlenet.py"))


def installed(names: tuple[tuple[str, str], ...]) -> list[Path]:
    """Those of the files that are there."""
    places = [(folder(package), name) for package, name in names]
    return [place / name for place, name in places if place is not None and (place / name).is_file()]


def instructions(command: list[str], cwd: Path, env: dict[str, str]) -> float | None:
    """Billions of instructions a command and its children ran in user mode, None where nothing counts them."""
    if shutil.which("perf") is None:
        return None
    counted = subprocess.run(
        ["perf", "stat", "-x", ",", "-e", "instructions:u", *command],
        cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    number = next((line.split(",")[0] for line in counted.stderr.splitlines() if "instructions" in line), "")
    return int(number) / 1e9 if number.isdigit() else None


@contextmanager
def scratch() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a small file, and an environment whose cache is in it."""
    with tempfile.TemporaryDirectory() as name:
        shutil.copy(SMALL, Path(name) / "small.py")
        yield Path(name), {**os.environ, "ANE_LSP_CACHE_DIR": str(Path(name) / "cache"), "PYTHONPATH": str(HERE.parent)}


def commands(files: list[Path], repeat: int) -> dict[str, float]:
    """Processor seconds of whole processes on one file each, the least of several: ours and the peers that are there."""
    found: dict[str, float] = {}
    with scratch() as (cwd, env):

        def least(command: list[str], times: int) -> float:
            return min(process(command, cwd, env)[1] for _ in range(times))

        found["check, small file, no cache"] = least([*CHECK, "--no-cache", "small.py"], repeat)
        found["check, small file, cached"] = least([*CHECK, "small.py"], repeat + 1)
        for path in files:
            found[f"check, {path.name}, no cache"] = least([*CHECK, "--no-cache", str(path)], 1)
        for name, command in PEERS.items():
            if shutil.which(name) is not None:
                found[f"{name}, small file"] = least([*command, "small.py"], 2)
                found.update({f"{name}, {path.name}": least([*command, str(path)], 1) for path in files})
        counted = instructions([*CHECK, "--no-cache", "small.py"], cwd, env)
        if counted is not None:
            found["check, small file, no cache (10^9 instructions)"] = counted
    return found


def library(package: Path, sample: int) -> dict[str, Any]:
    """Seconds to check a package: a sample of it cold beside torchfix, all of it from the cache beside parsing it."""
    every = files_of(package)
    part = [str(path) for path in every[::sample]]
    with scratch() as (cwd, env):

        def both(alone: list[str], usual: list[str]) -> dict[str, float]:
            return {"cpu": process([*alone, *part], cwd, env)[1], "wall": process([*usual, *part], cwd, env)[0]}

        own = both([*CHECK, "--no-cache", "-j", "1"], [*CHECK, "--no-cache"])
        compared: dict[str, Any] = {"files": len(part), "own": own}
        if shutil.which("torchfix") is not None:
            compared["torchfix"] = both([*PEERS["torchfix"], "-j", "1"], PEERS["torchfix"])
        whole = process([*CHECK, str(package)], cwd, env)
        cached = [process([*CHECK, str(package)], cwd, env)[1] for _ in range(3)]
    return {"name": package.name, "files": len(every), "sample": compared, "whole": {"wall": whole[0], "cpu": whole[1]},
            "cached": min(cached), "parse": min(parsing(every) for _ in range(3))}  # fmt: skip


def parsing(files: list[Path]) -> float:
    """CPU seconds to parse files with ``ast``."""
    began = time.process_time()
    for path in files:
        ast.parse(path.read_bytes())
    return time.process_time() - began


def measured(args: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Every part, the document that ``--save`` stores."""
    files = [path.resolve() for path in args.files] or installed(EDITED)
    opened = [path.resolve() for path in args.opened] or installed(OPENED)
    package = args.library.resolve() if args.library is not None else folder("timm")
    document: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known",
        "missing": [name for name in PEERS if shutil.which(name) is None],
    }
    say("starting")
    document["start"] = start.measured(opened, args.repeat)
    if files:
        say("edits")
        rows = document["edits"] = table({"ane-lsp": OWN}, files, dict.fromkeys(KINDS, args.edits), 0.3)
        if shutil.which("pyright-langserver"):
            rows += table({"pyright": "pyright-langserver --stdio"}, files, dict.fromkeys(KINDS, args.peer_edits), 0.3)
        say("an open file")
        found = asyncio.run(warm.measured(OWN, files[0], args.requests, args.typing, 0))
        document["warm"] = [{"file": files[0].name, **row} for row in found]
    if package is not None:
        say(f"memory, {package.name}")
        document["memory"] = asyncio.run(
            memory.measure(package, args.open, args.typed, 0, lambda text: None, args.rest)
        )
        say(f"check, {package.name}")
        document["library"] = library(package, args.sample)
    say("commands")
    document["figures"] = {name: round(value, 3) for name, value in commands(files, args.repeat).items()}
    return document


def compared(figures: dict[str, float]) -> str:
    """The commands beside the stored ones."""
    known = json.loads(BASELINE.read_text(encoding="utf-8"))["figures"] if BASELINE.exists() else {}
    out = ["| processor time of a whole process | s | baseline | |", "|---|---:|---:|---|"]
    for name, seconds in figures.items():
        before = known.get(name)
        mark = "slower" if before is not None and seconds > before * WORSE + 0.01 else ""
        out.append(f"| {name} | {seconds:.3f} | {'' if before is None else f'{before:.3f}'} | {mark} |")
    return "\n".join(out)


def main() -> None:
    """Measure, print Markdown tables, compare with the baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="files to edit and to give to the peers")
    parser.add_argument("--opened", nargs="+", type=Path, default=[], help="files of about 300 lines to open")
    parser.add_argument("--library", type=Path, metavar="DIR", help="a package to check as a whole (default: timm)")
    parser.add_argument("--sample", type=int, default=8, help="torchfix gets every so manyth file of it")
    parser.add_argument("--repeat", type=int, default=5, help="rounds of what takes less than a second")
    parser.add_argument("--edits", type=int, default=20, help="edits of each kind")
    parser.add_argument("--peer-edits", type=int, default=5, help="the same through pyright")
    parser.add_argument("--requests", type=int, default=200, help="requests of each kind")
    parser.add_argument("--typing", type=float, default=5.0, metavar="SECONDS", help="how long to type")
    parser.add_argument("--open", type=int, default=20, help="files that are open when memory is read")
    parser.set_defaults(typed=30, rest=memory.REST)
    parser.add_argument("--quick", action="store_true", help="one of each, to see that it works")
    parser.add_argument("--save", action="store_true", help="store the figures as the baseline")
    parser.add_argument("--out", type=Path, help="store the figures in this file")
    parser.add_argument("--table", action="store_true", help="print the stored table, measure nothing")
    args = parser.parse_args()
    if args.table:
        print(goals.markdown(goals.lines(json.loads(BASELINE.read_text(encoding="utf-8")))))
        return
    if args.quick:
        args.repeat = args.edits = args.peer_edits = 1
        args.requests, args.typing, args.open, args.typed, args.rest = 3, 0.5, 2, 2, 0.1
    began = time.monotonic()
    document = measured(
        args, lambda text: print(f"{time.monotonic() - began:5.0f} s: {text}", file=sys.stderr, flush=True)
    )
    document["seconds"] = round(time.monotonic() - began)
    print(
        f"Python {platform.python_version()}, {platform.machine()}, load {document['load']}; {document['seconds']} s\n"
    )
    print(goals.markdown(goals.lines(document)), end="\n\n")
    print(compared(document["figures"]))
    for name in document["missing"]:
        print(f"\n{name} is not installed: not measured")
    for path in (*([BASELINE] if args.save else []), *([args.out] if args.out is not None else [])):
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
