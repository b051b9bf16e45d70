"""A probed forward is left once the rest of it can tell nothing more of its inputs, and not before."""

from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from ane_lsp.graph import Graph
from ane_lsp.interp import inputs
from ane_lsp.interp.enough import Listening
from ane_lsp.interp.entries import run_file
from ane_lsp.interp.run import Limits
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.workspace import Workspace

HEAD = """\
import functools
import torch
from torch import nn


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.conv(x)


class Box:
    def __init__(self, held):
        self.held = held


class Base(nn.Module):
    def prepare(self):
        pass


class Later:
    def __init__(self, held, scale):
        self.held, self.scale = held, scale

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        (self.held * self.scale).sum()


def collected(forward):
    @functools.wraps(forward)
    def wrapper(self, *args, **kwargs):
        kwargs.pop("flag", None)
        try:
            out = forward(self, *args, **kwargs)
        finally:
            self.calls += 1
        return out

    return wrapper


def compared(forward):
    @functools.wraps(forward)
    def wrapper(self, *args, **kwargs):
        out = forward(self, *args, **kwargs)
        return out.mean() + (args[0] * self.scale).sum()

    return wrapper


class Wrapped(Stem):
    calls = 0

    @collected
    def forward(self, x):
        x = super().forward(x)
        return x


class Compared(Stem):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, 3, 40, 48))

    @compared
    def forward(self, x):
        x = super().forward(x)
        return x


class Net(Base):
    def __init__(self):
        super().__init__()
        self.stem = Stem()
        self.rest = nn.Sequential(*[nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU()) for _ in range(6)])
        self.scale = nn.Parameter(torch.ones(1, 3, 40, 48))
        self.seen = []
        self.busy = False
        self.prepare()

"""
# What is told once the stem has run: the body of a forward, and perhaps more methods. All of it says that pictures are 40 x 48.
LATER = {
    "the next statement": "y = self.stem(x)\nreturn y.mean() + (x * self.scale).sum()",
    "the same statement, before": "return (lambda a, b: b.sum())(self.stem(x), x * self.scale)",
    "the same statement, a name loaded before": "return x * self.scale.mean() + self.stem(x).mean() + (x * self.scale).sum()",
    "after the branch": "if self.training is False:\n    y = self.stem(x)\nelse:\n    y = x\nreturn y.mean() + (x * self.scale).sum()",
    "the next round": "y = 0\nfor step in range(3):\n    if step == 1:\n        y = (x * self.scale).sum()\n    y = self.stem(x).mean() + y\nreturn y",
    "after the loop, past a break": "y = x\nfor step in range(3):\n    y = self.stem(x)\n    if step == 0:\n        break\n    x = y\nreturn y.mean() + (x * self.scale).sum()",
    "what a loop goes through": "z = x\ny = 0\nfor step, one in enumerate([0, x]):\n    if step == 0:\n        z = self.stem(z)\n"
    "    else:\n        y = (one * self.scale).sum()\nreturn y",
    "the other branch": "if x.mean() > 0:\n    y = self.stem(x).mean()\nelse:\n    y = (x * self.scale).sum()\nreturn y",
    "what was returned perhaps": "return (self.inner(x) * self.scale).sum()\n"
    "\ndef inner(self, x):\n    if x.mean() > 0:\n        return x\n    x = self.stem(x)\n    return 1",
    "in place": "x *= self.inner(x)\nreturn self.scale.sum()\n\ndef inner(self, x):\n    self.stem(x)\n    return self.scale",
    "a list": "kept = [x]\nx = self.stem(x)\nreturn x.mean() + (kept[0] * self.scale).sum()",
    "a list of the model's": "self.seen.append(x)\nx = self.stem(x)\nreturn x.mean() + (self.seen[0] * self.scale).sum()",
    "an attribute": "self.kept = x\nx = self.stem(x)\nreturn x.mean() + (self.kept * self.scale).sum()",
    "a function around": "def later():\n    return (x * self.scale).sum()\ny = self.stem(x)\nreturn y.mean() + later()",
    "an object": "kept = Box(x)\nx = self.stem(x)\nreturn x.mean() + (kept.held * self.scale).sum()",
    "a method": "later = x.mul\nx = self.stem(x)\nreturn x.mean() + later(self.scale).sum()",
    "something else": "later = functools.partial(torch.mul, x)\nx = self.stem(x)\nreturn x.mean() + later(self.scale).sum()",
    "a name of the function around": "later = self.prepared(x)\nreturn later()\n"
    "\ndef prepared(self, x):\n    def later():\n        y = self.stem(x)\n        return y.mean() + (x * self.scale).sum()\n    return later",
    "a function of Python's": "both = sorted([(0, x), (1, x)], key=self.key)\nreturn both[0][1].mean()\n"
    "\ndef key(self, pair):\n    if pair[0] == 0:\n        return self.stem(pair[1]).mean()\n    return (pair[1] * self.scale).sum()",
    "a generator": "one, two = self.both(x)\nreturn one.mean() + two\n"
    "\ndef both(self, x):\n    yield self.stem(x)\n    yield (x * self.scale).sum()",
    "in the end": "try:\n    y = self.stem(x)\nfinally:\n    z = (x * self.scale).sum()\nreturn y.mean() + z",
    "in the caller's end": "try:\n    y = self.inner(x)\nfinally:\n    z = (x * self.scale).sum()\nreturn y.mean() + z\n"
    "\ndef inner(self, x):\n    x = self.stem(x)\n    return x",
    "where it fails": "try:\n    y = self.stem(x)\n    raise ValueError\nexcept ValueError:\n    y = (x * self.scale).sum()\nreturn y.mean()",
    "where it does not fail": "try:\n    y = self.stem(x)\nexcept ValueError:\n    y = 0\nelse:\n    y = (x * self.scale).sum()\nreturn y",
    "where it has failed": "try:\n    raise ValueError\nexcept ValueError:\n    y = self.stem(x)\n    y = (x * self.scale).sum()\nreturn y",
    "the end itself": "try:\n    y = 0\nfinally:\n    y = self.stem(x)\n    y = (x * self.scale).sum()\nreturn y",
    "behind a with": "with torch.no_grad():\n    y = self.stem(x)\nreturn y.mean() + (x * self.scale).sum()",
    "the way out of a with": "with Later(x * 1, self.scale):\n    x = self.stem(x)\nreturn x.mean()",
    "keywords": "return self.inner(x=x)\n"
    "\ndef inner(self, **given):\n    given.pop('y', None)\n    y = self.part(**given)\n    return y + (given['x'] * self.scale).sum()\n"
    "\ndef part(self, x):\n    x = self.stem(x)\n    return x.mean()",
    "keywords that are kept": "return self.inner(x=x)\n"
    "\ndef inner(self, **given):\n    self.seen.append(given)\n    y = self.stem(given.pop('x'))\n    return y.mean()\n"
    "\ndef prepare(self):\n    self.stem.register_forward_hook(lambda module, given, out: (given[0] * self.scale).sum())",
    "a wrapper": "return self.wrapped(x)\n\ndef prepare(self):\n    self.wrapped = Compared()",
    "the caller": "y = self.inner(x)\nreturn y + (x * self.scale).sum()\n\ndef inner(self, x):\n    x = self.stem(x)\n    return x.mean()",
    "the caller's caller": "return self.outer(x) + (x * self.scale).sum()\n"
    "\ndef outer(self, x):\n    return self.inner(x)\n\ndef inner(self, x):\n    x = self.stem(x)\n    return x.mean()",
    "a hook": "return self.stem(x)\n\ndef prepare(self):\n"
    "    self.stem.register_forward_hook(lambda module, given, out: (given[0] * self.scale).sum())",
}  # fmt: skip


def followed(tmp_path: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Graph, list[bool], int]:
    """The model's graph, whether each probe of it was left, and the steps the run took."""
    path = tmp_path / "net.py"
    statements, *methods = body.split("\n\n")
    path.write_text(
        f"{HEAD}    def forward(self, x):\n{indent(statements, ' ' * 8)}\n\n" + indent("\n\n".join(methods), " " * 4)
    )
    left: list[bool] = []
    probing: list[str] = []
    ask = Listening.enough

    def asked(self: Listening, *given: Any) -> bool:
        told = ask(self, *given)
        if probing[-1] == "Net":
            left[-1] |= told
        return told

    probed = inputs._probe

    def probe(interp: Any, model: Any, forward: Any, *given: Any) -> None:
        probing.append(model.cls.name)
        if probing[-1] == "Net":
            left.append(False)
        probed(interp, model, forward, *given)

    workspace = Workspace(tmp_path)
    with monkeypatch.context() as watched:
        watched.setattr(Listening, "enough", asked)
        watched.setattr(inputs, "_probe", probe)
        outcome = run_file(workspace, path, parse_directives(workspace.read(path)), [], "iOS18", Limits())
    graph = max((e.graph for e in outcome.entries if e.graph.name == "Net"), key=lambda g: len(g.calls))
    assert not outcome.run.internal
    return graph, left, outcome.run.interp.steps


@pytest.mark.parametrize(
    "body",
    [
        "x = self.stem(x)\nreturn self.rest(x)",
        "return self.rest(self.stem(x))",
        "y = self.features(x)\nreturn y.mean()\n\ndef features(self, x):\n    for step in (self.stem, self.rest):\n        x = step(x)\n    return x",
        "if not self.training:\n    x = self.stem(x)\n    x = x * self.scale.mean()\nreturn self.rest(x)",
        "x = self.stem(x).relu()\nx = x + 1\nreturn self.rest(x)",
        "try:\n    y = self.stem(x)\nfinally:\n    self.busy = False\nreturn self.rest(y)",
        "with torch.no_grad():\n    y = self.stem(x)\nreturn self.rest(y)",
        "y = getattr(self, 'stem')(x)\nreturn self.rest(y)",
        "return self.inner(x=x)\n\ndef inner(self, **given):\n    given.pop('y', None)\n    y = self.part(**given)\n    return self.rest(y)\n"
        "\ndef part(self, x):\n    x = self.stem(x)\n    return x",
        "return self.rest(self.wrapped(x))\n\ndef prepare(self):\n    self.wrapped = Wrapped()",
    ],
)  # fmt: skip
def test_the_rest_of_a_forward_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    graph, left, steps = followed(tmp_path, body, monkeypatch)
    assert left == [True]
    with monkeypatch.context() as patched:
        patched.setattr(Listening, "enough", lambda *given: False)
        whole, _, all_steps = followed(tmp_path, body, patched)
    assert steps < all_steps
    assert [str(v.type) for v in graph.inputs] == [str(v.type) for v in whole.inputs] == ["[B, 3, H, W] f32"]
    assert [c.torch for c in graph.calls] == [c.torch for c in whole.calls]


@pytest.mark.parametrize("place", LATER)
def test_a_forward_that_has_more_to_tell_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    graph, _, _ = followed(tmp_path, LATER[place], monkeypatch)
    assert [str(v.type) for v in graph.inputs] == ["[B, 3, 40, 48] f32"]


def test_what_has_to_be_done_on_the_way_out_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        "try:\n    y = self.once(x)\nfinally:\n    self.busy = False\nreturn self.rest(y)\n"
        "\ndef once(self, x):\n    if self.busy:\n        raise RuntimeError\n    self.busy = True\n    return self.stem(x)"
    )
    graph, _, _ = followed(tmp_path, body, monkeypatch)
    assert [call.torch for call in graph.calls][:2] == ["torch.nn.Conv2d", "torch.nn.Conv2d"]


def test_an_input_of_unknown_rank_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "y = self.rest2(x)\nreturn y.permute(0, 3, 1, 2).mean()\n\ndef prepare(self):\n    self.rest2 = nn.Linear(16, 8)"
    graph, _, _ = followed(tmp_path, body, monkeypatch)
    assert [str(v.type) for v in graph.inputs] == ["[B, H, W, 16] f32"]


def test_a_result_that_stands_for_its_source_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "batch, channels, rows, columns = x.shape\nx = torch.relu(x)\nreturn (x * self.scale).sum()"
    graph, _, _ = followed(tmp_path, body, monkeypatch)
    assert [str(v.type) for v in graph.inputs] == ["[batch, 3, 40, 48] f32"]


def test_a_shape_that_is_unpacked_later_names_the_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "size = x.shape\nx = self.stem(x)\nbatch, channels, rows, columns = size\nreturn self.rest(x).sum() * rows"
    graph, left, _ = followed(tmp_path, body, monkeypatch)
    assert left == [False]
    assert [str(v.type) for v in graph.inputs] == ["[batch, 3, rows, columns] f32"]
