"""Settings: where they are found, how they are read, and what they select."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from ane_lsp.checks.finding import CONFIDENCES, Confidence
from ane_lsp.graph import Span
from ane_lsp.syntax.positions import code_points_to_utf8
from ane_lsp.workspace.globs import path_matches
from ane_lsp.workspace.schema import BY_KEY, OPSET_OF_TARGET, EntrySetting, ValueProblem, close
from ane_lsp.workspace.toml_positions import key_positions

CONFIG_NAMES = ("ane-lsp.toml", ".ane-lsp.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """An unknown key, a value of the wrong kind, or a settings file that is not TOML."""

    message: str
    span: Span


@dataclass(frozen=True)
class Settings:
    """What to check and how; see :data:`ane_lsp.workspace.schema.OPTIONS` for the meaning of each.

    root: the folder of the settings file; patterns are relative to it. file: that file, None for defaults.
    origins: where each key stands in `file`, for problems that show up later (an unknown device).
    """

    targets: tuple[str, ...] = ("M4",)
    minimum_deployment_target: str = "iOS18"
    export_path: str = "trace"
    coremltools: str = "9.0"
    select: tuple[str, ...] = ("ANE",)
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    min_confidence: Confidence = "carried"
    include: tuple[str, ...] = ("*.py",)
    exclude: tuple[str, ...] = ()
    python: str | None = None
    search_paths: tuple[str, ...] = ()
    entries: tuple[EntrySetting, ...] = ()
    inlay_hints: str = "assignments"
    budget: float = 20.0
    root: Path | None = None
    file: Path | None = None
    origins: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)

    @property
    def opset(self) -> str:
        """The iOS release whose converter operations may be used, a member of ``graph.builder.OPSETS``."""
        return OPSET_OF_TARGET[self.minimum_deployment_target]

    def is_selected(self, code: str, path: Path | None = None) -> bool:
        """Whether findings of `code` are reported (in `path`). The longest prefix decides; a tie ignores."""
        chosen = _longest(code, (*self.select, *self.extend_select))
        if chosen <= _longest(code, self.ignore):
            return False
        return path is None or not any(
            _longest(code, codes) and path_matches(path, pattern, self.root) for pattern, codes in self.per_file_ignores
        )

    def shows(self, confidence: Confidence) -> bool:
        """Whether evidence of this grade is enough."""
        return CONFIDENCES.index(confidence) <= CONFIDENCES.index(self.min_confidence)

    def merge(self, overrides: Mapping[str, Any]) -> tuple[Settings, list[SettingsProblem]]:
        """These settings with keys of a command line or an editor on top; keys it does not give (None) stay."""
        given = {key: value for key, value in overrides.items() if value is not None}
        values, problems = _read_table(given, lambda path: Span("", 1, 0, 1, 0))
        return replace(self, **values), problems


def _longest(code: str, prefixes: Iterable[str]) -> int:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)


def find_settings(start: Path) -> Path | None:
    """The nearest settings file at or above the folder `start`."""
    for folder in (start, *start.parents):
        for name in CONFIG_NAMES:
            path = folder / name
            if path.is_file() and (name != "pyproject.toml" or _has_section(path)):
                return path
    return None


def load_settings(path: Path, text: str | None = None) -> tuple[Settings, list[SettingsProblem]]:
    """Read a settings file. Keys that are wrong keep their defaults and come back as problems; never raises."""
    if text is None:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            return Settings(), [SettingsProblem(f"cannot be read: {error.strerror}", _at(path, "", 1, 0, 0))]
        except UnicodeDecodeError:
            return Settings(), [SettingsProblem("not valid UTF-8", _at(path, "", 1, 0, 0))]
    base = Settings(root=path.parent, file=path)
    try:
        document = _toml_loads(text)
    except ValueError as error:
        line, col = _toml_error_place(str(error))
        message = "not valid TOML: " + re.sub(r"\s*\(at (line|end).*\)$", "", str(error))
        return base, [SettingsProblem(message, _at(path, text, line, col, col + 1))]
    except RecursionError:
        return base, [SettingsProblem("not valid TOML: nested too deeply", _at(path, text, 1, 0, 0))]
    prefix: tuple[str, ...] = ()
    table: Any = document
    if path.name == "pyproject.toml":
        prefix = ("tool", "ane-lsp")
        tool = document.get("tool")
        table = tool.get("ane-lsp", {}) if isinstance(tool, dict) else {}
    positions = key_positions(text)

    def place(key: tuple[str | int, ...]) -> Span:
        full: tuple[str | int, ...] = (*prefix, *key)
        while full and full not in positions:
            full = full[:-1]
        return _at(path, text, *positions.get(full, (1, 0, 0)))

    if not isinstance(table, dict):
        return base, [SettingsProblem("tool.ane-lsp must be a table", place(()))]
    values, problems = _read_table(table, place)
    origins = {key: place((key,)) for key in table if key in BY_KEY}
    return replace(base, **values, origins=origins), problems


@cache
def _attributes() -> frozenset[str]:
    return frozenset(f.name for f in fields(Settings))


def _read_table(table: Mapping[str, Any], place: Any) -> tuple[dict[str, Any], list[SettingsProblem]]:
    values: dict[str, Any] = {}
    problems: list[SettingsProblem] = []
    for key, value in table.items():
        option = BY_KEY.get(key)
        if option is None:
            problems.append(SettingsProblem(f"unknown setting {key!r}{close(key, BY_KEY)}", place((key,))))
            continue
        try:
            values[option.attribute] = option.read(value)
        except ValueProblem as problem:
            problems.append(SettingsProblem(f"{key}: {problem}", place((key, *problem.path))))
    return values, problems


def _has_section(path: Path) -> bool:
    try:
        return b"ane-lsp" in path.read_bytes() and _declares_section(path)
    except OSError:
        return False


def _declares_section(path: Path) -> bool:
    text = path.read_bytes().decode("utf-8-sig", "replace")
    try:
        tool = _toml_loads(text).get("tool")
    except (ValueError, RecursionError):
        # Broken TOML that mentions the section is ours to report.
        return "tool.ane-lsp" in text
    return isinstance(tool, dict) and "ane-lsp" in tool


def _toml_loads(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _toml_error_place(message: str) -> tuple[int, int]:
    match = re.search(r"\(at line (\d+), column (\d+)\)", message)
    return (int(match[1]), int(match[2]) - 1) if match else (1, 0)


def _at(path: Path, text: str, line: int, start: int, end: int) -> Span:
    lines = text.split("\n")
    content = lines[line - 1] if line <= len(lines) else ""
    return Span(str(path), line, code_points_to_utf8(content, start), line, code_points_to_utf8(content, end))
