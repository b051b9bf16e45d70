"""Completion where Python tools have none: ``# ane:`` comments, settings keys and their values, devices, codes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lsprotocol import types as lsp

from ane_lsp.graph import Span
from ane_lsp.server.features.view import View
from ane_lsp.server.results import Completion
from ane_lsp.syntax.positions import utf8_length, utf8_to_code_points

DIRECTIVES = {
    "ignore": ("ignore[$0]", "Silence findings on this line, or on the statement below when alone on its line"),
    "ignore-file": ("ignore-file[$0]", "Silence findings in this file"),
    "input": (
        "input(${1:1x3x224x224})",
        "What the class below is called with: shapes joined by x, dtype after a colon",
    ),
}
_HEAD = re.compile(r"#\s*ane:\s*([\w-]*)$")
_CODES = re.compile(r"#\s*(?:ane:\s*ignore(?:-file)?\s*\[|noqa\s*:)[^\]#]*?(\w*)$")
_TABLE = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")
_KEY = re.compile(r"^\s*([\w-]*)$")
_VALUE = re.compile(r"^\s*([\w-]+)\s*=\s*(.*)$", re.DOTALL)
CODE_KEYS = ("select", "ignore", "extend-select", "per-file-ignores")


def complete(view: View, at: tuple[int, int], words: Completion) -> list[lsp.CompletionItem]:
    """Items for a place (line, UTF-8 column)."""
    line = view.text.line(at[0])
    before = line[: utf8_to_code_points(line, at[1])]
    if view.unit.kind == "settings":
        return _settings(view, at, before, words)
    if match := _HEAD.search(before):
        return [
            _item(view, at, match[1], name, snippet, about, lsp.CompletionItemKind.Keyword, is_snippet=True)
            for name, (snippet, about) in DIRECTIVES.items()
        ]
    if match := _CODES.search(before):
        return _codes(view, at, match[1], words)
    return []


def _settings(view: View, at: tuple[int, int], before: str, words: Completion) -> list[lsp.CompletionItem]:
    table = ""
    for number in range(at[0] - 1, 0, -1):
        if match := _TABLE.match(view.text.line(number)):
            table = match[1].replace('"', "")
            break
    prefix = "tool.ane-lsp" if view.document.path.name == "pyproject.toml" else ""
    if table == (f"{prefix}.entry" if prefix else "entry"):
        entry = words.keys.get("entry", {}).get("schema", {}).get("items", {}).get("properties", {})
        if match := _KEY.match(before):
            return [_item(view, at, match[1], key, f"{key} = ", value.get("description", ""), lsp.CompletionItemKind.Property)
                    for key, value in entry.items()]  # fmt: skip
        return []
    if table != prefix:
        return []
    if match := _KEY.match(before):
        return [
            _item(view, at, match[1], key, f"{key} = ", about["doc"], lsp.CompletionItemKind.Property)
            for key, about in words.keys.items() if key != "entry"
        ]  # fmt: skip
    statement = _value_before(view, at, before)
    if statement is None:
        return []
    key, value = statement
    typed = re.search(r'"([^"]*)$', value) if value.count('"') % 2 else None
    inside = typed[1] if typed else re.search(r"[\w.-]*$", value)[0]  # type: ignore[index]
    if key in CODE_KEYS:
        return _codes(view, at, inside, words, quoted=typed is None)
    if key == "targets":
        items = words.targets
    else:
        items = tuple((value, "") for value in _choices(words.keys.get(key, {}).get("schema", {})))
    kind = lsp.CompletionItemKind.EnumMember
    return [_item(view, at, inside, name, name if typed else f'"{name}"', about, kind) for name, about in items]


def _value_before(view: View, at: tuple[int, int], before: str) -> tuple[str, str] | None:
    """The key whose value, perhaps a list over several lines, is being written."""
    text = before
    for number in range(at[0] - 1, max(0, at[0] - 50), -1):
        if match := _VALUE.match(text):
            return match[1], match[2]
        line = view.text.line(number)
        if _TABLE.match(line):
            break
        text = line + "\n" + text
    match = _VALUE.match(text)
    return (match[1], match[2]) if match else None


def _choices(schema: object) -> Iterable[str]:
    if not isinstance(schema, dict):
        return []
    found = [value for value in schema.get("enum", ()) if isinstance(value, str)]
    for option in schema.get("anyOf", ()):
        found += _choices(option)
    return found


def _codes(
    view: View, at: tuple[int, int], typed: str, words: Completion, quoted: bool = False
) -> list[lsp.CompletionItem]:
    kind = lsp.CompletionItemKind.Constant
    return [_item(view, at, typed, code, f'"{code}"' if quoted else code, name, kind) for code, name in words.rules]


def _item(
    view: View, at: tuple[int, int], typed: str, label: str, text: str, about: str, kind: lsp.CompletionItemKind,
    is_snippet: bool = False,
) -> lsp.CompletionItem:  # fmt: skip
    """An item that replaces what was typed: clients disagree on where a word with a dash or a space begins."""
    start = at[1] - utf8_length(typed)
    place = view.range(Span("", at[0], start, at[0], at[1]))
    plain = re.sub(r"\$\{\d+:([^}]*)\}|\$\d+", r"\1", text) if is_snippet else text
    return lsp.CompletionItem(
        label,
        kind=kind,
        detail=about if len(about) <= 80 else None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, about) if len(about) > 80 else None,
        filter_text=text if text.startswith('"') else label,
        text_edit=lsp.TextEdit(place, plain),
    )
