"""The source decides where the graph cannot: guards, and casts that name float32."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.workspace import Settings, Workspace

MODEL = """
import logging
import warnings

import torch
from torch import nn

logger = logging.getLogger(__name__)


class Net(nn.Module):
    def forward(self, x):
{body}
        return x.relu()


if __name__ == "__main__":
    Net()(torch.randn(1, 64))
"""


def codes(body: str, folder: Path, **settings: str) -> list[str]:
    file = folder / "net.py"
    source = MODEL.format(body=textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8))
    ast.parse(source)
    file.write_text(source, encoding="utf-8")
    chosen, _ = Settings().merge(dict(settings))
    wanted = ("ANE501", "ANE505", "ANE601")
    return [f"{f.code} {f.severity[:4]}" for f in analyze(file, Workspace(folder), chosen).findings if f.code in wanted]


@pytest.mark.parametrize(
    "body",
    [
        "if x.isnan().any():\n    raise ValueError('no')", "assert x.min() >= 0, 'negative'", "if (x > 1).any():\n    warnings.warn('large')",
        "if x.max() > 9 and x.dim() == 2:\n    text = 'large'\n    logger.warning(text)\nelse:\n    pass",
    ],
)  # fmt: skip
def test_guards_are_not_reported_for_a_trace_and_are_for_export(body: str, tmp_path: Path) -> None:
    assert codes(body, tmp_path) == []
    assert codes(body, tmp_path, **{"export-path": "export"})


@pytest.mark.parametrize(
    "body",
    [
        "if x.mean() > 0:\n    x = x * 2", "if x.mean() > 0:\n    warnings.warn('large')\n    x = x * 2", "x = x * 2 if x.mean() > 0 else x",
        "if x.mean() > 0:\n    return x", "if x.mean() > 0:\n    raise ValueError('no')\nelse:\n    x = x * 2",
    ],
)  # fmt: skip
def test_branches_that_compute_are(body: str, tmp_path: Path) -> None:
    assert codes(body, tmp_path) == ["ANE601 warn"]


@pytest.mark.parametrize(
    ("cast", "expected"),
    [
        ("x.to(torch.float32)", "warn"), ("x.float()", "warn"), ("x.to(dtype=torch.float32)", "warn"), ("x.to(dtype)", "info"), ("x", "info"),
        ("x.type_as(x)", "info"),
    ],
)  # fmt: skip
def test_only_a_cast_that_names_float32_shows_that_range_matters(cast: str, expected: str, tmp_path: Path) -> None:
    body = f"dtype = x.dtype\ny = {cast}\nx = x * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)"
    assert codes(body, tmp_path) == [f"ANE501 {expected}"]


@pytest.mark.parametrize(("cast", "expected"), [("x.to(torch.float32)", ["ANE505 info"]), ("x.to(dtype)", [])])
def test_a_cast_back_protects_nothing_and_promises_nothing(cast: str, expected: list[str], tmp_path: Path) -> None:
    assert codes(f"dtype = x.dtype\nx = {cast}.exp()", tmp_path) == expected
