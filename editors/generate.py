"""Writes what editors need from the server's own tables: settings of the VS Code extension.

python editors/generate.py           writes
python editors/generate.py --check   says whether anything is out of date (exit code 1)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ane_lsp.server.options import EDITOR_OPTIONS, SECTION
from ane_lsp.workspace.schema import OPTIONS

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "vscode" / "package.json"
CLIENT_OPTIONS: Mapping[str, dict[str, Any]] = {
    "server.command": {
        "type": ["array", "null"], "items": {"type": "string"}, "default": None, "scope": "machine-overridable",
        "markdownDescription": "The command line that starts the server, instead of looking for one.",
    },
    "server.interpreter": {
        "type": ["string", "null"], "default": None, "scope": "machine-overridable",
        "markdownDescription": "The Python interpreter that runs the server, instead of looking for one.",
    },
    "trace.server": {
        "type": "string", "enum": ["off", "messages", "verbose"], "default": "off", "scope": "window",
        "markdownDescription": "What of the conversation with the server is written to the log.",
    },
}  # fmt: skip


def configuration() -> dict[str, Any]:
    """``contributes.configuration`` of the extension.

    Project settings default to null, which means "not set": a default sent by the editor would hide the settings files.
    """
    properties: dict[str, Any] = {}
    for option in OPTIONS:
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        shown = "" if default in (None, []) else f" Default: `{json.dumps(default)}`."
        about = f"{option.doc}{shown} Comes on top of `pyproject.toml` and `ane-lsp.toml`."
        entry = {"markdownDescription": about, "scope": "resource", "default": None, **_nullable(option.schema)}
        properties[f"{SECTION}.{option.key}"] = entry
    for editor in EDITOR_OPTIONS:
        schema = dict(editor.schema) if editor.default is not None else _nullable(editor.schema)
        entry = {"markdownDescription": editor.doc, "scope": "window", "default": editor.default, **schema}
        properties[f"{SECTION}.{editor.key}"] = entry
    properties |= {f"{SECTION}.{key}": entry for key, entry in CLIENT_OPTIONS.items()}
    return {"title": "ane-lsp", "properties": properties}


def _nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, "null"]}


def manifest(text: str) -> str:
    """The extension's manifest with its settings brought up to date."""
    found = json.loads(text)
    found["contributes"]["configuration"] = configuration()
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    now = MANIFEST.read_text(encoding="utf-8")
    wanted = manifest(now)
    if now == wanted:
        return 0
    if "--check" in arguments:
        print(f"{MANIFEST.name} is out of date: run python editors/generate.py")
        return 1
    MANIFEST.write_text(wanted, encoding="utf-8")
    print(f"wrote {MANIFEST.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
