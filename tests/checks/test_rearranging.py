"""More than five axes that a converter makes fewer of: no finding, and what runs them is counted as running on the ANE."""

from __future__ import annotations

from pathlib import Path

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.graph.rearranging import rearranged
from ane_lsp.workspace import Settings, Workspace

WINDOWS = """
import torch
from torch import nn


class Windows(nn.Module):
    def forward(self, x):
        x = x.view(1, 8, 7, 8, 7, 96)
        y = {turned}
        return y.reshape(-1, 49, 96)


Windows()(torch.rand(1, 56, 56, 96))
"""


@pytest.mark.parametrize(
    ("turned", "merged"),
    [
        ("x.permute(0, 1, 3, 2, 4, 5)", True),
        ("x.permute(0, 1, 3, 2, 4, 5).unsqueeze(0).squeeze(0)", True),
        ("x.permute(0, 1, 3, 2, 4, 5) * 2", False),
        ("torch.relu(x)", False),
    ],
)
def test_windows(turned: str, merged: bool, tmp_path: Path) -> None:
    path = tmp_path / "windows.py"
    path.write_text(WINDOWS.format(turned=turned))
    found = analyze(path, Workspace(tmp_path), Settings())
    (graph,), (model,) = found.graphs, found.models
    assert ("ANE105" in {finding.code for finding in found.findings}) != merged
    assert rearranged(graph) == (frozenset(op.id for op in graph.ops) if merged else frozenset())
    assert (model.on_ane == model.ops) == merged


def test_what_is_returned_with_six_axes_is_not_brought_back(tmp_path: Path) -> None:
    path = tmp_path / "windows.py"
    path.write_text(WINDOWS.format(turned="x.permute(0, 1, 3, 2, 4, 5)").replace("y.reshape(-1, 49, 96)", "y"))
    found = analyze(path, Workspace(tmp_path), Settings())
    assert [finding.code for finding in found.findings] == ["ANE105"]
    assert rearranged(found.graphs[0]) == frozenset()
