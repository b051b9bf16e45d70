"""Directives in comments: ``# ane: ignore[...]``, ``# ane: ignore-file[...]``, ``# ane: input(...)``, ``# noqa: ANE...``.

An ``ignore`` at the end of a line holds for findings on that line, and after a statement's last line for the whole
statement; alone on its line it holds for the statement below. ``noqa`` counts only where it names codes of ours: what a
bare ``# noqa`` was written for is not known.
"""

from __future__ import annotations

import difflib
import re
import tokenize
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.syntax.inputs import InputError, InputSpec, parse_inputs
from ane_lsp.syntax.positions import code_points_to_utf8
from ane_lsp.syntax.source import SourceFile

UNUSED_SUPPRESSION = "ANE903"
MALFORMED_DIRECTIVE = "ANE902"

_WORDS = ("ignore", "ignore-file", "input")
_QUICK = re.compile(r"\bane:|\bnoqa\b.*\bANE", re.IGNORECASE)
_ANE = re.compile(r"#\s*ane:\s*([A-Za-z][\w-]*)\s*([\[(]?)")
_NOQA = re.compile(r"#\s*noqa\s*:\s*([A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)", re.IGNORECASE)
_CODE = re.compile(r"^ANE[0-9]{0,3}$")
_SKIPPED = frozenset({tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER})


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
class InputHint:
    """``# ane: input(...)``: what a class or function is called with. line: the code line it belongs to."""

    span: Span
    line: int
    inputs: tuple[InputSpec, ...]


@dataclass(slots=True)
class Directives:
    """Every directive of one file."""

    suppressions: list[Suppression] = field(default_factory=list)
    inputs: list[InputHint] = field(default_factory=list)
    malformed: list[Finding] = field(default_factory=list)

    def inputs_for(self, first_line: int, last_line: int) -> tuple[InputSpec, ...] | None:
        """The hint for a class or function whose header, decorators included, covers these lines."""
        for hint in self.inputs:
            if first_line <= hint.line <= last_line:
                return hint.inputs
        return None

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
    """Find the directives of a file. Text in strings does not count; a file that does not parse gives what it has."""
    found = Directives()
    if not _QUICK.search(source.text):
        return found
    statements = _Statements(source)
    for line, start, comment, alone in _comments(source, statements):
        _read_comment(source, statements, found, line, start, comment, alone)
    return found


class _Statements:
    """First and last line of each logical line, filled while tokens are read."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.firsts: list[int] = []
        self.lasts: list[int] = []

    def around(self, line: int) -> tuple[int, int]:
        """The logical line that covers or follows `line`."""
        index = bisect_left(self.lasts, line)
        return (self.firsts[index], self.lasts[index]) if index < len(self.lasts) else (line, line)


def _comments(source: SourceFile, statements: _Statements) -> list[tuple[int, int, str, bool]]:
    """Comments as (line, column in code points, text, alone on its line); also fills `statements`."""
    comments: list[tuple[int, int, str, bool]] = []
    first: int | None = None
    code_line = 0
    try:
        for token in tokenize.generate_tokens(_line_reader(source)):
            if token.type == tokenize.COMMENT:
                comments.append((token.start[0], token.start[1], token.string, code_line != token.start[0]))
            elif token.type == tokenize.NEWLINE:
                if first is not None:
                    statements.firsts.append(first)
                    statements.lasts.append(token.start[0])
                first = None
            elif token.type not in _SKIPPED:
                first = first or token.start[0]
                code_line = token.end[0]
    except (tokenize.TokenError, SyntaxError, ValueError):
        # What was read up to the error stands.
        pass
    return comments


def _line_reader(source: SourceFile) -> Callable[[], str]:
    """Lines as Python's parser splits them; ``tokenize`` wants them to end in a newline."""
    count = len(source.lines)

    def lines() -> Iterator[str]:
        for number in range(1, count + 1):
            text = source.lines.line(number)
            yield text + "\n" if number < count else text

    iterator = lines()
    return lambda: next(iterator, "")


def _read_comment(
    source: SourceFile, statements: _Statements, found: Directives, line: int, start: int, comment: str, alone: bool
) -> None:
    def span(from_: int, to: int) -> Span:
        text = source.lines.line(line)
        ends = (code_points_to_utf8(text, start + at) for at in (from_, to))
        return Span(str(source.path), line, next(ends), line, next(ends))

    own = statements.around(line)
    if alone and own[0] <= line <= own[1]:
        holds_for = (line, line + 1)  # between the lines of a statement: it speaks of the next line
    else:
        holds_for = own if alone or own[1] == line else (line, line)
    for match in _NOQA.finditer(comment):
        codes = [code.upper() for code in re.split(r"[,\s]+", match[1])]
        ours = tuple(code for code in codes if _CODE.match(code))
        if ours:
            found.suppressions.append(Suppression(span(*match.span()), ours, holds_for, noqa=True, at_end=not alone))
    for match in _ANE.finditer(comment):
        word, bracket = match[1], match[2]
        end = comment.find({"[": "]", "(": ")"}.get(bracket, "\0"), match.end()) if bracket != "(" else -1
        if bracket == "(":
            end = _closing(comment, match.end())
        argument = comment[match.end() : end] if end >= 0 else ""
        where = span(match.start(), end + 1 if end >= 0 else match.end())
        problem = _check_shape(word, bracket, end, argument)
        if problem:
            if problem != "not ours":
                found.malformed.append(_finding(MALFORMED_DIRECTIVE, "malformed-directive", problem, where))
        elif word == "input":
            hint_line = holds_for[0] if alone else line
            try:
                found.inputs.append(InputHint(where, hint_line, parse_inputs(argument)))
            except InputError as error:
                found.malformed.append(_finding(MALFORMED_DIRECTIVE, "malformed-directive", str(error), where))
        else:
            codes = [code.upper() for code in re.split(r"[,\s]+", argument.strip()) if code]
            scope = None if word == "ignore-file" else holds_for
            listed = tuple(codes) if bracket else None
            found.suppressions.append(Suppression(where, listed, scope, at_end=not alone))


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
