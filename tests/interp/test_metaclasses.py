"""What a metaclass's ``__new__`` gives its classes: it is not run, so nothing is said of what it may add."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torch_model import stub_harness

META = """
class Meta(type):
    def __new__(meta, name, bases, space):
        space["made"] = 3
        cls = super().__new__(meta, name, bases, space)
        cls.more = 2
        {}
        return cls
class A(metaclass=Meta):
    own = 1
"""


@pytest.mark.parametrize(
    ("rest", "asked", "error"),
    [
        ("pass", "A.made + A.more + A().more", None),
        ("pass", "A.missing", "AttributeError"),
        ("pass", "A().missing", "AttributeError"),
        ("setattr(cls, name.lower(), 1)", "A.a", None),
        ("setattr(cls, 'b', 1)", "A.a", "AttributeError"),
        ("cls.__dict__.update(a=1)", "A.a", None),
    ],
)
def test_attributes_that_a_metaclass_adds(rest: str, asked: str, error: str | None, tmp_path: Path) -> None:
    outcome = stub_harness.Interpreted(tmp_path).outcome(f"{META.format(rest)}out = {asked}")
    assert outcome.error == error, outcome.message


def test_what_the_body_says_is_known(tmp_path: Path) -> None:
    outcome = stub_harness.Interpreted(tmp_path).outcome(
        f"{META.format('pass')}out = [A.own, A().own, getattr(A, 'none', 4)]"
    )
    assert outcome.output == [1, 1, 4]


BASES = """
class State:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.held = 3
def stateful(cls):
    cls.__bases__ = (State,) + tuple(base for base in cls.__bases__ if base != State)
    return cls
@stateful
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, self.held)
m = Net()
out = [m.held, isinstance(m, State), issubclass(Net, nn.Module), [base.__name__ for base in Net.__bases__], len(Net.__mro__)]
"""


def test_bases_that_a_decorator_gives(tmp_path: Path) -> None:
    """As fairseq's ``with_incremental_state`` does."""
    wanted, found = stub_harness.real(BASES), stub_harness.Interpreted(tmp_path).outcome(BASES)
    assert (found.error, found.output, found.state) == (wanted.error, wanted.output, wanted.state), found.message
