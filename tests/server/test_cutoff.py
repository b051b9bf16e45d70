"""An edited function that does the same where it was called is followed there, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
from test_again import graphs
from test_following import analysed, answered, comparable

from ane_lsp.interp import repeats
from ane_lsp.interp.cutoff import Cutoff
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.replay import Book

MODEL = """\
import torch
from torch import nn
import torch.nn.functional as F

SEEN = []
TABLE = {}
FLAG = {"on": False}


class Config:
    def __init__(self, width=8, depth=3):
        self.width = width
        self.depth = depth
        self.attention = None


class Inner(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)
        self.kept = None

    def forward(self, x):
        y = self.fc(x)
        return F.gelu(y)


class Layer(nn.Module):
    calls = 0

    def __init__(self, config, layer_idx):
        super().__init__()
        self.inner = Inner(config.width)
        self.norm = nn.LayerNorm(config.width)
        self.layer_idx = layer_idx

    def forward(self, x, mask=None):
        y = self.norm(x)
        y = self.inner(y) + self.inner(x)
        return x + y


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        config.attention = "sdpa"
        self.layers = nn.ModuleList([Layer(config, number) for number in range(config.depth)])
        TABLE[type(self).__name__] = config.depth

    def forward(self, x):
        FLAG["on"] = True
        for layer in self.layers:
            x = layer(x)
        FLAG["on"] = False
        return x


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv1d(3, 8, 1)
        self.encoder = Encoder(Config(depth=2))

    def forward(self, x):
        x = self.stem(x)
        return self.encoder(x.transpose(1, 2))


class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv1d(3, 8, 3)
        self.encoder = Encoder(Config())
        self.tail = Encoder(Config())

    def forward(self, x):
        x = self.stem(x).transpose(1, 2)
        try:
            x = self.encoder(x)
        except ValueError:
            x = x + 1
        return self.tail(x).sum(1)


class Fails(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder(Config(depth=1))

    def forward(self, x):  # ane: input(2x5x8)
        return self.encoder(x) + self.nowhere(x)
"""
SAME = {
    "a name more": ("        y = self.fc(x)\n", "        typed = 1\n        y = self.fc(x)\n"),
    "at the end": ("        return F.gelu(y)\n", "        return F.gelu(y)\n        return y\n"),
    "in a loop": ("            x = layer(x)\n", "            x = layer(x)\n            typed = 1\n"),
    "a branch nobody takes": (
        "        return x + y\n",
        "        if x is None:\n            x = 0\n        return x + y\n",
    ),
    "reads a flag": ("        y = self.norm(x)\n", "        assert FLAG['on']\n        y = self.norm(x)\n"),
    "in a constructor": ("        self.norm = nn", "        typed = layer_idx + 1\n        self.norm = nn"),
    "in a constructor of a constructor": ("        self.fc = nn", "        typed = width\n        self.fc = nn"),
    "in one that changes what it is given": ("        config.attention", "        typed = 1\n        config.attention"),
}
OTHER = {
    "an operation": ("        return F.gelu(y)\n", "        return F.silu(y)\n"),
    "an operation more": ("        return F.gelu(y)\n", "        z = y * 2\n        return F.gelu(y)\n"),
    "another shape": ("        return x + y\n", "        return (x + y).repeat(1, 2, 1)\n"),
    "keeps its input": ("        y = self.fc(x)\n", "        self.kept = x\n        y = self.fc(x)\n"),
    "reads what it kept": ("        y = self.fc(x)\n", "        y = self.fc(x if self.kept is None else self.kept)\n        self.kept = x\n"),
    "a list outside": ("        y = self.norm(x)\n", "        SEEN.append(1)\n        y = self.norm(x) if len(SEEN) % 3 else x\n"),
    "a class attribute": ("        y = self.norm(x)\n", "        Layer.calls += 1\n        y = self.norm(x) if Layer.calls % 2 else x\n"),
    "which of many": ("        y = self.norm(x)\n", "        y = self.norm(x) if self.layer_idx else x\n"),
    "a flag": ("        y = self.norm(x)\n", "        y = x if FLAG['on'] else self.norm(x)\n"),
    "leaves a flag": ('        FLAG["on"] = False\n', "        FLAG['on'] = len(SEEN) == 0\n"),
    "in place": ("        y = self.norm(x)\n", "        x += 1\n        y = self.norm(x)\n"),
    "raises": ("        y = self.norm(x)\n", "        if x.shape[1] != 5:\n            raise ValueError(x)\n        y = self.norm(x)\n"),
    "perhaps raises": ("        y = self.norm(x)\n", "        if x.sum() > 0:\n            raise ValueError(x)\n        y = self.norm(x)\n"),
    "another attribute": ("        self.kept = None\n", "        self.kept = width\n"),
    "another part": ("        self.norm = nn.LayerNorm", "        self.norm = nn.RMSNorm"),
    "another part at one place": ("        self.layer_idx =", "        if layer_idx == 1:\n            self.norm = nn.Identity()\n        self.layer_idx ="),
    "changes what it is given": ('attention = "sdpa"', 'attention = "sdpa"\n        config.depth -= 1'),
    "a table outside": ("= config.depth\n", "= config.depth\n        if len(TABLE) > 0:\n            self.layers.append(nn.ReLU())\n"),
    "a name outside": ("        y = self.fc(x)\n", "        global SEEN\n        SEEN = [x]\n        y = self.fc(x)\n"),
    "a whole model's part": ("self.tail = Encoder(Config())", "self.tail = Encoder(Config(depth=1))"),
    "a list outside, by a model": ("self.tail = Encoder(Config())", "self.tail = Encoder(Config())\n        SEEN.append(1)"),
    "a model's forward": ("return self.tail(x).sum(1)", "return self.tail(x).sum(2)"),
    "a model's attribute": ("self.tail = Encoder(Config())", "self.tail = Encoder(Config())\n        self.tail.layers[0].norm.eps = 1.0"),
    "a size made up": ("        return x + y\n", "        return (x + y)[x[:, :, 0] > 0]\n"),
}  # fmt: skip


class Counted:
    """How many stages were run and how many pieces were made once more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stages = self.pieces = 0
        stage, again = Book._stage, Cutoff._again

        def counted(*given: Any) -> Any:
            self.stages += 1
            return stage(*given)

        def made(*given: Any) -> Any:
            self.pieces += 1
            return again(*given)

        monkeypatch.setattr(Book, "_stage", counted)
        monkeypatch.setattr(Cutoff, "_again", made)

    def reset(self) -> None:
        self.stages = self.pieces = 0


def check(path: Path, analyst: Any, text: str) -> None:
    """The answer is that of an analysis from scratch in which each call is followed."""
    assert answered(analyst, path, text) != "anew"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "MAX_FAILURES", 0)
        fresh = analysed(path, text)
        anew = fresh.analyze(str(path), lambda: False)
    assert comparable(analyst.analyze(str(path), lambda: False)) == comparable(anew), text
    assert graphs(analyst, path) == graphs(fresh, path), text


def check_each(path: Path, analyst: Any, *texts: str) -> None:
    """So is each answer to these, one after the other, with time to rest between them."""
    for text in texts:
        check(path, analyst, text)
        analyst.idle()


def check_alone(path: Path, analyst: Any, monkeypatch: pytest.MonkeyPatch, former: str, edited: str, how: str) -> None:
    """So is each answer to an edit, to taking it back and to making it again; for none a stage is run."""
    assert edited != former
    counted = Counted(monkeypatch)
    for text in (edited, former, edited):
        counted.reset()
        assert answered(analyst, path, text) == how
        assert counted.stages == 0
        assert counted.pieces > 0
        check(path, analyst, text)
        analyst.idle()


def check_edits(path: Path, model: str, edit: tuple[str, str], more: tuple[str, str]) -> None:
    """So are the answers to an edit, to taking it back, to another one besides, and to making and taking back the first again."""
    analyst = analysed(path, model)
    edited = model.replace(*edit)
    assert edited != model
    check_each(path, analyst, edited, model, edited.replace(*more), edited, model)


def check_calls_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch, model: str, first: tuple[str, str], edit: tuple[str, str]
) -> None:
    """The same as :func:`check_alone` of an edit that moves the result; before it comes a `first`."""
    analyst = analysed(path, model)
    check_each(path, analyst, model.replace(*first), model)
    check_alone(path, analyst, monkeypatch, model, model.replace(*edit), "moved")


def followed_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool, bool]]:
    """Of each call that is followed from here on the class, whether it is one on probes, and whether it is kept."""
    calls: list[tuple[str, bool, bool]] = []
    first = repeats.Repeats.followed

    def followed(*given: Any) -> Any:
        found = first(*given)
        calls.append((given[2].cls.name, given[1].probing, found[2] is not None))
        return found

    monkeypatch.setattr(repeats.Repeats, "followed", followed)
    return calls


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", SAME)
def test_what_does_the_same_concerns_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "net.py"
    model = MODEL.replace("        TABLE[type(self).__name__] = config.depth\n", "")  # which is something left behind
    analyst = analysed(path, model)
    # What a first run imports and defines looks like something left behind; the second knows better.
    check(path, analyst, model.replace("F.gelu", "F.silu"))
    check(path, analyst, model)
    analyst.idle()
    counted = Counted(monkeypatch)
    for text in (model.replace(*SAME[name]), model, model.replace(*SAME[name])):
        counted.reset()
        check(path, analyst, text)
        assert counted.pieces > 0
        analyst.idle()
    following = analyst._kept[str(path)].following
    assert following is not None
    before = [id(graph) for graph in following._found.graphs]
    counted.reset()
    assert answered(analyst, path, model) == "moved"
    assert counted.stages == 0
    assert [id(graph) for graph in following._found.graphs] == before


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", OTHER)
def test_what_does_something_else_is_followed_wherever_it_matters(tmp_path: Path, name: str) -> None:
    check_edits(tmp_path / "net.py", MODEL, OTHER[name], ("return x + y", "typed = 1\n        return x + y"))


def test_pieces_of_models_that_differ_in_what_nobody_reads_are_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each constructor writes another line of a table, so that the same layer is built in many states of it."""
    path = tmp_path / "net.py"
    models = "".join(
        f"\n\nclass Model{n}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        TABLE[{n}] = {n}\n        self.encoder = Encoder(Config(depth=4))\n        TABLE[{n}] = -{n}\n\n"
        f"    def forward(self, x):  # ane: input(2x5x8)\n        return self.encoder(x) + {n}\n"
        for n in range(5)
    )
    text = MODEL.replace("        TABLE[type(self).__name__] = config.depth\n", "") + models
    monkeypatch.setattr("ane_lsp.interp.calls.WORTH_IT", 0)
    analyst = analysed(path, text)
    check(path, analyst, text.replace("width=8", "width=16").replace("Conv1d(3, 8", "Conv1d(3, 16"))
    check(path, analyst, text)
    analyst.idle()
    counted = Counted(monkeypatch)
    check(path, analyst, text.replace("        self.layer_idx =", "        typed = 1\n        self.layer_idx ="))
    assert counted.pieces <= 10  # for layers of three configurations with 2 to 4 numbers; 25 are built


PARTS = """\
from torch import nn


class Config:
    width = 8
    attention = None
    sizes = [8, 8]


class Part(nn.Module):
    def __init__(self, config):
        super().__init__()
        config.attention = "sdpa"
        self.config = config
        self.fc = nn.Linear(config.width, config.width)

    def forward(self, x):
        return self.fc(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        config = Config()
        config.attention = None
        self.part = Part(config)
        self.act = nn.ReLU() if config.attention == "sdpa" else nn.Tanh()

    def forward(self, x):  # ane: input(2x8)
        return self.act(self.part(x))
"""


@pytest.mark.usefixtures("small_pieces")
def test_parts_that_write_to_their_configuration_are_not_built_where_only_the_whole_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count as built, and what they wrote as written; they stay pieces by themselves where the whole was compared."""
    path = tmp_path / "net.py"
    analyst = analysed(path, PARTS)
    built, part = "        self.part = Part(config)\n", "        self.fc = nn.Linear"
    counted = Counted(monkeypatch)
    constructed: list[str] = []
    plainly = Interpreter._construct_plain

    def watched(*given: Any) -> Any:
        constructed.append(given[1].name)
        return plainly(*given)

    monkeypatch.setattr(Interpreter, "_construct_plain", watched)
    typed = "        typed = 1\n"
    for text, names in (
        (PARTS.replace(built, typed + built), ["Net"]),
        (PARTS, ["Net"]),
        (PARTS.replace(part, typed + part), ["Part"]),
        (PARTS, ["Part"]),
        (PARTS.replace(built, built + typed), ["Net"]),
    ):
        counted.reset()
        constructed.clear()
        assert answered(analyst, path, text) == "moved"
        assert counted.stages == 0
        assert [name for name in constructed if name in ("Net", "Part")] == names
        check(path, analyst, text)
        analyst.idle()
    for edit in (
        (built, built + "        config.attention = None\n"),
        ("config.attention = None\n        self.part", "config.attention = 'eager'\n        self.part"),
        ('attention = "sdpa"', 'attention = "flash"'),
        (built, built + "        self.part.config.width = 4\n        self.fc = nn.Linear(8, config.width)\n"),
        ('attention = "sdpa"\n', 'attention = "sdpa"\n        config.sizes = [config]\n'),
    ):
        check(path, analyst, PARTS.replace(*edit))
        analyst.idle()
        check(path, analyst, PARTS)


@pytest.mark.parametrize("certain", [True, False], ids=["certain", "of something unknown"])
def test_a_model_that_is_built_as_before_is_not_called_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certain: bool
) -> None:
    """It is only built, to be compared; where its constructor meets something unknown, together with all that follows it in the file."""
    path = tmp_path / "net.py"
    built = "        self.tail = Encoder(Config())\n"
    model = MODEL if certain else MODEL.replace(built, built + "        self.name = nowhere.name()\n")
    analyst = analysed(path, model)
    check(path, analyst, model.replace(built, built + "        typed = 1\n"))
    analyst.idle()
    counted = Counted(monkeypatch)
    for text in (model, model.replace(built, "        typed = len(SEEN)\n" + built)):
        counted.reset()
        assert answered(analyst, path, text) == "moved"
        assert counted.stages == (0 if certain else 1)
        check(path, analyst, text)
        analyst.idle()
    # What follows in the same file still sees what that model left behind.
    check(path, analyst, model.replace(built, built + "        SEEN.append(1)\n"))
    check(path, analyst, model.replace("return x + y", "return x + y if len(SEEN) < 2 else x * y"))


def test_a_model_that_was_not_called_is_called_where_none_of_its_class_was_before(tmp_path: Path) -> None:
    """Only the first of several factories of one class has its model called: another one, where that fails since an edit."""
    path = tmp_path / "net.py"
    text = """\
from torch import nn


class Small(nn.Linear):
    def forward(self, x):
        return super().forward(x)


class Large(nn.Linear):
    def forward(self, x):
        return super().forward(x).relu()


class Net(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.fc = self.made(block)

    def made(self, block):
        width = None
        if block is Large:
            width = 8
        return block(width or 4, 4)

    def forward(self, x):
        return self.fc(x)


def small():
    return Net(Small)


def large():
    return Net(Large)
"""
    analyst = analysed(path, text)
    check_each(path, analyst, text.replace("        width = None\n", "        pass\n"), text)


def test_what_a_failing_constructor_speaks_of_is_read_where_it_was_run(tmp_path: Path) -> None:
    """Not from the lines of the text, which edits have moved."""
    model = """\
import math

import torch
from torch import nn


class Head(nn.Module):
    def __init__(self, dim, patch_size):
        super().__init__()
        self.dim = dim
        self.patch_size = patch_size
        self.out = nn.Linear(dim, math.prod(patch_size) * 3)

    def forward(self, x):
        return self.out(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = Head(8, (2, 2))

    def forward(self, x):
        return self.end(x)

    def end(self, x):
        return self.head(x)
"""
    path = tmp_path / "net.py"
    analyst = analysed(path, model)
    twice = model.replace("        self.dim = dim\n", "        self.dim = dim\n        self.dim = dim\n")
    failing = twice.replace("return self.head(x)", "return torch.zeros(3).view(7, 7)")
    check_each(path, analyst, model.replace("class Net", "# here\nclass Net"), twice, failing, twice)
    assert [m.name for m in analysed(path, failing).analyze(str(path), lambda: False).models] == ["Net", "Head"]


ASKED = """\
from torch import nn


class Inner(nn.Module):
    def __init__(self, kind, width):
        super().__init__()
        self.fc = {"small": nn.Linear, "large": nn.Linear}[kind](4, 4)
        self.width = width

    def forward(self, x):
        return self.fc(x)


class Net(nn.Module):
    def __init__(self, kind, width):
        super().__init__()
        self.inner = Inner(kind, width)

    def forward(self, x):
        return self.inner(x).relu()
"""
ASKED_EDITS = {
    "another first choice": ('{"small"', '{"tiny": nn.Identity, "small"'),
    "one is forbidden": ("        self.fc =", '        assert kind not in ("small",)\n        self.fc ='),
    "no choice": ("[kind](4, 4)", '["large"](4, 4)'),
    "no number": ("        self.width = width", "        self.width = width[0]"),
}


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("width", ["width", "in_width"])
def test_what_was_asked_of_a_constructor_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    path = tmp_path / "net.py"
    model = ASKED.replace("width", width)
    analyst = analysed(path, model)
    check_each(path, analyst, model.replace("nn.Linear,", "nn.Identity,"), model)
    counted = Counted(monkeypatch)
    for text in (model.replace("        self.fc =", "        typed = 1\n        self.fc ="), model):
        counted.reset()
        assert answered(analyst, path, text) == "moved"
        assert counted.stages == 0
        check(path, analyst, text)
        analyst.idle()


@pytest.mark.parametrize("name", ASKED_EDITS)
def test_another_answer_has_the_model_built_anew(tmp_path: Path, name: str) -> None:
    check_edits(
        tmp_path / "net.py", ASKED, ASKED_EDITS[name], ("return self.fc(x)", "typed = 1\n        return self.fc(x)")
    )


DIVIDED = """\
import torch
from torch import nn


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x, count):
        y = self.fc(x)
        return y + torch.arange(count), count * 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Inner() for _ in range(3)])
        self.last = Inner()

    def forward(self, x):
        half = x.shape[-1] // 1
        for layer in self.layers:
            x, twice = layer(x, half)
        return self.last(x, twice - 8)[0], self.last(x, 1)[0]
"""


DIVIDED_EDITS = {
    "an operation more": ("y = self.fc(x)", "y = self.fc(x) * 2"),
    "another number given": ("count * 2", "16"),
    "no quotient": ("// 1", "* 1"),
    "an operation around it": ("1)[0]\n", "1)[0] * 2\n"),
}


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", DIVIDED_EDITS)
def test_numbers_of_a_call_stay_quotients_of_sizes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.py"
    check_edits(path, DIVIDED, DIVIDED_EDITS[name], ("        half", "        typed = 1\n        half"))
    analyst = analysed(path, DIVIDED)
    (graph,) = analyst._kept[str(path)].analysis().graphs
    asked = [call.divided for call in graph.calls if call.torch == "torch.arange"]
    assert asked == [True, True, True, True, False]


TABLES = """\
import torch
from torch import nn


class Net(nn.Module):  # ane: input(2x8)
    def __init__(self):
        super().__init__()
        places = [(row, column) for row in range(8) for column in range(8)]
        known, found = {}, []
        for one in places:
            for other in places:
                offset = abs(one[0] - other[0]), abs(one[1] - other[1])
                if offset not in known:
                    known[offset] = len(known)
                found.append(known[offset])
        self.fc = nn.Linear(8, max(found))

    def forward(self, x):
        return self.fc(x)
"""


@pytest.mark.parametrize(("old", "new"), [("len(known)\n", "2 * len(known)\n"), ("known[offset] = len(known)", "pass")])
def test_a_loop_over_plain_numbers_is_followed_as_it_is_written_now(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, TABLES)
    check_each(path, analyst, TABLES.replace(old, new), TABLES)
