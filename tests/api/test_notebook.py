"""The Python API in a notebook: a class typed into a cell, read from there, by a real kernel."""

from pathlib import Path

import pytest

CELLS = [
    """import sys, types
torch = types.ModuleType("torch"); torch.nn = types.ModuleType("torch.nn")
torch.nn.Module = type("Module", (), {})
sys.modules.update({"torch": torch, "torch.nn": torch.nn})  # only the source counts""",
    "import torch\nfrom torch import nn",
    "%matplotlib_is_not_installed",
    """class Pooled(nn.Module):
    def __init__(self, window=9):
        super().__init__()
        self.pool = nn.MaxPool2d(window, stride=1, padding=window // 2)

    def forward(self, x):
        return self.pool(x)
""",
    """import ane_lsp
found = ane_lsp.analyze_class(Pooled, "1x8x32x32", targets="M4")
(finding,) = found.findings
print(finding.code, finding.span, finding.related[0].span)
print([(op.kind, str(op.outputs[0].type.shape), str(op.span)) for op in found.graphs[0].ops if not op.folds])
print(found.models[0].span, ane_lsp.placements(found, "M4")[0].on_ane)
""",
    "print(ane_lsp.render(found))",
    "ane_lsp.analyze(Pooled).models[0].ops",
]
"""What is typed; a cell may fail, as the third does."""


def test_a_class_in_a_cell(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(
        book, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    told = "".join(output.get("text", "") for output in book.cells[4].outputs)
    assert told.splitlines() == [
        "ANE302 In[4]:7:16 In[4]:4:21",
        "[('max_pool', '(1, 8, 32, 32)', 'In[4]:7:16')]",
        "In[4]:1:1 0",
    ]
    (shown,) = book.cells[5].outputs
    assert "In[4]:7:16: warning[ANE302]" in shown["text"]
    assert [output["data"]["text/plain"] for output in book.cells[6].outputs] == ["1"]
