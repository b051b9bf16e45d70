"""A file that also says how its models are converted is followed like any other: what is found in the script is found again for each text."""

from pathlib import Path

import pytest
from test_cutoff import Counted, check
from test_following import analysed, answered

pytestmark = pytest.mark.usefixtures("small_pieces")

SCRIPT = """\
import torch
import coremltools as ct
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return self.fc(x).relu()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block() for _ in range(3)])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def convert(net):
    sizes = [ct.RangeDim(1, 8)]
    traced = torch.jit.trace(net, torch.zeros(1, 8))
    return ct.convert(traced, inputs=[ct.TensorType(shape=(sizes[0], 8))], compute_units=ct.ComputeUnit.ALL)


def unused():
    return ct.RangeDim(1, 4)
"""


def codes(path: Path, analyst: object) -> list[tuple[str, int]]:
    found = analyst.analyze(str(path), lambda: False)  # type: ignore[attr-defined]
    return [(finding.code, finding.span.line) for finding in found.findings]


@pytest.mark.parametrize(
    ("where", "stages"),
    [("        return self.fc(x)", 0), ("    traced = torch", 2), ("    return ct.RangeDim(1, 4)", 2)],
)
def test_a_statement_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, stages: int) -> None:
    """Functions that nobody calls are called to see whether they make models."""
    path = tmp_path / "net.py"
    analyst = analysed(path, SCRIPT)
    analyst.idle()
    assert codes(path, analyst) == [("ANE606", 27)]
    counted = Counted(monkeypatch)
    indent = " " * (len(where) - len(where.lstrip()))
    for text in (
        SCRIPT.replace(where, f"{indent}typed = 1\n{where}"),
        SCRIPT.replace(where, f"{indent}# said\n{where}"),
    ):
        counted.reset()
        assert answered(analyst, path, text) == "moved"
        assert counted.stages <= stages
        check(path, analyst, text)
        analyst.idle()


def test_what_the_script_says_is_found_for_each_text(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    analyst = analysed(path, SCRIPT)
    for lines, found in [
        (("ct.RangeDim(1, 8)",), [("ANE606", 33)]),
        ((), [("ANE606", 27)]),
        (("ct.RangeDim(1, 8)", "ct.RangeDim(1, 4)"), []),
        (("ct.RangeDim(1, 4)",), [("ANE606", 27)]),
    ]:
        text = SCRIPT
        for line in lines:
            text = text.replace(line, "4")
        check(path, analyst, text)
        assert codes(path, analyst) == found
        analyst.idle()
