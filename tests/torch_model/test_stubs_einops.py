"""einops' layers run the native einops functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torch_model import stub_harness

LINES = [
    ("m = Rearrange('b c (h p) (w q) -> b (h w) (p q c)', p=4, q=4)", "torch.zeros(2, 3, 16, 8)", (2, 8, 48)),
    ("m = Reduce('b c (h 2) (w 2) -> b c h w', 'mean')", "torch.zeros(2, 3, 16, 8)", (2, 3, 8, 4)),
    ("m = nn.Sequential(Rearrange('b c h w -> b (c h w)'), nn.Flatten())", "torch.zeros(2, 3, 4, 5)", (2, 60)),
]


@pytest.mark.parametrize(("construct", "given", "shape"), LINES)
def test_layer(construct: str, given: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    source = f"from einops.layers.torch import Rearrange, Reduce\n{construct}\nout = m({given})"
    outcome = stub_harness.Interpreted(tmp_path).outcome(source)
    assert outcome.error is None, outcome.message
    assert outcome.output == ("tensor", shape, "float32")


def test_functions_are_native(tmp_path: Path) -> None:
    source = "import einops\nfrom einops import rearrange, repeat\nx = torch.zeros(2, 3, 4)\nout = [einops.rearrange(x, 'a b c -> c (a b)'), repeat(x, 'a b c -> a b c d', d=5), rearrange(x, 'a b c -> b (a c)')]"
    outcome = stub_harness.Interpreted(tmp_path).outcome(source)
    assert outcome.output == [
        ("tensor", (4, 6), "float32"),
        ("tensor", (2, 3, 4, 5), "float32"),
        ("tensor", (3, 8), "float32"),
    ]
