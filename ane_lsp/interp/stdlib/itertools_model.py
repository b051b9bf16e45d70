"""``itertools``: lazy iterators over interpreter values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.builtins import keep, lost_iteration
from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name
from ane_lsp.interp.support import collect, find_unknown, index_of, native, plain
from ane_lsp.interp.values import MISSING, IteratorObject

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


def _iterator(source: Iterator[Any]) -> IteratorObject:
    return IteratorObject(source, "itertools iterator")


def _verdict(interp: Interpreter, value: Any) -> bool:
    verdict = interp.truth(value)
    if isinstance(verdict, Unknown):
        raise lost_iteration(verdict)
    return bool(verdict)


@native("itertools.count")
def _count(interp: Interpreter, start: Any = 0, step: Any = 1) -> Any:
    def numbers() -> Iterator[Any]:
        value = start
        while True:
            yield value
            value = interp.binary("+", value, step)

    return _iterator(numbers())


@native("itertools.cycle")
def _cycle(interp: Interpreter, iterable: Any, /) -> Any:
    items = collect(interp, iterable)
    return items if isinstance(items, Unknown) else _iterator(itertools.cycle(items))


@native("itertools.repeat", stores=True)
def _repeat(interp: Interpreter, object: Any, times: Any = MISSING) -> Any:
    if times is MISSING:
        return _iterator(itertools.repeat(object))
    number = index_of(interp, times)
    if not isinstance(number, int):
        return interp.unknown("a value repeated an unknown number of times", find_unknown(number))
    return _iterator(itertools.repeat(object, number))


@native("itertools.chain")
def _chain(interp: Interpreter, *iterables: Any) -> Any:
    def items() -> Iterator[Any]:
        for iterable in iterables:
            yield from interp.iterate(iterable)

    return _iterator(items())


@native("itertools.chain.from_iterable")
def _from_iterable(interp: Interpreter, iterable: Any, /) -> Any:
    outer = interp.iterate(iterable)

    def items() -> Iterator[Any]:
        for inner in outer:
            yield from interp.iterate(inner)

    return _iterator(items())


def _ticking(interp: Interpreter, source: Iterator[Any]) -> Iterator[Any]:
    """`source`, where a host function may take items from it without end."""
    for item in source:
        interp.tick()
        yield item


@native("itertools.islice")
def _islice(interp: Interpreter, iterable: Any, /, *bounds: Any) -> Any:
    limits = [None if b is None else index_of(interp, b) for b in bounds]
    for limit in limits:
        if limit is not None and not isinstance(limit, int):
            return interp.unknown("a slice with an unknown bound", find_unknown(limit))
    source = interp.iterate(iterable)
    try:
        return _iterator(itertools.islice(_ticking(interp, source), *limits))
    except ValueError as error:
        return interp.raise_(ValueError, str(error))


@native("itertools.zip_longest", stores=True)
def _zip_longest(interp: Interpreter, *iterables: Any, fillvalue: Any = None) -> Any:
    return _iterator(itertools.zip_longest(*[interp.iterate(i) for i in iterables], fillvalue=fillvalue))


@native("itertools.product")
def _product(interp: Interpreter, *iterables: Any, repeat: Any = 1) -> Any:
    lists = [collect(interp, i) for i in iterables]
    lost = next((v for v in lists if isinstance(v, Unknown)), None)
    if lost is not None or not isinstance(repeat, int) or repeat > 1000:
        return interp.unknown("a product of unknown sequences", lost)
    return _iterator(itertools.product(*lists, repeat=repeat))


def _selection(name: str) -> Any:
    def run(interp: Interpreter, iterable: Any, r: Any = None) -> Any:
        items = collect(interp, iterable)
        if isinstance(items, Unknown):
            return items
        if r is not None and not isinstance(r, int):
            return interp.unknown("selections of an unknown size", find_unknown(r))
        if r is not None and r < 0:
            return interp.raise_(ValueError, "r must be non-negative")
        made = getattr(itertools, name)
        return _iterator(made(items) if name == "permutations" and r is None else made(items, r))

    return native(f"itertools.{name}")(run)


@native("itertools.accumulate", stores=True)
def _accumulate(interp: Interpreter, iterable: Any, func: Any = None, *, initial: Any = None) -> Any:
    source = interp.iterate(iterable)

    def totals() -> Iterator[Any]:
        total = initial
        if total is None:
            total = next(source, MISSING)
            if total is MISSING:
                return
        yield total
        for item in source:
            total = interp.binary("+", total, item) if func is None else interp.call(func, (total, item), {})
            yield total

    return _iterator(totals())


@native("itertools.starmap")
def _starmap(interp: Interpreter, function: Any, iterable: Any, /) -> Any:
    source = interp.iterate(iterable)
    return _iterator(interp.call(function, tuple(interp.iterate(args)), {}) for args in source)


@native("itertools.takewhile")
def _takewhile(interp: Interpreter, predicate: Any, iterable: Any, /) -> Any:
    source = interp.iterate(iterable)

    def items() -> Iterator[Any]:
        for item in source:
            if not _verdict(interp, interp.call(predicate, (item,), {})):
                return
            yield item

    return _iterator(items())


@native("itertools.dropwhile")
def _dropwhile(interp: Interpreter, predicate: Any, iterable: Any, /) -> Any:
    source = interp.iterate(iterable)

    def items() -> Iterator[Any]:
        for item in source:
            if not _verdict(interp, interp.call(predicate, (item,), {})):
                yield item
                break
        yield from source

    return _iterator(items())


@native("itertools.filterfalse")
def _filterfalse(interp: Interpreter, predicate: Any, iterable: Any, /) -> Any:
    return keep(interp, predicate, iterable, False, "filterfalse")


@native("itertools.compress")
def _compress(interp: Interpreter, data: Any, selectors: Any) -> Any:
    pairs = zip(interp.iterate(data), interp.iterate(selectors), strict=False)
    return _iterator(item for item, flag in pairs if _verdict(interp, flag))


@native("itertools.pairwise")
def _pairwise(interp: Interpreter, iterable: Any, /) -> Any:
    return _iterator(itertools.pairwise(interp.iterate(iterable)))


@native("itertools.tee")
def _tee(interp: Interpreter, iterable: Any, n: Any = 2, /) -> Any:
    if not isinstance(n, int) or n > 1000:
        return interp.unknown("an unknown number of iterators", find_unknown(n))
    return tuple(_iterator(t) for t in itertools.tee(interp.iterate(iterable), n))


@native("itertools.groupby")
def _groupby(interp: Interpreter, iterable: Any, key: Any = None) -> Any:
    items = collect(interp, iterable)
    if isinstance(items, Unknown):
        return items
    groups: list[tuple[Any, list[Any]]] = []
    for item in items:
        rank = item if key is None else interp.call(key, (item,), {})
        same = interp.truth(interp.equal(groups[-1][0], rank)) if groups else False
        if isinstance(same, Unknown):
            return interp.unknown("which items belong together is not known", same)
        if same:
            groups[-1][1].append(item)
        else:
            groups.append((rank, [item]))
    return _iterator((rank, _iterator(iter(members))) for rank, members in groups)


@native("itertools.batched")
def _batched(interp: Interpreter, iterable: Any, n: Any, *, strict: Any = False) -> Any:
    if not isinstance(n, int) or not plain(strict):
        return interp.unknown("batches of an unknown size", find_unknown(n))
    if n < 1:
        return interp.raise_(ValueError, "n must be at least one")
    source = interp.iterate(iterable)

    def batches() -> Iterator[Any]:
        while batch := tuple(itertools.islice(source, n)):
            yield batch

    return _iterator(batches())


def _itertools(interp: Interpreter) -> Namespace:
    from ane_lsp.interp.values import NativeType, StaticMethod

    chain = NativeType(
        "chain", "itertools", _chain.fn, lambda v: False, {"from_iterable": StaticMethod(_from_iterable)}
    )
    return {
        **by_name(
            _count, _cycle, _repeat, _islice, _zip_longest, _product, _accumulate, _starmap, _takewhile, _dropwhile,
            _filterfalse, _compress, _pairwise, _tee, _groupby, _batched, _selection("permutations"),
            _selection("combinations"), _selection("combinations_with_replacement"),
        ),
        "chain": chain,
    }  # fmt: skip


MODULES: dict[str, Maker] = {"itertools": _itertools}
