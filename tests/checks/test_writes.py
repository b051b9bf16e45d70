"""What is said of writes into shared memory, beside what coremltools makes of them: traced, converted and computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ane_lsp import analyze_file
from ane_lsp.verify.worker_emulate import execute

ct = pytest.importorskip("coremltools", reason="coremltools is not installed: conversions are not compared")

pytestmark = pytest.mark.filterwarnings("ignore")  # coremltools renames outputs, torch warns of traced sizes

HEAD = """
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("buffer", torch.ones(2, 8, 16))
        self.act = nn.ReLU(inplace=True)

    def forward(self, x, y):
        z = x * 1
        at = torch.tensor([0, 1])
        BODY


if __name__ == "__main__":
    Net()(torch.randn(2, 8, 16), torch.randn(8, 16))
"""
SAID = {"ANE126", "ANE127", "ANE128"}

RIGHT = [
    "z[0] = y; return z",
    "z[0] += y; return z",
    "z[0][1] = y[1]; return z",
    "z[:, 1:] *= 2; return z",
    "z[:, :, 0] = 0.0; return z",
    "z[0:1, 2, 3:5] = 0.0; return z",
    "z[-1] = 0.0; z[:, -2:] = 1.0; return z",
    "z[0, ...] = y; return z",
    "z[..., :] = 0.0; return z",
    "z[at] = 0.0; return z",
    "z[at] += 1; return z",
    "z[[0, 1]] = 0.0; return z",
    "z[0] = z[0].clamp(0, 1); return z",
    "z[0].copy_(y); return z",
    "z[0].fill_(0.5); return z",
    "z.select(0, 1).copy_(y); return z",
    "v = z[0]; v[:] = y; return z",
    "v = z[0]; v[1] = y[1]; return z",
    "z.add_(1); return z",
    "w = z; w += 1; return z",
    "z.contiguous().add_(1); return z",
    "w = z.transpose(1, 2).contiguous(); w += 1; return z, w",
    "a, b = z.chunk(2, 1); a.add_(1); return torch.cat([a, b], 1)",
    "a, b = z.chunk(2, 1); a[:, 0] = 0.0; return torch.cat([a, b], 1)",
    "return self.act(z[:, :4])",
    "F.dropout(z[0], 0.5, False, True); return z",
    "z[0].add_(y); z[0] = y * 2; return z",
    "v = z[0]; z[1] = y; return v, z",
    "self.buffer[0] = y; return x + self.buffer",
    "self.buffer[:] = x; return x + self.buffer",
    "for i in range(3): z[:, i] += z[:, i - 1]\n        return z",
    "z[..., :16].copy_(x); return z",
    "e = torch.empty(2, 8, 16); e.copy_(z); return e",
    "i = (y[0, 0] * 0).long(); z[:, i] = y[:2]; return z[0]",
    "z.masked_fill_(z > 0, 0.0); return z",
    "w = z + 1; z.zero_(); return w",
    "w = z + 1; z.zero_(); return w * 2",
    "torch.zeros(2, 8, 16).copy_(x); return z",
    "w = z + 1; w[..., 0] = 0.0; return z * 2",
]
LOST = [
    "z[1].add_(y); return z",
    "z[:, 1:].mul_(2); return z",
    "v = z[0]; v += y; return z",
    "z.view(-1).mul_(2); return z",
    "z.transpose(0, 1).add_(1); return z",
    "z.unsqueeze(0).add_(1); return z",
    "z.expand(2, 8, 16)[0].add_(1); return z",
    "y = y * 1; y.diagonal().add_(1); return y",
    "a, b = z.chunk(2, 1); a.add_(1); return z",
    "a, b = z.split(4, 1); b[:, 0] = 0.0; return z",
    "for t in z: t.mul_(2)\n        return z",
    "z[0].clamp_(0, 1); return z",
    "z[0].masked_fill_(y > 0, 0.0); return z",
    "torch.relu_(z[:, :4]); return z",
    "F.relu(z[:, :4], inplace=True); return z",
    "h = self.act(z.transpose(1, 2)); return z + h.transpose(1, 2)",
    "z.view(16, 16)[3] = 0.0; return z",
    "z.transpose(0, 1)[0] = 0.0; return z",
    "z[0][1] += y[1]; return z",
    "v = z[0]; v[1] = 0.0; v[2] = 0.0; return z",
    "v = z[0]; w = v[3] * 2; v[1] = w; return z",
    "v = z[0]; v[1] = 0.0; return v",
    "v = z[0]; z.add_(1); return v",
    "v = z[0]; z[0] = y; return v",
    "v = z.transpose(1, 2); w = self.act(z); return v, w",
    "a = z[0]; b = z[0]; a.add_(1); return b",
    "z[:, at] = 0.0; return z",
    "z[0, at] = 0.0; return z",
    "z[at, 2:4] = 0.0; return z",
    "z[:, [0, 2]] = 0.0; return z",
    "z[:, y > 0] = 0.0; return z",
    "x[1].add_(y); return x * 2",
    "b = z.clone(); b[..., 0::2].clamp_(0, 1); return b",
]
MISPLACED = [
    "z[..., 0] = 0.0; return z",
    "z[..., :4] = y[:, :4]; return z",
    "z[..., 1:3] *= 2; return z",
    "z[0, ..., 1] = 0.0; return z",
    "z[..., :4].copy_(x[..., 4:8]); return z",
    "z.select(1, 0).fill_(0.0); return z",
    "z[:, 1:][0] = 0.0; return z",
    "z[:, 1:][:, 0] = y[0]; return z",
    "self.buffer[..., 0] = y[:, 0]; return x + self.buffer",
]
REFUSED = [
    "z.copy_(x * 2); return z",
    "z.fill_(3.0); return z",
    "z[...] = 0.0; return z",
    "return torch.zeros(2, 8, 16).copy_(z)",
    "a, b = z.chunk(2, 1); a.copy_(b); return z",
    "z[0].copy_(y[0]); return z",
    "self.buffer.copy_(x); return self.buffer + 1",
    "z.zero_(); return z + x",
    "z[0].zero_(); return z + x",
    "z[..., at] = 0.0; return z",
    "i = (y[0, 0] * 0).long(); z[:, i] = 0.0; return z",
    "i = (y[0, 0] * 0).long(); z[i:] = 0.0; return z",
]


def built(text: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(text, namespace)
    return namespace["Net"]().eval()


def outcome(text: str) -> str:
    """``right`` where the converted program computes what torch does, else ``wrong`` or ``fails``."""
    torch.manual_seed(0)
    x, y = torch.randn(2, 8, 16), torch.randn(8, 16)
    try:
        traced = torch.jit.trace(built(text), (x.clone(), y.clone()), check_trace=False)
        shapes = [ct.TensorType(name="x", shape=x.shape), ct.TensorType(name="y", shape=y.shape)]
        program = ct.convert(
            traced, inputs=shapes, convert_to="milinternal", minimum_deployment_target=ct.target.iOS18,
            compute_precision=ct.precision.FLOAT32,
        )  # fmt: skip
    except (ValueError, IndexError, NotImplementedError):
        return "fails"
    with torch.no_grad():
        made = built(text)(x.clone(), y.clone())
    expected = list(made) if isinstance(made, tuple) else [made]
    feed = {"x": x.numpy(), "y": y.numpy()}
    result = execute(program, feed, expected, lambda var: {}, lambda share: None)
    assert "fp32" in result, result
    return "right" if result["fp32"]["passes"] else "wrong"


@pytest.mark.parametrize(
    ("codes", "body"),
    [
        *((set(), body) for body in RIGHT),
        *(({"ANE126"}, body) for body in LOST),
        *(({"ANE127"}, body) for body in MISPLACED),
        *(({"ANE128"}, body) for body in REFUSED),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_is_said_of_what_is_converted_wrongly(tmp_path: Path, codes: set[str], body: str) -> None:
    text = HEAD.replace("BODY", body)
    path = tmp_path / "net.py"
    path.write_text(text)
    said = {finding.code for finding in analyze_file(path).findings} & SAID
    assert said == codes
    assert (outcome(text) == "right") == (not codes)
