"""``functools.singledispatch`` by the type of a tensor."""

from pathlib import Path

from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

SOURCE = """\
import functools
import torch
from torch import nn


@functools.singledispatch
def pooled(x):
    raise TypeError(type(x))


@pooled.register
def _(x: torch.Tensor):
    return x.mean((-2, -1))


@pooled.register(list)
def _(xs):
    return torch.cat([pooled(x) for x in xs], 1)


class Net(nn.Module):
    def forward(self, x):
        return pooled([x, nn.Parameter(x)])


Net()(torch.zeros(1, 3, 4, 4))
"""


def test_tensors_and_parameters_are_told_by_their_classes(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    done = run_script(Workspace(tmp_path), path)
    assert (done.errors, done.interp.unresolved) == ([], {})
    [graph] = done.graphs
    assert [call.torch for call in graph.calls] == ["torch.Tensor.mean", "torch.Tensor.mean", "torch.cat"]
    assert [value.type.shape for value in graph.outputs] == [(1, 6)]
