"""Code for tensors and pictures, such as torchvision's transforms: what a tensor is told from has to be known."""

from pathlib import Path

import pytest

from ane_lsp.graph import Unknown
from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

SOURCE = """
import PIL.Image
import torch
from PIL import Image
from torch import nn


def any_of(items, *kinds_or_checks):
    for item in items:
        for kind in kinds_or_checks:
            if isinstance(item, kind) if isinstance(kind, type) else kind(item):
                return True
    return False


class Crop(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, image):
        if any_of([image], PIL.Image.Image):
            image = torch.zeros(image.size)
        if not any_of([image], PIL.Image.Image, lambda one: isinstance(one, torch.Tensor) and one.ndim == 4):
            raise TypeError("no picture")
        height, width = (image.height, image.width) if isinstance(image, Image.Image) else image.shape[-2:]
        top, left = (height - self.size) // 2, (width - self.size) // 2
        return image[..., top : top + self.size, left : left + self.size]


if __name__ == "__main__":
    out = Crop(28)(torch.zeros(1, 3, 32, 48))
    loaded = Image.open("picture.png")
    is_picture = isinstance(loaded, Image.Image)
"""


def test_a_tensor_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "crop.py"
    path.write_text(SOURCE, encoding="utf-8")
    run = run_script(Workspace(tmp_path), path)
    assert (run.errors, run.internal) == ([], {})
    names = run.result.namespace
    assert names["out"].type.shape == (1, 3, 28, 28)
    assert not any(call.optional for call in run.graphs[0].calls)
    assert isinstance(names["loaded"], Unknown)
    assert isinstance(names["is_picture"], Unknown)
    assert "package PIL is not read" in names["loaded"].first.reason


@pytest.mark.parametrize("package", ["PIL", "huggingface_hub", "lightning", "pytorch_lightning", "einops", "beartype"])
def test_a_package_that_is_described_in_part_has_a_version(tmp_path: Path, package: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(f"import {package}\nrecent = {package}.__version__ != ''\n", encoding="utf-8")
    run = run_script(Workspace(tmp_path), path)
    assert (run.errors, run.internal) == ([], {})
