"""A file cut into its top-level definitions and the code between them, so that a definition is parsed when it is needed.

Libraries define far more than one model uses: of the files a transformers model pulls in, a few per cent of the lines run.
"""

from __future__ import annotations

import ast
import re
import warnings

from ane_lsp.graph.records import dataclass

_CONSTANT = r"""(?:\w+[ \t]*=[ \t]*)?(?:"[^"\n\\]*"|'[^'\n\\]*'|[\d.]+|True|False|None)"""
_SPELT_OUT = re.compile(
    rf"@[\w.]+[ \t]*(?:\([ \t]*(?:{_CONSTANT}(?:[ \t]*,[ \t]*{_CONSTANT})*)?[ \t]*,?[ \t]*\))?[ \t]*(?:#.*)?$"
)
STAR_IMPORT = re.compile(r"^[ \t]*from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+\*", re.M)
_TOP = re.compile(r"^(?:(?P<decorator>@)|(?:async[ \t]+def|def|class)[ \t]+(?P<name>\w+)|(?P<other>[^\s#)\]}]))", re.M)


def spelt_out(line: str) -> bool:
    """Whether a line is a decorator without arguments or with constants only."""
    return _SPELT_OUT.match(line) is not None


@dataclass(slots=True)
class Piece:
    """A stretch of a file that starts at column 0 of `line` (from 1).

    name: what it defines, ``""`` for code between definitions. decorated: has decorators, whose effects may be wanted
    without the name ever being used.
    """

    text: str
    line: int
    name: str = ""
    decorated: bool = False
    _body: list[ast.stmt] | None = None
    _computed: bool | None = None

    def parse(self) -> list[ast.stmt]:
        """Its statements, with the line numbers of the file. Raises SyntaxError where the cut was wrong."""
        if self._body is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._body = ast.parse("\n" * (self.line - 1) + self.text).body
        return self._body

    @property
    def computed(self) -> bool:
        """Whether a decorator is given something other than constants: what it registers may stand nowhere in the text."""
        if self._computed is None:
            self._computed = self.decorated and self._is_given_more()
        return self._computed

    def _is_given_more(self) -> bool:
        for line in self.text.splitlines():
            if line.startswith(("def ", "class ", "async ")):
                return False
            if line.strip() and not line.lstrip().startswith("#") and not spelt_out(line):
                return True
        return False


_WORD = re.compile(r"\w+")


def words(text: str) -> set[str]:
    """The words of a text, in comments and strings as well: found quicker than its names, and no fewer."""
    return set(_WORD.findall(text))


def outline(text: str) -> list[Piece] | None:
    """The pieces of a file in order; None where it cannot be cut safely (the whole file is to be parsed then)."""
    if "\r" in text or "\f" in text:
        return None
    pieces: list[Piece] = []
    start = 0  # where the current piece begins
    name, decorated, in_definition = "", False, False
    line, counted = 1, 0

    def close(end: int) -> bool:
        nonlocal line, counted
        body = text[start:end]
        if body.strip():
            if body.count('"""') % 2 or body.count("'''") % 2:
                return False
            line += text.count("\n", counted, start)
            counted = start
            pieces.append(Piece(body, line, name if in_definition else "", decorated and in_definition))
        return True

    pending = False  # decorators were seen whose definition has not come yet
    for match in _TOP.finditer(text):
        at = match.start()
        if match["decorator"]:
            if not pending:
                if not close(at):
                    return None
                start, name, decorated, in_definition, pending = at, "", True, True, True
        elif match["name"]:
            if pending:
                name, pending = match["name"], False
            else:
                if not close(at):
                    return None
                start, name, decorated, in_definition = at, match["name"], False, True
        else:
            if pending:
                return None
            if in_definition:
                if not close(at):
                    return None
                start, name, decorated, in_definition = at, "", False, False
    if pending or not close(len(text)):
        return None
    return pieces
