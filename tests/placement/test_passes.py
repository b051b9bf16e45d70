"""What the converter's passes leave of the source's operations; the benchmarks compare the same with real conversions."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.graph import Call, Op, Span, TensorType, Value
from ane_lsp.placement import passes
from ane_lsp.placement.chain import chain
from ane_lsp.workspace import Settings, Workspace

_CALL = Call(0, "torch.Tensor.view", "method", Span("net.py", 1, 0, 1, 1), "forward", "", (), {}, {}, None)


def kinds(tmp_path: Path, body: str, *inputs: str) -> list[str]:
    names = [f"x{i}" for i in range(len(inputs))]
    source = (
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, "
        + ", ".join(names)
        + "):\n"
    )
    source += "".join(f"        {line}\n" for line in body.splitlines())
    path = tmp_path / "net.py"
    path.write_text(source + f"\n\nNet()({', '.join(inputs)})\n")
    (graph,) = analyze(path, Workspace(tmp_path), Settings()).graphs
    return [op.kind for op in chain(graph)]


def test_a_division_by_a_number_is_a_product(tmp_path: Path) -> None:
    assert kinds(tmp_path, "return x0 / 8.0", "torch.randn(2, 3)") == ["mul"]
    assert kinds(tmp_path, "return x0 / x1", "torch.randn(2, 3)", "torch.randn(2, 3)") == ["real_div"]


def test_a_swap_of_the_last_axes_goes_into_the_product(tmp_path: Path) -> None:
    assert kinds(tmp_path, "return x0 @ x0.transpose(-1, -2)", "torch.randn(2, 3, 4)") == ["matmul"]
    assert kinds(tmp_path, "y = x0.transpose(-1, -2)\nreturn x0 @ y, y", "torch.randn(2, 3, 4)") == [
        "transpose",
        "matmul",
    ]
    body = "return x0.permute(1, 0, 2) @ x1"
    assert kinds(tmp_path, body, "torch.randn(2, 3, 4)", "torch.randn(4, 5)") == ["transpose", "matmul"]


def test_reshapes_and_permutations_in_a_row_are_one(tmp_path: Path) -> None:
    assert kinds(tmp_path, "return x0.view(6, 4).view(24)", "torch.randn(2, 3, 4)") == ["reshape"]
    assert kinds(tmp_path, "return x0.view(2, 3, 4) + 1", "torch.randn(2, 3, 4)") == ["add"]
    assert kinds(tmp_path, "return x0.permute(1, 0, 2).permute(0, 2, 1)", "torch.randn(2, 3, 4)") == ["transpose"]
    assert kinds(tmp_path, "return x0.permute(1, 0, 2).permute(1, 0, 2) + 1", "torch.randn(2, 3, 4)") == ["add"]


def test_indices_of_the_run_are_guarded_once(tmp_path: Path) -> None:
    body = "table = torch.ones(5, 8)\nreturn table[x0] + table[x0]"
    found = kinds(tmp_path, body, "torch.zeros(3, dtype=torch.long)")
    assert found.count("greater_equal") == 1
    assert found[:3] == ["greater_equal", "add", "select"]


def test_equal_operations_are_computed_once(tmp_path: Path) -> None:
    assert kinds(tmp_path, "return torch.sigmoid(x0) * torch.sigmoid(x0)", "torch.randn(2, 3)") == ["sigmoid", "mul"]


def test_windows_of_six_axes_become_steps_of_five_at_most(tmp_path: Path) -> None:
    body = "y = x0.view(1, 2, 4, 2, 4, 16)\nreturn y.permute(0, 1, 3, 2, 4, 5).reshape(4, 4, 4, 16)"
    assert kinds(tmp_path, body, "torch.randn(1, 8, 8, 16)") == ["reshape", "transpose", "reshape"]


@pytest.mark.parametrize("seed", range(30))
def test_the_steps_move_data_as_the_permutation_did(seed: int) -> None:
    numpy = pytest.importorskip("numpy", reason="needs arrays to compare")
    random.seed(seed)
    rank = random.randint(6, 8)
    shape = tuple(random.choice((1, 2, 3)) for _ in range(rank))
    perm = tuple(random.sample(range(rank), rank))
    data = numpy.arange(numpy.prod(shape))
    x = Value(0, TensorType((data.size,), "f16"), "input")
    wide = Value(1, TensorType(shape, "f16"), "op")
    turned = Value(2, TensorType(tuple(shape[p] for p in perm), "f16"), "op")
    flat = Value(3, TensorType((data.size,), "f16"), "op")
    ops = [
        Op(0, "reshape", {"x": x}, {"shape": shape}, (wide,), _CALL),
        Op(1, "transpose", {"x": wide}, {"perm": perm}, (turned,), _CALL),
        Op(2, "reshape", {"x": turned}, {"shape": (data.size,)}, (flat,), _CALL),
    ]
    values = {0: data}
    for op in passes.expand_high_rank_reshape_and_transpose(ops, frozenset({3})):
        given = values[op.inputs["x"].id]  # type: ignore[union-attr]
        made = given.reshape(op.attrs["shape"]) if op.kind == "reshape" else given.transpose(op.attrs["perm"])
        assert made.ndim <= 5
        assert made.shape == op.outputs[0].type.shape
        values[op.outputs[0].id] = made
    assert (values[3] == data.reshape(shape).transpose(perm).reshape(-1)).all()
