"""What every natively modelled function needs: argument checks, guarded host calls, and the size limit."""

from __future__ import annotations

import inspect
import re
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Sym, Unknown
from ane_lsp.interp import state
from ane_lsp.interp.probing import probe_of
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.values import MISSING, Builtin, ClassObject, Instance, OneOf, PyRaise, Tensor

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

# Elements of a container, characters of a text, bits of a number: more than this is not evaluated.
LIMIT = 1_000_000

HOST_ERRORS = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, StopIteration, OSError, re.error)

SCALARS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, slice)
Fn = Callable[..., Any]


@lru_cache(maxsize=1024)
def _signature(fn: Fn) -> inspect.Signature | None:
    try:
        return inspect.signature(fn)
    except (TypeError, ValueError):
        return None


def native(name: str, *, strict: bool = False, stores: bool = False) -> Callable[[Fn], Builtin]:
    """Make a Builtin of ``fn(interp, *args, **kwargs)``.

    A call that does not fit the signature raises the program's TypeError. A OneOf among the arguments gives the join of
    the results for its options. strict: a call with an Unknown among its arguments is Unknown without asking `fn`.
    stores: the function keeps its arguments as they are, a OneOf included.
    """

    def make(fn: Fn) -> Builtin:
        return builtin(name, fn, strict=strict, stores=stores)

    return make


def spread(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any], run: Fn) -> Any:
    """``run(interp, args, kwargs)``, joined over the options of every OneOf among the arguments.

    An option for which the call raises is left out unless all do.
    """
    many: Any = next((p for p, value in enumerate(args) if value.__class__ is OneOf), None)
    if many is not None:
        before, after = args[:many], args[many + 1 :]
        return _joined(interp, args[many], lambda option: spread(interp, (*before, option, *after), kwargs, run))
    key: Any = next((k for k, value in kwargs.items() if value.__class__ is OneOf), None)
    if key is not None:
        return _joined(interp, kwargs[key], lambda option: spread(interp, args, {**kwargs, key: option}, run))
    return run(interp, args, kwargs)


def _joined(interp: Interpreter, value: OneOf, make: Callable[[Any], Any]) -> Any:
    results: list[Any] = []
    error: PyRaise | None = None
    for option in value.options:
        try:
            results.append(make(option))
        except PyRaise as raised:
            error = error or raised.apart()
    if not results and error is not None:
        raise error
    return state.join(results, "depends on which of several values it is", interp.here())


def builtin(name: str, fn: Fn, *, strict: bool = False, stores: bool = False) -> Builtin:
    """See :func:`native`."""

    def call(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for value in args:
            if value.__class__ is OneOf:
                return spread(interp, args, kwargs, run)
        if kwargs and any(v.__class__ is OneOf for v in kwargs.values()):
            return spread(interp, args, kwargs, run)
        return run(interp, args, kwargs)

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if strict:
            for value in map(concrete, args):
                if isinstance(value, Unknown):
                    return interp.unknown(f"{name}() of an unknown value", value)
            for value in kwargs.values():
                if isinstance(value, Unknown):
                    return interp.unknown(f"{name}() with an unknown argument", value)
        try:
            return fn(interp, *args, **kwargs)
        except TypeError as error:
            signature = _signature(fn)
            if signature is not None:
                try:
                    signature.bind(interp, *args, **kwargs)
                except TypeError:
                    raise PyRaise(TypeError(f"{name}() {error}")) from None
            raise

    return Builtin(name, run if stores else call)


def spreading(name: str, run: Callable[[Interpreter, tuple[Any, ...], dict[str, Any]], Any]) -> Builtin:
    """A Builtin of ``run(interp, args, kwargs)`` that is joined over the options of OneOf arguments."""
    return Builtin(name, lambda interp, args, kwargs: spread(interp, args, kwargs, run))


def unknown_builtin(name: str, reason: str) -> Builtin:
    """A function whose result nobody knows: it reads files, the clock, the network."""
    return Builtin(name, lambda interp, args, kwargs: interp.unknown(reason))


def constant_builtin(name: str, value: Any) -> Builtin:
    """A function that always answers `value`."""
    return Builtin(name, lambda interp, args, kwargs: value)


def host_call(interp: Interpreter, what: str, fn: Fn, *args: Any, **kwargs: Any) -> Any:
    """Call a pure host function on plain values; what it raises is the program's exception."""
    try:
        return fn(*args, **kwargs)
    except HOST_ERRORS as error:
        raise PyRaise(error) from None
    except (RecursionError, MemoryError):
        return too_large(interp, what)


def too_large(interp: Interpreter, what: str) -> Unknown:
    return interp.unknown(f"{what} is too large to evaluate here")


def plain(value: Any, budget: int = LIMIT) -> bool:
    """Whether `value` is concrete all the way down: what the host computes with it is what Python would."""
    return _plain(value, [budget], 0)


def _plain(value: Any, budget: list[int], depth: int) -> bool:
    if isinstance(value, SCALARS):
        return True
    budget[0] -= 1
    if budget[0] < 0 or depth > 100:
        return False
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        budget[0] -= len(value)
        return all(_plain(item, budget, depth + 1) for item in value)
    if isinstance(value, dict):
        budget[0] -= len(value)
        return all(_plain(k, budget, depth + 1) and _plain(v, budget, depth + 1) for k, v in value.items())
    return False


def too_deep(value: tuple[Any, ...], limit: int = 20_000) -> bool:
    """Whether a tuple, written out, has more parts than `limit`.

    Python hashes and compares tuples to the end without a chance to stop it, and ``t = (t, t)`` doubles them.
    """
    left = limit + len(value)  # a long flat tuple is none
    waiting = [value]
    while waiting:
        item = waiting.pop()
        left -= len(item)
        if left < 0:
            return True
        waiting.extend(part for part in item if part.__class__ is tuple)
    return False


def bushy(value: Any, limit: int = LIMIT) -> bool:
    """Whether nested lists, tuples and dicts, written out, have more parts than `limit`: ``a = [a, a]`` doubles them."""
    left = limit
    waiting = [value]
    while waiting:
        item = waiting.pop()
        parts: Any = item.values() if isinstance(item, dict) else item
        left -= len(parts) + 1
        if left < 0:
            return True
        waiting.extend(part for part in parts if isinstance(part, (list, tuple, dict)))
    return False


def find_unknown(value: Any, depth: int = 0) -> Unknown | None:
    """The first Unknown inside a structure of containers, if any."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, OneOf):
        return Unknown("one of several values")
    if depth < 20:
        if isinstance(value, (list, tuple, set, frozenset, deque)):
            items: Any = value
        elif isinstance(value, dict):
            items = value.values()
        else:
            return None
        for item in islice(items, 10_000):
            found = find_unknown(item, depth + 1)
            if found is not None:
                return found
    return None


_CONTENT = (*SCALARS[1:], list, tuple, dict, set, frozenset, deque, Sym, SymRatio, Unknown)


def concrete(value: Any) -> Any:
    """The builtin content of an instance whose class extends str, int, ...; other values are themselves."""
    return value.data if isinstance(value, Instance) and isinstance(value.data, _CONTENT) else value


def in_order(members: Any) -> list[Any]:
    """The members of a set in an order that is the same in every run: texts hash differently each time."""
    items = list(members)
    if any(isinstance(item, (str, bytes)) for item in items):
        items.sort(key=lambda item: (type(item).__name__, item if isinstance(item, str) else ""))
    return items


def collect(interp: Interpreter, iterable: Any, what: str = "the sequence", gaps: bool = False) -> Any:
    """All items as a host list, or Unknown where there are too many. gaps: those that may be absent are wanted, marked so."""
    if isinstance(iterable, (list, tuple, range, str, bytes, dict, set, frozenset)):
        if len_exceeds(iterable):
            return too_large(interp, what)
        if type(iterable) in (list, tuple, range, str) and (gaps or not interp.gaps):
            return list(iterable)
    items = list(islice(interp.items_of(iterable) if gaps else interp.iterate(iterable), LIMIT + 1))
    return too_large(interp, what) if len(items) > LIMIT else items


def len_exceeds(value: Any) -> bool:
    try:
        return len(value) > LIMIT
    except OverflowError:
        return True


def is_module_class(cls: ClassObject) -> bool:
    """Whether a class extends ``torch.nn.Module``, whose ``__call__`` is the machine's."""
    return any(
        isinstance(c, ClassObject) and c.name == "Module" and c.module.name == "torch.nn.modules.module"
        for c in cls.mro
    )


def index_of(interp: Interpreter, value: Any) -> Any:
    """`value` as an int the way ``operator.index`` does: an int, a Sym, an Unknown. Raises the program's TypeError."""
    value = concrete(value)
    if isinstance(value, (int, Sym, Unknown)):
        return int(value) if isinstance(value, bool) else value
    if isinstance(value, OneOf):
        return interp.unknown("one of several values", None)
    if isinstance(value, Tensor):
        probe = probe_of(value)
        if probe is not None:
            probe.learn("used as an index", number=True)
        item = interp.call(interp.getattr(value, "item"), (), {})
        interp.taken_out("__index__", value, item)
        return index_of(interp, item)
    if isinstance(value, Instance):
        method = interp.lookup_attribute(value, "__index__")
        if method is not MISSING:
            return index_of(interp, interp.call(method, (), {}))
    return interp.raise_(TypeError, f"'{type_name(value)}' object cannot be interpreted as an integer")


def type_name(value: Any) -> str:
    """The name of a value's type, for messages."""
    if isinstance(value, Instance):
        return value.cls.name
    if isinstance(value, SymRatio):
        return "float"
    return {"Sym": "int", "Function": "function", "Builtin": "builtin_function_or_method"}.get(
        type(value).__name__, type(value).__name__
    )


def need(interp: Interpreter, what: str, *values: Any) -> Unknown | None:
    """Unknown where one of `values` is not plain, else None."""
    for value in values:
        if not plain(value):
            cause = find_unknown(value)
            return interp.unknown(f"{what} needs a value that is not known here", cause)
    return None


def spoil(interp: Interpreter, container: Any, reason: str, length: int | None = None) -> Unknown:
    """After a change nobody can follow: every element becomes Unknown; `length` is the new number of elements."""
    interp.touch(container)
    unknown: Unknown = interp.unknown(reason)
    if isinstance(container, (list, deque)):
        count = len(container) if length is None else length
        container.clear()
        container.extend([unknown] * count)
    elif isinstance(container, dict):
        for key in container:
            dict.__setitem__(container, key, unknown)
    return unknown


class DictView:
    """``d.keys()``, ``.values()``, ``.items()`` as they were when asked for; keys and items answer set operations."""

    __slots__ = ("items", "kind")

    def __init__(self, kind: str, items: tuple[Any, ...]) -> None:
        self.kind = kind
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, value: object) -> bool:
        return value in self.items

    def _set(self, other: Any) -> set[Any] | None:
        if self.kind == "dict_values" or not isinstance(other, (DictView, set, frozenset, list, tuple, dict)):
            return None
        return set(other)

    def __and__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) & theirs

    def __or__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) | theirs

    def __sub__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) - theirs

    def __xor__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) ^ theirs

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __rsub__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else theirs - set(self.items)

    def __eq__(self, other: object) -> Any:
        if self.kind == "dict_values" or not isinstance(other, (DictView, set, frozenset)):
            return self is other
        return set(self.items) == set(other)

    __hash__ = None  # type: ignore[assignment]

    def __le__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) <= theirs

    def __lt__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) < theirs

    def __ge__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) >= theirs

    def __gt__(self, other: Any) -> Any:
        theirs = self._set(other)
        return NotImplemented if theirs is None else set(self.items) > theirs

    def __repr__(self) -> str:
        return f"{self.kind}({list(self.items)!r})"


class DefaultDict(dict[Any, Any]):
    """``collections.defaultdict``: a missing key is filled by calling the interpreted factory."""

    __slots__ = ("default_factory", "interp")

    def __init__(self, interp: Interpreter, factory: Any) -> None:
        super().__init__()
        self.interp = interp
        self.default_factory = factory

    def __missing__(self, key: Any) -> Any:
        if self.default_factory is None:
            raise KeyError(key)
        value = self.interp.call(self.default_factory, (), {})
        self.interp.touch(self)
        self[key] = value
        return value

    def copy(self) -> DefaultDict:
        made = DefaultDict(self.interp, self.default_factory)
        made.update(self)
        return made

    def __reduce__(self) -> Any:
        raise TypeError("not for pickling")


DICT_TYPES = (dict, OrderedDict, DefaultDict, Counter)
