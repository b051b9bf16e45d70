"""Sequences and tables that are filled nobody knows how often: what is made of their items is known, their number is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import Value
from ane_lsp.graph.liveness import idle_ops
from ane_lsp.interp import run
from ane_lsp.interp.trace import rows
from ane_lsp.workspace import Workspace

UNKNOWN = "?"  # how `rows` shows a size nobody knows
KEPT, WIDER = "nn.Conv2d(3, 3, 1)", "nn.Conv2d(3, 6, 1)"


def source(init: str, forward: str) -> str:
    """A script that calls a model; module `foreign` is not there."""
    lines = "".join(f"        {line}\n" for line in init.splitlines())
    body = "".join(f"        {line}\n" for line in forward.splitlines())
    return (
        "import torch\nfrom collections import OrderedDict\nfrom torch import nn\nimport foreign\n\n\n"
        f"class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n{lines}        self.relu = nn.ReLU()\n\n"
        f"    def forward(self, x):\n{body}\n\nNet()(torch.zeros(1, 3, 8, 8))\n"
    )


def last(folder: Path, init: str, forward: str) -> tuple[Any, list[str]]:
    """The shape of what a model's last call gives, and the operations it records."""
    script = folder / "script.py"
    script.write_text(source(init, forward))
    done = run.run_script(Workspace(folder), script)
    assert (done.errors, done.internal) == ([], {})
    found = rows(done.graphs, str)
    return found[-1]["out"]["t"], [row["op"] for row in found]


EACH = "for block in self.blocks:\n    x = block(x)\nreturn self.relu(x)"
FILLED = "self.blocks = nn.ModuleList()\nfor _ in foreign.names():\n    self.blocks.append({})"


@pytest.mark.parametrize(
    ("init", "forward"),
    [
        ("self.blocks = nn.ModuleList(foreign.make())", EACH),
        ("self.blocks = nn.ModuleDict(foreign.make())", "for block in self.blocks.values():\n    x = block(x)\nreturn self.relu(x)"),
        ("self.blocks = nn.Sequential(*foreign.make())", "return self.relu(self.blocks(x))"),
        ("self.blocks = nn.ModuleList()\nfor one in foreign.make():\n    self.blocks.append(one)", EACH),
    ],
)  # fmt: skip
def test_modules_that_nobody_knows_give_nobody_knows_what(tmp_path: Path, init: str, forward: str) -> None:
    assert last(tmp_path, init, forward)[0] is None


@pytest.mark.parametrize(
    ("init", "forward"),
    [
        (FILLED, EACH),
        ("self.blocks = nn.Sequential()\nfor name in foreign.names():\n    self.blocks.add_module(name, {})",
         "return self.relu(self.blocks(x))"),
        ("blocks = []\nfor _ in foreign.names():\n    blocks.append({})\nself.blocks = nn.Sequential(*blocks)",
         "return self.relu(self.blocks(x))"),
        ("blocks = []\nfor _ in foreign.names():\n    blocks.append({})\nself.blocks = nn.ModuleList(blocks)", EACH),
        ("self.blocks = nn.ModuleDict()\nfor name in foreign.names():\n    self.blocks[name] = {}",
         "for block in self.blocks.values():\n    x = block(x)\nreturn self.relu(x)"),
        ("made = OrderedDict()\nfor name in foreign.names():\n    made[name] = {}\nself.blocks = nn.ModuleDict(made)",
         "for name, block in self.blocks.items():\n    x = block(x)\nreturn self.relu(x)"),
    ],
)  # fmt: skip
def test_one_of_them_stands_for_the_others(tmp_path: Path, init: str, forward: str) -> None:
    """What keeps a shape keeps it however often it is done."""
    shape, ops = last(tmp_path, init.replace("{}", KEPT), forward)
    assert (shape, len(ops)) == ([1, 3, 8, 8], 2)
    shape, ops = last(tmp_path, init.replace("{}", WIDER), forward)
    assert (shape, len(ops)) == ([1, UNKNOWN, 8, 8], 2)


@pytest.mark.parametrize(
    "loop",
    [
        "for number, block in enumerate(self.blocks):\n    x = block(x)",
        "for block, other in zip(self.blocks, self.blocks):\n    x = block(x)",
        "for block in reversed(self.blocks):\n    x = block(x)",
        "for block in self.blocks[1:]:\n    x = block(x)",
        "for number in range(len(self.blocks)):\n    x = self.blocks[number](x)",
        "x = self.blocks[0](x)",
        "x = self.blocks[-1](x)",
    ],
)
def test_they_are_gone_through_in_any_way(tmp_path: Path, loop: str) -> None:
    init = "self.blocks = nn.ModuleList([nn.Conv2d(3, 3, 1) for _ in range(foreign.count())])"
    shape, ops = last(tmp_path, init, f"{loop}\nreturn self.relu(x)")
    assert (shape, len(ops)) == ([1, 3, 8, 8], 2)


@pytest.mark.parametrize(
    "forward",
    [
        "outs = []\nfor name in foreign.names():\n    outs.append(x)\nreturn self.relu(torch.cat(outs, 1))",
        "outs = {}\nfor name in foreign.names():\n    outs[name] = x\nreturn self.relu(torch.cat(list(outs.values()), 1))",
        "outs = []\nfor block in self.blocks:\n    outs.append(block(x))\nreturn self.relu(torch.cat(outs, 1))",
        "outs = list(foreign.names())\nreturn self.relu(x.expand(1, 3, 8, 8).new_zeros(1, len(self.blocks), 8, 8))",
    ],
)
def test_what_is_made_of_all_of_them_has_an_unknown_size(tmp_path: Path, forward: str) -> None:
    assert last(tmp_path, FILLED.format(KEPT), forward)[0] == [1, UNKNOWN, 8, 8]


def test_an_entry_that_is_not_there_may_be_among_them(tmp_path: Path) -> None:
    forward = "outs = {'a': 1}\nouts.update(foreign.make())\nif 'b' in outs:\n    x = x.flatten(1)\nreturn self.relu(x)"
    assert last(tmp_path, "pass", forward)[0] is None


def test_a_call_with_unknown_positions_fits(tmp_path: Path) -> None:
    """All parameters may be given by them, and a default may be taken or not."""
    forward = (
        "def three(a, b, c=None):\n    return a\n\nthree(*foreign.make())\nthree(x, *foreign.make())\n"
        "return self.relu(three(x, *foreign.make()))"
    )
    assert last(tmp_path, "pass", forward)[0] == [1, 3, 8, 8]


def test_a_number_of_a_range_takes_out_an_axis(tmp_path: Path) -> None:
    forward = "for i in range(foreign.count()):\n    y = self.relu(x[i])\nreturn y"
    assert last(tmp_path, "pass", forward)[0] == [3, 8, 8]
    forward = "outs = [self.relu(x[:, i]) for i in range(foreign.count())]\nreturn self.relu(torch.stack(outs, 1))"
    assert last(tmp_path, "pass", forward)[0] == [1, UNKNOWN, 8, 8]


@pytest.mark.parametrize("returned", ["outs", "torch.cat(outs, 1)", "[{'all': tuple(outs)}]"])
def test_what_comes_out_through_such_a_list_is_used(tmp_path: Path, returned: str) -> None:
    """Or nothing would be said of the operations that made it."""
    forward = f"outs = []\nfor name in foreign.names():\n    outs.append(torch.sin(x))\nreturn {returned}"
    text = source("pass", forward)
    script = tmp_path / "script.py"
    script.write_text(text)
    (graph,) = run.run_script(Workspace(tmp_path), script).graphs
    assert [op.kind for op in graph.ops][:1] == ["sin"]
    assert not idle_ops(graph)


def test_a_graph_keeps_no_object_of_the_program(tmp_path: Path) -> None:
    """An unknown leads back to sequences, and those know what their items look like."""
    forward = "made = []\nfor name in foreign.names():\n    made.append(self.relu)\nreturn torch.stack([one(x) for one in made])"
    script = tmp_path / "script.py"
    script.write_text(source("pass", forward))
    (graph,) = run.run_script(Workspace(tmp_path), script).graphs
    (stacked,) = [call.args[0] for call in graph.calls if call.torch == "torch.stack"]
    assert [type(one) for one in stacked.item] == [Value]
    assert stacked.cause is not None
    assert stacked.cause.item is None


@pytest.mark.parametrize(
    "look",
    ["kw.pop('out', 8)", "kw.get('out', 8)", "kw.setdefault('out', 8)", "8 if 'out' in kw else 4", "4 + len(kw)"],
)
def test_keyword_arguments_nobody_knows_may_be_any(tmp_path: Path, look: str) -> None:
    """What ``**kwargs`` takes of an unknown table: a default is one of the values an entry may have."""
    init = f"def made(**kw):\n    return nn.Conv2d(3, {look}, 1)\nself.conv = made(**foreign.settings())"
    body = "return self.relu(self.conv(x))"
    shape, ops = last(tmp_path, init, body)
    assert shape == [1, UNKNOWN, 8, 8]
    assert ops == ["torch.nn.Conv2d", "torch.nn.ReLU"]


@pytest.mark.parametrize(
    ("heads", "shape"),
    [
        (2, [1, 4, 8, 16]),  # with other head counts the call goes through in one way only
        (4, [1, 4, 8, 16]),
        (3, None),  # in none
    ],
)
def test_attention_of_which_nobody_knows_whether_heads_are_shared(tmp_path: Path, heads: int, shape: Any) -> None:
    body = (
        f"k = torch.zeros(1, {heads}, 8, 16)\nq = torch.zeros(1, 4, 8, 16)\ny = nn.functional.scaled_dot_product_attention"
        "(q, k, k, enable_gqa=foreign.shared())\nreturn self.relu(y)"
    )
    script = tmp_path / "script.py"
    script.write_text(source("", body))
    done = run.run_script(Workspace(tmp_path), script)
    found = rows(done.graphs, str)
    assert (found[-1]["out"]["t"] if not done.errors else None) == shape


def test_what_goes_where_the_analysis_cannot_look_is_not_idle(tmp_path: Path) -> None:
    """The answer comes from something nobody knows, which may well come from what was computed before."""
    body = "y = self.conv(x)\nfor part in foreign.parts(y):\n    x = self.relu(part)\nreturn x"
    lost = "y = self.conv(x)\nz = foreign.made()\nreturn self.relu(z)"
    known = "y = self.conv(x)\nreturn self.relu(x)"
    idle = []
    for forward in (body, lost, known):
        script = tmp_path / "script.py"
        script.write_text(source("self.conv = nn.Conv2d(3, 3, 1)", forward))
        (graph,) = run.run_script(Workspace(tmp_path), script).graphs
        idle.append([op.kind for op in graph.ops if op.id in idle_ops(graph)])
    assert idle == [[], [], ["conv"]]


ROUND = "nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.Conv2d(6, 3, 3)"


@pytest.mark.parametrize(
    ("init", "forward"),
    [
        (f"made = []\nfor _ in foreign.names():\n    made += [{ROUND}]\nself.net = nn.Sequential(*made)", "return self.net(x)"),
        (f"made = []\nfor _ in foreign.names():\n    made += [{ROUND}]\nself.net = nn.ModuleList(made)",
         "for layer in self.net:\n    x = layer(x)\nreturn x"),
        (f"self.net = nn.ModuleList()\nfor _ in foreign.names():\n    for one in [{ROUND}]:\n        self.net.append(one)",
         "for layer in self.net:\n    x = layer(x)\nreturn x"),
    ],
)  # fmt: skip
def test_layers_of_one_round_are_given_what_those_before_them_gave(tmp_path: Path, init: str, forward: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(source(init, forward).replace("Net()(", "Net().eval()("))
    done = run.run_script(Workspace(tmp_path), script)
    assert (done.errors, done.internal) == ([], {})
    (graph,) = done.graphs
    assert [op.kind for op in graph.ops] == ["conv", "batch_norm", "conv"]
    first, norm, second = graph.ops
    assert [str(v.type) for v in first.input_values() if not v.is_const] == ["[1, 3, 8, 8] f32"]
    for before, after in ((first, norm), (norm, second)):
        (given,) = (v for v in after.input_values() if not v.is_const)
        assert given.id == before.outputs[0].id
        assert not any(isinstance(size, int) and size > 1 for size in (given.type.shape or ())[2:]), (
            "it may come in another round"
        )


@pytest.mark.parametrize(
    "made",
    [
        "nn.ModuleList([nn.Conv2d(3, 3, 1) for _ in foreign.names()])",
        "nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in foreign.names())",
        "nn.Sequential(*[nn.Conv2d(3, 3, 1) for _ in foreign.names()])",
        "nn.ModuleList([nn.Conv2d(3, 3, 1) for a, b in zip(foreign.names(), foreign.names())])",
    ],
)
def test_layers_are_known_whatever_they_are_made_for(tmp_path: Path, made: str) -> None:
    shape, ops = last(tmp_path, f"self.blocks = {made}", EACH)
    assert (shape, ops) == ([1, 3, 8, 8], ["torch.nn.Conv2d", "torch.nn.ReLU"])


@pytest.mark.parametrize(
    ("index", "kind"),
    [("0", "Conv2d"), ("1", "ReLU"), ("2", "Conv2d"), ("-1", "ReLU"), ("-2", "Conv2d"), ("-3", "ReLU")],
)
def test_rounds_add_their_items_in_one_order(tmp_path: Path, index: str, kind: str) -> None:
    init = "made = []\nfor _ in foreign.names():\n    made += [nn.Conv2d(3, 3, 3), nn.ReLU()]\nself.net = nn.Sequential(*made)"
    _, ops = last(tmp_path, init, f"x = self.net[{index}](x)\nreturn self.relu(x)")
    assert ops == [f"torch.nn.{kind}", "torch.nn.ReLU"]


def test_an_item_behind_a_round_that_may_lack_one_is_any_of_them(tmp_path: Path) -> None:
    init = (
        "made = []\nfor _ in foreign.names():\n    made.append(nn.Conv2d(3, 3, 3))\n    if foreign.flag:\n        made.append(nn.Tanh())\n"
        "    made.append(nn.ReLU())\nself.net = nn.Sequential(*made)"
    )
    _, ops = last(tmp_path, init, "x = self.net[1](x)\nreturn self.relu(x)")
    assert set(ops) >= {"torch.nn.Tanh", "torch.nn.ReLU"}
