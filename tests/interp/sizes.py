"""A forward on a picture of symbolic sizes, and what torch says of its result's for numbers in their place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import dims
from ane_lsp.interp import run
from ane_lsp.interp.entries import run_entry
from ane_lsp.interp.run import Run
from ane_lsp.syntax.inputs import InputSpec
from ane_lsp.workspace import Workspace

torch = pytest.importorskip("torch", reason="compares with torch")


def followed(path: Path, text: str) -> Run:
    """The class ``Net`` of a source, built and called on [B, 3, H, W]."""
    path.write_text(text)
    spec = InputSpec(("B", 3, "H", "W"), "f32")
    return run_entry(Workspace(path.parent), path, "Net", (spec,), "iOS18", run.Limits())


def assert_as_in_torch(
    text: str,
    shape: Iterable[Any],
    heights: range,
    widths: Iterable[int],
    refused: type[Exception] | tuple[type[Exception], ...],
) -> None:
    """The known ones of the result's sizes are torch's. refused: what the program may raise at sizes that it does not take."""
    scope: dict[str, type] = {}
    exec(text, scope)
    net = scope["Net"]()
    for height in heights:
        for width in widths:
            sizes = {"B": 2, "H": height, "W": width}
            for filled in (torch.zeros, torch.ones):
                try:
                    real = net(filled(2, 3, height, width)).shape
                except refused:
                    continue
                for told, size in zip(shape, real, strict=True):
                    assert not dims.is_known(told) or dims.bind(told, sizes) == size, (text, told, height, width)
