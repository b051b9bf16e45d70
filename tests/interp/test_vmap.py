"""``vmap`` of a function of more than scalars is not modelled: nothing is recorded for it, and the model's summary says so."""

from pathlib import Path

import pytest

from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

HEAD = "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return "
CALL = "\n\n\nNet()(torch.zeros(3, 5))\n"
LOST = "vmap() of a function of more than scalars is not modelled"


@pytest.mark.parametrize(
    ("result", "calls", "lost"),
    [
        ("torch.vmap(lambda a: a.softmax(0))(x)", [], [LOST]),
        ("torch.vmap(torch.dot, in_dims=1)(x, x)", [], [LOST]),
        ("torch.vmap(lambda a, *, by: a * by)(x[0], by=2)", ["torch.Tensor.__getitem__"], [LOST]),
        (
            "torch.vmap(lambda a: a * 2)(x[0])",
            ["torch.Tensor.__getitem__", "torch.Tensor.mul", "torch.Tensor.expand"],
            [],
        ),
    ],
)
def test_what_is_recorded(tmp_path: Path, result: str, calls: list[str], lost: list[str]) -> None:
    path = tmp_path / "net.py"
    path.write_text(f"{HEAD}{result}{CALL}")
    done = run_script(Workspace(tmp_path), path)
    assert not done.errors
    [graph] = done.graphs
    assert [call.torch for call in graph.calls] == calls
    assert list(graph.lost) == lost
