"""Layers that are followed on several probes, perhaps one made from another, and calls on tensors of which nobody knows the shape, are kept.
Where a model's optional inputs are left out as long as its source says that they may be."""

from pathlib import Path

import pytest
from test_cutoff import check_calls_alone, check_edits, followed_calls
from test_following import analysed

from ane_lsp.interp.probing import Facts, Probe, same, swapped

pytestmark = pytest.mark.usefixtures("small_pieces")

MODEL = """\
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Linear(8, 8), nn.Linear(4, 8)

    def forward(self, hidden, turned, context, table):
        k = self.k(context)
        if table.ndim == 9:
            table = table[0]
        weights = torch.softmax(self.q(hidden) @ k.transpose(-1, -2), -1)
        return weights @ k + turned.transpose(1, 2) + table.sum()


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.norm = nn.LayerNorm(8)

    def forward(self, hidden, turned, context, table):
        found = self.attention(hidden, turned, context, table)
        return self.norm(hidden + found), found * torch.cat([table, table]).squeeze()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Layer() for _ in range(4)])
        self.head = nn.Linear(8, 2)

    def forward(self, hidden, context, table):
        for layer in self.layers:
            hidden, more = layer(hidden, hidden.transpose(1, 2), context, table)
            hidden = hidden + more
        return self.head(hidden)
"""
SAME = {
    "in the attention": ("        k = self.k(", "        typed = 1\n        k = self.k("),
    "in the layer": ("        return self.norm(hidden", "        typed = 1\n        return self.norm(hidden"),
}
OTHERS = {
    "in the attention": ("self.k(context)", "self.k(context).relu()"),
    "in the layer": ("        return self.norm(hidden", "        hidden = hidden * 2\n        return self.norm(hidden"),
    "what is told of one": ("nn.Linear(4, 8)", "nn.Linear(5, 8)"),
    "what is told of another": ("table.ndim == 9", "table.shape[2] == 9"),
    "which is made from which": ("hidden.transpose(1, 2), context", "hidden.transpose(0, 1), context"),
    "what is not known": ("torch.cat([table, table]).squeeze()", "table.sum(0)"),
}


def test_layers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = followed_calls(monkeypatch)
    analyst = analysed(tmp_path / "net.py", MODEL)
    (model,) = analyst.analyze(str(tmp_path / "net.py"), lambda: False).models
    assert model.assumed[1:] == ("context: [B, L, 4] f32 (first used by linear)", "nothing tells the shape of `table`")
    assert all(whether for *_, whether in kept)
    # The second layer is given something of unknown shape, and so are those behind it.
    assert [name for name, probing, _ in kept if name == "Layer" and not probing] == ["Layer"] * 2


@pytest.mark.parametrize("name", SAME)
def test_nothing_but_the_calls_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    check_calls_alone(tmp_path / "net.py", monkeypatch, MODEL, ("hidden + found", "hidden - found"), SAME[name])


@pytest.mark.parametrize("name", OTHERS)
def test_what_records_something_else_is_as_from_scratch(tmp_path: Path, name: str) -> None:
    check_edits(tmp_path / "net.py", MODEL, OTHERS[name], ("q(hidden)", "q(hidden * 3)"))


def test_how_probes_are_made_from_each_other() -> None:
    one = Probe("x")
    between = one.linked(swapped(0, 1))
    other, again = between.linked(same), one.linked(swapped(0, 1)).linked(same)
    assert one.made_of([one, other]) == ()
    assert other.made_of([one, other]) == again.made_of([one, again]) != ()
    assert one.linked(swapped(0, 2)).linked(same).made_of([one]) != other.made_of([one])
    between.learn("it is known", rank=3)
    assert other.made_of([one, other]) != again.made_of([one, again])
    wide = one
    for _ in range(60):  # two ways each, more than could be gone through one by one
        wide = Probe("x", links=((wide, same), (wide, swapped(0, 1))))
    assert wide.made_of([one])


def test_what_follows_from_what_was_told_of_another_is_told_once() -> None:
    heard: list[object] = []
    one = Probe("x")
    other = one.linked(same)
    one.heard = other.heard = heard  # type: ignore[assignment]
    facts = Facts("used", 3)
    other.take(facts)
    assert heard == [(other, facts, None), (one, facts, other)]
    one.rank_is_likely(2)
    assert heard[2] == (one, 2, None)
    assert (one.rank, one.likely) == (3, 2)
