"""``x.view(*sizes, 4)`` where nobody knows how many sizes there are: what is said of the result holds for any number of them."""

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import TORCH_DTYPE, Unknown, dims
from ane_lsp.interp.run import run_script
from ane_lsp.interp.values import Tensor
from ane_lsp.workspace import Workspace

torch = pytest.importorskip("torch", reason="torch is not installed: shapes are not compared with it")

CALLS: dict[str, list[tuple[Any, ...]]] = {
    "x.reshape(*given, 4)": [(2, 3), (6,), (1, 2, 3)],
    "x.view(*given)": [(24,), (4, 6)],
    "x.transpose(*given)": [(0, 1), (1, 2)],
    "x.permute(*given, 2)": [(0, 1), (1, 0)],
    "x.expand(*given, 4)": [(2, 3), (5, 2, 3)],
    "x.repeat(*given, 1)": [(1, 1), (2, 3, 1)],
    "x.squeeze(*given)": [(), (0,)],
    "x.unsqueeze(*given)": [(0,), (2,)],
    "x.flip(*given)": [(0,), (0, 1)],
    "x.mean(*given)": [(), (0,), ((0, 1), True)],
    "x.flatten(*given)": [(), (1,), (0, 1)],
    "x.movedim(*given)": [(0, 1), ((0, 1), (2, 0))],
    "torch.zeros(*given, 5)": [(), (2,), (2, 3)],
    "torch.ones(3, *given)": [(), (2, 3)],
    "torch.reshape(*given)": [(torch.zeros(6), (2, 3)), (torch.zeros(4), (4, 1))],
    "torch.cat(*given)": [([torch.zeros(2, 3)] * 2,), ([torch.zeros(2, 3)] * 2, 1)],
    "torch.nn.functional.pad(x, *given)": [((1, 1),), ((1, 1, 2, 2), "constant", 0.0)],
    "torch.nn.functional.interpolate(x, *given)": [(8,), (None, 2.0)],
    "torch.nn.functional.max_pool1d(x, *given)": [(2,), (2, 1), (3, 1, 1)],
    "torch.einsum('abc,cd->abd', x, *given)": [(torch.zeros(4, 2),), (torch.zeros(4, 7),)],
}


def said_of(folder: Path, call: str) -> Unknown | Tensor:
    """What a call gives whose arguments `given` nobody knows; the script goes on behind it."""
    script = folder / "script.py"
    script.write_text(
        f"import torch\nfrom not_installed import given\nx = torch.zeros(2, 3, 4)\ny = {call}\nz = torch.zeros(1)\n"
    )
    run = run_script(Workspace(folder), script)
    assert run.errors == []
    assert not run.internal
    found = run.interp.modules["script"].namespace["y"]
    assert isinstance(found, (Unknown, Tensor))
    return found


@pytest.mark.parametrize("call", CALLS)
def test_what_is_said_holds_for_any_number_of_arguments(tmp_path: Path, call: str) -> None:
    found = said_of(tmp_path, call)
    told = None if isinstance(found, Unknown) else found.type.shape
    for given in CALLS[call]:
        real = eval(call, {"torch": torch, "x": torch.zeros(2, 3, 4), "given": given}).shape
        if told is not None:
            assert len(told) == len(real)
            assert all(not dims.is_known(said) or said == size for said, size in zip(told, real))


NAMED: dict[str, list[dict[str, Any]]] = {
    "torch.cat([x, x], **given)": [{}, {"dim": 1}],
    "torch.cat([x, x], 1, **given)": [{}],
    "x.sum(1, **given)": [{}, {"keepdim": True}, {"dtype": torch.float64}],
    "x.view(2, 12, **given)": [{}],
    "torch.sum(x, **given)": [{}, {"axis": 0}, {"dim": (0, 1), "keepdims": True}],
    "torch.nn.functional.interpolate(x, **given)": [{"size": 8}, {"scale_factor": 2.0}],
    "torch.zeros(2, 3, **given)": [{}, {"dtype": torch.int64}],
    "torch.einsum('abc->cab', x, **given)": [{}],
    "torch.nn.functional.softmax(x, **given)": [{"dim": 1}, {"dim": -1, "dtype": torch.float64}],
    "x.to(**given)": [{"dtype": torch.float16}, {"device": "cpu"}],
    "torch.arange(12, **given)": [{}, {"dtype": torch.float32}],
}


@pytest.mark.parametrize("call", NAMED)
def test_what_is_said_holds_for_any_named_arguments(tmp_path: Path, call: str) -> None:
    found = said_of(tmp_path, call)
    for given in NAMED[call]:
        real = eval(call, {"torch": torch, "x": torch.zeros(2, 3, 4), "given": given})
        if isinstance(found, Tensor) and found.type.shape is not None:
            assert len(found.type.shape) == len(real.shape)
            told = zip(found.type.shape, real.shape)
            assert all(not dims.is_known(said) or said == size for said, size in told)
        if isinstance(found, Tensor) and isinstance(found.type.dtype, str):
            assert getattr(torch, TORCH_DTYPE[found.type.dtype]) == real.dtype


def test_padding_by_nobody_knows_how_much_keeps_the_number_of_axes(tmp_path: Path) -> None:
    for call in ("F.pad(x, given)", "F.pad(x, given.pad, mode='reflect')", "F.pad(x, [given, 1])"):
        found = said_of(tmp_path, call.replace("F.", "torch.nn.functional."))
        assert isinstance(found, Tensor)
        assert found.type.rank == 3
