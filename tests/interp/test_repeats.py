"""A module call that was made before is recorded again; what is recorded is what following it would have recorded."""

import re
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.analysis import FileAnalysis, analyze
from ane_lsp.interp import repeats, seen
from ane_lsp.workspace import Settings, Workspace
from benchmarks.fuzz.again import made_up

HEAD = """\
import torch
from torch import nn
import torch.nn.functional as F
import unheard

SEEN = []
CACHE = {}

ACT = nn.Sequential(nn.SiLU(), nn.Hardtanh())

class Inner(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.scale = nn.Parameter(torch.ones(dim))
        self.register_buffer("shift", torch.zeros(dim))

    def forward(self, x):
        return self.norm(x) * self.scale + self.shift

"""
TAIL = """
class Net(nn.Module):  # ane: input(2x5x8)
    def __init__(self, dim=8):
        super().__init__()
        self.blocks = nn.ModuleList([Block(dim) for _ in range(4)])
        self.other = nn.Sequential(Block(dim), nn.ReLU(), Block(dim))
        self.head = nn.Linear(dim, 2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(self.other(x))
"""
BLOCKS = {
    "plain": "        y = self.fc(self.inner(x))\n        return F.gelu(y) + x\n",
    "twice the same part": "        return self.inner(self.inner(x)) + self.fc(x)\n",
    "in place on its input": "        x += 1\n        return self.fc(self.inner(x))\n",
    "in place on what it is a view of": "        y = x.view(10, 8)\n        y.mul_(2)\n        return self.fc(self.inner(x))\n",
    "returns its input": "        y = self.fc(self.inner(x))\n        return x\n",
    "keeps a count": "        self.count = self.count + 1\n        y = self.inner(x)\n        return self.fc(y) if self.count % 2 else y\n",
    "keeps its input": "        self.last = x\n        return self.fc(self.inner(x)) + self.last\n",
    "a list outside": "        SEEN.append(1)\n        y = self.inner(x)\n        return self.fc(y) if len(SEEN) % 2 else y.flip(1)\n",
    "a table outside": "        y = CACHE.setdefault('y', self.inner(x))\n        return self.fc(x) + y\n",
    "a class attribute": "        Block.calls = Block.calls + 1\n        y = self.inner(x)\n        return self.fc(y) if Block.calls % 3 else y\n",
    "a size made up": "        y = self.inner(x)\n        return self.fc(y[y > 0].reshape(-1, 8))\n",
    "sizes made up inside": "        y = self.inner(x)\n        found = y[y > 0]\n        total = torch.cat([found, found.abs(), y.flatten()]).sum()\n        return self.fc(y) * total\n",
    "sums of sizes made up": "        y = self.inner(x)\n        n, m = y[y > 0].shape[0], y[y > 1].shape[0]\n        more = y.new_zeros(n + 2 * m + n * m, min(n, m) // 2, max(n, m) % 7)\n        return self.fc(y) + more.abs().sum()\n",
    "a size made up that is returned": "        y = self.inner(x)\n        return self.fc(y) + y[y > 0].shape[0]\n",
    "a size made up among settings": "        y = self.inner(x)\n        made = nn.Linear(8, y[y > 0].shape[0])\n        return self.fc(y) * made(y).sum()\n",
    "an operand that may be none": "        bias = self.table if x.sum() > 0 else None\n\n        def more(z):\n            if z.sum() > 0:\n                z = z + bias\n            return z\n\n        return self.fc(self.inner(more(x)))\n",
    "a branch nobody decides": "        y = self.inner(x)\n        if x.sum() > 0:\n            y = self.fc(y)\n        return y\n",
    "an error that is caught": "        try:\n            y = self.inner(x).view(7, 7)\n        except RuntimeError:\n            y = self.inner(x)\n        return self.fc(y)\n",
    "asks whether it is captured": "        if torch.compiler.is_exporting() or torch.jit.is_tracing():\n            return self.fc(self.inner(x))\n        return self.inner(x)\n",
    "several results": "        a, b = self.fc(self.inner(x)).chunk(2, -1)\n        return torch.cat([b, a], -1)\n",
    "a constant": "        return self.fc(self.inner(x)) + torch.arange(8) * torch.tensor(2.0)\n",
    "a constant outside": "        return self.fc(self.inner(x)) + self.table\n",
    "a call nobody can follow": "        y = self.inner(x)\n        unheard.of(y)\n        return self.fc(y)\n",
    "replaces a part": "        self.fc = nn.Linear(8, 8, bias=False)\n        return self.fc(self.inner(x))\n",
    "casts without an operation": "        y = x.double()\n        z = self.inner(y.float() + x)\n        return self.fc(z) + (y * 2).float()\n",
    "casts of results of parts": "        y = self.inner(x).double()\n        return self.fc(y.float()) + (y - x.double()).float()\n",
    "a cast that is returned": "        y = self.fc(self.inner(x.float()))\n        return y.double() if self.first else y\n",
    "a module that is no part": "        return nn.Tanh()(self.fc(ACT(self.inner(x))))\n",
    "parts of unknown number": "        y = self.inner(x)\n        parts = torch.split(y, int(x.sum()), 1)\n        return self.fc(y) * torch.cat(parts, 1).mean()\n",
    "numbers made for it": "        limit = torch.tensor(6.0)\n        return torch.minimum(self.fc(self.inner(x)), limit) + limit\n",
    "other parts": "        return (self.fc if self.first else self.inner)(self.inner(x))\n",
}


def source(body: str) -> str:
    made = (
        "class Block(nn.Module):\n    calls = 0\n    made = 0\n    table = torch.ones(8)\n\n"
        "    def __init__(self, dim):\n        super().__init__()\n        self.inner = Inner(dim)\n"
        "        self.fc = nn.Linear(dim, dim)\n        self.count = 0\n        self.last = None\n"
        "        self.first = len(SEEN) % 2 == 0\n\n    def forward(self, x):\n"
    )
    return HEAD + made + body + TAIL


def plain(value: Any) -> str:
    return re.sub(r"\?\d*", "?", repr(value))  # sizes nobody knows differ from run to run


def everything(result: FileAnalysis) -> list[Any]:
    """All of the graphs, numbers included."""
    found: list[Any] = [result.findings, result.models, result.errors]
    for graph in result.graphs:
        found += [
            graph.name,
            graph.asks_capture,
            *map(plain, (graph.inputs, graph.outputs, graph.shapes, graph.custom, graph.lost)),
        ]
        for call in graph.calls:
            found += [
                call.id,
                call.torch,
                call.kind,
                call.span,
                call.fn,
                call.module,
                call.direct,
                call.ctor,
                call.stack,
            ]
            found += [call.optional, *map(plain, (call.args, call.kwargs, call.params, call.result, call.hyper))]
        found += [(op.id, op.kind, *map(plain, (op.inputs, op.attrs, op.outputs)), op.call.id) for op in graph.ops]
        found += [made_up(graph)]
        assert all(op.call is graph.calls[op.call.id] for op in graph.ops)
    return found


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FileAnalysis, FileAnalysis, int]:
    """The analysis with repeats, the one without, and how many calls were recorded again."""
    hits = 0
    again = repeats.Repeats._again

    def counted(*args: Any) -> Any:
        nonlocal hits
        hits += 1
        return again(*args)

    monkeypatch.setattr(repeats.Repeats, "_again", counted)
    monkeypatch.setattr(repeats, "WORTH_IT", 0)
    kept = analyze(path, Workspace(path.parent), Settings(), keep=True)
    monkeypatch.setattr(repeats, "MAX_FAILURES", 0)
    return kept, analyze(path, Workspace(path.parent), Settings(), keep=True), hits


@pytest.mark.parametrize("name", BLOCKS)
def test_what_is_recorded_again_is_what_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(source(BLOCKS[name]))
    kept, followed, _ = both(path, monkeypatch)
    assert followed.graphs
    assert everything(kept) == everything(followed)


def test_calls_on_tensors_of_other_contents_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a small tensor holds may become a shape; the first call is another anyway, as it meets the weights first."""
    path = tmp_path / "net.py"
    path.write_text(
        HEAD + "class Net(nn.Module):  # ane: input(4x8)\n    def __init__(self):\n        super().__init__()\n"
        "        self.part = Sized()\n\n    def forward(self, x):\n"
        "        return [self.part(x, torch.tensor(sizes)) for sizes in ([4, 8], [2, 16], [16, 2])]\n\n"
        "class Sized(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.inner = Inner(8)\n\n"
        "    def forward(self, x, sizes):\n        return self.inner(x).reshape(sizes.tolist())\n"
    )
    kept, followed, _ = both(path, monkeypatch)
    assert [str(value.type) for value in kept.graphs[0].outputs] == ["[4, 8] f32", "[2, 16] f32", "[16, 2] f32"]
    assert everything(kept) == everything(followed)


WHICH = {
    "does not ask": "        return self.fc(x)\n",
    "asks": "        return self.fc(x) if self.layer_idx % 2 else x * 2\n",
    "has it counted": "        return self.fc(x) * self.layer_idx\n",
    "asks by a name": "        return self.fc(x) * getattr(self, 'layer_idx')\n",
    "asks its dict": "        return self.fc(x) * self.__dict__['layer_idx']\n",
    "asks vars": "        return self.fc(x) * vars(self)['layer_idx']\n",
    "asks plainly": "        return self.fc(x) * object.__getattribute__(self, 'layer_idx')\n",
    "asks operator": "        return self.fc(x) * operator.attrgetter('layer_idx')(self)\n",
    "asks a part": "        return self.fc(x) * self.part.block_id\n",
    "a part asks": "        return self.part(x)\n",
    "asks a copy": "        return self.fc(x) * copy.copy(self).layer_idx\n",
    "another asks": "        return self.fc(x) * which(self)\n",
    "says so": "        LOG.append(f'{self.layer_idx}')\n        return self.fc(x) if LOG[-1] == '1' else x\n",
    "a table asks": "        return self.fc(x) * TABLE[self.layer_idx]\n",
    "changes it": "        self.layer_idx += 1\n        return self.fc(x) if self.layer_idx == 2 else x\n",
    "changes it unread": "        self.layer_idx = 5\n        return self.fc(x)\n",
}


def numbered(body: str) -> str:
    """Layers that are told which of all they are."""
    return (
        "import copy\nimport operator\nimport torch\nfrom torch import nn\nLOG = []\nTABLE = [3, 5, 7, 11]\n\n"
        "def which(layer):\n    return layer.layer_idx\n\n"
        "class Part(nn.Module):\n    def __init__(self, block_id):\n        super().__init__()\n"
        "        self.block_id = block_id\n\n    def forward(self, x):\n        return x + self.block_id\n\n"
        "class Block(nn.Module):\n    def __init__(self, layer_idx):\n        super().__init__()\n"
        "        self.layer_idx = layer_idx\n        self.fc = nn.Linear(8, 8)\n        self.part = Part(layer_idx)\n\n"
        f"    def forward(self, x):\n{body}\n"
        "class Net(nn.Module):  # ane: input(2x8)\n    def __init__(self):\n        super().__init__()\n"
        "        self.blocks = nn.ModuleList([Block(i) for i in range(4)])\n\n"
        "    def forward(self, x):\n        for _ in range(3):\n            for block in self.blocks:\n"
        "                x = block(x)\n        return x\n"
    )


@pytest.mark.parametrize("name", WHICH)
def test_which_of_all_a_layer_is_counts_where_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "net.py"
    path.write_text(numbered(WHICH[name]))
    kept, followed, hits = both(path, monkeypatch)
    assert followed.graphs[0].calls
    assert everything(kept) == everything(followed)
    if name == "does not ask":
        assert hits == 2 + 3 + 4  # the first input comes from outside, and weights are new in the first round
    elif name == "asks a part":
        assert hits == 4  # in the last round


ALIKE = {
    "plain": BLOCKS["plain"],
    "in place on its own": "        y = self.fc(x.abs())\n        y += 1\n        return y\n",
    "sizes made up inside": BLOCKS["sizes made up inside"],
    "sums of sizes made up": BLOCKS["sums of sizes made up"],
    "an operand that may be none": BLOCKS["an operand that may be none"],
    "a module that is no part": BLOCKS["a module that is no part"],
    "parts of unknown number": BLOCKS["parts of unknown number"],
    "numbers made for it": BLOCKS["numbers made for it"],
    "a look-up that missed": "        kept = {}\n        y = kept.get('y', self.inner(x))\n        kept['y'] = y\n        return self.fc(kept['y'])\n",
}


@pytest.mark.parametrize("body", ALIKE.values(), ids=ALIKE)
def test_blocks_that_are_alike_are_followed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(source(body))
    assert both(path, monkeypatch)[2] >= 4


def test_a_call_that_leaves_something_behind_is_followed_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.py"
    path.write_text(source(BLOCKS["a list outside"].replace("self.inner(x)", "x.abs()")))
    assert both(path, monkeypatch)[2] == 0


CHANGES = {
    "a part": "block.fc = nn.Linear(8, 8, bias=False)",
    "a part of a part": "block.inner.norm = nn.Identity()",
    "an attribute": "block.fc.bias = None",
    "an attribute of a part": "block.inner.norm.eps = 0.1",
    "a parameter": "block.inner.scale.data = torch.ones(1, 1, 1, 8)",
    "a list": "block.widths.append(1)",
    "a list replaced in place": "block.widths[:] = [4]",
    "a class": "block.inner.__class__ = Plain",
}


def changing(change: str) -> str:
    """A model that calls a block before and after a change of it."""
    text = source("        return self.fc(self.inner(x))[..., : sum(self.widths)]\n")
    text = text.replace("        self.count = 0\n", "        self.widths = [2]\n").replace(
        "class Block(", "class Plain(Inner):\n    def forward(self, x):\n        return x\n\nclass Block("
    )
    return text.replace(
        "        for block in self.blocks:\n            x = block(x)\n        return self.head(self.other(x))\n",
        "        block = self.blocks[0]\n        first = block(x), block(x), block(x)\n"
        f"        {change}\n        return torch.cat([one.flatten() for one in (*first, block(x), block(x))])\n",
    )


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_in_a_module_between_two_of_its_calls_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "net.py"
    path.write_text(changing(CHANGES[change]))
    kept, followed, again = both(path, monkeypatch)
    assert followed.graphs[0].outputs
    assert again >= 1
    assert everything(kept) == everything(followed)


def test_what_holds_the_same_again_is_recorded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table outside, a class and a module's own flag are others for a while."""
    path = tmp_path / "net.py"
    text = source("        return self.fc(self.inner(x))[..., : CACHE['width'] + Block.made + self.count]\n")
    text = text.replace("CACHE = {}", "CACHE = {'width': 2}").replace(
        "        for block in self.blocks:\n            x = block(x)\n        return self.head(self.other(x))\n",
        "        block, found = self.blocks[0], []\n        for at in range(8):\n"
        "            CACHE['width'], Block.made, block.count = 2 + at % 2, at // 2 % 2, at // 4 % 2\n"
        "            found.append(block(x))\n"
        "            CACHE['width'], Block.made, block.count = 2, 0, 0\n"
        "            found.append(block(x))\n"
        "        return torch.cat(found, -1)\n",
    )
    path.write_text(text)
    kept, followed, again = both(path, monkeypatch)
    assert again >= 8
    assert everything(kept) == everything(followed)


def test_a_call_nobody_can_follow_is_told_of_in_each_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    text = (
        source(BLOCKS["a call nobody can follow"])
        .replace("x = block(x)", "y = block(x)")
        .replace("other(x)", "other(y)")
    )
    path.write_text(text + text[text.index("\nclass Net") :].replace("class Net", "class Twin"))
    kept, followed, again = both(path, monkeypatch)
    assert again >= 4
    assert [len(model.lost) for model in followed.models] == [1, 1]
    assert everything(kept) == everything(followed)


CIRCLES = {
    "one function": "        kept = []\n        kept.append(lambda z: z * len(kept))\n        return self.fc(kept[0](x.abs()))\n",
    "two functions": "        kept = {}\n\n        def one(z):\n            kept['other'] = two\n            return z\n\n"
    "        def two(z):\n            return one(z)\n\n        kept['one'] = one\n        return self.fc(two(x.abs()))\n",
}


HELD = {
    "a list outside": "        def step(z):\n            return z * len(kept)\n\n        kept = {'step': step}\n"
    "        kept['step'] = step\n        SEEN.append(step)\n        return self.fc(step(x.abs()))\n",
    "its module": "        kept = {}\n        kept['by'] = lambda z: z * len(kept)\n        self.last = kept\n"
    "        return self.fc(self.last['by'](x.abs()))\n",
}


@pytest.mark.parametrize("name", CIRCLES | HELD)
def test_what_holds_nothing_but_itself_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """And what is held from elsewhere is there."""
    path = tmp_path / "net.py"
    path.write_text(source((CIRCLES | HELD)[name]))
    kept, followed, again = both(path, monkeypatch)
    assert again >= 4 if name in CIRCLES else not again
    assert everything(kept) == everything(followed)


def test_functions_made_meanwhile_do_not_keep_what_their_callers_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.py"
    made = "def make():\n    def run(z, last=False):\n        return z if last else run(z, True)\n\n    return run\n\n"
    body = "        options = {}\n        options['by'] = 2\n        return make()(self.fc(x.abs())) * options['by']\n"
    path.write_text(source(body).replace("class Inner(", made + "class Inner("))
    kept, followed, again = both(path, monkeypatch)
    assert again >= 4
    assert everything(kept) == everything(followed)


@pytest.mark.parametrize("change", ["SEEN.append(1)", "CACHE['sizes'][0] = 3", "CACHE.update(sizes=[4])"])
def test_a_container_outside_that_changed_between_two_calls_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "net.py"
    text = source("        return self.fc(self.inner(x))[:, :, : len(SEEN) + CACHE['sizes'][0]]\n")
    text = text.replace("CACHE = {}", "CACHE = {'sizes': [2]}").replace(
        "        for block in self.blocks:\n            x = block(x)\n        return self.head(self.other(x))\n",
        f"        first = self.blocks[0](x) + self.blocks[1](x)\n        {change}\n"
        "        return torch.cat([first, self.blocks[2](x)], -1)\n",
    )
    path.write_text(text)
    kept, followed, again = both(path, monkeypatch)
    (graph,) = followed.graphs
    assert again >= 1
    assert [v.type.shape[-1] for v in graph.outputs] != [4]
    assert everything(kept) == everything(followed)


NAMED = """
class Out:
    def __init__(self, value, more=None):
        self.value = value
        self.more = more or {"twice": [value, value]}

BOX = Out(None)

class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.inner = Named(dim)
        self.fc = nn.Linear(dim, dim)
        self.seen = []

    def forward(self, x):
        out = self.inner(x)
        AFTER
        return self.fc(out.value) + out.more["twice"][1]

class Named(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        y = self.norm(x).relu()
        BEFORE
        return OUT
"""


@pytest.mark.parametrize(
    ("before", "out", "after"),
    [
        ("pass", "Out(y)", "pass"),
        ("pass", "Out(y)", "out.value = x\n        self.seen.append(out)"),
        ("pass", "Out(y, {'twice': (x, y)})", "pass"),
        ("both = [y, x]", "Out(y, {'twice': both, 'again': both})", "pass"),
        ("made = y if x.sum() > 0 else None", "Out(y, {'twice': [y, y], 'perhaps': made, 'too': made})", "pass"),
        (
            "made = [y]\n        for z in range(int(x.sum())):\n            made.append(x)",
            "Out(y, {'twice': [y, y], 'all': made})",
            "pass",
        ),
        ("made = Out(y)\n        made.again = made", "made", "pass"),
        ("BOX.value, BOX.more = y, {'twice': [x, x]}", "BOX", "pass"),
        ("CACHE['last'] = Out(y)", "CACHE['last']", "out.value = CACHE['last'].value + len(CACHE)"),
        ("kept = Out(y)\n        SEEN.append(kept)", "kept", "SEEN[0].value = x"),
    ],
)
def test_objects_that_calls_return_are_those_that_following_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, out: str, after: str
) -> None:
    path = tmp_path / "net.py"
    made = NAMED.replace("BEFORE", before).replace("return OUT", f"return {out}").replace("AFTER", after)
    path.write_text(HEAD + made + TAIL)
    kept, followed, again = both(path, monkeypatch)
    assert followed.graphs
    assert everything(kept) == everything(followed)
    if before == after == "pass":
        assert again >= 4


CACHING = """
class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.inner = Inner(dim)
        self.fc = nn.Linear(dim, dim)

    def forward(self, x, cache):
        y = self.fc(self.inner(x))
        if "state" not in cache:
            cache["state"] = torch.zeros(2, 5, 8)
        WRITE
        return y

class Net(nn.Module):  # ane: input(2x5x8)
    def __init__(self, dim=8):
        super().__init__()
        self.blocks = nn.ModuleList([Block(dim) for _ in range(4)])

    def forward(self, x):
        states = []
        for block in self.blocks:
            cache = {}
            x = block(x, cache)
            AFTER
            states.append(cache["state"] + x)
        return torch.stack(states)
"""


@pytest.mark.parametrize(
    ("write", "after", "again"),
    [
        ("cache['state'].copy_(y)", "pass", 2),
        ("cache['state'].copy_(y)\n        cache['state'][:, 0] = y[:, 1]", "cache['state'] += 1", 2),
        ("cache['state'].view(10, 8).mul_(2)", "x = block(x, cache)", 2),
        ("cache['own'] = cache['state'].add_(y)", "cache['own'].mul_(2)", 2),
        ("x.add_(1)\n        cache['state'].copy_(x)", "pass", 0),
    ],
)
def test_tensors_that_a_call_makes_and_writes_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str, after: str, again: int
) -> None:
    """As a cache does that makes room for its states when it is first used."""
    path = tmp_path / "net.py"
    path.write_text(HEAD + CACHING.replace("WRITE", write).replace("AFTER", after))
    kept, followed, hits = both(path, monkeypatch)
    assert followed.graphs[0].outputs
    assert everything(kept) == everything(followed)
    assert hits >= again


HOOKS = {
    "reads where it was made": ("", "output * factor"),
    "nothing": ("", "None"),
    "writes where it was made": ("            nonlocal factor\n            factor = factor + 1\n", "output * factor"),
    "writes outside": ("            SEEN.append(factor)\n", "output * len(SEEN)"),
}


@pytest.mark.parametrize("name", HOOKS)
def test_modules_with_functions_that_were_made_in_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audited: list[bool], name: str
) -> None:
    path = tmp_path / "net.py"
    first, gives = HOOKS[name]
    install = (
        "def install(module, factor):\n    def outer(more):\n        def hook(module, args, output):\n"
        f"{first}            return {gives}\n\n        return hook\n\n"
        "    return module.register_forward_hook(outer(1))\n\n"
    )
    text = source(BLOCKS["plain"]).replace("class Block(", install + "class Block(")
    path.write_text(text.replace("        self.count = 0\n", "        install(self.inner, 2)\n"))
    kept, followed, again = both(path, monkeypatch)
    assert followed.graphs[0].outputs
    assert everything(kept) == everything(followed)
    assert all(audited)
    assert again >= 4 if name in ("reads where it was made", "nothing") else not again


CONFIGURED = """
class Options:
    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = self.h = self.i = self.j = self.k = self.l = 0
        self.names, self.width = ["a"], 2

OPTIONS = Options()

class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.inner = Inner(dim)
        self.fc = nn.Linear(dim, dim)
        self.options = OPTIONS

    def forward(self, x):
        return self.fc(self.inner(x))[..., : self.options.width + len(self.options.names)]
"""


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What is remembered of modules is compared with what a fresh walk finds: whether it is the same, each time."""
    found: list[bool] = []
    of, walking = seen.Pieces.of, False

    def compared(pieces: seen.Pieces, recorder: Any, module: Any, probing: bool) -> Any:
        nonlocal walking
        known = {id(piece) for piece in pieces._known.values()}
        piece = of(pieces, recorder, module, probing)
        if not walking and id(piece) in known:
            walking, fresh = True, seen.Pieces({}, set(), {})
            fresh._numbers, fresh._last = pieces._numbers, pieces._last
            new = of(fresh, recorder, module, probing)
            pieces._last, walking = fresh._last, False
            found.append(
                (new.number, list(new.found), list(map(id, new.tensors)))
                == (piece.number, list(piece.found), list(map(id, piece.tensors)))
            )
        return piece

    monkeypatch.setattr(seen.Pieces, "of", compared)
    return found


@pytest.mark.parametrize("name", [*BLOCKS, *CHANGES])
def test_what_is_remembered_of_modules_is_what_they_lead_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audited: list[bool], name: str
) -> None:
    path = tmp_path / "net.py"
    path.write_text(source(BLOCKS[name]) if name in BLOCKS else changing(CHANGES[name]))
    both(path, monkeypatch)
    assert audited
    assert all(audited)


@pytest.mark.parametrize("change", ["OPTIONS.width = 3", "OPTIONS.names.append('b')", "OPTIONS.names = []", "pass"])
def test_a_configuration_that_modules_hold_is_one_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audited: list[bool], change: str
) -> None:
    path = tmp_path / "net.py"
    text = (HEAD + CONFIGURED + TAIL).replace(
        "        for block in self.blocks:\n            x = block(x)\n        return self.head(self.other(x))\n",
        "        first = [block(x) for block in self.blocks]\n"
        f"        {change}\n        return torch.cat([*first, *[block(x) for block in self.blocks]], -1)\n",
    )
    path.write_text(text)
    kept, followed, again = both(path, monkeypatch)
    assert again >= 6
    assert everything(kept) == everything(followed)
    assert all(audited)
