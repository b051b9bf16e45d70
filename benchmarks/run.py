"""``python -m benchmarks.run``: what the command and the server cost, beside tools on the same files, in one run.

CPU seconds of whole processes with their children (user + system, the least of several runs): wall time says little on a
machine that others use; where ``perf`` can count them, instructions too. ``--library timm=DIR`` adds a folder to check as a
whole, ``--scaling DIR`` the cost over growing parts of one, with the exponent of the fit (1: cost grows with the files).
Files named are edited in this process and, kind by kind, through the real server (:mod:`benchmarks.edits`). ``--save``
stores the figures as the baseline, which docs/benchmarks.md draws; without it they are compared with the stored one and a
figure more than 25 % above it is marked. Peers (ruff, pyright, torchfix) are run where they are installed; the table says
which were not found.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.edits import KINDS, table
from benchmarks.scaling import exponent
from benchmarks.servers.__main__ import OWN

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
SMALL = HERE.parent / "examples" / "detector_neck.py"
WORSE = 1.25
SIZES = [10, 100, 1000, 3000]


def cpu_of(command: list[str], cwd: Path, env: dict[str, str]) -> float:
    """CPU seconds a command and its children took. Exit codes of linters are not errors here."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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


def spread(files: list[Path], count: int) -> list[Path]:
    """`count` of the files, evenly over the list."""
    return [files[i * len(files) // count] for i in range(count)]


def scaling(library: Path, sizes: list[int], own: list[str], env: dict[str, str]) -> dict[str, float]:
    """CPU seconds for growing parts of a folder and the exponent of the cost."""
    every = sorted(library.rglob("*.py"))
    found: dict[str, float] = {}
    points: list[tuple[float, float]] = []
    for size in sizes:
        if size <= len(every):
            names = [str(path) for path in spread(every, size)]
            seconds = cpu_of([*own, "--no-cache", "-j", "2", *names], library, env)
            found[f"check, {size} files of {library.name}"] = seconds
            points.append((size, seconds))
    if len(points) > 1:
        found[f"exponent of the cost, {library.name}"] = exponent(points)
    return found


def least(repeat: int, measure: Callable[[], float]) -> float:
    """The least of several measurements: what the work costs without the neighbours."""
    return min(measure() for _ in range(repeat))


def edits(path: Path, repeat: int) -> dict[str, float]:
    """An edit of one file in a process that has analysed it before: CPU seconds until the new result, first and later."""
    from ane_lsp.analysis import analyze
    from ane_lsp.workspace import Settings, Workspace

    workspace = Workspace(path.parent)
    text = path.read_text(encoding="utf-8")
    seconds = []
    for number in range(repeat + 1):
        workspace.set_overlay(path, f"{text}\nedit_{number} = {number}\n")
        began = time.process_time()
        analyze(path, workspace, Settings(budget=120))
        seconds.append(time.process_time() - began)
    return {"first": seconds[0], "edit": min(seconds[1:])}


def figures(
    libraries: dict[str, Path], scales: list[Path], files: list[Path], repeat: int
) -> tuple[dict[str, float], list[str]]:
    """Every figure by name, in CPU seconds, and which peers are missing."""
    found: dict[str, float] = {}
    missing = []
    tools = {name: shutil.which(name) for name in ("ruff", "pyright", "torchfix")}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        env = {**os.environ, "ANE_LSP_CACHE_DIR": str(folder / "cache")}
        own = [sys.executable, "-m", "ane_lsp", "check", "--exit-zero"]
        small = folder / "small.py"
        shutil.copy(SMALL, small)
        found["python -c pass"] = least(repeat, lambda: cpu_of([sys.executable, "-c", "pass"], folder, env))
        found["check, small file, no cache"] = least(
            repeat, lambda: cpu_of([*own, "--no-cache", "small.py"], folder, env)
        )
        cpu_of([*own, "small.py"], folder, env)
        found["check, small file, cached"] = least(repeat, lambda: cpu_of([*own, "small.py"], folder, env))
        peers = {
            "ruff": ["ruff", "check", "--no-cache", "--isolated"],
            "pyright": ["pyright"],
            "torchfix": ["torchfix", "--select", "ALL"],
        }
        for name, command in peers.items():
            if tools[name] is None:
                missing.append(name)
                continue
            found[f"{name}, small file"] = least(2, lambda c=command: cpu_of([*c, "small.py"], folder, env))  # type: ignore[misc]
        for path in files:
            seconds = edits(path, 2)
            found[f"first analysis, {path.name}"] = seconds["first"]
            found[f"after an edit, {path.name}"] = seconds["edit"]
            for name, command in peers.items():
                if tools[name] is not None:
                    found[f"{name}, {path.name}"] = cpu_of([*command, str(path)], folder, env)
        counted = instructions([*own, "--no-cache", "small.py"], folder, env)
        if counted is not None:
            found["check, small file, no cache (10^9 instructions)"] = counted
        for library in scales:
            found.update(scaling(library, SIZES, own, env))
        for label, library in libraries.items():
            every = sorted(library.rglob("*.py"))
            found[f"ast.parse, {label} ({len(every)} files)"] = parsing(every)
            found[f"check, {label}, no cache"] = cpu_of([*own, "--no-cache", "-j", "2", str(library)], folder, env)
            cpu_of([*own, "-j", "2", str(library)], folder, env)
            found[f"check, {label}, cached"] = cpu_of([*own, "-j", "1", str(library)], folder, env)
            for name, command in peers.items():
                if tools[name] is not None:
                    found[f"{name}, {label}"] = cpu_of([*command, str(library)], folder, env)
    return found, missing


def parsing(files: list[Path]) -> float:
    """CPU seconds to parse files with ``ast``."""
    import ast

    began = time.process_time()
    for path in files:
        ast.parse(path.read_bytes())
    return time.process_time() - began


def main() -> None:
    """Measure, print a Markdown table, compare with the baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="model files to edit and to give to the peers")
    parser.add_argument(
        "--library", action="append", default=[], metavar="NAME=DIR", help="a folder to check as a whole"
    )
    parser.add_argument(
        "--scaling", action="append", default=[], type=Path, metavar="DIR", help="a folder to check parts of"
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--edits", type=int, default=10, help="edits of each kind through the server; 0 for none")
    parser.add_argument("--save", action="store_true", help="store the figures as the baseline")
    args = parser.parse_args()
    libraries = {name: Path(folder) for name, _, folder in (text.partition("=") for text in args.library)}
    files = [path.resolve() for path in args.files]
    found, missing = figures(libraries, args.scaling, files, args.repeat)
    servers = {"ane-lsp": OWN}
    if shutil.which("pyright-langserver"):
        servers["pyright"] = "pyright-langserver --stdio"
    rows = table(servers, files, dict.fromkeys(KINDS, args.edits), 0.3) if args.edits else []
    known = json.loads(BASELINE.read_text(encoding="utf-8"))["figures"] if BASELINE.exists() else {}
    print(f"Python {platform.python_version()}, {platform.machine()}; CPU seconds, least of {args.repeat}\n")
    print("| what | CPU s | baseline | |\n|---|---:|---:|---|")
    for name, seconds in found.items():
        before = known.get(name)
        mark = "slower" if before is not None and seconds > before * WORSE + 0.01 else ""
        print(f"| {name} | {seconds:.3f} | {'' if before is None else f'{before:.3f}'} | {mark} |")
    if rows:
        print(
            "\n| file | server | edit | wall ms, p50 | p95 | CPU ms, p50 | p95 | edits | MB |\n|---|---|---|---:|---:|---:|---:|---:|---:|"
        )
    for row in rows:
        keys = ("file", "server", "kind", "wall_p50", "wall_p95", "cpu_p50", "cpu_p95", "n", "memory_mb")
        print("| " + " | ".join(str(row[key]) for key in keys) + " |")
    for name in missing:
        print(f"\n{name} is not installed: not measured")
    if args.save:
        stored = {
            "date": datetime.date.today().isoformat(),
            "python": platform.python_version(),
            "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known",
            "figures": {k: round(v, 3) for k, v in found.items()},
            "edits": rows,
        }
        BASELINE.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
