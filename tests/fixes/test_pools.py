"""Chains of pools, over every kind of setting."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from prove import fix, module, proven

from ane_lsp.fixes.pooling import WIDEST, Pool, chain
from ane_lsp.fixes.tree import Refused

FUNCTIONS = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_chain_is_the_pool(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([1, 2, 2, 2, 3]))
    kernel = tuple(data.draw(st.integers(1, 33 if axes == 1 else 20 if axes == 2 else 10)) for _ in range(axes))
    stride = kernel if data.draw(st.booleans()) else tuple(data.draw(st.integers(1, 5)) for _ in range(axes))
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    pool = Pool(kernel, stride, padding, data.draw(st.booleans()))
    size = [k + data.draw(st.integers(0, 12)) for k in kernel]
    try:
        links = chain(pool)
    except Refused:
        assert pool.ceil
        assert any(s != 1 for s in stride)
        return
    assert all(link.kernel[-1] <= WIDEST for link in links)
    dtype = data.draw(st.sampled_from([torch.float32, torch.float16, torch.bfloat16]))
    x = torch.randn(2, 3, *size).to(dtype)
    if data.draw(st.booleans()):
        x[x > 1] = float("-inf")
    wanted = made = x
    wanted = FUNCTIONS[axes](x, kernel, stride, padding, ceil_mode=pool.ceil)
    for link in links:
        made = FUNCTIONS[axes](made, link.kernel, link.stride, link.padding, ceil_mode=link.ceil)
    assert torch.equal(wanted, made)


@pytest.mark.parametrize(
    ("init", "inputs"),
    [
        ("self.pool = nn.MaxPool2d(9, stride=1, padding=4)", "torch.randn(1, 4, 20, 20)"),
        ("self.pool = nn.MaxPool2d((3, 12), (1, 2), (1, 6))", "torch.randn(1, 4, 20, 30)"),
        ("self.pool = nn.MaxPool2d(kernel_size=13, stride=1, padding=6, ceil_mode=True)", "torch.randn(2, 4, 33, 21)"),
        ("self.pool = nn.Sequential(nn.Conv2d(4, 4, 1), nn.MaxPool2d(16))", "torch.randn(1, 4, 50, 50)"),
        ("self.pool = torch.nn.MaxPool1d(11, 3)", "torch.randn(1, 4, 50)"),
        ("self.pool = nn.MaxPool2d(12, ceil_mode=True)", "torch.randn(1, 4, 50, 50)"),
    ],
)
def test_modules(init: str, inputs: str, tmp_path: Path) -> None:
    proven(module("return self.pool(x)", init, inputs), "ANE302", tmp_path, exact=True)


@pytest.mark.parametrize("call", ["F.max_pool2d(x, 9, 1, 4) + 1", "F.max_pool2d(x + 1, kernel_size=(9, 10), stride=2)"])
def test_functions(call: str, tmp_path: Path) -> None:
    proven(module(f"return {call}"), "ANE302", tmp_path, exact=True)


@pytest.mark.parametrize("arguments", ["k, 1, k // 2", "(k, k), stride=[], padding=(SIDE - 1) // 2", "SIDE + 2 * 2, 1"])
def test_numbers_with_names(arguments: str, tmp_path: Path) -> None:
    text = module(f"k = 9\nreturn F.max_pool2d(x, {arguments})").replace("\n\n\n", "\n\nSIDE = 9\n\n\n", 1)
    proven(text, "ANE302", tmp_path, exact=True)


@pytest.mark.parametrize(
    "start", ["k = 9\nif len(x) > 1:\n    k = 5", "k = 5\nk += 4", "for k in (9,):\n    pass", "k = 9 if len(x) else 5"]
)
def test_names_that_may_mean_other_numbers_are_left(start: str, tmp_path: Path) -> None:
    text = module(f"{start}\nreturn F.max_pool2d(x, k, 1, k // 2)")
    _, before, fixed = fix(text, tmp_path)
    assert [f.code for f in before.findings] == ["ANE302"]
    assert fixed.text == text


SPP = "self.pools = nn.ModuleList([nn.MaxPool2d(k, stride=1, padding=k // 2) for k in {}])"


@pytest.mark.parametrize("sizes", ["(5, 9, 13)", "(3, 9)", "self.sizes"])
def test_windows_from_a_list(sizes: str, tmp_path: Path) -> None:
    init = "self.sizes = (5, 9)\n" + SPP.format(sizes)
    text = module("return torch.cat([x] + [pool(x) for pool in self.pools], 1)", init)
    fixed = proven(text, "ANE302", tmp_path, exact=True)
    assert ("if k % 4 == 1 else" in fixed) == (sizes != "(5, 9, 13)")


@pytest.mark.parametrize(
    "init",
    [
        "self.pool = nn.MaxPool2d(9, stride=2, padding=4, ceil_mode=True)",  # a chain may count one window less
        "size = int(math.sqrt(81))\nself.pool = nn.MaxPool2d(size, stride=1)",
        "self.pool = nn.MaxPool2d(*[9, 1, 4])",
        "self.pool = nn.MaxPool2d(9, 1, 4)\nself.reach = self.pool.kernel_size // 2",  # a chain has no kernel_size
        "pool = nn.MaxPool2d\nself.pool = pool(9, 1, 4)",
    ],
)
def test_refused(init: str, tmp_path: Path) -> None:
    text = module("return self.pool(x)", init)
    _, before, fixed = fix(text, tmp_path)
    assert [f.code for f in before.findings] == ["ANE302"]
    assert fixed.text == text
