"""The commands of the zoo: run it, or record a model for it.

    python -m benchmarks.zoo run [NAME ...] [--zoo DIR] [--python ENV] [--jobs N] [--save-baseline] [--show N]
    python -m benchmarks.zoo record ENTRY.py [...] [--zoo DIR]

``run`` traces every ``entries/NAME.py``, each in a process of its own, compares with ``truth/NAME.jsonl.gz`` and with the
stored baseline, prints a table and a summary, and exits 1 where a model became worse. ``record`` runs entries in torch (the
only part that imports packages) and stores what they executed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.zoo.scoring import Score, differences, read_rows, score, sites_of, write_rows

HERE = Path(__file__).resolve().parent
PACKAGES = (
    "timm==1.0.31", "torchvision==0.28.0", "transformers==5.23.0", "torch==2.13.0", "diffusers==0.42.1",
    "segmentation-models-pytorch==0.6.0", "open_clip_torch==3.3.0", "pytorchcv==0.0.74", "efficientnet_pytorch==0.7.1",
    "monai==1.6.1", "kornia==0.9.0", "ultralytics==8.4.190", "speechbrain==1.1.2", "torchaudio==2.9.1",
)  # fmt: skip
_SLACK = 0.0005  # a share may move by this much before it counts as worse


@dataclass(frozen=True, slots=True)
class Outcome:
    """One model traced. seconds: wall time from a cold interpreter; megabytes: peak memory of its process."""

    name: str
    score: Score
    seconds: float
    megabytes: float
    note: str
    shown: tuple[str, ...] = ()


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="trace every entry, compare with truth and baseline")
    run.add_argument("names", nargs="*", metavar="NAME", help="entries to run, all by default")
    run.add_argument("--zoo", type=Path, default=HERE, help="folder with entries/ and truth/")
    run.add_argument("--python", default=sys.prefix, help="environment whose packages are read: " + " ".join(PACKAGES))
    run.add_argument("--jobs", type=int, default=1)
    run.add_argument("--show", type=int, default=0, metavar="N", help="list up to N differences of each model")
    run.add_argument("--save-baseline", action="store_true", help="keep these figures as the ones to compare with")
    record = commands.add_parser("record", help="run entries in torch and store what they executed")
    record.add_argument("entries", nargs="+", type=Path, metavar="ENTRY.py")
    record.add_argument("--zoo", type=Path, default=HERE)
    options = parser.parse_args(arguments)
    return _run(options) if options.command == "run" else _record(options)


def _record(options: argparse.Namespace) -> int:
    from benchmarks.zoo.recorder import record_script

    failed = 0
    for entry in options.entries:
        for device in ("meta", "cpu"):
            try:
                rows = record_script(entry, device)
                break
            except Exception as error:
                print(f"{entry.name} on {device}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        else:
            failed += 1
            continue
        target = options.zoo / "truth" / f"{entry.stem}.jsonl.gz"
        write_rows(target, rows)
        print(f"{entry.stem}: {len(rows)} rows, {target.stat().st_size} bytes")
    return 1 if failed else 0


def trace_one(task: tuple[str, str, str, int]) -> Outcome:
    """Trace one entry and score it. A crash of ours scores nothing and is told."""
    name, zoo, python, show = task
    from ane_lsp.interp import run, trace
    from ane_lsp.workspace import Workspace

    path = Path(zoo) / "entries" / f"{name}.py"
    truth = sites_of(read_rows(truth_file(Path(zoo), name)))
    began = time.perf_counter()
    rows: list[dict[str, Any]] = []
    try:
        workspace = Workspace(path.parent, python=python)
        done = run.run_script(workspace, path, limits=run.Limits(seconds=60))
        rows = trace.rows(done.graphs, workspace.relative)
        note = " ".join([done.stopped or "", *(text for text, _ in done.errors[:1]), *list(done.internal)[:1]]).strip()
    except Exception:
        note = "crashed: " + traceback.format_exc().strip().splitlines()[-1]
    seconds = time.perf_counter() - began
    traced = sites_of(json.loads(json.dumps(rows, default=str)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024)
    shown = tuple(differences(truth, traced, show)) if show else ()
    return Outcome(name, score(truth, traced), seconds, peak, note[:120], shown)


def truth_file(zoo: Path, name: str) -> Path:
    """Where an entry's truth is stored. Zoos may keep it beside the entries' folder."""
    inside = zoo / "truth" / f"{name}.jsonl.gz"
    return inside if inside.exists() else zoo / f"{name}.jsonl.gz"


def _run(options: argparse.Namespace) -> int:
    names = options.names or sorted(path.stem for path in (options.zoo / "entries").glob("*.py"))
    without = [name for name in names if not truth_file(options.zoo, name).exists()]
    for name in without:
        print(f"{name}: no recorded truth, left out", file=sys.stderr)
    tasks = [(name, str(options.zoo), options.python, options.show) for name in names if name not in without]
    baseline_file = options.zoo / "baseline.json"
    baseline: dict[str, dict[str, float]] = {}
    if baseline_file.exists():
        baseline = json.loads(baseline_file.read_text(encoding="utf-8"))
    outcomes: list[Outcome] = []
    worse: list[str] = []
    print(f"{'model':44} {'sites':>6} {'shapes':>6} {'wrong':>7} {'unkn.':>6} {'s':>6} {'MB':>5}")
    for outcome in _outcomes(tasks, options.jobs):
        outcomes.append(outcome)
        told = became_worse(outcome.score, baseline.get(outcome.name))
        worse += [f"{outcome.name}: {text}" for text in told]
        own = outcome.score
        print(
            f"{outcome.name:44} {own.sites:6.3f} {own.shapes:6.3f} {own.wrong:7.4f} {own.unknown:6.3f}"
            f" {outcome.seconds:6.2f} {outcome.megabytes:5.0f} {'' if own.clean else 'not clean '}{outcome.note}",
            flush=True,
        )
        for line in outcome.shown:
            print(f"    {line}")
    if not outcomes:
        print("nothing to run", file=sys.stderr)
        return 2
    _print_summary(outcomes)
    if options.save_baseline:
        figures = {**baseline, **{o.name: _figures(o.score) for o in outcomes}}
        baseline_file.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n", encoding="utf-8")
    for text in worse:
        print(f"worse than the baseline: {text}")
    return 1 if worse and not options.save_baseline else 0


def _outcomes(tasks: list[tuple[str, str, str, int]], jobs: int) -> Iterator[Outcome]:
    """Each task in a process of its own, so that times are cold and memory is its own."""
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=1) as pool:
        yield from pool.imap(trace_one, tasks)


def _figures(own: Score) -> dict[str, float]:
    return {n: round(getattr(own, n), 4) for n in ("sites", "shapes", "wrong", "unknown")}


def became_worse(own: Score, before: dict[str, float] | None) -> list[str]:
    """What of a model's score is worse than in the baseline, in words."""
    if before is None:
        return []
    now = _figures(own)
    told = [f"{n} {before[n]:.4f} -> {now[n]:.4f}" for n in ("sites", "shapes") if now[n] < before[n] - _SLACK]
    return told + [f"wrong {before['wrong']:.4f} -> {now['wrong']:.4f}"] * (now["wrong"] > before["wrong"] + 0.0001)


def _print_summary(outcomes: list[Outcome]) -> None:
    total = sum((o.score for o in outcomes), Score())
    seconds = sorted(o.seconds for o in outcomes)
    clean = sum(o.score.clean for o in outcomes)
    print(
        f"\n{len(outcomes)} models, {clean} clean: sites {total.sites:.4f}, shapes {total.shapes:.4f}, "
        f"wrong {total.wrong:.5f}, unknown {total.unknown:.4f}; {total.true_sites} sites, {total.true_pairs} pairs; "
        f"median {seconds[len(seconds) // 2]:.2f} s, slowest {seconds[-1]:.2f} s, "
        f"largest {max(o.megabytes for o in outcomes):.0f} MB"
    )
