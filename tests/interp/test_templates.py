"""A module that is a copy of one built before is what building it again would have given, and the program cannot tell."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from programs import finished

from ane_lsp.interp import calls
from ane_lsp.interp.run import run_script
from ane_lsp.interp.values import Instance
from ane_lsp.workspace import Workspace

PROGRAM = """\
import itertools
from functools import partial

import torch
from torch import nn

width = 4
seen, ids, registry = [], itertools.count(), {}

class Plain(nn.Module):
    '''Large enough to be worth a copy, and without effects.'''
    def __init__(self, size, norm=nn.LayerNorm, act=None, options=None):
        super().__init__()
        made = []
        for i in range(8):
            made.append(nn.Linear(size, size))
        self.layers = nn.ModuleList(made)
        self.norm = norm(size)
        self.act = act if act is not None else torch.relu
        self.options = options
        self.parent = [self]
        self.bound = self.helper
        self.size = size + width
        self.table = torch.zeros(2, 3).view(3, 2)
    def helper(self):
        return self
    def forward(self, x):
        for layer in self.layers:
            x = self.act(layer(x))
        return self.norm(x)

class Counting(Plain):
    made = 0
    def __init__(self, size):
        super().__init__(size)
        Counting.made += 1
        self.number = Counting.made

class Listed(Plain):
    def __init__(self, size):
        super().__init__(size)
        seen.append(size)

class Registered(Plain):
    def __init__(self, size):
        super().__init__(size)
        registry[len(registry)] = self

class Numbered(Plain):
    def __init__(self, size):
        super().__init__(size)
        self.number = next(ids)

def numberer():
    last = 0
    class Closed(Plain):
        def __init__(self, size):
            super().__init__(size)
            nonlocal last
            last += 1
            self.number = last
    return Closed

class Taking(Plain):
    def __init__(self, size, rest):
        super().__init__(size)
        self.first = rest.pop()

class Closing(Plain):
    def __init__(self, size):
        super().__init__(size)
        self.late = lambda: self

def net(kind, *args, **kwargs):
    return [kind(*args, **kwargs) for _ in range(4)]  # of those outside all models, the third is the first copy

Closed = numberer()
norm = partial(nn.LayerNorm, eps=1e-6)
plain = net(Plain, 4)
others = net(Plain, 4, norm) + net(Plain, 4, act=lambda x: x) + net(Plain, 4.0 and 4, options={"a": [1]})
numbers = [m.number for m in net(Counting, 4) + net(Numbered, 4) + net(Closed, 4)]
listed, registered = net(Listed, 4), net(Registered, 4)
rest = [1, 2, 3]
taken = [m.first for m in [Taking(4, rest), Taking(4, rest), Taking(4, rest)]]
late = [m.late() is m for m in net(Closing, 4)]
width = 10
wider = Plain(4).size
own = [len({id(p) for m in plain for p in m.parameters()}), len({id(m) for n in plain for m in n.modules()})]
within = [m.parent[0] is m and m.bound() is m for m in plain + others]
plain[1].layers[0].weight.data = torch.zeros(7, 4)
plain[1].layers[0].mark = True
shapes = [tuple(m.layers[0].weight.shape) for m in plain]
marks = [hasattr(m.layers[0], "mark") for m in plain]
others[-1].options["a"].append(2)
options = [m.options for m in others]
eps = [m.norm.eps for m in others]
outputs = [tuple(m(torch.zeros(1, 4)).shape) for m in [plain[0], plain[2], *others]]
Plain.helper = lambda self: None
patched = [Plain(4).bound() is None for _ in range(2)]
"""
NAMES = (
    "numbers", "seen", "registry", "taken", "late", "wider", "own", "within", "shapes", "marks", "options", "eps", "outputs",
    "patched",
)  # fmt: skip


def values(path: Path) -> dict[str, Any]:
    _, space = finished(path)
    return {name: space[name] for name in NAMES}


def test_a_copy_is_what_building_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: list[Instance]) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    quick = values(path)
    assert {one.cls.name for one in copies} == {"Plain"}  # and none whose building is seen elsewhere
    assert len(copies) >= 6
    monkeypatch.setattr(calls, "Given", lambda *_: SimpleNamespace(key=None))
    slow = values(path)
    assert [(k, repr(v)) for k, v in quick.items()] == [(k, repr(v)) for k, v in slow.items()]
    assert quick["numbers"] == [1, 2, 3, 4, 0, 1, 2, 3, 1, 2, 3, 4]
    assert quick["seen"] == [4, 4, 4, 4]
    assert len(quick["registry"]) == 4
    assert quick["taken"] == [3, 2, 1]
    assert quick["wider"] == 14
    assert all(quick["within"])
    assert quick["late"] == [True] * 4
    assert quick["shapes"] == [(4, 4), (7, 4), (4, 4), (4, 4)]
    assert quick["marks"] == [False, True, False, False]


CHANGED = """\
import torch
from torch import nn

SETTINGS = {{"kernel": 3, "nested": {{"kernels": [3]}}}}

class Options:
    kernel = 3
    held = []

OPTIONS = Options()

class Block(nn.Module):
    kernels = [3]
    def __init__(self, size):
        super().__init__()
        made = []
        for i in range(8):
            made.append(nn.Conv2d(size, size, {read}))
        for i in range(30):  # large enough to be worth a copy
            size = size + 0
        self.layers = nn.ModuleList(made)
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Block(4)
        self.b = Block(4)
        {change}
        self.c = Block(4)
    def forward(self, x):
        return self.c(self.b(self.a(x)))

Net()(torch.zeros(1, 4, 64, 64))
"""
CHANGES = [
    ('SETTINGS["kernel"]', 'SETTINGS["kernel"] = 1'),
    ('SETTINGS["nested"]["kernels"][-1]', 'SETTINGS["nested"]["kernels"].append(1)'),
    ('SETTINGS["nested"]["kernels"][0]', 'SETTINGS.update(nested={"kernels": [1]})'),
    ("self.kernels[0]", "Block.kernels[0] = 1"),
    ("Block.kernels[0]", "Block.kernels.insert(0, 1)"),
    ("OPTIONS.kernel", "OPTIONS.kernel = 1"),
    ("OPTIONS.kernel", "setattr(OPTIONS, 'kernel', 1)"),
    ("(OPTIONS.held or [3])[0]", "OPTIONS.held.append(1)"),
    ("vars(OPTIONS).get('kernel', 3)", "vars(OPTIONS)['kernel'] = 1"),
]


@pytest.mark.parametrize(("read", "change"), CHANGES)
def test_a_container_outside_that_changed_in_between_is_seen(tmp_path: Path, read: str, change: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(CHANGED.format(read=read, change=change))
    run = run_script(Workspace(tmp_path), path)
    assert not run.errors
    (graph,) = run.graphs
    convolutions = [op for op in graph.ops if op.kind == "conv"]
    assert len(convolutions) == 24
    assert [op.outputs[0].type.shape[-1] for op in convolutions[15:17]] == [32, 32], "a kernel of 1 from here on"


CONFIGURED = """\
import torch
from torch import nn

class Options:
    def __init__(self):
        self.size, self.kernel, self.names, self.made, self.inner = 4, 3, ["a"], 0, None

class Block(nn.Module):
    def __init__(self, options, at=0):
        super().__init__()
        made = []
        for i in range(8):
            made.append(nn.Conv2d(options.size, options.size, {read}))
        for i in range(30):  # large enough to be worth a copy
            at = at + 0
        self.layers = nn.ModuleList(made)
        self.options, self.names = options, options.names
        {write}
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        options = Options()
        made = [Block(options) for _ in range(3)]
        {change}
        made.append(Block(options))
        self.made = nn.ModuleList(made)
    def forward(self, x):
        for one in self.made:
            x = one(x)
        return x

net = Net()
net(torch.zeros(1, 4, 200, 200))
same = [one.options is net.made[0].options and one.names is one.options.names for one in net.made]
own = len({{id(p) for p in net.parameters()}})
"""


@pytest.mark.parametrize(
    ("read", "write", "change", "count"),
    [
        ("options.kernel", "pass", "pass", 3),
        ("options.kernel", "pass", "options.kernel = 1", 2),
        ("options.kernel", "pass", "options = Options()", 3),
        ("options.kernel", "pass", "options = Options(); options.inner = options", 2),
        ("len(options.names) + 2", "pass", "options.names.append('b')", 2),
        ("len(options.names) + 2", "pass", "options.names = list(options.names)", 3),
        ("options.made * 2 + 1", "options.made += 1", "pass", 0),
        ("len(options.names) * 2 + 1", "options.names.append('b')", "pass", 0),
        ("options.kernel", "options.inner = self", "pass", 0),
        ("options.kernel", "options.names = list(options.names)", "pass", 0),
        ("options.kernel", "options.names = self.names = list(options.names)", "pass", 0),
    ],
)
def test_a_copy_holds_the_object_that_it_was_given(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    copies: list[Instance],
    read: str,
    write: str,
    change: str,
    count: int,
) -> None:
    path = tmp_path / "net.py"
    path.write_text(CONFIGURED.format(read=read, write=write, change=change))

    def told() -> Any:
        run, space = finished(path)
        graphs = [[(op.kind, repr(op.attrs), repr(op.outputs)) for op in graph.ops] for graph in run.graphs]
        return graphs, space["same"], space["own"]

    quick = told()
    assert [one.cls.name for one in copies] == ["Block"] * count
    monkeypatch.setattr(calls, "Given", lambda *_: SimpleNamespace(key=None))
    assert told() == quick
    assert quick[2] == 64


HOLDING = """\
import torch
from torch import nn

class Processor:
    def __init__(self):
        self.calls, self.made = [], 0
    def __call__(self, x):
        self.calls.append(1)
        return x * len(self.calls)

ALL = []
SHARED = Processor()

class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        made = []
        for i in range(8):
            made.append(nn.Conv2d(size, size, 3))
        for i in range(30):  # large enough to be worth a copy
            size = size + 0
        self.layers = nn.ModuleList(made)
        self.processor = {processor}
        {more}
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.processor(x)

class Outer(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.block = Block(size)
        for i in range(30):
            size = size + 0
    def forward(self, x):
        return self.block(x)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.made = nn.ModuleList([{cls}(4) for _ in range(5)])
    def forward(self, x):
        for one in self.made:
            x = one(x)
        return x

net = Net()
out = net(torch.zeros(1, 4, 200, 200))
blocks = [m for m in net.modules() if isinstance(m, Block)]
processors = len({{id(m.processor) for m in blocks}})
called = [len(m.processor.calls) for m in blocks]
known = len(ALL)
"""


@pytest.mark.parametrize(
    ("cls", "processor", "more", "count", "expected"),
    [
        ("Block", "Processor()", "pass", 4, (5, [1] * 5, 0)),
        ("Outer", "Processor()", "pass", 4, (5, [1] * 5, 0)),
        ("Block", "Processor()", "self.again = self.processor.__call__", 4, (5, [1] * 5, 0)),
        ("Block", "Processor()", "self.processor.made = self", 4, (5, [1] * 5, 0)),
        ("Block", "SHARED", "pass", 0, (1, [5] * 5, 0)),
        ("Block", "Processor()", "ALL.append(self.processor)", 0, (5, [1] * 5, 5)),
        ("Block", "Processor()", "SHARED.made = self.processor", 0, (5, [1] * 5, 0)),
        ("Outer", "Processor()", "ALL.append(self.processor)", 0, (5, [1] * 5, 5)),
    ],
)
def test_a_copy_has_objects_of_its_own_where_nobody_else_holds_them(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    copies: list[Instance],
    cls: str,
    processor: str,
    more: str,
    count: int,
    expected: tuple[int, list[int], int],
) -> None:
    path = tmp_path / "net.py"
    path.write_text(HOLDING.format(cls=cls, processor=processor, more=more))

    def told() -> Any:
        run, space = finished(path)
        graphs = [[(op.kind, repr(op.attrs), repr(op.outputs)) for op in graph.ops] for graph in run.graphs]
        return graphs, (space["processors"], space["called"], space["known"])

    quick = told()
    assert quick[1] == expected
    assert sum(one.cls.name == cls for one in copies) == count
    monkeypatch.setattr(calls, "Given", lambda *_: SimpleNamespace(key=None))
    assert told() == quick
