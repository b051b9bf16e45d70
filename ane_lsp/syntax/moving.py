"""Which edits leave a file saying the same, and where its lines are afterwards.

Most edits change nothing that an analysis looked at: a comment, a blank line, the body of a function that was never run.
:class:`Follower` compares each new text with the text that was analysed, parsing only the top-level statements an edit
touches, and answers with the lines' new places, or None where the file has to be analysed again.
"""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from typing import Any

from ane_lsp.graph import Span
from ane_lsp.graph.records import dataclass
from ane_lsp.syntax.exchange import FUNCTIONS as _FUNCTIONS
from ane_lsp.syntax.exchange import (
    AnyFunction,
    Dependency,
    Exchange,
    alike,
    alike_in,
    carry_out,
    changed_defaults,
    exchange_of,
    forget_caches,
    lines_to_body,
    nodes,
    stands_alike,
)

_NEAR = 60  # lines that an edit may have added or removed
_FAR = 4  # statements that it may reach over
BY_TEXT = frozenset({"globals", "getattr", "eval", "exec", "vars", "import_module"})
"""Functions that find things by the text of their names."""


@dataclass(slots=True)
class _Unit:
    """A stretch of whole lines with whole statements: of the top level, or of the body of one class there.

    first: its first line in the analysed text, from 0. lines: its present lines. original: the analysed ones; None where
    functions have been exchanged since.
    nodes: the analysed statements.
    places: where the lines of these statements are now, counted from the unit's start; None: where they were.
    owner: the class in whose body they are; its own unit has none of them and holds the lines before its body. tail: whether
    the class ends here.
    """

    first: int
    lines: list[str]
    original: list[str] | None
    nodes: list[ast.stmt]
    places: dict[float, int] | None = None
    owner: ast.ClassDef | None = None
    tail: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """Where lines of the analysed text are in the present one. touched: present lines, from and to, of what was edited."""

    starts: tuple[int, ...]
    now: tuple[int, ...]
    places: tuple[dict[float, int] | None, ...]
    touched: tuple[tuple[int, int], ...]

    def line(self, line: int) -> int | None:
        """The present number of an analysed line, both from 1; None where it is no more."""
        index = bisect_right(self.starts, line - 1) - 1
        places = self.places[index]
        if places is None:
            return line - self.starts[index] + self.now[index]
        offset = places.get(line)
        return None if offset is None else self.now[index] + offset + 1

    def span(self, span: Span) -> Span | None:
        """The present place of a span of the file; None where one of its lines is no more."""
        line, end = self.line(span.line), self._end(span)
        if line is None or end is None:
            return None
        return (
            span if line == span.line and end == span.end_line else Span(span.file, line, span.col, end, span.end_col)
        )

    def _end(self, span: Span) -> int | None:
        """The present number of the line in which a span ends. One that takes whole lines ends ahead of what follows, whatever that is by now."""
        if span.end_col == 0 and span.end_line > span.line and (last := self.line(span.end_line - 1)) is not None:
            return last + 1
        return self.line(span.end_line)

    def edited(self, line: int) -> bool:
        """Whether a present line belongs to a top-level statement whose text was edited."""
        return any(first <= line <= last for first, last in self.touched)


class _All:
    """A collection that holds whatever is asked for."""

    def __contains__(self, item: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


EVERYTHING = _All()


class Follower:
    """Follows the edits of one text. `ran` are the functions whose bodies were run or looked into.

    `matters` tells of a stretch of text whether its comments or words count beyond the syntax tree.

    exchanges: functions that say something else are exchanged in the tree. Each time :attr:`exchanged` are those, with all
    functions inside; :attr:`defaults` what their parameters have for another default, and :attr:`looks` whether one looks
    different from outside (:func:`appearance`).
    """

    def __init__(
        self,
        text: str,
        tree: ast.Module,
        ran: Collection[Dependency],
        matters: Callable[[str], bool] = lambda text: False,
        exchanges: bool = False,
    ) -> None:
        self._exchanges = exchanges
        self._found: list[Exchange] = []
        self._versions = 0
        self.exchanged: set[Dependency] = set()
        self.defaults: list[Exchange] = []
        self.looks = False
        self._ran = ran
        self._matters = matters
        self._names = BY_TEXT | {name for node in tree.body for name in bound_names(node)}
        self._usable = "\r" not in text and "\f" not in text
        self._units = self._cut(text.split("\n"), tree.body) if self._usable else []
        self._usable = bool(self._units)

    def follow(self, text: str) -> Shift | None:
        """Where everything is in the new text, None where it says something else. Then this follower is of no use any more."""
        if not self._usable:
            return None
        self.exchanged, self.defaults, self.looks = set(), [], False
        self._usable = "\r" not in text and "\f" not in text and self._take(text.split("\n"))
        return self._shift() if self._usable else None

    @staticmethod
    def _cut(lines: list[str], body: list[ast.stmt]) -> list[_Unit]:
        """A unit for each top-level statement and for each in the body of a class there, with the lines before it; the last one
        has what follows, too."""
        units: list[_Unit] = []
        begin = 0
        for index, node in enumerate(body):
            if _first_line(node) - 1 < begin:  # two statements on one line
                return []
            end = (node.end_lineno or node.lineno) if index + 1 < len(body) else len(lines)
            inner = _cut_class(node, lines, begin, end) if isinstance(node, ast.ClassDef) else []
            units += inner or [_Unit(begin, lines[begin:end], lines[begin:end], [node])]
            begin = end
        return units

    def _take(self, new: list[str]) -> bool:
        """Make `new` the present lines; False where an edited statement says something else."""
        regions = self._regions(new)
        for place, (first, last, begin, end) in reversed(list(enumerate(regions))):
            before = regions[place - 1][1] if place else 0
            if not self._put(first, last, new[begin:end]):
                # What was put behind a function's last line is the function's.
                if first == before:
                    return False
                begin -= len(self._units[first - 1].lines)
                first, last, begin, end = self._whole(first - 1, last, begin, end)
                if first < before or not self._put(first, last, new[begin:end]):
                    return False
        return True

    def _put(self, first: int, last: int, region: list[str]) -> bool:
        """Make a region one unit instead of some; False where its statements say something else."""
        units = self._units[first:last]
        if self._matters("\n".join(line for unit in units for line in unit.lines)) or self._matters("\n".join(region)):
            return False
        merged = self._matched(units, region)
        if merged is None:
            return False
        self._units[first:last] = [merged]
        return True

    def _regions(self, new: list[str]) -> list[tuple[int, int, int, int]]:
        """Like :meth:`_edited`. No region holds a part of a class together with what is not in its body."""
        found = self._edited(new)
        if all(map(self._apart, found)):
            return found
        return [self._whole(found[0][0], found[-1][1], found[0][2], found[-1][3])]

    def _apart(self, region: tuple[int, int, int, int]) -> bool:
        """Whether a region holds only parts of one class, or none."""
        units = self._units[region[0] : region[1]]
        return len({id(unit.owner) for unit in units}) == 1 and _within(units)

    def _whole(self, first: int, last: int, begin: int, end: int) -> tuple[int, int, int, int]:
        """The region with all of the classes of which it holds a part; itself where it holds parts of one class only."""
        units = self._units
        if self._apart((first, last, begin, end)):
            return first, last, begin, end
        while first > 0 and units[first].owner is not None and units[first].owner is units[first - 1].owner:
            first -= 1
            begin -= len(units[first].lines)
        while last < len(units) and units[last].owner is not None and units[last].owner is units[last - 1].owner:
            end += len(units[last].lines)
            last += 1
        return first, last, begin, end

    def _edited(self, new: list[str]) -> list[tuple[int, int, int, int]]:
        """Units, from and to, that are not in `new` as they were, and the lines there that stand in their place."""
        units = self._units
        found: list[tuple[int, int, int, int]] = []
        index = line = 0
        while index < len(units):
            size = len(units[index].lines)
            if new[line : line + size] == units[index].lines:
                index, line = index + 1, line + size
                continue
            after, place = self._next_known(index, line, new)
            found.append((index, after, line, place))
            index, line = after, place
        if line != len(new):  # lines were put behind the last statement
            first, begin = (found.pop()[0::2]) if found and found[-1][1] == len(units) else (len(units) - 1, 0)
            begin = begin or line - len(units[-1].lines)
            found.append((first, len(units), begin, len(new)))
        return found

    def _next_known(self, index: int, line: int, new: list[str]) -> tuple[int, int]:
        """The first unit behind `index` that stands in `new` near where it would be, and where that is."""
        units = self._units
        expected = line
        for after in range(index + 1, min(index + 1 + _FAR, len(units))):
            expected += len(units[after - 1].lines)
            wanted = units[after].lines
            for distance in range(_NEAR):
                for place in {expected + distance, max(line, expected - distance)}:
                    if new[place : place + 1] == wanted[:1] and new[place : place + len(wanted)] == wanted:
                        return after, place
        return len(units), len(new)

    def _matched(self, units: list[_Unit], region: list[str]) -> _Unit | None:
        """The region as one unit, None where its statements say something else than those of `units`."""
        owner = units[0].owner if _within(units) else None
        nodes: list[ast.stmt] = []
        original: list[str] | None = []
        for unit in units:
            original = original + unit.original if original is not None and unit.original is not None else None
            if owner is None and unit.owner is not None:
                nodes += [unit.owner] if not unit.nodes else []
            else:
                nodes += unit.nodes
        tail = owner is not None and units[-1].tail
        if region == original:  # an edit was taken back
            return _Unit(units[0].first, region, original, nodes, None, owner, tail)
        body = _parsed(region, owner)
        if body is None or len(body) != len(nodes):
            return None
        places: dict[float, int] = {}
        self._found = []
        try:
            if not all(self._same(old, new, places) for old, new in zip(nodes, body)):
                return None
        except RecursionError:
            return None
        if owner is not None and tail:
            places.setdefault(owner.end_lineno or 0, (body[-1].end_lineno or 0) - 1)
        if self._found:
            self._exchange(nodes, region, places)
            if owner is not None:
                forget_caches(owner)
            original = None
        return _Unit(units[0].first, region, original, nodes, places, owner, tail)

    def _exchange(self, nodes: list[ast.stmt], region: list[str], places: dict[float, int]) -> None:
        """Put the functions that were found to be others into the tree."""
        for exchange in self._found:
            self.exchanged.update(exchange.changes())
            self.looks |= bool(exchange.defaults)
            if not exchange.only_defaults:  # else it says the same, to the very places
                self.looks |= appearance(exchange.old, self._names) != appearance(exchange.new, self._names)
            self._versions += 1
            places.update(carry_out(exchange, region, self._versions))
            if exchange.defaults:
                self.defaults.append(exchange)
        if all(exchange.only_defaults for exchange in self._found):
            return
        for node in nodes:
            _forget_above(node, {exchange.old for exchange in self._found})

    def _same(self, old: object, new: object, places: dict[float, int]) -> bool:
        if old.__class__ is not new.__class__:
            return False
        if isinstance(old, list):
            assert isinstance(new, list)
            return len(old) == len(new) and all(self._same(a, b, places) for a, b in zip(old, new))
        if not isinstance(old, ast.AST):
            return repr(old) == repr(new)  # 0.0 and -0.0, 1 and True are not the same
        fields = old._fields
        if self._exchanges and isinstance(old, _FUNCTIONS) and isinstance(new, _FUNCTIONS):
            return self._same_or_exchanged(old, new, places)
        if isinstance(old, _FUNCTIONS) and isinstance(new, _FUNCTIONS) and old not in self._ran:
            if not stands_alike(old, new, places, whole=False):
                return False
            fields = tuple(name for name in fields if name != "body")
            if not self._same_body(old, new, places):
                return False
        elif hasattr(old, "lineno") and not stands_alike(old, new, places, whole=not isinstance(old, ast.ClassDef)):
            return False
        same = all(self._same(getattr(old, name, None), getattr(new, name, None), places) for name in fields)
        if isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):  # it ends where its last function does
            places.setdefault(old.end_lineno or 0, (new.end_lineno or 0) - 1)
        return same

    def _same_or_exchanged(self, old: AnyFunction, new: AnyFunction, places: dict[float, int]) -> bool:
        """A function says the same, or can be exchanged for the new one."""
        trial = dict(places)
        fields = [name for name in old._fields if name != "decorator_list"]
        if stands_alike(old, new, trial) and alike_in(old, new, fields, trial):
            places.update(trial)
        else:
            exchange = self._other_defaults(old, new, places) or exchange_of(old, new)
            if exchange is None:
                return False
            self._found.append(exchange)
        return self._same(old.decorator_list, new.decorator_list, places)

    def _other_defaults(self, old: AnyFunction, new: AnyFunction, places: dict[float, int]) -> Exchange | None:
        """How a function is given other defaults that says the same besides, at the same places."""
        trial = dict(places)
        changed = changed_defaults(old, new)
        if not changed or not stands_alike(old, new, trial):
            return None
        fields = [name for name in old._fields if name not in ("args", "decorator_list")]
        parameters = ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg")
        if not alike_in(old, new, fields, trial) or not alike_in(old.args, new.args, parameters, trial):
            return None
        for kind in ("defaults", "kw_defaults"):
            for value, given in zip(getattr(old.args, kind), getattr(new.args, kind), strict=True):
                if not alike(value, given, trial) and not stands_alike(value, given, trial, whole=False):
                    return None
        places.update(trial)
        return Exchange(old, new, changed, only_defaults=True)

    def _same_body(self, old: ast.AST, new: ast.AST, places: dict[float, int]) -> bool:
        """The body of a function nobody ran may say something else, as long as the function looks the same from outside."""
        trial = dict(places)
        if self._same(old.body, new.body, trial):  # type: ignore[attr-defined]
            places.update(trial)
            return True
        return appearance(old, self._names) == appearance(new, self._names)

    def _shift(self) -> Shift:
        units = self._units
        now: list[int] = []
        line = 0
        for unit in units:
            now.append(line)
            line += len(unit.lines)
        edited = {id(unit.owner or unit) for unit in units if unit.places is not None}
        touched = tuple(
            (start + 1, start + len(unit.lines)) for start, unit in zip(now, units) if id(unit.owner or unit) in edited
        )
        return Shift(tuple(u.first for u in units), tuple(now), tuple(u.places for u in units), touched)


def _forget_above(node: ast.AST, exchanged: Collection[ast.AST]) -> bool:
    """Forget what was computed from a statement, and from those in it, that holds an exchanged function. Whether it does."""
    if node in exchanged:
        return True
    found = False
    for name in _BLOCKS:
        for inner in getattr(node, name, None) or ():
            found |= _forget_above(inner, exchanged)
    if found:
        forget_caches(node)
    return found


_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def _first_line(node: ast.stmt) -> int:
    """The line of a statement or of its first decorator, from 1."""
    first: int = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    return first


def _cut_class(node: ast.ClassDef, lines: list[str], begin: int, end: int) -> list[_Unit]:
    """A unit for the lines before a class's body, and one for each statement there; empty where they share lines."""
    first = _first_line(node.body[0]) - 1
    ends = [part.end_lineno or 0 for part in (*node.bases, *(keyword.value for keyword in node.keywords))]
    text = max([node.lineno, *ends]) - 1
    for number in range(text + 1, first):  # what closes the head; comments belong to the body
        if lines[number].strip() and not lines[number].lstrip().startswith("#"):
            text = number
    if any(lines[_first_line(statement) - 1][: statement.col_offset].strip(" ") for statement in node.body):
        return []
    units: list[_Unit] = []
    units.append(_Unit(begin, lines[begin : text + 1], lines[begin : text + 1], [], None, node))
    place = text + 1
    for statement in node.body:
        if _first_line(statement) - 1 < place:
            return []
        last = statement is node.body[-1]
        stop = end if last else (statement.end_lineno or statement.lineno)
        units.append(_Unit(place, lines[place:stop], lines[place:stop], [statement], None, node, last))
        place = stop
    return units


def _within(units: list[_Unit]) -> bool:
    """Whether units of one owner can be read without what is around them."""
    return units[0].owner is None or all(unit.nodes for unit in units)


def _parsed(region: list[str], owner: ast.ClassDef | None) -> list[ast.stmt] | None:
    """The statements of a stretch of lines; those of a class must be where the body of `owner` has them. None where it is no
    such stretch."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse("\n".join(region if owner is None else ["class _:", *region]))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if owner is None:
        return tree.body
    found = tree.body[0]
    if len(tree.body) != 1 or not isinstance(found, ast.ClassDef):
        return None
    for node in nodes(found):
        own = node.__dict__
        if "lineno" in own:
            own["lineno"] -= 1
            own["end_lineno"] -= 1
    column = owner.body[0].col_offset
    if any(s.col_offset != column or region[_first_line(s) - 1][:column].strip(" ") for s in found.body):
        return None
    return found.body


def _yields(body: list[ast.stmt]) -> bool:
    """Whether these statements hold a yield of their own function."""
    own = nodes(*body, closed=(*_FUNCTIONS, ast.Lambda, ast.ClassDef))
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own)


def bound_names(statement: ast.stmt) -> list[str]:
    """The names a top-level statement gives a value."""
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        return [statement.name]
    known: list[str] | None = getattr(statement, "_bound", None)
    if known is None:
        known = [n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        statement._bound = known  # type: ignore[attr-defined]
    return known


def mentioned_names(node: ast.AST) -> frozenset[str]:
    """Every name and attribute in a piece of source."""
    known: frozenset[str] | None = getattr(node, "_mentioned", None)
    if known is None:
        if isinstance(node, ast.ClassDef):  # the statements of its body are seldom all others than before
            parts = (*node.bases, *node.keywords, *node.decorator_list, *getattr(node, "type_params", ()), *node.body)
            known = frozenset().union(*map(mentioned_names, parts))
        else:
            known = frozenset(_mentioned(node))
        node._mentioned = known  # type: ignore[attr-defined]
    return known


def _mentioned(node: ast.AST) -> Iterator[str]:
    for part in nodes(node):
        if part.__class__ is ast.Name:
            yield part.id
        elif part.__class__ is ast.Attribute:
            yield part.attr


def returns_made(node: ast.AST) -> bool:
    """Whether a function returns the result of a call, or what a name stands for."""
    known: bool | None = getattr(node, "_makes", None)
    if known is None:
        known = any(n.__class__ is ast.Return and isinstance(n.value, (ast.Call, ast.Name)) for n in nodes(node))
        node._makes = known  # type: ignore[attr-defined]
    return known


def appearance(node: ast.AST, known: frozenset[str]) -> tuple[object, ...]:
    """What is asked of a function's body without running it: whether it yields, whether it is only a stub, what it returns,
    which of the `known` names it mentions."""
    body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
    looks: tuple[object, ...] | None = getattr(node, "_looks", None)
    if looks is None:
        real = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        abstract = not real or (len(real) == 1 and isinstance(real[0], (ast.Pass, ast.Raise)))
        looks = _yields(body), abstract, returns_made(node), ast.get_docstring(node, clean=False)  # type: ignore[arg-type]
        node._looks = looks  # type: ignore[attr-defined]
    return *looks, mentioned_names(node) & known, lines_to_body(node)
