"""Runs an analysis in a forked child with hard limits, so that a hang or a flood of memory fails one test only."""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HANGS_AFTER = float(os.environ.get("ANE_TEST_HANG", 90.0))
"""Processor seconds after which a child counts as hung, and a tenth of the seconds by the clock: a busy machine must not fail
a test."""

BUDGET = 3.0
"""The analysis budget of each case, in seconds."""


@dataclass
class Outcome:
    """What became of one case. memory: megabytes the child needed on top of what it was forked with."""

    codes: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    models: int = 0
    ops: list[str] = field(default_factory=list)
    internal: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory: float = 0.0
    crash: str = ""
    extra: Any = None


def can_fork() -> bool:
    return hasattr(os, "fork") and sys.platform.startswith("linux")


def bounded(work: Callable[[], Any], megabytes: int, hangs_after: float = HANGS_AFTER) -> tuple[Any, float, str]:
    """What `work` returns, the memory it needed (MB), and why it did not end well (``""`` where it did)."""
    if not can_fork():
        return work(), 0.0, ""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(work, writer, megabytes)
    os.close(writer)
    data, deadline = b"", time.monotonic() + 10 * hangs_after
    while True:
        ready, _, _ = select.select([reader], [], [], min(1.0, hangs_after))
        if not ready and _used(child) < hangs_after and time.monotonic() < deadline:
            continue
        if not ready:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return None, 0.0, f"hung: no answer after {hangs_after:g} s"
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            break
        data += chunk
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if not data:
        return None, 0.0, f"the process died with status {status}"
    value, memory, crash = pickle.loads(data)
    return value, memory, crash


def _used(child: int) -> float:
    fields = Path(f"/proc/{child}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _child(work: Callable[[], Any], writer: int, megabytes: int) -> None:
    import resource

    value, crash = None, ""
    before = _resident()
    # A ceiling over the address space: what grows without bound ends in MemoryError, not in swapping.
    ceiling = _virtual() + (megabytes + 1024) * 1_000_000  # 1024: the run's thread reserves half a gigabyte of stack
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    try:
        value = work()
    except BaseException:
        crash = traceback.format_exc()[-3000:]
    memory = max(0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 - before)
    if not crash and memory > megabytes:
        crash = f"needed {memory:.0f} MB, {megabytes} allowed"
    with os.fdopen(writer, "wb") as out:
        pickle.dump((value, memory, crash), out)
    os._exit(0)


def _resident() -> float:
    return _status("VmHWM")


def _virtual() -> int:
    return int(_status("VmSize") * 1_000_000)


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1000
    return 0.0


def analyse(path: Path, budget: float = BUDGET, root: Path | None = None) -> Outcome:
    """``check`` of one file, in this process."""
    from ane_lsp.analysis import analyze
    from ane_lsp.workspace import Settings, Workspace

    began = time.monotonic()
    workspace = Workspace(root or path.parent, python=None)
    found = analyze(path, workspace, Settings(budget=budget))
    return Outcome(
        codes=[f.code for f in found.findings],
        errors=[(e.kind, e.message) for e in found.errors],
        models=len(found.models),
        ops=[op.kind for graph in found.graphs for op in graph.ops],
        internal=[f"{f.span}: {f.message}" for f in found.findings if f.code == "ANE901"]
        + [e.message for e in found.errors if e.kind == "internal"],
        seconds=time.monotonic() - began,
    )


def traced(path: Path, budget: float = BUDGET) -> Outcome:
    """``trace`` of one file, in this process."""
    from ane_lsp.analysis import trace
    from ane_lsp.workspace import Settings, Workspace

    began = time.monotonic()
    found = trace(path, Workspace(path.parent), Settings(budget=budget))
    return Outcome(
        ops=[row["op"] for row in found.rows],
        internal=list(found.summary["summary"].get("internal_errors", ())),
        seconds=time.monotonic() - began,
        extra=found.summary["summary"],
    )


def run(work: Callable[[], Outcome], megabytes: int = 1100) -> Outcome:
    """`work` under limits; never raises on its account."""
    value, memory, crash = bounded(work, megabytes)
    outcome = value if isinstance(value, Outcome) else Outcome()
    outcome.memory, outcome.crash = memory, crash
    return outcome


def warm() -> None:
    """Import what an analysis needs before the first fork, so that each child finds it there."""
    from ane_lsp.analysis import analyze
    from ane_lsp.workspace import Settings, Workspace

    path = Path(os.path.abspath(os.sep)) / "warm.py"
    text = "import torch\nfrom torch import nn\nm = nn.Sequential(nn.Conv2d(3, 8, 9), nn.ReLU())\nm(torch.zeros(1, 3, 8, 8))\n"
    analyze(path, Workspace(path.parent, overlays={path: text}), Settings())


def few_steps(steps: int) -> None:
    """From now on a run of this process ends after so many steps: the same on fast and slow machines."""
    from functools import partial

    from ane_lsp.interp import run as runs

    runs.Limits = partial(runs.Limits, steps=steps)  # type: ignore[misc, assignment]
