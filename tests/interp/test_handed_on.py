"""Forwards that take anything and hand it on: their inputs are those of what they call."""

from pathlib import Path

import pytest
from assumed import follow, only

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.head = nn.Linear(8, 4)

    def features(self, x, masks=None):
        return {"x": self.conv(x).mean((2, 3))}

    def forward(self, *args, is_training=False, **kwargs):
        found = self.features(*args, **kwargs)
        return found if is_training else self.head(found["x"])
"""
CHILD = """
class Child(Net):
    def forward(self, *inputs, **options):
        return super().forward(*inputs, **options).relu()
"""
WRAPPER = """
class Wrapper(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, *args, **kwargs):
        return self.net(*args, **kwargs).softmax(-1)
"""
OWN = """
class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, x=None, *args, **kwargs):
        return self.net(*args, **kwargs) if x is None else x.relu()
"""


@pytest.mark.parametrize(
    ("source", "name", "last"),
    [(NET, "Net", "linear"), (NET + CHILD, "Child", "relu"), (NET + WRAPPER, "Wrapper", "softmax")],
)
def test_inputs_are_those_of_what_is_called(tmp_path: Path, source: str, name: str, last: str) -> None:
    done = follow(tmp_path, net=source)
    assert not done.run.errors
    entry = only(done, name)
    assert entry.assumed == ("x: [B, 3, H, W] f32 (first used by conv2d)",)
    assert [op.kind for op in entry.graph.ops if not op.folds][-1] == last
    assert [str(value.type) for value in entry.graph.outputs] == ["[B, 4] f32"]


def test_a_forward_with_inputs_of_its_own_keeps_them(tmp_path: Path) -> None:
    assert "nothing tells the shape of `x`" in only(follow(tmp_path, net=NET + OWN), "Own").assumed
