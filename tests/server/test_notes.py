"""Sentences of a hover about operations that one call site runs in several modules."""

from __future__ import annotations

import sys
from pathlib import Path

from ane_lsp.analysis import analyze
from ane_lsp.server import notes, predictions
from ane_lsp.workspace import Settings, Workspace

POOLS = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pools = nn.ModuleList(nn.MaxPool2d(k, 1, k // 2) for k in WINDOWS)

    def forward(self, x):
        return torch.cat([pool(x) for pool in self.pools], 1)


Net()(torch.zeros(1, 8, 32, 32))
"""


def said(folder: Path, windows: str) -> list[str]:
    path = folder / "net.py"
    path.write_text(POOLS.replace("WINDOWS", windows))
    settings, _ = Settings().merge({"targets": ["M4"]})
    found = analyze(path, Workspace(folder, python=sys.prefix), settings)
    (span,) = {op.call.span for graph in found.graphs for op in graph.ops if op.kind == "max_pool"}
    plans = predictions.plan(found, settings, {})
    return [*notes.about(found, span, settings), *predictions.about(plans, span)]


def test_what_differs_says_where_it_holds(tmp_path: Path) -> None:
    can, wide, wider, *placed = said(tmp_path, "(5, 9, 13, 9)")
    assert can.startswith("in pools.0: max_pool on M4: can run on the ANE")
    assert wide.startswith("in pools.1 and 1 more: max_pool on M4: does not run on the ANE: a 9x9 window")
    assert wider.startswith("in pools.2: max_pool on M4: does not run on the ANE: a 13x13 window")
    assert placed
    assert all(line.startswith("in pools.") for line in placed)


def test_what_is_the_same_everywhere_is_said_once(tmp_path: Path) -> None:
    lines = said(tmp_path, "(5, 5)")
    assert len(lines) == 2
    assert lines[0].startswith("max_pool on M4: can run on the ANE")
    assert lines[1].startswith("max_pool is predicted")
