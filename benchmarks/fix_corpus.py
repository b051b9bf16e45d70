"""Fixes a copy of installed packages and says what came of it. Every step goes on where it was stopped.

    python -m benchmarks.fix_corpus all WORK timm torchvision transformers
    python -m benchmarks.fix_corpus find WORK timm torchvision transformers
    python -m benchmarks.fix_corpus fix WORK [--unsafe]
    python -m benchmarks.fix_corpus entries WORK --entries FOLDER [--unsafe]
    python -m benchmarks.fix_corpus table WORK

all does find and both kinds of fix in one go: a file is analysed once as it is, and again only for the texts that fixes make
of it, against the packages as they are. Files that mention no module come first, because they are only read, then those that
hold transformers' models, then the others, each from the smallest to the largest. find analyses every file in place. fix works
on a copy of the packages: each file that has a finding with a fix is fixed to the end; it must parse, and a second run must
change nothing. entries runs every script of a folder (each builds a model and calls it) whose model has a layer from a changed
file, against the original and the copy, with the same weights (the state dict of the one is loaded into the other) and random
inputs, and compares outputs; after unsafe fixes it has to build, load and run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ane_lsp.analysis import FileAnalysis, analyze
from ane_lsp.fixes import fix_text, fixable_codes
from ane_lsp.fixes.files import NotWritten, write
from ane_lsp.syntax.source import source_from_text
from ane_lsp.workspace import Settings, Workspace
from benchmarks.packages import required

RUNNER = """
import os, runpy, sys, torch
folder, count = sys.argv[1], int(sys.argv[2])
scripts, shims = sys.argv[3:3 + count], sys.argv[3 + count:]
kept = [runpy.run_path(shim) for shim in shims]
seen, depth = [], [0]
call = torch.nn.Module.__call__
def record(self, *args, **kwargs):
    if depth[0] == 0:  # parametrizations call modules while the model is built: the last call from outside is the model's
        seen[:] = [(self, args, kwargs)]
    depth[0] += 1
    try:
        return call(self, *args, **kwargs)
    finally:
        depth[0] -= 1
def fill(value):
    return torch.randn_like(value) if isinstance(value, torch.Tensor) and value.is_floating_point() else value
def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors(v)] if isinstance(value, (list, tuple)) else []
def run(script, state):
    torch.manual_seed(0)
    seen.clear()
    torch.nn.Module.__call__ = record
    with torch.no_grad():
        runpy.run_path(script, run_name="__main__")
    torch.nn.Module.__call__ = call
    model, args, kwargs = seen[0]
    if os.path.exists(state):
        model.load_state_dict(torch.load(state))
    else:
        torch.save(model.state_dict(), state)
    torch.manual_seed(1)
    with torch.no_grad():
        made = model(*map(fill, args), **{k: fill(v) for k, v in kwargs.items()})
    files = sorted({getattr(sys.modules.get(type(m).__module__), "__file__", None) or "" for m in model.modules()})
    return tensors(made), files
for script in scripts:
    name = os.path.join(folder, os.path.basename(script))
    try:
        found = run(script, name + ".state")
    except Exception as error:
        depth[0], torch.nn.Module.__call__ = 0, call
        found = f"{type(error).__name__}: {error}"
    torch.save(found, sys.argv[1] + "/" + os.path.basename(script) + ".out")
"""
BATCH = 8  # scripts that share a process, and with it the time that importing the packages takes


def rows(path: Path) -> dict[str, dict[str, Any]]:
    """What a step has recorded so far, by file."""
    if not path.exists():
        return {}
    return {row["file"]: row for row in map(json.loads, path.read_text().splitlines())}


def record(path: Path, row: dict[str, Any]) -> None:
    """One more row."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings of a run: a budget for each analysis, and otherwise what users start with."""
    settings, problems = Settings().merge({"budget": args.budget})
    assert not problems
    return settings


def chosen(name: str, args: argparse.Namespace) -> bool:
    """Whether a file or entry is to be run."""
    return not args.only or any(fnmatch(name, pattern) for pattern in args.only)


def find(args: argparse.Namespace) -> int:
    """Analyse every file that is not in the record, those with the most models first."""
    out = args.work / "found.jsonl"
    args.work.mkdir(parents=True, exist_ok=True)
    known = rows(out)
    files: list[tuple[int, str, Path]] = []
    for name in args.packages:
        base = required(name)
        for path in sorted(base.rglob("*.py")):
            file = path.relative_to(base.parent).as_posix()
            if file not in known and chosen(file, args):
                last = ("modeling_" not in path.name) + 2 * path.name.startswith("modular_")
                files.append((last if name == "transformers" else -1, file, path))
    settings = settings_of(args)
    workspace: Workspace | None = None
    for number, (_, file, path) in enumerate(sorted(files)[: args.limit]):
        row: dict[str, Any] = {"file": file, "models": 0, "codes": {}, "errors": []}
        started = time.process_time()
        if b"Module" in path.read_bytes():
            if workspace is None or number % 40 == 0:
                workspace = Workspace(path.parents[len(Path(file).parts) - 1], python=sys.prefix)
            result = analyze(path, workspace, settings)
            row["models"] = len(result.models)
            row["codes"] = dict(Counter(f.code for f in result.findings))
            row["errors"] = sorted({error.kind for error in result.errors})
        row["seconds"] = round(time.process_time() - started, 2)
        record(out, row)
    return 0


def all_at_once(args: argparse.Namespace) -> int:
    """Find, fix, and fix with unsafe fixes, each file once."""
    found = args.work / "found.jsonl"
    known = rows(found)
    files: dict[str, Path] = {}
    for name in args.packages:
        base = required(name)
        files.update({path.relative_to(base.parent).as_posix(): path for path in base.rglob("*.py")})
        for kind in ("safe", "unsafe"):
            if not (args.work / kind / name).exists():
                shutil.copytree(base, args.work / kind / name, ignore=shutil.ignore_patterns("__pycache__"))
    left = [file for file in files if file not in known and chosen(file, args)]
    settings = settings_of(args)
    workspace: Workspace | None = None
    modules = {file for file in left if b"Module" in files[file].read_bytes()}
    order = sorted(left, key=lambda f: (f in modules, "modeling_" not in f, files[f].stat().st_size, f))
    for number, file in enumerate(order[: args.limit]):
        path = files[file]
        row: dict[str, Any] = {"file": file, "models": 0, "codes": {}, "errors": [], "seconds": 0.0}
        if file in modules:
            if workspace is None or number % 40 == 0:
                workspace = Workspace(path.parents[len(Path(file).parts) - 1], python=sys.prefix)
            started = time.process_time()
            run = remembering(path, workspace, settings)
            result = run(workspace.read(path).text)
            row["models"] = len(result.models)
            row["codes"] = dict(Counter(f.code for f in result.findings))
            row["errors"] = sorted({error.kind for error in result.errors})
            row["seconds"] = round(time.process_time() - started, 2)
            if set(row["codes"]) & fixable_codes():
                for kind in ("safe", "unsafe"):
                    done = {"file": file, **fix_file(path, args.work / kind / file, workspace, run, kind == "unsafe")}
                    record(args.work / f"{kind}.jsonl", done)
                    print(kind, done, flush=True)
        record(found, row)
    return 0


def tree_of(args: argparse.Namespace) -> Path:
    """The copy a run of fixes works on."""
    root: Path = args.work / ("unsafe" if args.unsafe else "safe")
    return root


def fix(args: argparse.Namespace) -> int:
    """Fix every file whose findings include some with a fix; 1 where one broke or changed twice."""
    root = tree_of(args)
    out = root.with_suffix(".jsonl")
    known = rows(out)
    wanted = [row["file"] for row in rows(args.work / "found.jsonl").values() if set(row["codes"]) & fixable_codes()]
    for name in sorted({file.partition("/")[0] for file in wanted}):
        if not (root / name).exists():
            shutil.copytree(required(name), root / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = settings_of(args)
    workspace: Workspace | None = None
    left = [file for file in sorted(wanted) if file not in known and chosen(file, args)]
    for number, file in enumerate(sorted(left, key=lambda f: f.startswith("transformers"))):
        if workspace is None or number % 20 == 0:
            workspace = Workspace(root, python=sys.prefix)
        path = root / file
        row = {"file": file, **fix_file(path, path, workspace, remembering(path, workspace, settings), args.unsafe)}
        record(out, row)
        print(row, flush=True)
    return 1 if any(row.get("changed_again") or row.get("broken") for row in rows(out).values()) else 0


def remembering(path: Path, workspace: Workspace, settings: Settings) -> Callable[[str], FileAnalysis]:
    """Analyses a file as if it held a given text, each text once: an analysis depends on nothing else."""
    known: dict[str, FileAnalysis] = {}

    def run(text: str) -> FileAnalysis:
        if text not in known:
            with workspace.overlaid(path, text):
                known[text] = analyze(path, workspace, settings)
        return known[text]

    return run


def fix_file(
    path: Path, copy: Path, workspace: Workspace, run: Callable[[str], FileAnalysis], unsafe: bool
) -> dict[str, Any]:
    """Fix one file to the end and write it to `copy`; what happened, in numbers. `run` analyses `path`."""
    started = time.process_time()
    source = workspace.read(path)
    before = run(source.text)
    codes = fixable_codes()
    row: dict[str, Any] = {
        "models": len(before.models),
        "findings": len(before.findings),
        "fixable": dict(Counter(f.code for f in before.findings if f.code in codes)),
    }
    fixed = fix_text(source, run, unsafe)
    row["applied"] = dict(Counter(code for code, _ in fixed.applied))
    row["settled"] = fixed.settled
    if fixed.text != source.text:
        try:
            write(workspace.read(copy), fixed.text)
            compile(copy.read_bytes(), str(copy), "exec", dont_inherit=True)
        except (NotWritten, SyntaxError) as problem:
            row["broken"] = str(problem)
        else:
            again = source_from_text(path, workspace.read(copy).text)
            row["changed_again"] = fix_text(again, run, unsafe).text != fixed.text
    row["seconds"] = round(time.process_time() - started, 2)
    return row


def entries(args: argparse.Namespace) -> int:
    """Run the scripts that load a changed file; 1 where a model does not run, or its outputs differ."""
    root = tree_of(args)
    out = root.with_suffix(".entries.jsonl")
    touched = {file for file, row in rows(root.with_suffix(".jsonl")).items() if row["applied"]}
    known = rows(out)
    of_safe = rows(args.work / "safe.entries.jsonl") if args.unsafe else {}
    packages = sorted({path.name for path in root.iterdir()})
    left: list[Path] = []
    for script in sorted(args.entries.glob("*.py")):
        text = script.read_text()
        if script.stem in known or not chosen(script.stem, args):
            continue
        if not any(f"import {p}" in text or f"from {p}" in text for p in packages):
            continue
        row = of_safe.get(script.stem, {})
        loads = touched & set(row.get("files", ()))
        if "files" in row and all((args.work / "safe" / f).read_bytes() == (root / f).read_bytes() for f in loads):
            record(out, row)  # the same program as after safe fixes
            continue
        left.append(script)
    original = required(packages[0]).parent
    for start in range(0, len(left), BATCH):
        for row in compare(left[start : start + BATCH], original, root, touched, args):
            record(out, row)
            print(row, flush=True)
    return 1 if any(_differs(row, args.unsafe) for row in rows(out).values()) else 0


def _differs(row: dict[str, Any], unsafe: bool) -> bool:
    return row.get("tree") == "fixed" or (not unsafe and row.get("relative", 0.0) > 1e-5)


def compare(
    scripts: list[Path], original: Path, copy: Path, changed: set[str], args: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Outputs of the scripts' models on both trees: how far apart, relative to the largest; or which does not run, and why."""
    import torch

    def run(tree: Path, chosen: list[Path]) -> None:
        env = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
        if tree is original:
            env["PYTHONDONTWRITEBYTECODE"] = "1"
        names = [str(script) for script in chosen]
        command = [sys.executable, "-c", RUNNER, folder, str(len(names)), *names, *args.shim]
        done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=folder)
        if done.returncode:  # what it had done by then is there
            print(done.stderr[-2000:], file=sys.stderr, flush=True)

    def result(script: Path) -> Any:
        path = Path(folder, f"{script.name}.out")
        return torch.load(path, weights_only=False) if path.exists() else "the process ended before it was through"

    with tempfile.TemporaryDirectory() as folder:
        run(copy, scripts)
        first = {script: result(script) for script in scripts}
        again: dict[Path, dict[str, Any]] = {}
        for script, found in first.items():
            if isinstance(found, str):
                again[script] = {"file": script.stem, "error": found, "tree": "fixed"}
                continue
            files = [str(Path(f).relative_to(copy)) for f in found[1] if Path(f).is_relative_to(copy)]
            row = {"file": script.stem, "loads": len(changed & set(files)), "files": files}
            if row["loads"]:
                again[script] = row
            else:
                yield row
        for script in again:
            Path(folder, f"{script.name}.out").unlink(missing_ok=True)
        run(original, list(again))
        for script, row in again.items():
            found = result(script)
            if isinstance(found, str):
                yield {"file": script.stem, "error": found, "tree": "original"}
            elif "error" in row:
                yield row
            else:
                outputs = first[script][0], found[0]
                pairs = [(a.double(), b.double()) for a, b in zip(*outputs, strict=True) if a.is_floating_point()]
                distances = [(a - b).abs().max() / b.abs().max().clamp(min=1e-12) for a, b in pairs if b.numel()]
                equal = all(torch.equal(a, b) for a, b in zip(*outputs, strict=True))
                yield {**row, "relative": max(map(float, distances)), "equal": equal}


def table(args: argparse.Namespace) -> int:
    """A Markdown table of everything recorded."""
    found = rows(args.work / "found.jsonl")
    print("\n".join(_lines(args.work, found)))
    return 0


def _lines(work: Path, found: dict[str, dict[str, Any]]) -> Iterator[str]:
    packages = sorted({file.partition("/")[0] for file in found})
    head = ["| | " + " | ".join(packages) + " |", "|---" * (len(packages) + 1) + "|"]
    yield from head

    def line(title: str, count: Any, source: dict[str, dict[str, Any]]) -> str:
        each = [[row for file, row in source.items() if file.startswith(name + "/")] for name in packages]
        return f"| {title} | " + " | ".join(str(sum(map(count, rows_))) for rows_ in each) + " |"

    yield line("files", lambda row: 1, found)
    yield line("models found", lambda row: row["models"], found)
    yield line("findings", lambda row: sum(row["codes"].values()), found)
    yield line("files with a finding that has a fix", lambda row: bool(set(row["codes"]) & fixable_codes()), found)
    for kind in ("safe", "unsafe"):
        done = rows(work / f"{kind}.jsonl")
        if not done:
            continue
        title = "--fix" if kind == "safe" else "--fix --unsafe-fixes"
        if kind == "unsafe":
            yield from head
        yield line(f"`{title}`: files run", lambda row: 1, done)
        yield line("files changed", lambda row: bool(row["applied"]), done)
        yield line("fixes applied", lambda row: sum(row["applied"].values()), done)
        yield line("does not parse, or not written", lambda row: "broken" in row, done)
        yield line("changed by a second run", lambda row: bool(row.get("changed_again")), done)
        yield line("not settled", lambda row: not row["settled"], done)
        tried = [row for row in rows(work / f"{kind}.entries.jsonl").values() if row.get("loads", 1)]
        run = [row for row in tried if row.get("tree") != "original"]
        yield ""
        if run:
            worst = max((row.get("relative", 0.0) for row in run), default=0.0)
            equal = sum(bool(row.get("equal")) for row in run)
            bad = [row["file"] for row in run if _differs(row, kind == "unsafe")]
            yield f"{len(run)} entries load a changed file; {equal} equal bit for bit, worst {worst:.1e}; wrong: {bad or 'none'}."
        if len(tried) > len(run):
            yield f"Not compared, because they do not run as they are: {len(tried) - len(run)}."
        total: Counter[str] = Counter()
        for row in done.values():
            total.update(row["applied"])
        yield "Applied by rule: " + ", ".join(f"{code} {count}" for code, count in total.most_common()) + "."
        yield ""


def main() -> int:
    """Run one step; its exit code says whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True)
    for name, step in {"all": all_at_once, "find": find, "fix": fix, "entries": entries, "table": table}.items():
        sub = steps.add_parser(name, help=(step.__doc__ or "").partition("\n")[0])
        sub.add_argument("work", type=Path, help="a folder for the copies and the records")
        sub.add_argument("--budget", type=float, default=10.0, help="seconds of processor time for one analysis")
        sub.add_argument(
            "--only", action="append", metavar="GLOB", help="files (timm/models/*) or entries (timm_*) to run"
        )
        sub.set_defaults(step=step)
        if step in (find, all_at_once):
            sub.add_argument("packages", nargs="+")
            sub.add_argument("--limit", type=int, help="as many files in this run")
        if step in (fix, entries):
            sub.add_argument("--unsafe", action="store_true", help="unsafe fixes, too")
        if step is entries:
            sub.add_argument("--entries", type=Path, required=True, help="scripts to run against both trees")
            sub.add_argument("--shim", action="append", default=[], help="a script run before each of them")
    args = parser.parse_args()
    return int(args.step(args))


if __name__ == "__main__":
    raise SystemExit(main())
