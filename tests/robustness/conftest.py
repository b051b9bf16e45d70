"""Everything an analysis imports is loaded before the first fork."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def loaded() -> None:
    import harness

    harness.warm()
    if not harness.can_fork():
        print("no fork here: memory and time of hostile inputs are not bounded by the tests")
