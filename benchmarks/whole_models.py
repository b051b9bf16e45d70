"""Whole models, converted and computed, beside what ``check`` says of them: ``python -m benchmarks.whole_models FOLDER [--timm]``.

Each script of FOLDER builds a model and calls it once, as for ``benchmarks.verify_models``; ``--timm`` writes one there for the smallest
model of each of timm's modules. What is constant at first (scales, zero-initialised layers) is made random, so that nothing that is lost
goes unseen. Each model has a process of its own. Printed is where both sides part: `gap`, a conversion fails or computes something else
and nothing foretells it; `alarm`, an error is reported and the program computes what torch does; and models that were not followed to their end.
"""

from __future__ import annotations

import argparse
import json
import logging
import runpy
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ane_lsp import analyze_file
from benchmarks.converting import computes_the_same, convert, tensors_of
from benchmarks.zoo.recorder import declare_missing_operators

_SMALL = (
    "atto",
    "femto",
    "pico",
    "nano",
    "tiny",
    "xxs",
    "_xs",
    "mini",
    "small",
    "_t",
    "s0",
    "b0",
    "_s",
    "18",
    "10",
    "050",
)
_TRIED = 4  # models of a module whose parameters are counted
_SECONDS = 180
_SCRIPT = """import timm
import torch

model = timm.create_model("{name}").eval()

if __name__ == "__main__":
    model(torch.randn{shape})
"""


def write_timm(folder: Path) -> None:
    """A script for the smallest model of each module of timm."""
    import timm
    from timm.models._registry import _module_to_models  # the list of modules has no public name

    for names in _module_to_models.values():
        ranked = sorted(names, key=lambda name: (_rank(name), len(name), name))[:_TRIED]
        sizes: dict[str, float] = {}
        for name in ranked:
            with torch.device("meta"):
                net = timm.create_model(name)
            _, height, width = net.default_cfg["input_size"]
            sizes[name] = sum(weight.numel() for weight in net.parameters()) / 1e6 + height * width / 17e3
        name = min(sizes, key=sizes.__getitem__)
        shape = (1, *timm.create_model(name).default_cfg["input_size"])
        (folder / f"{name}.py").write_text(_SCRIPT.format(name=name, shape=shape))


def _rank(name: str) -> int:
    return next((rank for rank, word in enumerate(_SMALL) if word in name), len(_SMALL))


class _Called(Exception):
    """The script has called its model."""


def model_of(script: Path) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """The first module that a script itself calls, and with what. Raises whatever the script raises."""
    found: list[Any] = []

    def call(self: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        if sys._getframe(1).f_code.co_filename != str(script):  # a constructor that tries its parts
            return usual(self, *args, **kwargs)
        found.extend((self, list(args)))
        raise _Called

    usual, torch.nn.Module.__call__ = torch.nn.Module.__call__, call
    torch.manual_seed(0)
    try:
        runpy.run_path(str(script), run_name="__main__")
    except _Called:
        pass
    finally:
        torch.nn.Module.__call__ = usual
    net, inputs = found
    _stir(net)
    return net.eval(), inputs


def _stir(net: torch.nn.Module) -> None:
    """Make random what is constant, so that it counts."""
    drawn = torch.Generator().manual_seed(1)
    for name, weight in [*net.named_parameters(), *net.named_buffers()]:
        held = weight.detach()
        if held.is_floating_point() and held.numel() > 1 and bool((held == held.flatten()[0]).all()):
            if name.endswith("running_var"):
                held.uniform_(0.5, 1.5, generator=drawn)
            else:
                held.add_(torch.randn(held.shape, generator=drawn) * 0.1)


def outcome(script: Path, path: str) -> str:
    """``same``, ``differs``, ``not computed``, or why the conversion fails."""
    net, inputs = model_of(script)
    try:
        program = convert(net, inputs, path)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
    ranks = [len(made.shape) for op in program.functions["main"].operations for made in op.outputs if made.shape]
    if max(ranks, default=0) > 5:  # which is refused when the program is written
        return "a tensor of more than five axes"
    net, inputs = model_of(script)  # a trace may have changed it
    with torch.no_grad():
        expected = list(tensors_of(net(*inputs)))
    same = computes_the_same(program, inputs, expected)
    return "not computed" if same is None else "same" if same else "differs"


def said(script: Path, path: str) -> tuple[list[str], list[str]]:
    """Errors and other numbers that are foretold, with their places, and where the model could not be followed."""
    found = analyze_file(script, export_path=path)
    told = [
        f"{f.code} {script.name}:{f.span.line}" for f in found.findings if f.severity == "error" or f.code == "ANE129"
    ]
    told += [f"{r.text.split(']')[0].split('[')[1]} {r.file}:{r.span.line}" for m in found.models for r in m.elsewhere
             if r.text.startswith("error") or "[ANE129]" in r.text]  # fmt: skip
    lost = [reason for graph in found.graphs for reason in graph.lost]
    return told, [*lost, *(error.message for error in found.errors), *([] if found.models else ["no model"])]


def one(script: Path, path: str) -> None:
    """Print what becomes of a model, as JSON."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    declare_missing_operators()
    told, lost = said(script, path)
    print(json.dumps({"real": outcome(script, path), "said": told, "lost": lost}))


def apart(script: Path, path: str) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.whole_models", str(script), "--path", path]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"real": "too slow"}
    lines = [line for line in run.stdout.splitlines() if line.startswith('{"real"')]  # some libraries print as well
    if run.returncode or not lines:
        return {"real": f"the script fails: {run.stderr.strip().splitlines()[-1:]}"}
    row: dict[str, Any] = json.loads(lines[-1])
    return row


def verdicts(folder: Path, path: str, jobs: int) -> Iterator[str]:
    """How both sides compare, model by model; prints where they part."""
    scripts = sorted(folder.glob("*.py"))
    with ThreadPoolExecutor(jobs) as pool:
        for script, row in zip(scripts, pool.map(partial(apart, path=path), scripts)):
            real, told = row["real"], row.get("said", [])
            if real in ("not computed", "too slow") or "said" not in row:
                verdict = "left out"
            elif real == "same":
                verdict = "alarm" if told else "converts, as said"
            else:
                verdict = "fails or differs, as said" if told else "gap"
            if verdict in ("alarm", "gap", "left out") or row.get("lost"):
                print(f"{verdict}: {script.stem} [{path}] {real} {told[:3]} {row.get('lost', '')}", flush=True)
            yield verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="scripts, one model each, or one of them")
    parser.add_argument("--timm", action="store_true", help="write a script for each module of timm first")
    parser.add_argument("--path", default="trace", choices=("trace", "export", "export-core"))
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if args.folder.is_file():
        one(args.folder, args.path)
        return 0
    if args.timm:
        args.folder.mkdir(parents=True, exist_ok=True)
        declare_missing_operators()
        write_timm(args.folder)
    counts = Counter(verdicts(args.folder, args.path, args.jobs))
    print(f"{counts.total()} models: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
