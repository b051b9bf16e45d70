"""What is said of functions that ``torch.jit.script`` compiles, beside what coremltools makes of them in a traced model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from ane_lsp import analyze_file
from ane_lsp.verify.worker_emulate import execute

ct = pytest.importorskip("coremltools", reason="coremltools is not installed: conversions are not compared")

# coremltools renames outputs, torch warns of traced sizes and that torch.jit.script will go
pytestmark = pytest.mark.filterwarnings("ignore")

HEAD = """
from typing import List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def flat(x):
    return x.reshape(x.shape[0], -1)


@torch.jit.script
def compiled(x: Tensor, y: Tensor, z: Optional[Tensor] = None, n: int = 4, flag: bool = False, mode: str = "sum"):
    a = x * 1.5
    BODY


class Net(nn.Module):
    def forward(self, x, y):
        return compiled(x, y)


if __name__ == "__main__":
    Net()(torch.randn(2, 8, 16), torch.randn(8, 16))
"""

RIGHT = [
    "return a.reshape(a.size(0), -1)",
    "return a.view(a.size())",
    "return a.reshape(a.shape)",
    "b, c, t = a.shape; return a.reshape(b * c, t)",
    "b, c, t = a.size(); return a.view(b, c, 2, t // 2)",
    "b, _, t = a.shape; return a.view(b, -1, t)",
    "b, c, t = a.shape; return y.unsqueeze(0).expand(b, c, t) + a",
    "b, c, t = a.shape; return a[:, : c - 1]",
    "return a * (1.0 / a.size(2))",
    "return a[:, :, : min(a.size(2), 4)]",
    "return a + torch.arange(a.size(2))",
    "return a.mean(dim=a.dim() - 1)",
    "return torch.tanh(a[:, :n]) * torch.sigmoid(a[:, n:])",
    "p, q = a.chunk(2, dim=1); return p * q",
    "t = a.split(4, 1); return t[0] * t[1]",
    "t = a.unbind(1); return t[0] * t[-1]",
    "t = [a]; t.append(a * 2); return torch.cat(t, 1)",
    "return a.max(dim=1)[0] + a.max(-1).values[:, :1]",
    "return a.float() * 2",
    "return y.to(a.device) + torch.zeros_like(a)",
    "return a.reshape(-1).reshape_as(x)",
    "return F.layer_norm(a, [16]) + F.softmax(a, dim=-1)",
    "return F.pad(a, [1, 1], mode='reflect')",
    "return F.dropout(F.gelu(a), 0.1, training=False)",
    "return F.adaptive_avg_pool1d(a, 1) + F.normalize(a, dim=-1)",
    "return F.batch_norm(a, torch.zeros(8), torch.ones(8))",
    "flag2 = True; a = a * 2 if flag2 else a; return a",
    "if y is None:\n        raise ValueError('y')\n    return a * y",
    "if y is None or not isinstance(x, Tensor):\n        raise ValueError('y')\n    return a * y",
    "if torch.jit.is_scripting():\n        a = a + 1\n    return a",
    "assert isinstance(x, Tensor); return a",
    "a += 1; a = a.mul_(2); return a.add_(y)",
    "a[:, 0] = 0.0; return a",
    "a[:, 1:3].fill_(0.0); return a",
    "return F.leaky_relu(a, 0.1, inplace=True)",
    "print('here'); return a",
    "assert a.size(1) == 8; return a",
]
REFUSED = [
    "return a.reshape(a.shape[0], -1)",
    "return a.reshape(a.size()[0], -1)",
    "return a.reshape(a.shape[:2] + [2, 8])",
    "s = a.shape; return a.reshape(s[0], s[1] * s[2])",
    "return a[:, :, : a.shape[2] // 2]",
    "return a * float(a.size(1))",
    "return a.mean(dim=len(a.shape) - 1)",
    "return a * len(a)",
    "return flat(a)",
    "return a.to(y.dtype)",
    "return a + torch.zeros(8, 16, dtype=a.dtype)",
    "if a.dtype == torch.float16:\n        a = a.float()\n    return a",
    "if a.is_cuda:\n        a = a * 3\n    return a",
    "if z is not None:\n        a = a + z\n    return a",
    "w = y if z is None else z\n    return a * w",
    "if not flag:\n        a = a * 3\n    return a",
    "if mode == 'sum':\n        a = a * 3\n    return a",
    "if a.shape == x.shape:\n        a = a * 3\n    return a",
    "if a.dim() == 2:\n        a = a.unsqueeze(1)\n    return a * 2",
    "if a.dim() == 2:\n        return a.unsqueeze(1)\n    return a",
    "if a.dim() == 1:\n        return a.reshape(1, 1, -1)\n    elif a.dim() == 2:\n        return a[:, None]\n    else:\n        return a",
    "if n == 1:\n        b = a * 2\n    else:\n        b = a[..., None]\n    return b",
    "b = a.unsqueeze(1) if n == 1 else a * 2\n    return b",
    "assert a.size(1) == 8, 'bad'\n    return a * 2",
    "if a.dim() != 3:\n        raise ValueError('bad')\n    return a * 2",
    "print('here')\n    return a * 2",
    "return torch.stack([a[:, i] for i in range(3)], 1)",
    "t: List[Tensor] = []\n    for i in range(3):\n        t.append(a[:, i])\n    return torch.stack(t, 1)",
    "for t in [a[0], a[1]]:\n        y = y + t\n    return y",
    "for t in a[0].unbind(0):\n        y = y + t\n    return y",
    "t = a.chunk(2, 1); return t[0] * t[1]",
    "return a.flatten().view_as(x)",
    "return F.interpolate(a, scale_factor=2.0)",
    "return F.interpolate(a.unsqueeze(1), size=[16, 32], mode='bilinear', align_corners=False)",
    "return F.glu(a, dim=1)",
    "return F.group_norm(a, 2)",
    "return F.instance_norm(a)",
    "return F.adaptive_avg_pool2d(a.unsqueeze(1), [1, 1])",
    "return F.adaptive_max_pool2d(a.unsqueeze(1), [1, 1])",
    "return F.local_response_norm(a.unsqueeze(1), 2)",
    "return F.upsample(a, scale_factor=2.0)",
    "k = (y[0] * 0).int() + 4; return a[:, : k[0]]",
    "k = (y[0] * 0).int() + 4; m = k[0]; return a[:, m:]",
    "k = (y[0] * 0).int() + 4; return a[:, -k[0] :]",
]
LOST = [
    "a.add_(y); return a * 2",
    "a.mul_(2); return a",
    "x.mul_(2); return x + 1",
    "a.clamp_(min=0.0); return a",
    "a.masked_fill_(a > 0, 0.0); return a",
    "F.relu(a, inplace=True); return a",
    "torch.relu_(a); return a",
    "a[:, 0] += 2.0; return a",
    "a[:, 0] *= 2.0; return a",
    "a[:, 0].mul_(2); return a",
    "b = a[:, 0]; b.mul_(2); return a",
    "a[a > 0] = 0.0; return a",
    "for i in range(8):\n        a[:, i] = a[:, i] * 2\n    return a",
]
KEPT = [
    "if flag:\n        a = a * 2\n    return a",
    "a = a * 2 if flag else a * 3\n    return a",
    "if a.dim() == 3:\n        a = a * 2\n    return a",
    "if n == 1:\n        a = a * 3\n    elif n == 2:\n        a = a * 4\n    return a",
    "if bool(a.sum() > 0):\n        a = a * 2\n    return a",
    "if n == 1:\n        a = a[:, :]\n    return a",
    "if n == 1:\n        b = a * 2\n    else:\n        b = a.unsqueeze(1).squeeze(1)\n    return b",
    "if n == 1:\n        a = a.mean(1)\n        a = a.unsqueeze(1).repeat(1, 8, 1)\n    return a",
    "if n == 1:\n        y = y.unsqueeze(0)\n        a = a + y\n    return a",
    "for i in range(3):\n        a = torch.tanh(a)\n    return a",
    "for i in range(a.size(1)):\n        y = y + a[0, i]\n    return y",
    "while bool(a.sum() > 100.0):\n        a = a * 0.5\n    return a",
]


def built(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"compiled_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Net().eval()


def outcome(path: Path) -> str:
    """``right`` where the converted program computes what torch does, ``kept`` where control flow is left in it, else ``lost`` or ``refused``."""
    torch.manual_seed(0)
    x, y = torch.randn(2, 8, 16), torch.randn(8, 16)
    model = built(path)
    try:
        traced = torch.jit.trace(model, (x.clone(), y.clone()), check_trace=False)
        program = ct.convert(
            traced,
            inputs=[ct.TensorType(name="x", shape=x.shape), ct.TensorType(name="y", shape=y.shape)],
            convert_to="milinternal", minimum_deployment_target=ct.target.iOS18, compute_precision=ct.precision.FLOAT32,
        )  # fmt: skip
    except (ValueError, IndexError, KeyError, NotImplementedError, AssertionError, AttributeError):
        return "refused"
    with torch.no_grad():
        expected = model(x.clone(), y.clone())
    given = {"x": x.numpy(), "y": y.numpy()}
    feed = {name: given[name] for name in program.functions["main"].inputs}
    result = execute(program, feed, [expected], lambda var: {}, lambda share: None)
    if {"cond", "while_loop"}.intersection(result.get("missing", ())):
        return "kept"
    assert "fp32" in result, result
    return "right" if result["fp32"]["passes"] else "lost"


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        (expected, body)
        for expected, bodies in (("right", RIGHT), ("refused", REFUSED), ("lost", LOST), ("kept", KEPT))
        for body in bodies
    ],
    ids=lambda given: given if "return" in given else "",
)
def test_is_said_of_what_a_traced_model_keeps(tmp_path: Path, expected: str, body: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(HEAD.replace("BODY", body))
    said = [finding for finding in analyze_file(path).findings if finding.code == "ANE130"]
    texts = " ".join(finding.message for finding in said)
    assert bool(said) == (expected != "right")
    assert ("missing in the traced program" in texts) == (expected == "lost")
    assert ("does not convert" in texts) == (expected == "refused")
    assert outcome(path) == expected


def test_a_copy_of_the_compiler_is_known_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    text = HEAD.replace("BODY", REFUSED[0]).replace("@torch.jit.script", "@script_if_tracing")
    own = "def script_if_tracing(fn):\n    return lambda *given: torch.jit.script(fn)(*given)\n\n\ndef flat"
    path.write_text(text.replace("def flat", own))
    assert [finding.code for finding in analyze_file(path).findings] == ["ANE130"]
    assert outcome(path) == "refused"


def test_functions_of_other_files_count_among_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / "activations.py").write_text(HEAD.replace("BODY", REFUSED[0]).split("class Net")[0])
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\nfrom torch import nn\nfrom activations import compiled\n\nclass Net(nn.Module):\n"
        "    def forward(self, x, y):\n        return compiled(x, y)\n\nNet()(torch.randn(2, 8, 16), torch.randn(8, 16))\n"
    )
    found = analyze_file(path)
    assert [finding.code for finding in found.findings] == []
    [remark] = found.models[0].elsewhere
    assert (remark.file, "ANE130" in remark.text) == ("activations.py", True)


def test_attributes_of_a_compiled_module_may_be_constants(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\n\nclass Net(torch.jit.ScriptModule):\n    __constants__ = ['mode']\n\n    def __init__(self):\n"
        "        super().__init__()\n        self.mode = 'sum'\n\n    @torch.jit.script_method\n    def forward(self, x):\n"
        "        if self.mode == 'sum':\n            x = x * 2\n        return x.reshape(x.shape[0], -1)\n\n"
        "Net()(torch.randn(2, 8))\n"
    )
    assert [finding.span.line for finding in analyze_file(path).findings if finding.code == "ANE130"] == [14]
