"""Which attributes tensors have, against torch."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: attribute names are not compared with it")

from ane_lsp.torch_model import registry  # noqa: E402
from ane_lsp.torch_model.tensor_names import UNMODELLED  # noqa: E402


def test_unmodelled_names_are_torchs() -> None:
    assert set(dir(torch.Tensor)) >= UNMODELLED
    assert not [name for name in UNMODELLED if registry.find(f"torch.Tensor.{name}") is not None]


def test_every_public_name_is_one_or_the_other() -> None:
    from ane_lsp.interp import tensor_attributes as attributes

    known = {*attributes.ATTRIBUTES, *attributes.INERT, *attributes.READ, *UNMODELLED}
    public = {name for name in dir(torch.Tensor) if not name.startswith("_")}
    assert not {name for name in public - known if registry.find(f"torch.Tensor.{name}") is None}
