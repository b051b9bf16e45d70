"""Programs that tests write, run as scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ane_lsp.interp.run import Run, run_script
from ane_lsp.workspace import Workspace


def finished(path: Path) -> tuple[Run, dict[str, Any]]:
    """The run of a script that ends without an error, and what its names stand for then."""
    run = run_script(Workspace(path.parent), path)
    assert not run.errors, run.errors
    (module,) = [m for m in run.interp.modules.values() if m.path == str(path)]
    return run, module.namespace


def completed(path: Path) -> tuple[Run, dict[str, Any]]:
    """The same of one that is followed to its end without a fault of ours or a limit."""
    run, names = finished(path)
    assert (run.internal, run.stopped) == ({}, None)
    return run, names
