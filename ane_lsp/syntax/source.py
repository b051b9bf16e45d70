"""A source file as text and tree. Reading and parsing never raise on what the file holds."""

from __future__ import annotations

import ast
import codecs
import io
import os
import re
import stat
import threading
import tokenize
import warnings
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Literal

from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.computed_names import computes_names
from ane_lsp.syntax.outline import STAR_IMPORT, Piece, outline
from ane_lsp.syntax.positions import LineTable, code_points_to_utf8

NOTEBOOK = ".ipynb"
"""How the name of a notebook's file ends."""
MAX_BYTES = 10_000_000
"""Larger files are refused: nobody writes them by hand, and a tree of one takes gigabytes."""

Newline = Literal["\n", "\r\n", "\r"]

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=]")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")
_parse_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a file has no tree. kind: ``read`` (missing, not a file, too large), ``encoding`` or ``syntax``."""

    kind: Literal["read", "encoding", "syntax"]
    message: str
    span: Span


@dataclass(eq=False)
class SourceFile:
    """One version of one file.

    path: absolute; also the `file` of every span made here. text: decoded, without BOM, line ends as found.
    encoding: what the file declares (PEP 263), ``utf-8`` by default. newline: the most frequent line end.
    unreadable: set where there is no text to parse; `text` is then ``""``.
    version: an editor's document version, None for files on disk.
    only_read: for sets of names at the top level, whether its functions do no more than read them, once somebody worked it out.
    """

    path: Path
    text: str
    encoding: str = "utf-8"
    bom: bool = False
    unreadable: SyntaxProblem | None = None
    version: int | None = None
    only_read: dict[frozenset[str], bool] = field(default_factory=dict, repr=False)
    _parsed: ast.Module | SyntaxProblem | None = field(default=None, repr=False)
    _mentioned: dict[tuple[str, ...], bool] = field(default_factory=dict, repr=False)

    def mentions(self, words: tuple[str, ...]) -> bool:
        """Whether the text has one of some words; found out once."""
        found = self._mentioned.get(words)
        if found is None:
            found = self._mentioned[words] = any(word in self.text for word in words)
        return found

    @cached_property
    def lines(self) -> LineTable:
        """The line table of `text`."""
        return LineTable(self.text)

    @cached_property
    def text_lines(self) -> list[str]:
        """The lines of `text` without their ends, as Python splits them."""
        return self.text.splitlines()

    @cached_property
    def newline(self) -> Newline:
        """The line end to use for inserted text."""
        crlf = self.text.count("\r\n")
        counts: dict[Newline, int] = {
            "\n": self.text.count("\n") - crlf,
            "\r\n": crlf,
            "\r": self.text.count("\r") - crlf,
        }
        return max(counts, key=lambda end: counts[end])

    @cached_property
    def pieces(self) -> list[Piece] | None:
        """The file cut at its top-level definitions, None where it cannot be cut safely or has no text."""
        return None if self.unreadable is not None else outline(self.text)

    @cached_property
    def imports_stars(self) -> bool:
        """Whether it has a ``from ... import *``."""
        return "import *" in self.text and STAR_IMPORT.search(self.text) is not None

    @cached_property
    def computes_names(self) -> bool:
        """See :func:`ane_lsp.syntax.computed_names.computes_names`."""
        return computes_names(self.text, self.pieces)

    def parse(self) -> ast.Module | SyntaxProblem:
        """The tree, or why there is none. Computed once."""
        if self._parsed is None:
            self._parsed = self.unreadable or _parse(self)
        return self._parsed

    def apart(self) -> SourceFile:
        """The same version with a tree and pieces of its own, for who exchanges functions in them."""
        return SourceFile(self.path, self.text, self.encoding, self.bom, self.unreadable, self.version)

    def forget_tree(self) -> None:
        """Let go of the tree, which takes 35 times the memory of the text. It is made anew for who asks again."""
        self._parsed = None

    @property
    def tree(self) -> ast.Module | None:
        """The tree where the file parses."""
        parsed = self.parse()
        return parsed if isinstance(parsed, ast.Module) else None

    @property
    def problem(self) -> SyntaxProblem | None:
        """Why there is no tree."""
        parsed = self.parse()
        return parsed if isinstance(parsed, SyntaxProblem) else None

    def span(self, node: ast.AST) -> Span:
        """Where `node` stands; for a node without position, the start of the file."""
        line = getattr(node, "lineno", 1)
        col = getattr(node, "col_offset", 0)
        end_line = getattr(node, "end_lineno", None) or line
        end_col = getattr(node, "end_col_offset", None)
        return Span(str(self.path), line, col, end_line, col if end_col is None else end_col)

    def segment(self, span: Span) -> str:
        """The text under `span`."""
        return self.text[self.lines.offset(span.line, span.col) : self.lines.offset(span.end_line, span.end_col)]

    def whole(self) -> Span:
        """From the first to the last character."""
        line, col = self.lines.position(len(self.text))
        return Span(str(self.path), 1, 0, line, col)


def read_source(path: Path) -> SourceFile:
    """Read `path` from disk. Whatever is wrong with it comes back as `unreadable`."""
    try:
        # A FIFO or device would block or never end; stat first, and read one byte more than allowed.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return _unreadable(path, "read", "not a regular file")
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return _unreadable(path, "read", f"cannot be read: {getattr(error, 'strerror', None) or error}")
    return decode_source(path, data)


def decode_source(path: Path, data: bytes) -> SourceFile:
    """Decode as Python would (BOM, PEP 263 cookie, UTF-8 otherwise); a notebook becomes a module."""
    if len(data) > MAX_BYTES:
        return _unreadable(path, "read", f"larger than {MAX_BYTES // 1_000_000} MB, not analysed")
    bom = data.startswith(codecs.BOM_UTF8)
    encoding = "utf-8"
    if _has_cookie(data):
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        except SyntaxError as error:
            return _unreadable(path, "encoding", str(error.msg))
        except LookupError as error:  # Python 3.14 decodes here, and rot13 is a codec but not one of text
            return _unreadable(path, "encoding", str(error))
        if encoding == "utf-8-sig":
            encoding = "utf-8"
    try:
        text = data[3 if bom else 0 :].decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start + (3 if bom else 0)]
        line = before.count(b"\n") + 1
        message = f"not valid {encoding}: {error.reason} at byte {len(before)}"
        return _unreadable(path, "encoding", message, line)
    except (LookupError, ValueError) as error:
        return _unreadable(path, "encoding", str(error))
    if path.suffix == NOTEBOOK:
        from ane_lsp.syntax.notebook import module_of

        try:
            text = module_of(text)
        except (ValueError, RecursionError) as error:
            return _unreadable(path, "read", f"not a notebook: {error}")
    return SourceFile(path, text, encoding, bom)


def source_from_text(path: Path, text: str, version: int | None = None) -> SourceFile:
    """A document an editor holds. A BOM in the text is taken off."""
    bom = text.startswith("\ufeff")
    source = SourceFile(path, text[1:] if bom else text, "utf-8", bom, version=version)
    if len(text) > MAX_BYTES:
        source.unreadable = _unreadable(path, "read", f"larger than {MAX_BYTES // 1_000_000} MB").unreadable
    return source


def _has_cookie(data: bytes) -> bool:
    first, _, rest = data[:2000].partition(b"\n")
    if _COOKIE.match(first.removeprefix(codecs.BOM_UTF8)):
        return True
    return bool(_BLANK.match(first.rstrip(b"\r"))) and bool(_COOKIE.match(rest.partition(b"\n")[0]))


def _unreadable(path: Path, kind: Literal["read", "encoding"], message: str, line: int = 1) -> SourceFile:
    return SourceFile(path, "", unreadable=SyntaxProblem(kind, message, Span(str(path), line, 0, line, 0)))


def _parse(source: SourceFile) -> ast.Module | SyntaxProblem:
    start = Span(str(source.path), 1, 0, 1, 0)
    null = source.text.find("\0")
    if null >= 0:
        # Python refuses the file too, in some versions without saying where.
        line, col = source.lines.position(null)
        return SyntaxProblem("syntax", "contains a null byte", Span(str(source.path), line, col, line, col + 1))
    try:
        # The lock keeps two threads from restoring each other's warning filters.
        with _parse_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source.text, str(source.path))
    except SyntaxError as error:
        return SyntaxProblem("syntax", error.msg or "invalid syntax", _error_span(source, error))
    except (RecursionError, MemoryError):
        return SyntaxProblem("syntax", "nested too deeply to be parsed", start)
    except UnicodeEncodeError as error:
        line, col = source.lines.position(error.start)
        message = "lone surrogate, not a character"
        return SyntaxProblem("encoding", message, Span(str(source.path), line, col, line, col + 3))
    except ValueError as error:
        return SyntaxProblem("syntax", str(error), start)


def _error_span(source: SourceFile, error: SyntaxError) -> Span:
    """Python counts a syntax error's columns in characters from 1, and may place it past the end of the text."""
    line = max(1, min(error.lineno or 1, len(source.lines)))
    text = source.lines.line(line)
    col = code_points_to_utf8(text, max(0, (error.offset or 1) - 1))
    end_line = max(line, min(error.end_lineno or line, len(source.lines)))
    end = (error.end_offset or 0) - 1
    end_col = code_points_to_utf8(source.lines.line(end_line), end) if end > 0 else col
    if (end_line, end_col) <= (line, col):
        end_line, end_col = line, min(col + 1, code_points_to_utf8(text, len(text)))
    return Span(str(source.path), line, min(col, end_col) if end_line == line else col, end_line, end_col)
