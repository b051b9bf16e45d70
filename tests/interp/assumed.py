"""Classes nobody wrote an entry for, followed as a check does."""

from __future__ import annotations

import textwrap
from pathlib import Path

from ane_lsp.graph import TensorType
from ane_lsp.interp import run
from ane_lsp.interp.entries import EntryRun, FileRun, run_file
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.workspace import Workspace

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def follow(folder: Path, name: str = "net.py", **files: str) -> FileRun:
    """Analyse `name` in a folder with these files."""
    for stem, text in files.items():
        name_, _, package = stem.partition("_in_")
        path = folder / package / f"{name_}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
    workspace = Workspace(folder)
    path = folder / name
    return run_file(workspace, path, parse_directives(workspace.read(path)), [], "iOS18", run.Limits())


def only(done: FileRun, name: str) -> EntryRun:
    found = [e for e in done.entries if e.graph.name == name]
    assert len(found) == 1, [(e.graph.name, e.assumed) for e in done.entries]
    return found[0]


def shape_of(entry: EntryRun, name: str) -> str:
    """The type of an input as text."""
    value = next(v for v in entry.graph.inputs if v.name == name)
    assert isinstance(value.type, TensorType)
    return str(value.type)
