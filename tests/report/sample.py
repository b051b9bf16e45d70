"""A report with one of everything, over a file of awkward characters."""

from pathlib import Path

from ane_lsp.analysis import AnalysisError, ModelSummary
from ane_lsp.checks.finding import Evidence, Finding, Fix, Related, TextEdit
from ane_lsp.graph import Span
from ane_lsp.report.model import Report
from ane_lsp.syntax.positions import LineTable

BASE = Path("/proj") if Path("/").as_posix() == "/" else Path.cwd()
FILE = str(BASE / "m ä/net.py")
OTHER = "/elsewhere/lib.py"
TEXT = (
    "import torch\nclass Net:\n\té = '中'; y = self.pool(x)\n    z = f(\n        1)\n"
    + "x = ["
    + "0, " * 400
    + "bad()]\n"
)


def span(line: int, col: int, end_line: int, end_col: int, file: str = FILE) -> Span:
    return Span(file, line, col, end_line, end_col)


POOL = Finding(
    "ANE302", "max-pool-window", "max_pool 9x9 runs on the CPU | 100% <b>: use two, or\nthree", span(3, 17, 3, 29), "warning",
    "measured", op="max_pool", target="M4", model="Net",
    evidence=(Evidence("Wider than 8 is refused.", "a study", "M4", "macOS 27", "B", "2026-10-05"),),
    related=(Related(span(1, 0, 1, 12), "constructed here"), Related(span(7, 1, 7, 3, OTHER), "called from")),
    fixes=(Fix("Stack two 5x5 pools", "safe", (TextEdit(span(3, 17, 3, 29), "two(x)"),)),),
)  # fmt: skip
MULTI = Finding("ANE501", "square-overflow", "squares overflow", span(4, 8, 5, 10), "error", "carried", model="Net")
LONG = Finding("ANE406", "conv-stride", "stride 5", span(6, 1205, 6, 1210), "hint", "documented")
BELL = Finding("ANE999", "not-a-page", "beeps \x1b[31m\x07 \u202e", span(2, 0, 2, 5), "information", "reported")


def report(**given: object) -> Report:
    tables = {FILE: LineTable(TEXT)}
    found: dict[str, object] = {
        "findings": [BELL, POOL, MULTI, LONG],
        "models": [
            ModelSummary("Net", span(2, 0, 2, 9), "M4", 41, 38, 2, 3, ("B is a symbol",)),
            ModelSummary("Slow", span(2, 0, 2, 9), "M1", 1, 0, 0, 1, (), "budget"),
        ],
        "errors": [AnalysisError("syntax", "'(' was never closed", span(4, 9, 4, 10))],
        "files": 2,
        "base": BASE,
        "lines": tables.get,
        "checked": [FILE, str(BASE / "clean.py")],
    }
    return Report(**{**found, **given})  # type: ignore[arg-type]
