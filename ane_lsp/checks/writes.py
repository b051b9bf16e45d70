"""Writes into tensors that a traced conversion loses, makes elsewhere or refuses.

A trace notes what is written into a tensor under the name of that tensor alone. Of names that share its memory (views, and what they are
views of) coremltools follows one kind: a store that ends a chain of subscripts is made in the tensor where the chain begins, and each
item of the chain is taken for the next axis of it. Here the calls of a graph are gone through with both in mind, what torch does to
memory and what those names hold in a converted program; where they part before something is read, the write is reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Any, NamedTuple

from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.checks.finding import Related
from ane_lsp.checks.wording import advice, qualified
from ane_lsp.graph import Call, Graph, Span, Value
from ane_lsp.graph.liveness import values
from ane_lsp.graph.records import dataclass
from ane_lsp.knowledge import conversion
from ane_lsp.torch_model import registry

_LOAD, _STORE, _SELECT = "torch.Tensor.__getitem__", "torch.Tensor.__setitem__", "torch.Tensor.select"
# Results that share memory with the first argument whatever its strides are; `reshape` and `flatten` may copy.
_VIEWS = frozenset(
    f"{owner}.{name}"
    for owner in ("torch", "torch.functional", "torch.Tensor")
    for name in (
        "view", "view_as", "select", "narrow", "transpose", "swapaxes", "swapdims", "permute", "movedim", "moveaxis", "t",
        "squeeze", "unsqueeze", "expand", "expand_as", "chunk", "split", "split_with_sizes", "tensor_split", "hsplit", "vsplit",
        "dsplit", "unbind", "diagonal", "unfold", "detach", "T", "mT",
    )
) | {_LOAD}  # fmt: skip
_COPY, _FILL, _ZERO = (f"torch.Tensor.{name}_" for name in ("copy", "fill", "zero"))
_STORES = frozenset({_STORE, _COPY, _FILL, _ZERO})
_SCOPE = "(coremltools 9.0 and main)"


def written(call: Call) -> Value | None:
    """The tensor whose numbers a call changes in place, None for no such call."""
    decl = registry.find(call.torch)
    if decl is not None and decl.mutates:
        target = call.params.get(decl.mutates)
        return target if isinstance(target, Value) else None
    if _is_inplace(call.torch) or conversion.argument(call, "inplace") is True:
        return conversion.first_tensor(call)
    return None


def is_view(call: Call) -> bool:
    """Whether what a call gives certainly shares memory with its first tensor."""
    items = _items(call) if call.torch == _LOAD else ()
    return call.torch in _VIEWS and all(_is_plain(item) or item is None or item is Ellipsis for item in items)


def handed_on(call: Call) -> Value | None:
    """The tensor that a call gives as it was given, perhaps as a copy of itself, None for no such call."""
    made = call.result
    return made if isinstance(made, Value) and made.id in call.reads else None


def _is_inplace(torch: str) -> bool:
    decl = registry.find(torch)
    return decl is not None and registry.is_inplace(torch) and "view" not in decl.tags


@graph_rule("ANE126", per_target=False)
def write_lost(context: Context) -> Iterator[Report]:
    """Writes that something reads later under another name than a traced conversion makes them under."""
    followed, options = _followed(context), context.options
    for call, reader in followed.lost.items():
        if call in followed.misplaced or call in followed.refused:
            continue
        if call.id < context.last and conversion.refusal(call, "trace", options.coremltools, options.opset) is not None:
            continue  # it is not lost: it does not convert
        mixed = call.torch == _STORE and any(map(_is_index, _items(call)))
        what = (
            "a store with indices or a mask beside other items of the subscript is lost"
            if mixed
            else f"what {_spelled(call)} changes through a view is changed in that view alone"
            if call.torch != _STORE
            else "what is stored through a view is stored in that view alone"
        )
        yield Report(
            f"Traced, {what}: the model converts, and computes with the old numbers {_SCOPE}. "
            f"{advice('ANE126', 'mixed' if mixed else 'advice')}",
            at=call,
            related=(Related(reader, "read here, without the change"),) if reader is not None else (),
            data={"torch": call.torch, "converts": True},
        )


@graph_rule("ANE127", per_target=False)
def store_misplaced(context: Context) -> Iterator[Report]:
    """Stores whose subscript a traced conversion takes for another."""
    for call, behind in _followed(context).misplaced.items():
        what = "behind an ellipsis" if behind else "into a part of a slice"
        yield Report(
            f"Traced, a store {what} converts into one that counts the items of the subscript as axes from the first: it changes "
            f"other elements, or fails where the shapes do not fit {_SCOPE}. {advice('ANE127', 'ellipsis' if behind else 'advice')}",
            at=call,
            data={"torch": call.torch, "converts": True},
        )


_REFUSED = {
    "target": "of anything but a subscript's result does not convert",
    "size": "of a tensor that has to be broadcast does not convert",
    "index": "of a number at an index that is a tensor does not convert",
    "ellipsis": "with indices behind an ellipsis does not convert",
    "zero": "has no converter",
}


@graph_rule("ANE128", per_target=False)
def store_refused(context: Context) -> Iterator[Report]:
    """Stores that a traced conversion does not take."""
    for call, reason in _followed(context).refused.items():
        subject = "a store" if call.torch == _STORE else _spelled(call)
        yield Report(
            f"Traced, {subject} {_REFUSED[reason]} {_SCOPE}. {advice('ANE128', reason)}",
            at=call,
            data={"torch": call.torch},
        )


def lasts(call: Call, context: Context) -> bool:
    """Whether a call stays in a trace for what it changes."""
    return call in _followed(context).live


def _spelled(call: Call) -> str:
    """As :func:`qualified`, with the underscore of a method in place."""
    return qualified(call).removesuffix("_") + "_" * call.torch.endswith("_")


def _followed(context: Context) -> _Traced:
    known: _Traced | None = context.memo.get("writes")
    if known is None:
        known = context.memo["writes"] = _Traced(context)
        writes = _writes(context) if context.options.export_path == "trace" else {}
        if writes:
            known.follow(context.graph, writes)
    return known


def _writes(context: Context) -> dict[int, Value]:
    """What calls change in place, by their ids; nothing where none of it shares memory and all stores have plain subscripts."""
    asked = {call.torch for call in context.graph.calls if "inplace" in call.params or "inplace" in call.hyper}
    calls = context.called(lambda torch: torch == _STORE or torch in asked or _is_inplace(torch))
    found = {call.id: target for call in calls if (target := written(call)) is not None}
    if not all(call.torch == _STORE and all(map(_is_known, _items(call))) for call in calls if call.torch in _STORES):
        return found
    targets = {target.id for target in found.values()}
    views = context.called(_VIEWS.__contains__) if found else ()
    shared = any(
        value.id in targets for call in views for one in (*call.args[:1], call.result) for value in values(one)
    )
    return found if shared else {}


def _items(call: Call) -> tuple[Any, ...]:
    """The items of the subscript of a load or store."""
    key = call.args[1] if len(call.args) > 1 else call.params.get("key")
    return key if isinstance(key, tuple) else (key,)


def _is_plain(item: object) -> bool:
    """Whether an item of a subscript is an integer or a slice."""
    return isinstance(item, slice) or _is_number(item)


def _is_number(item: object) -> bool:
    """Whether an item of a subscript is an integer, or a tensor that holds one."""
    if isinstance(item, Value):
        return item.type.shape == () and item.type.dtype is not None and item.type.dtype[0] in "iu"
    return type(item) is int


def _is_known(item: object) -> bool:
    return _is_plain(item) and not _is_computed(item)


def _is_computed(item: object) -> bool:
    """Whether an item of a subscript is known at run time alone."""
    parts = (item.start, item.stop, item.step) if isinstance(item, slice) else (item,)
    return any(isinstance(part, Value) and not part.is_const for part in parts)


def _is_index(item: object) -> bool:
    """Whether an item of a subscript is certainly a tensor or list of indices, or a mask."""
    return isinstance(item, list) or (isinstance(item, Value) and bool(item.type.shape))


@dataclass(slots=True, eq=False)
class _Memory:
    """That of a whole tensor, or the part of another that a view shows. kept: what is written into it is there after the run, as it is
    that of an input, parameter or buffer. doubtful: not all that is written into it is known."""

    parent: _Memory | None = None
    kept: bool = False
    parts: dict[object, _Memory] = field(default_factory=dict)
    doubtful: bool = False

    def part(self, key: object) -> _Memory:
        """The same one for the same key."""
        return self.parts.setdefault(key, _Memory(self))

    def within(self, other: _Memory) -> bool:
        """Whether it is the other, or a part of it."""
        memory: _Memory | None = self
        while memory is not None and memory is not other:
            memory = memory.parent
        return memory is not None

    @property
    def whole(self) -> _Memory:
        memory = self
        while memory.parent is not None:
            memory = memory.parent
        return memory


class _Chain(NamedTuple):
    """Subscripts, each of the last one's result. name: what the first is of. placed: their items are those of the first axes in turn.
    integers: all of them, so that the next item is that of the next axis. skips: an ellipsis stands for axes ahead of an item.
    """

    name: int
    placed: bool = True
    integers: bool = True
    skips: bool = False

    def then(self, items: tuple[Any, ...], value: Value) -> _Chain:
        """With a subscript of `value`."""
        skips = _skips(items, value)
        placed = self.placed and self.integers and not skips
        return _Chain(self.name, placed, self.integers and all(map(_is_number, items)), self.skips or skips)


def _skips(items: tuple[Any, ...], value: Value) -> bool:
    """Whether an ellipsis stands for axes ahead of an item that takes a part of one. An unknown rank does not tell."""
    shape = value.type.shape
    if Ellipsis not in items or shape is None or len(shape) < len(items):
        return False
    return any(item != slice(None) for item in items[items.index(Ellipsis) + 1 :])


class _Traced:
    """What the names of a traced model hold. lost: calls of whose writes something reads nothing, and where it does (None: what forward
    returns). misplaced: stores that are made elsewhere, and whether an ellipsis is to blame. refused: those that do not convert, and why.
    live: calls that write into memory which is read later; of others nothing is left in a trace.

    A name is the id of a value, or below zero that of a call which changed one in place.
    """

    def __init__(self, context: Context) -> None:
        self.lost: dict[Call, Span | None] = {}
        self.misplaced: dict[Call, bool] = {}
        self.refused: dict[Call, str] = {}
        self.live: set[Call] = set()
        self._context = context
        self._memory: dict[int, _Memory] = {}
        self._names: dict[int, int] = {}
        self._held: defaultdict[int, frozenset[int]] = defaultdict(frozenset)  # the writes that a name has seen
        self._chains: dict[int, _Chain] = {}  # that end in a value
        self._open: set[int] = set()  # values that a store may be made in as a whole: those of torch.empty, and of x[:]
        self._zeroed: dict[int, Call] = {}  # names that hold nothing but zeros
        self._copied: dict[int, Span] = {}  # where a value was handed on, perhaps as a copy of itself
        self._waiting: defaultdict[_Memory | int, list[Call]] = defaultdict(
            list
        )  # until that memory, or a value, is read
        self._writes: defaultdict[_Memory, list[tuple[Call, _Memory]]] = defaultdict(list)

    def follow(self, graph: Graph, writes: dict[int, Value]) -> None:
        ops = defaultdict(list)
        for op in graph.ops:
            if op.id not in self._context.idle:
                ops[op.call.id].append(op)
        for call in graph.calls:
            target = writes.get(call.id)
            if target is None and self._view(call):
                continue
            for op in ops[call.id]:
                self._read((v for v in op.input_values() if target is None or v.id != target.id), call.span)
            if target is not None:
                self._write(call, target)
            elif call.torch == "torch.empty":
                self._open.update(value.id for value in values(call.result))
            elif (same := handed_on(call)) is not None:
                self._copy(call, same)
        self._read(graph.outputs, None)
        self.misplaced = {call: behind for call, behind in self.misplaced.items() if call in self.live}
        self.refused = {call: reason for call, reason in self.refused.items() if call in self.live}

    def _name(self, value: Value) -> int:
        return self._names.get(value.id, value.id)

    def _memory_of(self, value: Value) -> _Memory:
        return self._memory.setdefault(
            value.id, _Memory(kept=value.origin in ("input", "parameter", "buffer", "state"))
        )

    def _read(self, taken: Iterable[Value], at: Span | None) -> None:
        for value in taken:
            if self._name(value) in self._zeroed:
                self.refused[self._zeroed[self._name(value)]] = "zero"
            self.live.update(self._waiting.pop(value.id, ()))
            memory = self._memory.get(value.id)
            if memory is None:
                continue
            self.live.update(self._waiting.pop(memory.whole, ()))
            if memory.whole.doubtful:
                continue
            held = self._held[self._name(value)]
            for call, changed in self._writes.get(memory.whole, ()):
                if call.id not in held and (changed.within(memory) or memory.within(changed)):
                    self.lost.setdefault(call, at)

    def _view(self, call: Call) -> bool:
        """Whether a call makes views; notes of what."""
        given = conversion.first_tensor(call)
        if given is None or not is_view(call):
            return False
        items = _items(call) if call.torch == _LOAD else ()
        copied = self._copied.get(given.id)
        if copied is not None and _encloses(call.span, copied):  # x.clone()[0]: nobody else has that copy
            return False
        made = [value for value in values(call.result) if value.id != given.id]
        if not made and items:
            self._open.add(given.id)
        for number, value in enumerate(made):
            self._memory[value.id] = self._memory_of(given).part(_key(call, number))
            self._held[value.id] = self._held[self._name(given)]
        if made and (call.torch == _SELECT or (items and None not in items)):
            chain = self._chains.pop(given.id, None) or _Chain(self._name(given))
            first = call.torch == _SELECT and call.params.get("dim") == 0
            step = chain.then(items or (0,), given)
            self._chains[made[0].id] = step if items or first else step._replace(placed=False, integers=False)
        return True

    def _write(self, call: Call, target: Value) -> None:
        """What a call changes in memory, and what a traced conversion makes of it."""
        memory, others = self._memory_of(target), [v for v in call.given if v.id != target.id]
        if memory.whole.kept:
            self.live.add(call)
        self._waiting[memory.whole].append(call)
        made = call.result if isinstance(call.result, Value) else None
        if made is not None and made.id in {target.id, *(v.id for v in others)}:
            self._waiting[made.id].append(call)  # copy_ gives what it was given
            made = None
        if call.torch == _ZERO and call.id < self._context.last:
            self.refused[call] = "zero"
            memory.whole.doubtful = True
            if made is not None:
                self._memory[made.id] = memory
            return
        changed, chain, kept = memory, None, True
        if call.torch == _STORE:
            items = _items(call)
            if all(_is_plain(item) or item is Ellipsis for item in items):
                changed, chain = memory.part(_key(call)), self._stored(call, target, items)
            elif any(map(_is_index, items)) and all(_is_index(i) or _is_plain(i) or i is Ellipsis for i in items):
                changed, kept = memory.part(call.id), not any(map(_is_plain, items))
                if kept and _skips(items, target):
                    self.refused[call] = "ellipsis"
            else:
                memory.whole.doubtful = True
        elif call.torch in (_COPY, _FILL):
            chain = self._stored(call, target, ())
        elif made is None and call.torch != _ZERO:  # dropout: nothing is changed
            return
        elif target.id in self._copied:  # of which one, is not known
            changed = memory.part(call.id)
        known, name = self._writes[memory.whole], self._name(target)
        seen = {call.id}.union(*(self._held[self._name(value)] for value in others))
        if chain is not None:  # what was written there before is overwritten
            seen.update(earlier.id for earlier, place in known if place.within(changed))
            self._held[chain.name] |= seen
        elif kept:
            name = -1 - call.id
            self._held[name] = self._held[self._name(target)] | seen
            if call.torch == _ZERO:
                self._zeroed[name] = call
        self._names[target.id] = name
        if made is not None:
            self._memory[made.id], self._names[made.id] = memory, name
        known.append((call, changed))

    def _stored(self, call: Call, target: Value, items: tuple[Any, ...]) -> _Chain:
        """The subscripts by which a store is made; notes what is wrong with them."""
        known = self._chains.get(target.id)
        if any(map(_is_plain, items)):
            self._chains.pop(target.id, None)
            chain = (known or _Chain(self._name(target))).then(items, target)
        else:
            if known is None and target.id not in self._open:
                self.refused[call] = "target"
            chain = known or _Chain(self._name(target))
        if not chain.placed:
            self.misplaced[call] = chain.skips
        stored = next((v for v in (call.args[1:] if items == () else call.args[2:]) if isinstance(v, Value)), None)
        if call.torch == _COPY and stored is not None and _sizes_differ(stored, target):
            self.refused.setdefault(call, "size")
        if call.torch == _STORE and any(map(_is_computed, items)) and (stored is None or stored.type.shape == ()):
            self.refused[call] = "index"
        return chain

    def _copy(self, call: Call, value: Value) -> None:
        """The call may have made a copy: whose view that is, is not known."""
        self._read([value], call.span)
        self._memory.pop(value.id, None)
        self._chains.pop(value.id, None)
        self._copied[value.id] = call.span


def _sizes_differ(one: Value, other: Value) -> bool:
    """Whether two tensors certainly have other sizes."""
    if one.type.shape is None or other.type.shape is None:
        return False
    pairs = zip(one.type.shape, other.type.shape)
    return len(one.type.shape) != len(other.type.shape) or any(
        isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs
    )


def _key(call: Call, number: int = 0) -> object:
    """Tells apart what views, or stores, take of one tensor: the same key is the same part."""
    if call.torch in (_LOAD, _STORE):
        return str(_items(call))
    if any(True for given in (call.args[1:], tuple(call.kwargs.values())) for _ in values(given)):
        return call.id
    return call.torch, number, str(call.args[1:]), str(call.kwargs)


def _encloses(outer: Span, inner: Span) -> bool:
    """Whether a place lies in another."""
    begins = (outer.line, outer.col) <= (inner.line, inner.col)
    return outer.file == inner.file and begins and (inner.end_line, inner.end_col) <= (outer.end_line, outer.end_col)
