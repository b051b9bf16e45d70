"""Calls are kept that are given tensors of another module, and that call functions of libraries that keep what they gave."""

from pathlib import Path

import pytest
from test_cutoff import check, check_alone
from test_following import analysed, answered

from ane_lsp.interp.repeats import Repeats

LIBRARY = """\
from functools import lru_cache


class Version:
    def __init__(self, text):
        self.parts = [int(part) for part in text.split(".")]


@lru_cache
def newer(text):
    return Version("2.13").parts >= Version(text).parts
"""
MODEL = """\
import torch
from torch import nn
import lib


class Routed(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(8, 4)

    def forward(self, x, bias, scale):
        if lib.newer("2.4"):
            x = torch.relu(x)
        return (self.gate(x) + bias) * scale


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.routed = Routed()
        self.scale = nn.Parameter(torch.ones(4))
        self.register_buffer("bias", torch.zeros(4))
        self.back = nn.Linear(4, 8)

    def forward(self, x):
        return x + self.back(self.routed(x, self.bias, self.scale))


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Layer() for _ in range(3)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x, 0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):  # ane: input(2x8)
        return self.body(x)[0]
"""


@pytest.fixture(autouse=True)
def library(tmp_path: Path, small_pieces: None) -> None:
    (tmp_path / "lib.py").write_text(LIBRARY)


@pytest.mark.parametrize(
    ("edit", "how"),
    [
        (("        return (self.gate", "        typed = 1\n        return (self.gate"), "moved"),
        (("torch.relu(x)", "torch.tanh(x)"), "again"),
        (("+ bias)", "- bias)"), "again"),
    ],
)
def test_a_call_that_is_given_tensors_of_another_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: tuple[str, str], how: str
) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    analyst.idle()
    check_alone(path, analyst, monkeypatch, MODEL, MODEL.replace(*edit), how)


def test_whether_a_result_is_kept_is_no_trace_of_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, MODEL)
    analyst.idle()
    followed: list[str] = []
    first = Repeats.followed

    def counted(repeats: Repeats, *given: object) -> object:
        if not given[0].doubted:  # type: ignore[attr-defined]
            followed.append(given[1].cls.name)  # type: ignore[attr-defined]
        return first(repeats, *given)  # type: ignore[arg-type]

    for number in (1, 2):
        text = MODEL.replace("return x, 0", f"return x[:, :{number}], 0")
        with monkeypatch.context() as patched:
            patched.setattr(Repeats, "followed", counted)
            assert answered(analyst, path, text) == "again"
        analyst.idle()
        check(path, analyst, text)
    assert followed == ["Body", "Body"]


LATE = """

class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):  # ane: input(2x8)
        return self.work(x)

    def work(self, x):
        if lib.newer("2.6"):
            x = torch.tanh(x)
        if lib.newer("2.8") and late.NEW:
            x = torch.exp(x)
        return self.fc(x)
"""


def test_what_cached_functions_gave_to_modules_that_run_late_was_always_there(tmp_path: Path) -> None:
    """Else each edit would have the file analysed anew: taking back what a model left would take that back, too."""
    path = tmp_path / "net.py"
    (tmp_path / "late.py").write_text('import lib\nNEW = lib.newer("2.5") and not lib.newer("3.1")\n')
    model = MODEL.replace("import lib", "import late\nimport lib") + LATE
    analyst = analysed(path, model)
    analyst.idle()
    for edited in (model.replace("torch.exp(x)", "torch.erf(x)"), model.replace('"2.6"', '"4.6"'), model):
        check(path, analyst, edited)
        analyst.idle()
