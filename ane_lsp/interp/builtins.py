"""The builtin functions. Types stand for themselves; calling one is :func:`ane_lsp.interp.construct.construct`."""

from __future__ import annotations

import builtins as host
from collections.abc import Callable, Iterator
from functools import cmp_to_key
from itertools import count, takewhile
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown, dims
from ane_lsp.interp import absent, methods, symbolic
from ane_lsp.interp.construct import construct
from ane_lsp.interp.containers import add_more, from_keys
from ane_lsp.interp.evaluated import evaluate, execute
from ane_lsp.interp.frames import UnknownIteration
from ane_lsp.interp.state import join
from ane_lsp.interp.support import (
    LIMIT,
    SCALARS,
    DictView,
    builtin,
    collect,
    concrete,
    find_unknown,
    host_call,
    index_of,
    is_module_class,
    native,
    need,
    spread,
    spreading,
    too_large,
    type_name,
    unknown_builtin,
)
from ane_lsp.interp.symbolic import SymRatio, kind_of_one
from ane_lsp.interp.text import ascii_of, format_value, to_repr
from ane_lsp.interp.values import (
    MISSING,
    MORE,
    BoundMethod,
    Builtin,
    ClassObject,
    Function,
    Instance,
    IteratorObject,
    ModuleObject,
    NativeType,
    OneOf,
    Opaque,
    Partial,
    PyRaise,
    Super,
    Tensor,
)

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

__all__ = ["BUILTINS", "construct", "is_callable", "native_type_of", "sort_values", "type_attribute"]

NUMBERS = (int, float)


class Undecided(Exception):
    """A comparison that nobody can decide; carries the Unknown out of a host sort."""

    def __init__(self, value: Unknown) -> None:
        super().__init__(value)
        self.value = value


def sequence_of_unknown_length(interp: Interpreter, value: Any) -> Unknown | None:
    """The unknown that stands for a sequence whose items look alike, if that is what `value` is."""
    if isinstance(value, Tensor):
        shape = value.type.shape
        uncounted = bool(shape and not isinstance(shape[0], int))
    elif isinstance(value, Instance):
        table = value.attrs.get("_modules") or ()
        uncounted = MORE in table or (interp.gaps and absent.gappy(table))
    else:
        uncounted = interp.gaps and absent.gappy(value)
    if uncounted:
        try:
            interp.iterate(value)
        except UnknownIteration as lost:
            value = lost.unknown
    return value if isinstance(value, Unknown) and value.item is not None else None


def made_of(items: Iterator[Any]) -> Iterator[Any]:
    """What is made of the items of another sequence: where nobody knows those, these do not look like them."""
    try:
        yield from items
    except UnknownIteration as lost:
        raise UnknownIteration(Unknown(lost.unknown.reason, lost.unknown.span, lost.unknown)) from None


def lost_iteration(unknown: Unknown) -> Exception:
    """The machine's exception for "nobody knows what comes next"."""
    return UnknownIteration(unknown)


# -- numbers -----------------------------------------------------------------------------------------------------------------


@native("abs")
def _abs(interp: Interpreter, x: Any) -> Any:
    x = concrete(x)
    if isinstance(x, Unknown):
        return Unknown("abs() of an unknown value", interp.here(), x, number=x.number)
    if isinstance(x, (int, float, complex)):
        return abs(x)
    if isinstance(x, (Sym, SymRatio)):
        top = x.numerator if isinstance(x, SymRatio) else x
        if dims.lower_bound(top) >= 0:
            return x
        if dims.lower_bound(-top) >= 0:
            return symbolic.negative(x)
        return interp.unknown(f"the sign of the symbolic size {x} is not known")
    return _special(interp, x, "__abs__", (), "bad operand type for abs()")


def _special(interp: Interpreter, value: Any, name: str, args: tuple[Any, ...], message: str) -> Any:
    if isinstance(value, (Instance, Tensor)):
        found = interp.lookup_attribute(value, name)
        if found is not MISSING:
            return interp.call(found, args, {})
    return interp.raise_(TypeError, f"{message}: '{type_name(value)}'")


@native("round")
def _round(interp: Interpreter, number: Any, ndigits: Any = None) -> Any:
    number, ndigits = concrete(number), concrete(ndigits)
    if isinstance(number, Unknown) or isinstance(ndigits, Unknown):
        return Unknown(
            "round() of an unknown value",
            interp.here(),
            find_unknown((number, ndigits)),
            number=symbolic.is_numeric(number),
        )
    if isinstance(number, NUMBERS) and (ndigits is None or isinstance(ndigits, int)):
        if isinstance(ndigits, int) and abs(ndigits) > 10_000:
            return too_large(interp, "the number of digits")
        return host_call(interp, "the number", round, number, ndigits)
    if isinstance(number, Sym):
        return number
    if isinstance(number, SymRatio):
        if number.denominator == 1:
            return number.numerator if ndigits is None else number
        return interp.unknown(f"which way the symbolic {number} is rounded")
    return _special(
        interp, number, "__round__", () if ndigits is None else (ndigits,), "type does not define __round__ method"
    )


@native("divmod", strict=True)
def _divmod(interp: Interpreter, a: Any, b: Any) -> Any:
    return interp.binary("//", a, b), interp.binary("%", a, b)


@native("pow", strict=True)
def _pow(interp: Interpreter, base: Any, exp: Any, mod: Any = None) -> Any:
    if mod is None:
        return interp.binary("**", base, exp)
    lost = need(interp, "pow()", base, exp, mod)
    return lost if lost is not None else host_call(interp, "the number", pow, base, exp, mod)


@native("sum")
def _sum(interp: Interpreter, iterable: Any, /, start: Any = 0) -> Any:
    if isinstance(iterable, Unknown):
        return interp.unknown("the sum of an unknown sequence", iterable)
    if isinstance(start, str):
        return interp.raise_(TypeError, "sum() can't sum strings [use ''.join(seq) instead]")
    if isinstance(iterable, (list, tuple)) and type(start) in NUMBERS and all(type(v) in NUMBERS for v in iterable):
        return sum(iterable, start)
    if isinstance(iterable, range) and type(start) is int:
        step_count = len(iterable) if len_fits(iterable) else None
        if step_count is None:
            return too_large(interp, "the sum")
        return start + (iterable[0] + iterable[-1]) * step_count // 2 if step_count else start
    total = start
    for position, item in enumerate(interp.items_of(iterable)):
        if position > LIMIT:
            return too_large(interp, "the sum")
        if absent.optional(item):
            without, one = total, absent.present(item)
            sides: list[Callable[[], Any]] = [lambda: interp.binary("+", without, one), lambda: without]  # noqa: B023
            total = interp.fork_value(interp.frame, sides)
            if absent.repeated(item) and not isinstance(total, Tensor):
                return interp.unknown(absent.NUMBER)
        else:
            total = interp.binary("+", total, item)
        if isinstance(total, Unknown):
            return total
    return total


def len_fits(value: range) -> bool:
    try:
        len(value)
    except OverflowError:
        return False
    return True


def _extreme(name: str, op: str) -> Builtin:
    def run(interp: Interpreter, *args: Any, key: Any = None, default: Any = MISSING) -> Any:
        if not args:
            return interp.raise_(TypeError, f"{name} expected at least 1 argument, got 0")
        if len(args) == 1:
            if isinstance(args[0], Unknown):
                return interp.unknown(f"{name}() of an unknown sequence", args[0])
            if isinstance(args[0], range) and key is None and args[0]:
                return (min if name == "min" else max)(args[0][0], args[0][-1])
            values = collect(interp, args[0], f"the sequence given to {name}()")
            if isinstance(values, Unknown):
                return values
        else:
            values = list(args)
        if not values:
            if default is not MISSING:
                return default
            return interp.raise_(ValueError, f"{name}() arg is an empty sequence")
        if key is None and all(type(v) in NUMBERS for v in values):
            return (min if name == "min" else max)(values)
        keys = values if key is None else [interp.call(key, (v,), {}) for v in values]
        best, best_key = values[0], keys[0]
        for value, rank in zip(values[1:], keys[1:]):
            verdict = interp.compare(op, rank, best_key)
            if isinstance(verdict, Tensor):
                verdict = interp.tensor_truth(verdict, decides=False)  # torch.export has a min and max of its own
            if isinstance(verdict, Unknown) or verdict not in (True, False):
                if key is None and all(isinstance(v, (int, Sym)) for v in (value, best)):
                    best = best_key = (dims.minimum if name == "min" else dims.maximum)(best, value)
                    continue
                cause = verdict if isinstance(verdict, Unknown) else None
                number = kind_of_one(values) if key is None else False
                return Unknown(f"which value {name}() picks is not known", interp.here(), cause, number=number)
            if verdict:
                best, best_key = value, rank
        if isinstance(best, Unknown):
            return interp.unknown(f"{name}() of an unknown value", best)
        return best

    return builtin(name, run)


# -- truth and types -----------------------------------------------------------------------------------------------------


def _quantifier(name: str, decisive: bool) -> Builtin:
    def run(interp: Interpreter, iterable: Any, /) -> Any:
        if isinstance(iterable, Unknown):
            return interp.unknown(f"{name}() of an unknown sequence", iterable)
        open_question: Unknown | None = None
        for item in interp.iterate(iterable):
            interp.tick()
            verdict = interp.truth(item)
            if verdict is decisive:
                return decisive
            if isinstance(verdict, Unknown):
                open_question = verdict
        return (not decisive) if open_question is None else interp.unknown(f"{name}() is not decided", open_question)

    return builtin(name, run)


@native("len")
def _len(interp: Interpreter, obj: Any, /) -> Any:
    if (
        isinstance(obj, (list, tuple, str, dict, set, frozenset, bytes, range, DictView))
        or type(obj).__name__ == "deque"
    ):
        if interp.gaps and absent.gappy(obj):
            return Unknown(absent.NUMBER, interp.here(), number=True)
        if isinstance(obj, dict) and MORE in obj:
            return Unknown("the number of entries under keys nobody knows", interp.here(), number=True)
        return host_call(interp, "the length", len, obj)
    if isinstance(obj, Unknown):
        return interp.unknown("the length of an unknown value", obj)
    if isinstance(obj, Tensor):
        return tensor_length(interp, obj)
    if isinstance(obj, Instance) and concrete(obj) is not obj and obj.cls.lookup("__len__") is MISSING:
        return _len.fn(interp, (obj.data,), {})
    if isinstance(obj, (Instance, ClassObject)):
        found = interp.lookup_attribute(obj, "__len__")
        if found is not MISSING:
            return interp.call(found, (), {})
    elif not isinstance(obj, (*SCALARS, Function, Sym, SymRatio, IteratorObject)):
        found = interp.lookup_attribute(obj, "__len__")
        if found is not MISSING and not isinstance(found, Unknown):
            return interp.call(found, (), {})
        if isinstance(found, Unknown):
            return interp.unknown("the length of something not modelled", found)
    return interp.raise_(TypeError, f"object of type '{type_name(obj)}' has no len()")


def tensor_length(interp: Interpreter, tensor: Tensor) -> Any:
    """The size of the outermost axis."""
    shape = tensor.type.shape
    if shape is None:
        return interp.unknown("the length of a tensor of unknown shape")
    return shape[0] if shape else interp.raise_(TypeError, "len() of a 0-d tensor")


@native("isinstance", stores=True)
def _isinstance(interp: Interpreter, obj: Any, classes: Any, /) -> Any:
    return interp.isinstance(obj, classes)


@native("issubclass")
def _issubclass(interp: Interpreter, cls: Any, classes: Any, /) -> Any:
    return interp.issubclass(cls, classes)


def is_callable(interp: Interpreter, value: Any) -> Any:
    """``callable(value)``: True, False or Unknown."""
    if isinstance(value, (Function, BoundMethod, Builtin, Partial, ClassObject, NativeType, type)):
        return True
    if isinstance(value, (Unknown, Opaque, OneOf)):
        return interp.unknown("whether an unknown value can be called", value if isinstance(value, Unknown) else None)
    if isinstance(value, Instance):
        if value.cls.lookup("__call__") is not MISSING or is_module_class(value.cls):
            return True
        return any(isinstance(c, NativeType) and "__call__" in c.methods for c in value.cls.mro)
    return False


@native("callable")
def _callable(interp: Interpreter, obj: Any, /) -> Any:
    return is_callable(interp, obj)


# -- attributes ------------------------------------------------------------------------------------------------------------


def attribute_name(interp: Any, name: Any) -> Any:
    """A text, Unknown or one of several. Raises the program's TypeError for other names."""
    name = concrete(name)
    if isinstance(name, (str, Unknown, OneOf)):
        return name
    return interp.raise_(TypeError, f"attribute name must be string, not '{type_name(name)}'")


@native("getattr", stores=True)
def _getattr(interp: Interpreter, obj: Any, name: Any, default: Any = MISSING, /) -> Any:
    name = attribute_name(interp, name)
    if isinstance(name, OneOf):
        return spread(interp, (name,), {}, lambda interp, one, _: _getattr.fn(interp, (obj, *one, default), {}))
    if isinstance(name, Unknown):
        return interp.unknown("an attribute whose name is not known", name)
    if isinstance(obj, Unknown):
        return interp.unknown(f"attribute {name!r} of an unknown value", obj)
    if default is MISSING:
        return interp.getattr(obj, name)
    if interp.gaps and interp.may_lack(obj, name):
        found = [interp.getattr(obj, name), default]
        return join(found, absent.THERE, interp.here())
    return interp.getattr(obj, name, default)


@native("hasattr")
def _hasattr(interp: Interpreter, obj: Any, name: Any, /) -> Any:
    name = attribute_name(interp, name)
    if isinstance(name, Unknown) or isinstance(obj, Unknown):
        return interp.unknown("whether an unknown value has an attribute", obj if isinstance(obj, Unknown) else name)
    if interp.gaps and interp.may_lack(obj, name):
        return interp.unknown(absent.THERE)
    if isinstance(obj, Instance) and name in obj.attrs:
        return obj.attrs[name] is not MISSING
    try:
        found = interp.lookup_attribute(obj, name)
    except PyRaise as error:
        if error.is_a(AttributeError):
            return False
        raise
    if isinstance(found, Unknown) and isinstance(obj, ModuleObject) and name not in obj.namespace:
        return interp.unknown(f"whether {obj.name} has {name!r}", found)
    if isinstance(found, Unknown) and isinstance(obj, Instance):
        base = next((b for b in obj.cls.mro if isinstance(b, Unknown)), None)
        if base is not None and found.cause is base:
            return interp.unknown(f"whether a {obj.cls.name} has {name!r}: a base class is unknown", base)
    return found is not MISSING


@native("setattr", stores=True)
def _setattr(interp: Interpreter, obj: Any, name: Any, value: Any, /) -> Any:
    name = attribute_name(interp, name)
    if not isinstance(name, str):
        if isinstance(obj, Instance):
            set_any(interp, obj, value, name)
    elif not isinstance(obj, Unknown):
        interp.setattr(obj, name, value)
    return None


def set_any(interp: Any, obj: Instance, value: Any, name: Any) -> None:
    """An attribute is set under a name that nobody knows."""
    lost = interp.unknown("may have been replaced by setattr() with an unknown name", find_unknown(name))
    interp.touch(obj.attrs)
    for key in list(obj.attrs):
        if not key.startswith("_"):
            obj.attrs[key] = lost
    _replace_any(interp, obj, value)
    table = obj.attrs.get("_modules")
    module = isinstance(value, Instance) and is_module_class(value.cls)
    add_more(interp, table if module and isinstance(table, dict) else obj.attrs, value)


@native("delattr")
def _delattr(interp: Interpreter, obj: Any, name: Any, /) -> Any:
    name = attribute_name(interp, name)
    if isinstance(obj, Unknown):
        return None
    if not isinstance(name, (Unknown, OneOf)):
        interp.delattr(obj, name)
    elif isinstance(obj, Instance):
        for held in (obj.attrs.get("_modules") or {}, obj.attrs.get("_parameters") or {}, obj.attrs):
            interp.touch(held)
            for key, value in held.items():
                if not key.startswith("_") and key != MORE and key != "training":
                    held[key] = absent.perhaps(value)
        interp.gaps = True
    return None


def _replace_any(interp: Interpreter, obj: Instance, value: Any) -> None:
    """``setattr`` of a module under an unknown name: it replaces any of them, or none."""
    table = obj.attrs.get("_modules")
    if isinstance(table, dict) and isinstance(value, (Instance, OneOf, Unknown)):
        interp.touch(table)
        for key, old in table.items():
            table[key] = absent.like(old, join([absent.present(old), value]))


@native("vars")
def _vars(interp: Interpreter, obj: Any = MISSING, /) -> Any:
    if obj is MISSING:
        frame = getattr(interp, "frame", None)
        return frame.locals if frame is not None else interp.unknown("local variables")
    if isinstance(obj, Instance):
        return interp.getattr(obj, "__dict__", obj.attrs)
    if isinstance(obj, ModuleObject):
        return interp.getattr(obj, "__dict__", obj.namespace)
    if isinstance(obj, ClassObject):
        return dict(obj.namespace)
    if isinstance(obj, (Function, Partial)):
        return obj.attrs
    if isinstance(obj, SCALARS):
        return interp.raise_(TypeError, "vars() argument must have __dict__ attribute")
    return interp.unknown("the attributes of something not modelled", obj if isinstance(obj, Unknown) else None)


@native("dir")
def _dir(interp: Interpreter, obj: Any = MISSING, /) -> Any:
    if obj is MISSING:
        frame = getattr(interp, "frame", None)
        return sorted(frame.locals) if frame is not None else interp.unknown("local names")
    names: set[str] = set()
    if isinstance(obj, ModuleObject):
        return interp.module_names(obj) if obj.missing is None else interp.unknown(f"the names in {obj.name}")
    if isinstance(obj, Instance):
        special = obj.cls.lookup("__dir__")
        if special is not MISSING and isinstance(special, Function) and not special.module.is_torch:
            return interp.call(interp.getattr(obj, "__dir__"), (), {})
        names |= {n for n in obj.attrs if isinstance(n, str)}
        obj = obj.cls
    if isinstance(obj, ClassObject):
        for cls in obj.mro:
            if isinstance(cls, ClassObject):
                names |= set(cls.namespace)
            elif isinstance(cls, NativeType):
                names |= set(cls.methods)
            elif isinstance(cls, type):
                names |= set(host.dir(cls))
        return sorted(names)
    if isinstance(obj, (*SCALARS, list, tuple, dict, set)):
        return sorted(host.dir(obj))
    return interp.unknown("the attributes of something not modelled", obj if isinstance(obj, Unknown) else None)


# -- iteration ---------------------------------------------------------------------------------------------------------------


@native("iter")
def _iter(interp: Interpreter, obj: Any, sentinel: Any = MISSING, /) -> Any:
    if sentinel is not MISSING:

        def until() -> Iterator[Any]:
            while True:
                value = interp.call(obj, (), {})
                same = interp.equal(value, sentinel)
                if isinstance(same, Unknown):
                    raise lost_iteration(same)
                if same:
                    return
                yield value

        return IteratorObject(until())
    if isinstance(obj, IteratorObject):
        return obj
    if isinstance(obj, Unknown):
        return Unknown("an iterator over an unknown value", interp.here(), obj, obj.item)
    if isinstance(obj, Instance):
        found = interp.lookup_attribute(obj, "__iter__")
        if found is not MISSING:
            return interp.call(found, (), {})
    source = interp.items_of(obj)
    return IteratorObject(source, f"{type_name(obj)}_iterator", gaps=interp.gaps and absent.gappy(obj))


@native("next")
def _next(interp: Interpreter, iterator: Any, default: Any = MISSING, /) -> Any:
    if isinstance(iterator, Unknown):
        return interp.unknown("the next item of an unknown iterator", iterator)
    if isinstance(iterator, IteratorObject):
        if interp.written is not None:
            interp.written[id(iterator)] = iterator
        try:
            return methods.next_of(interp, iterator)
        except StopIteration:
            pass
    elif isinstance(iterator, Instance):
        try:
            return interp.call(interp.getattr(iterator, "__next__"), (), {})
        except PyRaise as error:
            if not error.is_a(StopIteration) or default is MISSING:
                raise
    else:
        return interp.raise_(TypeError, f"'{type_name(iterator)}' object is not an iterator")
    if default is MISSING:
        raise PyRaise(StopIteration())
    return default


def _numbered(interp: Interpreter, iterable: Any, number: Any) -> Iterator[Any]:
    """``enumerate()`` of items some of which may be absent: behind those nobody knows the number."""
    for item in interp.items_of(iterable):
        numbered = (number, absent.present(item))
        if absent.optional(item):
            yield absent.like(item, numbered)
            number = Unknown("the number of an item", interp.here(), number=True)
        else:
            yield numbered
            number = interp.binary("+", number, 1)


def holds_modules_that_may_be_absent(value: Any) -> bool:
    """Whether it is a ``ModuleList`` or the like, and branches that nobody can decide filled it."""
    return isinstance(value, Instance) and value.cls.module.is_torch and absent.gappy(value.attrs.get("_modules"))


@native("enumerate")
def _enumerate(interp: Interpreter, iterable: Any, start: Any = 0) -> Any:
    if interp.gaps and (absent.gappy(iterable) or holds_modules_that_may_be_absent(iterable)):
        return IteratorObject(made_of(_numbered(interp, iterable, index_of(interp, start))), "enumerate", gaps=True)
    lost = sequence_of_unknown_length(interp, iterable)
    if lost is not None:
        number = Unknown("the number of an item", interp.here(), number=True)
        return Unknown("enumerate() of something unknown", interp.here(), lost, (number, lost.item))
    source = interp.iterate(iterable)
    first = index_of(interp, start)

    def items() -> Iterator[Any]:
        number = first
        for item in source:
            yield number, item
            number = interp.binary("+", number, 1)

    def counted() -> Iterator[Any]:
        number = first
        for item in source:
            yield number, item
            number += 1

    return IteratorObject(made_of(counted() if type(first) is int else items()), "enumerate")


@native("zip", stores=True)
def _zip(interp: Interpreter, *iterables: Any, strict: Any = False) -> Any:
    open_ended = [sequence_of_unknown_length(interp, v) for v in iterables]
    lost = next((o for o in open_ended if o is not None), None)
    if lost is not None:
        sizes = [len(v) for v, o in zip(iterables, open_ended) if o is None and isinstance(v, (list, tuple, range))]
        if not sizes:
            items = tuple(o.item for o in open_ended if o is not None)
            known = items if len(items) == len(iterables) else None
            return Unknown("zip() of something unknown", interp.here(), lost, known)
        # There are no more rows than that; of the others nobody knows how many items they give.
        begun = [_first_items(v) if o is not None else None for v, o in zip(iterables, open_ended)]
        certain = min(len(first) for first in begun if first is not None)
        iterables = tuple(
            v if o is None or first is None else (first + [o.item] * min(sizes))[: min(sizes)]
            for v, o, first in zip(iterables, open_ended, begun)
        )
    else:
        certain = None
    sources = [interp.iterate(v) for v in iterables]

    def rows() -> Iterator[Any]:
        if not sources:
            return
        for number in count():
            row = []
            for position, source in enumerate(sources):
                try:
                    row.append(next(source))
                except StopIteration:
                    if strict is True:
                        _check_ended(interp, sources, position)
                    return
            yield tuple(row) if certain is None or number < certain else absent.perhaps(tuple(row))

    if certain is not None:
        interp.gaps = True
    return IteratorObject(made_of(rows()), "zip", gaps=certain is not None)


def _first_items(value: Any) -> list[Any]:
    """The items of a sequence before the first that may be absent."""
    held = (value.attrs.get("_modules") or {}) if isinstance(value, Instance) else value
    found = [] if isinstance(held, dict) and MORE in held else absent.parts(held)
    return list(takewhile(lambda item: not absent.optional(item), found))


def _check_ended(interp: Interpreter, sources: list[Iterator[Any]], position: int) -> None:
    if position:
        plural = " " if position == 1 else "s 1-"
        interp.raise_(ValueError, f"zip() argument {position + 1} is shorter than argument{plural}{position}")
    for index, source in enumerate(sources[1:], 2):
        if next(source, MISSING) is not MISSING:
            plural = " " if index == 2 else "s 1-"
            interp.raise_(ValueError, f"zip() argument {index} is longer than argument{plural}{index - 1}")


@native("map")
def _map(interp: Interpreter, function: Any, *iterables: Any) -> Any:
    if not iterables:
        return interp.raise_(TypeError, "map() must have at least two arguments.")
    if len(iterables) == 1 and (lost := sequence_of_unknown_length(interp, iterables[0])) is not None:
        made = interp.call(function, (lost.item,), {})
        item = None if isinstance(made, Unknown) else made
        return Unknown("map() over something unknown", interp.here(), lost, item)
    sources = [interp.iterate(v) for v in iterables]

    def results() -> Iterator[Any]:
        while True:
            row = []
            for source in sources:
                try:
                    row.append(next(source))
                except StopIteration:
                    return
            yield interp.call(function, tuple(row), {})

    return IteratorObject(made_of(results()), "map")


def keep(interp: Interpreter, function: Any, iterable: Any, wanted: bool, kind: str) -> IteratorObject:
    """Items for which ``function(item)`` (the item itself where None) is `wanted`."""
    source = interp.iterate(iterable)

    def kept() -> Iterator[Any]:
        for item in source:
            verdict = interp.truth(item if function is None else interp.call(function, (item,), {}))
            if isinstance(verdict, Unknown):
                raise lost_iteration(interp.unknown(f"whether {kind}() keeps an item is not known", verdict))
            if verdict is wanted:
                yield item

    return IteratorObject(kept(), kind)


@native("filter")
def _filter(interp: Interpreter, function: Any, iterable: Any, /) -> Any:
    return keep(interp, None if function is bool else function, iterable, True, "filter")


@native("reversed")
def _reversed(interp: Interpreter, sequence: Any, /) -> Any:
    sequence = concrete(sequence) if not _has(interp, sequence, "__reversed__") else sequence
    if interp.gaps and isinstance(sequence, (list, tuple, DictView)) and absent.gappy(sequence):
        return IteratorObject(iter(list(sequence)[::-1]), "reversed", gaps=True)
    lost = sequence if isinstance(sequence, Unknown) else sequence_of_unknown_length(interp, sequence)
    if lost is not None:
        return Unknown("an unknown sequence, reversed", interp.here(), lost, lost.item)
    if isinstance(sequence, (list, tuple, str, bytes, range, dict, DictView)) or type(sequence).__name__ == "deque":
        items = sequence if isinstance(sequence, (list, tuple, str, bytes, range)) else tuple(sequence)
        return IteratorObject(iter(reversed(items)), "reversed")
    if isinstance(sequence, Instance):
        found = interp.lookup_attribute(sequence, "__reversed__")
        if found is not MISSING:
            return interp.call(found, (), {})
        length = _len.fn(interp, (sequence,), {})
        if isinstance(length, int):
            return IteratorObject((interp.getitem(sequence, i) for i in reversed(range(length))), "reversed")
        return interp.unknown("a sequence of unknown length, reversed", find_unknown(length))
    if isinstance(sequence, ClassObject):
        found = interp.lookup_attribute(sequence, "__reversed__")
        if found is not MISSING:
            return interp.call(found, (), {})
    if isinstance(sequence, Tensor):
        return IteratorObject(iter(list(interp.iterate(sequence))[::-1]), "reversed")
    return interp.raise_(TypeError, f"'{type_name(sequence)}' object is not reversible")


def _has(interp: Interpreter, value: Any, name: str) -> bool:
    return isinstance(value, Instance) and value.cls.lookup(name) is not MISSING


def sort_values(interp: Interpreter, values: list[Any], key: Any, reverse: Any) -> Any:
    """`values` in order, as a new list; Unknown where a comparison is not decided."""
    flag = interp.truth(reverse)
    if isinstance(flag, Unknown):
        return interp.unknown("the direction of a sort is not known", flag)
    keys = values if key is None else [interp.call(key, (v,), {}) for v in values]
    order = list(range(len(values)))
    if all(type(k) in (int, float) for k in keys) or all(type(k) is str for k in keys):
        order.sort(key=keys.__getitem__, reverse=flag)
        return [values[i] for i in order]

    def compare(i: int, j: int) -> int:
        for a, b, answer in ((i, j, -1), (j, i, 1)):
            verdict = interp.compare("<", keys[a], keys[b])
            if isinstance(verdict, Unknown):
                raise Undecided(verdict)
            if verdict is True:
                return answer
        return 0

    try:
        order.sort(key=cmp_to_key(compare), reverse=flag)
    except Undecided as error:
        return interp.unknown("the order of unknown values", error.value)
    return [values[i] for i in order]


@native("sorted")
def _sorted(interp: Interpreter, iterable: Any, /, *, key: Any = None, reverse: Any = False) -> Any:
    values = collect(interp, iterable, "the sorted list")
    return values if isinstance(values, Unknown) else sort_values(interp, values, key, reverse)


# -- text ----------------------------------------------------------------------------------------------------------------------


@native("repr")
def _repr(interp: Interpreter, obj: Any, /) -> Any:
    return to_repr(interp, obj)


@native("ascii")
def _ascii(interp: Interpreter, obj: Any, /) -> Any:
    text = to_repr(interp, obj)
    return text if isinstance(text, Unknown) else ascii_of(text)


@native("format")
def _format(interp: Interpreter, value: Any, spec: Any = "", /) -> Any:
    return format_value(interp, value, spec)


def _on_host(name: str, fn: Callable[..., Any], keywords: bool = False) -> Builtin:
    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args = tuple(concrete(a) for a in args)
        if kwargs and not keywords:
            return interp.raise_(TypeError, f"{name}() takes no keyword arguments")
        lost = need(interp, f"{name}()", *args, *kwargs.values())
        if lost is not None:
            return lost
        if any(type(a) is int and a.bit_length() > LIMIT for a in args):
            return too_large(interp, "the number")
        return host_call(interp, "the text", fn, *args, **kwargs)

    return spreading(name, run)


@native("hash")
def _hash(interp: Interpreter, obj: Any, /) -> Any:
    if isinstance(obj, (bool, int, float, complex)):
        return hash(obj)
    if isinstance(obj, Instance) and obj.cls.lookup("__hash__") is not MISSING:
        return interp.call(interp.getattr(obj, "__hash__"), (), {})
    if isinstance(obj, (list, dict, set)):
        return interp.raise_(TypeError, f"unhashable type: '{type_name(obj)}'")
    return interp.unknown("the hash of a value differs between runs", obj if isinstance(obj, Unknown) else None)


@native("id")
def _id(interp: Interpreter, obj: Any, /) -> Any:
    return id(obj) if not isinstance(obj, (Unknown, OneOf)) else interp.unknown("the identity of an unknown value")


@native("super")
def _super(interp: Interpreter, owner: Any = MISSING, obj: Any = MISSING, /) -> Any:
    """``super(C, self)``; without arguments it is the machine's."""
    if isinstance(owner, Unknown) or isinstance(obj, Unknown) or owner is MISSING or obj is MISSING:
        return interp.unknown("super() of something unknown", find_unknown([owner, obj]))
    # In a class method the object is a class below `owner`; in a metaclass's method it is an instance of `owner`.
    is_class = isinstance(obj, ClassObject) and obj.is_subclass(owner)
    return Super(owner, obj, obj if is_class else interp.type_of(obj))


@native("__import__")
def _import(interp: Interpreter, name: Any, *rest: Any, **kwargs: Any) -> Any:
    if not isinstance(name, str):
        return interp.unknown("a module whose name is not known", find_unknown(name))
    fromlist = kwargs.get("fromlist", rest[2] if len(rest) > 2 else ())
    module = interp.import_module(name)
    return module if fromlist or "." not in name else interp.import_module(name.split(".")[0])


def _open(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from ane_lsp.interp.stdlib.files import open_file

    return open_file.fn(interp, args, kwargs)


_TYPES = (
    bool, bytearray, bytes, classmethod, complex, dict, float, frozenset, int, list, memoryview, object, property,
    range, set, slice, staticmethod, str, tuple, type,
)  # fmt: skip

BUILTINS: dict[str, Any] = {
    "None": None, "True": True, "False": False, "Ellipsis": ..., "NotImplemented": NotImplemented, "__debug__": True,
    **{t.__name__: t for t in _TYPES},
    **{n: v for n, v in vars(host).items() if isinstance(v, type) and issubclass(v, BaseException)},
    **{
        made.name: made
        for made in (
            _abs, _round, _divmod, _pow, _sum, _extreme("min", "<"), _extreme("max", ">"), _quantifier("any", True),
            _quantifier("all", False), _len, _isinstance, _issubclass, _callable, _getattr, _hasattr, _setattr,
            _delattr, _vars, _dir, _iter, _next, _enumerate, _zip, _map, _filter, _reversed, _sorted, _repr, _ascii,
            _format, _hash, _id, _super, _import, _on_host("bin", bin), _on_host("hex", hex), _on_host("oct", oct),
            _on_host("chr", chr), _on_host("ord", ord),
            Builtin("globals", lambda interp, args, kwargs: interp.globals()),
            Builtin("locals", lambda interp, args, kwargs: interp.frame.locals),
            Builtin("print", lambda interp, args, kwargs: None),
            Builtin("breakpoint", lambda interp, args, kwargs: None),
            Builtin("exit", lambda interp, args, kwargs: interp.raise_(SystemExit, *args)),
            Builtin("quit", lambda interp, args, kwargs: interp.raise_(SystemExit, *args)),
            Builtin("open", _open),
            unknown_builtin("input", "what a user types is not known"),
            evaluate, execute,
            unknown_builtin("compile", "compile() is not evaluated here"),
            unknown_builtin("help", "help() is not modelled"),
        )
    },
}  # fmt: skip


# -- what types know ------------------------------------------------------------------------------------------------------


def type_attribute(cls: type, name: str) -> Any:
    """A class method or class attribute of a builtin type that is not a plain unbound method, or MISSING."""
    if name == "fromkeys" and issubclass(cls, dict):
        return builtin("fromkeys", lambda interp, keys, value=None: from_keys(interp, cls, keys, value))
    if name in ("maketrans", "from_bytes", "fromhex") and hasattr(cls, name):
        return _on_host(f"{cls.__name__}.{name}", getattr(cls, name), keywords=True)
    if name == "mro":
        return Builtin("mro", lambda interp, args, kwargs: list(cls.__mro__))
    if name == "__bases__":
        return cls.__bases__
    if name == "__subclasses__":
        return Builtin(name, lambda interp, args, kwargs: interp.unknown("the subclasses of a builtin type"))
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        if name == "_fields":
            return cls._fields
        if name == "_field_defaults":
            return dict(getattr(cls, "_field_defaults", {}))
        if name == "_make":
            return Builtin("_make", lambda interp, args, kwargs: interp.call(cls, tuple(interp.iterate(args[0])), {}))
    if issubclass(cls, PurePath) and name in ("cwd", "home"):
        return unknown_builtin(name, "the directory a program runs in is not known")
    return MISSING


def native_type_of(value: Any) -> Any:
    """The class that ``type(value)`` is for values implemented here; None where it is the host's own type."""
    from ane_lsp.interp.stdlib.types_model import type_of_native

    return type_of_native(value)
