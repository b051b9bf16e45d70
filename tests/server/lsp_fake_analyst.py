"""A stand-in for the analysis, so that the server can be tested for what it does with any result.

It is steered by the text it is given:
    bad(...)           a finding ANE302 with a safe and an unsafe fix
    risky(...)         a finding ANE402 without a fix
    name = tensor(...) a shape hint and a call site
    class Net          a model summary
    # SLOW seconds     analyses that long, and stops early once cancelled
    # HANG seconds     the same without ever asking whether it is cancelled
    # GROWS megabytes  holds that much more memory from then on
    # RAISE, # CRASH   fails, kills its process
    # ANE: digest      is answered with an error of kind budget whose message is the SHA-1 of the whole text
    # UNPLACED         is not placed
    # SEES path        depends on another file and reports a finding in it
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ane_lsp.analysis import AnalysisError, ModelSummary
from ane_lsp.checks.finding import Evidence, Finding, Fix, Related, TextEdit
from ane_lsp.graph import Span
from ane_lsp.server.results import (
    CallSite,
    Completion,
    DocumentResult,
    Predicted,
    SettingsProblem,
    ShapeHint,
    Signature,
)
from ane_lsp.syntax import source_from_text

BAD = re.compile(r"\bbad\(([^()\r\n]*)\)")
RISKY = re.compile(r"\brisky\(([^()\r\n]*)\)")
TENSOR = re.compile(r"\b(\w+) = (tensor\((\d+)\))")
NET = re.compile(r"^class (\w+)", re.MULTILINE)
EVIDENCE = (Evidence("windows above 8 run on the <CPU>", "a [source](x)", "M4", "macOS 27", "B", "2026-01-01"),)


class FakeAnalyst:
    def __init__(self) -> None:
        self.overlays: dict[str, str] = {}
        self.hints = "assignments"
        self.severity = "warning"
        self.ballast: list[bytes] = []

    def configure(self, folders: list[tuple[str, dict[str, Any]]], options: dict[str, Any]) -> None:
        given = {**options, **(folders[0][1] if folders else {})}
        self.hints = given.get("inlay-hints", "assignments")
        self.ignore = given.get("ignore", [])

    def overlay(self, path: str, text: str | None) -> None:
        if text is None:
            self.overlays.pop(path, None)
        else:
            self.overlays[path] = text

    def touched(self, paths: list[str]) -> None:
        pass

    def ask(self, what: str, args: tuple[Any, ...], cancelled: Callable[[], bool]) -> Any:
        if what == "analyze":
            return self.analyze(args[0], cancelled)
        if what == "settings":
            return [
                SettingsProblem(Span(args[0], n, 0, n, len(line)), f"unknown setting {line.split('=')[0].strip()!r}")
                for n, line in enumerate(args[1].split("\n"), 1)
                if line.startswith("nonsense")
            ]
        if what == "files":
            return sorted(str(path) for path in Path(args[0]).rglob("*.py"))
        if what == "words":
            keys = {
                "targets": {"doc": "chips", "schema": {}},
                "min-confidence": {"doc": "d", "schema": {"enum": ["measured", "reported"]}},
            }
            return Completion(keys, (("iPhone 15 Pro", "A17 Pro"), ("M4", "chip")), (("ANE302", "max-pool-window"),))
        if what == "notes":
            return ["tensor on M4: can run on the ANE"]
        if what == "holds":  # "never" in a fix's line refuses it, "# SLOW GATE" keeps the answer back
            text = self.text(args[0])
            if "# SLOW GATE" in text:
                end = time.monotonic() + 3
                while time.monotonic() < end and not cancelled():
                    time.sleep(0.01)
            return ["never" not in "".join(text.split("\n")[at[0] - 1 : at[0]]) for _, at, _ in args[1]]
        if what == "placements":
            if "# SLOW PLACEMENT" in self.text(args[0]):
                time.sleep(3)
            if "# UNPLACED" in self.text(args[0]):
                return []
            return [
                Predicted(n, "M4", "92 % on the ANE of M4, 3 switches (predicted)", ("92 % of it", "without bad: less"))
                for n, _ in enumerate(NET.findall(self.text(args[0])))
            ]
        if what == "report":
            return f"<html>{args[0]}{args[1]}</html>"
        if what == "fix-all":
            return None
        if what == "page":
            return f"# {args[0]}\n\nAbout it."
        raise ValueError(what)

    def text(self, path: str) -> str:
        if path in self.overlays:
            return self.overlays[path]
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError:  # closed since it was asked about: as for the real one, a file without text
            return ""

    def analyze(self, path: str, cancelled: Callable[[], bool]) -> DocumentResult:
        print("a stray print of a rule")  # must never reach the protocol
        whole = self.text(path)
        source = source_from_text(Path(path), whole)
        text = source.text
        if match := re.search(r"# SLOW ([\d.]+)", text):
            end = time.monotonic() + float(match[1])
            while time.monotonic() < end and not cancelled():
                sum(range(20_000))
        if match := re.search(r"# HANG ([\d.]+)", text):
            end = time.monotonic() + float(match[1])
            while time.monotonic() < end:
                sum(range(20_000))
        if match := re.search(r"# GROWS (\d+)", text):
            self.ballast.append(os.urandom(int(match[1]) * 1_000_000))
        if "# RAISE" in text:
            raise RuntimeError("secret detail of the analysis")
        if "# CRASH" in text:
            sys.stderr.flush()
            os._exit(7)
        result = DocumentResult(path, depends=frozenset(), inlay_hints=self.hints, targets=("M4",))
        errors = []
        try:
            ast.parse(text)
        except SyntaxError as error:
            line = min(error.lineno or 1, len(source.lines))
            errors.append(AnalysisError("syntax", error.msg, Span(path, line, 0, line, 1)))
        except ValueError as error:
            errors.append(AnalysisError("syntax", str(error), Span(path, 1, 0, 1, 1)))
        found: list[Finding] = []
        if "# ANE: digest" in text:
            digest = hashlib.sha1(whole.encode("utf-8", "surrogatepass")).hexdigest()
            errors.append(AnalysisError("budget", digest, Span(path, 1, 0, 1, 0)))
        result.errors = tuple(errors)
        if not result.parsed:
            return result

        def span(start: int, end: int) -> Span:
            return Span(path, *source.lines.position(start), *source.lines.position(end))

        for match in BAD.finditer(text):
            where = span(*match.span())
            name = span(match.start(), match.start() + 3)
            fixes = (
                Fix("Replace bad by good", "safe", (TextEdit(name, "good"),)),
                Fix("Replace bad by better, which changes numbers", "unsafe", (TextEdit(name, "better"),)),
            )
            found.append(
                Finding(
                    "ANE302", "max-pool-window", f"bad({match[1]}) runs on the CPU", where, "warning", "measured",
                    "max_pool", "M4", EVIDENCE, (Related(name, "named here"),), fixes,
                )
            )  # fmt: skip
        found += [
            Finding("ANE402", "risky", "slower", span(*match.span()), "information", "carried")
            for match in RISKY.finditer(text)
        ]
        other = re.search(r"# SEES (\S+)", text)
        if other:
            result.depends = frozenset({other[1]})
            seen = self.text(other[1])
            found.append(
                Finding(
                    "ANE101", "elsewhere", f"{len(seen)} characters", Span(other[1], 1, 0, 1, 1), "error", "measured"
                )
            )
        found = [finding for finding in found if finding.code not in getattr(self, "ignore", [])]
        shapes, calls = [], []
        for match in TENSOR.finditer(text):
            kinds = (f"[1, {match[3]}] f32",)
            shapes.append(ShapeHint(span(match.start(1), match.end(1)), match[1], kinds, ("Net",)))
            signature = Signature("Net", "conv", ("[1, 3] f32",), kinds[0], (("k", "3"),))
            calls.append(CallSite(span(match.start(2), match.end(2)), "torch.nn.Conv2d", ("conv",), (signature,)))
        result.findings = tuple(sorted(found, key=lambda f: (f.span.line, f.span.col)))
        result.shapes, result.calls = tuple(shapes), tuple(calls)
        result.models = tuple(
            ModelSummary(match[1], span(match.start(), match.end()), "M4", 41, 38, 1, len(found), ("B is a symbol",))
            for match in NET.finditer(text)
        )
        return result


class RestingAnalyst(FakeAnalyst):
    """Tells how often it was given time to rest."""

    def __init__(self) -> None:
        super().__init__()
        self.rests = 0

    def rest(self) -> None:
        self.rests += 1

    def ask(self, what: str, args: tuple[Any, ...], cancelled: Callable[[], bool]) -> Any:
        return self.rests
