"""Loops over plain numbers: followed by closures they give what Python gives, and leave nothing behind where they cannot be."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from differential import check, disagreements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import completed

from ane_lsp.analysis import analyze
from ane_lsp.interp import plain
from ane_lsp.interp.values import MISSING
from ane_lsp.workspace import Settings, Workspace


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each loop that was long enough, whether closures went through it."""
    seen: list[bool] = []
    follow = plain.follow

    def watched(*args: Any) -> Any:
        found = follow(*args)
        seen.append(found is not MISSING)
        return found

    monkeypatch.setattr(plain, "follow", watched)
    return seen


DISTANCES = """
points = [(i, j) for i in range(6) for j in range(6)]
offsets, places = {}, []
for p in points:
    for q in points:
        offset = (abs(p[0] - q[0]), abs(p[1] - q[1]))
        if offset not in offsets:
            offsets[offset] = len(offsets)
        places.append(offsets[offset])
return places, offsets, offset, p, q
"""
PLAIN = [
    DISTANCES,
    "return [[p / 10000 ** (2 * (i // 2) / 8) for i in range(40)] for p in range(40)]",
    "import math\nreturn [math.sin(i) if i % 2 == 0 else math.cos(i) for i in range(50)]",
    "rows = []\nfor i in range(40):\n    row = []\n    for j in range(i):\n        row.append(i * j)\n    rows.append(row)\nreturn rows, row, i, j",
    "total = 1\nfor i in range(50):\n    if i % 3:\n        continue\n    if i > 40:\n        break\n    total += -i\nreturn total, i",
    "a, b = 0, 1\nfor _ in range(40):\n    a, b = b, a + b\nreturn a, b",
    "table = [0] * 40\nfor i in range(40):\n    table[i] = max(i, 7) - min(i, 3) + round(i / 3) + int(i / 2) + float(i)\nreturn table",
    "held = [[1, 2], [3, 4]] * 20\nreturn [row for row in held], [held[i][i % 2] for i in range(40)]",
    "return [not (i > 3 and i < 9 or i == 20) for i in range(40)]",
    "last = None\nfor i in range(40):\n    last = i, (i, i != 3)\nreturn last",
]
FOLLOWED = [
    "return [i for i in range(40) if i % 2]",  # a condition
    "return [1 / (i - 35) if i != 35 else 'x' * 2 for i in range(40)]",
    "x = 1\nfor i in range(70):\n    x = x * 2 + 1\nreturn x",  # a large number
    "x = [1]\nfor i in range(40):\n    x = x + [i]\nreturn x",
    "seen = []\nfor i in range(40):\n    seen.append(i)\n    seen[0] = 'a' + str(i)\nreturn seen",
    "for i in range(40):\n    if i == 38:\n        y = j\n    j = i\nreturn y, (-1.5) ** 0.5 if i < 3 else i",
    "xs = list(range(40))\nfor x in xs:\n    if x < 3:\n        xs.append(x + 5)\nreturn xs",  # grows while it is gone through
    "a = [0]\nfor i in range(40):\n    b = a\n    b.append(i)\nreturn a, b",  # two names for one list
    "i = 9\nfor p in range(40):\n    a = [i for i in range(3)]\n    b = a[0] + i\nreturn a, b, i",  # two names called i
    "n = 0\ndef count():\n    nonlocal n\n    for i in range(40):\n        n += i\ncount()\nreturn n",
    "from math import sin as abs\nreturn [abs(i) for i in range(40)]",
]


@pytest.mark.parametrize("body", PLAIN)
def test_plain_loops_give_what_python_gives(body: str, tmp_path: Path, followed: list[bool]) -> None:
    check(tmp_path, [body])
    assert followed
    assert all(followed)


@pytest.mark.parametrize("body", FOLLOWED)
def test_other_loops_are_followed_as_ever(body: str, tmp_path: Path) -> None:
    check(tmp_path, [body])


LATE = [
    "1 / (39 - i)", "held[i]", "table[i]", "'a' if i == 39 else i", "2 ** (i * 2)", "math.sqrt(38 - i)",
    "math.exp(i * 30)", "int('x') if i == 39 else i", "(-1) ** 0.5 if i == 39 else i", "[] * i if i == 39 else i", "nobody if i == 39 else i",
]  # fmt: skip


@pytest.mark.parametrize("value", LATE)
def test_what_a_loop_did_before_it_was_not_plain_is_undone(value: str, tmp_path: Path) -> None:
    """The loop is begun twice, and its effects are there once."""
    head = "import math\nmade, table, held, last = [], {i: i for i in range(39)}, [0] * 39, -1\n"
    loop = f"for i in range(40):\n    made.append(i)\n    table[i + 1] = -i\n    last = {value}\n"
    tried = "try:\n" + "".join(f"    {line}\n" for line in loop.splitlines())
    caught = "except Exception as error:\n    made.append(type(error).__name__)\n"
    check(tmp_path, [f"{head}{tried}{caught}return made, table, last, i"])


def test_a_loop_that_is_not_plain_is_not_tried_again_and_again(tmp_path: Path, followed: list[bool]) -> None:
    body = "def f(x):\n    return [x * i for i in range(40)]\nreturn [f(k) for k in ('a', 'b', 'c', 'd', 'e', 1)]"
    check(tmp_path, [body])
    assert not any(followed)


NAMES = st.sampled_from("abij")
ATOMS = st.one_of(
    NAMES, st.integers(-3, 40).map(str), st.sampled_from(["0.5", "True", "n", "t[i % 3]", "d[i % 2]", "len(o)"])
)


def _grow(inner: Any) -> Any:
    two = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "==", "and", "or"]), inner)
    return st.one_of(
        two.map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(["-", "not "]), inner).map(lambda p: f"({p[0]}{p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"max({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}, {p[1]})"),
        inner.map(lambda p: f"[{p} + k for k in range(2)]"),
        st.tuples(inner, st.sampled_from(["2", "0.5", "-1"])).map(lambda p: f"({p[0]}) ** {p[1]}"),
    )


EXPRESSIONS = st.recursive(ATOMS, _grow, max_leaves=5)
STATEMENTS = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(
        lambda p: [f"{p[0]} = ({p[1]}) % 97"]
    ),  # what is squared in each round has no end
    st.tuples(NAMES, EXPRESSIONS).map(lambda p: [f"{p[0]} += ({p[1]}) % 7"]),
    EXPRESSIONS.map(lambda p: [f"o.append({p})"]),
    st.tuples(EXPRESSIONS, EXPRESSIONS).map(lambda p: [f"d[{p[0]}] = {p[1]}"]),
    st.tuples(EXPRESSIONS, EXPRESSIONS).map(lambda p: [f"if {p[0]}:", f"    o.append({p[1]})"]),
    st.tuples(EXPRESSIONS, st.sampled_from(["continue", "break"])).map(lambda p: [f"if {p[0]}:", f"    {p[1]}"]),
    st.tuples(EXPRESSIONS, NAMES).map(lambda p: [f"for {p[1]} in range(3):", f"    o.append({p[0]})"]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(NAMES, st.lists(STATEMENTS, min_size=1, max_size=4)), min_size=8, max_size=8))
def test_random_loops_give_what_python_gives(loops: list[tuple[str, list[list[str]]]]) -> None:
    bodies = []
    for name, statements in loops:
        lines = "".join(f"        {line}\n" for statement in statements for line in statement)
        bodies.append(
            "a, b, n, t, d, o = 1, 2.5, 7, (1, 2, 3), {0: 1, 1: 2}, []\n"
            f"try:\n    for {name} in range(33):\n{lines}except Exception as error:\n    o.append(type(error).__name__)\nreturn a, b, d, o"
        )
    with tempfile.TemporaryDirectory() as folder:
        wrong, _ = disagreements(Path(folder), bodies)
    assert not wrong


OF_NUMPY = [
    "np.array([[p / np.power(10000, 2 * (j // 2) / 8) for j in range(40)] for p in range(40)]).tolist()",
    "[-np.sin(j / 3) * 2 for j in range(40)][3].item()", "[np.power(2, j) for j in range(40)][4].item()",
    "len([(j, np.cos(j)) for j in range(40)])", "[np.sqrt(j) for j in range(40)][9].item()", "np.array([[1, 2.5]] * 40).tolist()",
]  # fmt: skip


@pytest.mark.parametrize("body", OF_NUMPY)
def test_numbers_of_numpy_stay_numbers_of_numpy(body: str, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy", reason="compares the numpy stub with the real package")
    path = tmp_path / "script.py"
    path.write_text(f"import numpy as np\nfound = {body}\n")
    _, names = completed(path)
    assert names["found"] == eval(body, {"np": numpy})


def test_a_table_of_positions_that_numpy_helps_with(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "import numpy as np\nimport torch\n\n\ndef table(n, width):\n    def row(p):\n"
        "        return [p / np.power(10000, 2 * (j // 2) / width) for j in range(width)]\n\n"
        "    made = np.array([row(p) for p in range(n)])\n    made[:, 0::2] = np.sin(made[:, 0::2])\n"
        "    return torch.FloatTensor(made).unsqueeze(0)\n\n\nfound = table(500, 512)\n"
    )
    run, names = completed(path)
    assert names["found"].type.shape == (1, 500, 512)
    assert run.interp.steps < 100_000


def test_a_long_loop_of_a_constructor_is_gone_through_to_its_end(tmp_path: Path) -> None:
    """Position tables of large feature maps: 640,000 numbers, within the budget of one file."""
    path = tmp_path / "model.py"
    path.write_text(
        "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    def __init__(self, n=1600, dim=400):\n"
        "        super().__init__()\n        table = [[p / 10000 ** (2 * (i // 2) / dim) for i in range(dim)] for p in range(n)]\n"
        "        self.table = nn.Parameter(torch.FloatTensor(table))\n\n    def forward(self, x: torch.Tensor):\n"
        "        return torch.relu(self.table)\n"
    )
    found = analyze(path, Workspace(tmp_path), Settings())
    assert not found.errors
    assert [str(op.outputs[0].type) for graph in found.graphs for op in graph.ops][-1:] == ["[1600, 400] f32"]
