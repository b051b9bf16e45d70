"""Rules about conversion scripts: only calls that the imports prove to be coremltools'."""

from __future__ import annotations

import ast

import pytest

from ane_lsp.checks import scripts
from ane_lsp.checks.finding import Finding
from ane_lsp.knowledge import targets


def check(source: str) -> list[Finding]:
    return scripts.check(ast.parse(source), "convert.py", targets.default()[0])


@pytest.mark.parametrize(
    "source",
    [
        "import coremltools as ct\nct.RangeDim(1, 8)\n", "import coremltools\ncoremltools.RangeDim(1, 8)\n",
        "from coremltools import RangeDim\nRangeDim(1, 8)\n", "from coremltools import RangeDim as R\nR(1, 8)\n",
        "def f():\n    import coremltools as ct\n    return [ct.Shape((1, ct.RangeDim(1, 8)))]\n",
    ],
)  # fmt: skip
def test_every_way_to_import(source: str) -> None:
    assert [f.code for f in check(source)] == ["ANE606"]


@pytest.mark.parametrize(
    "source",
    [
        "RangeDim(1, 8)\n", "from mylib import RangeDim\nRangeDim(1, 8)\n", "import coremltools as ct\nct.RangeDim\n",
        "from .coremltools import RangeDim\nRangeDim(1, 8)\n", "import coremltools as ct\nother.ct.RangeDim(1, 8)\n",
        "import coremltools as ct\nct.convert(m, compute_precision=precision)\n", "import coremltools as ct\nct.convert(m, **options)\n",
        "import coremltools as ct\nct.EnumeratedShapes(shapes)\n", "import coremltools as ct\nct.convert(m, states=s, minimum_deployment_target=t)\n",
    ],
)  # fmt: skip
def test_what_is_not_written_is_not_guessed(source: str) -> None:
    assert check(source) == []


@pytest.mark.parametrize(
    ("shapes", "refused"),
    [
        (str([(1, n) for n in range(129)]), True), (str([(1, n) for n in range(128)]), False),
        ("[(1, 8 * n) for n in range(129)]", True), ("[(1, n) for n in range(0, 1024, 8)]", False),
        ("[(1, a, b) for a in range(12) for b in (8, 16, 32)]", False), ("[(1, a, b) for a in range(12) for b in range(1, 12)]", True),
        ("[(1, n) for n in range(500) if n % 32]", False), ("[(1, n) for n in range(most)]", False), ("[(1, n) for n in sizes]", False),
    ],
)  # fmt: skip
def test_enumerated_shapes_are_counted_where_they_are_written(shapes: str, refused: bool) -> None:
    assert bool(check(f"import coremltools as ct\nct.EnumeratedShapes({shapes})\n")) is refused


def test_one_finding_for_all_ranges_of_a_file() -> None:
    [found] = check("import coremltools as ct\n" + "ct.RangeDim(1, 8)\n" * 3)
    assert (found.span.line, [r.span.line for r in found.related]) == (2, [3, 4])


def test_a_flexible_state_is_not_also_a_range() -> None:
    source = "import coremltools as ct\nct.StateType(wrapped_type=ct.TensorType(shape=(1, ct.RangeDim(1, 8))))\n"
    assert [f.code for f in check(source)] == ["ANE708"]


@pytest.mark.parametrize(
    ("target", "refused"),
    [("iOS17", True), ("macOS14", True), ("iOS18", False), ("macOS15", False), ("macOS26", False)],
)
def test_states_and_deployment_targets(target: str, refused: bool) -> None:
    source = f"import coremltools as ct\nct.convert(m, states=s, minimum_deployment_target=ct.target.{target})\n"
    assert bool(check(source)) is refused


def test_columns_are_bytes() -> None:
    [found] = check("import coremltools as ct\nx = 'éé'; ct.RangeDim(1, 8)\n")
    assert found.span.col == len("x = 'éé'; ".encode())
