"""Whose word counts for the inputs of the model that is run, in what order. Needs torch."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from ane_lsp.verify.job import Input, Job
from ane_lsp.verify.worker_base import Failed

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed: no model is built", allow_module_level=True)

import torch
from torch import nn

from ane_lsp.verify import worker_model

SAID = Job("/m/net.py", inputs=(Input((1, 1)),), input_source="the command line", fallback=(Input((9, 9)),))
SILENT = Job("/m/net.py", fallback=(Input((9, 9)),))


class Lightning(nn.Module):
    example_input_array = torch.zeros(2, 2)


class HuggingFace(nn.Module):
    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.zeros(3, 3, dtype=torch.long)}


class Timm(nn.Module):
    pretrained_cfg = {"input_size": (3, 4, 4)}


class Own(Lightning):
    def example_inputs(self) -> tuple[Any, ...]:
        return (torch.zeros(5, 5),), {"mask": torch.ones(5)}


class Bare(nn.Module):
    pass


CALL = (Bare(), (torch.zeros(6, 6),), {})


def given(
    job: Job, module: nn.Module, namespace: dict[str, Any] | None = None, captured: Any = None
) -> tuple[Any, str]:
    args, kwargs, source = worker_model._inputs(job, module, namespace or {}, captured)
    return [tuple(t.shape) for t in (*args, *kwargs.values())], source


@pytest.mark.parametrize(
    ("module", "shapes", "source"),
    [
        (Own(), [(5, 5), (5,)], "example_inputs of the model"),
        (Lightning(), [(2, 2)], "example_input_array (Lightning)"),
        (HuggingFace(), [(3, 3)], "dummy_inputs (Hugging Face)"),
        (Timm(), [(1, 3, 4, 4)], "pretrained_cfg (timm)"),
        (Bare(), [(9, 9)], "the static analysis of the file"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_conventions_come_after_words_and_before_the_analysis(module: nn.Module, shapes: Any, source: str) -> None:
    assert given(SAID, module) == ([(1, 1)], "the command line")
    assert given(SILENT, module, captured=CALL) == ([(6, 6)], "the model call in the file")
    assert given(SILENT, module) == (shapes, source)


def test_functions_of_the_file_count() -> None:
    namespace = {"get_example_inputs": lambda: torch.zeros(7)}
    assert given(SILENT, Lightning(), namespace) == ([(7,)], "get_example_inputs of the file")


def test_nothing_is_guessed() -> None:
    with pytest.raises(Failed, match="say it with --input"):
        given(Job("/m/net.py"), Bare())


def test_integers_stay_in_every_table_and_names_become_keywords() -> None:
    args, kwargs = worker_model._tensors([Input((2, 3), "i64"), Input((4,), "b8", "mask")])
    assert (args[0].dtype, int(args[0].max()) <= 1) == (torch.int64, True)
    assert (list(kwargs), kwargs["mask"].dtype) == (["mask"], torch.bool)
