"""Every declared torch op against real torch, on random calls (see harness.py)."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: op rules are not compared with it")

from ane_lsp.torch_model import registry  # noqa: E402
from tests.torch_model import harness  # noqa: E402
from tests.torch_model.exempt import EXEMPT  # noqa: E402

harness.load()
NAMES = sorted(registry.names())
CANONICAL = {decl.name for decl in registry.declarations()}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXEMPT])
def test_agrees_with_torch(name: str) -> None:
    assert name in harness.CASES, f"{name} is declared but has no case: add a strategy in tests/torch_model/cases"
    examples = harness.EXAMPLES if name in CANONICAL else max(harness.EXAMPLES // 4, 1)
    assert not harness.run(name, examples)


def test_declared_names_exist_in_torch() -> None:
    missing = []
    for name in NAMES:
        if name.startswith(("einops.", "torch.ops.torchvision.")):
            continue  # names of packages that need not be installed here
        try:
            harness.resolve(name)
        except AttributeError:
            missing.append(name)
    assert not missing


def test_exemptions_are_reasoned_and_needed() -> None:
    assert set(EXEMPT) <= set(NAMES), set(EXEMPT) - set(NAMES)
    assert all(len(reason) > 20 for reason in EXEMPT.values())
    assert not set(EXEMPT) & set(harness.CASES)


def test_cases_name_declared_ops() -> None:
    assert set(harness.CASES) <= set(NAMES), set(harness.CASES) - set(NAMES)
