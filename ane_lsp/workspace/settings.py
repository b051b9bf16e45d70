"""Settings: where they are found, how they are read, and what they select."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import tomlpos
from ane_lsp.knowledge.evidence import Confidence, confidence_rank
from ane_lsp.syntax.positions import code_points_to_utf8
from ane_lsp.workspace.globs import path_matches
from ane_lsp.workspace.schema import BY_KEY, OPSET_OF_TARGET, EntrySetting, ValueProblem, close

CONFIG_NAMES = ("ane-lsp.toml", ".ane-lsp.toml", "pyproject.toml")

_WORD = re.compile(r"""\[+[^\]]*\]+|"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_.-]+""")


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

    targets: tuple[str, ...] = ()
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

    def is_selected(self, code: str, name: str = "", path: Path | None = None) -> bool:
        """Whether findings of rule `code` are reported (in `path`).

        The most specific selector that fits decides: a whole code or a rule name, then the longest prefix; a tie ignores.
        """
        chosen = _best(code, name, (*self.select, *self.extend_select))
        if chosen <= _best(code, name, self.ignore):
            return False
        return path is None or not any(
            _best(code, name, codes) and path_matches(path, pattern, self.root)
            for pattern, codes in self.per_file_ignores
        )

    def shows(self, confidence: Confidence) -> bool:
        """Whether evidence of this grade is enough."""
        return confidence_rank(confidence) <= confidence_rank(self.min_confidence)

    def merge(self, overrides: Mapping[str, Any]) -> tuple[Settings, list[SettingsProblem]]:
        """These settings with keys of a command line or an editor on top; keys it does not give (None) stay."""
        given = {key: value for key, value in overrides.items() if value is not None}
        values, problems = _read_table(given, lambda path: Span("", 1, 0, 1, 0))
        return replace(self, **values), problems


def _best(code: str, name: str, selectors: Iterable[str]) -> int:
    return max((99 if s in (code, name) else len(s) for s in selectors if s == name or code.startswith(s)), default=0)


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
            return Settings(), [SettingsProblem(f"cannot be read: {error.strerror}", _at(path, "", 1, 1))]
        except UnicodeDecodeError:
            return Settings(), [SettingsProblem("not valid UTF-8", _at(path, "", 1, 1))]
    base = Settings(root=path.parent, file=path)
    try:
        document = tomlpos.parse(text)
    except tomlpos.TomlError as error:
        where = _at(path, text, error.line, error.col)
        return base, [SettingsProblem(f"not valid TOML: {error.message}", where)]
    except RecursionError:
        return base, [SettingsProblem("not valid TOML: nested too deeply", _at(path, text, 1, 1))]
    prefix: tuple[str, ...] = ()
    table: Any = document
    if path.name == "pyproject.toml":
        prefix = ("tool", "ane-lsp")
        tool = document.get("tool")
        table = tool.get("ane-lsp", {}) if isinstance(tool, dict) else {}
    positions = tomlpos.positions(text)

    def place(key: tuple[str | int, ...]) -> Span:
        full: tuple[str | int, ...] = (*prefix, *key)
        while full and full not in positions:
            full = full[:-1]
        return _at(path, text, *positions.get(full, (1, 1)))

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
        tool = tomlpos.parse(text).get("tool")
    except (tomlpos.TomlError, RecursionError):
        # Broken TOML that mentions the section is ours to report.
        return "tool.ane-lsp" in text
    return isinstance(tool, dict) and "ane-lsp" in tool


def _at(path: Path, text: str, line: int, col: int) -> Span:
    """The key or character at a line and a column that both count from 1, columns in code points."""
    content = text.split("\n")[line - 1].rstrip("\r") if line <= text.count("\n") + 1 else ""
    word = _WORD.match(content, col - 1)
    start, end = (col - 1, word.end()) if word else (col - 1, col)
    return Span(str(path), line, code_points_to_utf8(content, start), line, code_points_to_utf8(content, end))
