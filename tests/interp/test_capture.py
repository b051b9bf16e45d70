"""Library code asks whether it is being captured: the answers are torch's own."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from ane_lsp import analysis
from ane_lsp.interp.entries import run_file
from ane_lsp.interp.run import Limits, run_script
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.workspace import Workspace
from ane_lsp.workspace.project import Projects

QUESTIONS = (
    "torch.jit.is_tracing()",
    "torch.jit.is_scripting()",
    "torch._C._is_tracing()",
    "bool(torch._C._get_tracing_state())",
    "torch.compiler.is_compiling()",
    "torch.compiler.is_exporting()",
    "torch.compiler.is_dynamo_compiling()",
    "torch._utils.is_compiling()",
    "torch.onnx.is_in_onnx_export()",
    "isinstance(x, torch._subclasses.FakeTensor)",
    "isinstance(x, torch._subclasses.fake_tensor.FakeTensor)",
)
PROGRAM = (
    "import torch\nimport torch._subclasses.fake_tensor\nimport torch._utils\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
    + "".join(f"        if {q}:\n            x = torch.pow(x, {n})\n" for n, q in enumerate(QUESTIONS, 2))
    + "        return x\n\n\nOUTSIDE = torch.jit.is_tracing() or torch.compiler.is_compiling()\n\nif __name__ == '__main__':\n    Net()(torch.zeros(2, 3))\n"
)  # fmt: skip


def answered(graphs: list[Any]) -> list[str]:
    """The questions a graph took the true branch of."""
    (graph,) = graphs
    assert not any(call.optional for call in graph.calls)
    return [QUESTIONS[call.args[1] - 2] for call in graph.calls]


def torch_says(capture: str) -> list[str]:
    import torch
    import torch._subclasses.fake_tensor

    told: list[str] = []

    class Probe(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            told[:] = [q for q in QUESTIONS if eval(q, {"torch": torch, "x": x})]
            return x + 1

    x = torch.zeros(2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if capture == "trace":
            torch.jit.trace(Probe(), (x,), check_trace=False)
        elif capture == "export":
            torch.export.export(Probe(), (x,))
        else:
            Probe()(x)
    return told


@pytest.mark.parametrize("capture", ["", "trace", "export"])
def test_a_model_that_asks_is_answered_as_torch_answers(tmp_path: Path, capture: Any) -> None:
    path = tmp_path / "net.py"
    path.write_text(PROGRAM)
    workspace = Workspace(tmp_path)
    found = run_file(workspace, path, parse_directives(workspace.read(path)), [], "iOS18", Limits(), capture=capture)
    assert answered([e.graph for e in found.entries]) == torch_says(capture)
    assert found.run.interp.modules["net"].namespace["OUTSIDE"] is False
    assert all(e.graph.asks_capture for e in found.entries)


def test_check_reads_what_is_converted_and_trace_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(PROGRAM)
    for export_path, capture in (("trace", "trace"), ("export", "export"), ("export-core", "export")):
        projects = Projects({"export-path": export_path}, None, False)
        result = analysis.analyze(path, projects.workspace(path), projects.settings(path))
        assert answered(result.graphs) == torch_says(capture)
    assert answered(run_script(Workspace(tmp_path), path).graphs) == torch_says("") == []


@pytest.mark.parametrize("end", ["", "\n\nNet()(torch.zeros(1, 4))\n"])
def test_a_method_that_trains_is_no_switch(tmp_path: Path, end: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.inner = nn.Sequential(nn.Linear(4, 3), nn.Dropout())\n\n    def train(self, good, bad):\n        return self.inner(good)\n\n"
        "    def forward(self, x):\n        x = self.inner(x)\n        return x if self.training or self.inner.training else torch.relu(x)\n"
        + end
    )
    workspace = Workspace(tmp_path)
    done = run_file(workspace, script, parse_directives(workspace.read(script)), [], "iOS18", Limits())
    assert [[call.torch for call in entry.graph.calls] for entry in done.entries] == [
        ["torch.nn.Linear", "torch.nn.Dropout", "torch.relu"]
    ]


def test_a_model_that_does_not_ask_says_so(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("import torch\ntorch.jit.is_tracing()\nm = torch.nn.ReLU()\nm(torch.zeros(2))\n")
    assert [g.asks_capture for g in run_script(Workspace(tmp_path), path).graphs] == [False]


def test_a_custom_function_is_noted_where_it_is_applied_and_adds_no_row(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\nclass Twice(torch.autograd.Function):\n    @staticmethod\n    def forward(x):\n        return x * 2\n"
        "    @staticmethod\n    def setup_context(ctx, inputs, output):\n        pass\n"
        "class Net(torch.nn.Module):\n    def forward(self, x):\n        Twice.apply(x)\n        return Twice.apply(x)\n"
        "Net()(torch.zeros(2))\n"
    )
    (graph,) = run_script(Workspace(tmp_path), path).graphs
    assert [call.torch for call in graph.calls] == ["torch.Tensor.mul", "torch.Tensor.mul"]
    assert [call.span.line for call in graph.custom] == [11, 12]
    assert graph.custom[1].result is graph.outputs[0]
    projects = Projects({}, None, False)
    result = analysis.analyze(path, projects.workspace(path), projects.settings(path))
    assert [(f.code, f.span.line) for f in result.findings if f.code == "ANE101"] == [("ANE101", 12)]


def test_a_way_that_only_a_tracer_can_go_is_not_taken(tmp_path: Path) -> None:
    """A tracer's sizes are tensors, as torchvision's detection models count on."""
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        if torch.jit.is_tracing():\n"
        "            return torch.stack([x.shape[0], x.shape[1]]).max() * x\n        return x.sin()\n"
        "Net()(torch.zeros(2, 3))\n"
    )
    projects = Projects({}, None, False)
    result = analysis.analyze(path, projects.workspace(path), projects.settings(path))
    assert [call.torch for call in result.graphs[0].calls] == ["torch.Tensor.sin"]


TWO = """\
import torch
from torch import nn

class Sizes(nn.Module):
    def forward(self, x):
        if torch.jit.is_tracing():
            return torch.stack([x.shape[0], x.shape[1]]).max() * x
        return x.sin()

class Asks(nn.Module):
    def forward(self, x):
        return x.cos() if torch.jit.is_tracing() else x.tan()

class Fails(nn.Module):
    def forward(self, x):
        x = x.exp() if torch.jit.is_tracing() else x.log()
        return x.view(7, 7)
"""


def read(path: Path) -> dict[str, list[str]]:
    projects = Projects({}, None, False)
    result = analysis.analyze(path, projects.workspace(path), projects.settings(path))
    return {graph.name: [call.torch.rpartition(".")[2] for call in graph.calls] for graph in result.graphs}


def test_only_a_model_that_needs_it_is_read_as_nobody_captures_it(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(TWO.replace("(nn.Module):", "(nn.Module):  # ane: input(2x3)"))
    assert read(path) == {"Sizes": ["sin"], "Asks": ["cos"], "Fails": ["exp"]}


def test_inputs_of_a_model_that_is_read_a_second_time_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    pooled = "return nn.functional.max_pool2d(x, 2).sin()"
    path.write_text(
        TWO.replace("return torch.stack", "raise ValueError\n            return torch.stack").replace(
            "return x.sin()", pooled
        )
    )
    assert read(path)["Sizes"] == ["max_pool2d", "sin"]
    projects = Projects({}, None, False)
    result = analysis.analyze(path, projects.workspace(path), projects.settings(path))
    (model,) = (model for model in result.models if model.name == "Sizes")
    assert len(model.assumed) == 1
    assert model.assumed[0].startswith("x: [B, C, H, W] f32")


def test_a_model_is_built_once_for_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\nfrom torch import nn\nMADE = []\n\nclass Net(nn.Module):  # ane: input(2x3)\n"
        "    def __init__(self):\n        super().__init__()\n        MADE.append(self)\n\n    def forward(self, x):\n"
        "        if torch.jit.is_tracing():\n            raise ValueError\n        return x.view(2, 3 * len(MADE)).sin()\n"
    )
    assert read(path) == {"Net": ["view", "sin"]}
    path.write_text(path.read_text().replace("  # ane: input(2x3)", "").replace("x.view", "nn.functional.linear(x, self.w).view").replace(
        "MADE.append(self)", "MADE.append(self)\n        self.w = nn.Parameter(torch.ones(3, 3))"
    ).replace("(2, ", "(-1, "))  # fmt: skip
    assert read(path) == {"Net": ["linear", "view", "sin"]}
