"""Casts that the converted program does not have: calls show torch's dtypes, the graph holds no operation for them."""

from pathlib import Path

import pytest

from ane_lsp.graph import Graph, Value
from ane_lsp.graph.liveness import idle_ops
from ane_lsp.interp.run import run_script
from ane_lsp.interp.trace import rows
from ane_lsp.workspace import Workspace

HEAD = "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.embed = nn.Embedding(4, 4, dtype=torch.bfloat16)\n\n    def forward(self, x, i):\n        return "


def graph_of(folder: Path, result: str) -> Graph:
    path = folder / "net.py"
    path.write_text(f"{HEAD}{result}\n\n\nNet()(torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.long))\n")
    done = run_script(Workspace(folder), path)
    assert not done.errors
    return done.graphs[0]


@pytest.mark.parametrize(
    ("result", "dtypes", "mil"),
    [
        ("x.double() + 1", ["f32 -> f64", "f64 -> f64"], [[], ["add"]]),
        ("x.double().float() + 1", ["f32 -> f64", "f64 -> f32", "f32 -> f32"], [[], [], ["add"]]),
        ("i.to(torch.int32) + 1", ["i64 -> i32", "i32 -> i32"], [[], ["add"]]),
        ("x.long().int() + 1", ["f32 -> i64", "i64 -> i32", "i32 -> i32"], [["cast"], [], ["add"]]),
        ("self.embed(i).float() * 2", ["i64 -> bf16", "bf16 -> f32", "f32 -> f32"], [["gather"], [], ["mul"]]),
        ("torch.as_tensor(x, dtype=torch.float64) + 1", ["f32 -> f64", "f64 -> f64"], [[], ["add"]]),
        ("x.half().float() + 1", ["f32 -> f16", "f16 -> f32", "f32 -> f32"], [["cast"], ["cast"], ["add"]]),
        ("x.float() + 1", ["f32 -> f32", "f32 -> f32"], [[], ["add"]]),
    ],
)
def test_calls_show_the_dtypes_of_torch(tmp_path: Path, result: str, dtypes: list[str], mil: list[list[str]]) -> None:
    graph = graph_of(tmp_path, result)
    found = rows([graph], lambda path: path.name)
    assert [f"{row['in'][0]['d']} -> {row['out']['d']}" for row in found] == dtypes
    assert [row["mil"] for row in found] == mil
    assert [value.type.dtype for value in graph.outputs] == [dtypes[-1].split()[-1]]


def test_a_cast_without_an_operation_is_the_value_that_it_casts(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "(x * 2).double()")
    product, cast = graph.calls
    before, after = product.result, cast.result
    assert isinstance(before, Value)
    assert isinstance(after, Value)
    assert (before.id, before.producer, before.type.dtype) == (after.id, after.producer, "f32")
    assert after.type.dtype == "f64"
    [op] = graph.ops
    assert graph.producer(after) is op
    assert not idle_ops(graph)
