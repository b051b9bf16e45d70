"""torchvision's operators: results written out from its documentation (its kernels need a matching binary)."""

from __future__ import annotations

from typing import Any

import pytest

from ane_lsp.graph import TensorType, dims
from ane_lsp.torch_model import registry
from ane_lsp.torch_model.registry import TorchError

B, K = dims.symbol("B"), dims.symbol("K")


def infer(name: str, *args: Any) -> Any:
    decl = registry.find(f"torch.ops.torchvision.{name}")
    assert decl is not None
    return decl.infer(args, {})


def f32(*shape: Any) -> TensorType:
    return TensorType(shape, "f32")


def test_nms_gives_indices_of_unknown_number() -> None:
    found = infer("nms", f32(7, 4), f32(7), 0.5)
    assert found.dtype == "i64"
    assert len(found.shape) == 1
    assert not dims.is_known(found.shape[0])


def test_roi_pooling() -> None:
    assert infer("roi_align", f32(B, 256, 50, 50), f32(K, 5), 0.25, 7, 7, 2, True) == f32(K, 256, 7, 7)
    assert infer("roi_pool", f32(B, 256, 50, 50), f32(K, 5), 0.25, 7, 7) == (
        f32(K, 256, 7, 7),
        TensorType((K, 256, 7, 7), "i32"),
    )
    assert infer("ps_roi_align", f32(B, 490, 14, 14), f32(K, 5), 0.25, 7, 7, 2)[0] == f32(K, 10, 7, 7)
    assert infer("ps_roi_pool", f32(B, 490, 14, 14), f32(K, 5), 0.25, 7, 7)[0] == f32(K, 10, 7, 7)


def test_deformable_convolution() -> None:
    args = (1, 1, 1, 1, 1, 1, 1, 1, False)
    assert infer("deform_conv2d", f32(B, 3, 10, 10), f32(5, 3, 3, 3), f32(B, 18, 10, 10), None, None, *args) == f32(
        B, 5, 10, 10
    )


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("nms", (f32(7, 5), f32(7), 0.5)),
        ("nms", (f32(7, 4), f32(6), 0.5)),
        ("roi_align", (f32(2, 8, 5, 5), f32(3, 4), 1.0, 7, 7, 2, True)),
        ("ps_roi_align", (f32(2, 100, 5, 5), f32(3, 5), 1.0, 7, 7, 2)),
        (
            "deform_conv2d",
            (f32(1, 3, 9, 9), f32(5, 3, 3, 3), f32(1, 17, 7, 7), None, None, 1, 1, 0, 0, 1, 1, 1, 1, False),
        ),
    ],
)
def test_refused(name: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(TorchError):
        infer(name, *args)
