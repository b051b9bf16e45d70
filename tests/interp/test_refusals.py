"""Calls that torch refuses for certain, and why something is unknown."""

import textwrap
from pathlib import Path

import pytest
import torch

from ane_lsp import analysis
from ane_lsp.interp.run import run_script
from ane_lsp.interp.trace import rows
from ane_lsp.workspace import Settings, Workspace

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def refused(folder: Path, source: str) -> list[int]:
    path = folder / "model.py"
    path.write_text(HEAD + textwrap.dedent(source))
    found = analysis.analyze(path, Workspace(folder), Settings())
    assert not found.errors
    return [f.span.line - HEAD.count("\n") for f in found.findings if f.code == "ANE001"]


MODEL = """
class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3)
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        x = self.body(x).mean((2, 3))
        return self.head(x)
"""


@pytest.mark.parametrize(
    ("call", "lines"),
    [
        ("Net()(torch.zeros(1, 3, 8, 8))", [10]),
        ("Net(8)(torch.zeros(1, 3, 8, 8))", []),
        ("Net(8)(torch.zeros(1, 4, 8, 8))", [9]),
        ("nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 2, 2))", [12]),
        ("try:\n    Net()(torch.zeros(1, 3, 8, 8))\nexcept RuntimeError:\n    pass", []),
        ("import pytest\nwith pytest.raises(RuntimeError):\n    Net()(torch.zeros(1, 3, 8, 8))", []),
        ("with torch.no_grad():\n    Net()(torch.zeros(1, 3, 8, 8))", [10]),
        ("import sys\nif len(sys.argv) > 1:\n    Net()(torch.zeros(1, 3, 8, 8))", []),
        ("torch.cat([torch.zeros(2, 3), torch.zeros(2, 4)])", [12]),
        ("Net()(torch.zeros(unheard_of, 3, 8, 8))", []),
    ],
)
def test_only_what_certainly_fails_is_a_finding(tmp_path: Path, call: str, lines: list[int]) -> None:
    assert refused(tmp_path, f"{MODEL}\n{call}\n") == lines


@pytest.mark.parametrize(
    "other", ["[0, 0]", "(1, 1)", "None", "'auto'", "{}", "{1}", "torch.float32", "torch.device('cpu')"]
)
def test_a_tensor_is_unlike_what_is_no_number(tmp_path: Path, other: str) -> None:
    """torch answers ``==`` and ``!=``, and refuses ``eq``."""
    assert eval(f"(torch.ones(2) == {other}, torch.ones(2) != {other})", {"torch": torch}) == (False, True)
    path = tmp_path / "model.py"
    path.write_text(f"{HEAD}value = torch.ones(2) == {other}, torch.ones(2) != {other}\n")
    assert run_script(Workspace(tmp_path), path).interp.modules["model"].namespace["value"] == (False, True)
    assert other == "None" or refused(tmp_path, f"torch.ones(2).eq({other})\n") == [1]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("torch.cat([torch.zeros(2, 3), torch.zeros(2, 4)])", "Expected 3 but got 4. {}. Make the sizes fit."),
        ("nn.Linear(2, 2).type(torch.zeros(2, 4))", "must be torch.dtype, not [2, 4] f32. {}. Pass what it takes."),
        ("torch.zeros('a')", "must be tuple of ints, not str. {}. Pass what it takes."),
        ("torch.zeros(2).mean(torch.zeros(3))", "must be int, not a f32 Tensor. {}. Pass what it takes."),
        ("torch.zeros(2, dtype=torch.long).mean()", "complex dtype. {}. Pass what it takes."),
    ],
)
def test_the_message_says_what_to_change(tmp_path: Path, call: str, said: str) -> None:
    path = tmp_path / "model.py"
    path.write_text(f"{HEAD}{call}\n")
    [message] = [
        f.message for f in analysis.analyze(path, Workspace(tmp_path), Settings()).findings if f.code == "ANE001"
    ]
    assert message.endswith(said.format("The model does not run, so it cannot be converted"))


@pytest.mark.parametrize(
    "call",
    [
        "torch.cat(lost.chunk(2, -1), 1)", "torch.stack(torch.unbind(lost))", "torch.zeros(2).type(lost.type())",
        "torch.zeros(2).to(dtype=lost.type())", "torch.zeros(2) * np.float32(foreign.value)", "torch.as_tensor(np.abs(foreign.value) / 2).size(0)",
    ],
)  # fmt: skip
def test_results_of_unknown_calls_refuse_nothing(tmp_path: Path, call: str) -> None:
    """What nobody knows may be several tensors, a text or an array."""
    path = tmp_path / "model.py"
    path.write_text(f"{HEAD}import foreign\nimport numpy as np\nlost = torch.as_tensor(foreign.values)\n{call}\n")
    done = run_script(Workspace(tmp_path), path)
    assert (done.errors, done.refusals) == ([], [])


def test_inputs_nobody_wrote_prove_nothing(tmp_path: Path) -> None:
    assert refused(tmp_path, MODEL) == []


def chains(folder: Path, source: str, line: int) -> tuple[list[list[str]], list[str]]:
    path = folder / "model.py"
    path.write_text(source)
    return analysis.why(path, line, Workspace(folder), Settings())


CONFIGURED = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        width = cfg.embed_dim
        self.layer = nn.Linear(width, width * 2)

    def forward(self, x):
        return self.layer(x)
"""


def test_a_chain_leads_to_the_first_unknown(tmp_path: Path) -> None:
    found, assumed = chains(tmp_path, CONFIGURED, 8)
    [chain] = found
    assert chain[0] == "model.py:8: `width` is unknown"
    assert "embed_dim" in chain[1]
    assert chain[-1].startswith("model.py:6: `cfg` of Net has no value here")
    assert any("cfg" in text for text in assumed)


def test_a_chain_quotes_the_source_and_ends_with_advice(tmp_path: Path) -> None:
    made = "import os\nimport torch\nn = len(os.listdir('x'))\nsizes = [0] * n\n"
    [chain] = chains(tmp_path, made, 4)[0]
    assert chain[:2] == ["model.py:4: `sizes` is unknown", "model.py:4: `[0] * n`: computed from something unknown"]
    assert chain[3].startswith("model.py:3: `os.listdir('x')`: ")
    assert chain[-1].startswith("an entry with concrete arguments")


def test_what_is_known_has_no_chain(tmp_path: Path) -> None:
    source = CONFIGURED.replace("cfg.embed_dim", "8") + "\n\nNet(None)(torch.zeros(1, 8))\n"
    assert chains(tmp_path, source, 8) == ([], [])


def test_a_file_without_a_call_is_traced_from_what_it_defines(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(CONFIGURED.replace("cfg", "width").replace("width.embed_dim", "width"))
    traced = analysis.trace(path, Workspace(tmp_path), Settings())
    assert [row["op"] for row in traced.rows] == ["torch.nn.Linear"]
    assert any("width" in text for text in traced.summary["summary"]["assumed"])


def test_a_factory_whose_parameters_are_left_out_proves_nothing(tmp_path: Path) -> None:
    factory = "def make(kind='batch', width{}):\n    return nn.BatchNorm2d(width)\n"
    assert refused(tmp_path, MODEL + factory.format("=None")) == []
    assert refused(tmp_path, MODEL + factory.format("=-3")) == [12]


@pytest.mark.parametrize(
    ("parameters", "width", "lines"),
    [
        ("width=None", "width", []),
        ("**kwargs", "kwargs.get('width')", []),
        ("**kwargs", "kwargs.pop('width', None)", []),
        ("**kwargs", "kwargs.get('width', -3)", [4]),
        ("norm=None", "-3", [4]),  # it is not None that is refused
        ("", "None", [4]),
    ],
)
def test_none_that_stands_for_what_was_not_given_is_no_fault(
    tmp_path: Path, parameters: str, width: str, lines: list[int]
) -> None:
    """MobileCLIP's factories read what a caller always gives with ``kwargs.get``."""
    source = f"""class Net(nn.Module):
    def __init__(self, {parameters}):
        super().__init__()
        self.body = nn.Linear({width}, 4)

    def forward(self, x):
        return self.body(x)
"""
    assert refused(tmp_path, source) == lines
    factory = f"def make({parameters}):\n    net = Net()\n    net.body = nn.Linear({width}, 4)\n    return net\n"
    head = "class Net(nn.Module):\n    def forward(self, x):\n        return self.body(x)\n"
    assert refused(tmp_path, head + factory) == [line + 2 for line in lines]


@pytest.mark.parametrize(
    ("trained", "lines"), [("loss.backward()", []), ("torch.autograd.backward([loss])", []), ("pass", [6])]
)
def test_a_gradient_is_none_only_before_backward(trained: str, lines: list[int], tmp_path: Path) -> None:
    source = f"""
        x = torch.zeros(1, requires_grad=True)
        net = nn.Linear(1, 1)
        loss = net(x).sum()
        {trained}
        torch.allclose(x.grad, torch.tensor(99.0))
    """
    assert refused(tmp_path, source) == lines


def test_what_follows_a_branch_that_torch_refused_proves_nothing(tmp_path: Path) -> None:
    """The branch may be refused by what is not modelled here: that the other one is taken is not certain."""
    source = """import foreign

class Net(nn.Module):
    def forward(self, x):
        parts = []
        for size in foreign.sizes():
            parts.append(x.reshape(7, 3))
        return torch.cat(parts)

Net()(torch.zeros(4))
"""
    assert refused(tmp_path, source) == []
    assert refused(tmp_path, source.replace("foreign.sizes()", "[]")) == [8]


def test_slices_by_one_of_several_numbers_are_taken_for_each(tmp_path: Path) -> None:
    source = """import foreign

class Net(nn.Module):
    def forward(self, x):
        end = 4 if foreign.long() else 5
        return x[..., :end], x[end:], x[:, end - 4 :, None]

Net()(torch.zeros(8, 9))
"""
    path = tmp_path / "model.py"
    path.write_text(HEAD + source)
    done = run_script(Workspace(tmp_path), path)
    assert (done.errors, done.refusals) == ([], [])
    shapes = [row["out"]["t"] for row in rows(done.graphs, str)]
    assert [shape for shape in shapes if shape and "?" not in shape][:5] == [[8, 4], [8, 5], [4, 9], [3, 9], [8, 9, 1]]


def test_doubt_is_kept_with_what_is_done_once(tmp_path: Path) -> None:
    """A module that another entry built before from the same arguments is as doubtful as the first."""
    source = """import foreign

class Part(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.parts, self.layers = [], nn.ModuleList([nn.Linear(4, 4) for _ in range(12)])
        for i in range(200):  # large enough to be worth a copy
            self.last = str(i)
        for _ in foreign.sizes():
            self.parts.append(torch.zeros(4).reshape(size, 3))
"""
    net = """
class Net{}(nn.Module):
    def __init__(self):
        super().__init__()
        self.made = nn.ModuleList([Part(7) for _ in range(4)])

    def forward(self):
        return torch.cat(self.made[3].parts)
"""
    source += "".join(net.format(i) for i in range(3))
    assert refused(tmp_path, source) == []
    assert refused(tmp_path, source.replace("foreign.sizes()", "[]")) == [18, 26, 34]


@pytest.mark.parametrize(
    ("query", "value", "mask", "dropout"),
    [
        ((1, 2, 5, 8), (1, 2, 5, 8), (1, 1, 5, 5), 0.0),
        ((1, 2, 5, 8), (1, 2, 5, 8), (5, 5), 0.0),
        ((1, 2, 5, 8), (1, 2, 5, 8), (1, 5, 5), 0.0),
        ((1, 2, 5, 8), (1, 2, 5, 4), (1, 1, 5, 5), 0.0),
        ((2, 5, 8), (2, 5, 8), (5, 5), 0.0),
        ((1, 2, 5, 8), (1, 2, 5, 8), (5, 5), 0.1),
    ],
)
def test_a_mask_beside_is_causal_is_refused_where_torch_does(
    tmp_path: Path, query: tuple[int, ...], value: tuple[int, ...], mask: tuple[int, ...], dropout: float
) -> None:
    """One kernel for the CPU takes both, the others do not."""
    torch = pytest.importorskip("torch")
    attend = torch.nn.functional.scaled_dot_product_attention
    given = [torch.zeros(query), torch.zeros(query), torch.zeros(value)]
    try:
        attend(*given, torch.zeros(mask), dropout, True)
        lines = []
    except RuntimeError:
        lines = [1]
    sizes = ", ".join(f"torch.zeros{shape}" for shape in (query, query, value, mask))
    assert refused(tmp_path, f"F.scaled_dot_product_attention({sizes}, {dropout}, True)") == lines


def test_a_function_of_torch_in_a_class_is_given_no_self(tmp_path: Path) -> None:
    """Compiled functions are not bound, as Python's own are; methods of tensors are."""
    lines = refused(
        tmp_path,
        """
        class Erosion(nn.Module):
            conv = torch.conv2d
            pool = F.avg_pool2d
            act = torch.sigmoid

            def forward(self, x):
                return self.act(self.pool(self.conv(x, weight=torch.zeros(4, 3, 3, 3)), 2))


        assert Erosion()(torch.zeros(1, 3, 10, 10)).shape == (1, 4, 4, 4)
        nn.Linear(4, 4)(Erosion()(torch.zeros(1, 3, 10, 10)).new_zeros(2, 3))
        """,
    )
    assert lines == [12]


def test_an_item_of_what_a_decorator_made_is_no_error(tmp_path: Path) -> None:
    """A kernel that is compiled for a GPU is called by an item of it, on a grid; a plain function has none."""
    source = """
    import triton

    @triton.jit
    def kernel(x, y, n):
        pass

    def plain(x):
        return x

    class Net(nn.Module):
        def forward(self, x):
            y = torch.empty_like(x)
            {name}[(1,)](x, y, 3)
            return y.view(5)

    Net()(torch.zeros(3))
    """
    assert refused(tmp_path, source.format(name="kernel")) == [15]
    assert refused(tmp_path, source.format(name="plain")) == []


@pytest.mark.parametrize(
    "call",
    [
        "torch.matmul(x, x, out=y)",
        "torch.bmm(x[None], x[None], out=y)",
        "torch.softmax(x, 1, out=y)",
        "torch.mul(x, 2, out=y)",
    ],
)
def test_results_may_be_put_into_a_tensor(tmp_path: Path, call: str) -> None:
    source = f"x, y = torch.ones(4, 4), torch.empty(0)\n{call}\nshape = tuple(y.shape)\n"
    real: dict[str, object] = {}
    exec(HEAD + source, real)
    assert refused(tmp_path, source) == []
    assert (
        run_script(Workspace(tmp_path), tmp_path / "model.py").interp.modules["model"].namespace["shape"]
        == real["shape"]
    )
