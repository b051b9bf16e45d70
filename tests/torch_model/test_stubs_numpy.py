"""The small numpy, against the real one: what constructors compute with it comes out the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import Unknown
from ane_lsp.interp.values import Instance
from tests.torch_model import stub_harness

numpy = pytest.importorskip("numpy", reason="compares the numpy stub with the real package")

EXPRESSIONS = [
    "np.flip([1, 2, 3]).tolist()", "np.flip(np.arange(6).reshape(2, 3)).tolist()", "np.flip(np.arange(6).reshape(2, 3), -1).tolist()",
    "np.flip(np.arange(6).reshape(1, 2, 3), (0, 2)).tolist()", "np.flipud(np.arange(6).reshape(2, 3)).tolist()", "np.fliplr(np.arange(6).reshape(2, 3)).tolist()",
    "np.convolve([1, 2, 3], [0, 1, 0.5]).tolist()", "np.convolve(np.arange(4), [2]).tolist()", "np.convolve([1.0], [1, 2, 3]).shape",
    "np.linspace(0, 0.3, 4).tolist()", "[x.item() for x in np.linspace(0, 0.1, 7)]", "np.linspace(1, 5, 5, endpoint=False).tolist()", "np.linspace(0.0, 1.0, 1).tolist()",
    "np.arange(5).tolist()", "np.arange(1, 10, 3).tolist()", "np.arange(0.0, 1.0, 0.25).tolist()", "np.arange(3, dtype=np.float32).tolist()",
    "np.prod([2, 3, 4])", "int(np.prod((2, 3)))", "np.sum([1.5, 2])", "np.mean([1, 2, 4])", "np.max([1, 5, 2])", "np.min(np.array([3, 1]))",
    "np.ceil(2.1)", "int(np.floor(7 / 2))", "np.sqrt(16)", "np.log2(8)", "np.log(np.e)", "np.exp(1.0)", "np.power(2, 10)", "np.round(2.567, 2)", "np.abs(-3)", "np.pi * 2",
    "np.cumsum([1, 2, 3]).tolist()", "np.cumsum([0.5, 0.25])[-1].item()", "np.array([[1, 2], [3, 4]]).shape", "np.array([[1, 2], [3, 4]]).T.tolist()", "np.array([1, 2, 3])[1:].tolist()",
    "np.array([1, 2, 3])[-1].item()", "np.array([[1, 2], [3, 4]])[1, 0].item()", "np.array([4, 5, 6])[np.array([True, False, True])].tolist()", "np.array([4, 5, 6])[[2, 0]].tolist()",
    "(np.array([1, 2, 3]) * 2 + 1).tolist()", "(np.array([1, 2]) / np.array([2, 4])).tolist()", "(2 ** np.arange(4)).tolist()", "(np.array([[1, 2], [3, 4]]) - np.array([1, 1])).tolist()",
    "(1 - np.array([0.25, 0.5])).tolist()", "(np.array([5, 7]) // 2).tolist()", "(np.array([5, 7]) % 3).tolist()", "(np.arange(4) > 1).tolist()", "(-np.arange(3)).tolist()",
    "np.clip(np.array([1, 5, 9]), 2, 6).tolist()", "np.clip(7, 0, 5)", "np.maximum(3, np.array([1, 5])).tolist()", "np.concatenate([[1], [2, 3]]).tolist()", "np.stack([np.arange(2), np.arange(2)]).shape",
    "np.zeros((2, 3)).shape", "np.zeros(3).tolist()", "np.ones((2, 2)).tolist()", "np.full((2,), 7).tolist()", "np.eye(2).tolist()", "np.zeros_like(np.array([1, 2])).tolist()", "len(np.zeros((4, 2)))",
    "np.append(np.arange(3), 7).tolist()", "np.append([[1, 2]], [3]).tolist()", "np.append(np.zeros((1, 2)), np.ones((2, 2)), axis=0).tolist()", "np.append([[1], [2]], [[3], [4]], axis=0).shape",
    "np.transpose([[1, 2], [3, 4]]).tolist()", "np.transpose(np.arange(24).reshape(2, 3, 4), (2, 0, 1)).tolist()", "np.transpose(np.ones((2, 3, 4))).shape", "np.exp2([0.0, 1.0, 3.0]).tolist()", "np.exp2(0.5)",
    "np.array([1.5, 2.5]).astype(int).tolist()", "np.array([1, 2]).astype(np.float32).tolist()", "np.unique([3, 1, 3]).tolist()", "np.argmax([1, 9, 3])", "np.argsort([3, 1, 2]).tolist()", "np.sort([3, 1, 2]).tolist()",
    "np.array([1, 2, 3]).sum()", "np.array([1, 2, 3]).mean()", "np.array([1, 2, 3]).max()", "np.arange(6).reshape(2, 3).tolist()", "np.arange(6).reshape((3, -1)).shape", "np.arange(6).reshape(2, 3)[1].tolist()",
    "(np.array([[1, 2], [3, 4]]) @ np.array([[1, 0, 2], [0, 1, 2]])).tolist()", "(np.arange(3) @ np.arange(3))", "(np.arange(6).reshape(2, 3) @ np.arange(3)).tolist()", "([1, 2] @ np.eye(2)).tolist()",
    "np.matmul(np.arange(3), np.arange(6).reshape(3, 2)).tolist()", "np.dot(np.eye(2), [[1, 2], [3, 4]]).tolist()", "np.dot(2, [1, 2]).tolist()", "np.ones((2, 3)) @ np.ones((2, 3))",
    "(~np.array([True, False])).tolist()", "(~np.array([1, 2])).tolist()", "((np.arange(3) > 0) & (np.arange(3) < 2)).tolist()", "((np.arange(3) > 1) | (np.arange(3) < 1)).tolist()", "(np.array([5, 3]) ^ 1).tolist()",
    "1 if np.array([0]) else 2", "1 if np.arange(2) else 2", "int(np.array([3.5]))", "float(np.array(2))", "(7 // np.array([2, 3])).tolist()", "(7 % np.array([2, 4])).tolist()",
    "np.where(np.array([True, False]), 1, 2).tolist()", "np.outer([1, 2], [3, 4]).tolist()", "np.dot([1, 2], [3, 4])", "np.repeat([1, 2], 2).tolist()", "np.tile([1, 2], 2).tolist()", "np.diff([1, 4, 9]).tolist()",
    "isinstance(np.linspace(0, 1, 2), np.ndarray)", "np.isscalar(3)", "np.ndim([[1]])", "np.all([True, False])", "np.any([True, False])", "np.allclose([1.0], [1.0 + 1e-9])", "np.array_equal([1, 2], [1, 2])",
    "np.finfo(np.float32).max", "np.finfo(np.float32).eps", "np.iinfo(np.int32).max", "np.iinfo(np.uint8).min", "np.inf > 1", "np.deg2rad(180.0)", "np.meshgrid([1, 2], [3, 4, 5])[0].shape", "np.meshgrid(np.arange(2), np.arange(3), indexing='ij')[1].tolist()",
    "np.int64(3) + 1", "np.float32(0.5) * 2", "int(np.int32(7)) // 2", "[0] * np.int64(3)", "list(range(np.int64(3)))", "f'{np.float64(1.5):.2f}'", "np.array(3).shape", "np.array([1, 2]) .size", "np.array([[1, 2]]).ndim",
    "np.array([1, 2], dtype=np.float32)[0].item()", "np.expand_dims(np.arange(3), 0).shape", "sum(np.array([1, 2, 3]))", "max(np.array([1, 5, 2]))", "[int(x) for x in np.array([1.7, 2.2])]", "np.array([1, 2]).flatten().tolist()",
    "str(np.arange(4.0).tolist())", "str((np.arange(0, 3.0) * 2).tolist())", "str(np.arange(2, 5.0, 1).tolist())", "str(np.full(2, True).tolist())", "str(np.full((2, 1), 3).tolist())",
    "str(np.sqrt([4.0, -1.0, 0.0]).tolist())", "str(np.log([1.0, 0.0, -1.0]).tolist())", "str(np.log2(np.zeros(1)).tolist())", "str(np.log1p([-1.0, -2.0]).tolist())", "str(np.exp([0.0, 1000.0]).tolist())",
    "str((np.array([1.0, -1.0, 0.0]) / np.zeros(3)).tolist())", "str((1 / np.arange(2.0)).tolist())", "str(np.divide([1.0], [0.0]).tolist())", "str((np.zeros(2) ** -1.0).tolist())", "str((np.array([10.0]) ** 400).tolist())",
    "np.sqrt(np.array([9.0, 1.0])).tolist()", "np.arange(6).reshape(5, 2)", "np.arange(3)[7]",
    "np.arange(6).reshape(2, 3).sum(axis=0).tolist()", "np.arange(6).reshape(2, 3).max(1).tolist()", "np.mean(np.arange(24).reshape(2, 3, 4), axis=(0, 2)).tolist()", "np.sum(np.ones((2, 3)), axis=1, keepdims=True).shape",
    "np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1).tolist()", "(np.arange(3)[:, None] - np.arange(4)).tolist()", "np.arange(6).reshape(2, 3)[:, 1].tolist()", "np.arange(24).reshape(2, 3, 4)[..., -1].tolist()", "np.arange(24).reshape(2, 3, 4)[1, 1:, ::2].tolist()", "np.arange(3)[None].shape", "np.arange(6).reshape(2, 3)[-1, -1]", "np.arange(6).reshape(2, 3)[2, 0]", "np.arange(3)[0, 0]", "np.ones((2, 3)) + np.ones((4, 3))",
    "np.argmax(np.array([[1, 5], [7, 2]]), axis=1).tolist()", "np.where(np.array([[True], [False]]), np.arange(3), 9).tolist()", "np.broadcast_to(np.arange(3), (2, 3)).tolist()", "np.any(np.array([[True], [False]]), axis=1).tolist()",
    "np.atleast_1d(3).tolist()", "np.atleast_1d((3, 5)).tolist()", "np.atleast_1d(np.ones((2, 3))).shape", "np.atleast_2d([1, 2]).shape", "np.atleast_2d(4).tolist()",
    "tuple(int(p) for p in (np.atleast_1d((3, 5)) - 1) / 2 * np.atleast_1d(1))", "[a.shape for a in np.atleast_1d(1, [2, 3])]",
    "np.array(['low', 'high'])[np.argsort([2, 1])].tolist()", "list(np.array(['a', 'b'])[::-1])", "np.array(['a', 'b', 'a'])[0]", "np.array(['a', 'b']).shape",
    "np.array(['1.5', '2']).astype(float).tolist()", "np.array([None, 1.5, None]).tolist()", "np.array(['a', None]).size",
    "np.finfo(np.float32).eps.item()", "np.finfo(np.float64).max.item()", "-np.finfo(np.float16).min", "np.finfo(np.float32).tiny * 2",
    "put(np.arange(4), slice(1, 3), 9)", "put(np.arange(4), slice(-2, None), [7, 8])", "put(np.arange(6).reshape(2, 3), (slice(None), 1), 0)", "put(np.zeros((2, 2)), (0, 1), 3)",
    "put(np.arange(6).reshape(2, 3), 1, [5, 6, 7])", "put(np.arange(4), np.array([True, False, True, False]), -1)", "put(np.arange(4), [0, 2], [8, 9])", "put(np.arange(3), slice(None), 2.7)",
    "put(np.zeros((2, 3)), (Ellipsis, 0), np.arange(2))", "put(np.arange(4), slice(0, 2), [1, 2, 3])", "put(np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3) > 3, 0)",
    "np.arange(6).reshape(2, 3)[np.arange(6).reshape(2, 3) % 2 == 0].tolist()", "np.arange(5)[np.array([[0, 1], [2, 3]])].tolist()", "np.arange(6).reshape(3, 2)[np.array([[0, 2]])].shape",
    "[each.tolist() for each in np.ogrid[-2:3, 0:2]]", "np.ogrid[1:2:3j].tolist()", "[each.shape for each in np.ogrid[:2, :3, :4]]", "np.mgrid[-1:2, 0:4:2].tolist()", "np.mgrid[:3].tolist()",
    "np.mgrid[0:1:3j, 0:2].shape", "np.r_[0, [2, 3], 5:8].tolist()", "np.r_[np.arange(3), 0.5].tolist()", "np.r_[1:4].tolist()",
    # widths of a RegNet
    "(np.round(np.divide(24 * np.power(2.2, np.round(np.log((np.arange(6) * 2.5 + 24) / 24) / np.log(2.2))), 8)) * 8).astype(int).tolist()",
]  # fmt: skip


PUT = """def put(array, index, value):
    array[index] = value
    return array.tolist()
"""


def _theirs(value: Any) -> Any:
    return value.item() if isinstance(value, numpy.generic) else value


def _ours(value: Any) -> Any:
    if isinstance(value, Instance):
        return value.data
    if isinstance(value, (list, tuple)):
        return type(value)(_ours(v) for v in value)
    return value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=1e-12) or left == right
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> stub_harness.Interpreted:
    return stub_harness.Interpreted(Path(tmp_path_factory.mktemp("numpy")))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(expression: str, interpreted: stub_harness.Interpreted) -> None:
    try:
        scope: dict[str, Any] = {"np": numpy}
        exec(PUT, scope)
        theirs, failed = _theirs(eval(expression, scope)), None
    except Exception as error:
        theirs, failed = None, type(error).__name__
    run, names = interpreted.run(f"import numpy as np\n{PUT}out = {expression}")
    if failed is not None:
        assert any(failed in text for text, _ in run.errors), run.errors
        return
    assert not run.errors
    assert _same(theirs, _ours(names["out"])), f"numpy {theirs!r}, here {names['out']!r}"


@pytest.mark.parametrize(
    "expression",
    [
        "np.random.dirichlet([1, 2])",
        "np.fft.rfft([1.0])",
        "np.load('x.npy')",
        "np.pad([1], 1)",
        "np.concatenate([[[1]], [[2]]], axis=1)",
        "np.cumsum([[1, 2]], axis=1)",
        "np.sort([[2, 1]])",
        "np.arange(3).argpartition(1)",
        "np.float32(1).view(np.int32)",
    ],
)
def test_what_is_not_modelled_is_unknown(expression: str, interpreted: stub_harness.Interpreted) -> None:
    run, names = interpreted.run(f"import numpy as np\nout = {expression}")
    assert not run.errors
    assert isinstance(names["out"], Unknown)


@pytest.mark.parametrize(
    "expression",
    [
        "np.where(np.arange(300).reshape(300, 1) > np.arange(300), 1, 2.5)",
        "np.outer(np.arange(300), np.arange(300))",
        "np.broadcast_to(np.ones(300), (300, 300))",
        "np.arange(300).reshape(300, 1) * np.arange(300)",
        "np.ones((2, 300, 300)).transpose(2, 0, 1)",
        "np.zeros((300, 2, 300), int).sum(axis=1)",
        "np.ones((300, 300)).max(0, keepdims=True)",
        "np.eye(300, 400)",
        "np.arange(0, 60_000)",
        "np.arange(0, 60_000, 0.5)",
        "np.concatenate([np.arange(30_000), np.arange(30_000) / 2, np.eye(300).flatten()])",
    ],
)
def test_elements_of_large_results_are_not_worked_out(expression: str, interpreted: stub_harness.Interpreted) -> None:
    run, names = interpreted.run(f"import numpy as np\nout = {expression}\ndtype = out.dtype.__name__")
    assert not run.errors
    real = eval(expression, {"np": numpy})
    assert (names["out"].attrs["shape"], names["dtype"]) == (real.shape, real.dtype.name)
    assert isinstance(names["out"].attrs["_data"][0], Unknown)


@pytest.mark.parametrize(
    "expression",
    [
        "np.arange(4.0).reshape(2, 2) + 1j * np.arange(2)",
        "np.exp(-2j * np.pi * np.arange(6).reshape(2, 3))",
        "np.abs(np.arange(3) * 1j)",
        "np.array([[1j, 2.0]])",
        "np.full((2, 3), 1j)",
        "np.zeros(3, dtype=complex)",
        "np.power(complex(0, -1), np.arange(3))",
    ],
)
def test_of_complex_numbers_only_the_shape_is_known(expression: str, interpreted: stub_harness.Interpreted) -> None:
    run, names = interpreted.run(
        f"import numpy as np\nimport torch\nout = {expression}\ntensor = torch.from_numpy(out)"
    )
    assert not run.errors
    assert names["tensor"].type.shape == eval(expression, {"np": numpy}).shape
    assert names["tensor"].type.dtype is None
