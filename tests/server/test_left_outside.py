"""Calls that put something behind a list outside, write to tensors they made, or are the first to ask a cached function."""

from pathlib import Path

import pytest
from test_again import graphs
from test_cutoff import Counted, check, check_calls_alone, check_each, check_edits
from test_following import analysed, answered, comparable

from ane_lsp.interp import repeats

MODEL = """\
from contextvars import ContextVar
from functools import cache, wraps
import torch
from torch import nn

ACTIVE = ContextVar("active", default=None)


def collecting(forward):
    @wraps(forward)
    def wrapped(self, x):
        collected = {"states": [], "last": []}
        token = ACTIVE.set(collected)
        try:
            y = forward(self, x)
        finally:
            ACTIVE.reset(token)
        collected.pop("more", None)
        return y, tuple(collected["states"])

    return wrapped


def install(module):
    def put(collected, one):
        collected["states"].append(one)

    def hook(module, args, output):
        collected = ACTIVE.get()
        if collected is None:
            return
        if not collected["states"]:
            put(collected, args[0])
        put(collected, output)

    module.register_forward_hook(hook)


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        y = self.fc(self.norm(x))
        return x + y


class Encoder(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.layers = nn.ModuleList([Layer(width) for _ in range(depth)])
        for layer in self.layers:
            install(layer)

    @collecting
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Delta(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x, cache):
        y = self.fc(x)
        if "state" not in cache:
            cache["state"] = torch.zeros(2, 5, 8)
        cache["state"].copy_(y)
        return y


class Tail(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, 2)

    def forward(self, x):
        parts = torch.split(x, int(x.sum()), 1)
        return self.fc(x) * torch.cat(parts, 1).mean()


class Net(nn.Module):  # ane: input(2x5x8)
    def __init__(self):
        super().__init__()
        self.encoder = Encoder(8, 3)
        self.again = Encoder(8, 2)
        self.deltas = nn.ModuleList([Delta(8) for _ in range(2)])
        self.tail = Tail(8)

    def forward(self, x):
        y, states = self.encoder(x)
        y, more = self.again(y)
        for delta in self.deltas:
            cache = {}
            y = delta(y, cache)
        return self.tail(y + states[0] + more[-1] + cache["state"])


class Other(nn.Module):  # ane: input(2x5x8)
    def __init__(self):
        super().__init__()
        self.encoder = Encoder(8, 2)

    def forward(self, x):
        return self.encoder(x)[1][-1]
"""
MINUS = ("return x + y", "return x - y")
SAME = {
    "a layer": ("        y = self.fc(self.norm(x))\n", "        typed = 1\n        y = self.fc(self.norm(x))\n"),
    "writes to what it made": (
        "        y = self.fc(x)\n        if",
        "        typed = 1\n        y = self.fc(x)\n        if",
    ),
    "what comes after": ("        return self.fc(x) *", "        typed = 1\n        return self.fc(x) *"),
}
OTHER = {
    "a hook": ("        collected = ACTIVE.get()\n", "        typed = 1\n        collected = ACTIVE.get()\n"),
    "an operation more": ("        return x + y\n", "        y = y * 2\n        return x + y\n"),
    "an operation less": ("        y = self.fc(self.norm(x))\n", "        y = self.fc(x)\n"),
    "another shape": ("        return x + y\n", "        return (x + y)[:, :, :8].relu()\n"),
    "puts something else": ("            put(collected, args[0])\n", "            put(collected, output)\n"),
    "puts it elsewhere": ('collected["states"].append(one)', 'collected["last"].append(one)'),
    "puts it twice": ("        put(collected, output)\n", "        put(collected, output)\n        put(collected, output)\n"),
    "changes what is there": ("        put(collected, output)\n", "        put(collected, output)\n        collected['states'][0] = output\n"),
    "gives another": ("        put(collected, output)\n", "        put(collected, output)\n        return output * 2\n"),
    "another number": ("self.encoder = Encoder(8, 3)", "self.encoder = Encoder(8, 4)"),
    "writes something else": ('cache["state"].copy_(y)', 'cache["state"].add_(y)'),
    "writes to what it is given": ('cache["state"].copy_(y)', 'x.add_(1)\n        cache["state"].copy_(y)'),
    "a view of what it made": ('cache["state"].copy_(y)', 'cache["state"][:, 0].copy_(y[:, 1])'),
    "beside a sequence of unknown length": ("        return self.fc(x) *", "        return self.fc(x * 2) *"),
    "a sequence of unknown length": ("torch.cat(parts, 1).mean()", "torch.cat(parts, 1).abs().mean()"),
    "ahead of a sequence of unknown length": ("        return x + y\n", "        return (x + y).relu()\n"),
    "a model's forward": ("        return self.encoder(x)[1][-1]\n", "        return self.encoder(x)[1][0]\n"),
}  # fmt: skip


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", SAME)
def test_what_does_the_same_concerns_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    check_calls_alone(tmp_path / "net.py", monkeypatch, MODEL, MINUS, SAME[name])


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", OTHER)
def test_what_does_something_else_is_as_from_scratch(tmp_path: Path, name: str) -> None:
    check_edits(tmp_path / "net.py", MODEL, OTHER[name], MINUS)


@pytest.mark.usefixtures("small_pieces")
def test_a_list_that_stays_outside_is_as_from_scratch(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    text = MODEL.replace("            ACTIVE.reset(token)\n", "            pass\n")
    for edited in (text, text.replace(*MINUS), MODEL):
        analyst.overlay(str(path), edited)
        found = analyst.analyze(str(path), lambda: False)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(repeats, "MAX_FAILURES", 0)
            fresh = analysed(path, edited)
            assert comparable(found) == comparable(fresh.analyze(str(path), lambda: False))
        assert graphs(analyst, path) == graphs(fresh, path)


CACHED = """\
from functools import cache
import torch
from torch import nn
import flags


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return self.fc(x) if flags.wide() else x


class First(nn.Module):  # ane: input(2x8)
    def __init__(self):
        super().__init__()
        self.part = Part()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.part(x))


class Second(nn.Module):  # ane: input(2x8)
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(x) if flags.wide() else x
"""
FLAGS = """\
from functools import cache

ASKED = []


@cache
def wide():
    ASKED.append(1)
    return len(ASKED) == 1
"""


@pytest.mark.usefixtures("small_pieces")
def test_a_call_that_is_recorded_again_leaves_what_cached_functions_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.py"
    (tmp_path / "flags.py").write_text(FLAGS.replace("    ASKED.append(1)\n", ""))
    analyst = analysed(path, CACHED)
    edited = CACHED.replace("self.head(self.part(x))", "self.head(self.part(x)) * 2")
    check_each(path, analyst, edited, CACHED)
    counted = Counted(monkeypatch)
    assert answered(analyst, path, edited) == "again"
    assert counted.stages == 1  # the first model's forward, and not the second model's
    check(path, analyst, edited)


@pytest.mark.usefixtures("small_pieces")
def test_cached_functions_that_tell_when_they_were_asked(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    (tmp_path / "flags.py").write_text(FLAGS)
    analyst = analysed(path, CACHED)
    check_each(
        path, analyst, CACHED.replace("self.head(self.part(x))", "self.head(self.part(x)) * 2"), CACHED,
        CACHED.replace("self.fc(x) if flags.wide() else x", "self.fc(x)"), CACHED,
    )  # fmt: skip
