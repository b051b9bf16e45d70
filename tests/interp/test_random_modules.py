"""Randomly generated modules: the trace equals torch's own execution."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is what the trace is compared with")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_modules import random_source
from zoo_support import disagreement


def as_script(source: str, calls: str) -> str:
    return source + '\n\nif __name__ == "__main__":\n' + "".join(f"    {line}\n" for line in calls.splitlines())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_the_trace_is_what_torch_runs(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path: Path = tmp_path_factory.mktemp("random") / "model.py"
    path.write_text(as_script(*random_source(seed)))
    assert disagreement(path, idle=True) == [], path.read_text()


def test_a_seed_gives_one_program() -> None:
    assert random_source(7) == random_source(7)
    assert random_source(7) != random_source(8)
