"""Items and entries that may be absent: nothing is told that does not hold for every answer to an undecided condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is what the shapes are compared with")

from undecided_modules import answers, plain_source, seen_shapes, undecided_source

from ane_lsp.graph import TensorType
from ane_lsp.interp import run
from ane_lsp.workspace import Workspace

UNKNOWN = "?"
_HEADER = "from collections import OrderedDict\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n\nimport foreign\n\n\n"


def source(init: str, forward: str) -> str:
    """A script that calls a model; `flag` is asked of a module that is not there when it is analysed."""
    lines = "".join(f"        {line}\n" for line in init.splitlines())
    body = "".join(f"        {line}\n" for line in forward.splitlines())
    return (
        f"{_HEADER}class Net(nn.Module):\n    option = None\n\n    def __init__(self, flag):\n        super().__init__()\n"
        f"        self.flag = flag\n{lines}        self.end = nn.Sigmoid()\n\n"
        f"    def forward(self, x):\n        flag = self.flag\n{body}        return self.end(x)\n\n\n"
        "Net(foreign.flag(0)).eval()(torch.zeros(1, 3, 8, 8))\n"
    )


def told(folder: Path, text: str) -> tuple[dict[int, list[Any]], list[str], Any]:
    """By line, the shapes that are told of ``nn.Tanh`` and ``nn.Sigmoid`` there; all operations; and the whole run."""
    script = folder / "script.py"
    script.write_text(text)
    done = run.run_script(Workspace(folder), script)
    assert done.internal == {}
    shapes: dict[int, list[Any]] = {}
    ops = [call.torch for graph in done.graphs for call in graph.calls]
    for graph in done.graphs:
        for call in graph.calls:
            if call.torch in ("torch.nn.Tanh", "torch.nn.Sigmoid"):
                kind = getattr(call.result, "type", None)
                shapes.setdefault(call.span.line, []).append(kind.shape if isinstance(kind, TensorType) else None)
    return shapes, ops, done


def fits(shape: Any, actual: tuple[int, ...]) -> bool:
    if shape is None:
        return True
    return len(shape) == len(actual) and all(not isinstance(a, int) or a == b for a, b in zip(shape, actual))


def shown(shape: Any) -> Any:
    return shape if shape is None else [size if isinstance(size, int) else UNKNOWN for size in shape]


SAME, WIDER, AGAIN = "nn.Conv2d(3, 3, 1)", "nn.Conv2d(3, 6, 1)", "nn.Conv2d(6, 12, 1)"
ALL, EACH = "x = self.seq(x)", "for one in self.many:\n    x = one(x)"
LIST = f"layers = [{WIDER}]\n{{}}\nself.seq = nn.Sequential(*layers)\nself.many = nn.ModuleList(layers)"
MANY = f"self.many = nn.ModuleList([{WIDER}])\n{{}}"
OPEN = [1, UNKNOWN, 8, 8]  # what is told where it is one of two numbers of channels


@pytest.mark.parametrize("forward", [ALL, EACH])
@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (f"if flag:\n    layers.append({AGAIN})", OPEN),
        (f"if not flag:\n    pass\nelse:\n    layers += [{AGAIN}]", OPEN),
        (f"if flag:\n    layers.extend(({AGAIN}, nn.ReLU()))", OPEN),
        (f"layers = layers + [{AGAIN}] if flag else layers", OPEN),
        (f"layers = [*layers, *([{AGAIN}] if flag else [])]", OPEN),
        (f"flag and layers.append({AGAIN})", OPEN),
        (f"layers.append({AGAIN})\nif flag:\n    layers.pop()", OPEN),
        (f"layers.append({AGAIN})\nif flag:\n    del layers[-1]", OPEN),
        (f"layers.append({AGAIN})\nif flag:\n    layers = layers[:1]", OPEN),
        (f"for i in range(2):\n    if flag:\n        break\n    layers.append(nn.Identity())\nelse:\n    layers.append({AGAIN})", OPEN),
        (f"for i in range(1):\n    if flag:\n        continue\n    layers.append({AGAIN})", OPEN),
        (f"try:\n    if flag:\n        raise ValueError\nexcept ValueError:\n    layers.append({AGAIN})", OPEN),
        (f"match flag:\n    case True:\n        layers.append({AGAIN})", OPEN),
        (f"def fill():\n    if flag:\n        return\n    layers.append({AGAIN})\nfill()", OPEN),
        ("if flag:\n    layers.append(nn.Dropout(0.1))", [1, 6, 8, 8]),
        ("if flag:\n    layers.append(nn.ReLU())\nelse:\n    layers += [nn.BatchNorm2d(6), nn.GELU()]", [1, 6, 8, 8]),
        (f"if flag:\n    layers.append(nn.Dropout(0.1))\nlayers.append({AGAIN})", [1, 12, 8, 8]),
        (f"if flag:\n    layers.insert(0, nn.Dropout(0.1))\nlayers.append({AGAIN})", [1, 12, 8, 8]),
        (f"layers = [one for one in (nn.ReLU(), nn.Dropout()) if flag] + layers + [{AGAIN}]", [1, 12, 8, 8]),
    ],
)  # fmt: skip
def test_a_list_that_a_branch_fills(tmp_path: Path, change: str, shape: Any, forward: str) -> None:
    check(tmp_path, LIST.format(change), forward, shape)


@pytest.mark.parametrize(
    ("init", "forward", "shape"),
    [
        (f"if flag:\n    self.many.append({AGAIN})", EACH, OPEN),
        ("if flag:\n    self.many.append(nn.ReLU())", EACH, [1, 6, 8, 8]),
        (f"self.many.append({AGAIN})\nif flag:\n    self.many.pop(-1)", EACH, OPEN),
        (f"self.many.append({AGAIN})\nif flag:\n    del self.many[1]", EACH, OPEN),
        ("if flag:\n    self.many.append(nn.ReLU())", "x = self.many[0](x)", [1, 6, 8, 8]),
        (f"if flag:\n    self.many.insert(0, nn.ReLU())\nself.many.append({AGAIN})", "x = self.many[-2](x)", [1, 6, 8, 8]),
        (f"if flag:\n    self.many.append(nn.ReLU())\nself.many.append({AGAIN})", "x = self.many[0](x)\nx = self.many[1](x)", OPEN),
        ("if flag:\n    self.many.append(nn.ReLU())", "x = F.pad(x, (0, 0, 0, len(self.many)))", [1, 3, UNKNOWN, 8]),
        ("if flag:\n    self.many.append(nn.ReLU())", "for i, one in enumerate(self.many):\n    x = one(x)", [1, 6, 8, 8]),
        ("self.named = nn.Sequential()\nif flag:\n    self.named.add_module('a', nn.Dropout())\nself.named.add_module('b', nn.Conv2d(3, 6, 1))",
         "x = self.named(x)", [1, 6, 8, 8]),
        ("made = OrderedDict(a=nn.Conv2d(3, 6, 1))\nif flag:\n    made['b'] = nn.Conv2d(6, 12, 1)\nself.named = nn.Sequential(made)",
         "x = self.named(x)", OPEN),
        ("self.table = nn.ModuleDict({'a': nn.Conv2d(3, 6, 1)})\nif flag:\n    self.table['b'] = nn.Conv2d(6, 12, 1)",
         "for one in self.table.values():\n    x = one(x)", OPEN),
        ("self.table = nn.ModuleDict({'a': nn.Conv2d(3, 6, 1)})\nif flag:\n    self.table['b'] = nn.Conv2d(3, 12, 1)",
         "x = self.table['b'](x) if 'b' in self.table else self.table['a'](x)", OPEN),
        ("table = {'a': nn.Conv2d(3, 6, 1)}\nif flag:\n    del table['a']\nself.one = table.get('a', nn.Identity())", "x = self.one(x)", OPEN),
        ("numbers = {2}\nif flag:\n    numbers.add(1)\nself.one = nn.Conv2d(3, 6, 1) if 1 in numbers else nn.ReLU()", "x = self.one(x)", OPEN),
    ],
)  # fmt: skip
def test_containers_of_modules(tmp_path: Path, init: str, forward: str, shape: Any) -> None:
    check(tmp_path, MANY.format(init), forward, shape)


@pytest.mark.parametrize(
    ("init", "forward", "shape"),
    [
        (f"if flag:\n    self.one = {WIDER}", "if hasattr(self, 'one'):\n    x = self.one(x)", OPEN),
        (f"if flag:\n    self.one = {WIDER}", "x = getattr(self, 'one', nn.Identity())(x)", OPEN),
        ("if flag:\n    setattr(self, 'option', 2)", "if self.option is not None:\n    x = F.pad(x, (0, 0, 0, 0, 0, self.option))", OPEN),
        (f"self.one = {WIDER}\nif flag:\n    del self.one", "if hasattr(self, 'one'):\n    x = self.one(x)", OPEN),
        (f"self.one = {WIDER} if flag else {SAME}", "x = self.one(x)", OPEN),
        (f"self.one = {SAME} if flag else nn.Identity()", "x = self.one(x)", [1, 3, 8, 8]),
        (f"self.one = {WIDER}\ndef change():\n    if flag:\n        return\n    self.one = {SAME}\nchange()", "x = self.one(x)", OPEN),
        (f"if flag:\n    nn.Module.__init__(self)\n    self.one = {WIDER}\nelse:\n    nn.Module.__init__(self)\n    self.one = {SAME}",
         "x = self.one(x)", OPEN),
        (f"if flag:\n    nn.Module.__init__(self)\n    self.one = {WIDER}\n    self.two = {AGAIN}\nelse:\n    nn.Module.__init__(self)\n    self.one = {SAME}",
         "x = self.one(x)\nif hasattr(self, 'two'):\n    x = self.two(x)", OPEN),
        (f"if flag:\n    nn.Module.__init__(self)\n    self.two = {WIDER}\nelse:\n    nn.Module.__init__(self)\n    self.one = {SAME}\nself.one = {SAME}",
         "x = self.one(x)", [1, 3, 8, 8]),
        ("self.held = [1]\nif flag:\n    self.held.append(2)", "x = x.new_zeros(1, len(self.held))", [1, UNKNOWN]),
        ("pass", "outs = [x]\nif flag:\n    outs.append(x)\nx = torch.cat(outs, 1)", OPEN),
        ("pass", "outs = [x, x]\nif flag:\n    outs.pop()\nx = sum(outs)", [1, 3, 8, 8]),
        ("pass", "def parts():\n    yield x\n    if flag:\n        yield x\nx = torch.cat(list(parts()), 1)", OPEN),
        ("pass", "for size in (1, 2):\n    x = F.pad(x, (size, 0))\n    if flag:\n        break", [1, 3, 8, UNKNOWN]),
        ("pass", "for size in (1, 2):\n    if flag:\n        continue\n    x = F.pad(x, (size, 0))", [1, 3, 8, UNKNOWN]),
        ("pass", "def widen(y):\n    if flag:\n        return y\n    return F.pad(y, (1, 0))\nx = widen(x)", [1, 3, 8, UNKNOWN]),
        ("pass", "try:\n    if flag:\n        raise ValueError\n    x = F.pad(x, (1, 0))\nexcept ValueError:\n    pass", [1, 3, 8, UNKNOWN]),
        (f"made = []\nfor _ in range(foreign.number(0)):\n    made.append({SAME})\nmade.append({WIDER})\nself.one = nn.Sequential(*made)",
         "x = self.one(x)", [1, 6, 8, 8]),
        (f"self.held = [{SAME}]\nfor _ in range(foreign.number(0)):\n    self.held.append({SAME})\nself.held.append({WIDER})",
         "for one in self.held:\n    x = one(x)", [1, 6, 8, 8]),
        ("self.held = []\nfor _ in range(foreign.number(0)):\n    self.held.append(1)", "x = F.pad(x, (0, 0, 0, len(self.held)))", [1, 3, UNKNOWN, 8]),
        ("self.count = 1\nfor _ in range(foreign.number(0)):\n    self.count += 1", "x = F.pad(x, (0, 0, 0, self.count))", [1, 3, UNKNOWN, 8]),
        ("self.order = [0]\nif flag:\n    self.order.append(1)", "x = x[:, self.order]", None),
        ("self.order = [0]\nfor i in range(foreign.number(0)):\n    self.order.extend([i])", "x = x[:, self.order]", None),
        ("self.held = [1, 2]\nif flag:\n    self.held = [3]\ndel self.held[0]", "x = F.pad(x, (0, 0, 0, len(self.held)))", [1, 3, UNKNOWN, 8]),
        ("self.held = {0: 1, 1: 2}\ndel self.held[foreign.number(0) % 2]", "x = F.pad(x, (0, 0, 0, self.held.get(0, 3)))", [1, 3, UNKNOWN, 8]),
        ("pass", "def pick(a=1, b=2):\n    return a + b\nmade = {'a': 1}\nif flag:\n    made['b'] = 5\nx = F.pad(x, (0, 0, 0, pick(**made)))", [1, 3, UNKNOWN, 8]),
    ],
)  # fmt: skip
def test_attributes_and_ways_out(tmp_path: Path, init: str, forward: str, shape: Any) -> None:
    check(tmp_path, init, forward, shape)


NAMED = "for name in foreign.names:\n    {}"


@pytest.mark.parametrize(
    ("init", "forward", "shape"),
    [
        (f"setattr(self, name, {SAME})", "x = self.first(x)", [1, 3, 8, 8]),
        (f"self.add_module(name, {SAME})", "x = self.first(x)", [1, 3, 8, 8]),
        ("self.register_buffer(name, torch.zeros(1, 3, 8, 1))", "x = x * self.first", [1, 3, 8, 8]),
        ("setattr(self, name, 2)", "x = F.pad(x, (self.first, 0))", [1, 3, 8, UNKNOWN]),
        (f"self.add_module(name, {WIDER})", "if hasattr(self, 'first'):\n    x = self.first(x)", OPEN),
        (f"self.add_module(name, {WIDER})", "x = getattr(self, 'first', nn.Identity())(x)", OPEN),
        (f"self.add_module(name, {SAME})", "if hasattr(self, '_first'):\n    x = self._first(x)", [1, 3, 8, 8]),
    ],
)  # fmt: skip
def test_attributes_under_names_that_nobody_knows(tmp_path: Path, init: str, forward: str, shape: Any) -> None:
    shapes, _, done = told(tmp_path, source(NAMED.format(init), forward))
    assert done.errors == []
    assert [shown(one) for line in shapes.values() for one in line] == [shape]


RECURSIVE = "def install(n):\n    {0}\n    if n and foreign.flag(0):\n        {0}\n        install(n - 1)\ninstall(99)"
HOOKED = f"self.one = {SAME}\nif flag:\n    self.one.register"


@pytest.mark.parametrize(
    ("init", "forward", "shape"),
    [
        (f"{HOOKED}_forward_hook(lambda m, a, y: torch.cat([y, y], 1))", "x = self.one(x)", OPEN),
        (f"{HOOKED}_forward_hook(lambda m, a, y: None)", "x = self.one(x)", [1, 3, 8, 8]),
        (f"{HOOKED}_forward_pre_hook(lambda m, a: a[0][..., 1:])", "x = self.one(x)", [1, 3, 8, UNKNOWN]),
        (f"{HOOKED}_forward_pre_hook(lambda m, a, k: ((a[0][..., 1:],), k), with_kwargs=True)", "x = self.one(x)", [1, 3, 8, UNKNOWN]),
        (f"self.one = {SAME}\nself.one.register_forward_hook(lambda m, a, y: y[..., 2:])\nif flag:\n"
         "    self.one.register_forward_hook(lambda m, a, y: torch.cat([y, y], 1))", "x = self.one(x)", [1, UNKNOWN, 8, 6]),
        (f"self.one = {SAME}\n{RECURSIVE.format('self.one.register_forward_hook(lambda m, a, y: None)')}", "x = self.one(x)", [1, 3, 8, 8]),
        (f"self.one = {SAME}\n{RECURSIVE.format('self.one.register_forward_pre_hook(lambda m, a: None)')}", "x = self.one(x)", [1, 3, 8, 8]),
        (f"self.one = {SAME}\n{RECURSIVE.format('self.one.register_forward_hook(lambda m, a, y: y[..., :3])')}", "x = self.one(x)", None),
        (f"self.one = {SAME}\n{RECURSIVE.format('self.one.register_forward_pre_hook(lambda m, a: a[0][..., :3])')}", "x = self.one(x)", None),
        (f"{HOOKED}_forward_hook(lambda m, a, y: None)\nelse:\n    self.one.register_forward_hook(lambda m, a, k, y: None, with_kwargs=True)",
         "x = self.one(x)", [1, 3, 8, 8]),
    ],
)  # fmt: skip
def test_hooks_that_a_branch_registers(tmp_path: Path, init: str, forward: str, shape: Any) -> None:
    check(tmp_path, init, forward, shape)


HELD = "class Held:\n    def __init__(self, n):\n        self.n = n\n"


@pytest.mark.parametrize(
    "forward",
    [
        "def made():\n    if flag:\n        return Held(1)\n    return Held(2)\nn = made().n",
        "def made():\n    if foreign.flag(1):\n        return Held(1)\n    if flag:\n        one = Held(2)\n        if foreign.number(0):\n            return one\n"
        "        one.n = 3\n        return one\n    return Held(4)\nn = made().n",
        "for i in range(2):\n    if flag:\n        one = Held(i)\n        break\nelse:\n    one = Held(9)\nn = one.n",
        "for i in range(2):\n    if foreign.flag(i):\n        one = Held(1)\n        if flag:\n            one.n = 3\n            continue\n        break\nelse:\n    one = Held(2)\n"
        "n = one.n",
        "try:\n    if flag:\n        one = Held(1)\n        raise KeyError\n    one = Held(2)\nexcept KeyError:\n    pass\nn = one.n",
        "def made():\n    try:\n        if foreign.flag(1):\n            raise KeyError(Held(1))\n        if flag:\n            raise ValueError(Held(2))\n"
        "    except KeyError as error:\n        return error.args[0]\n    except ValueError as error:\n        return error.args[0]\n    return Held(3)\nn = made().n",
        "many = [1]\nfor i in range(2):\n    if flag:\n        break\nelse:\n    many[0] = 5\nn = many[0]",
        "many = [1]\ntry:\n    for i in range(2):\n        if flag:\n            break\n    else:\n        raise KeyError\n    many[0] = 2\nexcept KeyError:\n"
        "    many[0] = 3\nn = many[0]",
    ],
)  # fmt: skip
def test_what_is_made_or_changed_on_a_way_out(tmp_path: Path, forward: str) -> None:
    """An object of a branch that leaves early is as it was there; an ``else`` of a loop changes nothing where the loop is left."""
    check(tmp_path, "pass", f"{HELD}{forward}\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN])


REFUSE = "def refuse():\n    if flag:\n        raise ValueError\n"
NESTED = "".join(f"{'    ' * depth}if foreign.flag(0):\n" for depth in range(12))
CHAIN = "".join(f"def f{i}(k):\n    if foreign.flag(0):\n        return f{i + 1}(k)\n    return 1\n" for i in range(12))


@pytest.mark.parametrize(
    ("forward", "shape"),
    [
        ("try:\n    refuse()\n    x = F.pad(x, (1, 0))\nexcept ValueError:\n    pass", [1, 3, 8, UNKNOWN]),
        ("n = 1\ntry:\n    refuse()\nexcept (KeyError, ValueError) as error:\n    n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        ("n = 1\ntry:\n    n = 3\n    for _ in range(3):\n        refuse()\nexcept ValueError:\n    n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        ("n = [1]\ntry:\n    try:\n        refuse()\n    finally:\n        n.append(2)\n    n.append(3)\nexcept ValueError:\n    pass\nx = F.pad(x, (len(n), 0))", [1, 3, 8, UNKNOWN]),
        ("n = [1]\ndef again():\n    try:\n        refuse()\n    except KeyError:\n        n.append(1)\n    finally:\n        n.append(2)\n    n.append(3)\n"
         "try:\n    again()\nexcept ValueError:\n    pass\nx = F.pad(x, (len(n), 0))", [1, 3, 8, UNKNOWN]),
        ("try:\n    try:\n        refuse()\n    except KeyError:\n        x = F.pad(x, (1, 0))\nexcept ValueError:\n    pass", [1, 3, 8, 8]),
        ("n = 1\ntry:\n    try:\n        refuse()\n    except ValueError as error:\n        raise KeyError from error\nexcept KeyError:\n    n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        ("def safe():\n    try:\n        refuse()\n    except ValueError:\n        return 2\n    return 1\nx = F.pad(x, (safe(), 0))", [1, 3, 8, UNKNOWN]),
        ("def early():\n    if flag:\n        return\n    raise ValueError\nn = 1\ntry:\n    early()\nexcept ValueError:\n    n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        ("n = 1\ntry:\n    for _ in range(2):\n        if flag:\n            break\n        raise ValueError\nexcept ValueError:\n    n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        ("n = 1\ntry:\n    for _ in range(2):\n        if flag:\n            continue\n        raise ValueError\nexcept ValueError:\n    n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        ("def surely():\n    assert flag\nn = 1\ntry:\n    surely()\nexcept AssertionError:\n    n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        ("n = 0\ntry:\n    for i in range(12):\n        n = i\n        if foreign.number(0) == i:\n            raise ValueError\n    n = 3\nexcept ValueError:\n    pass\nx = F.pad(x, (n, 0))",
         [1, 3, 8, UNKNOWN]),
        ("n = []\ntry:\n    [refuse() for _ in range(2)]\n    n.append(1)\nexcept ValueError:\n    pass\nx = F.pad(x, (len(n), 0))", [1, 3, 8, UNKNOWN]),
    ],
)  # fmt: skip
def test_exceptions_of_called_functions(tmp_path: Path, forward: str, shape: Any) -> None:
    check(tmp_path, "pass", REFUSE + forward, shape)


@pytest.mark.parametrize(
    ("forward", "shape"),
    [
        (f"n = 1\n{NESTED}{'    ' * 12}n = 2\nx = F.pad(x, (n, 0))", [1, 3, 8, UNKNOWN]),
        (f"n = [1]\n{NESTED}{'    ' * 12}n.append(2)\nx = F.pad(x, (len(n), 0))", [1, 3, 8, UNKNOWN]),
        (f"{NESTED}{'    ' * 12}x = F.pad(x, (1, 0))", [1, 3, 8, UNKNOWN]),
        (f"{NESTED}{'    ' * 12}x = x.mul(2)", [1, 3, 8, 8]),
        (f"{CHAIN}def f12(k):\n    return 2 + k\nx = F.pad(x, (f0(1), 0))", [1, 3, 8, UNKNOWN]),
        ("def deep(k):\n    if foreign.flag(0) and k < 20:\n        return deep(k + 1)\n    return k\nx = F.pad(x, (deep(0), 0))", [1, 3, 8, UNKNOWN]),
        ("n = [0]\ndef deep(k):\n    if foreign.flag(0):\n        if k < 20:\n            deep(k + 1)\n        else:\n            n[0] = 5\ndeep(0)\nx = F.pad(x, (n[0], 0))", [1, 3, 8, UNKNOWN]),
    ],
)  # fmt: skip
def test_conditions_deep_inside_of_each_other(tmp_path: Path, forward: str, shape: Any) -> None:
    check(tmp_path, "pass", forward, shape)


def test_a_function_that_calls_itself_in_many_undecided_branches_ends(tmp_path: Path) -> None:
    cut = "def cut(k):\n    n[0] += 1\n" + "    if foreign.flag(k):\n        cut(k + 1)\n" * 4
    _, _, done = told(tmp_path, source("pass", f"n = [0]\n{cut}cut(0)\nx = F.pad(x, (n[0], 0))"))
    assert done.interp.steps < 20_000


def test_a_function_that_may_end_each_time_it_calls_itself_ends(tmp_path: Path) -> None:
    """How often it calls itself is not known; what it changes on the way is not told."""
    body = "if foreign.flag(k):\n        return y\n    n.append(k)\n    if foreign.flag(k + 1):\n        return again(y, k - 1)\n    return F.pad(again(y, k - 1), (1, 0))"
    text = source("pass", f"n = []\ndef again(y, k):\n    {body}\nx = again(x, 0)\nx = F.pad(x, (0, 0, 0, len(n)))")
    shapes, _, done = told(tmp_path, text)
    assert (done.errors, done.stopped) == ([], None)
    assert done.interp.steps < 20_000
    (shape,) = next(iter(shapes.values()))
    assert shape is None or shown(shape) == [1, 3, UNKNOWN, UNKNOWN]


def test_an_operation_on_many_items_that_may_be_absent_is_recorded_once(tmp_path: Path) -> None:
    text = source("pass", "outs = [x]\n" + "if foreign.flag(0):\n    outs.append(x)\n" * 12 + "x = torch.cat(outs, 1)")
    shapes, ops, _ = told(tmp_path, text)
    assert [shown(one) for line in shapes.values() for one in line] == [OPEN]
    assert ops.count("torch.cat") == 1


def check(folder: Path, init: str, forward: str, shape: Any) -> None:
    """What is told fits what torch does for both answers, and is `shape`."""
    text = source(init, forward)
    seen, ended, tried = seen_shapes(text)
    assert ended == tried > 1, "the case is to run for all answers"
    (line,) = seen
    shapes, _, done = told(folder, text)
    assert done.errors == []
    assert all(any(fits(one, actual) for one in shapes[line]) for actual in seen[line]), (seen, shapes)
    assert [shown(one) for one in shapes[line]] == [shape]


def test_modules_that_may_be_absent_are_reached(tmp_path: Path) -> None:
    """Their operations are in the graph, as ones that need not be done."""
    init = LIST.format(f"if flag:\n    layers.append(nn.Dropout())\nif foreign.flag(1):\n    layers.append({AGAIN})")
    _, ops, done = told(tmp_path, source(init, ALL))
    assert ops == ["torch.nn.Conv2d", "torch.nn.Dropout", "torch.nn.Conv2d", "torch.nn.Sigmoid"]
    (graph,) = done.graphs
    assert [call.optional for call in graph.calls] == [False, True, True, False]


def test_the_reason_is_told(tmp_path: Path) -> None:
    text = source("layers = [1]\nif flag:\n    layers.append(2)\nself.size = len(layers)", "x = x.new_zeros(self.size)")
    _, _, done = told(tmp_path, text)
    (noted,) = [value for _, what, value in done.interp.reasons.values() if what == "`self.size`"]
    assert noted.reason == "how many there are depends on a condition nobody can decide here"


def check_random(text: str, folder: Path) -> None:
    """Nothing is told of a random module that does not hold for all answers to its open questions."""
    seen, ended, _ = seen_shapes(text)
    shapes, _, done = told(folder, text)
    assert not (done.errors and ended), done.errors
    for line, actual in seen.items():
        for one in actual:
            assert any(fits(shape, one) for shape in shapes[line]), f"{line}: {one} is not among {shapes[line]}\n{text}"


@pytest.mark.parametrize("seed", range(12))
def test_what_is_told_holds_for_every_answer(seed: int, tmp_path: Path) -> None:
    check_random(undecided_source(seed), tmp_path)


@pytest.mark.parametrize("seed", range(12))
def test_no_number_is_told_that_depends_on_an_answer(seed: int, tmp_path: Path) -> None:
    check_random(plain_source(seed), tmp_path)


def test_a_seed_gives_one_program() -> None:
    assert undecided_source(7) == undecided_source(7)
    assert undecided_source(7) != undecided_source(8)
    assert len(list(answers())) == 36
