"""Suppression comments as edits: silencing a finding at its line, taking out what silences nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.fixes.site import Site, fixer
from ane_lsp.fixes.tree import Refused
from ane_lsp.graph import Span
from ane_lsp.syntax.positions import LineTable, code_points_to_utf8, utf8_length, utf8_to_code_points

NOT_SUPPRESSIBLE = ("ANE901", "ANE902", "ANE903", "ANE904")


class Document(Protocol):
    """A text with its line table: a source file, or an editor's document."""

    @property
    def text(self) -> str: ...

    @property
    def lines(self) -> LineTable: ...


# What can stand between an expression and the end of its line. A token that holds a line end is one a comment cannot follow.
_TOKEN = re.compile(
    r"#[^\r\n]*"
    r"|(?P<quote>'''|\"\"\")(?:\\.|(?!(?P=quote)).)*(?:(?P=quote)|\Z)"
    r"|'(?:\\(?:\r\n|.)|[^'\\\r\n])*'?|\"(?:\\(?:\r\n|.)|[^\"\\\r\n])*\"?"
    r"|\\\r?\n|\\\r|\r\n|\r|\n|.",
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"#\s*ane:\s*ignore\s*(?:\[([^\]]*)\])?")


def suppress(text: Document, finding: Finding) -> TextEdit | None:
    """The comment that silences `finding`: at the end of its first line, or of the first one that can carry a comment."""
    span = finding.span
    if text.lines.line(span.line) == "" and span.line > len(text.lines):
        return None
    start = text.lines.offset(span.line, span.col)
    comment: tuple[int, int] | None = None
    end = len(text.text)
    for token in _TOKEN.finditer(text.text, start):
        if token[0].startswith("#"):
            comment = token.span()
        elif token[0] in ("\n", "\r\n", "\r"):
            end = token.start()
            break
    line, col = text.lines.position(end)
    if comment is not None and (found := _DIRECTIVE.search(text.text, *comment)):
        if found[1] is None:
            return None  # everything is silenced already
        if finding.code in re.split(r"[,\s]+", found[1].upper()):
            return None
        at_line, at_col = text.lines.position(found.end(1))
        separator = ", " if found[1].strip() else ""
        return TextEdit(Span(span.file, at_line, at_col, at_line, at_col), f"{separator}{finding.code}")
    stripped = text.lines.line(line).rstrip()
    col = utf8_length(stripped)
    whole = text.lines.line(line)
    return TextEdit(Span(span.file, line, col, line, utf8_length(whole)), f"  # ane: ignore[{finding.code}]")


def drop_unused(text: Document, finding: Finding) -> TextEdit | None:
    """Takes what is unused out of a suppression, the whole comment where nothing is left of it."""
    span, unused = finding.span, finding.data.get("unused", ["all"])
    line = text.lines.line(span.line)
    start = utf8_to_code_points(line, span.col)
    found = _DIRECTIVE.match(line, start)
    if found is None or span.line != span.end_line:
        return None
    codes = [code for code in re.split(r"[,\s]+", (found[1] or "").strip()) if code]
    left = [code for code in codes if code.upper() not in unused]
    if left and found[1] is not None and "all" not in unused:
        return TextEdit(_in_line(span, line, found.start(1), found.end(1)), ", ".join(left))
    rest = line[found.end() :]
    if rest.strip() and not rest.lstrip().startswith("#"):
        return TextEdit(
            _in_line(span, line, found.start(), len(line)), "# " + rest.strip()
        )  # a reason was given: keep it
    before = line[:start].rstrip()
    if not before and not rest.strip() and span.line < len(text.lines):
        return TextEdit(Span(span.file, span.line, 0, span.line + 1, 0), "")
    until = len(line) - len(rest.lstrip()) if rest.strip() else len(line)
    keep = line[:start] if rest.strip() else before
    return TextEdit(_in_line(span, line, len(keep), until), "")


COMMENTS: Mapping[str, Callable[[Document, Finding], TextEdit | None]] = {"suppress": suppress, "unused": drop_unused}


def _in_line(span: Span, line: str, start: int, end: int) -> Span:
    return Span(span.file, span.line, code_points_to_utf8(line, start), span.line, code_points_to_utf8(line, end))


@fixer("ANE903")
def unused_suppression(site: Site) -> Iterator[Fix]:
    """The codes, or the whole comment, that silence nothing."""
    edit = drop_unused(site.tree.source, site.finding)
    if edit is None:
        raise Refused("no directive there")
    yield site.fix("Remove the unused suppression", edit)
