"""Shapes that a function's docstring and comments give for its parameters."""

from __future__ import annotations

import ast

import pytest

from ane_lsp.interp.hints import hints_in_source


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("x: (N, C, H, W) tensor of spatial inputs", ("N", "C", "H", "W")),
        ("x: (N,) tensor of diffusion timesteps", ("N",)),
        ("x (Tensor): [B, 3, 224, 224]", ("B", "3", "224", "224")),
        ("x (Tensor, optional): of shape (batch, time)", ("batch", "time")),
        ("x (int, optional): how many (N)", None),
        ("x (torch.Tensor, optional): the input", None),
        ("x: one of several (see below)", None),
        ("x (list, tuple): (B, B)", None),
        ("x ('torch.Tensor' of shape '(batch_size, num_boxes, 4)')", ("batch_size", "num_boxes", "4")),
        ("x: input feature, tensor size (B, H*W, C)", ("B", "HW", "C")),
        ("x: input features with shape of (num_windows*B, N, C)", ("num_windowsB", "N", "C")),
        ("x: (B, H x W, 3)", ("B", "HxW", "3")),
        ("x: [BxCxHxW]", ("B", "C", "H", "W")),
        ("x: (b x n x 3)", ("b", "n", "3")),
        ("x: (1x3x224x224)", ("1", "3", "224", "224")),
        ("x: (B, 2*C)", ("B", "N1")),
        ("x: the largest (maximum) of all", None),
        ("x: the (exact) value", None),
        ("x (list[torch.Tensor]): Feature tensors [P3, P4, P5] from the backbone", None),
        ("x: (c1, c2)", None),
        ("- x: [bs, sum(hi*wi), 256]", ("bs", "sumhiwi", "256")),
        ("x: [num_level] start of each level in sum(hi*wi)", None),
        ("x: (B, D1, D2)", ("B", "D1", "D2")),
        ("x: of boxes (boxes)", None),
    ],
)
def test_a_line_of_a_docstring(line: str, names: tuple[str, ...] | None) -> None:
    """The words of a type are no sizes; one size alone is one only in a tuple."""
    node = ast.parse(f'def forward(self, x):\n    """Runs it.\n\n    {line}\n    """\n').body[0]
    assert isinstance(node, ast.FunctionDef)
    found = hints_in_source(node, None)
    assert (found["x"].names if "x" in found else None) == names
