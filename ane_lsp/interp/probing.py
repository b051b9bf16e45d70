"""What a model's inputs must look like, from how its forward uses them.

A forward is run on *probes*: tensors of unknown shape that remember which operations they meet. A convolution tells rank
and channels, a Linear the last size, an embedding that the input holds ids. A result whose shape follows from a probe's is
a probe itself, linked to it, so that what a later use tells about it is told about the input. From that a symbolic shape is
built; what no use and no name tells stays unknown. What operations tell is in :mod:`ane_lsp.interp.uses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, dims
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.values import Tensor

_NAMES: dict[int, tuple[str, ...]] = {
    1: ("L",),
    2: ("B", "C"),
    3: ("B", "L", "C"),
    4: ("B", "C", "H", "W"),
    5: ("B", "C", "D", "H", "W"),
}

# Names that model code gives to inputs of one kind: symbolic sizes and dtype.
CONVENTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "input_ids": (("B", "L"), "i64"), "decoder_input_ids": (("B", "L"), "i64"), "token_type_ids": (("B", "L"), "i64"),
    "position_ids": (("B", "L"), "i64"), "attention_mask": (("B", "L"), "i64"), "tokens": (("B", "L"), "i64"),
    "idx": (("B", "L"), "i64"), "pixel_values": (("B", "C", "H", "W"), "f32"), "image": (("B", "C", "H", "W"), "f32"),
    "images": (("B", "C", "H", "W"), "f32"), "img": (("B", "C", "H", "W"), "f32"),
    "hidden_states": (("B", "L", "C"), "f32"), "inputs_embeds": (("B", "L", "C"), "f32"),
    "timestep": (("B",), "f32"), "timesteps": (("B",), "f32"), "encoder_hidden_states": (("B", "S", "C"), "f32"),
}  # fmt: skip


WORDS = ("its name", "its comment", "its docstring")
"""What tells of inputs in words, which what the code does may contradict."""


def named_dtype(name: str) -> str | None:
    """The dtype that an input's name gives by convention, None for a name that says nothing."""
    known = CONVENTIONS.get(name)
    return known[1] if known is not None else "i64" if name.endswith("_ids") else None


Sizes = Mapping[int, DimLike]
NOTHING: Sizes = {}


@dataclass(frozen=True, slots=True)
class Facts:
    """What one use tells. sizes: by axis, negative ones count from the end. number: whether it is one of Python's, and no tensor. least:
    so many dimensions it has at least."""

    told: str
    rank: int | None = None
    sizes: Sizes = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    dtype: str | None = None
    number: bool | None = None
    least: int = 0


Back = Callable[[Facts], Facts]
"""What facts about a result say about the value it was made from."""
Use = Facts | tuple[str, TensorType] | int
"""What a use tells: facts, the arguments of :meth:`Probe.suggest`, or that of :meth:`Probe.rank_is_likely`."""


@dataclass(slots=True, eq=False)
class Probe:
    """What was learned about one input, or about a value made from it. told: how, for the reader.

    suggested: a shape it is combined with elementwise: likely its own, where nothing else tells. heard: where somebody asks,
    what uses told of it, and perhaps of others, in order, whether it was new or not; of what follows from what was
    told of another in the list, that one.
    """

    name: str
    rank: int | None = None
    names: tuple[str, ...] | None = None
    sizes: dict[int, DimLike] = field(default_factory=dict)
    dtype: str | None = None
    told: str = ""
    suggested: TensorType | None = None
    suggested_by: str = ""
    likely: int | None = None  # its rank, where only what is made from it meets another tensor elementwise
    links: tuple[tuple[Probe, Back], ...] = ()
    usual: str = "f32"  # the dtype of floats in this model
    pieces: bool = False  # the value is several tensors that look like this
    listed: bool = False  # the input is a list of such tensors, nobody knows how many
    number: bool | None = None  # whether it is a number of Python's, and no tensor
    unworded: bool = False  # what comments and docstrings say of it was contradicted
    least: int = 0  # so many dimensions it has at least
    heard: list[Heard] | None = None

    def learn(self, told: str, rank: int | None = None, sizes: Sizes = NOTHING, names: tuple[str, ...] | None = None,
              dtype: str | None = None, number: bool | None = None) -> None:  # fmt: skip
        """Keep facts that are not known yet, here and in what this was made from; the first use counts."""
        self.take(Facts(told, rank, {a: s for a, s in sizes.items() if dims.is_known(s)}, names, dtype, number))

    def _note(self, use: Use, cause: Probe | None) -> Probe | None:
        """Tell who asks of a use, and return what causes all that follows from it."""
        if self.heard is None:
            return cause
        self.heard.append((self, use, cause if cause is not None and cause.heard is self.heard else None))
        return self

    def take(self, facts: Facts, cause: Probe | None = None) -> None:
        """Keep what is not known yet. cause: what it was told of, where it follows from that."""
        cause = self._note(facts, cause)
        new = False
        if facts.least > self.least:
            self.least = facts.least
            for source, back in self.links:
                source.take(Facts(facts.told, least=back(Facts(facts.told, facts.least)).rank or 0), cause)
        if facts.rank is not None and self.rank is None and facts.rank >= self.least:
            self.rank, new = facts.rank, True
        fits = facts.rank in (None, self.rank)  # else it is a branch that is not taken, or something that is stretched
        for axis, size in facts.sizes.items():
            if axis not in self.sizes and (fits or axis < 0):
                self.sizes[axis], new = size, True
        if facts.names is not None and self.names is None:
            self.names, new = facts.names, True
        if facts.dtype is not None and self.dtype is None:
            self.dtype, new = facts.dtype, True
        if facts.number is not None and self.number is None:
            self.number, new = facts.number, new or facts.number
        if new:
            self.told = self.told or facts.told
            for source, back in self.links:
                source.take(back(facts), cause)

    def reaches(self, told: str, axis: int) -> None:
        """The value has this axis."""
        self.take(Facts(told, least=axis + 1 if axis >= 0 else -axis))

    def suggest(self, told: str, kind: TensorType, cause: Probe | None = None) -> None:
        """The value meets another of this shape elementwise."""
        cause = self._note((told, kind), cause)
        if self.suggested is None and kind.shape is not None:
            self.suggested, self.suggested_by = kind, told
            for source, back in self.links:
                if back in (same, same_shape, same_integers):
                    source.suggest(told, kind, cause)
                else:
                    source.rank_is_likely(back(Facts(told, kind.rank)).rank, cause)

    def rank_is_likely(self, rank: int | None, cause: Probe | None = None) -> None:
        """What was made from it meets a tensor of a rank that follows from this one."""
        if rank is None or rank <= 0:
            return
        cause = self._note(rank, cause)
        if self.likely is None:
            self.likely = rank
            for source, back in self.links:
                source.rank_is_likely(back(Facts("", rank)).rank, cause)

    def linked(self, back: Back, pieces: bool = False) -> Probe:
        """A value made from this one."""
        return Probe(self.name, links=((self, back),), pieces=pieces)

    def hear(self, use: Use) -> None:
        """Learn again what was :attr:`heard` before."""
        if isinstance(use, Facts):
            self.take(use)
        elif isinstance(use, int):
            self.rank_is_likely(use)
        else:
            self.suggest(*use)

    def state(self) -> tuple[Any, ...]:
        """What uses of it depend on."""
        return (
            self.name, self.rank, self.names, tuple(self.sizes.items()), self.dtype, self.told, self.suggested,
            self.suggested_by, self.usual, self.pieces, self.listed, self.number, self.likely, self.unworded, self.least,
        )  # fmt: skip

    def made_of(self, others: Sequence[Probe]) -> tuple[Any, ...]:
        """How it was made from some of `others`, and what is known of what lies between."""
        ends = {one: -1 - place for place, one in enumerate(others) if one is not self}
        if ends.keys().isdisjoint(self.leads_to()):
            return ()
        parts: list[Any] = []
        numbers: dict[Probe, int | None] = {**ends}  # None where none of them is behind it
        pending = [self]
        while pending:
            probe = pending[-1]
            before = [source for source, _ in probe.links if source not in numbers]
            if before and probe not in numbers:
                pending += before
                continue
            pending.pop()
            if probe in numbers:
                continue
            links = [(_written(back), number) for one, back in probe.links if (number := numbers[one]) is not None]
            numbers[probe] = len(parts) if links else None
            if links:
                parts.append((probe.state(), tuple(links)))
        return tuple(parts)

    def copied(self, made: dict[Probe, Probe]) -> Probe:
        """A copy of this probe and of all it was made from. made: what stands for others already; it grows."""
        known = made.get(self)
        if known is None:
            known = made[self] = replace(self, sizes=dict(self.sizes), links=(), heard=None)
            known.links = tuple((source.copied(made), back) for source, back in self.links)
        return known

    @contextmanager
    def unlearning(self) -> Iterator[None]:
        """Afterwards it, and all it was made from, know what they knew before."""
        before = [(probe, replace(probe, sizes=dict(probe.sizes))) for probe in self.leads_to()]
        try:
            yield
        finally:
            for probe, known in before:
                for name in Probe.__slots__:
                    setattr(probe, name, getattr(known, name))

    def leads_to(self) -> Iterator[Probe]:
        """This probe and all it was made from."""
        pending, seen = [self], {id(self)}
        for probe in pending:
            yield probe
            for source, _ in probe.links:
                if id(source) not in seen:
                    seen.add(id(source))
                    pending.append(source)

    def believes(self, told: str) -> bool:
        """Whether what `told` says of it counts: what the code does may have contradicted words."""
        return not told.startswith(WORDS) or not any(probe.unworded for probe in self.leads_to())

    @property
    def knows(self) -> bool:
        return self.rank is not None or bool(self.sizes) or self.dtype in ("i64", "i32")

    @property
    def vague(self) -> bool:
        """Whether only its rank is known, or only some sizes: more may follow from the shapes of the other inputs."""
        return self.knows and self.dtype not in ("i64", "i32") and (self.rank is None or not (self.sizes or self.names))

    @property
    def worded(self) -> bool:
        """Whether words name its sizes, of which what the code does may tell numbers."""
        return self.told.startswith(WORDS) and self.names is not None and not self.sizes

    def list_pictures(self) -> None:
        """What is only known as several tensors of four dimensions is a list of pictures, such as feature maps, and no tensor."""
        if self.rank == 5 and self.names is None and self.told.endswith(_ITEM_BY_ITEM):
            self.listed, self.rank, self.sizes = True, 4, {}

    def type(self) -> TensorType | None:
        """The symbolic type the facts amount to; None where nothing is known."""
        names = self.names
        rank = self.rank
        dtype = self.dtype or (named_dtype(self.name) if self.name.endswith("_ids") else None) or self.usual
        if rank is None and not self.knows:
            if self.suggested is not None:
                self.told = self.told or self.suggested_by
                return TensorType(_unstretched(self.suggested.shape), self.dtype or self.suggested.dtype)
            known = CONVENTIONS.get(self.name)
            if known is not None:
                names, dtype = known[0], self.dtype or (self.usual if known[1] == "f32" else known[1])
                rank = len(names)
                self.told = "its name"
            elif self.likely is None or self.dtype is None:
                return None
        other = self.suggested.shape if self.suggested is not None else None
        if other is not None and not self.sizes and names is None and rank == len(other):
            return TensorType(_unstretched(other), dtype)
        if rank is None and other is not None and (len(other) > 2 or 1 not in other):  # (C, 1) is made to be stretched
            rank = len(other)
        if rank is None:
            rank = self.likely or self._likely_rank(dtype)
        rank = max(rank, self.least)
        if names is None:
            names = ("B", "L") if dtype in ("i64", "i32", "b8") and rank == 2 else self._usual_names(rank)
        if names is None or len(names) != rank:
            names = tuple(f"N{i}" for i in range(rank))
        sizes = {axis % rank: size for axis, size in self.sizes.items() if -rank <= axis < rank}
        if rank == 3 and names is _NAMES[3] and 1 in sizes and 2 not in sizes:
            names = ("B", "C", "L")
        if rank == 4 and names is _NAMES[4] and 3 in sizes and 1 not in sizes and 2 not in sizes:
            names = ("B", "H", "W", "C")
        shape: list[DimLike] = [dims.symbol(n) if not n.isdigit() else int(n) for n in names]
        for axis, size in sizes.items():
            shape[axis] = size
        return TensorType(tuple(shape), dtype)

    def _usual_names(self, rank: int) -> tuple[str, ...] | None:
        usual, by_name = _NAMES.get(rank), CONVENTIONS.get(self.name, ((), ""))[0]
        return by_name if len(by_name) == rank and by_name != usual else usual

    def _likely_rank(self, dtype: str) -> int:
        if dtype in ("i64", "i32") and not self.sizes:
            return 2
        if any(axis >= 0 for axis in self.sizes):
            return 4
        return 3


Heard = tuple[Probe, Use, Probe | None]


def _written(back: Any) -> Any:
    """Equal for functions of the same code around the same, and it can be looked up."""
    kind = back.__class__
    if kind is tuple:
        return tuple(map(_written, back))
    if kind is slice:
        return slice, _written(back.start), _written(back.stop), _written(back.step)
    code = getattr(back, "__code__", None)
    if code is None or back.__closure__ is None:
        return back
    return code, tuple([_written(cell.cell_contents) for cell in back.__closure__])


def _unstretched(shape: Shape | None) -> Shape | None:
    """The likely shape of what is combined with a tensor of this shape: (1, C, 1, 1) is made to be stretched."""
    names = _NAMES.get(len(shape)) if shape is not None else None
    if shape is None or names is None or sum(size != 1 for size in shape) != 1:
        return shape
    return tuple(dims.symbol(name) if size == 1 else size for name, size in zip(names, shape))


# -- what is known of a result, said of its source -------------------------------------------------------------------------


def same(facts: Facts) -> Facts:
    """The result has shape and dtype of its source."""
    return facts


def same_shape(facts: Facts) -> Facts:
    """The result has the shape of its source, in a dtype of its own."""
    return Facts(facts.told, facts.rank, facts.sizes, facts.names)


def same_integers(facts: Facts) -> Facts:
    """The result has the shape of its source; integers come of integers only."""
    return Facts(
        facts.told, facts.rank, facts.sizes, facts.names, facts.dtype if facts.dtype in ("i64", "i32") else None
    )


def same_rank(facts: Facts) -> Facts:
    """Only the number of dimensions is that of the source."""
    return Facts(facts.told, facts.rank)


def same_dtype(facts: Facts) -> Facts:
    """The result holds what its source holds, in another shape."""
    return Facts(facts.told, dtype=facts.dtype)


def same_channels(facts: Facts) -> Facts:
    """Pooling and resizing: rank, batch and channels are those of the source."""
    return Facts(facts.told, facts.rank, {a: s for a, s in facts.sizes.items() if a in (0, 1)}, dtype=facts.dtype)


@dataclass(frozen=True, slots=True)
class shifted:
    """The source has so many dimensions more than the result."""

    by: int

    def __call__(self, facts: Facts) -> Facts:
        return Facts(facts.told, facts.rank + self.by if facts.rank is not None else None)


@dataclass(frozen=True, slots=True)
class picked(shifted):
    """``source[key]``: as `shifted`, and the result holds what the source holds."""

    def __call__(self, facts: Facts) -> Facts:
        return Facts(facts.told, facts.rank + self.by if facts.rank is not None else None, dtype=facts.dtype)


_ITEM_BY_ITEM = ", item by item"


def item_by_item(back: Back) -> Back:
    """The source is gone through, or indexed with a single number: it may be a list of such values."""

    def told(facts: Facts) -> Facts:
        found = back(facts)
        return replace(found, told=f"{found.told}{_ITEM_BY_ITEM}")

    return told


def tells_more(back: Back) -> bool:
    """Whether what is known of a result can say more of its source than how many dimensions it has."""
    return back is not same_rank and back is not same_dtype and back.__class__ is not shifted


def permuted(axes: Sequence[int]) -> Back:
    """``source.permute(axes)``"""
    rank = len(axes)

    def back(facts: Facts) -> Facts:
        sizes = {axes[a % rank] % rank: s for a, s in facts.sizes.items() if -rank <= a < rank}
        return Facts(facts.told, facts.rank, sizes, dtype=facts.dtype)

    return back


def swapped(first: int, second: int) -> Back:
    """``source.transpose(first, second)``"""

    def back(facts: Facts) -> Facts:
        a, b = first, second
        known = facts.sizes
        if facts.rank is not None and facts.rank > 1:
            a, b = a % facts.rank, b % facts.rank
            known = {axis % facts.rank: size for axis, size in known.items() if -facts.rank <= axis < facts.rank}
        elif (a < 0) != (b < 0):
            known = {axis: size for axis, size in known.items() if axis in (a, b)}
        else:
            known = {axis: size for axis, size in known.items() if (axis < 0) == (a < 0)}
        return Facts(facts.told, facts.rank, {b if x == a else a if x == b else x: s for x, s in known.items()},
                     dtype=facts.dtype)  # fmt: skip

    return back


def inserted(at: int) -> Back:
    """``source.unsqueeze(at)``"""

    def back(facts: Facts) -> Facts:
        rank = facts.rank
        sizes: dict[int, DimLike] = {}
        if rank is not None and rank > 0:
            place = at % rank
            for axis, size in facts.sizes.items():
                axis %= rank
                if axis != place:
                    sizes[axis if axis < place else axis - 1] = size
        elif at >= 0:
            sizes = {axis if axis < at else axis - 1: s for axis, s in facts.sizes.items() if axis >= 0 and axis != at}
        return Facts(facts.told, rank - 1 if rank is not None else None, sizes, dtype=facts.dtype)

    return back


def removed(at: int) -> Back:
    """``source.squeeze(at)``, which is written where there is an axis of size 1."""

    def back(facts: Facts) -> Facts:
        sizes: dict[int, DimLike] = {}
        for axis, size in facts.sizes.items():
            if facts.rank is not None and -facts.rank <= axis < facts.rank:
                place = at % (facts.rank + 1)
                axis %= facts.rank
                sizes[axis + (axis >= place)] = size
            elif at < 0 and axis < 0:  # axes behind it are nearer to the end by one
                sizes[axis - (axis <= at)] = size
            elif (at < 0) == (axis < 0):
                sizes[axis + (axis >= at)] = size
            elif (at == 0 and axis < 0) or (at == -1 and axis >= 0):
                sizes[axis] = size
        if sizes or facts.rank is not None:
            sizes[at] = 1
        return Facts(facts.told, facts.rank + 1 if facts.rank is not None else None, sizes, dtype=facts.dtype)

    return back


def indexed(key: tuple[Any, ...]) -> Back:
    """``source[key]`` with ints, slices and None only."""
    taken = sum(1 for part in key if isinstance(part, int))
    added = sum(1 for part in key if part is None)

    def back(facts: Facts) -> Facts:
        sizes: dict[int, DimLike] = {}
        source = result = 0
        for part in key:
            if part is None:
                result += 1
            elif isinstance(part, int):
                source += 1
            else:
                if part == slice(None) and result in facts.sizes:
                    sizes[source] = facts.sizes[result]
                source, result = source + 1, result + 1
        for axis, size in facts.sizes.items():  # axes behind the key are taken as they are
            if axis >= result:
                sizes[axis + source - result] = size
        rank = facts.rank + taken - added if facts.rank is not None else None
        return Facts(facts.told, rank, sizes, dtype=facts.dtype)

    return back


# -- probes as tensors ---------------------------------------------------------------------------------------------------


def probe_of(tensor: Any) -> Probe | None:
    """The probe a tensor stands for, if any."""
    if isinstance(tensor, Tensor) and tensor.attrs is not None:
        found = tensor.attrs.get("__probe__")
        return found if isinstance(found, Probe) else None
    return None


def probe_tensor(probe: Probe) -> Tensor:
    """A tensor nothing is known about but that it is `probe`."""
    made = Tensor(TensorType(None, probe.dtype), "input")
    made.attrs = {"__probe__": probe}
    return made


def share_sizes(probes: Sequence[Probe]) -> None:
    """Of inputs whose sizes words name: what was learned of one of them is so of all that have its name."""
    learned: dict[str, set[DimLike]] = {}
    named = [(p, axis, name) for p in probes for axis, name in enumerate(p.names or ()) if not name.isdigit()]
    for probe, axis, name in named:
        size = probe.sizes.get(axis, probe.sizes.get(axis - len(probe.names or ())))
        if size is not None:
            learned.setdefault(name, set()).add(size)
    for probe, axis, name in named:
        if len(sizes := learned.get(name, set())) == 1:
            probe.sizes.setdefault(axis, next(iter(sizes)))


def note_unpacking(probe: Probe, rank: int, names: list[str]) -> None:
    """``B, C, H, W = x.shape``: rank and, where they are given, the author's own names."""
    usable = tuple(n if n.isidentifier() and n != "_" else f"N{i}" for i, n in enumerate(names))
    if len(set(usable)) < len(usable):  # one name for two sizes says nothing about either
        usable = tuple(n if usable.count(n) == 1 else f"N{i}" for i, n in enumerate(usable))
    probe.learn("its shape is unpacked", rank=rank, names=usable or None)


__all__ = ["CONVENTIONS", "Probe", "Shape", "note_unpacking", "probe_of", "probe_tensor", "share_sizes"]
