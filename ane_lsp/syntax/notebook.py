"""Jupyter notebooks as Python: the lines of code cells, each on the line that the notebook's file has it on."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from ane_lsp.syntax.positions import LineTable, utf8_length

_MARK = "# %% cell "  # above each cell, on a line of the file that holds no code


class _Text(str):
    """A string of a JSON text. at: where it ends there."""

    at: int


def module_of(text: str) -> str:
    """The code cells of a notebook's file as a module. Raises ValueError where it is no notebook of format 4, RecursionError.

    Where each line of code has a line of the file, as Jupyter writes it, it keeps that line's number. Otherwise cell follows on cell.
    """
    cells = list(_code(text))
    placed = _placed(text, cells)
    if placed is not None:
        return placed
    return "".join(f"{_MARK}{number}\n{without_magics(''.join(lines))}\n" for number, lines in cells)


def _code(text: str) -> Iterator[tuple[int, list[str]]]:
    """The code cells: which of all cells each is, from 1, and the strings it is written in."""

    def string(source: str, start: int, strict: bool = True) -> tuple[_Text, int]:
        value, end = scanstring(source, start, strict)
        made = _Text(value)
        made.at = end
        return made, end

    decoder: Any = json.JSONDecoder()
    decoder.parse_string = string
    decoder.scan_once = py_make_scanner(decoder)
    notebook = decoder.decode(text)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("not a notebook of format 4")
    for number, cell in enumerate(cells, 1):
        source = cell.get("source") if isinstance(cell, dict) and cell.get("cell_type") == "code" else None
        lines = [source] if isinstance(source, str) else source
        if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
            yield number, lines


def _placed(text: str, cells: list[tuple[int, list[str]]]) -> str | None:
    """The module with the file's own line numbers, None where a line of the file has several lines of code."""
    file = LineTable(text)
    module = [""] * len(file)
    last = 0  # the last line of the file that is used
    for number, strings in cells:
        code = without_magics("".join(strings)).split("\n")
        if any(not string.endswith("\n") for string in strings[:-1]):
            return None
        for index, (string, line) in enumerate(zip(strings, code)):
            place = file.line_of(getattr(string, "at", 0))
            if place <= last + (index == 0) or "\r" in string or "\n" in string[:-1]:
                return None
            if index == 0:
                module[place - 2] = f"{_MARK}{number}"
            module[place - 1] = line
            last = place
    return "\n".join(module) + "\n"


def cell_of(lines: LineTable, line: int) -> tuple[int, int] | None:
    """For a line of :func:`module_of`: which cell it is in, and which line of that; from 1. None above the first cell."""
    for above in range(line, 0, -1):
        text = lines.line(above)
        if text.startswith(_MARK):
            return int(text[len(_MARK) :]), line - above
    return None


_LINE_END = re.compile("(\r\n|\r|\n)")
_MAGIC_CELL = ("%%",)
_MAGIC_LINE = ("%", "!", "?")
# Magics that run what follows them: ``%time model = build()``.
_RUNS = re.compile(r"(%(?:time|timeit|prun|memit)(?:\s+-\w+(?:\s+\d+)?)*\s)(?=\s*[^\s\d-])")
_ASSIGNED = re.compile(r"([\w.,\s]+=\s*)[!%](?=[^=\s])")  # files = !ls
# Magics that are typed without their sign, as IPython allows where no name of the program is the same.
_BARE = re.compile(
    r"(?:cat|cd|conda|cp|env|history|less|ll|load|load_ext|ls|mamba|man|matplotlib|mkdir|more|mv|pip|pwd|reload_ext|rm|rmdir|run"
    r"|set_env|time|timeit|uv|who|whos)(?:\s+[^\s=,(].*)?\s*"
)


def without_magics(text: str) -> str:
    """A cell as Python: lines IPython handles itself become comments of the same width, so no column moves.

    A cell magic such as ``%%bash`` hands the whole cell to something else; ``%%time`` and ``%%capture`` run it as Python. So does
    ``%time`` the rest of its line; what a command gave is unknown.
    """
    parts = _LINE_END.split(text)  # lines and their ends in turn
    lines = parts[::2]
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].lstrip().startswith(_MAGIC_CELL):
        word = lines[first].lstrip()[2:].split(None, 1)[:1]
        if word not in (["time"], ["timeit"], ["capture"], ["prun"]):
            parts[::2] = map(_blank, lines)
            return "".join(parts)
        lines[first] = _blank(lines[first])
    depth = 0  # inside brackets a leading % is an operator
    continued = False  # a command goes on
    for number, line in enumerate(lines):
        bare = line.lstrip()
        if continued:
            lines[number], continued = _blank(line), _goes_on(line)
            continue
        if depth <= 0 and (bare.startswith(_MAGIC_LINE) or (bare.rstrip().endswith("?") and "#" not in bare)):
            lines[number], continued = _magic(line), _goes_on(line)
            continue
        if depth <= 0 and (assigned := _ASSIGNED.match(line)):
            lines[number], continued = _assigned(line, assigned[1]), _goes_on(line)
            continue
        code = bare.split("#", 1)[0]
        depth += sum(map(code.count, "([{")) - sum(map(code.count, ")]}"))
    parts[::2] = lines
    return _without_bare_magics(parts)


def _without_bare_magics(parts: list[str]) -> str:
    """Lines of a cell and their ends: where it is no Python, without the lines that IPython may take for magics."""
    text = "".join(parts)
    bare = [number for number in range(0, len(parts), 2) if _BARE.fullmatch(parts[number])]
    if not bare:
        return text
    tree = _parsed(text)
    if tree is None:
        continued = False
        for number in range(0, len(parts), 2):
            line = parts[number]
            if continued or number in bare:
                parts[number], continued = _blank(line) if continued else _magic(line), _goes_on(line)
        return "".join(parts)
    bound = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    bound |= {
        (alias.asname or alias.name)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    for statement in tree.body:  # ``ls`` alone, ``ls -la``
        value = statement.value if isinstance(statement, ast.Expr) else None
        while isinstance(value, ast.BinOp):
            value = value.left
        number = 2 * (statement.lineno - 1)
        if isinstance(value, ast.Name) and value.id not in bound and number in bare:
            parts[number] = _magic(parts[number])
    return "".join(parts)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _goes_on(line: str) -> bool:
    """Whether a command goes on in the next line."""
    return line.rstrip().endswith("\\")


def _blank(line: str) -> str:
    return "#" + " " * (utf8_length(line) - 1) if line and not line[0].isascii() else line and "#" + line[1:]


def _assigned(line: str, target: str) -> str:
    """What a command gave: text that nobody knows."""
    room = utf8_length(line) - utf8_length(target)
    if room < 3:
        return _magic(line)
    return target + ("input()" if room >= 7 else "...").ljust(room)


def _magic(line: str) -> str:
    """``pass`` where a magic is the only statement of a block, a comment where four columns do not suffice; what a magic runs."""
    indent = line[: len(line) - len(line.lstrip())]
    runs = _RUNS.match(line, len(indent))
    if runs is not None and _parsed("0;" + line[runs.end() :]) is not None:
        return indent + "0;".ljust(len(runs[1])) + line[runs.end() :]
    rest = utf8_length(line) - utf8_length(indent)
    return indent + ("pass" + " " * (rest - 4) if rest >= 4 else "#" * rest)


__all__ = ["cell_of", "module_of", "without_magics"]
