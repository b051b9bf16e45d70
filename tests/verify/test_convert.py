"""Real conversions: source lines, comparison, errors on their lines, numbers. One small model each, because a run takes seconds."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from ane_lsp.cli.main import main
from ane_lsp.verify.compare import counts
from ane_lsp.verify.program import NOWHERE
from ane_lsp.verify.reproduce import report
from ane_lsp.verify.run import Request, Verification, verify
from ane_lsp.verify.shown import to_json
from ane_lsp.workspace.project import Projects

_MISSING = [name for name in ("torch", "coremltools") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}; nothing is converted")

MODEL = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return self.mixed(x)

    def mixed(self, x):
        x = self.conv(x)
        x = self.norm(x)
        return torch.relu(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())
        self.pool = nn.MaxPool2d(9, stride=1, padding=4)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        print("user output")
        x = self.pool(self.blocks(x))
        scores = self.head(x.mean((2, 3)))
        return scores.softmax(-1), scores.argmax(-1)


if __name__ == "__main__":
    net = Net()
    net(torch.randn(1, 8, 32, 32))
"""


def _verify(folder: Path, code: str, **options: object) -> Verification:
    path = folder / "net.py"
    path.write_text(code)
    projects = Projects({}, None, False)
    return verify(Request(path, **options), projects.workspace(path), projects.settings(path))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["export", "trace", "export-core"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Verification:
    return _verify(tmp_path_factory.mktemp(request.param), MODEL, convert_path=request.param)


def test_every_operation_has_the_line_that_made_it(found: Verification) -> None:
    assert found.outcome.ended == "done", found.outcome
    assert found.program is not None
    real = [op for op in found.program.ops if op.kind != "cast"]
    assert all(op.span != NOWHERE for op in real)
    # A convolution with a folded norm stands on the convolution's line, in a helper that is not called forward.
    assert {op.span.line for op in real if op.kind == "conv"} == {15}
    assert {op.call.fn for op in real if op.kind == "conv"} == {"mixed"}
    assert {op.span.line for op in real if op.kind == "relu"} == {17}
    assert {op.span.line for op in real if op.kind in ("max_pool",)} == {29}
    assert {op.span.line for op in real if op.kind in ("linear", "reduce_mean")} == {30}


def test_columns_come_from_the_source_analysis(found: Verification) -> None:
    assert found.program is not None
    (pool,) = [op for op in found.program.ops if op.kind == "max_pool"]
    text = MODEL.splitlines()[28]
    assert text[pool.span.col : pool.span.end_col] == "self.pool(self.blocks(x))"
    assert pool.call.torch == "torch.nn.MaxPool2d"


def test_findings_are_confirmed_by_the_program(found: Verification) -> None:
    statuses = {(c.finding.code, c.status) for c in found.comparisons}
    assert {("ANE302", "confirmed"), ("ANE203", "confirmed")} <= statuses
    assert counts(found.comparisons)["refuted"] == 0
    assert not [c for c in found.comparisons if c.status == "new"]


def test_numbers_and_placement(found: Verification) -> None:
    numbers = found.outcome.results["numbers"]
    assert numbers["aligned"]
    assert numbers["passes"]
    float_output, integer_output = numbers["outputs"]
    assert float_output["psnr"] > 50
    assert integer_output["kind"] == "integer"
    program = found.outcome.results["mil"]
    assert program["fp32"]["outputs"][0]["psnr"] > program["fp16"]["outputs"][0]["psnr"] > 50
    assert program["fp16"]["outputs"][1]["kind"] == "integer"
    assert found.agreement is not None
    assert found.agreement.kinds.both == found.agreement.kinds.there == found.agreement.kinds.said
    assert found.placed is not None
    assert found.placed.problem is None
    assert "user output" in found.outcome.output


def test_the_json_is_plain_and_the_reproduction_anonymous(found: Verification) -> None:
    data = json.loads(json.dumps(to_json(found)))
    assert data["model"]["source"] == "the model call in the file"
    assert data["conversion"]["path"] == found.job.path
    text = json.dumps(report(found))
    assert "net.py" not in text
    assert "Net" not in text
    assert str(Path(found.job.file).parent) not in text


def test_a_conversion_error_stands_on_its_line(tmp_path: Path) -> None:
    code = (
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        y = x * 2\n"
        "        return torch.linalg.qr(y)[0]\n\n\nNet()(torch.randn(4, 4))\n"
    )
    found = _verify(tmp_path, code, backends=("coreml",))
    assert found.outcome.ended == "failed"
    assert found.program is None
    failures = [f for f in found.findings if f.code == "ANE905"]
    assert {f.span.line for f in failures} == {8}
    assert [c.status for c in found.comparisons if c.finding.code.startswith("ANE1")] == ["confirmed"]


OVERFLOW = """\
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        y = x * 300
        return (y * y).sum(-1).sqrt()


def example_inputs():
    return (torch.ones(2, 64),)
"""


def test_values_outside_fp16_are_found_on_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.py"
    path.write_text(OVERFLOW)
    page = tmp_path / "out.html"
    assert main(["verify", f"{path}::Net", "--isolated", "--backend", "numbers", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["model"]["source"] == "example_inputs of the file"
    assert {(f["code"], f["line"]) for f in data["findings"]} == {("ANE906", 8), ("ANE907", 8)}
    assert (
        main(["verify", f"{path}::Net", "--isolated", "--backend", "numbers", "--format", "html", "-o", str(page)]) == 1
    )
    assert "reaches 5.76e+06" in page.read_text()


def test_inputs_are_never_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return x + 1\n"
    )
    assert main(["verify", f"{path}::Net", "--isolated", "--backend", "numbers"]) == 2
    assert "--input" in capsys.readouterr().out
    assert main(["verify", f"{path}::Net", "--isolated", "--backend", "numbers", "--input", "2x3"]) == 0
    assert "from the command line" in capsys.readouterr().out


def test_a_dry_run_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.py"
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    assert main(["verify", str(path), "--isolated", "--dry-run"]) == 0
    assert "it is no sandbox" in capsys.readouterr().out
    assert not (tmp_path / "ran").exists()
