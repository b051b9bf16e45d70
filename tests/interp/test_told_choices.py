"""Layers that a constructor makes or not, by sizes that nobody gives: what is said of shapes holds for all of these."""

from __future__ import annotations

import itertools
import textwrap
from pathlib import Path

import pytest
from assumed import follow, only

from ane_lsp.graph import dims

torch = pytest.importorskip("torch", reason="compares with torch")

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
NETS = {
    "a shortcut that is empty or not": """
    class Net(nn.Module):
        expansion = 1

        def __init__(self, inp, oup, stride: int):
            super().__init__()
            self.conv = nn.Conv2d(inp, oup, 3, stride, 1)
            self.shortcut = nn.Sequential()
            if stride != 1 or inp != self.expansion * oup:
                self.shortcut = nn.Sequential(nn.Conv2d(inp, oup, 1, stride))

        def forward(self, x):
            return self.conv(x) + self.shortcut(x)
    """,
    "None or a layer": """
    class Net(nn.Module):
        def __init__(self, inp, oup, stride: int):
            super().__init__()
            self.conv = nn.Conv2d(inp, oup, 3, stride, 1)
            self.downsample = None
            if stride != 1 or inp != oup:
                self.downsample = nn.Conv2d(inp, oup, 1, stride)

        def forward(self, x):
            identity = x
            if self.downsample is not None:
                identity = self.downsample(x)
            return self.conv(x) + identity
    """,
    "a layer or None": """
    class Net(nn.Module):
        def __init__(self, inp, oup, stride: int):
            super().__init__()
            self.conv = nn.Conv2d(inp, oup, 3, stride, 1)
            if stride == 1 and inp == oup:
                self.downsample = None
            else:
                self.downsample = nn.Conv2d(inp, oup, 1, stride)

        def forward(self, x):
            return self.conv(x) + (x if self.downsample is None else self.downsample(x))
    """,
    "chosen in an expression": """
    class Net(nn.Module):
        def __init__(self, inp, oup, stride: int):
            super().__init__()
            same = stride == 1 and inp == oup
            self.conv = nn.Conv2d(inp, oup, 3, stride, 1)
            self.skip = nn.Identity() if same else nn.Conv2d(inp, oup, 1, stride)

        def forward(self, x):
            return self.conv(x) + self.skip(x)
    """,
    "chosen in forward": """
    class Net(nn.Module):
        def __init__(self, inp, oup, stride: int):
            super().__init__()
            self.inp, self.oup, self.stride = inp, oup, stride
            self.conv = nn.Conv2d(inp, oup, 3, stride, 1)
            self.skip = nn.Conv2d(inp, oup, 1, stride)

        def forward(self, x):
            y = self.conv(x)
            if self.inp == self.oup and self.stride == 1:
                return y + x
            return y + self.skip(x)
    """,
}
NOT_TOLD = {
    "what does not follow": """
    class Net(nn.Module):
        def __init__(self, inp, oup, stride: int):
            super().__init__()
            self.conv = nn.Conv2d(inp, oup, 3, stride, 1)
            self.cut = nn.Identity() if inp == oup else nn.Conv2d(inp, oup, 3)

        def forward(self, x):
            return self.cut(x)
    """,
    "one of both": """
    class Net(nn.Module):
        def __init__(self, inp, oup, stride: int):
            super().__init__()
            self.skip = nn.Identity() if inp == oup or stride == 1 else nn.Conv2d(inp, oup, 1, stride)

        def forward(self, x):
            return self.skip(x)
    """,
}


def shapes_agree(folder: Path, body: str) -> bool:
    """Whether all sizes are known; asserts that those which are are torch's."""
    text = HEAD + textwrap.dedent(body)
    entry = only(follow(folder, net=text), "Net")
    (output,) = [value.type for value in entry.graph.outputs]
    scope: dict[str, type] = {}
    exec(text, scope)
    for inp, oup, stride in itertools.product((2, 3), (2, 3), (1, 2)):
        given = torch.zeros(2, inp, 8, 9)
        try:
            real = scope["Net"](inp, oup, stride)(given).shape
        except RuntimeError:
            continue  # such layers do not fit
        sizes = {"B": 2, "H": 8, "W": 9, "inp": inp, "oup": oup, "stride": stride, "C": inp}
        for told, size in zip(output.shape, real, strict=True):
            assert not dims.is_known(told) or dims.bind(told, sizes) == size
    return all(map(dims.is_known, output.shape))


@pytest.mark.parametrize("name", NETS)
def test_shapes_behind_a_choice(tmp_path: Path, name: str) -> None:
    assert shapes_agree(tmp_path, NETS[name])


@pytest.mark.parametrize("name", NOT_TOLD)
def test_where_it_does_not_follow_nothing_is_said(tmp_path: Path, name: str) -> None:
    assert not shapes_agree(tmp_path, NOT_TOLD[name])


def test_a_layer_that_there_may_be_instead_of_none_is_recorded(tmp_path: Path) -> None:
    entry = only(follow(tmp_path, net=HEAD + textwrap.dedent(NETS["None or a layer"])), "Net")
    assert [call.torch for call in entry.graph.calls].count("torch.nn.Conv2d") == 2


def test_a_projection_that_there_is_or_not(tmp_path: Path) -> None:
    body = """
    class Net(nn.Module):
        def __init__(self, dim: int, heads: int, dim_head=4):
            super().__init__()
            inner = dim_head * heads
            project_out = not (heads == 1 and dim_head == dim)
            self.to_v = nn.Linear(dim, inner)
            self.to_out = nn.Sequential(nn.Linear(inner, dim), nn.Dropout(0.1)) if project_out else nn.Identity()

        def forward(self, x):
            b, n, _ = x.shape
            return self.to_out(self.to_v(x))
    """
    text = HEAD + textwrap.dedent(body)
    entry = only(follow(tmp_path, net=text), "Net")
    (output,) = [value.type for value in entry.graph.outputs]
    assert [str(size) for size in output.shape] == ["b", "n", "dim"]
