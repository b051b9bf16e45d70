"""Of layers in a row rules are asked about a few, and say what they say of all."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ane_lsp.analysis import analyze
from ane_lsp.checks import engine
from ane_lsp.graph import Call, Graph, Op, Span, TensorType, Value
from ane_lsp.graph import excerpt as rows
from ane_lsp.graph.excerpt import Excerpt, Row, _apart, excerpt_of
from ane_lsp.graph.liveness import idle_ops
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
    "the result of one in the middle is one of the model's": (
        EACH, EACH.replace("        for", "        found = []\n        for").replace("mask)\n", "mask)\n            found.append(x)\n")
        .replace("self.head(x)\n", "self.head(x), found[6]\n")
    ),
    "the result of one in the middle is read at the end": (
        EACH, EACH.replace("        for", "        found = []\n        for")
        .replace("mask)\n", "mask)\n            found.append(x)\n").replace("(x)\n", "(x + found[6])\n")
    ),
    "each has an input of its own": (EACH, EACH.replace("(x, mask)", "(x, mask[:, layer.index])")),
    "each writes to a buffer": ("        y = self.norm(x)\n", "        self.seen += x.mean()\n        y = self.norm(x)\n"),
    "each writes to a part of a buffer": ("        y = self.norm(x)\n", "        self.seen[:1].copy_(x.mean().view(1))\n        y = self.norm(x)\n"),
    "few layers": ("range(12)", "range(4)"),
    "each is called in a line of its own": (
        EACH, "".join(f"        x = self.layers[{n}](x, mask)\n" for n in range(12)) + "        return self.head(x)\n"
    ),
}  # fmt: skip
LEFT_OUT = {
    "as it is": ("", ""),
    "each layer's result is one of the model's": (
        EACH, EACH.replace("        for", "        found = []\n        for").replace("mask)\n", "mask)\n            found.append(x)\n")
        .replace("self.head(x)\n", "self.head(x), found\n")
    ),
    "in two rows": ("        return self.head(x)\n", "        x = x.relu()\n" + EACH),
    "what the first makes is read at the end": (
        EACH, "        first = self.layers[0](x, mask)\n" + EACH.replace("self.head(x)", "self.head(x + first)")
    ),
    "an attention mask of infinity": ("        x = self.stem(x)\n", "        x = self.stem(x)\n        mask = mask.masked_fill(mask > 0, float('-inf'))\n"),
    "each reads a buffer": ("        y = self.norm(x)\n", "        y = self.norm(x + self.seen)\n"),
    "each reads a buffer and writes to something else": (
        "        y = self.norm(x)\n", "        y = self.norm(x + self.seen)\n        y.mul_(2)\n"
    ),
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
    graph.excerpt = Excerpt(graph)
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


@pytest.mark.parametrize(
    ("mask", "ahead", "behind"),
    [
        ("mask", 1, 1),
        ("mask if layer.index else other", 0, 1),
        ("mask if layer.index < 11 else other", 1, 0),
        ("mask if 0 < layer.index < 11 else other", 0, 0),
    ],
)
def test_what_goes_on_as_a_row_does_is_near_enough(tmp_path: Path, mask: str, ahead: int, behind: int) -> None:
    text = MODEL.replace("(x, mask)\n        return", f"(x, {mask})\n        return")
    graph = graph_of(
        tmp_path,
        text.replace("        x = self.stem", "        mask, other = mask * 2, mask.abs()\n        x = self.stem"),
    )
    excerpt = excerpt_of(graph)
    (row,) = excerpt.rows
    assert (row.stand_in, row.behind) == (ahead, behind)
    assert excerpt.holds()
    assert excerpt.count(excerpt.graph.ops) == len(graph.ops)
    both_ways(graph)


def test_what_follows_right_behind_a_row_may_read_its_last_layer_only(tmp_path: Path) -> None:
    collected = EACH.replace("        for", "        found = []\n        for").replace(
        "mask)\n", "mask)\n            found.append(x)\n"
    )
    text = MODEL.replace(EACH, collected.replace("self.head(x)", "self.head(x), found[6][:, 0]"))
    text = text.replace(
        "        return torch.cumprod",
        "        if self.index == 11:\n            return x\n        return torch.cumprod",
    )
    graph = graph_of(tmp_path, text)
    shown = {op.id for op in excerpt_of(graph).graph.ops}
    read = {value.producer for op in excerpt_of(graph).graph.ops for value in op.input_values()}
    assert shown.issuperset(read - {None})
    both_ways(graph)


@pytest.mark.parametrize(
    ("every", "what"),
    [
        (4, "x = layer(x, mask).tanh() if layer.index % 4 == 3 else layer(x, mask)"),
        (
            4,
            "x = layer(x, mask) / (x.abs().sum(-1, True) + 1e-20) if layer.index % 4 == 3 < layer.index else layer(x, mask)",
        ),
        (2, "x = layer(x, mask if layer.index % 2 else other)"),
        (6, "x = layer(x, other) if layer.index % 6 else layer(x, mask).relu()"),
    ],
)
def test_layers_of_which_one_now_and_then_does_something_else(tmp_path: Path, every: int, what: str) -> None:
    text = MODEL.replace("x = layer(x, mask)", what).replace("range(12)", "range(54)")
    graph = graph_of(
        tmp_path, text.replace("        x = self.stem", "        other = mask.abs()\n        x = self.stem")
    )
    excerpt = excerpt_of(graph)
    row = excerpt.rows[0]
    each = len(graph.ops) // 54
    assert row.ops // each == every
    assert len(excerpt.graph.ops) < (3 * every + 6) * each + 20 < len(graph.ops) / 2
    assert excerpt.count(excerpt.graph.ops) == len(graph.ops)
    both_ways(graph)


@pytest.mark.parametrize(("ops", "behind"), [(20, 1), (30, 0)])
def test_of_rows_right_behind_each_other_layers_stay_that_read_the_first(ops: int, behind: int) -> None:
    first = Row(0, 0, 45, 50, 5, 1, 0)
    following = Row(first.all_ops.stop, 250, ops, ops, 6, 1, 1)
    assert _apart(first, following) == first._replace(behind=behind)
    assert (
        first.ops_of(_apart(first, following).left_out).stop + first.ops <= following.ops_of(following.left_out).start
    )


def test_what_is_of_use_of_all_layers_but_the_last_has_no_stand_in_of_them() -> None:
    """Two streams, of which each layer reads both and the model returns one: the last layer computes the other for nothing."""
    shape = TensorType((1, 8), "f32")
    one, other = (Value(number, shape, "input", name) for number, name in enumerate("xy"))
    graph = Graph("Net", inputs=[one, other])
    for layer in range(12):
        for number in range(20):
            at, reads = 20 * layer + number, {"x": one, **({"y": other} if number == 0 else {})}
            if number >= 10:
                reads = {"x": other}
            made = Value(at + 2, shape, "op", producer=at)
            call = Call(at, "torch.add", "function", Span("net.py", number + 1, 0, number + 1, 9), "Net.forward", f"layers.{layer}",
                        tuple(reads.values()), {}, {}, made)  # fmt: skip
            graph.calls.append(call)
            graph.ops.append(Op(at, "add", reads, {}, (made,), call))
            one, other = (made, other) if number < 10 else (one, made)
    row = Row(0, 0, 20, 20, 12, 1, 0)
    graph.outputs = [one, other]
    assert rows._used_alike(graph, row, idle_ops(graph)) == row
    graph.outputs = [one]
    assert rows._used_alike(graph, row, idle_ops(graph)) == row._replace(behind=1)


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


def test_a_fault_on_the_way_costs_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of(tmp_path, MODEL)
    found = engine.run(graph)
    graph.excerpt = None

    def failing(graph: Graph) -> Excerpt:
        raise ValueError("too alike")

    monkeypatch.setattr(engine, "excerpt_of", failing)
    told = engine.run(graph)
    (fault,) = [finding for finding in told if finding.code == engine.INTERNAL]
    assert "too alike" in fault.message
    assert [finding for finding in told if finding is not fault] == found


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=8),
    st.integers(1, 16),
    st.lists(st.integers(0, 3), max_size=4),
    st.booleans(),
    st.integers(0, 5),
)
def test_chains_of_operations_come_out_whole(
    layer: list[int], count: int, ahead: list[int], nested: bool, every: int
) -> None:
    """Whatever repeats, what is left reads nothing that is not there and stands for all. every: of so many layers one does more."""
    kinds = ["relu", "exp", "tanh", "abs", "sin"]
    count *= every or 1
    layers = [(n, kind) for n in range(count) for kind in (*layer, *([4] if every and n % every == 0 else []))]
    places = [("", kind) for kind in ahead] + [(f"layers.{n}", kind) for n, kind in layers]
    shape = TensorType((1, 8), "f32")
    value = Value(0, shape, "input", "x")
    graph = Graph("Net", inputs=[value])
    for number, (module, kind) in enumerate(places):
        made = Value(number + 1, shape, "op", producer=number)
        span = Span("net.py", kind + 1 + 10 * (module == ""), 0, kind + 1, 9)
        path = module + ".inner" if nested and kind else module
        call = Call(
            number, f"torch.{kinds[kind]}", "function", span, "Net.forward", path, (value,), {}, {"input": value}, made
        )
        graph.calls.append(call)
        graph.ops.append(Op(number, kinds[kind], {"x": value}, {}, (made,), call))
        value = made
    graph.outputs = [value]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_WORTH_IT", 0)
        excerpt = excerpt_of(graph)
    shown = excerpt.graph.ops
    assert excerpt.count(shown) == len(graph.ops)
    assert [op.kind for op in shown] == [graph.ops[op.id].kind for op in shown]
    for before, op in pairwise(shown):
        (read,) = op.input_values()
        assert read is before.outputs[0]
        assert op.call.args == (read,)
    assert [call.id for call in excerpt.all_of([op.call for op in shown])] == list(range(len(graph.ops)))
    length = len(layer) * (every or 1) + bool(every)
    if count // (every or 1) >= 2 * -(-20 // length) + 4 and len({*layer}) == len(layer):
        assert excerpt.rows
