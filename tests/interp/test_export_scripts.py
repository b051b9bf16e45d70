"""Scripts that convert a model: the model is found, or the file says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ane_lsp import analyze_file
from ane_lsp.analysis import FileAnalysis

NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
    def forward(self, x):
        return self.conv(x)
"""


def analysed(folder: Path, script: str, **others: str) -> FileAnalysis:
    """What is found in a script that may use the class above, with other modules beside it."""
    for name, text in {"net": NET, **others}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "export.py").write_text(script, encoding="utf-8")
    return analyze_file(folder / "export.py")


def outputs(found: FileAnalysis) -> list[str]:
    return [str(value.type) for graph in found.graphs for value in graph.outputs]


def reasons(found: FileAnalysis) -> list[str]:
    return [f"{one.span.line}: {one.message}" for one in found.unfollowed]


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        ('torch.load("net.pth")', "what a checkpoint holds"),
        ('torch.jit.load("net.pt")', "what a saved TorchScript program"),
    ],
)
def test_what_a_file_of_weights_holds_is_no_model(tmp_path: Path, loaded: str, reason: str) -> None:
    script = f"import torch\nmodel = {loaded}\nmodel.eval()\nmodel(torch.rand(1, 3, 8, 8))\n"
    found = analysed(tmp_path, script)
    assert found.models == []
    (told,) = reasons(found)
    assert reason in told
    assert "build the model from its class" in told


def test_weights_of_a_model_that_is_known_are_no_reason(tmp_path: Path) -> None:
    script = 'import torch\nfrom net import Net\nnet = Net()\nnet.load_state_dict(torch.load("net.pth")["state"])\n'
    assert reasons(analysed(tmp_path, script)) == []


def test_the_old_name_of_the_exporter(tmp_path: Path) -> None:
    script = 'import torch\nfrom net import Net\ntorch.onnx._export(Net(6), torch.rand(1, 3, 8, 8), "net.onnx", True)\n'
    assert outputs(analysed(tmp_path, script)) == ["[1, 6, 6, 6] f32"]


def test_what_stands_in_the_place_of_the_model_comes_before_packages_that_are_not_read(tmp_path: Path) -> None:
    script = """
import torch
import onnx, onnxruntime, cv2
picture = cv2.imread("a.png")
options = onnxruntime.SessionOptions()
model = torch.load("net.pth")
traced = torch.jit.trace(model, torch.rand(1, 3, 8, 8))
onnx.checker.check_model(onnx.load("net.onnx"))
"""
    (told,) = reasons(analysed(tmp_path, script))
    assert told.startswith("6: what a checkpoint holds")


@pytest.mark.parametrize(
    "call",
    ["torch.jit.script(model)", "torch.export.export(model, data)", "torch.onnx.export(model, data, 'net.onnx')"],
)
def test_a_model_that_is_converted_with_an_example_nobody_knows(tmp_path: Path, call: str) -> None:
    script = f"import torch\nimport nowhere\ndata = nowhere.batch()\nmodel = torch.load('net.pth')\n{call}\n"
    assert reasons(analysed(tmp_path, script))[0].startswith("4: what a checkpoint holds")


def test_packages_that_are_not_read_come_last(tmp_path: Path) -> None:
    script = "import torch\nimport onnx\ngraph = onnx.load('net.onnx')\nnet = made()\n"
    assert [told.split(":")[0] for told in reasons(analysed(tmp_path, script))] == ["4", "3"]


def test_an_error_of_another_file_is_told_where_this_one_led_to_it(tmp_path: Path) -> None:
    script = (
        "import torch\nimport zoo\ndef main():\n    net = zoo.build('wide')\n    net(torch.rand(1, 3, 8, 8))\nmain()\n"
    )
    zoo = "def build(name):\n    return {'small': 1}[name]\n"
    assert reasons(analysed(tmp_path, script, zoo=zoo)) == ["4: line 2 of zoo.py raised KeyError: 'wide'"]


def test_a_function_that_converts_and_is_not_called(tmp_path: Path) -> None:
    script = "import torch\ndef export(model):\n    return torch.jit.trace(model, torch.rand(1, 3, 8, 8))\n"
    assert reasons(analysed(tmp_path, script)) == ["2: export() converts a model, and nothing here calls it"]
    assert reasons(analysed(tmp_path, f"{script}from net import Net\nexport(Net())\n")) == []


@pytest.mark.parametrize(
    ("call", "channels"),
    [
        ('load("zoo", "small", source="local", width=5)', 5),
        ('load("pytorch/vision:v0.10.0", "wide", pretrained=True)', 9),
        ('load("pytorch/vision", "segmenter")', 7),
    ],
)
def test_models_of_a_hub(tmp_path: Path, call: str, channels: int) -> None:
    """A folder's own, and those of a package that is installed."""
    (tmp_path / "zoo").mkdir()
    hub = "from net import Net\ndef small(pretrained=False, width=4):\n    return Net(width)\n"
    (tmp_path / "zoo" / "hubconf.py").write_text(hub, encoding="utf-8")
    package = tmp_path / "torchvision" / "models"
    package.mkdir(parents=True)
    (tmp_path / "torchvision" / "__init__.py").write_text("from torchvision import models\n", encoding="utf-8")
    wide = "from net import Net\ndef wide(pretrained=False):\n    return Net(9)\n"
    (package / "__init__.py").write_text(f"from torchvision.models import segmentation\n{wide}", encoding="utf-8")
    (package / "segmentation.py").write_text(wide.replace("wide", "segmenter").replace("9", "7"), encoding="utf-8")
    script = f"import torch\nnet = torch.hub.{call}\ntorch.jit.trace(net, torch.rand(1, 3, 8, 8))\n"
    assert outputs(analysed(tmp_path, script)) == [f"[1, {channels}, 6, 6] f32"]


def test_what_a_hub_imports_is_its_own(tmp_path: Path) -> None:
    """Its folder is on the path only while it builds the model."""
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "hubconf.py").write_text(
        "from parts import Net\ndef small():\n    return Net(9)\n", encoding="utf-8"
    )
    (tmp_path / "zoo" / "parts.py").write_text(NET, encoding="utf-8")
    (tmp_path / "zoo" / "sizes.py").write_text("width = 1\n", encoding="utf-8")
    script = """
import torch
net = torch.hub.load("zoo", "small", source="local")
try:
    from sizes import width
except ImportError:
    width = 5
torch.jit.trace(torch.nn.Sequential(net, torch.nn.Conv2d(9, width, 1)), torch.rand(1, 3, 8, 8))
"""
    assert outputs(analysed(tmp_path, script)) == ["[1, 5, 6, 6] f32"]


def test_a_hub_that_is_not_read(tmp_path: Path) -> None:
    script = "import torch\nnet = torch.hub.load('somebody/zoo', 'small')\nnet.eval()(torch.rand(1, 3, 8, 8))\n"
    (told,) = reasons(analysed(tmp_path, script))
    assert told == "2: the repository somebody/zoo is not read: build the model 'small' from its class"


def test_an_error_is_told_once(tmp_path: Path) -> None:
    script = "import torch\nnet = [1][2]\nnet(torch.rand(1, 3, 8, 8))\n"
    (told,) = reasons(analysed(tmp_path, script))
    assert "IndexError" in told


ARGUMENTS = """
import argparse
import torch
from net import Net
def small(): return Net(5)
def large(): return Net(9)
registry = {{"small": small, "large": large}}
sizes = {{"small": 5, "large": 9}}
parser = argparse.ArgumentParser()
parser.add_argument("--model-type", type=str, required=True)
parser.add_argument("--width", type=int, required=True, choices=[7, 9])
parser.add_argument("--widths", nargs="+", type=int, required=True, choices=[8, 9])
args = parser.parse_args()
torch.jit.trace({net}, torch.rand(1, 3, 8, 8))
"""
WIDTHS = [
    "width is taken as 7, the first of its choices: it is given no value",
    "widths is taken as 8, the first of its choices: it is given no value",
]


@pytest.mark.parametrize(
    ("net", "channels", "more"),
    [
        ("Net(args.width)", 7, ()),
        ("Net(args.widths[0])", 8, ()),
        (
            "registry[args.model_type]()",
            5,
            ("model_type is taken as 'small', the first that there is: it is given no value",),
        ),
    ],
)
def test_arguments_that_have_to_be_given(tmp_path: Path, net: str, channels: int, more: tuple[str, ...]) -> None:
    """What decides which model is built is told."""
    found = analysed(tmp_path, ARGUMENTS.format(net=net))
    assert outputs(found) == [f"[1, {channels}, 6, 6] f32"]
    assert found.models[0].assumed == (*WIDTHS, *more)


@pytest.mark.parametrize("net", ["Net(sizes[args.model_type])", "Net(int(args.model_type))", "args.model_type"])
def test_what_an_argument_is_that_decides_no_more_than_a_value(tmp_path: Path, net: str) -> None:
    """A table of sizes is no registry of models, and any number may be given."""
    found = analysed(tmp_path, ARGUMENTS.format(net=net))
    assert all(" 5, 6, 6]" not in text for text in outputs(found))
    assert all(model.assumed == tuple(WIDTHS) for model in found.models)
    if not found.models:
        assert reasons(found) == ["10: what is given for `model_type` is not known: it has no default"]


def test_a_factory_tells_what_it_assumes_of_arguments(tmp_path: Path) -> None:
    """Each time it is followed, and nobody else does."""
    factory = "\n    ".join(ARGUMENTS.format(net="registry[args.model_type]()").strip().split("\n"))
    script = (
        f"{NET}\ndef test_it():\n    {factory.replace('from net import Net', 'pass')}\nclass Other(Net):\n    pass\n"
    )
    assumed = {model.name: model.assumed for model in analysed(tmp_path, script).models}
    assert any("model_type is taken as 'small'" in text for text in assumed["Net"])
    assert not any("model_type" in text for text in assumed["Other"])


def test_what_is_refused_under_an_assumption_is_no_fault_of_the_script(tmp_path: Path) -> None:
    script = "import torch\n{}net = torch.nn.Linear({}, 2)\nnet(torch.rand(1, 3, 8, 8))\n"
    parsed = (
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('width', type=int, choices=[7, 9])\n"
    )
    assert [one.severity for one in analysed(tmp_path, script.format("", "7")).findings] == ["error"]
    assert analysed(tmp_path, script.format(parsed, "parser.parse_args().width")).findings == []


def test_a_model_that_is_compiled_and_never_called_is_probed(tmp_path: Path) -> None:
    """As the script built it, with inputs that its forward tells."""
    script = "import torch\nfrom net import Net\ntorch.jit.save(torch.jit.script(Net(6)), 'net.pt')\n"
    found = analysed(tmp_path, script)
    assert outputs(found) == ["[B, 6, H - 2, W - 2] f32"]
    assert any(text.startswith("x: [B, 3, H, W]") for text in found.models[0].assumed)
    assert found.models[0].span.line == 3
    called = f"{script}scripted = torch.jit.script(Net(6))\nscripted(torch.rand(1, 3, 8, 8))\n"
    assert outputs(analysed(tmp_path, called)) == ["[1, 6, 6, 6] f32"]


def test_a_model_of_the_file_is_compiled_as_the_script_built_it(tmp_path: Path) -> None:
    assert outputs(analysed(tmp_path, f"{NET}\ntorch.jit.script(Net(6))\n")) == ["[B, 6, H - 2, W - 2] f32"]


def test_a_model_that_a_library_converts_for_the_script(tmp_path: Path) -> None:
    script = "import torch\nfrom net import Net\nfrom tools import convert\nconvert(Net(6))\n"
    tools = "import torch\ndef convert(model):\n    return torch.jit.trace(model, torch.rand(1, 3, 8, 8))\n"
    found = analysed(tmp_path, script, tools=tools)
    assert outputs(found) == ["[1, 6, 6, 6] f32"]
    assert found.models[0].span.line == 4
    unused = tools.replace("torch.jit.trace(model, torch.rand(1, 3, 8, 8))", "model.eval()")
    assert analysed(tmp_path, script, tools=unused).models == []


METHODS = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.last = nn.Linear(6, 2)
    def encode(self, x, scale=1):
        return self.last(self.conv(x)) * scale
    def forward(self, x):
        return self.conv(x)
"""


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        ("torch.jit.trace_module(net, {'encode': x})", ["[1, 4, 6, 2] f32"]),
        ("torch.jit.trace_module(net, {'encode': (x, x[:, :1, :6, :2])})", ["[1, 4, 6, 2] f32"]),
        ("torch.jit.trace_module(net, {'encode': dict(x=x)}, example_inputs_is_kwarg=True)", ["[1, 4, 6, 2] f32"]),
        ("torch.jit.trace_module(net, {'encode': x, 'forward': x})", ["[1, 4, 6, 2] f32", "[1, 4, 6, 6] f32"]),
        ("net(x), torch.jit.trace_module(net, {'encode': x}), net(x)", ["[1, 4, 6, 6] f32", "[1, 4, 6, 2] f32"]),
    ],
)
def test_methods_of_a_module_are_traced(tmp_path: Path, call: str, shapes: list[str]) -> None:
    """Each as what the module does."""
    script = f"import torch\nfrom methods import Net\nnet = Net()\nx = torch.rand(1, 3, 8, 8)\n{call}\n"
    assert outputs(analysed(tmp_path, script, methods=METHODS)) == shapes


def test_an_example_that_is_a_dict_is_one_argument(tmp_path: Path) -> None:
    """As torch has it: names of arguments are given as example_kwarg_inputs."""
    script = f"{NET}\nclass Named(Net):\n    def forward(self, x):\n        return self.conv(x['x'])\n"
    call = "torch.jit.trace({}, {}{{'x': torch.rand(1, 3, 8, 8)}})\n"
    assert "[1, 4, 6, 6] f32" in outputs(analysed(tmp_path, script + call.format("Named()", "")))
    named = call.format("Net()", "example_kwarg_inputs=")
    assert "[1, 4, 6, 6] f32" in outputs(analysed(tmp_path, script + named))
    assert "[1, 4, 6, 6] f32" not in outputs(analysed(tmp_path, script + call.format("Net()", "")))


LIGHTNING = """
import pytorch_lightning as pl
import torch
from torch import nn
class Net(pl.LightningModule):
    def __init__(self, classes, width=4):
        super().__init__()
        self.save_hyperparameters()
        self.conv = nn.Conv2d(3, width, 3)
        self.last = nn.Linear(6, classes)
    def forward(self, x):
        return self.last(self.conv(x))
"""


def test_a_lightning_module_from_a_checkpoint(tmp_path: Path) -> None:
    """Nobody knows what it holds; that is told of what is built without it."""
    script = "import torch\nfrom lit import Net\nnet = Net.load_from_checkpoint('a.ckpt'{})\nnet.{}\n"
    trace = "to_torchscript('a.pt', method='trace', example_inputs=torch.rand(1, 3, 8, 8))"
    found = analysed(tmp_path, script.format("", trace), lit=LIGHTNING)
    assert [value.type.rank for value in found.graphs[0].outputs] == [4]
    assert found.graphs[0].outputs[0].type.shape[:3] == (1, 4, 6)  # type: ignore[index]
    assert found.models[0].assumed == (
        "classes is unknown: the checkpoint holds it",
        "Net is built with the defaults of its constructor: the checkpoint may hold other arguments",
    )
    export = "to_onnx('a.onnx', torch.rand(1, 3, 8, 8))"
    found = analysed(tmp_path, script.format(", classes=5, width=7", export), lit=LIGHTNING)
    assert (outputs(found), found.models[0].assumed) == (["[1, 7, 6, 5] f32"], ())


@pytest.mark.parametrize(
    "holds",
    [
        "self.__dict__ = read",
        "self.__dict__.update(read)",
        "for name, value in read.items(): setattr(self, name, value)",
    ],
)
def test_attributes_from_a_file_that_is_not_read(tmp_path: Path, holds: str) -> None:
    """They are unknown, with the reason of the file; none is said to be missing."""
    script = f"""
import torch
from net import Net
read = torch.load("settings.pth")
class Settings:
    def __init__(self):
        {holds}
settings = Settings()
if settings.wide:
    settings.wide = False
net = settings.model_type()
net(torch.rand(1, 3, 8, 8))
"""
    (told,) = reasons(analysed(tmp_path, script))
    assert "what a checkpoint holds is not known" in told


def test_a_path_that_nobody_gave_is_no_file(tmp_path: Path) -> None:
    """As Python has it; what would be read from it decides nothing more."""
    script = """
import argparse
import torch
import yaml
parser = argparse.ArgumentParser()
parser.add_argument("--config")
settings = {}
def load(path):
    with open(path) as file:
        settings.update(yaml.safe_load(file))
load(parser.parse_args().config)
net = settings["model"]()
net(torch.rand(1, 3, 8, 8))
"""
    first = reasons(analysed(tmp_path, script))
    assert "9: TypeError: expected str, bytes or os.PathLike object, not NoneType" in first


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        ("net = [batch for batch in DataLoader([1])][0]", "the batches of a data loader are not known"),
        ("net = registry[len(DataLoader([1]))]", "how many batches a data loader has is not known"),
        ("net = torch.func.vmap(lambda x: x.sum())(torch.rand(2, 3))", "vmap() of a function of more than scalars"),
    ],
)
def test_reasons_are_words(tmp_path: Path, use: str, reason: str) -> None:
    script = f"import torch\nfrom torch.utils.data import DataLoader\nfrom net import Net\nregistry = {{1: Net}}\n{use}\nnet(torch.rand(1, 3, 8, 8))\n"
    found = analysed(tmp_path, script)
    assert reason in reasons(found)[0]


def test_a_model_that_is_called_on_what_nobody_knows_is_the_reason(tmp_path: Path) -> None:
    script = (
        "import torch\nfrom nowhere import batch\nfrom {where} import Net\nnet = Net()\nnet(torch.as_tensor({given}))\n"
    )
    found = analysed(tmp_path, script.format(where="net", given="batch"))
    assert [(model.name, model.assumed[0]) for model in found.models] == [
        ("Net", "the script calls it on what nobody knows")
    ]
    other = "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x * 2\n"
    found = analysed(tmp_path, script.format(where="other", given="batch"), other=other)
    assert not found.models
    assert reasons(found)[0] == "5: Net is called on tensors of which not even the number of dimensions is known"
    found = analysed(tmp_path, script.format(where="other", given="[[[[0.0] * 8] * 8] * 3]"), other=other)
    assert [model.name for model in found.models] == ["Net"]
    assert not found.unfollowed
