"""Shape errors against PyTea's unit tests: which programs must fail in torch, and which must pass.

    python -m benchmarks.zoo.pytea CHECKOUT [--python ENV]

CHECKOUT is a checkout of github.com/ropas/pytea, branch develop; nothing of it is kept here. A program under ``fails``
must give a finding that torch refuses a call (ANE001); one under ``passes`` must give none. Where torch is installed
(``--torch``) its own verdict and line are printed beside, because a test of 2021 need not hold for the torch of today.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from ane_lsp import analysis
from ane_lsp.workspace import Settings, Workspace

CODE = "ANE001"


def found_lines(path: Path, python: str) -> list[int]:
    """Lines of a program where torch is said to refuse a call."""
    result = analysis.analyze(path, Workspace(path.parent, python=python), Settings())
    return [finding.span.line for finding in result.findings if finding.code == CODE]


def torch_line(path: Path) -> int | None:
    """The line of the program at which torch raises, None where it runs through."""
    try:
        runpy.run_path(str(path), run_name="__main__")
    except Exception as error:
        lines = []
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(path):
                lines.append(trace.tb_lineno)
            trace = trace.tb_next
        return lines[-1] if lines else -1
    return None


def main() -> int:
    """Print a row for each program and a summary; exit 1 where a program that runs is blamed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.prefix, help="environment whose packages are read")
    parser.add_argument("--torch", action="store_true", help="run each program in torch as well")
    options = parser.parse_args()
    folder = options.checkout / "packages" / "pytea" / "pytest" / "unit_tests"
    programs = [path.resolve() for kind in ("fails", "passes") for path in sorted((folder / kind).glob("*.py"))]
    if not programs:
        parser.error(f"no unit tests below {folder}")
    agreed = wrong = 0
    for path in programs:
        expected = path.parent.name == "fails"
        lines = found_lines(path, options.python)
        own = torch_line(path) if options.torch else None
        same = bool(lines) == expected
        agreed += same
        wrong += bool(lines) and not expected
        torch = "" if not options.torch else f" torch: {'runs' if own is None else f'line {own}'}"
        print(
            f"{'fail' if expected else 'pass'}  {path.stem:32} {'finding in line ' + str(lines[0]) if lines else 'no finding':22}"
            f"{torch}{'' if same else '   DISAGREES'}"
        )
    print(f"\n{agreed} of {len(programs)} agree; {wrong} programs that must pass are blamed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
