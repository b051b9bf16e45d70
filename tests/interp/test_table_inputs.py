"""Inputs that are tables of tensors: each entry is found out about by itself."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ane_lsp.interp import run
from ane_lsp.interp.entries import EntryRun, run_file
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.workspace import Workspace

HEAD = "from typing import Dict\nimport torch\nfrom torch import nn\n\nSTATE = 'state'\n\n\n"


def entry_of(folder: Path, init: str, forward: str, note: str = "", more: str = "") -> EntryRun:
    text = (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n{textwrap.indent(init, ' ' * 8)}\n"
        f"    def forward(self, batch{note}):\n{textwrap.indent(forward, ' ' * 8)}\n{textwrap.indent(more, ' ' * 4)}\n"
    )
    path = folder / "net.py"
    path.write_text(text)
    workspace = Workspace(folder)
    (entry,) = run_file(workspace, path, parse_directives(workspace.read(path)), [], "iOS18", run.Limits()).entries
    return entry


LAYERS = "self.conv = nn.Conv2d(3, 8, 3)\nself.line = nn.Linear(16, 8)\nself.embed = nn.Embedding(10, 8)\n"
TAKEN = "x = self.conv(batch['image']).mean((2, 3))\ny = self.line(batch[STATE])\n"


@pytest.mark.parametrize("note", ["", ": dict", ": Dict[str, torch.Tensor]", ": 'dict[str, torch.Tensor]'"])
def test_entries_are_inputs_of_their_own(tmp_path: Path, note: str) -> None:
    more = "def words(self, batch):\n    return self.embed(batch['ids']).mean(1)\n"
    entry = entry_of(tmp_path, LAYERS, f"{TAKEN}return x + y + self.words(batch)", note, more)
    assert sorted(entry.assumed) == [
        "batch['ids']: [B, L] i64 (first used by embedding)",
        "batch['image']: [B, 3, H, W] f32 (first used by conv2d)",
        "batch['state']: [B, 16] f32 (first used by linear)",
    ]
    assert {str(value.type) for value in entry.graph.inputs} == {"[B, L] i64", "[B, 3, H, W] f32", "[B, 16] f32"}
    assert str(entry.graph.outputs[0].type) == "[B, 8] f32"


@pytest.mark.parametrize(
    "forward",
    [
        "return self.line(batch['x'] if isinstance(batch, dict) else batch)",
        "return self.line(batch['x']) * batch.shape[0]",
        "batch = batch['x']\nreturn self.line(batch)",
        "return self.line(batch[0])",
    ],
)
def test_what_may_be_a_tensor_is_no_table(tmp_path: Path, forward: str) -> None:
    entry = entry_of(tmp_path, LAYERS, forward)
    assert not any("['" in text for text in entry.assumed)


def test_of_other_entries_nothing_is_known(tmp_path: Path) -> None:
    entry = entry_of(tmp_path, LAYERS, "y = self.line(batch['x'])\nreturn y + batch['a' + 'b'], y + batch.get('c', 0)")
    first, second = (str(call.result.type) for call in entry.graph.calls if call.torch == "torch.Tensor.add")
    assert (first.partition(" ")[0], second) == ("?", "[B, L, 8] f32")


@pytest.mark.parametrize(
    ("use", "told"),
    [
        ("self.line(x.squeeze(-1))", "[B, 16, 1] f32"),
        ("self.conv(x.squeeze(1))", "[B, 1, 3, H, W] f32"),
        ("self.conv(x.squeeze(0))", "[1, C, 3, H, W] f32"),
        ("self.line(x.squeeze(0))", "[1, H, W, 16] f32"),
        ("x[:, :1].repeat(1, 4)", "[B, C] f32"),
        ("x.repeat(4, 1, 1)", None),
    ],
)
def test_axes_that_are_removed_or_repeated_tell_of_an_input(tmp_path: Path, use: str, told: str | None) -> None:
    entry = entry_of(tmp_path, LAYERS, f"x = batch['x']\nreturn {use}")
    shown = [text.partition(": ")[2].partition(" (")[0] for text in entry.assumed]
    assert shown == [told] if told is not None else ["nothing tells" in text for text in entry.assumed] == [True]
