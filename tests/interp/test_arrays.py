"""Tensors of numpy's arrays and numbers: shape, dtype and elements are those of torch."""

from __future__ import annotations

import warnings
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from programs import completed

from ane_lsp.graph import Unknown
from ane_lsp.graph.types import TORCH_DTYPE, TensorType
from ane_lsp.interp.entries import run_entry
from ane_lsp.interp.run import Limits, guarded, load_file, start
from ane_lsp.interp.values import Tensor
from ane_lsp.syntax.inputs import InputSpec
from ane_lsp.workspace import Workspace

numpy = pytest.importorskip("numpy", reason="compares the numpy stub with the real package")
torch = pytest.importorskip("torch", reason="compares with torch")

EXPRESSIONS = [
    "torch.tensor(np.zeros((3, 4)))", "torch.as_tensor(np.arange(6).reshape(2, 3))", "torch.from_numpy(np.ones(3, dtype=np.uint8))",
    "torch.as_tensor(np.ones_like(np.zeros((3, 4))), dtype=torch.int64)", "torch.tensor([np.zeros(4), np.ones(4)])",
    "torch.tensor([np.zeros((2, 4), dtype=np.float32)])", "torch.tensor(np.float64(0.5))", "torch.tensor(np.float32(0.5))",
    "torch.tensor(np.int64(3))", "torch.tensor([np.float64(0.5), 1.0])", "torch.tensor([np.float32(0.5), 1.0])", "torch.tensor([1.0, 2.0])",
    "torch.tensor([[np.int64(3), 1.0]])", "torch.asarray(np.linspace(0, 1, 5))", "torch.tensor(np.array([True, False]))",
    "torch.tensor(np.arange(3) > 1)", "torch.zeros(2).new_tensor(np.zeros(3))", "torch.tensor(np.zeros(3), dtype=torch.float16)",
    "torch.Tensor(np.zeros((2, 3)))", "torch.Tensor(np.arange(3))", "torch.FloatTensor(np.ones((2, 1)))", "torch.LongTensor(np.arange(4))",
    "torch.tensor(deque([1.5, 2.0]))", "torch.as_tensor([deque([1, 2])])", "torch.Tensor(deque([[1], [2]]))",
    "torch.tensor(data=np.arange(3))", "torch.zeros(4)[np.array([0, 1])]", "torch.tensor(np.array(3))",
]  # fmt: skip


RANDOM = [
    "np.random.randn(1, 3, 8, 8)", "np.random.rand(2, 4)", "np.random.choice(np.arange(12), size=5)", "np.random.choice(5, (2, 3))",
    "np.random.uniform(0, 1, (3, 2))", "np.random.normal(size=(3, 2))", "np.random.default_rng(0).normal(size=4)", "np.random.randint(0, 5, (3, 2))",
    "np.random.default_rng(0).integers(5, size=3)", "np.random.RandomState(1).rand(2)", "np.random.permutation(6)", "np.random.permutation(np.ones((3, 2)))",
    "np.random.rand(4, 3).astype(np.float32)", "np.random.rand(4, 3).T", "np.random.rand(4, 3)[:, 1:]", "np.random.rand(4, 3)[0]", "np.random.rand(4, 3).reshape(2, 6)",
    "np.stack([np.random.rand(3), np.random.rand(3)])", "np.expand_dims(np.random.rand(3), 0)", "np.concatenate([np.random.rand(2, 3), np.ones((1, 3))])",
    "np.random.randn(1200, 1000).astype(np.float32)", "np.random.rand()", "np.random.randint(3)", "[np.random.rand(), np.random.uniform()]",
    "np.random.rayleigh(scale=0.5, size=(3, 2))", "np.random.lognormal(mean=0.0, sigma=1.0, size=3)", "np.random.gumbel(size=3)",
    "np.random.chisquare(3, 4)", "np.random.weibull(2.0, (2, 2))", "np.random.triangular(0, 1, 2, size=3)", "np.random.geometric(0.5, 3)",
    "np.random.default_rng(0).vonmises(0.0, 1.0, 3)", "np.random.standard_cauchy(3)",
    "np.random.uniform(np.zeros(3), 1.0)", "np.random.random((2,))", "np.random.standard_normal(3)", "np.random.poisson(2.0, 3)",
    "(np.random.rand(4, 3) * 2 + np.ones((1, 3))).astype(np.float32)", "np.sin(np.random.rand(4, 3))", "np.random.rand(2, 2) > 0.5", "np.clip(np.random.rand(4), 0, 1)",
]  # fmt: skip


def test_tensors_of_random_numbers_have_their_shapes(tmp_path: Path) -> None:
    names = {"float64": "f64", "float32": "f32", "int64": "i64", "bool": "b8"}
    open_types = [
        line
        for line in RANDOM
        if "astype" not in line
        and any(word in line for word in ("sin", "> 0", "clip", "stack", "concat", "rand()", "randint(3)"))
    ]
    for line, found in zip(RANDOM, types(tmp_path, [f"torch.tensor({line})" for line in RANDOM]), strict=True):
        real = torch.tensor(eval(line, {"np": numpy}))
        assert isinstance(found, Tensor), line
        if "zeros(3), 1.0" in line:
            assert found.type.shape is None
            continue
        assert found.type.shape == tuple(real.shape), line
        assert found.type.dtype in (
            (None,) if line in open_types else (names[str(real.dtype).removeprefix("torch.")],)
        ), line


def types(folder: Path, lines: list[str], head: str = "") -> list[Any]:
    path = folder / "script.py"
    names = [f"value_{i}" for i in range(len(lines))]
    path.write_text(
        f"import numpy as np\nimport torch\nfrom collections import deque\n{head}"
        + "".join(f"{n} = {line}\n" for n, line in zip(names, lines))
    )
    _, space = completed(path)
    return [space[name] for name in names]


def test_tensors_of_arrays_are_those_of_torch(tmp_path: Path) -> None:
    names = {"float64": "f64", "float32": "f32", "float16": "f16", "int64": "i64", "uint8": "u8", "bool": "b8"}
    for line, found in zip(EXPRESSIONS, types(tmp_path, EXPRESSIONS), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            real = eval(line, {"np": numpy, "torch": torch, "deque": deque})
        assert isinstance(found, Tensor), line
        kind: TensorType = found.type
        assert (kind.shape, kind.dtype) == (tuple(real.shape), names[str(real.dtype).removeprefix("torch.")]), line
        assert kind.data is None or list(kind.data) == real.flatten().tolist(), line


def test_what_numpy_makes_of_something_unknown_is_unknown_at_once(tmp_path: Path) -> None:
    """Without the question which kinds of values it may be."""
    path = tmp_path / "script.py"
    path.write_text(
        "import numpy as np\nimport foreign\nu = foreign.u\nfound = [np.sin(u), np.power(2, u), 3 / np.power(u, 2), np.zeros(3) * u]\n"
    )
    interp = start(Workspace(tmp_path))
    forked = interp.fork
    asked: list[Any] = []
    interp.fork = lambda *args: asked.append(args) or forked(*args)  # type: ignore[method-assign, func-returns-value]
    done = guarded(interp, lambda: load_file(interp, path, as_main=True))
    assert all(isinstance(value, Unknown) for value in done.result.namespace["found"])
    assert not asked


def test_numbers_of_numpy_are_numbers_to_operations(tmp_path: Path) -> None:
    lines = [
        "torch.zeros(2).masked_fill(torch.ones(2) > 0, np.finfo(np.float32).min)",
        "torch.zeros(2) * np.float64(2)",
    ]
    path = tmp_path / "script.py"
    calls = "".join(f"        x = {line.replace('torch.zeros(2)', 'x')}\n" for line in lines)
    path.write_text(
        "import numpy as np\nimport torch\n\n\nclass Net(torch.nn.Module):\n    def forward(self, x):\n"
        f"{calls}        return x\n\n\nNet()(torch.zeros(2))\n"
    )
    interp = start(Workspace(tmp_path))
    (graph,) = guarded(interp, lambda: load_file(interp, path, as_main=True)).graphs
    given = {call.torch: call.args[-1] for call in graph.calls}
    assert given["torch.Tensor.masked_fill"] == float(numpy.finfo(numpy.float32).min)
    assert given["torch.Tensor.mul"] == 2.0


def test_a_tensor_of_an_object_that_may_hold_numbers_is_unknown(tmp_path: Path) -> None:
    head = "class Held:\n    def __len__(self):\n        return 2\n    def __getitem__(self, at):\n        return [1, 2][at]\n"
    length, found = types(tmp_path, ["len(Held())", "torch.tensor(Held())"], head)
    assert length == 2
    assert isinstance(found, Tensor)
    assert found.type.shape is None
    assert found.type.dtype is None


def test_numbers_of_something_unknown_refuse_nothing(tmp_path: Path) -> None:
    """What is unknown may be an array, of which these make arrays; a number made of it by Python is one."""
    arrays = [
        "np.float32(held)",
        "np.abs(held) / np.sum(np.abs(held))",
        "np.sqrt(held) * 2",
        "held if held else 0.5",
        "1 if held else held",
    ]
    numbers = ["float(held)", "np.float32(float(held))", "np.sqrt(float(held))", "int(np.prod((2, int(held))))"]
    lines = [f"torch.ones(2, 3) * ({value})" for value in (*arrays, *numbers)]
    lines += [f"torch.as_tensor({value})" for value in (*arrays, *numbers)]
    found = types(tmp_path, lines, "import foreign\nheld = foreign.held\n")
    shapes = [one.type.shape if isinstance(one, Tensor) else None for one in found]
    products, made = shapes[: len(lines) // 2], shapes[len(lines) // 2 :]
    assert products == [None] * len(arrays) + [(2, 3)] * len(numbers)
    assert made == [None] * len(arrays) + [()] * len(numbers)


def test_numbers_of_numpy_that_hold_a_symbolic_size(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "import numpy as np\nimport torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        a, b, _ = x.shape\n        n = np.prod((b, 4))\n"
        "        return x.reshape(a, n), torch.zeros(np.prod(x.shape)), torch.zeros(int(n)), x * np.int64(a)\n"
    )
    done = run_entry(Workspace(tmp_path), path, "Net", [InputSpec(("a", "b", 4), "f32")], "iOS18", Limits())
    assert done.errors == []
    assert [str(one.type.shape) for one in done.result] == ["(a, 4*b)", "(4*a*b,)", "(4*b,)", "(a, b, 4)"]


TABLES = """
calls = []
def angle(position, j):
    return position / np.power(10000, 2 * (j // 2) / 256)
def angles(position):
    return [angle(position, j) for j in range(256)]
def noted(position):
    calls.append(position)
    return [float(position)] * 1000
table = np.array([angles(i) for i in range(500)])
table[:, 0::2] = np.sin(table[:, 0::2])
"""


def test_a_large_table_has_its_shape_without_being_worked_out(tmp_path: Path) -> None:
    """Position encodings are written like this; number by number they would take the budget of several models."""
    lines = [
        "torch.tensor(table)", "torch.FloatTensor(table).unsqueeze(0)", "torch.tensor(np.array([angles(i) for i in range(3)]))",
        "torch.tensor(np.asarray([[i * j for j in range(300)] for i in range(300)]))",
        "torch.tensor(np.array([[i * j for j in range(300)] for i in range(300)], dtype=np.float32))",
        "len([np.array([noted(i) for i in range(60)])] and calls)",
    ]  # fmt: skip
    small, *found = types(tmp_path, ["3", *lines], TABLES)
    assert small == 3
    scope: dict[str, Any] = {"np": numpy, "torch": torch}
    exec(TABLES, scope)
    names = {"float64": "f64", "float32": "f32", "int64": "i64"}
    for line, value in zip(lines[:-1], found):
        real = eval(line, scope)
        assert (value.type.shape, value.type.dtype) == (
            tuple(real.shape),
            names[str(real.dtype).removeprefix("torch.")],
        ), line
    assert found[-1] == 60  # what can be noticed is followed


def test_a_large_table_costs_next_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(f"import numpy as np\n{TABLES}".replace("range(500)", "range(50_000)"))
    run, _ = completed(path)
    assert run.interp.steps < 400_000


def test_what_is_made_of_a_tensor_s_numbers_has_torch_s_shape(tmp_path: Path) -> None:
    """Which numbers they are is not known, how many is; their type is where torch does not look at them for it."""
    head = "x = torch.randint(1, 9, (7,))\ny = torch.rand(2, 3)\n"
    typed = [
        "torch.from_numpy(x.numpy())", "torch.tensor(y.numpy())", "torch.from_numpy(y.half().numpy()).permute(1, 0)",
        "torch.from_numpy((y > 0).numpy())", "torch.LongTensor([[0, *x.numpy(), 0]])", "torch.LongTensor([[0, *x.tolist()]])",
        "torch.LongTensor([int(one) for one in x.numpy()])", "torch.from_numpy(torch.rand(1, 3, 224, 224).numpy())",
        "torch.tensor(y.tolist(), dtype=torch.float32)", "torch.full((2,), x[0].tolist(), dtype=torch.float32)",
    ]  # fmt: skip
    untyped = [
        "torch.tensor(y.tolist())",
        "torch.tensor([0, *x.numpy()])",
        "torch.tensor([len(x.tolist()), *x[:3].tolist()])",
    ]
    found = types(tmp_path, [*typed, *untyped], head)
    space: dict[str, Any] = {"torch": torch}
    exec(head, space)
    for line, one in zip([*typed, *untyped], found, strict=True):
        real = eval(line, space)
        assert isinstance(one, Tensor), line
        assert one.type.shape == tuple(real.shape), line
        dtype = TORCH_DTYPE[one.type.dtype] if one.type.dtype else None
        assert dtype in (str(real.dtype).removeprefix("torch."), *([None] if line in untyped else [])), line
    many = types(tmp_path, ["torch.rand(300).tolist()", "torch.zeros(3, 2).tolist()"], "")
    assert isinstance(many[0], Unknown)
    assert many[1] == [[0.0, 0.0]] * 3


def test_arrays_of_numbers_nobody_knows_have_their_shapes(tmp_path: Path) -> None:
    head = "numbers = [float(torch.rand(())) for _ in range(300)]\n"
    lines = [
        "torch.tensor(np.array(numbers), dtype=torch.float32)", "torch.tensor(np.array([numbers, numbers]), dtype=torch.float32)",
        "torch.tensor(np.array([1.0, numbers[0]]), dtype=torch.float32)", "torch.from_numpy(np.array(numbers) * 2)",
        "torch.from_numpy(np.array([np.zeros(3), np.ones(3)]))", "torch.from_numpy(np.array((range(4), [1, 2, 3, 4])))",
    ]  # fmt: skip
    space: dict[str, Any] = {"torch": torch, "np": numpy}
    exec(head, space)
    for line, found in zip(lines, types(tmp_path, lines, head), strict=True):
        assert isinstance(found, Tensor), line
        assert found.type.shape == tuple(eval(line, space).shape), line


def test_arrays_of_what_nobody_knows_cost_next_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "import nowhere\nimport numpy as np\ntable = np.zeros((8, 8))\nfor i in range(8):\n"
        "    row = np.flip(np.sqrt(2 * i + 1) * np.array(nowhere.row(i)).astype(np.float64))\n"
        "    table[i, :i + 1] = row\n    table[i] -= (row * 1 / (np.arange(len(row)) + 1)).sum() * table[0]\n"
        "many = np.array([nowhere.item(i) for i in range(1000)])\n"
    )
    run, _ = completed(path)
    assert run.interp.steps < 12_000


NUMBERS = [
    "np.float32(2) + 1", "np.int32(7) // 2", "np.array([1, 2])[0]", "np.array([1.5])[0].astype(np.int64)", "np.asarray(3, dtype=np.uint8)[()]",
    "np.arange(4, dtype=np.int32).tolist()", "np.array([True, False]).astype(np.float32).tolist()", "np.float64(1) == np.array([1.0])[0]",
    "np.array([[1, 2], [3, 4]]).sum()", "np.array([0.5, 2.5]).astype(np.int64).tolist()", "np.max([1, 5.5])",
    "(2 - np.arange(4) * 3).tolist()", "(7 // np.array([2, 4])).tolist()", "(np.arange(6).reshape(2, 3) % 4).tolist()",
    "(np.ones((2, 3)) - np.arange(6).reshape(2, 3)).tolist()", "(np.ones((2, 1)) + np.arange(3)).tolist()", "(np.arange(4) / 2).tolist()",
    "(np.array([True, False]) + np.array([1, 2])).tolist()", "(np.float32(2) * np.arange(3)).tolist()", "(np.arange(60_000) + 1).shape",
    "np.arange(24).reshape(2, 3, 4)[1, ..., -1].tolist()", "np.arange(24).reshape(2, 3, 4)[:, None, ::2, 1].shape", "np.arange(6).reshape(2, 3)[1, 2]",
    "np.arange(24).reshape(2, 3, 4)[0, ::-1, 1:3].tolist()", "np.arange(6).reshape(2, 3)[None].shape", "np.arange(6).reshape(2, 3)[...].tolist()",
    "np.arange(6, dtype=np.float32).reshape(2, 3)[:, 5:].shape",
]  # fmt: skip


def test_numbers_of_arrays_are_those_of_numpy(tmp_path: Path) -> None:
    for line, found in zip(NUMBERS, types(tmp_path, [f"[{line}]" for line in NUMBERS]), strict=True):
        (value,) = found
        plain = value.data if hasattr(value, "cls") else value
        real = eval(line, {"np": numpy})
        assert plain == (real.item() if hasattr(real, "item") else real), line
        assert type(plain) is type(real.item() if hasattr(real, "item") else real), line
