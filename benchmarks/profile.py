"""``python -m benchmarks.profile FILE``: where an analysis spends its processor time, by interpreted function.

cProfile shows the interpreter's own functions; what costs is usually the program it follows. For each function of the
interpreted program: seconds in itself, seconds with what it calls, and how often it ran; then the parts of the analysis.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ane_lsp import analysis
from ane_lsp.checks import engine
from ane_lsp.interp import discovery, entries, inputs
from ane_lsp.interp.machine import Interpreter
from ane_lsp.workspace import Settings, Workspace

Name = tuple[str, str]


class Profile:
    """Counts while it is installed. own, total: seconds by (module, function); runs: how often; parts: seconds by part."""

    def __init__(self) -> None:
        self.own: Counter[Name] = Counter()
        self.total: Counter[Name] = Counter()
        self.runs: Counter[Name] = Counter()
        self.parts: Counter[str] = Counter()
        self._stack: list[tuple[Name, list[float]]] = []

    def install(self) -> None:
        """Put the clock around every interpreted function and around the parts of an analysis."""
        run = Interpreter.run_function

        def timed(interp: Interpreter, function: Any, frame: Any) -> Any:
            name = (function.module.name, function.qualname)
            inside = [0.0]
            self._stack.append((name, inside))
            began = time.thread_time()
            try:
                return run(interp, function, frame)
            finally:
                took = time.thread_time() - began
                self._stack.pop()
                self.own[name] += took - inside[0]  # type: ignore[assignment]
                self.runs[name] += 1
                if self._stack:
                    self._stack[-1][1][0] += took
                if not any(other == name for other, _ in self._stack):
                    self.total[name] += took  # type: ignore[assignment]

        Interpreter.run_function = timed  # type: ignore[method-assign, assignment]
        for module, attribute, label in (
            (entries, "load_file", "the file's top level"),
            (discovery, "discover", "entries nobody wrote down"),
            (inputs, "_probe", "of these: probing inputs"),
            (engine, "run", "rules"),
        ):
            setattr(module, attribute, self._around(getattr(module, attribute), label))

    def _around(self, function: Callable[..., Any], label: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.parts[label] += time.thread_time() - began  # type: ignore[assignment]

        return timed

    def show(self, top: int) -> None:
        """Print it."""
        for label, seconds in self.parts.items():
            print(f"{seconds:8.3f} s  {label}")
        print(f"\n{'own s':>8} {'total s':>8} {'runs':>7}  function")
        for name, seconds in self.own.most_common(top):
            print(f"{seconds:8.3f} {self.total[name]:8.3f} {self.runs[name]:7}  {name[0]}.{name[1]}")


def main() -> None:
    """Analyse once, print the profile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--python", help="the environment whose libraries are read")
    parser.add_argument("--top", type=int, default=25)
    args = parser.parse_args()
    profile = Profile()
    profile.install()
    path = args.file.resolve()
    began = time.process_time()
    analysis.analyze(path, Workspace(path.parent, python=args.python), Settings(budget=300))
    print(f"{time.process_time() - began:8.3f} s  processor time in all")
    profile.show(args.top)


if __name__ == "__main__":
    main()
