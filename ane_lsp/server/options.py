"""What an editor may set beside the settings of a project: how the server talks, never what it finds.

Together with :data:`ane_lsp.workspace.schema.OPTIONS` this is the server's whole configuration; editors' manifests and
the documentation are generated from the two tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from ane_lsp.graph.records import dataclass

SECTION = "ane-lsp"
CLIENT_KEYS = ("server", "trace", "status-notification", "trusted", "report-content")
DIAGNOSTIC_MODES = ("open-files", "workspace")
LOG_LEVELS = ("off", "error", "warning", "info", "debug")


@dataclass(frozen=True, slots=True)
class EditorOption:
    """One editor setting. `schema` is JSON schema; `default` what holds where the editor says nothing."""

    key: str
    schema: Mapping[str, Any]
    default: Any
    doc: str


EDITOR_OPTIONS: tuple[EditorOption, ...] = (
    EditorOption(
        "diagnostic-mode", {"enum": list(DIAGNOSTIC_MODES)}, "open-files",
        "Which files are analysed: those open in the editor, or every Python file of the workspace.",
    ),
    EditorOption(
        "code-lens", {"type": "boolean"}, True,
        "Show above each model class how many of its operations can run on the Neural Engine.",
    ),
    EditorOption(
        "debounce", {"type": "number", "minimum": 0, "maximum": 5000}, 80,
        "Milliseconds of silence to wait for once typing has outrun the analysis. While it keeps up, nothing is waited for.",
    ),
    EditorOption("log-level", {"enum": list(LOG_LEVELS)}, None, "What the server writes to its log; `warning` by default."),
)  # fmt: skip
_BY_KEY = {option.key: option for option in EDITOR_OPTIONS}


@dataclass(frozen=True, slots=True)
class EditorOptions:
    """The values of :data:`EDITOR_OPTIONS`. debounce: milliseconds. log_level: None leaves what the command line said."""

    diagnostic_mode: str = "open-files"
    code_lens: bool = True
    debounce: float = 80.0
    log_level: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """An editor's configuration, taken apart. project: what overrides settings files. problems: for the log."""

    editor: EditorOptions = EditorOptions()
    project: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def kebab(key: str) -> str:
    """``minConfidence`` and ``min_confidence`` as ``min-confidence``: editors differ in what keys they allow."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "-" + m[1].lower(), key).replace("_", "-")


def read_configuration(given: Any, base: EditorOptions | None = None) -> Configuration:
    """Take apart what a client sent, with or without the enclosing section. Never raises.

    Nulls mean "not set". Keys that belong to the client alone (:data:`CLIENT_KEYS`) are passed over.
    """
    base = base or EditorOptions()
    if isinstance(given, Mapping):
        for name in (SECTION, "aneLsp", "ane_lsp", "settings"):
            if isinstance(given.get(name), Mapping):
                given = given[name]
    if not isinstance(given, Mapping):
        problems = () if given is None else (f"configuration is not an object but {type(given).__name__}",)
        return Configuration(base, problems=problems)
    editor: dict[str, Any] = {}
    project: dict[str, Any] = {}
    problems_found: list[str] = []
    for key, value in given.items():
        name = kebab(str(key))
        if value is None or name in CLIENT_KEYS:
            continue
        option = _BY_KEY.get(name)
        if option is None:
            project[name] = value
        elif _fits(value, option.schema):
            editor[name.replace("-", "_")] = value
        else:
            problems_found.append(f"{key}: {value!r} is not allowed here")
    return Configuration(replace(base, **editor), project, tuple(problems_found))


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    if schema["type"] == "boolean":
        return isinstance(value, bool)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and schema["minimum"] <= value <= schema["maximum"]
