"""Converts the example of every rule page and holds the rule's findings against what coremltools made of it.

    python -m benchmarks.verify_rules OUT [--kinds bad,near-miss,good] [--only PATTERN] [--report [--page FILE]]

What each conversion brought is kept in the folder OUT, so a run can be stopped and taken up again. Every example is converted
by both paths, because what converts depends on the path. `--report` holds what is there against the source as it is analysed
today.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ane_lsp.knowledge import rules
from benchmarks import fork_worker
from benchmarks.verify_models import families, per_op

PATHS = ("export", "trace")
TIMEOUT = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kinds", default="bad")
    parser.add_argument("--only", default="")
    parser.add_argument("--prelude", type=Path)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--page", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.report:
        fork_worker.start(("torch", "coremltools"), args.prelude.read_text() if args.prelude else "")
        for name, _, example in examples(args):
            missing = [path for path in PATHS if not (args.out / f"{name}-{path}.json.gz").exists()]
            job = prepared(name, example, PATHS[0], args)[1] if missing else None
            for path in missing:
                assert job is not None
                kept = args.out / f"{name}-{path}.json.gz"
                outcome = fork_worker.run(replace(job, path=path))
                with gzip.open(kept, "wt") as file:
                    json.dump([outcome.ended, outcome.message, outcome.results, outcome.seconds], file)
                print(name, path, outcome.ended, outcome.message[:100], flush=True)
        return 0
    text = report(list(results(args)))
    print(text)
    if args.page is not None:
        args.page.write_text(text + "\n", encoding="utf-8")
    return 0


def examples(args: argparse.Namespace) -> Iterator[tuple[str, str, Any]]:
    """(name, code, example) of every page and kind asked for."""
    for code in rules.codes():
        for number, example in enumerate(rules.page(code).examples):
            name = f"{code}-{example.kind}-{number}"
            ours = example.options.get("coremltools") != "main"  # what is converted with is 9.0
            if ours and example.kind in args.kinds.split(",") and re.search(args.only, name):
                yield name, code, example


def prepared(name: str, example: Any, path: str, args: argparse.Namespace) -> tuple[Any, Any, Any, Any, Any]:
    """The example as a script, and what the source analysis says of it."""
    from ane_lsp.verify.job import Limits
    from ane_lsp.verify.run import Request, prepare
    from ane_lsp.workspace.project import Projects

    folder = args.out.absolute() / "scripts"
    folder.mkdir(exist_ok=True)
    script = folder / f"{name}.py"
    script.write_text(example.source, encoding="utf-8")
    given: dict[str, Any] = {"python": sys.executable}
    given |= {key: value for key, value in example.options.items() if key != "requires"}
    if "targets" in given:
        given["targets"] = given["targets"].split(",")
    projects = Projects(given, None, False)
    settings, workspace = projects.settings(script), projects.workspace(script)
    request = Request(
        script, backends=("coreml", "mil"), convert_path=path, limits=Limits(seconds=TIMEOUT, cpu_seconds=120)
    )
    job, graphs = prepare(request, workspace, settings)
    return request, job, graphs, workspace, settings


def results(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every kept outcome against the source."""
    from ane_lsp.verify.agreement import agree
    from ane_lsp.verify.parent import Outcome
    from ane_lsp.verify.run import assess

    for name, code, example in examples(args):
        for path in PATHS:
            kept = args.out / f"{name}-{path}.json.gz"
            if not kept.exists():
                continue
            request, job, graphs, workspace, settings = prepared(name, example, path, args)
            with gzip.open(kept, "rt") as file:
                ended, message, brought, seconds = json.load(file)
            found = assess(request, Outcome(ended, message, brought, "", seconds), job, graphs, workspace, settings)
            row = {
                "name": name, "code": code, "kind": example.kind, "path": path, "ended": ended, "message": message,
                "mil": brought.get("mil", {}).get("text"), "program": found.program is not None,
                "comparisons": [
                    {"code": c.finding.code, "status": c.status, "why": c.why, "line": c.finding.span.line,
                     "severity": c.finding.severity, "message": c.finding.message[:140]}
                    for c in found.comparisons
                ],
            }  # fmt: skip
            if found.program is not None and found.static is not None:
                row["per_op"] = per_op(agree(found.static, found.program, found.target))
            yield row


def report(rows: list[dict[str, Any]]) -> str:
    """By rule: what became of its own findings, then of all by family, then every disagreement."""
    lines = [
        "# The rules' own examples, converted", "",
        "Made with `python -m benchmarks.verify_rules OUT --report --page docs/verify-rules.md` (coremltools 9.0, torch 2.13.0). Every rule's",
        "bad example is converted by `torch.export` and by `torch.jit.trace`, and the same rules run on the converted program; what the",
        "statuses mean is on the page about [verify](verify.md). A rule that does not convert is confirmed by the error on its line. Rules",
        "about what the author wrote and a conversion removes cannot be decided by a program and are untestable. Examples for the next",
        "coremltools are left out.", "",
    ]  # fmt: skip
    lines += ["| rule | path | status | conversion | why |", "|---|---|---|---|---|"]
    for row in rows:
        own = [c for c in row["comparisons"] if c["code"] == row["code"]]
        status = ", ".join(f"{n} {s}" for s, n in sorted(Counter(c["status"] for c in own).items())) or "-"
        why = "; ".join(dict.fromkeys(c["why"] for c in own if c["status"] != "confirmed"))
        how = "converted" if row["program"] else f"{row['ended']}: {row['message'][:90]}"
        lines.append(f"| {row['name']} | {row['path']} | {status} | {how} | {why} |".replace("\n", " "))
    found = [c | {"where": f"{r['name']} ({r['path']}) line {c['line']}"} for r in rows for c in r["comparisons"]]
    lines += ["", *families(found)]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
