"""What kind of exception a refused call raises decides which `except` catches it: as in torch itself."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from ane_lsp.graph import Graph
from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

torch = pytest.importorskip("torch", reason="torch is not installed: exceptions are not compared with its own")

KINDS = ["TypeError", "IndexError", "ValueError", "AttributeError", "AssertionError", "RuntimeError"]
HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\nx = torch.rand(4, 16)\ni = torch.tensor([0, 1, 2, 1])\nimage = torch.rand(1, 3, 4, 4)\nempty = torch.zeros(0, 2)\n"
"""x: [4, 16], i: [4] of integers, image: [1, 3, 4, 4]."""
EXPRESSIONS = """
torch.cat([None, x])
torch.stack([x, None])
torch.cat([])
torch.stack([])
torch.cat([x, 3])
torch.cat([x, x], dim=5)
torch.stack([x, x], dim=9)
x + None
None + x
x * None
x - [1]
x ** None
x < None
x > "a"
x @ "a"
x @ 3
x @ x
~x
-None
x[99]
x[:, 99]
x[:, :, 0]
x["a"]
x["a", "b"]
x[None, "a"]
x[1.5]
x[{}]
x[::-1]
x[torch.rand(2)]
x[torch.zeros(3, dtype=torch.bool)]
x[[0, 1, 9]]
x.size(7)
x.softmax(9)
x.unsqueeze(9)
x.flatten(3)
x.flatten(1, 0)
x.transpose(0, 5)
x.transpose(0)
x.permute(0, 0)
x.mean(dim="c")
x.mean(9)
x.sum((0, 0))
x.view(3, 7, 11)
x.view(2, None)
x.reshape(-1, -1)
x.reshape(3, None)
x.expand(3, 9)
x.repeat(1)
x.split([1, 2], 1)
x.split(3, 5)
x.chunk(0)
x.chunk(2, 9)
x.unbind(9)
x.select(0, 99)
x.narrow(0, 0, 99)
x.narrow(0, 99, 1)
x.unflatten(1, (3, 5))
x.gather(5, i)
x.index_select(0, x)
x.index_select(9, i)
x.masked_fill(x, 0)
x.masked_fill(x > 0, None)
x.clamp()
x.clamp("a")
x.item()
x.tolist()[100]
float(x)
int(x)
bool(x + 1)
list(x.sum())
len(x.sum())
tuple(x[0, 0])
x()
x.nothing
x.to("nodtype")
x.to(dtype="float32")
x.type("nothing")
torch.device("nodevice")
torch.zeros(2, "a")
torch.zeros(-1)
torch.zeros(None)
torch.tensor([[1], [1, 2]])
torch.tensor([[1], 2])
torch.tensor("a")
torch.full((2,), None)
torch.arange(5, 0)
torch.arange("a")
torch.randint(5, 0, (2,))
torch.randint(0, 5)
torch.einsum("ab,bc->ac", x)
torch.where(x > 0, x, None)
torch.max(empty, 0)
torch.max(torch.zeros(0))
torch.argmax(torch.zeros(0))
torch.dropout(x, 1.5, True)
torch.rand(()).unbind()
torch.rand(()).split(1)
torch.mean(i)
torch.sqrt(2)
torch.finfo(torch.int32)
F.relu(None)
F.linear(x, None)
F.softmax(x, dim="a")
F.pad(x, (1, 1, 1))
F.pad(x, (9, 9), mode="reflect")
F.dropout(x, 1.5)
F.interpolate(x, size=(2, 2), scale_factor=2)
F.interpolate(image, scale_factor=(2, 2, 2))
F.interpolate(image)
F.interpolate(image, size=(2, 2), mode="nothing")
F.interpolate(image, size=(2, 2), align_corners=True)
F.adaptive_avg_pool2d(x, (1, 1))
F.adaptive_max_pool2d(x, 1)
F.max_pool2d(image, 9)
F.conv2d(image, torch.rand(2, 4, 1, 1))
F.layer_norm(x, (7,))
F.layer_norm(x, 16)
F.batch_norm(x, None, None)
F.group_norm(x, 3)
F.embedding(x, x)
F.one_hot(x, 3)
F.cross_entropy(x, None)
F.cross_entropy(x, i[:2])
F.cross_entropy(x, i, reduction="nothing")
F.embedding(i, x, padding_idx=9)
nn.Linear(3, 4)(x)
nn.Linear(3, 4)(None)
nn.Linear(3)
nn.Linear(1, 1)[0]
iter(nn.Linear(1, 1))
nn.Conv2d(3, 4, 3, groups=2)
nn.Conv2d(3, 4, 3)(None)
nn.BatchNorm2d(16)(x)
nn.GroupNorm(3, 10)
nn.Dropout(1.5)
nn.Parameter(3)
nn.Sequential(3)
nn.ModuleList()[0]
nn.ModuleList([3])
""".strip().splitlines()


def raised_by_torch(expression: str) -> str:
    space: dict[str, Any] = {}
    exec(HEAD, space)
    try:
        eval(expression, space)
    except Exception as error:
        return next((kind for kind in KINDS if isinstance(error, getattr(builtins, kind))), "?")
    return "nothing"


def marks(graphs: list[Graph]) -> dict[int, str]:
    """What the program found out of each expression: it makes a tensor with the numbers of both as its sizes."""
    made = [
        call.result.type.shape for graph in graphs for call in graph.calls if call.torch == "torch.Tensor.new_zeros"
    ]
    return {number: (["nothing", *KINDS])[kind] for number, kind in made}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    lines = [HEAD, "class Net(nn.Module):", "    def forward(self, mark):"]
    for number, expression in enumerate(EXPRESSIONS):
        lines += ["        kind = 0", "        try:", f"            {expression}"]
        for place, kind in enumerate(KINDS, 1):
            lines += [f"        except {kind}:", f"            kind = {place}"]
        lines += [f"        mark.new_zeros({number}, kind)"]
    folder = tmp_path_factory.mktemp("refusals")
    path = folder / "model.py"
    path.write_text("\n".join([*lines, "", "Net()(torch.zeros(1))", ""]))
    done = run_script(Workspace(folder), path)
    assert (done.errors, done.refusals) == ([], [])
    return marks(done.graphs)


@pytest.mark.parametrize("number", range(len(EXPRESSIONS)), ids=EXPRESSIONS)
def test_it_is_what_torch_raises(ours: dict[int, str], number: int) -> None:
    assert ours[number] == raised_by_torch(EXPRESSIONS[number])
