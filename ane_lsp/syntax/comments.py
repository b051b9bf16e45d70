"""Directives in comments: ``# ane: ignore[...]``, ``# ane: ignore-file[...]``, ``# ane: input(...)``, ``# noqa: ANE...``.

An ``ignore`` at the end of a line holds for findings on that line, and after a statement's last line for the whole
statement; alone on its line it holds for the statement below. ``noqa`` counts only where it names codes of ours: what a
bare ``# noqa`` was written for is not known.
"""

from __future__ import annotations

import ast
import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import Literal

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.inputs import InputError, InputSpec, parse_inputs
from ane_lsp.syntax.positions import code_points_to_utf8
from ane_lsp.syntax.source import SourceFile

UNUSED_SUPPRESSION = "ANE903"
MALFORMED_DIRECTIVE = "ANE902"

_WORDS = ("ignore", "ignore-file", "input")
_QUICK = re.compile(r"\bane:|\bnoqa\b[^\r\n]*\bANE", re.IGNORECASE)
_ANE = re.compile(r"#\s*ane:\s*([A-Za-z][\w-]*)\s*([\[(]?)")
_NOQA = re.compile(r"#\s*noqa\s*:\s*([A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)", re.IGNORECASE)
_CODE = re.compile(r"^ANE[0-9]{0,3}$")
_STRINGS = tuple(getattr(ast, name) for name in ("Constant", "JoinedStr", "TemplateStr") if hasattr(ast, name))


def mentions_directive(text: str) -> bool:
    """Whether a text holds what looks like a directive."""
    return bool(_QUICK.search(text))


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment that silences findings.

    span: the directive, from its ``#``. codes: prefixes of codes, None for all.
    lines: first and last line it holds for, None for the file. noqa: written as ``noqa``.
    """

    span: Span
    codes: tuple[str, ...] | None
    lines: tuple[int, int] | None
    noqa: bool = False
    at_end: bool = False

    def matches(self, finding: Finding) -> bool:
        """Whether it silences `finding`, which is in the same file."""
        if self.lines is not None:
            first, last = self.lines
            span = finding.span
            inside = first <= span.line <= last
            # A trailing comment also holds for an expression that only ends, or goes on, on its line.
            if not inside and not (self.at_end and span.line <= self.span.line <= span.end_line):
                return False
        return self.codes is None or any(finding.code.startswith(code) for code in self.codes)


@dataclass(frozen=True, slots=True)
class _InputHint:
    """``# ane: input(...)``: what a class or function is called with. line: the code line it belongs to."""

    span: Span
    line: int
    inputs: tuple[InputSpec, ...]


@dataclass(slots=True)
class Directives:
    """Every directive of one file. inputs: what classes and functions are called with, by their names."""

    suppressions: list[Suppression] = field(default_factory=list)
    inputs: dict[str, tuple[InputSpec, ...]] = field(default_factory=dict)
    malformed: list[Finding] = field(default_factory=list)

    def apply(
        self, findings: Iterable[Finding], path: str, is_checked: Callable[[str], bool] = lambda code: True
    ) -> tuple[list[Finding], list[Finding]]:
        """Split the findings of file `path` into those that stay and those that are silenced.

        Findings about the directives themselves are among those that stay. Call it before findings are filtered by
        code or confidence, or a suppression of a hidden finding would count as unused. `is_checked` tells whether a
        code was looked for at all: a suppression of one that was not is never called unused.
        """
        kept: list[Finding] = []
        silenced: list[Finding] = []
        used: set[Suppression] = set()
        used_codes: set[tuple[Suppression, str]] = set()
        for finding in (*findings, *self.malformed):
            matching = [s for s in self.suppressions if finding.span.file == path and s.matches(finding)]
            (silenced if matching else kept).append(finding)
            for suppression in matching:
                used.add(suppression)
                for code in suppression.codes or ():
                    if finding.code.startswith(code):
                        used_codes.add((suppression, code))
        for suppression in self.suppressions:
            if suppression.codes is None:
                unused = [] if suppression in used else ["all"]
            else:
                unused = [c for c in suppression.codes if (suppression, c) not in used_codes and is_checked(c)]
            if unused and not any(s.codes is None and s.matches(_unused(suppression, unused)) for s in used):
                kept.append(_unused(suppression, unused))
        return kept, silenced


def parse_directives(source: SourceFile) -> Directives:
    """Find the directives of a file. Text in strings does not count. A file that does not parse has none.

    Strings and statements come from the tree: ``tokenize`` takes minutes for a line of a megabyte in some Pythons.
    """
    found = Directives()
    if not _QUICK.search(source.text):
        return found
    tree = source.tree
    if tree is None:
        return found
    lines = sorted({source.lines.line_of(match.start()) for match in _QUICK.finditer(source.text)})
    statements = _Statements(source, tree)
    hints: list[_InputHint] = []
    for comment in _comments(source, tree, lines):
        _read_comment(source, statements, found, hints, comment)
    if hints:
        _give(hints, tree, found)
    return found


def _give(hints: list[_InputHint], tree: ast.Module, found: Directives) -> None:
    """Give inputs to the classes and functions on whose headers they stand. Those of nothing are reported."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    methods = {id(part) for node in nodes if isinstance(node, ast.ClassDef) for part in node.body}
    owners: dict[int, str] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef) or id(node) not in methods:
            for line in _header_lines(node):
                owners.setdefault(line, node.name)
    for hint in hints:
        if hint.line in owners:
            found.inputs.setdefault(owners[hint.line], hint.inputs)
        else:
            problem = (
                "this belongs to no model; write it above a class, its forward, or a function that builds the model"
            )
            found.malformed.append(_finding(MALFORMED_DIRECTIVE, "malformed-directive", problem, hint.span))


def _header_lines(node: ast.ClassDef | ast.FunctionDef) -> Iterator[int]:
    """The lines where inputs belong to a class or function: from its decorators to the start of its first statement; for a class
    also those of its ``forward`` and ``__init__``."""
    yield from range(_first_line(node), max(node.lineno, node.body[0].lineno) + 1)
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name in ("forward", "__init__"):
                yield from _header_lines(method)


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment from its ``#`` to the end of its line. col: in UTF-8 bytes. alone: nothing stands before it."""

    line: int
    col: int
    text: str
    alone: bool


def _comments(source: SourceFile, tree: ast.Module, lines: list[int]) -> Iterator[_Comment]:
    """The comments on `lines`: what follows the first ``#`` outside every string."""
    strings = _strings_on(tree, lines)
    for number in lines:
        data = source.lines.line(number).encode("utf-8", "surrogatepass")
        at = data.find(b"#")
        for start, end in sorted(strings.get(number, ())):
            if start > at:
                break
            if end > at:
                at = data.find(b"#", end)
                if at < 0:
                    break
        if at >= 0:
            text = data[at:].decode("utf-8", "surrogatepass")
            yield _Comment(number, at, text, not data[:at].strip())


def _strings_on(tree: ast.Module, lines: list[int]) -> dict[int, list[tuple[int, int]]]:
    """Byte columns that strings cover, by line."""
    wanted = set(lines)
    found: dict[int, list[tuple[int, int]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _STRINGS) and not (
            isinstance(node, ast.Constant) and not isinstance(node.value, (str, bytes))
        ):
            first, last = node.lineno, node.end_lineno or node.lineno
            for line in wanted.intersection(range(first, last + 1)):
                start = node.col_offset if line == first else 0
                end = (node.end_col_offset or 0) if line == last else sys.maxsize
                found.setdefault(line, []).append((start, end))
    return found


class _Statements:
    """First and last line of each logical line: simple statements, and the headers of those with a body."""

    def __init__(self, source: SourceFile, tree: ast.Module) -> None:
        self._lines = source.lines
        found: set[tuple[int, int]] = set()
        for node in ast.walk(tree):
            if isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                found.add(self._extent(node))
                for decorator in getattr(node, "decorator_list", ()):
                    found.add((decorator.lineno, decorator.end_lineno or decorator.lineno))
        ordered = sorted(found, key=lambda extent: (extent[1], extent[0]))
        self._firsts = [first for first, _ in ordered]
        self._lasts = [last for _, last in ordered]

    def around(self, line: int) -> tuple[int, int]:
        """The logical line that covers or follows `line`."""
        index = bisect_left(self._lasts, line)
        return (self._firsts[index], self._lasts[index]) if index < len(self._lasts) else (line, line)

    def _extent(self, node: ast.stmt | ast.ExceptHandler | ast.match_case) -> tuple[int, int]:
        first: int = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
        body: list[ast.stmt] | list[ast.match_case] = getattr(node, "body", None) or getattr(node, "cases", [])
        if not body:
            return first, getattr(node, "end_lineno", None) or first
        last = max([first, *_header_ends(node)])
        inner = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else _first_line(body[0])
        # The closing bracket and the colon may stand below the last expression.
        for line in range(last, inner):
            if self._lines.line(line).partition("#")[0].rstrip().endswith(":"):
                return first, line
        return first, last


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _header_ends(node: ast.AST) -> Iterator[int]:
    """Last lines of the expressions in a statement's header."""
    for name, value in ast.iter_fields(node):
        if name in ("body", "orelse", "finalbody", "handlers", "cases", "decorator_list"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                end = getattr(item, "end_lineno", None)
                if end is not None:
                    yield end
                else:
                    yield from _header_ends(item)


def _read_comment(
    source: SourceFile, statements: _Statements, found: Directives, hints: list[_InputHint], comment: _Comment
) -> None:
    text, line = comment.text, comment.line

    def span(start: int, end: int) -> Span:
        cols = (comment.col + code_points_to_utf8(text, at) for at in (start, end))
        return Span(str(source.path), line, next(cols), line, next(cols))

    own = statements.around(line)
    if comment.alone and own[0] <= line <= own[1]:
        holds_for = (line, line + 1)  # between the lines of a statement: it speaks of the next line
    else:
        holds_for = own if comment.alone or own[1] == line else (line, line)
    at_end = not comment.alone
    for match in _NOQA.finditer(text):
        codes = [code.upper() for code in re.split(r"[,\s]+", match[1])]
        ours = tuple(code for code in codes if _CODE.match(code))
        if ours:
            found.suppressions.append(Suppression(span(*match.span()), ours, holds_for, noqa=True, at_end=at_end))
    for match in _ANE.finditer(text):
        word, bracket = match[1], match[2]
        end = _closing(text, match.end()) if bracket == "(" else text.find("]", match.end()) if bracket else -1
        argument = text[match.end() : end] if end >= 0 else ""
        where = span(match.start(), end + 1 if end >= 0 else match.end())
        problem = _check_shape(word, bracket, end, argument)
        if problem:
            if problem != "not ours":
                found.malformed.append(_finding(MALFORMED_DIRECTIVE, "malformed-directive", problem, where))
        elif word == "input":
            try:
                inputs = parse_inputs(argument)
            except InputError as error:
                found.malformed.append(_finding(MALFORMED_DIRECTIVE, "malformed-directive", str(error), where))
            else:
                hints.append(_InputHint(where, holds_for[0] if comment.alone else line, inputs))
        else:
            listed = tuple(code.upper() for code in re.split(r"[,\s]+", argument.strip()) if code) if bracket else None
            scope = None if word == "ignore-file" else holds_for
            found.suppressions.append(Suppression(where, listed, scope, at_end=at_end))


def _closing(text: str, at: int) -> int:
    depth = 1
    for index in range(at, len(text)):
        depth += (text[index] == "(") - (text[index] == ")")
        if depth == 0:
            return index
    return -1


def _check_shape(word: str, bracket: str, end: int, argument: str) -> str:
    """What is wrong with a directive, ``""`` where nothing is, ``"not ours"`` where it is ordinary prose."""
    if word not in _WORDS:
        import difflib

        close = difflib.get_close_matches(word.lower(), _WORDS, n=1, cutoff=0.75)
        if not close and not bracket:
            return "not ours"
        return f"unknown directive {word!r}" + (
            f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(_WORDS)}"
        )
    if bracket and end < 0:
        return f"'{bracket}' is not closed"
    if word == "input":
        return "" if bracket == "(" else "write input(1x3x224x224), sizes joined by x"
    if bracket == "(":
        return f"write {word}[ANE302], with square brackets"
    if bracket:
        codes = [code for code in re.split(r"[,\s]+", argument.strip()) if code]
        if not codes:
            return f"{word}[] names no code"
        wrong = [code for code in codes if not _CODE.match(code.upper())]
        if wrong:
            return f"{wrong[0]!r} is not a code of ane-lsp (ANE302, or ANE3 for a family)"
    return ""


def _unused(suppression: Suppression, unused: list[str]) -> Finding:
    if unused == ["all"]:
        message = "this suppression silences nothing; remove it"
    else:
        message = f"nothing here is reported as {', '.join(unused)}; remove it from the suppression"
    data = {"unused": unused}
    return _finding(UNUSED_SUPPRESSION, "unused-suppression", message, suppression.span, data)


def _finding(code: str, name: str, message: str, span: Span, data: dict[str, list[str]] | None = None) -> Finding:
    severity: Literal["hint", "warning"] = "hint" if code == UNUSED_SUPPRESSION else "warning"
    return Finding(code, name, message, span, severity, "documented", data=data or {})
