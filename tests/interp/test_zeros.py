"""Sizes after a branch that nobody can decide: those of torch, whichever way it goes."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from sizes import assert_as_in_torch, followed

from ane_lsp.graph import dims
from ane_lsp.interp import run
from ane_lsp.interp.entries import run_entry
from ane_lsp.syntax.inputs import InputSpec
from ane_lsp.workspace import Workspace

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
FILLED = "[B, 3, 4*((H + 3)//4), 4*((W + 3)//4)]"
BODIES = [
    ("""
     if W % self.patch[1] != 0:
         x = F.pad(x, (0, self.patch[1] - W % self.patch[1]))
     if H % 4:
         x = F.pad(x, (0, 0, 0, 4 - H % 4))
     return x
     """, FILLED),
    ("""
     h = H % 4
     if not h:
         pass
     else:
         x = F.pad(x, (0, 0, 0, 4 - h))
     right = 4 - W % 4 if W % 4 > 0 else 0
     return F.pad(x, (0, right))
     """, FILLED),
    ("""
     down, right = (4 - H % 4) % 4, (4 - x.shape[3] % 4) % 4
     if down > 0 or right > 0:
         x = F.pad(x, (0, right, 0, down))
     return x
     """, FILLED),
    ("""
     down, right = -H % 4, -W % 4
     x = F.pad(x, (0, right, 0, down))
     if down == 0 and right == 0:
         return x
     return x[:, :, :H, :W].contiguous()
     """, "[B, 3, H, W]"),
    ("""
     down, right = (4 - H % 4) % 4, (4 - W % 4) % 4
     if down or right:
         return F.pad(x, (0, right, 0, down), "constant")
     return x
     """, FILLED),
    ("""
     if H % 4 == 0 and W % 4 == 0:
         return x
     return F.pad(x, (0, -W % 4, 0, -H % 4))
     """, FILLED),
    ("""
     if H % 4 != 0 or W % 4 != 0:
         x = F.pad(x, (0, -W % 4, 0, -H % 4))
     return x
     """, FILLED),
    ("""
     if W % 4:
         x = F.pad(x, (0, 4 - W % 4))
     if H % 4 == 0:
         return x
     for _ in range(2):
         if H % 4:
             return F.pad(x, (0, 0, 0, -H % 4))
     return x
     """, FILLED),
    ("""
     down, right = (4 - H % 4) % 4, (4 - W % 4) % 4
     x = F.pad(x, (0, right, 0, down))
     if down or right:
         x = x[:, :, :H, :W].contiguous()
     return x
     """, "[B, 3, H, W]"),
    ("""
     odd = (H % 2 == 1) or (W % 2 == 1)
     if odd:
         x = F.pad(x, (0, W % 2, 0, H % 2))
     return torch.cat([x[:, :, 0::2], x[:, :, 1::2]], 1)
     """, "[B, 6, (H + 1)//2, (W%2) + W]"),
    ("""
     if H % 4:
         return F.pad(x, (0, 0, 0, -H % 4))
     raise ValueError("too small")
     """, "[B, 3, 4*((H + 3)//4), W]"),
    ("""
     pos = torch.zeros(1, 3, 4, 5)
     if not x.requires_grad and H == 4 and W == 5:
         return x + pos
     pos = F.interpolate(pos, size=(H, W))
     return x + pos
     """, "[B, 3, H, W]"),
    ("""
     pos = torch.zeros(1, 16, 3)
     if H == W == 4:
         return pos
     return pos[:, :1].expand(1, H * W, 3)
     """, "[1, H*W, 3]"),
    ("""
     resized = False
     h = (H + 1) // 2 * 2
     if h != H:
         x = F.interpolate(x, size=(h, W))
         resized = True
     if resized:
         x = F.interpolate(x, size=(H, W))
     return x
     """, "[B, 3, H, W]"),
    ("""
     if H < 6 or W < 5:
         x = F.adaptive_avg_pool2d(x, (max(6, H), max(5, W)))
     return x
     """, "[B, 3, max(H, 6), max(W, 5)]"),
    ("""
     if H <= 6:
         x = F.pad(x, (0, 0, 0, 6 - H))
     if W > 4:
         return x[..., :4]
     else:
         return x
     """, "[B, 3, max(H, 6), min(W, 4)]"),
    ("""
     low = F.avg_pool2d(x, 2, ceil_mode=True)
     if low.shape[2] < H or low.shape[3] < W:
         low = F.interpolate(low, size=x.shape[2:])
     return low + x
     """, "[B, 3, H, W]"),
    ("""
     up = F.interpolate(F.avg_pool2d(x, 2, ceil_mode=True), scale_factor=2)
     if up.shape[-2:] != x.shape[2:]:
         up = F.interpolate(up, size=x.shape[-2:])
     return up + x
     """, "[B, 3, H, W]"),
    ("""
     if x.size()[2:] == (4, W):
         return x
     return F.interpolate(x, size=(4, W))
     """, "[B, 3, 4, W]"),
    ("""
     if x.size(2) != 4 or x.size(-1) != 5:
         x = F.interpolate(x, size=(4, 5))
     return x
     """, "[B, 3, 4, 5]"),
    # Where it does not follow, nothing is said.
    ("""
     if x.shape[2:] != (4, 5):
         x = F.interpolate(x, size=(4, 6))
     return x[:, :, :, :6]
     """, None),
    ("""
     first = int(x.sum() > 0)
     if x.shape[first + 2:] != (W,):
         x = F.interpolate(x, size=(4, W))
     return x
     """, None),
    ("""
     if x.sum() > 0 or H == 4:
         return x[:, :, :1].expand(-1, -1, 4, -1)
     return x
     """, None),
    ("""
     if H == 4 and x.sum() > 0:
         x = F.pad(x, (0, 0, 0, 4 - H % 4))
     return x
     """, None),
    ("""
     if H < 4:
         x = x[:, :, :4]
     elif H < 6:
         x = F.pad(x, (0, 0, 0, 2))
     return x
     """, None),
    ("""
     if H <= 4:
         return F.pad(x, (0, 0, 0, 5 - H))
     return x
     """, None),
    ("""
     if x.sum() > 0:
         if H % 4:
             return F.pad(x, (0, 0, 0, -H % 4))
     return x
     """, None),
    ("""
     if H % 4:
         return F.pad(x, (0, 0, 0, -H % 4))
     if x.sum() > 0:
         return x[:, :, 1:]
     return x
     """, None),
    ("""
     if H % 4 or W % 4:
         return F.pad(x, (0, 0, 0, 4 - H % 4))
     return x
     """, None),
    ("""
     if H % 4 != 0 or W % 4 != 0:
         x = F.pad(x, (0, 4 - W % 4, 0, 4 - H % 4))
     return x
     """, None),
    ("""
     if H % 3 != 0:
         x = F.pad(x, (0, 0, 0, 4 - H % 4))
     return x
     """, None),
    ("""
     odd = H % 2 == 1
     H = H + 1
     if odd:
         x = F.pad(x, (0, 0, 0, H % 2))
     return x
     """, None),
    ("""
     if H % 4 == 1:
         x = F.pad(x, (0, 0, 0, 4 - H % 4))
     return x
     """, None),
    ("""
     if H % 4 > 1:
         x = F.pad(x, (0, 0, 0, 4 - H % 4))
     return x
     """, None),
    ("""
     if H % 4 == 0:
         x = F.pad(x, (0, 0, 0, 4))
     return x
     """, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_sizes_after_a_branch_hold_for_all_inputs(tmp_path: Path, body: str, expected: str | None) -> None:
    lines = textwrap.indent(textwrap.dedent(body), " " * 8)
    text = (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.patch = (4, 4)\n\n"
        f"    def forward(self, x):\n        B, C, H, W = x.shape{lines}"
    )
    done = followed(tmp_path / "net.py", text)
    assert (done.errors, done.internal) == ([], {})
    shape = done.result.type.shape
    if expected is not None:
        assert f"[{', '.join(map(str, shape))}]" == expected
    else:
        assert not all(map(dims.is_known, shape))
    assert_as_in_torch(text, shape, range(1, 10), (4, 5), ValueError)  # its own


def test_what_else_a_branch_leaves_is_joined_as_before(tmp_path: Path) -> None:
    text = HEAD + textwrap.dedent("""
    class Net(nn.Module):
        def forward(self, x):
            n = x.shape[1]
            count, name = 1, "even"
            if n % 2:
                x, count, name = F.pad(x, (0, 2 - n % 2)), 3, "odd"
            return x * count, F.relu(x) if name == "odd" else torch.cat([x, x])
    """)
    path = tmp_path / "net.py"
    path.write_text(text)
    done = run_entry(Workspace(tmp_path), path, "Net", (InputSpec(("B", "N"), "f32"),), "iOS18", run.Limits())
    assert (done.errors, done.internal) == ([], {})
    shapes = {call.torch.rpartition(".")[2]: str(call.result.type) for call in done.graphs[0].calls}
    assert shapes["mul"] == "[B, 2*((N + 1)//2)] f32"
    assert {"relu", "cat"} <= shapes.keys()
