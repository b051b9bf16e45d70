"""Capabilities that make a difference, to put together clients with."""

from __future__ import annotations

from typing import Any

PUSH: dict[str, Any] = {
    "textDocument": {
        "publishDiagnostics": {
            "relatedInformation": True,
            "dataSupport": True,
            "codeDescriptionSupport": True,
            "tagSupport": {"valueSet": [1]},
        }
    }
}
LITERAL = {
    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "source.fixAll"]}},
    "isPreferredSupport": True,
}
LAZY = {**LITERAL, "dataSupport": True, "resolveSupport": {"properties": ["edit"]}}
EAGER = {"textDocument": {"codeAction": LITERAL}}
LAZY_VERSIONED = {
    "textDocument": {"codeAction": LAZY},
    "workspace": {"workspaceEdit": {"documentChanges": True}, "applyEdit": True},
}
PULL = {
    "textDocument": {"diagnostic": {"relatedDocumentSupport": True, "relatedInformation": True}},
    "workspace": {
        "diagnostics": {"refreshSupport": True},
        "inlayHint": {"refreshSupport": True},
        "codeLens": {"refreshSupport": True},
        "configuration": True,
    },
}


def encoding(name: str) -> dict[str, Any]:
    return {"general": {"positionEncodings": [name]}}


def merge(*parts: dict[str, Any]) -> dict[str, Any]:
    """Capabilities on top of each other, deeply."""
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(found.get(key), dict)
            found[key] = merge(found[key], value) if both else value
    return found


def full(line: int = 10_000) -> dict[str, Any]:
    return {"start": {"line": 0, "character": 0}, "end": {"line": line, "character": 0}}


def at(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


def span(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": at(line, start), "end": at(line, end)}


def apply(text: str, edits: list[dict[str, Any]]) -> str:
    """What an editor makes of edits in UTF-16 units, for texts without surrogates and with plain line ends."""
    lines = text.split("\n")

    def offset(place: dict[str, int]) -> int:
        return sum(len(line) + 1 for line in lines[: place["line"]]) + place["character"]

    for edit in sorted(edits, key=lambda e: -offset(e["range"]["start"])):
        text = text[: offset(edit["range"]["start"])] + edit["newText"] + text[offset(edit["range"]["end"]) :]
    return text
