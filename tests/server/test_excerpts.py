"""Where an edit changes what many layers record, what is found is told from a few of them, and is what all of them say."""

from pathlib import Path

import pytest
from test_cutoff import check, check_each
from test_following import analysed

from ane_lsp.analysis import AnalysisError
from ane_lsp.checks import engine
from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Graph
from ane_lsp.graph.excerpt import Excerpt
from ane_lsp.interp import excerpts
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.splices import Splice
from ane_lsp.server.analyst import Analyst
from ane_lsp.server.results import DocumentResult

MODEL = """\
import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, mask):
        scores = (self.query(x) @ self.key(x).transpose(-1, -2)) * 0.125 + mask
        return self.out(scores.softmax(-1) @ self.value(x))


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attention = Attention(width)
        self.norm, self.last = nn.LayerNorm(width), nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x, mask):
        x = x + self.attention(self.norm(x), mask)
        x = x + self.narrow(F.gelu(self.wide(self.last(x))))
        return x


class Encoder(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList([Layer(32) for _ in range(depth)])
        self.norm = nn.LayerNorm(32)

    def forward(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)


class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = Encoder(9), Encoder(8)
        self.shared = Layer(32)

    def forward(self, x, mask):
        x = self.first(self.shared(x, mask), mask)
        x = self.second(x, mask)
        return self.shared(x, mask)


class Net(nn.Module):  # ane: input(1x64x32, 1x64x64)
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(32, 32)
        self.both = Both()
        self.head = nn.Linear(32, 10)

    def forward(self, x, mask):
        return self.head(self.both(self.stem(x), mask))
"""
CACHED = """\
import torch
import torch.nn.functional as F
from torch import nn


class Cache:
    def __init__(self):
        self.keys, self.values = [], []

    def update(self, key, value, index):
        while len(self.keys) <= index:
            self.keys.append(None)
            self.values.append(None)
        self.keys[index], self.values[index] = key, value
        return key, value


class Attention(nn.Module):
    def __init__(self, width, index):
        super().__init__()
        self.index = index
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, mask, cache):
        key, value = cache.update(self.key(x), self.value(x), self.index)
        scores = (self.query(x) @ key.transpose(-1, -2)) * 0.125 + mask
        return self.out(scores.softmax(-1) @ value)


class Layer(nn.Module):
    def __init__(self, width, index):
        super().__init__()
        self.attention = Attention(width, index)
        self.norm, self.last = nn.LayerNorm(width), nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x, mask, cache):
        x = x + self.attention(self.norm(x), mask, cache)
        x = x + self.narrow(F.gelu(self.wide(self.last(x))))
        return x


class Decoder(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList([Layer(32, index) for index in range(depth)])
        self.norm = nn.LayerNorm(32)

    def forward(self, x, mask, cache):
        for layer in self.layers:
            x = layer(x, mask, cache)
        return self.norm(x)


class Net(nn.Module):  # ane: input(1x64x32, 1x64x64)
    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(32, 32), nn.Linear(32, 10)
        self.decoder = Decoder(9)

    def forward(self, x, mask):
        cache = Cache()
        x = self.head(self.decoder(self.stem(x), mask, cache))
        return x, cache.keys, cache.values
"""
IN_EACH = "        x = x + self.attention(self.norm(x), mask)\n"
EDITS = {
    "an operation more in each": (IN_EACH, "        x = x * 2\n" + IN_EACH),
    "one that is not for the ANE": (IN_EACH, "        x = torch.cumprod(x, 1)\n" + IN_EACH),
    "one at the end of each": ("        return x\n\n\nclass Encoder", "        return x.clamp(-1, 1)\n\n\nclass Encoder"),
    "one in a part of each": ("        scores = ", "        x = F.max_pool2d(x[:, None], 9, 1, 4)[:, 0]\n        scores = "),
    "one operation fewer": (" * 0.125 + mask", " + mask"),
    "two parts of each": ("scores.softmax(-1) @ self.value(x)", "scores.relu().softmax(-1) @ self.value(x.tanh())"),
    "ahead of all": ("        for layer", "        x = x.relu()\n        for layer"),
    "behind all": ("        return self.norm(x)", "        return self.norm(x.relu())"),
    "between the layers": ("            x = layer(x, mask)\n", "            x = layer(x, mask).relu()\n"),
    "around both": ("        x = self.second(x, mask)\n", "        x = x.relu()\n        x = self.second(x, mask) * 2\n"),
    "ahead of both": ("        x = self.first", "        mask = mask * 2\n        x = self.first"),
    "what is cast": ("        scores = ", "        x = x.double().float()\n        scores = "),
    "a constant": ("        scores = ", "        x = x + torch.ones(32)\n        scores = "),
}  # fmt: skip


NEW = "one that is not for the ANE", "one in a part of each"  # with functions that nothing else calls
FOLLOWED = "between the layers", "ahead of both"  # layers are given something else


class Told:
    """What is told of edits, and of which graphs an excerpt was made."""

    def __init__(self, analyst: Analyst, monkeypatch: pytest.MonkeyPatch) -> None:
        self.findings: list[tuple[Finding, ...]] = []
        self.errors: list[tuple[AnalysisError, ...]] = []
        self.made: list[Graph] = []
        recorded = excerpts._OfExcerpt.recorded

        def noted(splice: excerpts._OfExcerpt) -> Graph:
            self.made.append(recorded(splice))
            return self.made[-1]

        def ahead(result: DocumentResult) -> None:
            self.findings.append(result.findings)
            self.errors.append(result.errors)

        monkeypatch.setattr(excerpts._OfExcerpt, "recorded", noted)
        analyst.ahead = ahead

    def reset(self) -> None:
        for noted in (self.findings, self.errors, self.made):
            noted.clear()


def settled(path: Path) -> Analyst:
    """An analyst that has seen an edit: what a first run imports and defines looks like something left behind."""
    analyst = analysed(path, MODEL)
    check_each(
        path, analyst, MODEL.replace(*EDITS[NEW[0]]).replace(*EDITS[NEW[1]]), MODEL.replace("F.gelu", "F.relu"), MODEL
    )
    return analyst


def without_fixes(findings: tuple[Finding, ...]) -> list[tuple[object, ...]]:
    return [(f.code, f.span, f.message, f.severity, f.related, f.data) for f in findings]


def check_excerpt(graph: Graph) -> None:
    """It holds what the graph holds, and rules say the same of it."""
    excerpt = graph.excerpt
    assert excerpt is not None
    assert excerpt.count(excerpt.graph.ops) == len(graph.ops) > len(excerpt.graph.ops)
    shown = {op.id for op in excerpt.graph.ops}
    calls = {call.id: call for call in excerpt.graph.calls}
    assert list(calls) == sorted(calls)
    for op in excerpt.graph.ops:
        whole = graph.ops[op.id]
        assert (op.kind, op.call.id) == (whole.kind, whole.call.id)
        assert op.call is calls[op.call.id]
        assert [(v.id, v.type, v.producer) for v in op.outputs] == [(v.id, v.type, v.producer) for v in whole.outputs]
        for one, other in zip(op.input_values(), whole.input_values(), strict=True):
            assert (one.type, one.origin, one.name, one.fold) == (other.type, other.origin, other.name, other.fold)
            assert one.producer is None or one.producer in shown
            assert one.id == other.id or other.id in excerpt.stand_ins
    for call in excerpt.graph.calls:
        whole_call = graph.calls[call.id]
        names = "torch", "span", "fn", "module", "stack", "ctor", "optional"
        assert [getattr(call, name) for name in names] == [getattr(whole_call, name) for name in names]
    found = engine.run(graph)
    graph.excerpt = Excerpt(graph)
    assert engine.run(graph) == found
    graph.excerpt = excerpt


@pytest.mark.parametrize("name", EDITS)
def test_what_is_told_of_a_few_layers_is_what_all_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "net.py"
    analyst = settled(path)
    told = Told(analyst, monkeypatch)
    edited = MODEL.replace(*EDITS[name])
    assert edited != MODEL
    more = edited.replace("F.gelu(", "F.relu(")
    for text in (edited, more, MODEL.replace("x = x + self.narrow(", "x = x + 2 * self.narrow("), more, MODEL):
        told.reset()
        check(path, analyst, text)
        result = analyst.analyze(str(path), lambda: False)
        assert without_fixes(told.findings[-1]) == without_fixes(result.findings)
        assert told.errors[-1] == result.errors
        for graph in told.made:
            check_excerpt(graph)
        analyst.idle()


@pytest.mark.parametrize("name", [name for name in EDITS if name not in FOLLOWED])
def test_an_excerpt_is_made_where_layers_stay_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "net.py"
    analyst = settled(path)
    told = Told(analyst, monkeypatch)
    check(path, analyst, MODEL.replace(*EDITS[name]))
    (graph,) = told.made
    assert graph.excerpt is not None
    assert len(graph.excerpt.rows) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        scores = ", "        mask = mask * 2\n        scores = "),
        ("        return self.out(", "        value = torch.cumprod(value, 1)\n        return self.out("),
        ("        return x\n\n\nclass Decoder", "        return x.relu()\n\n\nclass Decoder"),
        ("cache.update(self.key(x), self.value(x)", "cache.update(self.key(x.tanh()), self.value(x)"),
    ],
)
def test_layers_that_cache_what_they_make_are_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, CACHED)
    check_each(path, analyst, CACHED.replace("F.gelu", "F.relu"), CACHED)
    told = Told(analyst, monkeypatch)
    edited = CACHED.replace(old, new)
    assert edited != CACHED
    made = 0
    for text in (edited, CACHED, edited.replace("F.gelu(", "F.relu("), edited):
        told.reset()
        check(path, analyst, text)
        result = analyst.analyze(str(path), lambda: False)
        assert without_fixes(told.findings[-1]) == without_fixes(result.findings)
        for graph in told.made:
            check_excerpt(graph)
        made += len(told.made)
        analyst.idle()
    assert made > 1


def test_a_graph_that_cannot_be_made_of_what_was_told_is_made_from_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.py"
    analyst = settled(path)
    recorded = Splice.recorded

    def failing(splice: Splice) -> Graph:
        if splice.old.name:
            raise NotKept
        return recorded(splice)

    told = Told(analyst, monkeypatch)
    before = analyst._kept[str(path)]
    with monkeypatch.context() as patch:
        patch.setattr(Splice, "recorded", failing)
        text = MODEL.replace(*EDITS["an operation more in each"])
        analyst.overlay(str(path), text)
        result = analyst.analyze(str(path), lambda: False)
    assert told.made
    assert analyst._kept[str(path)] is not before
    assert without_fixes(told.findings[-1]) == without_fixes(result.findings)
    check(path, analyst, MODEL)


ONE_ELSE = (
    MODEL.replace("x = layer(x, mask)", "x = layer(x, mask if layer is not self.layers[0] else other)")
    .replace("        for layer", "        mask, other = mask * 2, mask.abs()\n        for layer")
    .replace("        return x\n\n\nclass Encoder", "        return x.tanh().sin().cos()\n\n\nclass Encoder")
)


@pytest.mark.parametrize(
    ("old", "new", "made"),
    [
        (IN_EACH, "        x = x * 2\n" + IN_EACH, True),
        ("x.tanh().sin().cos()", "x.clamp(-1, 1).tanh().sin().cos()", True),
        ("        for layer", "        x = x.relu()\n        for layer", True),
        (
            "            x = layer",
            "            if layer is self.layers[1]:\n                x = x.relu()\n            x = layer",
            False,
        ),
    ],
)
def test_what_is_ahead_of_a_row_may_go_on_as_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, made: bool
) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, ONE_ELSE)
    edited = ONE_ELSE.replace(old, new)
    assert edited != ONE_ELSE
    uses_all = "self.norm(x.relu().clamp(-1, 1)), mask) * 2"
    check_each(path, analyst, ONE_ELSE.replace("self.norm(x), mask)", uses_all), ONE_ELSE)
    told = Told(analyst, monkeypatch)
    check(path, analyst, edited)
    assert bool(told.made) is made
    for graph in told.made:
        check_excerpt(graph)
        assert graph.excerpt is not None
        assert 0 in {row.stand_in for row in graph.excerpt.rows}
    result = analyst.analyze(str(path), lambda: False)
    assert without_fixes(told.findings[-1]) == without_fixes(result.findings)
    analyst.idle()
    check_each(path, analyst, ONE_ELSE, edited)
