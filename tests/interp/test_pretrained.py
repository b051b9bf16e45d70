"""``from_pretrained``: built from the configuration that is on this machine, unknown with a reason where none is."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from ane_lsp import analyze_file
from ane_lsp.analysis import FileAnalysis
from ane_lsp.graph import Value

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="transformers is not installed: its source is read here"
)

SOURCE = """
import torch
from torch import nn
from transformers import {names}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = {call}
        self.head = nn.Linear(self.encoder.config.hidden_size, 3)
    def forward(self, input_ids):
        return self.head(self.encoder(input_ids).last_hidden_state)
"""
CONFIG = {
    "model_type": "bert",
    "hidden_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 96,
}


def analysed(folder: Path, call: str) -> FileAnalysis:
    (folder / "net.py").write_text(SOURCE.format(names=call.partition(".")[0], call=call), encoding="utf-8")
    return analyze_file(folder / "net.py")


def results(found: FileAnalysis, torch: str = "") -> list[Value]:
    """What calls returned, of one kind where `torch` names it."""
    calls = [call for graph in found.graphs for call in graph.calls if torch in ("", call.torch)]
    return [call.result for call in calls if isinstance(call.result, Value)]


def test_a_folder_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (tmp_path / "ane-lsp.toml").write_text("", encoding="utf-8")
    found = analysed(tmp_path, 'BertModel.from_pretrained("bert", add_pooling_layer=False)')
    assert [str(value.type) for value in found.graphs[0].outputs] == ["[B, L, 3] f32"]
    assert {48, 96} <= {size for value in results(found) for size in value.type.shape or () if isinstance(size, int)}


def test_the_cache_of_the_hub_and_its_dtype(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "hub" / "models--org--net"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc", encoding="utf-8")
    (kept / "snapshots" / "abc").mkdir(parents=True)
    (kept / "snapshots" / "abc" / "config.json").write_text(
        json.dumps({**CONFIG, "dtype": "float16"}), encoding="utf-8"
    )
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    found = analysed(tmp_path, 'AutoModel.from_pretrained("org/net").float()')
    assert [str(value.type) for value in found.graphs[0].outputs] == ["[B, L, 3] f32"]
    half = analysed(tmp_path, 'AutoModel.from_pretrained("org/net")')
    assert {value.type.dtype for value in results(half, "torch.nn.LayerNorm")} == {"f16"}


def test_without_a_configuration_nothing_is_assumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "nothing"))
    found = analysed(tmp_path, 'BertModel.from_pretrained("bert-base-uncased")')
    assert not [value for value in results(found) if value.type.shape is not None]
    assert not found.findings
    assert not found.errors


SHARED = """
import torch
from torch import nn
from huggingface_hub import PyTorchModelHubMixin
class Net(nn.Module, PyTorchModelHubMixin, library_name="nets"):
    def __init__(self, {given}):
        super().__init__()
        self.conv = nn.Conv2d(3, {width}, 3)
    def forward(self, x):
        return self.conv(x)
net = Net.from_pretrained({call})
net(torch.zeros(1, 3, 8, 8))
"""


@pytest.mark.parametrize(
    ("given", "width", "call", "channels"),
    [
        ("width: int = 8", "width", "'folder'", 6),
        ("width: int = 8", "width", "'folder', width=5, map_location='cpu', strict=True", 5),
        ("width: int = 8", "width", "'elsewhere/net'", None),
        ("width: int = 8", "width", "'elsewhere/net', width=5", 5),
        ("config", "config['width']", "'folder'", 6),
        ("**kwargs", "kwargs['width']", "'folder'", 6),
        ("*", "9", "'elsewhere/net'", 9),
    ],
)
def test_a_class_of_ones_own_is_built_from_what_its_constructor_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, width: str, call: str, channels: int | None
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "nothing"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text('{"width": 6, "more": 1}', encoding="utf-8")
    (tmp_path / "ane-lsp.toml").write_text("", encoding="utf-8")
    text = SHARED.format(given="" if given == "*" else given, width=width, call=call)
    (tmp_path / "net.py").write_text(text, encoding="utf-8")
    found = analyze_file(tmp_path / "net.py")
    assert not found.findings
    assert not found.errors
    shapes = [value.type.shape for value in results(found, "torch.nn.Conv2d") if isinstance(value.type.shape, tuple)]
    assert [shape[1] for shape in shapes if shape[2:] == (6, 6)] == ([channels] if channels else [])
