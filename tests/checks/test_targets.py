"""The verdict changes with the chip and the system where the evidence says so, and nowhere else."""

from __future__ import annotations

import pytest

from ane_lsp.analysis import analyze
from ane_lsp.checks import engine
from ane_lsp.graph import Graph
from ane_lsp.knowledge import eligibility, targets
from ane_lsp.workspace import Settings, Workspace

MODELS = {
    "Axis": ("pass", "return x.relu()", "1, 4, 1, 20000"),
    "LongAxis": ("pass", "return x.relu()", "1, 4, 1, 70000"),
    "Inner": ("pass", "return x.view(1, 4, 64, 160, 125).flatten(3) @ x.view(1, 4, 64, 160, 125).flatten(3).transpose(-1, -2)",
              "1, 4, 64, 160, 125"),
    "Kernel": ("self.conv = nn.Conv2d(8, 8, (1, 14))", "return self.conv(x)", "1, 8, 64, 64"),
    "Grid": ("pass", "return F.grid_sample(x, x[..., :2], align_corners=True)", "1, 8, 8, 8"),
    "Best": ("pass", "return x.topk(5, -1).values", "1, 4, 8, 64"),
    "Volume": ("self.conv = nn.Conv3d(8, 8, 3)", "return self.conv(x)", "1, 8, 16, 16, 16"),
    "Waves": ("pass", "return torch.sin(x) + torch.cos(x)", "1, 8, 8, 8"),
    "Angle": ("pass", "return torch.tan(x)", "1, 8, 8, 8"),
    "Mirror": ("pass", "return F.pad(x, (1, 1, 1, 1), mode='reflect')", "1, 8, 8, 8"),
    "Cache": ("self.register_buffer('kept', torch.zeros(1, 8, 8, 64))", "self.kept.add_(x); return x + self.kept", "1, 8, 8, 64"),
}  # fmt: skip


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Graph]:
    text = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
    for name, (init, forward, shape) in MODELS.items():
        text += f"class {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {init}\n"
        text += f"    def forward(self, x):\n        {forward}\n{name}().eval()(torch.randn({shape}))\n"
    folder = tmp_path_factory.mktemp("targets")
    (folder / "models.py").write_text(text, encoding="utf-8")
    result = analyze(folder / "models.py", Workspace(folder), Settings())
    assert not result.errors
    return {graph.name: graph for graph in result.graphs}


def codes(graph: Graph, *chips: str, opset: str = "iOS18") -> set[str]:
    selected = [t for chip in chips for t in targets.resolve(chip)]
    return {f.code for f in engine.run(graph, selected, engine.Options(opset))}


@pytest.mark.parametrize(
    ("model", "code", "older", "newer"),
    [
        ("Axis", "ANE301", "A16", "A17 Pro"), ("Axis", "ANE301", "M3", "M4"), ("Inner", "ANE304", "A16", "A17 Pro"),
        ("Inner", "ANE304", "M3", "M4"), ("Kernel", "ANE303", "A14", "A15"), ("Kernel", "ANE303", "M1", "M2"),
        ("Grid", "ANE215", "A14", "A15"), ("Grid", "ANE215", "M1", "M2"), ("Best", "ANE222", "A14", "A15"),
        ("Best", "ANE222", "M1", "M2"), ("Volume", "ANE306", "M3", "M4"),
    ],
)  # fmt: skip
def test_an_older_chip_refuses_what_the_next_takes(
    graphs: dict[str, Graph], model: str, code: str, older: str, newer: str
) -> None:
    assert code in codes(graphs[model], older)
    assert code not in codes(graphs[model], newer)
    (worst,) = [
        f for f in engine.run(graphs[model], (*targets.resolve(newer), *targets.resolve(older))) if f.code == code
    ]
    assert worst.target in {t.label for t in targets.resolve(older)}  # of several targets the one that refuses is named


@pytest.mark.parametrize(
    ("model", "kind", "chip", "answer"),
    [
        ("Waves", "sin", "A15", "depends"), ("Waves", "sin", "A16", "yes"), ("Waves", "cos", "M2", "depends"), ("Waves", "cos", "M3", "yes"),
        ("Mirror", "pad", "M1", "depends"), ("Mirror", "pad", "M2", "yes"),
    ],
)  # fmt: skip
def test_what_only_tables_say_of_a_chip_is_a_verdict_and_no_finding(
    graphs: dict[str, Graph], model: str, kind: str, chip: str, answer: str
) -> None:
    graph = graphs[model]
    (op,) = [o for o in graph.ops if o.kind == kind]
    assert eligibility.op(op, targets.resolve(chip)[0]).ane == answer
    assert not {code for code in codes(graph, chip) if code.startswith(("ANE2", "ANE3"))}


def test_what_no_chip_has_is_refused_for_all(graphs: dict[str, Graph]) -> None:
    for chip in ("A12", "A15", "M1", "M3", "M4", "M6"):
        assert {"ANE201"} <= codes(graphs["Angle"], chip)
        assert {"ANE301"} <= codes(graphs["LongAxis"], chip)


def test_a_written_buffer_is_a_warning_where_the_system_has_no_states(graphs: dict[str, Graph]) -> None:
    found = {
        opset: next(
            f for f in engine.run(graphs["Cache"], options=engine.Options(opset)) if f.code == "ANE703"
        ).severity
        for opset in ("iOS17", "iOS18")
    }
    assert found == {"iOS17": "warning", "iOS18": "information"}
