"""Published placements: what the page says is what the prediction is today, for the cases that are quick to build."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    import sys

    spec = importlib.util.spec_from_file_location("placement_reports", ROOT / "benchmarks" / "placement_reports.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["placement_reports"] = module
    spec.loader.exec_module(module)
    return module


REPORTS = _load()


@pytest.mark.parametrize("case", REPORTS.CASES, ids=lambda case: case.model)
def test_the_page_is_up_to_date(case: object) -> None:
    plan = REPORTS.predict(case)
    assert plan is not None
    assert plan.problem is None
    agrees = "yes" if REPORTS.agrees(case, plan) else "no"
    (line,) = [li for li in REPORTS.PAGE.read_text(encoding="utf-8").splitlines() if li.startswith(f"| {case.model} |")]  # type: ignore[attr-defined]
    assert f"| {agrees} |" in line
    assert agrees == "yes" or case.why, "a failure is explained"  # type: ignore[attr-defined]
