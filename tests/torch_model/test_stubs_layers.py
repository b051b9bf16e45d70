"""Every torch.nn class, interpreted, against real torch: parameters, attributes, submodules, outputs, errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torch_model import stub_cases, stub_harness

torch = pytest.importorskip("torch", reason="compares the stubs with real torch")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> stub_harness.Interpreted:
    return stub_harness.Interpreted(Path(tmp_path_factory.mktemp("stubs")))


def sources(name: str) -> list[str]:
    """The lines of every case of a class: built and called as inference does, and in training where that differs."""
    found = []
    for arguments, inputs in stub_cases.CASES[name]:
        call = "" if inputs is None else f"\nm.eval()\nout = m({inputs})"
        found.append(f"m = nn.{name}({arguments}){call}")
    return found


def test_every_class_has_cases() -> None:
    assert set(torch.nn.modules.__all__) == set(stub_cases.CASES) | stub_cases.NO_MODULE


@pytest.mark.parametrize("name", sorted(stub_cases.CASES))
def test_class(name: str, interpreted: stub_harness.Interpreted) -> None:
    wrong = []
    for source in sources(name):
        found = stub_harness.differences(stub_harness.real(source), interpreted.outcome(source))
        wrong += [f"{source}\n    {difference}" for difference in found]
    assert not wrong, "\n".join(wrong)
