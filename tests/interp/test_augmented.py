"""``x @= y`` and its like on tensors: what torch is asked for, and what the name stands for afterwards."""

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.interp.run import run_script
from ane_lsp.workspace import Workspace

torch = pytest.importorskip("torch", reason="torch is not installed: what it is asked for is not compared")

PROGRAM = """
import torch


class Net(torch.nn.Module):
    def forward(self, x, y):
        before = x
        x {symbol}= y
        self.same = before is x
        return x


net = Net()
out = net(torch.ones({left}, dtype=torch.{dtype}), torch.ones({right}, dtype=torch.{dtype}))
same = net.same
"""


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"])
def test_torch_is_asked_for_the_same(tmp_path: Path, symbol: str) -> None:
    text = PROGRAM.format(
        symbol=symbol,
        left="2, 3, 4",
        right="4, 2" if symbol == "@" else "3, 1",
        dtype="int64" if symbol in "&|^<<>>" else "float32",
    )
    asked: list[str] = []

    class Listener(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            asked.append(torch.overrides.resolve_name(func))
            return func(*args, **(kwargs or {}))

    space: dict[str, Any] = {}
    with Listener():
        exec(text, space)
    script = tmp_path / "script.py"
    script.write_text(text)
    run = run_script(Workspace(tmp_path), script)
    assert run.errors == []
    assert [call.torch for call in run.graphs[0].calls] == [name for name in asked if "ones" not in name]
    told = run.interp.modules["script"].namespace
    assert told["out"].type.shape == tuple(space["out"].shape)
    assert told["same"] is space["same"]
