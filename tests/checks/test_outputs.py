"""What is said of models that return more than tensors to a script that converts them, beside what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ane_lsp.analysis import analyze
from ane_lsp.checks.finding import Finding
from ane_lsp.workspace import Settings, Workspace

pytestmark = pytest.mark.filterwarnings("ignore")

SCRIPT = """
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import coremltools as ct
import torch
from torch import nn

Pair = namedtuple("Pair", "left right")


@dataclass
class Record:
    left: torch.Tensor


class Net(nn.Module):
    def forward(self, x):
        return RESULT


example = torch.randn(2, 16)
"""
TRACE = "traced = torch.jit.trace(Net().eval(), example)\n"
EXPORT = "exported = torch.export.export(Net().eval(), (example,))\n"

# What is returned, and whether it can be traced and, exported, be converted.
RETURNED = [
    ("x * 2", True, True),
    ("(x * 2, [x, x + 1], (x, (x,)))", True, True),
    ("(x * 2, [x, (x + 1,)])", False, True),
    ("Pair(x * 2, x)", True, True),
    ("(x * 2, ())", True, True),
    ("{'a': x * 2}", False, True),
    ("OrderedDict(a=x * 2)", False, True),
    ("(x * 2, {'a': x})", False, True),
    ("(x * 2, None)", False, False),
    ("(x * 2, (x + 1, None))", False, False),
    ("Pair(x * 2, None)", False, False),
    ("(x * 2, 'a')", False, False),
    ("(x * 2, [])", False, True),
    ("Record(x * 2)", False, False),
]


def said_of(folder: Path, text: str, settings: Settings = Settings()) -> list[Finding]:
    file = folder / "script.py"
    file.write_text(text)
    return [finding for finding in analyze(file, Workspace(folder), settings).findings if finding.code == "ANE131"]


@pytest.mark.parametrize(("result", "traces", "_"), RETURNED)
def test_a_tracer_refuses_what_is_said(tmp_path: Path, result: str, traces: bool, _: bool) -> None:
    script = SCRIPT.replace("RESULT", result)
    made: dict[str, Any] = {"__name__": "script"}
    exec(script.replace("import coremltools as ct", ""), made)
    try:
        torch.jit.trace(made["Net"]().eval(), made["example"], check_trace=False)
    except RuntimeError:
        assert not traces
    else:
        assert traces
    found = said_of(tmp_path, script + TRACE)
    assert bool(found) is not traces
    assert all(finding.span.line == script.count("\n") + 1 for finding in found)


@pytest.mark.parametrize(("result", "_", "converts"), RETURNED)
def test_coremltools_refuses_what_is_said_of_exported_models(
    tmp_path: Path, result: str, _: bool, converts: bool
) -> None:
    ct = pytest.importorskip("coremltools", reason="coremltools is not installed: conversions are not compared")
    script = SCRIPT.replace("RESULT", result)
    made: dict[str, Any] = {"__name__": "script"}
    exec(script, made)
    try:
        program = torch.export.export(made["Net"]().eval(), (made["example"],)).run_decompositions({})
        ct.convert(program, convert_to="milinternal", minimum_deployment_target=ct.target.iOS18)
    except Exception:  # of several kinds
        assert not converts
    else:
        assert converts
    assert bool(said_of(tmp_path, script + EXPORT, Settings(export_path="export"))) is not converts


def test_numbers_are_outputs_of_no_program(tmp_path: Path) -> None:
    """A trace makes tensors of sizes, so nothing is said of a number there."""
    script = SCRIPT.replace("RESULT", "(x * 2, x.shape[0])")
    assert said_of(tmp_path, script + TRACE) == []
    assert len(said_of(tmp_path, script + EXPORT, Settings(export_path="export"))) == 1


def test_a_dict_is_traced_without_strictness(tmp_path: Path) -> None:
    script = SCRIPT.replace("RESULT", "{'a': x * 2}")
    assert said_of(tmp_path, script + TRACE.replace("example)", "example, strict=False)")) == []


def test_nobody_but_coremltools_minds_none(tmp_path: Path) -> None:
    script = SCRIPT.replace("RESULT", "(x * 2, None)").replace("import coremltools as ct\n", "")
    assert said_of(tmp_path, script + EXPORT, Settings(export_path="export")) == []


def test_a_module_that_no_script_converts_may_return_anything(tmp_path: Path) -> None:
    script = SCRIPT.replace("RESULT", "{'a': x * 2, 'b': None}")
    assert said_of(tmp_path, script + "Net()(example)\n") == []
