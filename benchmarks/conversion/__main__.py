"""``python -m benchmarks.conversion``: does coremltools refuse what our table says it refuses, call by call?

    python -m benchmarks.conversion convert OUT.jsonl [--count 2] [--part NAME] [--paths trace export export-core]
    python -m benchmarks.conversion compare OUT.jsonl [--missed]

``convert`` writes small programs of one torch call each, converts them on each export path and appends what happened; programs
that are in the file already are not converted again. ``compare`` runs the rules over the same sources and prints every call
they call unconvertible although coremltools converted it; ``--missed`` also those it refuses and no rule mentions.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ane_lsp.checks import engine
from ane_lsp.interp.run import Limits, run_script
from ane_lsp.knowledge import conversion, targets
from ane_lsp.workspace import Settings, Workspace

Row = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conversion", description=(__doc__ or "").splitlines()[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    ask = commands.add_parser("convert", help="convert programs of one call each, append what happened")
    ask.add_argument("out", type=Path)
    ask.add_argument("--count", type=int, default=2, help="programs for each name")
    ask.add_argument("--part", default="", help="only names that hold this")
    ask.add_argument("--paths", nargs="*", choices=conversion.PATHS, default=list(conversion.PATHS))
    ask.add_argument("--known", action="store_true", help="only names the table says something about")
    ask.add_argument("--modules", action="store_true", help="the classes of torch.nn instead of functions and methods")
    ask.add_argument("--sources", type=Path, help="an earlier output whose programs are converted instead")
    against = commands.add_parser("compare", help="run the rules over the same programs")
    against.add_argument("out", type=Path)
    against.add_argument("--part", default="")
    against.add_argument("--missed", action="store_true")
    options = parser.parse_args(arguments)
    return {"convert": _convert, "compare": _compare}[options.command](options)


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _programs(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    if options.sources is not None:
        yield from {row["source"]: (row["name"], row["source"]) for row in _read(options.sources)}.values()
        return
    from benchmarks.conversion.programs import of_functions, of_modules

    def wanted(name: str) -> bool:
        return options.part in name and (
            not options.known or any(s in conversion.table() for s in conversion.spellings(name))
        )

    found = of_modules(options.count, wanted) if options.modules else of_functions(options.count, wanted)
    yield from ((program.name, program.source) for program in found)


def _convert(options: argparse.Namespace) -> int:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    done = {(row["source"], row["path"]) for row in _read(options.out)}
    for name, source in _programs(options):
        for path in options.paths:
            if (source, path) in done:
                continue
            error = converted(source, path)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name, "path": path, "error": error, "source": source}) + "\n")
    return 0


def converted(source: str, path: str, opset: str = Settings().opset) -> str:
    """Why coremltools refuses a program on an export path, "" where it converts."""
    import coremltools as ct
    import numpy as np
    import torch

    scope: dict[str, Any] = {}
    exec(compile(source, "<program>", "exec"), scope)
    model, given = scope["m"], scope["given"]
    target = getattr(ct.target, opset)
    try:
        with torch.no_grad():
            if path == "trace":
                captured: Any = torch.jit.trace(model, given, check_trace=False)
                kinds = [np.float32 if t.dtype.is_floating_point or t.dtype == torch.bool else np.int32 for t in given]
                inputs = [ct.TensorType(shape=tuple(t.shape), dtype=k) for t, k in zip(given, kinds, strict=True)]
            else:
                captured = torch.export.export(model, given)
                captured = captured.run_decompositions({}) if path == "export" else captured.run_decompositions()
                inputs = None
    except Exception as error:
        return f"capture: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    try:
        ct.convert(
            captured, inputs=inputs, convert_to="mlprogram", minimum_deployment_target=target, skip_model_load=True
        )
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return ""


def _compare(options: argparse.Namespace) -> int:
    rows = [row for row in _read(options.out) if options.part in row["name"]]
    known: dict[str, dict[str, list[str]]] = {}
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), (), sys.prefix)
        for row in rows:
            if row["source"] not in known:
                known[row["source"]] = _verdicts(Path(folder) / f"program_{len(known)}.py", row["source"], workspace)
            said, error = known[row["source"]][row["path"]], row["error"]
            if error.startswith("capture:"):
                counts["not captured"] += 1
                continue
            outcome = (
                "both"
                if said and error
                else "converts, reported"
                if said
                else "refused, silent"
                if error
                else "neither"
            )
            counts[outcome] += 1
            if outcome == "converts, reported" or (options.missed and outcome == "refused, silent"):
                print(f"\n== {outcome}: {row['name']} [{row['path']}] {said or error}")
                print("\n".join(f"   {line}" for line in row["source"].splitlines()[3:]))
    print(dict(counts))
    return 1 if counts["converts, reported"] else 0


def _verdicts(path: Path, source: str, workspace: Workspace) -> dict[str, list[str]]:
    """Messages of conversion errors for each export path."""
    path.write_text(source, encoding="utf-8")
    run = run_script(workspace, path, Settings().opset, Limits(seconds=20))
    found: dict[str, list[str]] = {}
    for way in conversion.PATHS:
        choice = engine.Options(Settings().opset, way)  # type: ignore[arg-type]
        reports = [f for graph in run.graphs for f in engine.run(graph, targets.default(), choice)]
        found[way] = [f"{f.code} {f.message}" for f in reports if f.severity == "error" and f.code.startswith("ANE1")]
    return found


if __name__ == "__main__":
    sys.exit(main())
