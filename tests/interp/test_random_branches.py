"""Random forwards whose branches depend on sizes: what is said of the result's sizes holds for torch, whatever the input's are."""

import random
from pathlib import Path

from sizes import assert_as_in_torch, followed

from ane_lsp.graph import dims

HEAD = """\
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        B, C, H, W = x.shape
        flag = False
"""
SIZES = ("H", "W", "H // 2", "W // 2 * 2", "H % 4", "-H % 4", "(4 - H % 4) % 4", "max(H, 4)", "min(W, 5)", "x.size(2)", "x.shape[-1]", "2 * H")  # fmt: skip
SHAPES = ("x.shape[2:]", "x.size()[-2:]", "(H, W)", "(4, 5)", "(max(H, 4), W)", "(H // 2 * 2, 5)")
COMPARED = ("==", "!=", "<", "<=", ">", ">=")
ACTIONS = (
    "x = F.pad(x, (0, 0, 0, 4 - H % 4))", "x = F.pad(x, (0, -W % 4, 0, -H % 4))", "x = F.pad(x, (0, 0, 0, max(H, 4) - H))",
    "x = F.pad(x, (0, 0, 0, 6 - H))", "x = x[:, :, :4]", "x = x[:, :, : H // 2]", "x = x[..., :3]", "x = x[:, :, ::2]",
    "x = F.interpolate(x, size=(H, W))", "x = F.interpolate(x, size=(4, 5))", "x = F.interpolate(x, size=(max(H, 4), x.shape[3]))",
    "x = F.avg_pool2d(x, 2, ceil_mode=True)", "x = F.adaptive_avg_pool2d(x, (max(3, x.shape[2]), x.shape[3]))",
    "flag = True", "flag = False", "return x", "return x[:, :, :4]", "H = x.shape[2]", "W = x.shape[3]",
)  # fmt: skip


def compared(chosen: random.Random) -> str:
    if chosen.random() < 0.2:
        return f"{chosen.choice(SHAPES)} {chosen.choice(COMPARED[:2])} {chosen.choice(SHAPES)}"
    other = chosen.choice((*SIZES, *map(str, range(7))))
    return f"{chosen.choice(SIZES)} {chosen.choice(COMPARED)} {other}"


def condition(chosen: random.Random) -> str:
    one, other = compared(chosen), compared(chosen)
    forms = (
        one,
        one,
        f"{one} and {other}",
        f"{one} or {other}",
        f"not {one}",
        "H == W == 4",
        "flag",
        f"{one} and x.sum() > 0",
    )
    return chosen.choice((*forms, chosen.choice(SIZES)))


def forward(chosen: random.Random) -> str:
    lines = []
    for _ in range(chosen.randint(1, 4)):
        lines.append(f"if {condition(chosen)}:")
        lines += [f"    {chosen.choice(ACTIONS)}" for _ in range(chosen.randint(1, 2))]
        if chosen.random() < 0.4:
            lines += ["else:", f"    {chosen.choice(ACTIONS)}"]
        elif chosen.random() < 0.3:
            lines.append(chosen.choice(ACTIONS))
    lines.append(
        f"return x if {condition(chosen)} else {chosen.choice(('x[:, :, :4]', 'F.pad(x, (0, 0, 0, -H % 4))'))}"
    )
    return HEAD + "".join(f"        {line}\n" for line in lines)


def test_sizes_hold_whichever_way_branches_go(tmp_path: Path) -> None:
    chosen = random.Random(7)
    settled = 0
    for _ in range(120):
        text = forward(chosen)
        done = followed(tmp_path / "net.py", text)
        assert not done.internal, text
        shape = getattr(getattr(done.result, "type", None), "shape", None)
        if shape is not None:
            settled += all(map(dims.is_known, shape))
            assert_as_in_torch(text, shape, range(1, 10), range(2, 6), (RuntimeError, IndexError))  # no such size
    assert settled >= 12
