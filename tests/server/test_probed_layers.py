"""Layers that are followed on probes, with values nobody knows in the cache they are given, are kept; so are results that hold one thing
twice, and what models of other names have in common is followed once."""

from pathlib import Path

import pytest
from test_cutoff import check, check_calls_alone, check_edits, followed_calls
from test_following import analysed

from ane_lsp.interp.cutoff import Cutoff
from ane_lsp.interp.repeats import Kept
from ane_lsp.interp.scenes import Bind

pytestmark = pytest.mark.usefixtures("small_pieces")

MODEL = """\
from collections import OrderedDict

import torch
from torch import nn


class Output(OrderedDict):
    def __init__(self, hidden, cache):
        super().__init__()
        self.hidden, self.cache = hidden, cache
        self["hidden"], self["cache"] = hidden, cache


class Cache:
    def __init__(self, kind):
        self.kind = kind
        self.layers = [kind() for _ in range(4)]

    def update(self, keys, number):
        self.layers[number].keys = keys
        return keys


class Stored:
    def __init__(self):
        self.keys = None


class Attention(nn.Module):
    def __init__(self, layer_idx):
        super().__init__()
        self.q, self.k = nn.Linear(8, 8), nn.Linear(8, 8)
        self.layer_idx = layer_idx

    def forward(self, hidden, cache):
        shape = (*hidden.shape[:-1], -1, 4)
        k = cache.update(self.k(hidden).view(shape).transpose(1, 2), self.layer_idx)
        return torch.softmax(self.q(hidden).view(shape).transpose(1, 2) @ k.transpose(2, 3), -1).sum(-1).sum(1, keepdim=True)


class Layer(nn.Module):
    def __init__(self, layer_idx):
        super().__init__()
        self.attention = Attention(layer_idx)
        self.norm = nn.LayerNorm(8)

    def forward(self, hidden, cache):
        return self.norm(hidden + self.attention(hidden, cache).mean())


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 8)
        self.layers = nn.ModuleList([Layer(number) for number in range(4)])

    def forward(self, input_ids):
        cache = Cache(Stored)
        hidden = self.embed(input_ids)
        for layer in self.layers:
            hidden = layer(hidden, cache)
        return Output(hidden, cache)


class Classified(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Decoder()
        self.score = nn.Linear(8, 3)

    def forward(self, input_ids):
        found = self.model(input_ids)
        return self.score(found.hidden) * (input_ids != 0).unsqueeze(-1) + len(found["cache"].layers)


class Tagged(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = Decoder()
        self.tags = nn.Linear(8, 5)

    def forward(self, input_ids):
        found = self.transformer(input_ids)
        assert found["cache"] is found.cache
        return self.tags(found["hidden"])
"""
SAME = {
    "in the attention": ("        shape = (", "        typed = 1\n        shape = ("),
    "in the layer": ("        return self.norm(hidden", "        typed = 1\n        return self.norm(hidden"),
    "in the decoder": ("        cache = Cache", "        typed = 1\n        cache = Cache"),
}
OTHERS = {
    "in the attention": ("self.k(hidden).view", "self.k(hidden).relu().view"),
    "in the layer": ("        return self.norm(hidden", "        hidden = hidden * 2\n        return self.norm(hidden"),
    "another operation": ("hidden + self.attention", "hidden - self.attention"),
    "in the decoder": ("        for layer in self.layers", "        hidden = hidden * 2\n        for layer in self.layers"),
    "what is kept": ("self.layers[number].keys = keys", "self.layers[number].keys = self.layers[0].keys"),
    "what is returned": ("return Output(hidden, cache)", "return Output(hidden, Cache(Stored))"),
    "once only": ("self[\"hidden\"], self[\"cache\"] = hidden, cache", "self[\"hidden\"], self[\"cache\"] = hidden, Cache(Stored)"),
    "of another size": ("-1, 4)", "-1, 2)"),
    "with another name": ("self.transformer", "self.body"),
}  # fmt: skip


def test_layers_on_probes_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = followed_calls(monkeypatch)
    analysed(tmp_path / "net.py", MODEL)
    assert all(whether for *_, whether in kept)
    for probing in (False, True):
        assert kept.count(("Layer", probing, True)) == 4
        assert ("Decoder", probing, True) in kept


@pytest.mark.parametrize("name", SAME)
def test_nothing_but_the_calls_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    check_calls_alone(
        tmp_path / "net.py", monkeypatch, MODEL, ("hidden + self.attention", "hidden - self.attention"), SAME[name]
    )


@pytest.mark.parametrize("name", OTHERS)
def test_what_records_something_else_is_as_from_scratch(tmp_path: Path, name: str) -> None:
    check_edits(tmp_path / "net.py", MODEL, OTHERS[name], ("q(hidden)", "q(hidden * 3)"))


def test_a_graph_of_calls_that_record_something_else_now_is_not_taken_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is probed has to run again, what it has in common with the other model is exchanged."""
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    called = Cutoff._called

    def differs_on_probes(cutoff: Cutoff, call: Kept, bind: Bind) -> bool | None:
        scene = call.scene
        return called(cutoff, call, bind) and (scene is None or not scene.probing)

    monkeypatch.setattr(Cutoff, "_called", differs_on_probes)
    edited = MODEL.replace(*OTHERS["another operation"])
    for text in (edited, MODEL, edited):
        check(path, analyst, text)
        analyst.idle()


def test_what_models_of_other_names_share_is_followed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    analyst.idle()
    paths: list[str] = []
    called = Cutoff._called

    def counted(cutoff: Cutoff, call: Kept, bind: Bind) -> bool | None:
        if call.scene is not None and not call.scene.probing:
            paths.append(call.path)
        return called(cutoff, call, bind)

    monkeypatch.setattr(Cutoff, "_called", counted)
    for edit in (SAME["in the attention"], OTHERS["in the attention"]):
        paths.clear()
        check(path, analyst, MODEL.replace(*edit))
        assert len({one.partition(".")[0] for one in paths if one.endswith("layers.0.attention")}) == 1
        analyst.idle()
