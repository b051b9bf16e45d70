"""Runs a source both ways: in torch with the zoo's recorder, and abstractly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from ane_lsp.interp import run, trace  # noqa: E402
from ane_lsp.workspace import Workspace  # noqa: E402
from benchmarks.zoo.scoring import Sites, differences, sites_of  # noqa: E402


def executed(path: Path) -> Sites:
    """What torch runs for a script."""
    from benchmarks.zoo.recorder import record_script

    try:
        return sites_of(record_script(path, "meta"))
    except (NotImplementedError, RuntimeError):
        return sites_of(record_script(path, "cpu"))


def traced(path: Path) -> tuple[Sites, list[str]]:
    """What the interpreter reports for a script, and the errors it met."""
    done = run.run_script(Workspace(path.parent), path)
    rows = json.loads(json.dumps(trace.rows(done.graphs, lambda file: Path(file).name), default=str))
    return sites_of(rows), [text for text, _ in done.errors] + list(done.internal)


def disagreement(path: Path, idle: bool = False) -> list[str]:
    """Where trace and torch differ on a script, in words; empty where they agree entirely. idle: it may run nothing."""
    truth = executed(path)
    assert truth or idle, "torch recorded nothing"
    found, errors = traced(path)
    told = differences(truth, found)
    # Storing into a tensor returns nothing in torch, so that truth has no such site; a trace shows the tensor changed.
    extra = [
        f"never ran {file}:{line} {op}" for file, line, op in sorted(found.keys() - truth.keys()) if op != "setitem"
    ]
    return told + extra + errors
