"""A function that records something else and gives the same is followed where it was called; in graphs only that is exchanged."""

from pathlib import Path

import pytest
from test_cutoff import MODEL, Counted, check, check_each, check_edits
from test_following import analysed, answered

from ane_lsp.interp.repeats import Inner
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.splices import Splice, Spliced
from ane_lsp.server.analyst import Analyst

pytestmark = pytest.mark.usefixtures("small_pieces")

INNER = "        y = self.fc(x)\n"
LAYER = "        y = self.norm(x)\n"
EXCHANGED = {
    "an operation more": (INNER, "        x = x * 2\n" + INNER),
    "at the end": ("        return F.gelu(y)\n", "        return F.gelu(y) + 1\n"),
    "an operation fewer": ("        return F.gelu(y)\n", "        return y\n"),
    "another operation": ("F.gelu", "F.silu"),
    "a module more": ("self.inner(y) + self.inner(x)", "self.inner(y) + self.inner(self.norm(x))"),
    "a kept call more": ("self.inner(y) + self.inner(x)", "self.inner(y) + self.inner(x) + self.inner(x)"),
    "a kept call fewer": ("self.inner(y) + self.inner(x)", "self.inner(y)"),
    "kept calls the other way round": ("self.inner(y) + self.inner(x)", "self.inner(x) + self.inner(y)"),
    "a constant": (LAYER, "        x = x + torch.ones(8)\n" + LAYER),
    "a shape that is shown": (LAYER, "        shown = x.flatten(1)\n" + LAYER),
    "a loop": (LAYER, "        for _ in range(3):\n            x = x.relu()\n" + LAYER),
    "around a loop": ("        FLAG[\"on\"] = False\n", "        x = x.relu()\n        FLAG[\"on\"] = False\n"),
    "a name that is thrown away": (LAYER, "        x.sum()\n" + LAYER),
    "a cast without an operation": (INNER, "        x = x.double().float()\n" + INNER),
    "casts of what it was given": (LAYER, "        shown = x.double() + 1\n" + LAYER),
    "casts of its own": ("        return F.gelu(y)\n", "        y = F.gelu(y).double()\n        return (y + y.float()).float()\n"),
    "in a branch": (LAYER, "        if x.shape[1] == 5:\n            x = x - 1\n" + LAYER),
}  # fmt: skip
FOLLOWED = {
    "another type": ("        return F.gelu(y)\n", "        return F.gelu(y).half()\n"),
    "another shape": ("        return x + y\n", "        return (x + y).repeat(1, 2, 1)\n"),
    "its input": ("        return F.gelu(y)\n", "        return x\n"),
    "a view of a parameter": (
        "        return F.gelu(y)\n",
        "        return y if x.shape[1] == 5 else self.fc.weight\n",
    ),
    "a constant result": ("        return F.gelu(y)\n", "        return torch.ones(2, 5, 8)\n"),
    "what it left": (INNER, "        self.kept = F.gelu(x)\n" + INNER),
}
WEIGHTS = """\
import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        x = x * self.scale
        return x


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one = Scaled(width)
        self.two = Scaled(width)

    def forward(self, x):
        return self.two(self.one(x)) + self.one(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(8) for _ in range(3)])
        self.head = nn.Linear(8, 4)

    def forward(self, x):  # ane: input(2x5x8)
        try:
            x = x + self.blocks[0](x)
            x = self.fails(x)
        except AttributeError:
            x = x - 1
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.Sequential(Block(8), nn.ReLU(), Block(8))

    def forward(self, x):  # ane: input(2x5x8)
        return self.stages(x).sum(1)


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Block(8), nn.ReLU(), Block(8))

    def forward(self, x):  # ane: input(2x5x8)
        return self.body(x)
"""


def settled(path: Path, model: str) -> Analyst:
    """An analyst that has seen an edit: what a first run imports and defines looks like something left behind."""
    analyst = analysed(path, model)
    for text in (model.replace("F.gelu", "F.relu").replace("x * self.scale", "x - self.scale"), model):
        check(path, analyst, text)
    analyst.idle()
    return analyst


@pytest.mark.parametrize("name", EXCHANGED)
def test_what_is_recorded_is_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "net.py"
    model = MODEL.replace("        TABLE[type(self).__name__] = config.depth\n", "")
    analyst = settled(path, model)
    counted = Counted(monkeypatch)
    edited = model.replace(*EXCHANGED[name])
    assert edited != model
    for text in (edited, model, edited, edited.replace("self.norm(x)", "self.norm(x).relu()"), model):
        counted.reset()
        check(path, analyst, text)
        assert counted.pieces > 0
        analyst.idle()
    counted.reset()
    assert answered(analyst, path, edited) == "again"
    assert counted.stages == 0


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_others_can_tell_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "net.py"
    analyst = settled(path, MODEL)
    counted = Counted(monkeypatch)
    for text in (MODEL.replace(*FOLLOWED[name]), MODEL):
        counted.reset()
        assert answered(analyst, path, text) == "again"
        assert counted.stages > 0
        check(path, analyst, text)
        analyst.idle()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        x = x * self.scale\n", "        x = x * self.scale\n        x = x.relu()\n"),
        ("        x = x * self.scale\n", "        x = x * self.scale * self.scale\n"),
        ("        x = x * self.scale\n", "        x = x * self.scale + self.shift\n"),
        ("        x = x * self.scale\n", "        x = self.scale * x\n"),
        ("        x = x * self.scale\n", "        x = x * 2\n"),
        ("self.two(self.one(x)) + self.one(x)", "self.one(self.two(x)) + self.one(x)"),
        ("self.two(self.one(x)) + self.one(x)", "self.two(self.one(x).relu()) + self.one(x).relu()"),
    ],
)
def test_weights_keep_their_names(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "net.py"
    analyst = settled(path, WEIGHTS)
    edited = WEIGHTS.replace(old, new)
    more = edited.replace("return x\n", "x = x.tanh()\n        return x\n")
    around = edited.replace("return self.two", "x = x.relu()\n        return self.two")
    check_each(
        path, analyst, edited, more, around, WEIGHTS, edited, around.replace("* self.scale", "- self.scale"), WEIGHTS
    )


def test_sizes_that_calls_make_up_are_different_ones_in_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    some = "        x = x * self.scale\n        found = x[x > 0].abs()\n        x = x + torch.cat([found, x[x > 1]]).sum()\n"
    model = WEIGHTS.replace("        x = x * self.scale\n", some)
    analyst = settled(path, model)
    counted = Counted(monkeypatch)
    edited = model.replace("abs()", "abs().sqrt()")
    around = edited.replace("return self.two", "x = x.relu()\n        return self.two")
    more = edited.replace("x[x > 1]", "x[x > 1], x[x > 2]")  # which makes up one more
    for text in (edited, model, around, edited, model.replace("+ torch.cat", "- torch.cat"), model):
        counted.reset()
        check(path, analyst, text)
        assert counted.pieces > 0
        analyst.idle()
    check_each(path, analyst, more, more.replace("abs()", "exp()"), around, model)


def test_sizes_that_a_call_around_makes_up_are_different_ones_in_each(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    some = "        found = x[x > 0]\n        return x + self.one(found).sum() + self.two(self.one(x))\n"
    model = WEIGHTS.replace("        return self.two(self.one(x)) + self.one(x)\n", some)
    check_edits(path, model, ("x * self.scale", "x * self.scale.sum() * 2"), ("* 2", "+ 2"))


def test_what_is_recorded_is_exchanged_where_the_constructor_depends_on_it_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether `heads` is a number is told by what `forward` does with it."""
    path = tmp_path / "net.py"
    model = """\
from torch import nn


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        dots = q @ k.transpose(-1, -2) * self.heads
        return dots.softmax(dim=-1) @ v


class Net(nn.Module):
    def __init__(self, dim, depth, heads):
        super().__init__()
        self.layers = nn.ModuleList([Attention(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for attention in self.layers:
            x = attention(x) + x
        return self.norm(x)
"""
    analyst = settled(path, model)
    line = "        return dots.softmax(dim=-1) @ v\n"
    counted = Counted(monkeypatch)
    for more in ("        dots = dots * 2\n", "", "        dots = dots + 1\n        dots = dots.relu()\n", ""):
        counted.reset()
        check(path, analyst, model.replace(line, more + line))
        assert counted.pieces > 0
        analyst.idle()


def test_a_graph_in_which_it_cannot_be_exchanged_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    analyst = settled(path, WEIGHTS)
    once = [NotKept]
    of = Splice.of

    def failing(self: Splice, made_of: list[Inner]) -> Spliced:
        done = of(self, made_of)
        if once and done.values:
            raise once.pop()
        return done

    monkeypatch.setattr(Splice, "of", failing)
    counted = Counted(monkeypatch)
    for text in (WEIGHTS.replace("x * self.scale", "x * self.scale * 2"), WEIGHTS):
        once[:] = [NotKept]
        counted.reset()
        assert answered(analyst, path, text) == "again"
        assert counted.stages == 1
        check(path, analyst, text)
        analyst.idle()


def test_in_a_graph_that_came_out_as_before_values_stay_those_of_it(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = settled(path, WEIGHTS)
    noted = WEIGHTS
    for name in ("head", "stages", "body"):
        noted = noted.replace(f"        self.{name} = ", f"        self.note = 1\n        self.{name} = ")
    check_each(path, analyst, noted, noted.replace("x * self.scale", "x * self.scale * 2"), noted, WEIGHTS)


def test_where_what_was_recorded_decided_what_was_tried_the_model_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = (
        WEIGHTS
        + """

class Refuses(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block(8)

    def forward(self, x, mask=None):
        x = self.block(x) * mask.size(0)
        raise ValueError(x)
"""
    )
    analyst = settled(path, text)
    following = analyst._kept[str(path)].following
    assert following is not None
    assert following._standing is not None
    assert following._standing.world is not None
    book = following._standing.world._book
    assert book is not None
    assert any(stage.measured for part in book._order for stage in part.stages)
    check_each(path, analyst, text.replace("x * self.scale", "x * self.scale * 2"), text)
