"""Every example is a real program: torch runs it. (What the checker reads is never run; here we run our own pages.)"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ane_lsp.knowledge import rules
from ane_lsp.knowledge.rules import Example

pytestmark = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")

CASES = [
    pytest.param(example, id=f"{code}-{example.kind}-{number}")
    for code in rules.codes()
    for number, example in enumerate(rules.page(code).examples)
]


@pytest.mark.parametrize("example", CASES)
def test_torch_runs_it(example: Example, tmp_path: Path) -> None:
    if "torchvision" in example.source:
        pytest.skip("torchvision is not installed with the tests")
    if "coremltools" in example.source:
        pytest.skip("a conversion script: needs coremltools")
    import torch

    path = tmp_path / "example.py"  # torch.jit.script reads the file of what it compiles
    path.write_text(example.source, encoding="utf-8")
    program = compile(example.source, str(path), "exec")
    if any("ANE001" in codes for codes in example.expected.values()):
        with pytest.raises(RuntimeError):
            exec(program, {"__name__": "__main__"})
        return
    with torch.no_grad():
        try:  # without data, so that huge examples cost nothing
            with torch.device("meta"):
                exec(program, {"__name__": "__main__"})
        except (RuntimeError, ValueError):  # it looks at values, or takes no tensors without
            exec(program, {"__name__": "__main__"})
