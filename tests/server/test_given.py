"""Calls that change what they are given (a cache of keys and values), make up sizes or return what another call made are kept as well."""

from pathlib import Path

import pytest
from test_cutoff import check_alone, check_each
from test_following import analysed

from ane_lsp.interp.repeats import Repeats

pytestmark = pytest.mark.usefixtures("small_pieces")

MODEL = """\
import functools

import torch
from torch import nn
import torch.nn.functional as F


class Stored:
    def __init__(self):
        self.keys = None
        self.seen = []

    def update(self, keys, values):
        if self.keys is None:
            self.keys, self.values = keys, values
        else:
            self.keys = torch.cat([self.keys, keys], 1)
            self.values = torch.cat([self.values, values], 1)
        self.seen.append(keys.shape[1])
        return self.keys, self.values


class Cache:
    def __init__(self, depth):
        self.layers = [Stored() for _ in range(depth)]
        self.updated = {}

    def update(self, keys, values, number):
        self.updated[number] = True
        return self.layers[number].update(keys, values)


class Config:
    def __init__(self):
        self.width, self.depth = 8, 3

    def to_dict(self):
        def plain(value):
            return [plain(one) for one in value] if isinstance(value, tuple) else value

        found = {}
        for name, value in self.__dict__.items():
            found[name] = plain(value)
        return found


def gathered(forward):
    @functools.wraps(forward)
    def wrapped(self, *args, **kwargs):
        if kwargs.get("gather"):
            raise NotImplementedError
        return forward(self, *args, **kwargs)

    return wrapped


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + torch.finfo(x.dtype).eps)


class Attention(nn.Module):
    def __init__(self, config, layer_idx):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(config.width, config.width) for _ in range(3))
        self.layer_idx = layer_idx

    def forward(self, x, cache=None):
        k, v = self.k(x), self.v(x)
        if cache is not None:
            k, v = cache.update(k, v, self.layer_idx)
        return F.scaled_dot_product_attention(self.q(x), k, v)


class Layer(nn.Module):
    def __init__(self, config, layer_idx):
        super().__init__()
        self.norm = Norm(config.width)
        self.attention = Attention(config, layer_idx)

    @gathered
    def forward(self, x, *, cache=None, scale=1.0):
        y = self.norm(x)
        return {"x": x + self.attention(y, cache) * scale, "cache": cache}


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList([Layer(config, number) for number in range(config.depth)])

    @gathered
    def forward(self, x, *, cache=None):
        cache = Cache(self.config.depth) if cache is None else cache
        width = self.config.to_dict()["width"]
        for layer in self.layers:
            x = layer(x, cache=cache, scale=1 / width)["x"]
        return {"x": x, "cache": cache}


class Around(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.decoder = Decoder(config)

    def forward(self, x, cache=None):
        kind = next(one.dtype for one in self.parameters() if one.is_floating_point())
        return self.decoder(x.to(kind), cache=cache)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Around(Config())
        self.head = nn.Linear(8, 4)

    def forward(self, x):  # ane: input(2x5x8)
        first = self.body(x)
        again = self.body(first["x"], first["cache"])
        return self.head(again["x"]) + len(again["cache"].layers[0].seen)


class Chosen(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Linear(8, 1)

    def forward(self, x):
        y = x[self.scores(x).squeeze(-1) > 0]
        return y + y.mean()


class Routed(nn.Module):
    def __init__(self):
        super().__init__()
        self.chosen = nn.ModuleList([Chosen() for _ in range(3)])

    def forward(self, x):  # ane: input(6x8)
        for one in self.chosen:
            x = one(x)
        return x.sum(0)


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = Norm(8)

    def forward(self, x):
        y = self.norm(x)
        return {"x": y, "pooled": y[:, 0], "first": y.clone()[:, 0]}


class Written(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([Pooled() for _ in range(3)])

    def forward(self, x):  # ane: input(2x5x8)
        for part in self.parts:
            found = part(x)
            found["pooled"].mul_(2)  # which is a part of what stands under "x"
            found["first"].mul_(3)
            x = found["x"] + found["first"].mean()
        return x
"""
# Its cache gets what it holds for a layer from the first call that asks, which may be held twice.
GROWING = MODEL.replace("[Stored() for _ in range(depth)]", "[]").replace(
    "        self.updated[number] = True\n",
    "        while len(self.layers) <= number:\n            self.layers.append(Stored())\n"
    "        self.updated[number] = True\n        self.last = self.layers[-1]\n",
)
MODELS = {"as it is": MODEL, "growing": GROWING}
SAME = {
    "in the layer": ("        y = self.norm(x)\n", "        typed = 1\n        y = self.norm(x)\n"),
    "where it writes": ("        k, v = self.k(x)", "        typed = 1\n        k, v = self.k(x)"),
    "in the norm": ("        return self.weight", "        typed = 1\n        return self.weight"),
    "behind sizes that were made up": ("        return y + y.mean()", "        typed = 1\n        return y + y.mean()"),
    "around": ("        width = self", "        typed = 1\n        width = self"),
}
EXCHANGED = {
    "in the layer": ("        y = self.norm(x)\n", "        y = self.norm(x).relu()\n"),
    "where it writes": ("        k, v = self.k(x)", "        x = x * 2\n        k, v = self.k(x)"),
    "what it writes": ("        k, v = self.k(x), self.v(x)", "        k, v = self.k(x).relu(), self.v(x)"),
    "in the norm": ("        return self.weight * x", "        return self.weight * x.relu()"),
    "behind sizes that were made up": ("        return y + y.mean()", "        return y + y.mean() * 2"),
    "what it returns a part of": (
        '        return {"x": y, "pooled"',
        '        y = y.relu()\n        return {"x": y, "pooled"',
    ),
}
FOLLOWED = {
    "it does not write": ("        if cache is not None:\n", "        if cache is not None and self.layer_idx:\n"),
    "it writes another shape": (
        "            k, v = cache.update(k, v, self.layer_idx)",
        "            k, v = cache.update(torch.cat([k, k], 1), torch.cat([v, v], 1), self.layer_idx)",
    ),
    "it writes more": (
        "            k, v = cache.update(k, v, self.layer_idx)",
        "            cache.updated[-1 - self.layer_idx] = x\n            k, v = cache.update(k, v, self.layer_idx)",
    ),
    "it writes what it was given": (
        "            k, v = cache.update(k, v, self.layer_idx)",
        "            k, v = cache.update(x, x, self.layer_idx)",
    ),
    "it writes elsewhere": (
        "            k, v = cache.update(k, v, self.layer_idx)",
        "            k, v = cache.update(k, v, 0)",
    ),
    "it keeps the cache": (
        "        if cache is not None:\n",
        "        self.cache = cache\n        if cache is not None:\n",
    ),
    "it makes up one size more": ("        return y + y.mean()", "        return y[y[:, 0] > 0]"),
    "it makes up none": ("        y = x[self.scores(x).squeeze(-1) > 0]\n", "        y = x\n"),
    "a key that is no plain one": ("self.updated[number] = True", "self.updated[(number,)] = True"),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_calls_that_change_what_they_are_given_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    path = tmp_path / "net.py"
    kept: list[str] = []
    first = Repeats.followed

    def followed(*given: object) -> object:
        found = first(*given)  # type: ignore[arg-type]
        kept.append(f"{'' if found[2] else 'not '}{given[2].cls.name}")  # type: ignore[attr-defined]
        return found

    monkeypatch.setattr(Repeats, "followed", followed)
    analysed(path, model)
    assert not [name for name in kept if name.startswith("not ")]
    assert kept.count("Layer") == 6  # on caches that hold nothing of it yet, and again on full ones
    assert kept.count("Decoder") == kept.count("Around") == 2
    assert kept.count("Chosen") == 3
    assert kept.count("Pooled") == 2  # on an input and on a result


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize(
    ("edit", "how"), [*((edit, "moved") for edit in SAME.values()), *((edit, "again") for edit in EXCHANGED.values())],
    ids=[*(f"the same {name}" for name in SAME), *(f"another {name}" for name in EXCHANGED)],
)  # fmt: skip
def test_nothing_but_the_call_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: tuple[str, str], how: str, model: str
) -> None:
    """Where it does the same, nothing else is done; where it records something else, that is exchanged."""
    path = tmp_path / "net.py"
    analyst = analysed(path, model)
    check_each(path, analyst, model.replace("self.weight * x", "self.weight + x"), model)
    check_alone(path, analyst, monkeypatch, model, model.replace(*edit), how)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("name", FOLLOWED)
def test_what_it_leaves_otherwise_is_followed(tmp_path: Path, name: str, model: str) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, model)
    edited = model.replace(*FOLLOWED[name])
    assert edited != model
    check_each(
        path, analyst, edited, model, edited.replace("y = self.norm(x)", "y = self.norm(x).relu()"), edited, model
    )
