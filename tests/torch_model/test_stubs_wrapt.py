"""wrapt: what it decorates is taken as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torch_model import stub_harness

NET = """
import wrapt

class typecheck:
    def __init__(self, types=None):
        self.types = types

    def __call__(self, wrapped):
        return self.wrapped_call(wrapped)

    @wrapt.decorator(enabled=lambda: True)
    def wrapped_call(self, wrapped, instance, args, kwargs):
        if args:
            raise TypeError("by keyword only")
        return wrapped(*args, **kwargs)

@wrapt.decorator
def logged(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 8)

    @typecheck()
    def forward(self, x):
        return self.layer(x)

    @logged
    def width(self, more=1):
        return self.layer.out_features + more
"""


@pytest.mark.parametrize(
    ("asked", "wanted"), [("list(Net()(x=torch.zeros(1, 4)).shape)", [1, 8]), ("Net().width(more=2)", 10)]
)
def test_decorated_functions(asked: str, wanted: object, tmp_path: Path) -> None:
    outcome = stub_harness.Interpreted(tmp_path).outcome(f"{NET}out = {asked}")
    assert outcome.error is None, outcome.message
    assert outcome.output == wanted
