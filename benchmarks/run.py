"""``python -m benchmarks.run``: what the command costs, beside tools on the same files, in one run.

CPU seconds of whole processes with their children (user + system, the least of several runs): wall time says little on a
machine that others use. ``--library timm=DIR`` adds a folder to check as a whole; ``--save`` stores the figures as the
baseline, without it they are compared with the stored one and a figure more than 25 % above it is marked.
Peers (ruff, pyright, torchfix) are run where they are installed; the table says which were not found.
"""

from __future__ import annotations

import argparse
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

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
SMALL = HERE.parent / "examples" / "detector_neck.py"
WORSE = 1.25


def cpu_of(command: list[str], cwd: Path, env: dict[str, str]) -> float:
    """CPU seconds a command and its children took. Exit codes of linters are not errors here."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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


def figures(libraries: dict[str, Path], files: list[Path], repeat: int) -> tuple[dict[str, float], list[str]]:
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
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="store the figures as the baseline")
    args = parser.parse_args()
    libraries = {name: Path(folder) for name, _, folder in (text.partition("=") for text in args.library)}
    found, missing = figures(libraries, [path.resolve() for path in args.files], args.repeat)
    known = json.loads(BASELINE.read_text(encoding="utf-8"))["figures"] if BASELINE.exists() else {}
    print(f"Python {platform.python_version()}, {platform.machine()}; CPU seconds, least of {args.repeat}\n")
    print("| what | CPU s | baseline | |\n|---|---:|---:|---|")
    for name, seconds in found.items():
        before = known.get(name)
        mark = "slower" if before is not None and seconds > before * WORSE + 0.01 else ""
        print(f"| {name} | {seconds:.3f} | {'' if before is None else f'{before:.3f}'} | {mark} |")
    for name in missing:
        print(f"\n{name} is not installed: not measured")
    if args.save:
        stored = {"python": platform.python_version(), "figures": {k: round(v, 3) for k, v in found.items()}}
        BASELINE.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
