"""What a model keeps from its first call it makes when it is called on its inputs, not while they are found out."""

import textwrap
from pathlib import Path

import pytest
from assumed import follow, only

from ane_lsp.graph import dims

NETS = {
    "an attribute": """
        def __init__(self):
            super().__init__()
            self.table = None

        def forward(self, x):
            batch, length, width = x.shape
            if self.table is None:
                self.table = torch.arange(length)
            return x + self.table[None, :, None]
    """,
    "a table of a helper": """
        def __init__(self):
            super().__init__()
            self.memory = Memory()

        def forward(self, x):
            batch, length, width = x.shape
            return x + self.memory.positions(length)[None, :, None]
    """,
    "a buffer of a size that may be another": """
        def __init__(self):
            super().__init__()
            self.length = 16
            self.register_buffer("table", torch.zeros(16))

        def forward(self, x):
            batch, length, width = x.shape
            if length != self.length:
                self.length = length
                self.register_buffer("table", torch.arange(length).float())
            return x + self.table[None, :, None]
    """,
    "a layer": """
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList()

        def forward(self, x):
            batch, length, width = x.shape
            if len(self.layers) == 0:
                self.layers.append(nn.Linear(torch.arange(4).shape[0], 4))
            return self.layers[0](x[:, :, :1].expand(-1, -1, 4))
    """,
}
HELPER = """
class Memory:
    def __init__(self):
        self.kept = {}

    def positions(self, length):
        if "positions" not in self.kept:
            self.kept["positions"] = torch.arange(length)
        return self.kept["positions"]


class Net(nn.Module):"""


@pytest.mark.parametrize("name", NETS)
def test_what_the_first_call_makes_is_of_the_sizes_that_are_told(tmp_path: Path, name: str) -> None:
    text = HELPER + "\n" + textwrap.indent(textwrap.dedent(NETS[name]), "    ")
    entry = only(follow(tmp_path, net=text), "Net")
    assert "torch.arange" in [call.torch for call in entry.graph.calls]
    (output,) = [value.type for value in entry.graph.outputs]
    assert all(map(dims.is_known, output.shape))
