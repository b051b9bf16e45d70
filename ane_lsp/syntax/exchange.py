"""Functions of an analysed tree are exchanged for what an edit made of them, in the tree itself.

Everything else in the tree stays the very objects, at the places they had when the file was analysed, and so do the statements
of the function that say the same. New ones stand at places of their own: between those of their neighbours, in fractions of a
line that no other statement and no earlier version ever had. So places keep their order, every place can be told from every
other, and a place of a version that is no more is found nowhere. Only what is published is moved to the lines that the editor
shows.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from ane_lsp.graph.records import dataclass

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LINE = 2.0**-14  # of the new function, in lines of the analysed file
_VERSION = 2.0**-36
_MOST_LINES = 2**14 - 2
_LAST_LINE = 2**17  # beyond, a float has no room for the fractions
_GOLDEN = 0.6180339887498949
_HEADER = "_header_lines"
_TO_BODY = "_lines_to_body"
_GIVEN = "_places_given"
CACHES = (
    "_yields", "_yield_nodes", "_mentioned", "_names_read", "_bound", "_makes", "_inner", "_looks", "_effects", "_meant", "_plain", "_walked",
)  # fmt: skip
"""Attributes under which what was computed from a node is kept on it."""


Dependency = ast.AST | tuple[ast.AST, str]
"""A function, for its source; with the name of a parameter, for the parameter's default."""
ANY_DEFAULT = "*"  # in place of a parameter's name: who depends on it may have read any default


@dataclass(frozen=True, slots=True)
class Exchange:
    """A function of the analysed tree and what is to stand there.

    defaults: the parameters whose default is another. only_defaults: nothing else is, so the function stays and gets those.
    """

    old: AnyFunction
    new: AnyFunction
    defaults: tuple[tuple[str, ast.expr], ...]
    only_defaults: bool = False

    def changes(self) -> list[Dependency]:
        """What is another afterwards: the function and those inside it, as they are before; or defaults."""
        names = (ANY_DEFAULT, *(name for name, _ in self.defaults)) if self.defaults else ()
        read: list[Dependency] = [(self.old, name) for name in names]
        if self.only_defaults:
            return read
        return read + [node for node in nodes(self.old) if isinstance(node, (*FUNCTIONS, ast.Lambda))]


def exchange_of(old: AnyFunction, new: AnyFunction) -> Exchange | None:
    """How `new` can stand for `old`; None where more than the body and the value of plain defaults differs."""
    if old.__class__ is not new.__class__ or old.name != new.name or not old.lineno < _LAST_LINE:
        return None
    if (new.end_lineno or new.lineno) - new.lineno > _MOST_LINES:
        return None
    if ast.get_docstring(old, clean=False) != ast.get_docstring(new, clean=False):
        return None
    for field in old._fields:
        if field not in ("args", "body", "decorator_list") and _dump(getattr(old, field)) != _dump(getattr(new, field)):
            return None
    before, after = old.args, new.args
    for kind in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
        if _dump(getattr(before, kind)) != _dump(getattr(after, kind)):
            return None
    changed = changed_defaults(old, new)
    return Exchange(old, new, changed) if changed is not None else None


def changed_defaults(old: AnyFunction, new: AnyFunction) -> tuple[tuple[str, ast.expr], ...] | None:
    """Parameters of equal functions whose default is another; None where one is more than a number, a text or the like."""
    before, after = old.args, new.args
    if len(before.defaults) != len(after.defaults) or len(before.kw_defaults) != len(after.kw_defaults):
        return None
    positional = [arg.arg for arg in (*after.posonlyargs, *after.args)]
    names = positional[len(positional) - len(after.defaults) :]
    pairs: list[tuple[str, Any, Any]] = [
        *zip(names, before.defaults, after.defaults),
        *zip([arg.arg for arg in after.kwonlyargs], before.kw_defaults, after.kw_defaults),
    ]
    changed: list[tuple[str, ast.expr]] = []
    for name, was, now in pairs:
        if _dump(was) != _dump(now):
            if not (_is_plain(was) and _is_plain(now)):
                return None
            changed.append((name, now))
    return tuple(changed)


def nodes(*roots: ast.AST, closed: tuple[type[ast.AST], ...] = ()) -> Iterator[ast.AST]:
    """Nodes and all below them, in no order, but what is inside of `closed` ones; several times as fast as :func:`ast.walk`."""
    pending: list[Any] = list(roots)
    while pending:
        node = pending.pop()
        yield node
        if closed and isinstance(node, closed):
            continue
        own = node.__dict__
        for name in node._fields:
            held = own.get(name)
            if held.__class__ is list:
                pending += [item for item in held if isinstance(item, ast.AST)]
            elif isinstance(held, ast.AST):
                pending.append(held)


def walked(node: ast.AST) -> list[ast.AST]:
    """What :func:`ast.walk` goes through, for who asks several times."""
    known: list[ast.AST] | None = getattr(node, "_walked", None)
    if known is None:
        known = node._walked = list(ast.walk(node))  # type: ignore[attr-defined]
    return known


def _dump(node: Any) -> Any:
    if isinstance(node, list):
        return [_dump(item) for item in node]
    return ast.dump(node) if isinstance(node, ast.AST) else node


def _is_plain(node: ast.expr | None) -> bool:
    """A number, a text, a truth value or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant) and type(node.value) in (int, float)
    return isinstance(node, ast.Constant)


def carry_out(exchange: Exchange, lines: Sequence[str], version: int) -> dict[float, int]:
    """Put the new function into the tree. lines: the text it was parsed from. version: grows with each.

    Returns where its lines are: place in the tree to line of that text, from 0.
    """
    old, new = exchange.old, exchange.new
    if exchange.only_defaults:
        for value, given in zip(
            (*old.args.defaults, *old.args.kw_defaults), (*new.args.defaults, *new.args.kw_defaults), strict=True
        ):
            if value is not None and given is not None and _dump(value) != _dump(given):
                for inner in nodes(given):
                    if isinstance(inner, ast.expr):
                        inner.lineno, inner.end_lineno = value.lineno, value.end_lineno
                _replace_default(old.args, value, given)
        return {}
    body = [s for s in new.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    setattr(old, _HEADER, list(lines[new.lineno - 1 : (body[0].lineno if body else new.lineno) - 1]))
    setattr(old, _TO_BODY, new.body[0].lineno - new.lineno)
    given_before: set[float] = old.__dict__.setdefault(_GIVEN, set())
    places = _by_statement(old, new, version, given_before) or _as_a_whole(old, new, version)
    given_before |= places.keys()
    forget_caches(old)
    for name in CACHES:  # what was found out about the new one
        if name in new.__dict__:
            setattr(old, name, new.__dict__[name])
    return places


def _as_a_whole(old: AnyFunction, new: AnyFunction, version: int) -> dict[float, int]:
    """Give a function everything of the new one but its decorators, at places between its line and the next one."""
    start, first = float(int(old.lineno)), new.lineno
    places: dict[float, int] = {}
    found: dict[int, float] = {}

    def place(line: int) -> float:
        there = found.get(line)
        if there is None:
            there = found[line] = start + (line - first) * _LINE + version * _VERSION
            places[there] = line - 1
        return there

    kept = old.decorator_list
    for node in nodes(new):
        own = node.__dict__
        if "lineno" in own:
            own["lineno"], own["end_lineno"] = place(own["lineno"]), place(own["end_lineno"])
    for field in (*new._fields, "lineno", "col_offset", "end_lineno", "end_col_offset"):
        if hasattr(new, field):
            setattr(old, field, getattr(new, field))
    old.decorator_list = kept
    return places


class _NoRoom(Exception):
    """Between two places there is none left."""


def _by_statement(old: AnyFunction, new: AnyFunction, version: int, given: set[float]) -> dict[float, int] | None:
    """Give a function those statements of the new one that say something else. given: places that were given in it before. None
    where its head is another, or where no place is left between two statements."""
    places: dict[float, int] = {}
    head = [name for name in old._fields if name not in ("body", "decorator_list")]
    if not stands_alike(old, new, places, whole=False) or not alike_in(old, new, head, places):
        return None
    renewal = _Renewal(places, version, given)
    try:
        renewal.function(old, new)
    except _NoRoom:
        return None
    renewal.carry_out()
    return places


def alike(old: Any, new: Any, places: dict[float, int]) -> bool:
    """Whether two pieces of source are the same to the very columns; their lines are noted in `places`."""
    if old.__class__ is not new.__class__:
        return False
    if old.__class__ is list:
        return len(old) == len(new) and all(alike(a, b, places) for a, b in zip(old, new))
    if not isinstance(old, ast.AST):
        return repr(old) == repr(new)  # 0.0 and -0.0, 1 and True are not the same
    if hasattr(old, "lineno") and not stands_alike(old, new, places):
        return False
    return alike_in(old, new, old._fields, places)


def alike_in(old: ast.AST, new: ast.AST, fields: Iterable[str], places: dict[float, int]) -> bool:
    """The same for some fields of two nodes."""
    return all(alike(getattr(old, name, None), getattr(new, name, None), places) for name in fields)


def stands_alike(old: object, new: object, places: dict[float, int], whole: bool = True) -> bool:
    """Note where the lines of a node are now; False where it moved within its line or was broken up otherwise. whole: its end, too."""
    ends = (("lineno", "col_offset"), ("end_lineno", "end_col_offset")) if whole else (("lineno", "col_offset"),)
    for line, column in ends:
        if getattr(old, column) != getattr(new, column):
            return False
        if places.setdefault(getattr(old, line), getattr(new, line) - 1) != getattr(new, line) - 1:
            return False
    return True


_OPEN = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith)
_BLOCKS = ("body", "orelse")


class _Renewal:
    """Finds out which statements of a function are exchanged and where the new ones stand; then it is carried out.

    places: place to line, from 0; grows. given: places that must not be given again.
    """

    def __init__(self, places: dict[float, int], version: int, given: Collection[float]) -> None:
        self._places = places
        self._given = given
        self._share = 0.1 + 0.8 * (version * _GOLDEN % 1.0)  # of the room for a line, another one for each version
        self._set: list[tuple[Any, str, Any]] = []
        self._opened: list[ast.AST] = []  # statements of which only a part is exchanged

    def function(self, old: AnyFunction, new: AnyFunction) -> None:
        """The body of a function, of which all else has been noted. Raises _NoRoom."""
        last = old.end_lineno or old.lineno
        self._ends(old, new, self._block(old.body, new.body, max(self._places), float(int(last) + 1), old, "body"))

    def carry_out(self) -> None:
        for one, name, value in self._set:
            setattr(one, name, value)
        for one in self._opened:
            forget_caches(one)

    def _block(self, old: list[Any], new: list[Any], low: float, high: float, owner: Any, name: str) -> float:
        """Statements that stand between two places, those of `owner` with this name. Returns the place of their last line."""
        most = min(len(old), len(new))
        head = next((n for n in range(most) if not self._kept(old[n], new[n])), most)
        tail = next((n for n in range(most - head) if not self._kept(old[-1 - n], new[-1 - n])), most - head)
        before, others, after = old[:head], old[head : len(old) - tail], old[len(old) - tail :]
        given = new[head : len(new) - tail]
        low = before[-1].end_lineno if before else low
        high = _start(after[0]) if after else high
        if len(others) == len(given) == 1 and self._open(others[0], given[0]):
            last = self._inside(others[0], given[0], high)
        else:
            last = self._placed(given, low, high)
            self._set.append((owner, name, [*before, *given, *after]))
        return after[-1].end_lineno if after else last

    def _kept(self, old: ast.stmt, new: ast.stmt) -> bool:
        """Whether a statement stays."""
        found: dict[float, int] = {}
        return alike(old, new, found) and self._note(found)

    def _open(self, old: ast.stmt, new: ast.stmt) -> bool:
        """Whether no more of a statement is exchanged than what its blocks hold."""
        found: dict[float, int] = {}
        fields = [name for name in old._fields if name not in _BLOCKS]
        return (
            old.__class__ is new.__class__ and isinstance(old, _OPEN) and stands_alike(old, new, found, whole=False)
            and alike_in(old, new, fields, found) and self._note(found)
        )  # fmt: skip

    def _inside(self, old: Any, new: Any, high: float) -> float:
        self._opened.append(old)
        lines = [
            node.end_lineno for name in old._fields if name not in _BLOCKS for node in _standing(getattr(old, name))
        ]
        last = max([old.lineno, *lines])
        between = _start(old.orelse[0]) if getattr(old, "orelse", None) else high
        last = self._block(old.body, new.body, last, between, old, "body")
        if hasattr(old, "orelse") and (old.orelse or new.orelse):
            last = self._block(old.orelse, new.orelse, last, high, old, "orelse")
        self._ends(old, new, last)
        return last

    def _ends(self, old: Any, new: Any, last: float) -> None:
        self._set += ((old, "end_lineno", last), (old, "end_col_offset", new.end_col_offset))

    def _note(self, found: dict[float, int]) -> bool:
        """Take over where lines are; False where one would be in two places."""
        if any(self._places.get(place, line) != line for place, line in found.items()):
            return False
        self._places.update(found)
        return True

    def _placed(self, given: list[ast.stmt], low: float, high: float) -> float:
        """Find places for new statements between two others. Returns the last of them. Raises _NoRoom."""
        standing = list(_standing(given))
        lines = sorted({line for node in standing for line in (node.lineno, node.end_lineno)})
        found: dict[int, float] = {}
        last = low
        for number, line in enumerate(lines):
            place = low + (high - low) * ((number + self._share) / len(lines))
            if not last < place < high or place in self._given or place in self._places:
                raise _NoRoom
            found[line] = last = place
        self._places.update((place, line - 1) for line, place in found.items())
        for node in standing:
            self._set += ((node, "lineno", found[node.lineno]), (node, "end_lineno", found[node.end_lineno]))
        return last


def _standing(held: Any) -> Iterator[Any]:
    """The nodes in one, or in a list of them, that have places."""
    roots = held if isinstance(held, list) else [held]
    return (node for node in nodes(*[root for root in roots if isinstance(root, ast.AST)]) if hasattr(node, "lineno"))


def _start(statement: Any) -> float:
    """Where a statement or its first decorator stands."""
    first: float = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", ()))])
    return first


def _replace_default(args: ast.arguments, value: ast.expr, given: ast.expr) -> None:
    args.defaults = [given if default is value else default for default in args.defaults]
    args.kw_defaults = [given if default is value else default for default in args.kw_defaults]


def forget_caches(node: ast.AST) -> None:
    """Forget what was computed from a node."""
    for name in CACHES:
        if name in node.__dict__:
            delattr(node, name)


def lines_to_body(node: Any) -> int:
    """How many lines of the text it was parsed from lie between a function's start and its first statement."""
    found: int | None = getattr(node, _TO_BODY, None)
    return found if found is not None else node.body[0].lineno - node.lineno


def header_of(node: AnyFunction) -> list[str] | None:
    """The lines from ``def`` to the first statement of a function that was put into the tree; None for others."""
    found: list[str] | None = getattr(node, _HEADER, None)
    return found


__all__ = [
    "ANY_DEFAULT", "CACHES", "FUNCTIONS", "AnyFunction", "Dependency", "Exchange", "alike", "alike_in", "carry_out",
    "changed_defaults", "exchange_of", "forget_caches", "header_of", "lines_to_body", "nodes", "stands_alike", "walked",
]  # fmt: skip
