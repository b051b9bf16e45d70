"""Library functions that are known by what they do: what they leave behind is not seen by the next model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from programs import finished

from ane_lsp.interp.values import Instance

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="transformers is not installed: its source is read here"
)

PROGRAM = """\
import torch
from transformers import LlavaConfig, LlavaModel, ViTConfig, ViTModel, ViTForImageClassification

config = ViTConfig(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96, image_size=32, patch_size=8)
models = [ViTModel(config), ViTForImageClassification(config), ViTModel(config)]
shown = [model(torch.rand(1, 3, 32, 32), output_hidden_states=True) for model in models]
hidden = [len(one.hidden_states) for one in shown]
can = [model._can_set_experts_implementation() for model in models]
sizes = dict(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96)
both = [
    LlavaModel(
        LlavaConfig(
            vision_config=dict(model_type="clip_vision_model", image_size=32, patch_size=8, **sizes),
            text_config=dict(model_type="llama", vocab_size=100, **sizes),
        )
    )
    for _ in range(3)
]
inner = [type(one.vision_tower).__name__ for one in both]
"""


def test_models_of_a_library_are_built_from_the_pieces_of_others(tmp_path: Path, copies: list[Instance]) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    run, space = finished(path)
    assert not run.errors
    assert space["hidden"] == [4, 4, 4]  # as with torch
    assert space["can"] == [False] * 3
    assert space["inner"] == ["CLIPVisionModel"] * 3
    names = [one.cls.name for one in copies]
    assert names.count("ViTLayer") + 3 * names.count("ViTEncoder") >= 3 * 3 - 1, "only the first layer is built"
    assert {"CLIPEncoder", "LlamaDecoderLayer"} <= set(names)
