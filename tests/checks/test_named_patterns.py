"""Each pattern that a model author hears about, small and in a model of its own, is found at the line that causes it."""

from __future__ import annotations

import textwrap

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.checks.finding import Finding
from ane_lsp.workspace import Settings, Workspace

ATTEND = "(q @ q.transpose(-1, -2) + bias).softmax(-1) @ q"
HEADS = "1, 4, 64, 64"
MASKED = f"{HEADS}), torch.ones(1, 1, 64, 64"

# what, the rule, (arguments of forward, its body with the cause marked by `#!`), the input's shape, what __init__ does
CASES: dict[str, tuple[str, str, str, str, str]] = {
    "integers computed from a mask": ("ANE251", "x", "m = (x > 0).long()  #!\nreturn x * (m * 3 + 1).float()", "1, 64", ""),
    "an activation cast to integers": ("ANE252", "x", "i = (x * 10).int()  #!\nreturn i.float() / 10", "1, 64, 8, 8", ""),
    "float64": ("ANE254", "x", "return (x.double() * 2).float()  #!", "1, 64, 8, 8", ""),
    "a mask of -1e9 keeps three products' sums in fp32, said once": (
        "ANE250", "q, mask", f"bias = (1.0 - mask) * -1e9  #!\nfor _ in range(3):\n    q = {ATTEND}\nreturn q", MASKED, ""),
    "a buffer outside fp16": ("ANE250", "x", "return (x + self.big).relu()  #!", "1, 8, 8, 8", "self.register_buffer('big', torch.full((1, 8, 1, 1), 1e6))"),
    "a cast to fp32 that conversion drops": (
        "ANE501", "x", "v = x.float().pow(2).mean(-1, keepdim=True)  #!\nreturn x * torch.rsqrt(v + 1e-6)", "1, 64, 512", ""),
    "log(softmax)": ("ANE502", "x", "return torch.log(torch.softmax(x, -1))  #!", "1, 64, 512", ""),
    "a mask of minus infinity": (
        "ANE801", "q, mask", "s = (q @ q.transpose(-1, -2)).masked_fill(mask == 0, float('-inf'))  #!\nreturn s.softmax(-1) @ q", MASKED, ""),
    "scores whose sum reaches 32768 before they are scaled": (
        "ANE508", "q", "return ((q @ q.transpose(-1, -2)) / 8).softmax(-1) @ q  #!", "1, 8, 128, 64", ""),
    "an epsilon fp16 cannot hold": ("ANE504", "x", "return x / (x.abs().sum(-1, keepdim=True) + 1e-10)  #!", "1, 64, 512", ""),
    "a last axis of one": ("ANE401", "x", "return self.c(x)  #!", "1, 256, 1024, 1", "self.c = nn.Conv2d(256, 256, 1)"),
    "a last axis that is padded": ("ANE402", "x", "return self.c(x)  #!", "1, 256, 197, 33", "self.c = nn.Conv2d(256, 256, 3, padding=1)"),
    "(batch, sequence, channels) in a loop over layers": (
        "ANE403", "x", "for a, b in self.b:\n    y = a(x)  #!\n    x = b((y @ y.transpose(-1, -2)).softmax(-1) @ y)\nreturn x", "1, 32, 64",
        "self.b = nn.ModuleList([nn.ModuleList([nn.Linear(64, 64), nn.Linear(64, 64)]) for _ in range(2)])"),
    "transposes of the last axis in a loop": (
        "ANE405", "x", "for b in self.b:\n    x = x + b(x.transpose(1, 2)).transpose(1, 2)  #!\nreturn x", "1, 64, 64",
        "self.b = nn.ModuleList([nn.Linear(64, 64) for _ in range(4)])"),
    "a stride of 5": ("ANE406", "x", "return self.c(x)  #!", "1, 64, 160, 160", "self.c = nn.Conv2d(64, 64, 5, stride=5)"),
    "a large dilation": ("ANE407", "x", "return self.c(x)  #!", "1, 64, 64, 64", "self.c = nn.Conv2d(64, 64, 3, padding=12, dilation=12)"),
    "a large kernel": ("ANE408", "x", "return self.c(x)  #!", "1, 64, 64, 64", "self.c = nn.Conv2d(64, 64, 11, padding=5)"),
    "a 16x16 kernel, which compiles for minutes": ("ANE409", "x", "return self.c(x)  #!", "1, 16, 64, 64", "self.c = nn.Conv2d(16, 16, 16, padding=8)"),
    "a pooling stride of 3": ("ANE410", "x", "return F.max_pool2d(x, 3, stride=3)  #!", "1, 64, 96, 96", ""),
    "a softmax over the height": ("ANE411", "x", "return x.softmax(2)  #!", "1, 512, 64, 64", ""),
    "all heads in one product": ("ANE412", "q", "return ((q * 0.125) @ q.transpose(-1, -2)).softmax(-1) @ q  #!", "1, 8, 512, 64", ""),
    "an einsum that needs transposes": ("ANE413", "q, k", "return torch.einsum('bqhd,bkhd->bhqk', q, k)  #!", "1, 128, 8, 64), torch.randn(1, 128, 8, 64", ""),
    "topk": ("ANE414", "x", "return torch.topk(x, 50, dim=-1).values  #!", "1, 32000", ""),
    "a branch on a tensor": ("ANE601", "x", "if x.sum() > 0:  #!\n    return x * 2\nreturn x", "1, 64", ""),
    "a value taken out of a tensor": ("ANE602", "x", "s = x.max().item()  #!\nreturn x / s", "1, 64", ""),
    "boolean indexing": ("ANE212", "x", "return x[x > 0]  #!", "1, 64", ""),
    "a size known at run time": ("ANE605", "x, n", "return torch.arange(n.max()) + x.sum()  #!", "1, 64), torch.tensor([3]", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[Finding]], dict[str, set[int]]]:
    """Findings of each case, and the lines that are marked."""
    text = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
    first: list[int] = []
    for number, (_, given, body, shape, init) in enumerate(CASES.values()):
        first.append(text.count("\n") + 1)
        text += f"class Case{number}(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {init or 'pass'}\n"
        text += f"    def forward(self, {given}):\n{textwrap.indent(body, ' ' * 8)}\n"
        text += f"Case{number}().eval()(torch.randn({shape}))\n"
    folder = tmp_path_factory.mktemp("named")
    (folder / "models.py").write_text(text, encoding="utf-8")
    result = analyze(folder / "models.py", Workspace(folder), Settings())
    assert not result.errors
    marked = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("#!")]
    found: dict[str, list[Finding]] = {}
    lines: dict[str, set[int]] = {}
    for name, start, end in zip(CASES, first, [*first[1:], 10**6], strict=True):
        found[name] = [f for f in result.findings if start <= f.span.line < end]
        lines[name] = {line for line in marked if start <= line < end}
    return found, lines


@pytest.mark.parametrize("name", CASES)
def test_it_is_found_where_it_is_caused(
    name: str, findings: tuple[dict[str, list[Finding]], dict[str, set[int]]]
) -> None:
    found, lines = findings
    code = CASES[name][0]
    assert {f.span.line for f in found[name] if f.code == code} == lines[name]


def test_only_what_leaves_the_engine_or_breaks_is_a_warning(
    findings: tuple[dict[str, list[Finding]], dict[str, set[int]]],
) -> None:
    found, _ = findings
    quiet = [f for own in found.values() for f in own if f.code.startswith("ANE4")]
    assert quiet
    assert {f.severity for f in quiet} <= {"hint", "information"}
