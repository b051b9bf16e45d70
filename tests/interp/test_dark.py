"""Models that a script calls on what nobody knows are followed on inputs found by probing."""

from pathlib import Path

import pytest

from ane_lsp.analysis import FileAnalysis, analyze, trace
from ane_lsp.workspace import Settings, Workspace

NET = """\
import torch
from torch import nn
from nowhere import load, loader


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.width = width

    def forward(self, x):
        return self.conv(x).relu().mean((2, 3))


"""
FOUND = ["the script calls it on what nobody knows", "x: [B, 3, H, W] f32 (first used by conv2d)"]


def analysed(folder: Path, text: str, name: str = "script.py") -> FileAnalysis:
    path = folder / name
    path.write_text(text)
    return analyze(path, Workspace(folder), Settings())


def outputs(found: FileAnalysis) -> list[list[str]]:
    return [[str(value.type) for value in graph.outputs] for graph in found.graphs]


@pytest.mark.parametrize(
    "script",
    [
        "Net(16)(load())",
        "net = Net(16)\nfor images, labels in loader:\n    out = net(images)",
        "net = Net(16)\nnet(x=load())",
        "net = Net(16)\nnet(*load())",
        "net = Net(16)\nnet(**load())",
        "net = nn.Sequential(Net(16))\nnet(load())",
        "def run(net, x):\n    return net(x)\n\nnet = Net(16)\nfor batch in loader:\n    run(net, batch)\nrun(net, load())",
    ],
)
def test_the_model_of_the_script_is_followed_on_inputs_that_are_found(tmp_path: Path, script: str) -> None:
    found = analysed(tmp_path, NET + script + "\n")
    assert outputs(found) == [["[B, 16] f32"]]
    (model,) = found.models
    assert model.assumed[0] == FOUND[0]
    assert model.assumed[1].endswith(FOUND[1].removeprefix("x"))
    assert model.span.line > NET.count("\n")


def test_each_call_of_a_model_in_the_dark_is_one_entry(tmp_path: Path) -> None:
    found = analysed(
        tmp_path, NET + "one, two = Net(16), Net(32)\nfor x in loader:\n    one(x)\n    two(x)\none(load())\n"
    )
    assert sorted(map(str, outputs(found))) == ["['[B, 16] f32']", "['[B, 32] f32']"]


def test_no_more_than_some_of_many_models_are_followed_again(tmp_path: Path) -> None:
    found = analysed(tmp_path, NET + "for width in range(1, 40):\n    Net(width)(load())\n")
    assert [model.assumed[0] for model in found.models if model.assumed] == [FOUND[0]] * 8
    assert len(found.models) == 39
    assert not found.errors


def test_a_call_on_what_is_known_says_it_better(tmp_path: Path) -> None:
    found = analysed(tmp_path, NET + "net = Net()\nnet(load())\nnet(torch.zeros(2, 3, 8, 8))\n")
    assert ["[2, 8] f32"] in outputs(found)
    assert not any(FOUND[0] in model.assumed for model in found.models)


@pytest.mark.parametrize(
    "body",
    ["return x @ y", "return torch.cat([x, y])", "raise ValueError"],
)
def test_what_probing_does_not_find_stays_unknown(tmp_path: Path, body: str) -> None:
    text = f"import torch\nfrom torch import nn\nfrom nowhere import load\n\nclass Net(nn.Module):\n    def forward(self, x, y):\n        {body}\n\nNet()(load(), load())\n"
    found = analysed(tmp_path, text)
    assert not any(FOUND[0] in model.assumed for model in found.models)


def test_a_comment_on_inputs_has_the_last_word(tmp_path: Path) -> None:
    text = NET.replace("def forward(self, x):", "def forward(self, x):  # ane: input(1x3x32x32)") + "Net()(load())\n"
    assert ["[1, 8] f32"] in outputs(analysed(tmp_path, text))


def test_a_model_of_another_file_is_an_entry_where_the_script_calls_it(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET.replace("relu()", "cumsum(1)"))
    found = analysed(
        tmp_path, "import torch\nfrom net import Net\nfrom nowhere import load\n\nmodel = Net()\nmodel(load())\n"
    )
    (model,) = found.models
    assert (model.span.line, model.assumed) == (6, tuple(FOUND))
    assert any("ANE205" in remark.text for remark in model.elsewhere)


def test_what_is_traced_in_the_dark_still_says_what_it_returns(tmp_path: Path) -> None:
    text = NET.replace("return self", "y = self").replace("mean((2, 3))\n", "mean((2, 3))\n        return y, None\n")
    found = analysed(tmp_path, text + "net = Net().eval()\ntorch.jit.trace(net, load())\n")
    assert "ANE131" in [finding.code for finding in found.findings]
    assert outputs(found) == [["[B, 8] f32"]]


def test_trace_shows_what_check_follows(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(NET + "Net()(load())\n")
    shown = trace(path, Workspace(tmp_path), Settings())
    summary = shown.summary["summary"]
    assert (summary["ops"], summary["unknown_shapes"]) == (3, 0)
    assert [f"Net: {text}" for text in FOUND] == summary["assumed"]


def test_why_a_model_is_empty_is_told(tmp_path: Path) -> None:
    """A wrapper of what nobody knows, called on what nobody knows."""
    text = """\
import torch
from torch import nn
from nowhere import load, make


class Wrapper(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(hidden_states=x)[0]


wrapper = Wrapper(make())
wrapper(load())
"""
    (model,) = analysed(tmp_path, text).models
    assert (model.ops, model.assumed[0]) == (0, FOUND[0])
    assert any("module 'nowhere' was not found" in str(remark) for remark in model.lost)
