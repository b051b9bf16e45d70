"""Fixes a copy of installed packages and says what came of it.

    python benchmarks/fix_corpus.py timm torchvision --sample 60 --out report.json
    python benchmarks/fix_corpus.py timm --only 'models/*former*' --unsafe
    python benchmarks/fix_corpus.py timm --entries FOLDER      # scripts that build and call models

For every sampled file: it is fixed to the end, still parses, and a second run changes nothing. With --entries, each script in
the folder that loads a changed file is run against the original and against the copy, on the same weights (the state dict of
the one is loaded into the other) and the same random inputs, and the outputs are compared.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ane_lsp.analysis import FileAnalysis, analyze
from ane_lsp.fixes import fix_text, fixable_codes
from ane_lsp.fixes.files import NotWritten, write
from ane_lsp.workspace import Settings, Workspace

RUNNER = """
import runpy, sys, torch
script, out, state = sys.argv[1:4]
kept = [runpy.run_path(shim) for shim in sys.argv[4:]]
torch.manual_seed(0)
seen = []
call = torch.nn.Module.__call__
def record(self, *args, **kwargs):
    if not seen:
        seen.append((self, args, kwargs))
    return call(self, *args, **kwargs)
torch.nn.Module.__call__ = record
with torch.no_grad():
    runpy.run_path(script, run_name="__main__")
torch.nn.Module.__call__ = call
model, args, kwargs = seen[0]
import os
if os.path.exists(state):
    model.load_state_dict(torch.load(state))
else:
    torch.save(model.state_dict(), state)
torch.manual_seed(1)
def fill(value):
    return torch.randn_like(value) if isinstance(value, torch.Tensor) and value.is_floating_point() else value
with torch.no_grad():
    made = model(*map(fill, args), **{k: fill(v) for k, v in kwargs.items()})
def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors(v)] if isinstance(value, (list, tuple)) else []
files = sorted({getattr(m, "__file__", None) or "" for m in list(sys.modules.values())})
torch.save((tensors(made), files), out)
"""


def fix_file(path: Path, workspace: Workspace, settings: Settings, unsafe: bool) -> dict[str, Any]:
    """Fix one file in place; what happened, in numbers."""

    def run(text: str) -> FileAnalysis:
        with workspace.overlaid(path, text):
            return analyze(path, workspace, settings)

    started = time.perf_counter()
    source = workspace.read(path)
    before = run(source.text)
    codes = fixable_codes()
    fixable = Counter(f.code for f in before.findings if f.code in codes)
    row: dict[str, Any] = {
        "models": len(before.models), "findings": len(before.findings), "fixable": dict(fixable), "applied": {},
    }  # fmt: skip
    if fixable:
        fixed = fix_text(source, run, unsafe)
        row["applied"] = dict(Counter(code for code, _ in fixed.applied))
        row["settled"] = fixed.settled
        if fixed.text != source.text:
            try:
                write(source, fixed.text)
            except NotWritten as problem:
                row["not_written"] = str(problem)
            else:
                again = fix_text(workspace.read(path), run, unsafe)
                row["changed_again"] = again.text != fixed.text
                compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    row["seconds"] = round(time.perf_counter() - started, 2)
    return row


def compare(script: Path, original: Path, copy: Path, changed: set[str], shims: list[str]) -> dict[str, Any] | None:
    """Outputs of a script's model on both trees; None where it loads no changed file."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state")
        results = []
        for tree in (copy, original):
            out = os.path.join(folder, tree.name + str(len(results)))
            env = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-c", RUNNER, str(script), out, state, *shims]
            done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=folder)
            if done.returncode:
                return {"error": done.stderr.strip().splitlines()[-1], "tree": "fixed" if tree is copy else "original"}
            tensors, files = torch.load(out, weights_only=False)
            if tree is copy and not changed & set(files):
                return None
            results.append(tensors)
        worst = max(
            (float((a.double() - b.double()).abs().max() / b.double().abs().max().clamp(min=1e-12)))
            for a, b in zip(*results, strict=True)
        )
        return {"relative": worst, "equal": all(torch.equal(a, b) for a, b in zip(*results, strict=True))}


def main() -> int:
    """Run, print a summary, return 1 where a file broke, changed twice, or a model's outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="+")
    parser.add_argument("--sample", type=int, help="as many files, chosen at random with a fixed seed")
    parser.add_argument("--only", action="append", help="files whose path in the package matches")
    parser.add_argument("--unsafe", action="store_true")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds for one analysis")
    parser.add_argument("--entries", type=Path, help="scripts to run against both trees")
    parser.add_argument("--shim", action="append", default=[], help="a script run before each entry")
    parser.add_argument("--out", type=Path, help="write rows as JSON")
    args = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fixed-"))
    files: list[Path] = []
    original = Path()
    for name in args.packages:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).parent
        original = source.parent
        shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        files += [p for p in sorted((root / name).rglob("*.py")) if b"Module" in p.read_bytes()]
    if args.only:
        files = [p for p in files if any(fnmatch(p.relative_to(root).as_posix(), f"*{w}") for w in args.only)]
    if args.sample and args.sample < len(files):
        files = sorted(random.Random(0).sample(files, args.sample))
    settings, problems = Settings().merge({"budget": args.budget})
    assert not problems
    workspace = Workspace(root, python=sys.prefix)
    rows: dict[str, dict[str, Any]] = {}
    for path in files:
        name = path.relative_to(root).as_posix()
        rows[name] = fix_file(path, workspace, settings, args.unsafe)
        if rows[name]["fixable"]:
            print(name, rows[name], flush=True)
    total: Counter[str] = Counter()
    fixable: Counter[str] = Counter()
    for row in rows.values():
        total.update(row["applied"])
        fixable.update(row["fixable"])
    touched = {str(root / name) for name, row in rows.items() if row["applied"]}
    again = [name for name, row in rows.items() if row.get("changed_again")]
    outputs: dict[str, Any] = {}
    for script in sorted(args.entries.glob("*.py")) if args.entries and touched else []:
        if any(f"import {p}" in script.read_text() or f"from {p}" in script.read_text() for p in args.packages):
            result = compare(script, original, root, touched, args.shim)
            if result is not None:
                outputs[script.stem] = result
                print(script.stem, result, flush=True)
    wrong = [name for name, r in outputs.items() if r.get("tree") == "fixed" or r.get("relative", 0.0) > 1e-5]
    print(
        f"{len(rows)} files, {sum(r['models'] for r in rows.values())} models, {sum(r['findings'] for r in rows.values())} findings"
    )
    print(f"fixable by rule: {dict(fixable)}\napplied by rule: {dict(total)}")
    print(f"{len(touched)} files changed, all parse; changed by a second run: {again or 'none'}")
    print(f"{len(outputs)} entries compared, different: {wrong or 'none'}")
    if args.out:
        args.out.write_text(json.dumps({"files": rows, "entries": outputs}, indent=1))
    shutil.rmtree(root)
    return 1 if again or wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
