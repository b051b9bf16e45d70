"""Verifies many models and prints a table: path, operations, share with a line, agreement with recorded truth, time, PSNR.

    python -m benchmarks.verify_models ENTRIES OUT [--truth DIR] [--python PATH] [--prelude FILE] [--only PATTERN] [--report]

ENTRIES is a folder of scripts that each build one model and call it. What each run brought is kept in the folder OUT, a file a
model, and models already there are skipped (smallest truth first), so a run can be stopped and taken up again. `--report` holds
what is there against the source, as it is analysed today, and prints the tables.
Truth files are what torch executed: NAME.jsonl.gz beside the entries, rows as in ``ane-lsp trace``. `--prelude` is Python that
runs before the packages are imported. Models run in forks of this process, whose interpreter therefore needs the packages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import fork_worker

# Operations with a clear counterpart in torch, and what that is called. nn.MultiheadAttention projects by itself, and torch's full
# decomposition makes a product of a linear layer.
CHECKABLE = {
    "conv": "conv", "conv_transpose": "conv", "linear": r"linear|matmul|conv1d|attention", "matmul": r"matmul|einsum|bmm|attention|@|linear",
    "layer_norm": "norm", "batch_norm": "norm", "instance_norm": "norm", "softmax": r"softmax|attention", "gelu": "gelu|tanh|erf",
    "relu": "relu", "relu6": "relu6|hardtanh", "silu": "silu|swish", "sigmoid": "sigmoid", "tanh": "tanh|gelu", "max_pool": "max_pool|maxpool",
    "avg_pool": "avg_?pool", "concat": r"cat|concat|stack", "scaled_dot_product_attention": "attention",
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("entries", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--prelude", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--backends", default="coreml,mil,numbers,coreai")
    parser.add_argument("--timeout", type=float, default=900)
    parser.add_argument("--names", help="entries in the order they are run, separated by commas")
    parser.add_argument("--add", help="run models again that lack this result (coreai), and keep what they have")
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    entries = [e for e in args.entries.glob("*.py") if re.search(args.only, e.stem)]
    if not args.report:
        fork_worker.start(prelude=args.prelude.read_text() if args.prelude else "")
        named = args.names.split(",") if args.names else []
        if named:
            entries = sorted((e for e in entries if e.stem in named), key=lambda e: named.index(e.stem))
        for entry in entries if named else sorted(entries, key=lambda e: _size(e, args.truth)):
            if not kept(entry, args.out).exists() or (args.add and args.add not in brought(entry, args)["results"]):
                outcome = convert(entry, args)
                print(entry.stem, outcome.ended, round(outcome.seconds, 1), flush=True)
        return 0
    report([assessed(e, args) for e in sorted(entries) if kept(e, args.out).exists()])
    return 0


def _size(entry: Path, truth: Path | None) -> int:
    path = (truth or entry.parent) / f"{entry.stem}.jsonl.gz"
    return path.stat().st_size if path.exists() else 0


def kept(entry: Path, out: Path) -> Path:
    """Where the outcome of an entry is."""
    return out / f"{entry.stem}.json.gz"


def prepared(entry: Path, args: argparse.Namespace) -> tuple[Any, Any, Any, Any, Any]:
    """The script as it is run, and what the source analysis says of it."""
    from ane_lsp.verify.job import Limits
    from ane_lsp.verify.run import Request, prepare
    from ane_lsp.workspace.project import Projects

    path = args.out.absolute() / "scripts" / entry.name
    path.parent.mkdir(exist_ok=True)
    # An input of zeros leaves many models at zero, where numbers cannot be compared.
    text = re.sub(r"torch\.zeros\((?=[^)]*\)\))(?![^)]*dtype)", "torch.randn(", entry.read_text())
    path.write_text(text)
    projects = Projects({"python": args.python}, None, False)
    settings, workspace = projects.settings(path), projects.workspace(path)
    limits = Limits(seconds=args.timeout, cpu_seconds=int(args.timeout * 3), memory=12 << 30)
    request = Request(path, backends=tuple(args.backends.split(",")), limits=limits, python=args.python)
    job, graphs = prepare(request, workspace, settings)
    return request, job, graphs, workspace, settings


def convert(entry: Path, args: argparse.Namespace) -> Any:
    """Run one model, and keep what came of it."""
    outcome = fork_worker.run(prepared(entry, args)[1])
    data: dict[str, Any] = {
        "ended": outcome.ended,
        "message": outcome.message,
        "seconds": outcome.seconds,
        "results": outcome.results,
    }
    if kept(entry, args.out).exists():
        before = brought(entry, args)
        data = {**before, "results": {**outcome.results, args.add: {}, **before["results"]}}
        data["results"][args.add] = outcome.results.get(args.add, {"runs": []})
    with gzip.open(kept(entry, args.out), "wt") as file:
        json.dump(data, file)
    return outcome


def brought(entry: Path, args: argparse.Namespace) -> dict[str, Any]:
    """What was kept of an entry."""
    with gzip.open(kept(entry, args.out), "rt") as file:
        data: dict[str, Any] = json.load(file)
    return data


def assessed(entry: Path, args: argparse.Namespace) -> dict[str, Any]:
    """A kept outcome against the source."""
    from ane_lsp.verify.agreement import agree
    from ane_lsp.verify.parent import Outcome
    from ane_lsp.verify.run import assess
    from ane_lsp.verify.shown import lined

    request, job, graphs, workspace, settings = prepared(entry, args)
    data = brought(entry, args)
    outcome = Outcome(data["ended"], data["message"], data["results"], "", data["seconds"])
    found = assess(request, outcome, job, graphs, workspace, settings)
    results = outcome.results
    program = results.get("program", {})
    row: dict[str, Any] = {
        "name": entry.stem, "ended": outcome.ended, "message": outcome.message[:300], "path": program.get("path"),
        "seconds": round(outcome.seconds, 1), **lined(found),
        "attempts": [f"{a['path']}: {a['message'][:160]}" for a in (program or results.get("failed", {})).get("attempts", [])],
        "numbers": results.get("numbers", {}), "mil": results.get("mil", {}), "coreai": results.get("coreai", {}).get("runs", []),
        "comparisons": [
            {"code": c.finding.code, "status": c.status, "why": c.why, "at": f"{Path(c.finding.span.file).name}:{c.finding.span.line}",
             "message": c.finding.message[:140]}
            for c in found.comparisons
        ],
    }  # fmt: skip
    if found.program is not None:
        row |= agreement(found.program, truth_of(entry, args.truth))
        if found.static is not None:
            row["per_op"] = per_op(agree(found.static, found.program, found.target))
    for name, plan in (("placed", found.placed), ("predicted", found.predicted)):
        if plan is not None:
            row[name] = {"ops": len(plan.ops), "on_ane": plan.on_ane, "switches": plan.switches, "problem": plan.problem,
                         "ms": round(plan.total_ms, 3)}  # fmt: skip
    return row


def per_op(found: Any) -> dict[str, Any]:
    """Operation by operation, as plain numbers."""
    rates = {name: getattr(found, name) for name in ("anywhere", "kinds", "shapes", "dtypes", "refused")}
    return {
        **{name: [r.said, r.there, r.both] for name, r in rates.items()},
        "lines": found.lines, "same_verdict": found.same_verdict,
        "differences": [f"{Path(file).name}:{line}: {text}" for (file, line), text in found.differences],
    }  # fmt: skip


def truth_of(entry: Path, folder: Path | None) -> dict[tuple[str, int], set[str]]:
    """Torch operations by (file, line)."""
    found: dict[tuple[str, int], set[str]] = {}
    path = (folder or entry.parent) / f"{entry.stem}.jsonl.gz"
    if not path.exists():
        return found
    with gzip.open(path, "rt") as file:
        for line in file:
            row = json.loads(line)
            if "file" in row:
                for number in range(row["line"], row["end_line"] + 1):
                    found.setdefault((row["file"], number), set()).add(row["op"].lower())
    return found


def agreement(program: Any, truth: dict[tuple[str, int], set[str]]) -> dict[str, Any]:
    """Of the checkable operations, how many stand on a line where torch executed their counterpart."""
    checked = agreed = 0
    wrong: list[str] = []
    for op in program.ops:
        wanted = CHECKABLE.get(op.kind)
        if not truth or wanted is None or not op.span.file:
            continue
        checked += 1
        file = op.span.file.split("site-packages/")[-1]
        lines = range(op.span.line, op.span.end_line + 1)
        if any(re.search(wanted, name) for line in lines for name in truth.get((file, line), ())):
            agreed += 1
        else:
            wrong.append(f"{op.kind} at {file}:{op.span.line}")
    return {"checked": checked, "agreed": agreed, "wrong": sorted(set(wrong))[:8]}


_HEAD = """# Real models, converted and compared

Made with `python -m benchmarks.verify_models ENTRIES OUT --report` (coremltools 9.0, torch 2.13.0, random weights, two shared and busy
cores: the times are upper bounds). "Checkable" operations have a clear counterpart in torch; "agree" is the share of them that stand on
a line where torch was recorded executing that counterpart. PSNR is the worst output's, against torch in fp32: of the converted program
computed here (MIL, constants in fp16 in both), of torch with every result rounded to fp16, and of Apple's Core AI.
"""


def report(rows: list[dict[str, Any]]) -> None:
    """The tables."""
    print(_HEAD)
    print(
        "| model | path | ops | with line | checkable | agree | s | MIL fp32 dB | MIL fp16 dB | torch fp16 dB | Core AI fp32 dB | Core AI fp16 dB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    total: Counter[str] = Counter()
    for row in sorted(rows, key=lambda r: r["name"]):
        total.update({k: row.get(k, 0) for k in ("ops", "with_line", "checked", "agreed")})
        total["converted"] += row["path"] is not None
        share = f"{row['with_line'] / row['ops']:.2f}" if row["ops"] else "-"
        agree = f"{row['agreed'] / row['checked']:.3f}" if row.get("checked") else "-"
        print(
            f"| {row['name']} | {row['path'] or row['ended']} | {row['ops']} | {share} | {row.get('checked', '-')} | {agree} | {row['seconds']} "
            f"| {_mil(row['mil'], 'fp32')} | {_mil(row['mil'], 'fp16')} | {_worst(row['numbers'])} "
            f"| {_core(row['coreai'], 'fp32')} | {_core(row['coreai'], 'fp16')} |"
        )
    if total["ops"] and total["checked"]:
        print(
            f"\n{len(rows)} models, {total['converted']} converted; {total['with_line']} of {total['ops']} operations with a line "
            f"({total['with_line'] / total['ops']:.4f}); {total['agreed']} of {total['checked']} checkable agree "
            f"({total['agreed'] / total['checked']:.4f})\n"
        )
    operations(rows)
    placements(rows)
    print("## Findings from the source against the conversion\n")
    findings = [c | {"where": f"{r['name']} {c['at']}"} for r in rows for c in r["comparisons"]]
    print("\n".join(families(findings)))
    print("\n## Not converted, or not by the first path\n")
    for row in rows:
        for attempt in row["attempts"]:
            print(f"- {row['name']}: {attempt}")
        if row["path"] is None and not row["attempts"]:
            print(f"- {row['name']}: {row['ended']}: {row['message']}")
    print("\n## Core AI: refused or stopped\n")
    for row in rows:
        for run in row["coreai"]:
            if "outputs" not in run:
                print(f"- {row['name']} {run['precision']}: {run['text'][:200]}")


def _worst(result: dict[str, Any]) -> str:
    """The worst output's PSNR."""
    if "outputs" not in result:
        return "-"
    found = [o["psnr"] for o in result["outputs"] if o["psnr"] is not None]
    numbers = [float(v) for v in found]
    if not numbers:
        return "equal" if result["outputs"] and all(o.get("equal", True) for o in result["outputs"]) else "differs"
    return f"{min(numbers):.1f}{'' if result['passes'] else ' FAIL'}"


def _mil(result: dict[str, Any], precision: str) -> str:
    if "missing" in result:
        return "no " + ", ".join(result["missing"])
    return _worst(result.get(precision, {}))


def _core(runs: list[dict[str, Any]], precision: str) -> str:
    run = next((r for r in runs if r["precision"] == precision), None)
    if run is None:
        return "-"
    return (
        _worst(run)
        if "outputs" in run
        else "refused"
        if "refused" in run
        else "stopped"
        if "stopped" in run
        else "not run"
    )


def operations(rows: list[dict[str, Any]]) -> None:
    """Source against program, operation by operation."""
    # Torch's full decomposition makes another program than the one the source analysis speaks of.
    found = [row for row in rows if "per_op" in row and row["path"] != "export-core"]
    print("## Operations: source against program\n")
    print(
        "| model | source | program | same kind | precision | recall | and on the same line | precision | recall | same shape | same dtype | refused by the ANE: source, program, both | lines with the same verdict |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    sums: dict[str, Counter[int]] = {key: Counter() for key in ("anywhere", "kinds", "shapes", "dtypes", "refused")}
    lines = same = 0
    for row in sorted(found, key=lambda r: r["name"]):
        p = row["per_op"]
        for key, sum_ in sums.items():
            sum_.update(dict(enumerate(p[key])))
        lines, same = lines + p["lines"], same + p["same_verdict"]
        print(_op_row(row["name"], p))
    whole = {key: [sum_[n] for n in range(3)] for key, sum_ in sums.items()} | {"lines": lines, "same_verdict": same}
    print(_op_row("all", whole) + "\n")
    print("What differs, most frequent first:\n")
    kinds: Counter[str] = Counter()
    for row in found:
        for text in row["per_op"]["differences"]:
            kinds[
                re.sub(r"\d+ x | \d[\dx]*|^.*?: source", lambda m: "source" if m[0].endswith("source") else "", text)
            ] += 1
    for text, n in kinds.most_common(25):
        print(f"- {n}: {text}")
    print()


def _op_row(name: str, p: dict[str, Any]) -> str:
    said, there, both = p["kinds"]
    same = p["anywhere"][2]
    shapes, dtypes = p["shapes"][2], p["dtypes"][2]
    refused = ", ".join(map(str, p["refused"]))
    return (
        f"| {name} | {said} | {there} | {same} | {same / said:.3f} | {same / there:.3f} | {both} | {both / said:.3f} | {both / there:.3f} | {shapes} | {dtypes} | {refused} "
        f"| {p['same_verdict']} of {p['lines']} |"
    )


def placements(rows: list[dict[str, Any]]) -> None:
    """Where the operations would run, from the source and from the program."""
    print("## Placement: source against program\n")
    print(
        "| model | operations: source, program | on the ANE from source | from program | switches | ms: source, program |"
    )
    print("|---|---|---|---|---|---|")
    near = known = 0
    for row in sorted(rows, key=lambda r: r["name"]):
        a, b = row.get("predicted"), row.get("placed")
        if not a or not b:
            continue
        shares = [100 * p["on_ane"] / p["ops"] if p["ops"] and not p["problem"] else None for p in (a, b)]
        known += 1
        near += shares[0] is not None and shares[1] is not None and abs(shares[0] - shares[1]) <= 5
        shown = ["not predicted" if s is None else f"{s:.0f} %" for s in shares]
        print(
            f"| {row['name']} | {a['ops']}, {b['ops']} | {shown[0]} | {shown[1]} | {a['switches']}, {b['switches']} | {a['ms']}, {b['ms']} |"
        )
    print(f"\n{near} of {known} within 5 points.\n")


def families(found: list[dict[str, Any]]) -> Iterator[str]:
    """Precision and recall by rule family, then every miss."""
    counts: dict[str, Counter[str]] = {}
    misses: Counter[str] = Counter()
    for c in found:
        counts.setdefault(c["code"][:4] + "xx", Counter())[c["status"]] += 1
        if c["status"] in ("refuted", "gone", "new"):
            misses[f"{c['code']} {c['status']}: {c['where']}: {c['why']}: {c['message'][:110]}"] += 1
    # An error that nothing foretold is a conversion finding the source lacks.
    counts.setdefault("ANE1xx", Counter())["new"] += counts.pop("ANE9xx", Counter())["new"]
    whole: Counter[str] = Counter()
    yield "| family | confirmed | refuted | gone | new | untestable | precision | recall |"
    yield "|---|---|---|---|---|---|---|---|"
    for family, n in sorted(counts.items()):
        whole.update(n)
        yield _family(family, n)
    yield _family("all", whole)
    yield "\nMisses:\n"
    for miss, times in sorted(misses.items()):
        yield f"- {f'{times} x ' if times > 1 else ''}{miss}"


def _family(family: str, n: Counter[str]) -> str:
    said, there = n["confirmed"] + n["refuted"] + n["gone"], n["confirmed"] + n["new"]
    precision = f"{n['confirmed'] / said:.3f}" if said else "-"
    recall = f"{n['confirmed'] / there:.3f}" if there else "-"
    return f"| {family} | {n['confirmed']} | {n['refuted']} | {n['gone']} | {n['new']} | {n['untestable']} | {precision} | {recall} |"


if __name__ == "__main__":
    sys.exit(main())
