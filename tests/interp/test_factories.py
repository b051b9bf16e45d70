"""Factories are run as long as they may lead to classes nothing reached."""

from pathlib import Path

import pytest

from ane_lsp.interp.entries import run_file
from ane_lsp.interp.run import Limits
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.workspace import Workspace

PROGRAM = """\
import torch
from torch import nn
built = []
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        built.append(width)
        self.layer = nn.Conv2d(3, width, 3)
    def forward(self, x):
        return self.layer(x)
class Other(Net):
    def forward(self, x):
        return self.layer(x).relu()
KINDS = {"net": Net, "other": Other}
"""


def built(tmp_path: Path, factories: str) -> list[object]:
    path = tmp_path / "nets.py"
    path.write_text(PROGRAM + factories)
    workspace = Workspace(tmp_path)
    found = run_file(workspace, path, parse_directives(workspace.read(path)), [], "iOS18", Limits())
    module = found.run.interp.modules["nets"]
    assert {entry.graph.name for entry in found.entries} == {"Net", "Other"}
    return [width for width in module.namespace["built"] if isinstance(width, int)]


@pytest.mark.parametrize(
    ("factories", "expected"),
    [
        ("def small():\n    return Net(8)\ndef large():\n    return Net(16)\n", [8]),
        ("def small():\n    return Net(8)\ndef large():\n    return Other(16)\n", [8, 16]),
        ("def small():\n    return Net(8)\ndef make(c):\n    return c(16)\ndef large():\n    return make(KINDS['other'])\n", [8, 16]),
        ("def small():\n    return Net(8)\ndef large():\n    return globals()['Oth' + 'er'](16)\n", [8, 16]),
    ],
)  # fmt: skip
def test_a_factory_that_leads_nowhere_new_is_not_run(tmp_path: Path, factories: str, expected: list[int]) -> None:
    assert built(tmp_path, factories) == expected
