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
    ],
)
def test_a_line_of_a_docstring(line: str, names: tuple[str, ...] | None) -> None:
    """The words of a type are no sizes; one size alone is one only in a tuple."""
    node = ast.parse(f'def forward(self, x):\n    """Runs it.\n\n    {line}\n    """\n').body[0]
    assert isinstance(node, ast.FunctionDef)
    found = hints_in_source(node, None)
    assert (found["x"].names if "x" in found else None) == names
