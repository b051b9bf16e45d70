"""Every torch.nn class, interpreted, against real torch: parameters, attributes, submodules, outputs, errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torch_model import stub_cases, stub_harness

torch = pytest.importorskip("torch", reason="compares the stubs with real torch")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> stub_harness.Interpreted:
    return stub_harness.Interpreted(Path(tmp_path_factory.mktemp("stubs")))


TRAINED = ("Dropout", "AlphaDropout", "BatchNorm", "InstanceNorm", "RReLU", "LSTM", "GRU")


def sources(name: str) -> list[str]:
    """The lines of every case of a class: built and called as inference does, and in training where that differs."""
    found = []
    for arguments, inputs in stub_cases.CASES[name]:
        build = f"m = nn.{name}({arguments})"
        if inputs is None:
            found.append(build)
            continue
        found.append(f"{build}\nm.eval()\nout = m({inputs})")
        if name.startswith(TRAINED):
            found.append(f"{build}\nm.train()\nout = m({inputs})")
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
