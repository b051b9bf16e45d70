"""An edit of another document that took part in an analysis is answered as one of the file itself: what does not depend on it stays."""

from pathlib import Path

import pytest
from test_again import graphs
from test_cutoff import Counted
from test_following import comparable

from ane_lsp.server.analyst import Analyst

LAYERS = '''\
"""Layers."""
import torch
from torch import nn

WIDTH = 8


def unused(x):
    return x + 1


class Pool(nn.Module):
    """A window the Neural Engine does not have."""

    def __init__(self, width, kernel_size=9):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.pool = nn.MaxPool2d(kernel_size, stride=1, padding=kernel_size // 2)

    def forward(self, x):
        y = self.conv(x)
        return self.pool(y)


class Never(nn.Module):
    def forward(self, x):
        return torch.erfinv(x)
'''
NET = """\
from layers import Pool, WIDTH
from torch import nn


class Net(nn.Module):  # ane: input(1x3x32x32)
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 3)
        self.blocks = nn.Sequential(*[Pool(WIDTH) for _ in range(2)])

    def forward(self, x):
        return self.blocks(self.stem(x))
"""
RETURN = "        return self.pool(y)\n"
MOVED = {
    "a comment": ("class Pool", "# about pools\n\nclass Pool"),
    "a comment in a function": (RETURN, "        # pools\n" + RETURN),
    "a function nobody calls": ("return x + 1", "return x - torch.ones(3)"),
    "a method of a class nobody builds": ("torch.erfinv(x)", "torch.erfc(x) + 1"),
}
AGAIN = {
    "an operation more": (RETURN, "        y = y * 2\n" + RETURN),
    "another shape": (RETURN, "        y = y.repeat(1, 1, 2, 2)\n" + RETURN),
    "another window": ("self.pool = nn.MaxPool2d(kernel_size, ", "self.pool = nn.MaxPool2d(3 + 0 * kernel_size, "),
    "another default": ("kernel_size=9", "kernel_size=11"),
    "a name that is not there": (RETURN, "        y = y + missing\n" + RETURN),
}
ANEW = {
    "a name of the file": ("WIDTH = 8", "WIDTH = 16"),
    "a class more": ("class Never", "class More(nn.Module):\n    pass\n\n\nclass Never"),
    "another base": ("class Pool(nn.Module)", "class Pool(nn.Sequential)"),
    "broken syntax": ("WIDTH = 8", "WIDTH = = 8"),
}


class Documents:
    """Open documents by name, and what is known of one of them."""

    def __init__(self, folder: Path, texts: dict[str, str], of: str = "net.py") -> None:
        self.folder, self.path, self.texts = folder, str(folder / of), dict(texts)
        for name, text in texts.items():
            (folder / name).write_text(text)
        self.analyst = self.fresh()

    def fresh(self) -> Analyst:
        analyst = Analyst()
        for name, text in self.texts.items():
            analyst.overlay(str(self.folder / name), text)
        analyst.analyze(self.path, lambda: False)
        return analyst

    def edited(self, **texts: str) -> str:
        """How edits are answered, after a comparison with an analysis from scratch."""
        before = self.analyst._kept[self.path]
        assert before.following is not None
        result = before.following.result
        for stem, text in texts.items():
            self.texts[f"{stem}.py"] = text
            self.analyst.overlay(str(self.folder / f"{stem}.py"), text)
        found = self.analyst.analyze(self.path, lambda: False)
        fresh = self.fresh()
        assert comparable(found) == comparable(fresh.analyze(self.path, lambda: False)), texts
        assert graphs(self.analyst, Path(self.path)) == graphs(fresh, Path(self.path)), texts
        self.analyst.idle()
        if self.analyst._kept[self.path] is not before:
            return "anew"
        return "moved" if before.following.result is result else "again"


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path, {"net.py": NET, "layers.py": LAYERS})


@pytest.mark.parametrize("name", MOVED)
def test_what_nothing_depends_on_leaves_the_result(documents: Documents, name: str) -> None:
    for text in (LAYERS.replace(*MOVED[name]), LAYERS, LAYERS.replace(*MOVED[name])):
        assert documents.edited(layers=text) == "moved"


@pytest.mark.parametrize("name", AGAIN)
def test_what_depends_on_a_function_is_analysed_again(documents: Documents, name: str) -> None:
    for text in (LAYERS.replace(*AGAIN[name]), LAYERS, "# first\n" + LAYERS.replace(*AGAIN[name]), LAYERS):
        assert text == LAYERS or text.removeprefix("# first\n") != LAYERS
        assert documents.edited(layers=text) == "again"
    (model,) = documents.analyst.analyze(documents.path, lambda: False).models
    assert [str(place).partition(":")[0] for place in model.elsewhere] == ["layers.py"]


@pytest.mark.parametrize("name", ANEW)
def test_all_else_has_the_file_analysed_anew(documents: Documents, name: str) -> None:
    assert documents.edited(layers=LAYERS.replace(*ANEW[name])) == "anew"
    assert documents.edited(layers=LAYERS) == "anew"


def test_both_texts_are_edited_in_turns_and_at_once(documents: Documents) -> None:
    twice, net = LAYERS.replace(*AGAIN["an operation more"]), NET.replace("self.stem(x)", "self.stem(x).relu()")
    assert documents.edited(layers=twice) == "again"
    assert documents.edited(net=net) == "again"
    assert documents.edited(net=NET, layers=LAYERS) == "again"
    assert documents.edited(net="# first\n" + net, layers="# first\n" + twice) == "again"
    assert documents.edited(layers=LAYERS) == "again"


def test_only_what_the_edit_concerns_runs(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    documents.analyst.overlay(str(documents.folder / "layers.py"), LAYERS.replace(*MOVED["a comment"]))
    documents.analyst.analyze(documents.path, lambda: False)
    assert counted.stages == 0


def test_several_worlds_read_the_same_document(tmp_path: Path) -> None:
    other = NET.replace("class Net", "class Other").replace("range(2)", "range(3)")
    documents = Documents(tmp_path, {"net.py": NET, "other.py": other, "layers.py": LAYERS})
    path = str(tmp_path / "other.py")
    documents.analyst.analyze(path, lambda: False)
    documents.analyst.analyze(str(tmp_path / "layers.py"), lambda: False)
    for text in (LAYERS.replace(*AGAIN["an operation more"]), LAYERS, LAYERS.replace(*AGAIN["another shape"])):
        assert documents.edited(layers=text) == "again"
        for one in ("other.py", "layers.py"):
            found = documents.analyst.analyze(str(tmp_path / one), lambda: False)
            assert comparable(found) == comparable(documents.fresh().analyze(str(tmp_path / one), lambda: False))
    # A later edit is told of all that came before.
    documents.edited(net=NET.replace("self.stem(x)", "self.stem(x).relu()"))


def test_a_document_that_is_opened_changes_nothing(tmp_path: Path) -> None:
    documents = Documents(tmp_path, {"net.py": NET, "layers.py": LAYERS})
    documents.texts.pop("layers.py")
    documents.analyst = documents.fresh()
    assert documents.edited(layers=LAYERS) == "moved"
    # Until now nothing of it could be exchanged; from here on it can.
    assert documents.edited(layers=LAYERS.replace(*AGAIN["an operation more"])) == "anew"
    assert documents.edited(layers=LAYERS) == "again"


def test_a_comment_that_directs_counts(documents: Documents) -> None:
    assert documents.edited(layers=LAYERS.replace("    def forward(self, x):\n        y", "    def forward(self, x):  # ane: input(1x8x8x8)\n        y")) == "anew"  # fmt: skip


BLOCK = """\
from torch import nn


class Block(nn.Module):
    def __init__(self, config, kind):
        super().__init__()
        self.conv = nn.Conv2d(config.width, 8, {"a": 3, "b": 5}[kind[config.depth]])

    def forward(self, x):
        return self.conv(x)
"""
USER = """\
from types import SimpleNamespace

import torch


def build():
    block = Block(SimpleNamespace(width=4, depth=0), ["a"])
    return block(torch.randn(1, 4, 16, 16))
"""


def test_a_file_that_uses_the_classes_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    """What is assumed of a class names the line of its user."""
    user = "from block import Block\n" + USER
    documents = Documents(tmp_path, {"user.py": user, "block.py": BLOCK}, of="block.py")
    (model,) = documents.analyst.analyze(documents.path, lambda: False).models
    assert model.assumed == ("called by build in user.py:7",)
    for text in ("# first\n" + user, user.replace("width=4", "width=2"), user):
        assert documents.edited(user=text) == "anew"


def test_a_file_that_begins_to_use_the_classes_counts(tmp_path: Path) -> None:
    other = "from torch import nn\n\n\ndef build():\n    return nn.ReLU()\n"
    documents = Documents(tmp_path, {"user.py": other, "block.py": BLOCK}, of="block.py")
    assert documents.edited(user=other.replace("nn.ReLU()", "nn.GELU()")) == "moved"
    assert documents.edited(user="from block import Block\n" + USER) == "anew"
    assert documents.analyst.analyze(documents.path, lambda: False).models


def test_a_registry_that_a_function_begins_to_fill_counts(tmp_path: Path) -> None:
    layers = LAYERS + (
        "\n\nTABLE = {}\n\n\ndef register(cls):\n    TABLE[cls.__name__] = cls\n    return cls\n\n\n"
        "@register\nclass Twice(nn.Module):\n    def forward(self, x):\n        return x * 2\n\n\n"
        "def make(name):\n    return TABLE[name]()\n"
    )
    net = NET.replace("import Pool, WIDTH", "import Pool, WIDTH, make")
    net = net.replace("self.stem = ", "self.twice = make('Twice')\n        self.stem = ")
    net = net.replace("self.stem(x))", "self.twice(self.stem(x)))")
    documents = Documents(tmp_path, {"net.py": net, "layers.py": layers})
    edited = layers.replace("    return TABLE[name]()\n", "    TABLE['More'] = Never\n    return TABLE[name]()\n")
    for text in (edited, layers):
        documents.edited(layers=text)


@pytest.mark.parametrize(("room", "worlds"), [(0, 2), (10**9, 3)])
def test_worlds_are_kept_while_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, worlds: int
) -> None:
    monkeypatch.setattr("ane_lsp.server.analyst.ROOM_FOR_WORLDS", room)
    analyst = Documents(tmp_path, {"net.py": NET, "other.py": NET, "layers.py": LAYERS}).analyst
    for name in ("other.py", "layers.py"):
        analyst.analyze(str(tmp_path / name), lambda: False)
    assert len(analyst._worlds()) == worlds
    assert all(size > 0 for _, size in analyst._worlds())
