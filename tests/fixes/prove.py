"""Runs a model before and after its fixes, in torch, with the same weights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from ane_lsp.analysis import FileAnalysis, analyze
from ane_lsp.checks.finding import SEVERITIES
from ane_lsp.fixes import Fixed, fix_text
from ane_lsp.syntax.source import SourceFile, decode_source
from ane_lsp.workspace import Settings, Workspace

HEAD = "import math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"


def module(forward: str, init: str = "", inputs: str = "torch.randn(1, 8, 16, 16)", args: str = "x") -> str:
    """A file with one model and the call that says what it is given. init, forward: statements."""

    def body(text: str) -> str:
        return "".join(f"        {line}\n" for line in text.split("\n"))

    start = f"    def __init__(self):\n        super().__init__()\n{body(init)}\n" if init else ""
    return (
        f"{HEAD}class Net(nn.Module):\n{start}    def forward(self, {args}):\n{body(forward)}\n\n"
        f'if __name__ == "__main__":\n    Net()({inputs})\n'
    )


def settings(**options: str) -> Settings:
    """Settings by name; everything that any evidence supports is shown."""
    found, problems = Settings().merge({"min-confidence": "reported", "budget": 120.0, **options})
    assert not problems
    return found


def analyser(path: Path, chosen: Settings) -> Any:
    workspace = Workspace(path.parent)

    def run(text: str) -> FileAnalysis:
        with workspace.overlaid(path, text):
            return analyze(path, workspace, chosen)

    return run


def fix(text: str, folder: Path, unsafe: bool = False, **options: str) -> tuple[SourceFile, FileAnalysis, Fixed]:
    """The text's source, its analysis and what became of it."""
    path = folder / "model.py"
    path.write_text(text, encoding="utf-8", newline="")
    run = analyser(path, settings(**options))
    source = decode_source(path, path.read_bytes())
    return source, run(text), fix_text(source, run, unsafe)


def build(text: str) -> torch.nn.Module:
    """The model of a file, in evaluation mode."""
    torch.manual_seed(0)
    names: dict[str, Any] = {"__name__": "model"}
    exec(compile(text, "model.py", "exec"), names)
    net: torch.nn.Module = names["Net"]().eval()
    return net


def given(text: str, seed: int) -> list[torch.Tensor]:
    """Random inputs of the shapes the file calls its model with."""
    torch.manual_seed(seed)
    call = re.search(r"Net\(\)\((.*)\)\n", text)
    assert call is not None
    found: list[torch.Tensor] = list(eval(f"[{call[1]}]", {"torch": torch}))
    return found


def proven(
    text: str,
    code: str,
    folder: Path,
    exact: bool = False,
    unsafe: bool = False,
    same: bool = True,
    scale: float = 1.0,
    **options: str,
) -> str:
    """Fixes a file and proves it; returns the fixed text.

    The finding is gone; nothing as severe is new; a second run changes nothing; parameters have the same names and shapes;
    and over random inputs in float32 and float64 both models give the same (`exact`: bit for bit; else to 1e-5 relative).
    In float16 the difference stays within eight steps of fp16. same: False where the numbers are meant to change.
    """
    _, before, fixed = fix(text, folder, unsafe, **options)
    assert before.models, "the file reaches no model"
    assert code in {finding.code for finding in before.findings}, [f.code for f in before.findings]
    assert code in {applied for applied, _ in fixed.applied}, (fixed.applied, [str(e) for e in before.findings])
    after = fixed.result
    assert isinstance(after, FileAnalysis)
    assert code not in {finding.code for finding in after.findings}
    known = {finding.code for finding in before.findings}
    limit = min(SEVERITIES.index(f.severity) for f in before.findings if f.code == code)
    assert not [f for f in after.findings if f.code not in known and SEVERITIES.index(f.severity) <= limit]
    assert fixed.settled
    for path in ("trace", "export"):  # what converted by either path still does
        run = analyser(folder / "model.py", settings(**{**options, "export-path": path}))
        refused = {(f.code, f.message) for f in run(text).findings if f.severity == "error"}
        now = {(f.code, f.message) for f in run(fixed.text).findings if f.severity == "error"}
        assert now <= refused, (path, now)
    _, _, again = fix(fixed.text, folder, unsafe, **options)
    assert again.text == fixed.text, "a second run changes something"

    first, second = build(text), build(fixed.text)
    state = first.state_dict()
    assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in second.state_dict().items()}
    second.load_state_dict(state)
    if not same:
        return fixed.text
    for seed in range(3):
        for dtype in (torch.float32, torch.float64, torch.float16):
            inputs = [scale * v.to(dtype) if v.is_floating_point() else v for v in given(text, seed)]
            with torch.no_grad():
                try:
                    a = first.to(dtype)(*inputs)
                except RuntimeError as error:
                    # -1e9 is no fp16 number, and some operations have no fp16 kernel: there is nothing to compare with.
                    if dtype != torch.float16:
                        raise AssertionError("the model before does not run") from error
                    continue
                b = second.to(dtype)(*inputs)
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            if exact:
                assert torch.equal(a, b), (dtype, seed)
            elif dtype == torch.float16:
                bound = 8 * 2**-10 * a.abs().max().clamp(min=1.0)
                assert (a - b).abs().max() <= bound, (dtype, seed)
            else:
                torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    return fixed.text
