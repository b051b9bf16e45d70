"""The converted program computed here against torch: kernels that a plain network does not use. One conversion for all."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.verify.run import Request, verify
from ane_lsp.workspace.project import Projects

_MISSING = [name for name in ("torch", "coremltools") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}; nothing is converted")

MODEL = """\
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2)
        self.wide = nn.Conv2d(8, 8, 3, dilation=2, padding=(2, 1))
        self.up = nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1, output_padding=0)
        self.lines = nn.Conv1d(6, 5, 3, padding=1)
        self.norms = nn.ModuleList([nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True), nn.BatchNorm2d(8)])
        self.lstm = nn.LSTM(5, 7, bidirectional=True, batch_first=True)
        self.table = nn.Embedding(11, 6)
        self.final = nn.LayerNorm(14)

    def forward(self, x, ids):
        y = self.down(x)
        for norm in self.norms:
            y = F.silu(norm(y))
        y = F.avg_pool2d(F.max_pool2d(self.wide(y), 3, 2, 1, ceil_mode=True), 2, 1, count_include_pad=False)
        y = F.leaky_relu(self.up(y), 0.2) + F.gelu(self.up(y), approximate="tanh") + F.softplus(self.up(y))
        y = F.interpolate(F.interpolate(y, scale_factor=2, mode="nearest"), size=(6, 6), mode="bilinear", align_corners=False)
        z = self.lines(y.flatten(2))
        z, _ = self.lstm(z.transpose(1, 2))
        words = self.table(ids)
        q = words[:, None]
        words = F.scaled_dot_product_attention(q, q, q)[:, 0]
        written = torch.zeros(11, 6).index_put((ids[0],), words[0]) + 1
        return self.final(z), words, written, torch.cat([words, words.flip(1)], 1).argmax(-1), F.pixel_shuffle(y[:, :4], 2).softmax(1), F.pixel_unshuffle(y, 3).softmax(1)


if __name__ == "__main__":
    torch.manual_seed(1)
    Net()(torch.randn(1, 4, 12, 12), torch.tensor([[0, 3, 2, 7]]))
"""


def computed(tmp_path: Path, text: str) -> dict[str, Any]:
    """What the converted program of a file computes here."""
    file = tmp_path / "net.py"
    file.write_text(text)
    projects = Projects({}, None, False)
    request = Request(file, backends=("coreml", "mil"), convert_path="trace")
    found = verify(request, projects.workspace(file), projects.settings(file))
    assert found.outcome.ended == "done", found.outcome
    result: dict[str, Any] = found.outcome.results["mil"]
    assert "missing" not in result, result
    return result


def test_the_program_computes_what_torch_computes(tmp_path: Path) -> None:
    result = computed(tmp_path, MODEL)
    # Constants are held in fp16, so even exact arithmetic is a little off; a wrong kernel is off by far more.
    for output in result["fp32"]["outputs"]:
        assert output["equal"] if output["kind"] == "integer" else float(output["psnr"]) > 60, output
    assert result["fp16"]["passes"]


POOLS = """
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        once = F.avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=True)
        return once, F.avg_pool1d(x[0], 2, stride=2, ceil_mode=True), F.lp_pool1d(x[0], 2.0, 3, stride=2, ceil_mode=True)


if __name__ == "__main__":
    torch.manual_seed(1)
    Net()(torch.rand(1, 3, 8, 16) + 0.1)
"""

OTHERS = """
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return (x * 2).argmax(), (x * 0.5).any(1)


if __name__ == "__main__":
    torch.manual_seed(1)
    Net()(torch.rand(4, 8))
"""


def test_what_a_pool_reads_beyond_its_padding_is_not_counted(tmp_path: Path) -> None:
    result = computed(tmp_path, POOLS)["fp32"]
    assert all(float(output["psnr"]) > 60 for output in result["outputs"]), result


def test_outputs_of_another_shape_or_with_other_numbers_do_not_pass(tmp_path: Path) -> None:
    result = computed(tmp_path, OTHERS)["fp32"]
    first, second = result["outputs"]
    assert (first["kind"], first["shape"], first["made"]) == ("shape", [], [4])
    assert second["share"] < 0.5
    assert (result["passes"], result["text"]) == (False, "output 0 has the shape 4, not scalar")


MASKED = """
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, weight):
        y = x * 1
        y[weight > 0.5] *= 0.5
        return y


if __name__ == "__main__":
    torch.manual_seed(1)
    Net()(torch.randn(6, 8), torch.rand(6))
"""


def test_sizes_that_only_a_run_knows_are_computed(tmp_path: Path) -> None:
    assert computed(tmp_path, MASKED)["fp32"]["passes"]


CONSTANT = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return x * 2, self.scale.exp()


if __name__ == "__main__":
    Net()(torch.rand(4, 8))
"""


def test_an_output_may_be_a_constant(tmp_path: Path) -> None:
    assert [output["kind"] for output in computed(tmp_path, CONSTANT)["fp32"]["outputs"]] == ["float", "float"]
