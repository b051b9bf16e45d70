"""Which attributes tensors have, against torch."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: attribute names are not compared with it")

from ane_lsp.interp.run import run_script  # noqa: E402
from ane_lsp.torch_model import registry  # noqa: E402
from ane_lsp.torch_model.tensor_names import UNMODELLED  # noqa: E402
from ane_lsp.workspace import Workspace  # noqa: E402


def test_unmodelled_names_are_torchs() -> None:
    assert set(dir(torch.Tensor)) >= UNMODELLED
    assert not [name for name in UNMODELLED if registry.find(f"torch.Tensor.{name}") is not None]


def test_every_public_name_is_one_or_the_other() -> None:
    from ane_lsp.interp import tensor_attributes as attributes

    known = {*attributes.ATTRIBUTES, *attributes.INERT, *attributes.READ, *UNMODELLED}
    public = {name for name in dir(torch.Tensor) if not name.startswith("_")}
    assert not {name for name in public - known if registry.find(f"torch.Tensor.{name}") is None}


def test_the_class_of_tensors_has_what_tensors_have(tmp_path: Path) -> None:
    """``torch.Tensor.permute(x, 1, 0)``: methods take the tensor first; what torch has besides is unknown, and nothing else is there."""
    names = [name for name in dir(torch.Tensor) if name.isidentifier()]
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\n"
        + "".join(f"has_{name} = torch.Tensor.{name}\n" for name in names)
        + "moved = torch.Tensor.permute(torch.zeros(2, 3), 1, 0)\n"
        + "kept = torch.Tensor.requires_grad_(torch.zeros(2, 3))\n"
        + "other = hasattr(torch.Tensor, 'never_heard_of'), hasattr(torch.nn.Parameter, 'view')\n"
        + "found = {torch.matmul: 1, torch.Tensor.matmul: 2}[torch.Tensor.matmul]\n"
    )
    run = run_script(Workspace(tmp_path), script)
    assert run.errors == []
    told = run.interp.modules["script"].namespace
    assert (told["moved"].type.shape, told["kept"].type.shape) == ((3, 2), (2, 3))
    assert (told["other"], told["found"]) == ((False, True), 2)
