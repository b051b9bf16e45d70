"""Small models of the usual kinds: the trace names the call expressions torch runs, with the same shapes, and no others."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is what the trace is compared with")

from zoo_support import disagreement

MODELS = sorted((Path(__file__).resolve().parents[1] / "data" / "zoo").glob("*.py"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_trace_is_what_torch_runs(path: Path) -> None:
    assert disagreement(path) == []


def test_there_are_models() -> None:
    assert len(MODELS) >= 6
