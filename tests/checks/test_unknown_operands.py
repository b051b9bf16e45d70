"""Operations on what the analysis could not follow: no rule may stumble over them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.workspace import Settings, Workspace

CALLS = """
torch.softmax(u, -1) @ u
F.softmax(u, 1)
F.log_softmax(u, -1)
u.float().square().mean(-1, keepdim=True)
torch.square(u).sum()
torch.rsqrt(torch.pow(u, 2).mean(-1) + 1e-6)
torch.stack([u, u]).max(-1)
torch.cat([u, u], 1).reshape(2, -1)
F.linear(u, u)
F.conv2d(u, u)
F.layer_norm(u, (4,))
F.scaled_dot_product_attention(u, u, u)
F.interpolate(u, scale_factor=2)
F.max_pool2d(u, 13, 1, 6)
F.embedding(u, u)
torch.exp(u) / torch.exp(u).sum(-1, keepdim=True)
torch.sin(torch.arange(10) * u)
torch.matmul(u, u).masked_fill(torch.eq(u, 0), -1e9)
torch.gather(u, 1, u)
torch.topk(u, 3)
torch.einsum("bchq,bkhc->bkhq", u, u)
torch.transpose(u, 1, 2).contiguous()
torch.cumsum(u, 0)
torch.where(u, u, u)
torch.clamp(u, min=0)
F.softplus(u)
torch.log(u)
torch.logsumexp(u, 1)
F.normalize(u, dim=-1)
F.one_hot(u, 4)
torch.argmax(u, -1)
torch.nn.functional.pad(u, (1, 1), mode="circular")
torch.roll(u, 1)
F.gelu(u)
torch.permute(u, (0, 2, 1))
torch.split(u, 2)
torch.chunk(u, 2)
torch.div(u, u)
torch.bmm(u, u)
torch.sort(u)
"""

MODEL = """
import torch
import torch.nn.functional as F
from torch import nn
from somewhere_else import load


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(6))

    def forward(self, x):
        u, w = load(x)
        for layer in self.layers:
            x = layer(x) + layer(u)
        return [x,
{calls}
        ]
"""


@pytest.mark.parametrize("target", ["M4", "A12"])
def test_no_rule_fails(target: str, tmp_path: Path) -> None:
    calls = CALLS.strip().splitlines()
    file = tmp_path / "net.py"
    file.write_text(MODEL.format(calls=textwrap.indent(",\n".join(calls), " " * 12)), encoding="utf-8")
    chosen, _ = Settings().merge({"target": [target]})
    result = analyze(file, Workspace(tmp_path), chosen)
    assert [f.message for f in result.findings if f.code.startswith("ANE9")] == []
    places = {call.span.line for graph in result.graphs for call in graph.calls}
    assert len(places) > len(calls) - 5, "the calls are no longer reached"


def test_what_holds_for_a_number_is_not_said_of_what_may_be_a_tensor(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\nfrom torch import nn\nfrom somewhere_else import mask\n\n\nclass Net(nn.Module):\n"
        "    def forward(self, x):\n        y = torch.relu(x)\n        return mask(y) & (y > 0), True & (y > 0)\n"
    )
    result = analyze(file, Workspace(tmp_path), Settings())
    assert [(f.code, f.span.col) for f in result.findings if f.code == "ANE101"] == [("ANE101", 34)]
