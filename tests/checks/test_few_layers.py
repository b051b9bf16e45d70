"""Of layers in a row rules are asked about a few, and say what they say of all."""

from pathlib import Path

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.checks import engine
from ane_lsp.graph import Graph
from ane_lsp.graph.excerpt import Excerpt, excerpt_of
from ane_lsp.workspace import Settings, Workspace

MODEL = """\
import torch
import torch.nn.functional as F
from torch import nn


class Layer(nn.Module):
    def __init__(self, width, index):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.register_buffer("seen", torch.zeros(1))
        self.index = index

    def forward(self, x, mask):
        y = self.norm(x)
        scores = (self.query(y) @ self.key(y).transpose(-1, -2)) * 0.125 + mask
        y = self.out(scores.softmax(-1) @ self.value(y))
        x = x + y
        x = x + self.narrow(F.gelu(self.wide(self.norm(x))))
        x = F.max_pool2d(x[:, None], 9, 1, 4)[:, 0]
        return torch.cumprod(x, 1)


class Net(nn.Module):  # ane: input(1x64x32, 1x64x64)
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(32, 32)
        self.layers = nn.ModuleList([Layer(32, index) for index in range(12)])
        self.head = nn.Linear(32, 10)

    def forward(self, x, mask):
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(x)
"""
EACH = "        for layer in self.layers:\n            x = layer(x, mask)\n        return self.head(x)\n"
WHOLE = {
    "each layer's result is one of the model's": (
        EACH, "        found = []\n        for layer in self.layers:\n            x = layer(x, mask)\n            found.append(x)\n        return found\n"
    ),
    "the result of one in the middle is read at the end": (
        EACH, EACH.replace("        for", "        found = []\n        for")
        .replace("mask)\n", "mask)\n            found.append(x)\n").replace("(x)\n", "(x + found[6])\n")
    ),
    "each has an input of its own": (EACH, EACH.replace("(x, mask)", "(x, mask[:, layer.index])")),
    "each writes to a buffer": ("        y = self.norm(x)\n", "        self.seen += x.mean()\n        y = self.norm(x)\n"),
    "few layers": ("range(12)", "range(4)"),
    "each is called in a line of its own": (
        EACH, "".join(f"        x = self.layers[{n}](x, mask)\n" for n in range(12)) + "        return self.head(x)\n"
    ),
}  # fmt: skip
LEFT_OUT = {
    "as it is": ("", ""),
    "in two rows": ("        return self.head(x)\n", "        x = x.relu()\n" + EACH),
    "what the first makes is read at the end": (
        EACH, "        first = self.layers[0](x, mask)\n" + EACH.replace("self.head(x)", "self.head(x + first)")
    ),
    "an attention mask of infinity": ("        x = self.stem(x)\n", "        x = self.stem(x)\n        mask = mask.masked_fill(mask > 0, float('-inf'))\n"),
    "a slice of a mask": ("(x, mask)\n        return", "(x, mask[:, : x.shape[1], slice(0, 64)])\n        return"),
}  # fmt: skip


def graph_of(folder: Path, text: str) -> Graph:
    path = folder / "net.py"
    path.write_text(text)
    (graph,) = analyze(path, Workspace(folder), Settings(), keep=True).graphs
    graph.excerpt = None
    return graph


def both_ways(graph: Graph) -> None:
    found = engine.run(graph)
    graph.excerpt = Excerpt(graph, [])
    assert engine.run(graph) == found
    assert {"ANE302", "ANE206"} <= {finding.code for finding in found}
    graph.excerpt = None


@pytest.mark.parametrize("name", LEFT_OUT)
def test_rules_say_the_same_of_a_few_layers(tmp_path: Path, name: str) -> None:
    graph = graph_of(tmp_path, MODEL.replace(*LEFT_OUT[name]))
    excerpt = excerpt_of(graph)
    assert len(excerpt.graph.ops) < len(graph.ops) / 2
    assert excerpt.count(excerpt.graph.ops) == len(graph.ops)
    assert [graph.ops[op.id].kind for op in excerpt.graph.ops] == [op.kind for op in excerpt.graph.ops]
    shown = {op.id for op in excerpt.graph.ops}
    for op in excerpt.graph.ops:
        assert shown.issuperset(value.producer for value in op.input_values() if value.producer is not None)
        for value in op.input_values():
            maker = excerpt.graph.producer(value)
            assert maker is None or value.id in [made.id for made in maker.outputs]
    both_ways(graph)


@pytest.mark.parametrize("name", WHOLE)
def test_layers_that_differ_in_what_others_have_of_them_are_all_looked_at(tmp_path: Path, name: str) -> None:
    edited = MODEL.replace(*WHOLE[name])
    assert edited != MODEL
    graph = graph_of(tmp_path, edited)
    assert excerpt_of(graph).graph is graph
    both_ways(graph)


def test_a_finding_tells_of_layers_that_were_left_out(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, MODEL)
    assert excerpt_of(graph).graph is not graph
    pooled = next(finding for finding in engine.run(graph) if finding.code == "ANE302")
    assert [related.message for related in pooled.related if "layers" in related.message] == [
        *(f"also here, as layers.{number}" for number in range(1, 6)),
        "also here, as layers.6, and 5 more",
    ]
