"""The settings, each described once: validation, JSON schema and documentation are made from this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import rules, targets
from ane_lsp.knowledge.evidence import CONFIDENCES
from ane_lsp.syntax.inputs import InputError, parse_inputs

OPSET_OF_TARGET: Mapping[str, str] = {
    **{f"iOS{v}": f"iOS{v}" for v in (13, 14, 15, 16, 17, 18, 26)},
    "macOS10.15": "iOS13", "macOS11": "iOS14", "macOS12": "iOS15", "macOS13": "iOS16", "macOS14": "iOS17",
    "macOS15": "iOS18", "macOS26": "iOS26",
    "tvOS13": "iOS13", "tvOS14": "iOS14", "tvOS15": "iOS15", "tvOS16": "iOS16", "tvOS17": "iOS17", "tvOS18": "iOS18",
    "tvOS26": "iOS26",
    "watchOS6": "iOS13", "watchOS7": "iOS14", "watchOS8": "iOS15", "watchOS9": "iOS16", "watchOS10": "iOS17",
    "watchOS11": "iOS18", "watchOS26": "iOS26",
    "visionOS1": "iOS17", "visionOS2": "iOS18", "visionOS26": "iOS26",
}  # fmt: skip
"""Deployment targets as coremltools names them, each with the iOS release whose opset it has."""

EXPORT_PATHS = ("trace", "export", "export-core")
INLAY_HINTS = ("off", "assignments", "all")


class ValueProblem(ValueError):
    """A value of the wrong kind. `path` leads to it from the option (list indices, table keys)."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class Option:
    """One setting. `read` turns a TOML or JSON value into the attribute's value or raises ValueProblem."""

    key: str
    read: Callable[[Any], Any]
    schema: Mapping[str, Any]
    default: Any
    doc: str
    example: str

    @property
    def attribute(self) -> str:
        return {"entry": "entries"}.get(self.key, self.key.replace("-", "_"))


@dataclass(frozen=True, slots=True)
class EntrySetting:
    """A place to start abstract execution.

    call: ``Net(width=32)``, or a class or factory name. inputs: as in :mod:`ane_lsp.syntax.inputs`, unparsed.
    file: glob of the files it belongs to, relative to the settings file; ``""`` for any that define the name.
    """

    call: str
    inputs: tuple[str, ...] = ()
    file: str = ""


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueProblem(f"expected a text, found {describe(value)}")
    return value


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueProblem(f"expected a list of texts, found {describe(value)}")
    out = []
    for index, item in enumerate(value):
        try:
            out.append(_string(item))
        except ValueProblem as problem:
            raise ValueProblem(str(problem), (index,)) from None
    return tuple(out)


def _string_or_strings(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value.strip() else _strings(value)


def normal_selector(text: str) -> str:
    """A rule's code or name, a family (``ANE3``, ``ANE3xx``) or ``ALL``, as `Settings` keeps it.

    Raises ValueProblem where no rule is meant.
    """
    word = text.strip()
    if word.lower() in ("all", "ane"):
        return "ANE"
    code = word.upper().rstrip("X")
    is_family = len(code) == 4 and code[:3] == "ANE" and code[3] in rules.CATEGORIES
    if is_family or (len(code) > 3 and any(known.startswith(code) for known in rules.codes())):
        return code
    if rules.by_name(word.lower()) is not None:
        return word.lower()
    known = [*rules.codes(), *map(rules.rule_name, rules.codes())]
    hint = close(word, known) or "; write a code (ANE302), a family (ANE3), a rule's name, or ALL"
    raise ValueProblem(f"no rule is called {word!r}{hint}")


def _codes(value: Any) -> tuple[str, ...]:
    out = []
    for index, item in enumerate(_string_or_strings(value)):
        try:
            out.append(normal_selector(item))
        except ValueProblem as problem:
            raise ValueProblem(str(problem), (index,)) from None
    return tuple(out)


def _targets(value: Any) -> tuple[str, ...]:
    names = _string_or_strings(value)
    for index, name in enumerate(names):
        try:
            targets.resolve(name)
        except targets.TargetError as error:
            raise ValueProblem(str(error), (index,)) from None
    return names


def _path_codes(value: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping):
        raise ValueProblem(f"expected a table of path pattern to codes, found {describe(value)}")
    out = []
    for pattern, codes in value.items():
        try:
            out.append((str(pattern), _codes(codes)))
        except ValueProblem as problem:
            raise ValueProblem(str(problem), (str(pattern), *problem.path)) from None
    return tuple(out)


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueProblem(f"expected true or false, found {describe(value)}")
    return value


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ValueProblem(f"expected a number above 0, found {describe(value)}")
    return float(value)


def _choice(*choices: str) -> Callable[[Any], str]:
    folded = {choice.lower().replace("_", "."): choice for choice in choices}

    def read(value: Any) -> str:
        found = folded.get(value.strip().lower().replace("_", ".")) if isinstance(value, str) else None
        if found is None:
            raise ValueProblem(f"expected one of {', '.join(choices)}, found {describe(value)}{close(value, choices)}")
        return found

    return read


def _hints(value: Any) -> str:
    if isinstance(value, bool):
        return "assignments" if value else "off"
    return _choice(*INLAY_HINTS)(value)


def _version(value: Any) -> str:
    if value == "main":
        return "main"
    text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text or not all(part.isdigit() for part in text.split(".")):
        raise ValueProblem(f"expected a version such as 9.0, or main, found {describe(value)}")
    return text


ENTRY_KEYS: Mapping[str, str] = {
    "call": "The class or factory to call, with its arguments where it needs some: `Net(width=32)`.",
    "inputs": "The tensors it is called with: `1x3x224x224`, `1x16:i64`, `mask=1x1x16x16:b8`.",
    "file": "Glob of the files it belongs to, relative to the settings file.",
}


def _entries(value: Any) -> tuple[EntrySetting, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueProblem("expected a list of tables: write [[tool.ane-lsp.entry]], with two brackets")
    return tuple(_entry(item, index) for index, item in enumerate(value))


def _entry(item: Any, index: int) -> EntrySetting:
    if not isinstance(item, Mapping):
        raise ValueProblem(f"expected a table, found {describe(item)}", (index,))
    for key in item:
        if key not in ENTRY_KEYS:
            raise ValueProblem(f"unknown key {key!r} in an entry{close(key, ENTRY_KEYS)}", (index, str(key)))
    if "call" not in item:
        raise ValueProblem("an entry needs `call`", (index,))
    key = "call"
    try:
        call = _string(item["call"])
        key = "inputs"
        inputs = _string_or_strings(item.get("inputs", []))
        for text in inputs:
            parse_inputs(text)
        key = "file"
        file = _string(item["file"]) if "file" in item else ""
    except ValueProblem as problem:
        raise ValueProblem(str(problem), (index, key, *problem.path)) from None
    except InputError as error:
        raise ValueProblem(str(error), (index, key)) from None
    return EntrySetting(call, inputs, file)


_STRING = {"type": "string", "minLength": 1}
_STRINGS = {"type": "array", "items": _STRING}
_CODE = {"type": "string", "pattern": "^([Aa][Nn][Ee][0-9]{0,3}[Xx]{0,2}|[Aa][Ll][Ll]|[a-z][a-z0-9-]+)$"}
_CODES = {"anyOf": [{"type": "array", "items": _CODE}, _CODE]}

OPTIONS: tuple[Option, ...] = (
    Option(
        "targets", _targets, {"anyOf": [_STRINGS, _STRING]}, (),
        "What the model must run on: chips (`M4`), devices (`iPhone 15 Pro`), generations, or `all`. "
        "With several, a finding names the worst. `ane-lsp devices` lists them. Without any: "
        + " and ".join(targets.DEFAULT) + ".",
        'targets = ["iPhone 15 Pro", "M1"]',
    ),
    Option(
        "minimum-deployment-target", _choice(*OPSET_OF_TARGET), {"enum": list(OPSET_OF_TARGET)}, "iOS18",
        "The oldest OS the converted model must load on, as coremltools' `minimum_deployment_target`. "
        "It decides which operations the converter may use.",
        'minimum-deployment-target = "iOS17"',
    ),
    Option(
        "export-path", _choice(*EXPORT_PATHS), {"enum": list(EXPORT_PATHS)}, "trace",
        "How the model is handed to coremltools: `trace` (torch.jit.trace), `export` (torch.export) or "
        "`export-core` (torch.export with run_decompositions).",
        'export-path = "export"',
    ),
    Option(
        "coremltools", _version, {"type": ["string", "number"]}, "9.0",
        "The coremltools version used for conversion, or `main`.",
        'coremltools = "9.0"',
    ),
    Option(
        "select", _codes, _CODES, ("ANE",),
        "Codes or families to report; replaces the default. The longer prefix wins over a shorter one in `ignore`.",
        'select = ["ANE1", "ANE2", "ANE302"]',
    ),
    Option("extend-select", _codes, _CODES, (), "Codes or families to report besides `select`.", 'extend-select = ["ANE402"]'),
    Option("ignore", _codes, _CODES, (), "Codes or families not to report.", 'ignore = ["ANE4"]'),
    Option(
        "per-file-ignores", _path_codes, {"type": "object", "additionalProperties": _CODES}, (),
        "Codes not to report in files whose path, relative to the settings file, matches a glob.",
        'per-file-ignores = { "tests/**" = ["ANE"], "legacy/*.py" = ["ANE302"] }',
    ),
    Option(
        "min-confidence", _choice(*CONFIDENCES), {"enum": list(CONFIDENCES)}, "carried",
        "The weakest evidence to report: `measured`, `documented`, `carried` (measured on a neighbouring chip "
        "generation) or `reported`.",
        'min-confidence = "documented"',
    ),
    Option(
        "include", _strings, _STRINGS, ("*.py",),
        "Globs of the files that are checked when a folder is given. Notebooks (`*.ipynb`) are read as well.", 'include = ["models/**/*.py"]',
    ),
    Option(
        "exclude", _strings, _STRINGS, (),
        "Globs of files and folders to leave out, besides ignored ones (.gitignore) and environments, caches and "
        "build folders.",
        'exclude = ["third_party", "*_pb2.py"]',
    ),
    Option(
        "python", _string, _STRING, None,
        "The environment whose libraries are read (never run): its folder, its interpreter, or a site-packages folder. "
        "Default: VIRTUAL_ENV, `.venv`, `venv`, CONDA_PREFIX, then the one ane-lsp is installed in.",
        'python = ".venv"',
    ),
    Option(
        "search-paths", _strings, _STRINGS, (),
        "Folders in which imports are looked up ahead of the project and the environment.",
        'search-paths = ["third_party/models"]',
    ),
    Option(
        "entry", _entries,
        {
            "type": "array",
            "items": {
                "type": "object", "required": ["call"], "additionalProperties": False,
                "properties": {
                    "call": {**_STRING, "description": ENTRY_KEYS["call"]},
                    "inputs": {"anyOf": [_STRINGS, _STRING], "description": ENTRY_KEYS["inputs"]},
                    "file": {**_STRING, "description": ENTRY_KEYS["file"]},
                },
            },
        },
        (),
        "Where analysis starts: a call and the shapes of its inputs. Without entries they are found in the source.",
        '[[tool.ane-lsp.entry]]\ncall = "Net(width=32)"\ninputs = ["1x3x224x224"]',
    ),
    Option(
        "inlay-hints", _hints, {"anyOf": [{"enum": list(INLAY_HINTS)}, {"type": "boolean"}]}, "assignments",
        "Tensor shapes shown in the editor: `off`, at `assignments` and arguments of `forward`, or after every torch call too (`all`).",
        'inlay-hints = "off"',
    ),
    Option(
        "budget", _positive, {"type": "number", "exclusiveMinimum": 0}, 20.0,
        "Seconds after which the analysis of one file stops and reports what it has.", "budget = 5",
    ),
)  # fmt: skip

BY_KEY: Mapping[str, Option] = {option.key: option for option in OPTIONS}


def json_schema() -> dict[str, Any]:
    """JSON schema of ``ane-lsp.toml``, of ``[tool.ane-lsp]`` and of the language server's configuration."""
    properties = {}
    for option in OPTIONS:
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        shown = {} if default is None else {"default": {} if option.key == "per-file-ignores" else default}
        properties[option.key] = {"description": option.doc, **option.schema, **shown}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ane-lsp settings",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


_INTRODUCTION = """# Settings

Keys of `ane-lsp.toml`, of `[tool.ane-lsp]` in `pyproject.toml`, and of the language server's configuration. The file nearest to the checked
file wins; `ane-lsp.toml` counts before `pyproject.toml` in the same folder. Options of the command and of the editor lie on top. Paths and
globs are relative to the settings file. An unknown key or a wrong value is reported at its place (ANE904) and has no effect.

`ane-lsp.schema.json` beside this file is the JSON schema. This page is generated; change `ane_lsp/workspace/schema.py`.
"""


def markdown() -> str:
    """The settings reference, ``docs/settings.md``."""
    parts = [_INTRODUCTION]
    for option in OPTIONS:
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        shown = "none" if default in (None, []) else f"`{default!r}`".replace("'", '"')
        parts.append(f"### `{option.key}`\n\n{option.doc}\n\nDefault: {shown}\n\n```toml\n{option.example}\n```\n")
    return "\n".join(parts)


def describe(value: Any) -> str:
    """A value as error messages name it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else repr(value[:57] + "...")
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a table" if isinstance(value, Mapping) else repr(value)


def close(word: Any, known: Any) -> str:
    """``; did you mean X?`` where something close is known."""
    import difflib

    if not isinstance(word, str):
        return ""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower().replace("_", "-"), by_lower, n=1)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""
