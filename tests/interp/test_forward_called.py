"""``model.forward(x)``: the model is called, without its hooks, and not each of its layers by itself."""

from pathlib import Path

import pytest

from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)
        self.register_forward_hook(lambda module, given, result: result.sigmoid())

    def guided(self, x, scale):
        return self.forward(x) * scale

    def forward(self, x):
        return self.head(self.body(x))


class Sampler(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    @torch.no_grad()
    def sample(self, x, steps):
        for _ in range(steps):
            x = torch.cat([x, self.net.guided(x, 2.0)], 1)[:, -4:]
        return x


net = Net()
"""


@pytest.mark.parametrize(
    ("call", "names"),
    [
        ("y = net(torch.zeros(3, 4))", ["Net"]),
        ("y = net.forward(torch.zeros(3, 4))", ["Net"]),
        ("forward = net.forward\ny = forward(torch.zeros(3, 4))", ["Net"]),
        ("y = Sampler(net).sample(torch.zeros(3, 4), 2)", ["Net", "Net"]),
        ("y = net.head.forward(torch.zeros(3, 8))", ["Linear"]),
    ],
)
def test_a_forward_that_is_called_is_a_call_of_the_model(call: str, names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(NET + call + "\n", encoding="utf-8")
    run = run_script(Workspace(tmp_path), path)
    assert not run.errors
    assert [graph.name for graph in run.graphs] == names
    for graph in run.graphs:
        assert [value.type.shape[0] for value in graph.inputs] == [3]
        hooked = any(op.kind == "sigmoid" for op in graph.ops)
        assert hooked == ("net(" in call and "forward" not in call and "Sampler" not in call)
