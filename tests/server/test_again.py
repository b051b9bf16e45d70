"""What an edit of functions concerns is run again, the rest is kept; the answer is that of an analysis from scratch."""

import gc
import random
from pathlib import Path
from typing import Any

import pytest
from test_following import analysed, answered, comparable

from ane_lsp.graph import Graph
from ane_lsp.interp import repeats
from ane_lsp.server.analyst import Analyst
from ane_lsp.server.following import Following
from benchmarks.fuzz.again import recorded

MODEL = '''\
"""Models that share more than their names: registries, counters, caches, a model at the top level."""
import functools
import torch
from torch import nn
import torch.nn.functional as F

REGISTRY = {}
BUILT = []
COUNT = 0
WIDTHS = {"small": 8}
_cache = {}


def register(cls):
    REGISTRY[cls.__name__] = cls
    return cls


def scaled(width, by=2):
    return width * by


def next_count():
    global COUNT
    COUNT += 1
    return COUNT


def cached(width):
    if width not in _cache:
        _cache[width] = scaled(width)
    return _cache[width]


class Tracked(nn.Module):
    made = 0

    def __init__(self):
        super().__init__()
        Tracked.made += 1
        self.number = Tracked.made


@register
class Block(Tracked):
    ratio = 2

    def __init__(self, dim: int, kernel: int = 3, *, bias: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, kernel, padding=kernel // 2, bias=bias)
        self.norm = nn.BatchNorm2d(dim)
        self.grown = nn.Conv2d(dim, self.hidden(dim), 1)
        self.back = nn.Conv2d(self.hidden(dim), dim, 1)
        BUILT.append(dim)

    @staticmethod
    def hidden(dim):
        return cached(dim)

    @property
    def act(self):
        return F.gelu

    def forward(self, x):
        def mix(value, other):
            return value + other

        y = self.norm(self.conv(x))
        y = self.back(self.act(self.grown(y)))
        return mix(x, y)


@register
class Lazy(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim
        self.table = None

    def forward(self, x):
        if self.table is None:
            self.table = torch.zeros(1, self.dim, 1, 1)
        return x.abs() + self.table


class Net(Tracked):
    def __init__(self, width: int = 8, depth: int = 2):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        kinds = [REGISTRY["Block"], REGISTRY["Lazy"]]
        self.blocks = nn.Sequential(*[kinds[i % 2](width) for i in range(depth)])
        self.head = nn.Linear(width, 10)
        self.seen = len(BUILT)

    def features(self, x):
        return self.blocks(self.stem(x))

    def forward(self, x):
        x = self.features(x)
        if self.seen > 40:
            x = x.flip(1)
        return self.head(x.mean((2, 3)))


class Pyramid(nn.Module):
    def __init__(self, width: int = 4):
        super().__init__()
        self.first = Net(width)
        self.second = Block(scaled(width), kernel=5)
        self.up = nn.ConvTranspose2d(width, scaled(width), 2, stride=2)

    def forward(self, image):
        x = self.first.features(image)
        x = self.second(self.up(x))
        return torch.nn.functional.interpolate(x, scale_factor=2.0)


class Alone(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(9, stride=1, padding=4)
        self.conv = nn.Conv2d(WIDTHS["small"], 8, 3, dilation=2)

    def forward(self, x):
        return self.pool(self.conv(x)).sort(1)[0]


class Asks(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.Sequential(Block(4), Lazy(4), Block(4))

    def forward(self, x):
        x = self.parts(x)
        if torch.jit.is_tracing():
            x = self.nowhere(next_count() * x)
        return x.relu()


def small(**options):
    return Net(WIDTHS["small"], **options)


def tall():
    return Pyramid(scaled(4))


def unused(x):
    return x
'''
# Each changes what a function says; the last ones also what the top level says.
CHANGES = (
    ("width * by", "width * by + by"), ("by=2", "by=3"), ("COUNT += 1", "COUNT += 2"), ("kernel: int = 3", "kernel: int = 5"),
    ("bias: bool = True", "bias: bool = False"), ("Tracked.made += 1", "Tracked.made += 3"), ("_cache[width] = scaled(width)", "_cache[width] = 2 * scaled(width)"),
    ("BUILT.append(dim)", "BUILT.extend([dim] * 30)"), ("return F.gelu", "return F.silu"), ("return value + other", "return value * other"),
    ("y = self.norm(self.conv(x))", "y = self.conv(x)"), ("depth: int = 2", "depth: int = 3"), ("stride=2, padding=1", "stride=1, padding=1"),
    ("x.mean((2, 3))", "x.amax((2, 3))"), ("kernel=5)", "kernel=7)"), ("scale_factor=2.0", "scale_factor=3.0"), ("nn.MaxPool2d(9,", "nn.MaxPool2d(7,"),
    ("padding=4", "padding=3"), (".sort(1)[0]", ".cumsum(1)"), ("return Pyramid(scaled(4))", "return Pyramid(6)"), ("x.abs() + self.table", "x + self.table.abs()"),
    ("self.table = None", "self.table = torch.ones(1)"), ("return x\n", "return x, x\n"), ("x = self.features(x)", "x = self.blocks(self.stem(x))"),
    ("return Net(WIDTHS", "next_count()\n    return Net(WIDTHS"), ("self.number = Tracked.made", "self.number = next_count()"),
    ("x = x.flip(1)", "x = x.flip(2)\n            x = x + 1"), ("dilation=2", "dilation=COUNT + 1"), ("return cached(dim)", "return scaled(dim)"),
    ("ratio = 2", "ratio = 3"), ("made = 0", "made = 1"), ("return self.head(x", "typed = 1\n        return self.head(x"), ("return REG", "return REG"),
    ("x = self.nowhere(next_count() * x)", "x = self.parts(next_count() * x)"), ("return x.relu()", "return x.relu().sum(1)"),
)  # fmt: skip


def graphs(analyst: Analyst, path: Path) -> list[object]:
    return [list(recorded(graph)) for graph in analyst._kept[str(path)].analysis().graphs]


def edit(text: str, chance: random.Random) -> str:
    if chance.random() < 0.2:
        lines = text.split("\n")
        lines.insert(chance.randrange(len(lines)), "")
        return "\n".join(lines)
    old, new = chance.choice(CHANGES)
    return text.replace(old, new, 1) if old in text else text.replace(new, old, 1)


def follow(path: Path, text: str, rounds: int, seed: int, every: int = 1) -> dict[str, int]:
    """Edit at random and compare each `every`-th answer with an analysis from scratch; how often edits were answered how."""
    chance = random.Random(seed)
    analyst = analysed(path, text)
    counts: dict[str, int] = {}
    for number in range(rounds):
        text = edit(text, chance)
        how = answered(analyst, path, text)
        counts[how] = counts.get(how, 0) + 1
        if number % every == every - 1:
            result = analyst.analyze(str(path), lambda: False)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(repeats, "MAX_FAILURES", 0)  # each call is followed
                fresh = analysed(path, text)
                anew = fresh.analyze(str(path), lambda: False)
            assert comparable(result) == comparable(anew), text
            assert graphs(analyst, path) == graphs(fresh, path), text
    return counts


@pytest.mark.parametrize("seed", range(2))
def test_running_again_equals_analysing_from_scratch(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "WORTH_IT", 0)  # calls of the smallest modules are kept, too
    counts = follow(tmp_path / "net.py", MODEL, 10, seed, every=2)
    assert counts["again"] >= 3


def test_an_analysis_that_was_cancelled_is_made_up_for(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    text = MODEL.replace("depth: int = 2", "depth: int = 4").replace("return value + other", "return value - other")
    for left in (0, 1, 2, 5):
        asked = iter([False] * left)
        analyst.overlay(str(path), text + "\n" * left)
        analyst.analyze(str(path), lambda asked=asked: next(asked, True))  # type: ignore[misc]
    result = analyst.analyze(str(path), lambda: False)
    fresh = analysed(path, text + "\n" * 5)
    assert comparable(result) == comparable(fresh.analyze(str(path), lambda: False))
    assert graphs(analyst, path) == graphs(fresh, path)


def test_a_fault_on_the_way_leads_to_an_analysis_from_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)

    def fails(*_: object) -> bool:
        raise KeyError("book")

    monkeypatch.delenv("ANE_LSP_DEBUG", raising=False)
    monkeypatch.setattr("ane_lsp.interp.replay.Book.rewind", fails)
    text = MODEL.replace("kernel: int = 3", "kernel: int = 5")
    assert answered(analyst, path, text) == "anew"
    assert graphs(analyst, path) == graphs(analysed(path, text), path)


def test_only_entries_that_ran_a_function_run_again(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)

    def worlds() -> list[int]:
        following = analyst._kept[str(path)].following
        assert isinstance(following, Following)
        return [id(graph) for graph in following._found.graphs]

    before = worlds()
    assert answered(analyst, path, MODEL.replace("nn.MaxPool2d(9,", "nn.MaxPool2d(7,")) == "again"
    after = worlds()
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(before, after)) == 1


def test_a_default_concerns_only_who_was_given_it(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    following = analyst._kept[str(path)].following
    assert isinstance(following, Following)
    before = [id(graph) for graph in following._found.graphs]
    text = MODEL.replace("width: int = 8", "width: int = 9")  # every caller gives the width
    assert answered(analyst, path, text) == "again"
    assert [id(graph) for graph in following._found.graphs] == before
    text = text.replace("kernel: int = 3", "kernel: int = 7")
    assert answered(analyst, path, text) == "again"
    assert [id(graph) for graph in following._found.graphs] != before
    assert graphs(analyst, path) == graphs(analysed(path, text), path)


def test_findings_are_told_before_the_rest_is_ready_and_are_those_of_the_answer(tmp_path):
    path, text = tmp_path / "model.py", MODEL
    analyst = analysed(path, text)
    heard = []
    analyst.ahead = heard.append
    for number in range(3):
        text = text.replace("return width * by", f"return width * by * {number + 1}", 1)
        analyst.overlay(str(path), text)
        result = analyst.analyze(str(path), lambda: False)
        assert [f.message for f in heard[-1].findings] == [f.message for f in result.findings]
        assert [f.span for f in heard[-1].findings] == [f.span for f in result.findings]
        assert heard[-1].errors == result.errors
        assert not heard[-1].calls
        text = MODEL
    assert sum(part.diagnosed for part in heard) == 3


def test_a_function_nobody_runs_is_moved_however_often_it_is_edited(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = MODEL + "\n\ndef unused(width):\n    total = 0\n    return total\n"
    analyst = analysed(path, text)
    for number in range(3):
        edited = text.replace("total = 0", f"total = {number}\n    more = 1")
        assert answered(analyst, path, edited) == "moved"


def test_a_value_that_is_unknown_for_the_same_reason_concerns_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = (
        "import torch\nfrom torch import nn\nfrom nowhere import thing\n\n\n"
        "class Base(nn.Module):\n    known = None\n\n\ndef remember():\n    Base.known = thing.part\n\n\n"
        "class One(Base):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(8, 8)\n\n"
        "    def forward(self, x):\n        return self.fc(x).relu()\n\n\n"
        "class Two(Base):\n    def __init__(self):\n        super().__init__()\n        remember()\n"
        "        self.fc = nn.Linear(8, 4)\n\n    def forward(self, x):\n        return self.fc(x).tanh()\n"
    )
    analyst = analysed(path, text)
    following = analyst._kept[str(path)].following
    assert isinstance(following, Following)
    before = {graph.name: id(graph) for graph in following._found.graphs}
    assert len(before) >= 2
    for name, old, new in (("Two", "Linear(8, 4)", "Linear(8, 5)"), ("One", ".relu()", ".exp()")):
        text = text.replace(old, new)
        assert answered(analyst, path, text) == "again"
        after = {graph.name: id(graph) for graph in following._found.graphs}
        assert [other for other in before if before[other] != after[other]] == [name]
        assert graphs(analyst, path) == graphs(analysed(path, text), path)
        before = after


FLAGGED = """\
import torch
from contextvars import ContextVar
from torch import nn

_mode = ContextVar("mode", default=None)
TABLE = {"width": 4}


class Block(nn.Module):
    def __init__(self, index):
        super().__init__()
        self.index = index
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        y = self.fc(x) + self.index
        for scale in range(12):
            y = y * (scale + self.index)
        return y[..., : TABLE["width"]].repeat(1, 8 // TABLE["width"]) + (1 if _mode.get() is None else 0)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc(x)


class Net(nn.Module):  # ane: input(2x8)
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(index) for index in range(4)])
        self.head = Head()

    def forward(self, x):
        token = _mode.set({})
        for block in self.blocks:
            x = block(x)
        x = self.head(x)
        _mode.reset(token)
        return x


class Wide(Net):  # ane: input(2x8)
    def __init__(self):
        super().__init__()
        TABLE["width"] = 8
"""


def arguments_of(method: str, analyst: Analyst, path: Path, text: str) -> list[tuple[Any, ...]]:
    """What a method of the kept calls is given while an edit is followed."""
    own, found = getattr(repeats.Repeats, method), list[tuple[Any, ...]]()

    def noted(*args: Any) -> Any:
        found.append(args)
        return own(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats.Repeats, method, noted)
        assert answered(analyst, path, text) == "again"
    return found


def test_calls_are_recorded_again_across_edits_though_a_flag_is_set_meanwhile(tmp_path: Path) -> None:
    """The second model changes a table that blocks read: each finds its own calls again, and none of the other's."""
    path = tmp_path / "net.py"
    analyst = analysed(path, FLAGGED)
    for number in range(3):
        text = FLAGGED.replace("return self.fc(x)\n", f"return self.fc(x) * {number}\n")
        found = [args[-1] for args in arguments_of("_again", analyst, path, text)]
        fresh = analysed(path, text)
        assert comparable(analyst.analyze(str(path), lambda: False)) == comparable(
            fresh.analyze(str(path), lambda: False)
        )
        assert graphs(analyst, path) == graphs(fresh, path)
        if number:
            assert [one for one in found if one.startswith("blocks.")] == 2 * [f"blocks.{at}" for at in range(4)]


PROBED = """\
import torch
from contextvars import ContextVar
from torch import nn

_mode = ContextVar("mode", default=None)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        done = {}

        def scaled(value):
            done["times"] = done["times"] + 1
            return value * done["times"]

        done.update(scaled=scaled, times=0)
        for _ in range(12):
            x = done["scaled"](x)
        return self.fc(x)


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block() for _ in range(3)])

    def forward(self, x):
        token = _mode.set({})
        try:
            for block in self.blocks:
                x = block(x)
        finally:
            _mode.reset(token)
        return x


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Stem()
        self.head = Head()

    def forward(self, tokens):
        return self.head(self.stem(tokens.flatten(1, 2)))
"""


def test_what_an_edit_does_not_concern_is_not_followed_again_to_find_out_what_inputs_are(tmp_path: Path) -> None:
    """The sizes that are made up for an input nobody knows are those of before, and a function that a call made and that call's
    names, which hold each other, count as gone."""
    path = tmp_path / "net.py"
    analyst = analysed(path, PROBED)
    for number in range(3):
        text = PROBED.replace("return self.fc(x)\n\n\nclass Net", f"return self.fc(x) * {number}\n\n\nclass Net")
        found = [args[2].cls.name for args in arguments_of("_first", analyst, path, text)]
        assert graphs(analyst, path) == graphs(analysed(path, text), path)
        if number:
            assert found
            assert not {"Stem", "Block"} & set(found)


def test_sizes_made_up_again_are_none_that_an_import_made_up(tmp_path: Path) -> None:
    """The module is run while the model is called for the first time; what it holds stays, and the call is made again."""
    path = tmp_path / "net.py"
    (tmp_path / "other.py").write_text("import torch\n\nSOME = torch.rand(9)\nSOME = SOME[SOME > 0.5]\n")
    text = (
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):  # ane: input(9)\n    def forward(self, x):\n"
        "        from other import SOME\n\n        kept = x[x > 0]\n"
        "        return torch.ones(3 + kept.shape[0] - SOME.shape[0]) * 1\n"
    )
    analyst = analysed(path, text)
    for number in (2, 3):
        now = text.replace("* 1", f"* {number}")
        assert answered(analyst, path, now) == "again"
        (graph,) = analyst._kept[str(path)].analysis().graphs
        assert str(graph.outputs[0].type) == "[?] f32"
        assert graphs(analyst, path) == graphs(analysed(path, now), path)


def test_graphs_of_earlier_versions_are_let_go(tmp_path: Path) -> None:
    """Though functions asked what they were given for what is not in it, as those that register with a dict do."""
    path = tmp_path / "net.py"
    (tmp_path / "other.py").write_text("LATER = {}\n\n\n@print\ndef registers():\n    return LATER\n")
    text = (
        "import other\nimport torch\nfrom torch import nn\n\n\ndef shifted(**given):\n    given = {**given}\n"
        "    return given['x'] if given.get('by') is None else given['x'] + given.get('by')\n\n\n"
        "class Net(nn.Module):  # ane: input(2x8)\n    def forward(self, x):\n        return shifted(x=x * 1)\n"
    )
    analyst, held = analysed(path, text), list[int]()
    for number in range(2, 14):
        assert answered(analyst, path, text.replace("* 1", f"* {number}")) == "again"
        gc.collect()
        held.append(sum(isinstance(one, Graph) for one in gc.get_objects()))
    assert held[-1] <= held[5]


def test_a_file_that_leads_to_itself_under_another_name_is_one_file(tmp_path: Path) -> None:
    """Opened by itself it is ``net``, for the package it lies in ``pack.models.net``: an edit reaches both."""
    models = tmp_path / "pack" / "models"
    models.mkdir(parents=True)
    for folder in (models.parent, models):
        (folder / "__init__.py").touch()
    (models.parent / "registry.py").write_text("from pack.models import net\ndef make():\n    return net.Block()\n")
    path = models / "net.py"
    text = (
        "from torch import nn\nfrom ..registry import make\n\n\nclass Block(nn.Module):\n    def __init__(self, width=4):\n"
        "        super().__init__()\n        self.conv = nn.Conv2d(3, width * 2, 1)\n\n    def forward(self, x):\n"
        "        return self.conv(x)\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.block = make()\n\n    def forward(self, x):\n        return self.block(x)\n"
    )
    analyst = analysed(path, text)
    for old, new, channels in (("width * 2", "width * 3", 12), ("width=4", "width=7", 14)):
        edited = text.replace(old, new)
        assert answered(analyst, path, edited) == "again"
        assert graphs(analyst, path) == graphs(analysed(path, edited), path)
        assert all(str(channels) in str(graph) for graph in graphs(analyst, path))


DOCUMENTED = '''\
import torch
from torch import nn


def documented(cls):
    cls.width = int(cls.forward.__doc__) + len(unused.__doc__)
    return cls


def unused():
    """four"""
    return 1


@documented
class Net(nn.Module):  # ane: input(2x8)
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, self.width)

    def forward(self, x):
        """4"""
        return self.fc(x)
'''


SIGNED = """\
import functools
import inspect
import torch
from torch import nn

DEFAULTS = {}


def checked(build):
    names = list(inspect.signature(build).parameters)
    DEFAULTS[build.__name__] = build.__defaults__

    @functools.wraps(build)
    def wrapped(*args, **kwargs):
        assert set(kwargs) <= set(names)
        return build(*args, **kwargs)

    return wrapped


@checked
def build(width=8):
    layer = nn.Linear(width, 4)
    return layer


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = build()
        self.own = DEFAULTS["build"][0]

    def forward(self, x):
        return self.fc(x) * self.own
"""


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        ("    layer = ", "    typed = 1\n    layer = ", "moved"),
        ("nn.Linear(width, 4)", "nn.Linear(width, 6)", "again"),
        ("width=8", "width=16", "anew"),  # an import has read it
    ],
)
def test_who_reads_a_signature_does_not_depend_on_the_body(tmp_path: Path, old: str, new: str, how: str) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, SIGNED)
    changed = SIGNED.replace(old, new)
    assert answered(analyst, path, changed) == how
    fresh = analysed(path, changed)
    assert comparable(analyst.analyze(str(path), lambda: False)) == comparable(fresh.analyze(str(path), lambda: False))
    assert graphs(analyst, path) == graphs(fresh, path)


def test_a_function_whose_docstring_is_read_is_exchanged_with_its_docstring(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, DOCUMENTED)
    edits = (("self.fc(x)", "self.fc(x).relu()", "again"), ('"""4"""', '"""5"""', "anew"), ("return 1", "return 2", "moved"),
             ('"""four"""', '"""three"""', "anew"))  # fmt: skip
    text = DOCUMENTED
    for old, new, how in edits:
        text = text.replace(old, new)
        assert answered(analyst, path, text) == how, new
        fresh = analysed(path, text)
        assert comparable(analyst.analyze(str(path), lambda: False)) == comparable(
            fresh.analyze(str(path), lambda: False)
        )
        assert graphs(analyst, path) == graphs(fresh, path)


OTHER_CLASSES = """\
import torch
from torch import nn


class Plain(nn.Module):
    def forward(self, x):
        return x.abs()


class Later(Plain):
    def forward(self, x):
        return x.exp() + 1


SHARED = Plain()


class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3, padding=1), name="weight", dim=2)

    def forward(self, x):
        return self.conv(x).relu()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.positions = Positions()
        self.part = Plain()

    def forward(self, x):
        x = self.part(self.positions(x))
        self.part.__class__ = Later
        SHARED.__class__ = Later
        return self.part(x) * 2


class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 8, 3)

    def forward(self, x):
        x = SHARED(self.conv(x + 1))
        if x.sum() > 0:
            SHARED.__class__ = Plain
        return SHARED(x).sin()
"""


def test_objects_that_are_given_another_class_are_as_they_were_when_a_model_is_followed_again(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, OTHER_CLASSES)
    for old, new in (
        ("* 2", "* 3"),
        (".relu()", ".tanh()"),
        ("x + 1)", "x + 2)"),
        ("x.abs()", "x.neg()"),
        (".sin()", ".cos()"),
        ("* 2", "- 3"),
    ):
        text = OTHER_CLASSES.replace(old, new)
        assert answered(analyst, path, text) == "again"
        fresh = analysed(path, text)
        assert graphs(analyst, path) == graphs(fresh, path), text
        assert comparable(analyst.analyze(str(path), lambda: False)) == comparable(
            fresh.analyze(str(path), lambda: False)
        )
