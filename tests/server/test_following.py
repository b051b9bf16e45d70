"""An edit that changes nothing an analysis looked at is answered by moving the result; the answer is that of a new analysis."""

import random
from pathlib import Path

import pytest

from ane_lsp.graph.liveness import values
from ane_lsp.server.analyst import Analyst
from ane_lsp.server.results import DocumentResult

MODEL = '''\
"""A small model."""
import torch
from torch import nn
import torch.nn.functional as F

SIZES = (8, 16)


def unused(x):
    """Never called."""
    total = 0
    for i in range(3):
        total += i
    return total


class Block(nn.Module):
    """A block."""

    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.pool = nn.MaxPool2d(
            9,  # wide
            stride=1,
            padding=4,
        )

    def extra_repr(self):
        return "block"

    def forward(self, x):
        y = self.conv(x)

        y = self.pool(y)  # pooled
        return F.gelu(y) + x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.blocks = nn.Sequential(*[Block(8) for _ in range(2)])
        self.head = nn.Linear(8, 10)

    @torch.jit.ignore
    def no_weight_decay(self):
        return {"head"}

    def forward(self, x):
        x = self.blocks(self.stem(x))
        text = """
        not code
        """
        return self.head(x.mean((2, 3)).abs())


def small():
    return Net()


def other(width=4):
    return Block(width)
'''
COMMENT = "# said in passing"
CHANGES = (
    ("total += i", "total -= 2 * i"), ('return "block"', 'return "a block"'), ('return {"head"}', 'return {"stem"}'),
    ("x.mean((2, 3))", "x.amax((2, 3))"), ("nn.Linear(8, 10)", "nn.Linear(8, 12)"), ("padding=1", "padding=2"),
    ("SIZES = (8, 16)", "SIZES = (8, 17)"), ("not code", "no code"), ("def unused(x)", "def unused(x, y=1)"),
    ("return Net()", "return Net().eval()"), ("(0, 9)", "(0, 8)"), ("_pool(y)", "_pool(y, )"), ("range(3)", "range(4)"),
)  # fmt: skip


def comparable(result: DocumentResult) -> tuple[object, ...]:
    return result.findings, result.errors, result.models, result.calls, result.shapes, result.depends, result.targets


def edited(text: str, random: random.Random) -> str:
    lines = text.split("\n")
    place = random.randrange(len(lines))
    kind = random.randrange(8)
    if kind <= 1:
        indent = " " * random.choice((0, 4, 8, len(lines[place]) - len(lines[place].lstrip())))
        lines.insert(place, indent + COMMENT)
    elif kind == 2:
        lines.insert(place, "")
    elif kind == 3:
        lines[place] += "  " + COMMENT
    elif kind == 4 and (not lines[place].strip() or lines[place].strip() == COMMENT):
        del lines[place]
    elif kind == 5:
        lines.insert(place, lines[place])
    else:
        old, new = random.choice(CHANGES)
        if random.randrange(2):
            old, new = new, old
        return text.replace(old, new, 1)
    return "\n".join(lines)


def follow(path: Path, text: str, rounds: int, seed: int) -> int:
    """Edit at random; how many answers were moved results. Every answer is compared."""
    chance = random.Random(seed)
    analyst = Analyst()
    analyst.overlay(str(path), text)
    analyst.analyze(str(path), lambda: False)
    moved = 0
    for _ in range(rounds):
        good, text = text, edited(text, chance)
        analyst.overlay(str(path), text)
        before = analyst._kept[str(path)]
        result = analyst.analyze(str(path), lambda: False)
        kept = analyst._kept[str(path)]
        fresh = Analyst()
        fresh.overlay(str(path), text)
        anew = fresh.analyze(str(path), lambda: False)
        assert comparable(result) == comparable(anew), text
        if kept is before:
            moved += 1
            graphs = [[(call.torch, call.span, call.stack) for call in g.calls] for g in kept.analysis().graphs]
            expected = [[(call.torch, call.span, call.stack) for call in g.calls] for g in fresh._kept[str(path)].analysis().graphs]  # fmt: skip
            assert graphs == expected
        if anew.errors:
            text = good
            analyst.overlay(str(path), text)
            analyst.analyze(str(path), lambda: False)
    return moved


@pytest.mark.parametrize("seed", range(2))
def test_following_equals_analysing_anew(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "net.py"
    path.write_text(MODEL)
    assert follow(path, MODEL, 25, seed) >= 5


def analysed(path: Path, text: str) -> Analyst:
    path.write_text(text)
    analyst = Analyst()
    analyst.overlay(str(path), text)
    analyst.analyze(str(path), lambda: False)
    return analyst


def answered(analyst: Analyst, path: Path, text: str) -> str:
    """How an edit is answered: the result is moved, what an edited function concerns is run again, or all is run anew."""
    before = analyst._kept[str(path)]
    assert before.following is not None
    result = before.following.result
    analyst.overlay(str(path), text)
    analyst.analyze(str(path), lambda: False)
    if analyst._kept[str(path)] is not before:
        return "anew"
    return "moved" if before.following.result is result else "again"


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        ("total += i", "total -= 2 * i", "moved"),  # a function nobody runs
        ("        y = self.pool(y)", "        # here\n        y = self.pool(y)", "moved"),
        ("padding=1", "padding=2", "again"),
        ("width=4", "width=6", "again"),
        ("def small():\n    return Net()", "def small():\n    net = Net()\n    return net", "again"),
        ("def unused(x):", "def unused(x, y):", "anew"),  # seen from outside
        ("not code", "# code", "again"),  # inside a string
        ("self.pool(y)  # pooled", "self.pool(y)  # ane: ignore", "anew"),
        ("        y = self.conv(x)", "        y  = self.conv(x)", "again"),  # places within the line
        ("SIZES = (8, 16)", "SIZES = (8, 17)", "anew"),
        ("class Net(nn.Module)", "class Net(Block)", "anew"),
    ],
)
def test_how_edits_are_answered(tmp_path: Path, old: str, new: str, how: str) -> None:
    path = tmp_path / "net.py"
    assert answered(analysed(path, MODEL), path, MODEL.replace(old, new, 1)) == how


def test_what_a_compiled_function_says_counts_where_it_does_the_same(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = (
        "import torch\nfrom torch import nn\n\n\n@torch.jit.script\ndef flat(x):\n    return x.reshape(x.size(0), -1) * 2\n\n\n"
        "class Net(nn.Module):\n    def forward(self, x):\n        return flat(x)\n\n\nNet()(torch.randn(2, 8, 16))\n"
    )
    analyst = analysed(path, text)
    for said, now in (["ANE130"], text.replace("x.size(0)", "x.shape[0]")), ([], text):
        analyst.overlay(str(path), now)
        assert [finding.code for finding in analyst.analyze(str(path), lambda: False).findings] == said


@pytest.mark.parametrize(
    "change", [("x * 2", "x * 3"), ("x * 2", "(x * 2).relu()"), ("return y", "y = y - 1\n        return y")]
)
def test_what_torch_compile_compiles_stays_compiled(tmp_path: Path, change: tuple[str, str]) -> None:
    path = tmp_path / "net.py"
    text = (
        "import torch\nfrom torch import nn\n\n\n@torch.compile\ndef double(x):\n    return x * 2\n\n\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.body = nn.Linear(8, 8)\n\n"
        "    def forward(self, x):\n        y = double(self.body(x))\n        return y\n"
    )
    analyst, now = analysed(path, text), text.replace(*change)
    assert answered(analyst, path, now) == "again"
    result = analyst.analyze(str(path), lambda: False)
    assert [(f.code, now.split("\n")[f.span.line - 1].strip()) for f in result.findings] == [
        ("ANE101", "y = double(self.body(x))")
    ]


@pytest.mark.parametrize("path", ["trace", "export"])
def test_a_parameter_written_to_is_recorded_as_at_first(tmp_path: Path, path: str) -> None:
    """A layer that writes into what it holds is not recorded again from an earlier call."""
    (tmp_path / "pyproject.toml").write_text(f'[tool.ane-lsp]\nexport-path = "{path}"\n')
    file = tmp_path / "net.py"
    text = (
        "import torch\nfrom torch import nn\n\n\nclass Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.scale = nn.Parameter(torch.ones(8))\n\n    def forward(self, x):\n        y = x * self.scale\n"
        "        self.scale.clamp_(-1, 1)\n        for _ in range(20):\n            y = y + 1\n        return y\n\n\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.body = nn.Linear(8, 8)\n"
        "        self.a, self.b = Block(), Block()\n\n    def forward(self, x):\n        return self.b(self.a(self.body(x)))\n"
    )
    analyst, now = analysed(file, text), text.replace("return self.b", "x = x * 2\n        return self.b")
    analyst.overlay(str(file), now)
    analyst.analyze(str(file), lambda: False)
    found, other = (
        [value for call in graph.calls for value in values((call.args, call.result))]
        for one in (analyst, analysed(file, now))
        for graph in one._kept[str(file)].analysis().graphs
    )
    told = [[(v.id, v.origin, v.name, v.producer) for v in each] for each in (found, other)]
    assert told[0] == told[1]


def test_a_changed_import_is_analysed_anew(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text("DIM = 8\n")
    path = tmp_path / "net.py"
    text = MODEL.replace("import torch\n", "import torch\nfrom sizes import DIM\n", 1).replace(
        "Linear(8, 10)", "Linear(DIM, 10)"
    )
    analyst = analysed(path, text)
    assert answered(analyst, path, text + "# end\n") == "moved"
    (tmp_path / "sizes.py").write_text("DIM = 16\n")
    assert answered(analyst, path, text + "# end\n\n") == "anew"


def test_another_open_document_counts(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text("DIM = 8\n")
    path = tmp_path / "net.py"
    text = MODEL.replace("import torch\n", "import torch\nfrom sizes import DIM\n", 1).replace(
        "Linear(8, 10)", "Linear(DIM, 10)"
    )
    analyst = analysed(path, text)
    analyst.overlay(str(tmp_path / "sizes.py"), "DIM = 4\n")
    assert answered(analyst, path, text + "# end\n") == "anew"


@pytest.mark.parametrize(
    ("old", "new"),
    [("self.blocks(self.stem(x))", "self.blocks(norm(self.stem(x)))"), (".abs())", ".abs()).missing")],
)
def test_what_is_missing_of_a_model_is_moved_along(tmp_path: Path, old: str, new: str) -> None:
    text = MODEL.replace("import torch\n", "import torch\nfrom nowhere import norm\n", 1).replace(old, new)
    path = tmp_path / "net.py"
    analyst = Analyst()
    analyst.overlay(str(path), text)
    lost = [[part.span.line for part in model.lost] for model in analyst.analyze(str(path), lambda: False).models]
    assert sum(map(len, lost)) == 1
    assert follow(path, text, 25, 3) > 5


def test_a_graph_that_holds_an_object_of_the_program_is_moved(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = MODEL.replace("        return F.gelu(y) + x\n", "        return self.conv(y, self.held)\n").replace(
        "        self.pool = ", "        self.held = type('Held', (), {'module': torch})()\n        self.pool = "
    )
    analyst = analysed(path, text)
    before = analyst._kept[str(path)].analysis().graphs
    analyst.overlay(str(path), "# above\n" + text)
    analyst.analyze(str(path), lambda: False)
    after = analyst._kept[str(path)].analysis().graphs
    held = [
        [call.args[1] for graph in graphs for call in graph.calls if len(call.args) == 2] for graphs in (before, after)
    ]
    assert held[0]
    assert all(one is other for one, other in zip(*held, strict=True))
    assert [call.span.line + 1 for graph in before for call in graph.calls] == [
        call.span.line for graph in after for call in graph.calls
    ]


def test_a_fix_that_takes_a_line_away_is_moved_along(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = (
        "import math\nimport torch\nfrom torch import nn\n\n\n"
        "class Net(nn.Module):  # ane: input(1x4x16x8, 1x4x16x8, 1x4x16x8)\n    def forward(self, q, k, v):\n"
        "        scores = torch.matmul(q, k.transpose(-1, -2))\n\n        scores = scores / math.sqrt(8)\n\n"
        "        weights = scores.softmax(-1)\n        return weights @ v\n"
    )
    analyst = analysed(path, text)
    for edited in (
        text.replace("        return", f"        {COMMENT}\n        return"),
        text.replace("        weights", f"\n        {COMMENT}\n        weights"),
        text.replace("        weights", f"        {COMMENT}\n        weights").replace(
            "(8)\n", f"(8)\n        {COMMENT}\n"
        ),
    ):
        assert answered(analyst, path, edited) == "moved"
        fresh = Analyst()
        fresh.overlay(str(path), edited)
        result = analyst.analyze(str(path), lambda: False)
        assert comparable(result) == comparable(fresh.analyze(str(path), lambda: False))
        ends = [edit.span.end_col for finding in result.findings for fix in finding.fixes for edit in fix.edits]
        assert 0 in ends
