"""What is known of a tensor somewhere behind the operation that makes it is what calls there are shown to be given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ane_lsp.interp import run
from ane_lsp.interp.trace import rows
from ane_lsp.workspace import Workspace

HEAD = "import torch\nfrom torch import nn\nimport foreign\n\n"


def calls(folder: Path, text: str) -> list[tuple[str, Any, Any]]:
    """Name, types given and types returned, of each call that a script's models make."""
    script = folder / "script.py"
    script.write_text(HEAD + text)
    done = run.run_script(Workspace(folder), script)
    assert (done.errors, done.internal) == ([], {})
    found = []
    for graph in done.graphs:
        for call in graph.calls:
            given = [str(v.type) for v in (*call.args, *call.kwargs.values()) if hasattr(v, "type")]
            found.append((call.torch.rpartition(".")[2], given, str(getattr(call.result, "type", "-"))))
        for op in graph.ops:  # an operation reads what its call is given
            assert all(
                v.producer is None or v.id in {o.id for o in graph.ops[v.producer].outputs} for v in op.input_values()
            )
    assert rows(done.graphs, str)
    return found


NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)
    def forward(self, x, i):
{body}
Net()(torch.zeros(3, 4), torch.zeros(3, 4, dtype=torch.long))
"""


def net(body: str) -> str:
    return NET.format(body="".join(f"        {line}\n" for line in body.splitlines()))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return torch.relu(x.double())", [("double", ["[3, 4] f32"], "[3, 4] f64"), ("relu", ["[3, 4] f64"], "[3, 4] f64")]),
        ("return torch.neg(i.to(torch.int32))", [("to", ["[3, 4] i64"], "[3, 4] i32"), ("neg", ["[3, 4] i32"], "[3, 4] i32")]),
        ("if foreign.flag:\n    x = self.fc(x)\nreturn torch.relu(x)",
         [("Linear", ["[3, 4] f32"], "[3, 2] f32"), ("relu", ["[3, ?] f32"], "[3, ?] f32")]),
        ("for _ in foreign.steps():\n    x = torch.cat([x, x], 1)\nreturn torch.relu(x)",
         [("cat", [], "[3, 8] f32"), ("relu", ["[3, ?] f32"], "[3, ?] f32")]),
    ],
)  # fmt: skip
def test_calls_are_given_what_is_known_there(tmp_path: Path, body: str, expected: list[tuple[str, Any, str]]) -> None:
    assert calls(tmp_path, net(body)) == expected


REPEATED = """\
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.out = nn.Linear(4, 4)
    def forward(self, x, wide):
        y = self.fc(x).double()
        if foreign.flag:
            y = torch.cat([y, y], 0)
        return torch.relu(y), self.out(x) + wide.float()
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(4))
    def forward(self, x):
        wide = x.double()
        for block in self.blocks:
            y, x = block(x, wide)
            wide = torch.tanh(wide)
        return x, y
Net()(torch.zeros(3, 4))
"""


def test_a_call_that_is_recorded_again_is_given_the_same(tmp_path: Path) -> None:
    found = calls(tmp_path, REPEATED)
    each = [row for row in found[1:] if row[0] != "tanh"]
    length = len(each) // 4
    assert length * 4 == len(each)
    assert each[:length] == each[length : 2 * length] == each[2 * length : 3 * length] == each[3 * length :]
    assert ("relu", ["[?, 4] f64"], "[?, 4] f64") in each
    assert ("float", ["[3, 4] f64"], "[3, 4] f32") in each
