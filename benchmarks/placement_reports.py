"""Published placements that say enough to rebuild the model, against the prediction: ``python benchmarks/placement_reports.py``.

Each case is the report's model in PyTorch as far as the report describes it, analysed from its source (nothing is run). Prints
the table of docs/placement-reports.md; ``--write`` writes that page. A report that does not give sizes is not here.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ane_lsp import analysis
from ane_lsp.knowledge import targets
from ane_lsp.placement import Placement, place
from ane_lsp.workspace.project import Projects

PAGE = Path(__file__).parents[1] / "docs" / "placement-reports.md"


@dataclass(frozen=True)
class Case:
    """model: in the report's words. chip: the target. unit: where the operation `kind` (all of them where empty) was placed.
    code: builds and calls it. why: where the prediction fails, the likely reason. part: which share was placed there."""

    model: str
    chip: str
    os: str
    unit: str
    code: str
    source: str
    kind: str = ""
    why: str = ""
    part: float = 1.0


_ENCODER = """
import torch
from torch import nn
class Layer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
    def split(self, x):
        b, t, d = x.shape
        return x.view(b, t, self.heads, d // self.heads).transpose(1, 2)
    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        a = (q @ k.transpose(-1, -2) * (d // self.heads) ** -0.5).softmax(-1) @ v
        x = self.n1(x + self.o(a.transpose(1, 2).reshape(b, t, d)))
        return self.n2(x + self.down(nn.functional.gelu(self.up(x))))
class Net(nn.Module):
    def __init__(self, layers, d, heads):
        super().__init__()
        self.layers = nn.Sequential(*[Layer(d, heads) for _ in range(layers)])
    def forward(self, x):
        return self.layers(x)
"""
_ONE = """
import torch
from torch import nn
class Net(nn.Module):
    def forward(self, *x):
        return {body}
Net()({inputs})
"""
_CHAIN = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[m for _ in range(32) for m in (nn.Conv2d(512, 512, 1), nn.ReLU())])
    def forward(self, x):
        return self.layers(x)
Net()(torch.randn(1, 512, 32, 32))
"""
_LSTM = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(64, 64)
    def forward(self, x):
        return self.lstm(x)[0]
Net()(torch.randn(16, 1, 64))
"""
_GPT2 = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50257, 768)
        self.body = nn.Sequential(*[m for _ in range(12) for m in (nn.Linear(768, 3072), nn.GELU(), nn.Linear(3072, 768))])
        self.head = nn.Linear(768, 50257)
    def forward(self, ids):
        return self.head(self.body(self.table(ids))[:, -1:])
Net()(torch.zeros(1, 128, dtype=torch.long))
"""


# A decoder layer as ANE ports write it: 1x1 convolutions, four a layer, RMS norms, grouped keys and values.
_DECODER = """
import torch
from torch import nn
class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, d, 1, 1))
    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6) * self.weight
class Layer(nn.Module):
    def __init__(self, d, heads, groups, size, ffn):
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, size
        self.n1, self.n2 = Norm(d), Norm(d)
        self.qkv = nn.Conv2d(d, (heads + 2 * groups) * size, 1)
        self.o, self.up, self.down = nn.Conv2d(heads * size, d, 1), nn.Conv2d(d, 2 * ffn, 1), nn.Conv2d(ffn, d, 1)
    def forward(self, x):
        t = x.shape[-1]
        q, k, v = self.qkv(self.n1(x)).split([self.heads * self.size, self.groups * self.size, self.groups * self.size], 1)
        q = q.reshape(1, self.heads, self.size, t)
        k, v = (y.reshape(1, self.groups, 1, self.size, t).expand(1, self.groups, self.heads // self.groups, self.size, t)
                .reshape(1, self.heads, self.size, t) for y in (k, v))
        a = (q.transpose(-1, -2) @ k * self.size ** -0.5).softmax(-1)
        x = x + self.o((v @ a.transpose(-1, -2)).reshape(1, self.heads * self.size, 1, t))
        a, b = self.up(self.n2(x)).chunk(2, 1)
        return x + self.down(nn.functional.silu(a) * b)
class Net(nn.Module):
    def __init__(self, layers, d, heads, groups, size, ffn, vocabulary=0):
        super().__init__()
        self.layers = nn.Sequential(*[Layer(d, heads, groups, size, ffn) for _ in range(layers)])
        self.head = nn.Conv2d(d, vocabulary, 1) if vocabulary else nn.Identity()
    def forward(self, x):
        return self.head(self.layers(x))
"""
_DISTILBERT = (
    _ENCODER
    + """
class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places, self.norm, self.body = nn.Embedding(30522, 768), nn.Embedding(512, 768), nn.LayerNorm(768), Net(6, 768, 12)
    def forward(self, ids):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        return self.body(self.norm(x))
Bert()(torch.zeros(1, 128, dtype=torch.long))
"""
)
_SPP = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.reduce, self.join = nn.Conv2d(512, 256, 1), nn.Conv2d(768, 512, 1)
        self.pools = nn.ModuleList([nn.MaxPool2d(k, 1, k // 2) for k in (9, 13)])
    def forward(self, x):
        x = self.reduce(x)
        return self.join(torch.cat([x, *[pool(x) for pool in self.pools]], 1))
Net()(torch.randn(1, 512, 20, 20))
"""
_ARGMAX = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(1024, 248320)
    def forward(self, x):
        return self.head(x).argmax(-1)
Net()(torch.randn(1, 1, 1024))
"""


def _decoder(tokens: int, *sizes: int) -> str:
    return _DECODER + f"Net({', '.join(map(str, sizes))})(torch.randn(1, {sizes[1]}, 1, {tokens}))\n"


def _encoder(layers: int, d: int, heads: int, tokens: int) -> str:
    return _ENCODER + f"Net({layers}, {d}, {heads})(torch.randn(1, {tokens}, {d}))\n"


def _matmul(n: int) -> str:
    return _ONE.format(body="x[0] @ x[1]", inputs=f"torch.randn({n}, {n}), torch.randn({n}, {n})")


def _sdpa(*shape: int) -> str:
    given = ", ".join(["torch.randn(" + ", ".join(map(str, shape)) + ")"] * 3)
    return _ONE.format(body="nn.functional.scaled_dot_product_attention(*x)", inputs=given)


_SDPA = "the estimate for this operation away from small shapes is not known; the traffic rule finds too little to win"
_TOKENS = "the report gives no sequence length; 128 tokens were taken"
CASES = [
    Case("transformer encoder, 6 layers, width 384, 6 heads", "M4", "not stated", "ANE", _encoder(6, 384, 6, 128), "ask-meridian.uk (Mac not named, M4 taken)", why=_TOKENS),
    Case("transformer encoder, 2 layers, width 128, 4 heads", "M4", "not stated", "CPU", _encoder(2, 128, 4, 128), "ask-meridian.uk (Mac not named, M4 taken)", why=_TOKENS),
    Case("MicroGPT, width 16 (one layer, one token)", "M4 Max", "macOS 15", "CPU", _encoder(1, 16, 4, 1), "videlalvaro/ane-book"),
    Case("Phi-like block, 4 tokens, width 64", "M4 Max", "macOS 15", "CPU", _encoder(1, 64, 4, 4), "videlalvaro/ane-book"),
    Case("Phi-like block, 4 tokens, width 1024", "M4 Max", "macOS 15", "ANE", _encoder(1, 1024, 8, 4), "videlalvaro/ane-book"),
    Case("Phi-like block, 4 tokens, width 3072", "M4 Max", "macOS 15", "ANE", _encoder(1, 3072, 24, 4), "videlalvaro/ane-book"),
    Case("one matmul, 4x4", "M4", "not stated", "CPU", _matmul(4), "vx-lang/Vx issue 436"),
    Case("one matmul, 384x384", "M4", "not stated", "CPU", _matmul(384), "vx-lang/Vx issue 436"),
    Case("one matmul, 512x512", "M4", "not stated", "ANE", _matmul(512), "vx-lang/Vx issue 436"),
    *(
        Case(f"one attention, {'x'.join(map(str, shape))}", "M4", "not stated", unit, _sdpa(*shape), "vx-lang/Vx issue 437",
             why=_SDPA if unit == "ANE" else "")
        for shape, unit in [
            ((1, 1, 128, 64), "CPU"), ((1, 1, 2048, 64), "CPU"), ((1, 1, 2048, 128), "CPU"), ((1, 8, 512, 64), "CPU"),
            ((1, 16, 1024, 64), "CPU"), ((1, 16, 2048, 64), "ANE"), ((1, 32, 1024, 128), "ANE"),
        ]
    ),
    Case("32 layers of 1x1 convolution and relu, 512 channels: the convolutions", "M6", "macOS 27.0.1", "ANE", _CHAIN, "751K study", "conv"),
    Case("GPT-2: embedding (Mac not named, M1 taken)", "M1", "2023", "CPU", _GPT2, "smpanaro/more-ane-transformers", "gather"),
    Case("GPT-2 XL (built at width 768): head on the last token", "M1", "2023", "ANE", _GPT2, "smpanaro/more-ane-transformers", "linear"),
    Case("Phi-4-mini, one layer, 4 tokens (reported for INT8 weights)", "M4 Max", "macOS 15", "ANE", _decoder(4, 1, 3072, 24, 8, 128, 8192), "videlalvaro/ane-book journal 006"),
    Case("Phi-4-mini, 3 layers, 4 tokens: the convolutions", "M4 Max", "macOS 15", "ANE", _decoder(4, 3, 3072, 24, 8, 128, 8192), "videlalvaro/ane-book journal 031", "conv"),
    Case("Phi-4-mini, 4 layers, 4 tokens (reported for INT8 weights)", "M4 Max", "macOS 15", "ANE", _decoder(4, 4, 3072, 24, 8, 128, 8192), "videlalvaro/ane-book journal 041"),
    Case("Qwen2.5-0.5B, 24 layers, fp16: the convolutions (one token taken)", "M4 Max", "macOS 15", "ANE", _decoder(1, 24, 896, 14, 2, 64, 4864, 151936), "videlalvaro/ane-book INT4_SHARD_ANE_BUG", "conv"),
    Case("DistilBERT, Hugging Face reference: about 85 % (Mac not named, M1 taken)", "M1", "2023", "ANE", _DISTILBERT, "smpanaro/more-ane-transformers", part=0.85, why="the report's share is of the program of 2023, with older converters"),
    Case("YOLOv5 SPP: pools of 9 and 13 (chip not named, A14 taken)", "A14 Bionic", "2021", "CPU", _SPP, "ultralytics/yolov5 issue 2526", "max_pool"),
    Case("Qwen3.5-0.8B with argmax over 248320 (Mac not named, M4 taken)", "M4", "not stated", "CPU", _ARGMAX, "john-rocky/CoreML-LLM", "reduce_argmax"),
    Case("gather_along_axis (chip not named, A14 taken)", "A14 Bionic", "2021", "CPU", _ONE.format(body="torch.gather(x[0], 1, x[1]) * 2", inputs="torch.randn(8, 256), torch.zeros(8, 64, dtype=torch.long)"), "apple/coremltools issue 1103", "gather_along_axis"),
    Case("Pythia-2.8B: matrix_band_part (Mac not named, M1 taken)", "M1", "2023", "CPU", _ONE.format(body="torch.tril(x[0] * 2)", inputs="torch.randn(1, 1, 512, 512)"), "smpanaro/more-ane-transformers", "band_part"),
    Case("LSTM", "A12", "2019", "CPU", _LSTM, "apple/coremltools issues", "lstm"),
]  # fmt: skip


def predict(case: Case) -> Placement | None:
    """The placement of a case's model, None where the analysis finds none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.py"
        path.write_text(case.code)
        projects = Projects({}, None, False)
        graphs = analysis.analyze(path, projects.workspace(path), projects.settings(path)).graphs
    return place(graphs[0], targets.resolve(case.chip)[0]) if graphs else None


def share(case: Case, plan: Placement) -> float:
    """The part of the operations in question that is placed as reported; helpers of one line at the edges count too."""
    asked = [p for p in plan.ops if not case.kind or p.op.kind == case.kind]
    return sum(p.unit == case.unit for p in asked) / len(asked) if asked else 0.0


def agrees(case: Case, plan: Placement) -> bool:
    """Whether the share placed as reported is within a tenth of the reported one."""
    return abs(share(case, plan) - case.part) <= 0.1


def table() -> list[str]:
    lines = [
        "| model | chip | OS | reported | predicted as reported | agrees | source |",
        "|---|---|---|---|---|---|---|",
    ]
    good = 0
    notes: list[str] = []
    for case in CASES:
        plan = predict(case)
        if plan is None or plan.problem is not None:
            verdict, agree = f"not predicted: {plan.problem if plan else 'no model found'}", False
        else:
            part = share(case, plan)
            verdict, agree = f"{100 * part:.0f} % of {case.kind or 'operations'}", agrees(case, plan)
        good += agree
        lines.append(
            f"| {case.model} | {case.chip} | {case.os} | {case.unit} | {verdict} | {'yes' if agree else 'no'} | {case.source} |"
        )
        if not agree:
            notes.append(f"- {case.model}: {case.why or 'unexplained'}.")
    return [
        f"{good} of {len(CASES)} agree (the share of the operations in question, within a tenth).",
        "",
        *lines,
        "",
        "Where it fails:",
        "",
        *(notes or ["- nowhere."]),
    ]


def main() -> int:
    head = [
        "# Predicted placement against published reports", "",
        "Reports that give enough to rebuild the model, analysed from source with `benchmarks/placement_reports.py --write`, which made",
        "this page. The cost model comes from one M4 with macOS 27.0.1, so every other chip and OS here is a test of how far it carries.", "",
    ]  # fmt: skip
    text = "\n".join([*head, *table()]) + "\n"
    if "--write" in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
