"""beartype: functions are what they were without it, whether or not it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.torch_model import stub_harness

NET = """
import torch
from torch import nn
from beartype import BeartypeConf, beartype
from beartype.claw import beartype_this_package
from beartype.door import is_bearable
from beartype.typing import List, Literal, NamedTuple, Optional, Tuple
from beartype.vale import Is

beartype_this_package(conf=BeartypeConf())

class Out(NamedTuple):
    made: torch.Tensor
    count: int = 3

class Net(nn.Module):
    @beartype
    def __init__(self, width: int, kind: Literal["a", "b"] = "a", sizes: Optional[Tuple[int, ...]] = None):
        super().__init__()
        self.layer = nn.Linear(width, 2 * width)

    @beartype(conf=BeartypeConf())
    def forward(self, x: torch.Tensor) -> Out:
        return Out(self.layer(x))

class One:
    pass
"""
CASES = [
    ("list(Net(4)(torch.zeros(1, 4)).made.shape)", [1, 8]),
    ("Net(4)(torch.zeros(1, 4)).count", 3),
    ("is_bearable(One(), One), is_bearable(3, One), is_bearable([3], One)", [True, False, False]),
]


@pytest.mark.parametrize(("asked", "wanted"), CASES)
def test_checked_functions(asked: str, wanted: Any, tmp_path: Path) -> None:
    outcome = stub_harness.Interpreted(tmp_path).outcome(NET + f"out = {asked}")
    assert outcome.error is None, outcome.message
    assert outcome.output == wanted


def test_what_a_container_holds_is_not_known(tmp_path: Path) -> None:
    """`list[int]` is seen as `list`: that a list fits it is not known."""
    body = NET + "out = 1 if is_bearable(['a'], list[int]) else 2"
    outcome = stub_harness.Interpreted(tmp_path).outcome(body)
    assert outcome.output not in (1, 2)
