"""The graph: what every rule, the placement model and every report read.

Two producers make it: the static analysis of source code and the reader of a converted program. Operations are keyed by
MIL names and take MIL's parameter names, so a rule is written once for both. Ops with no MIL counterpart keep their ATen
name with the prefix ``aten.``; that such an op is present is a conversion finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, Union

from ane_lsp.graph.records import dataclass
from ane_lsp.graph.types import Span, TensorType

if TYPE_CHECKING:
    from ane_lsp.graph.excerpt import Excerpt

ValueOrigin = Literal["input", "parameter", "buffer", "constant", "op", "state"]
CallKind = Literal["module", "function", "method", "attr"]
Operand = Union["Value", tuple["Value", ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One tensor that flows through the graph.

    origin: ``op`` for results; ``parameter``, ``buffer`` and ``constant`` are known when the model is converted.
    name: the argument's or parameter's name (``x``, ``layers.0.weight``), or ``""``.
    producer: the id of the op that makes it (an index into ``Graph.ops``), None for the other origins.
    fold: True where only constants took part in making it, so that a converter folds it away.
    made_as: its type where it is made, where `type` is what is known of it somewhere behind: less, where branches were joined, or another
    dtype, where torch casts and the converted program does not (it has no 64-bit types). What the op made has the same id.
    """

    id: int
    type: TensorType
    origin: ValueOrigin
    name: str = ""
    producer: int | None = None
    fold: bool = False
    made_as: TensorType | None = None

    def of_type(self, type: TensorType) -> Value:
        """The same value where that is its type."""
        if self.type == type:
            return self
        first = self.made_as or self.type
        made_as = None if first == type else first
        return Value(self.id, type, self.origin, self.name, self.producer, self.fold, made_as)

    def as_made(self) -> Value:
        """The same value with the type that it is made with."""
        return self if self.made_as is None else self.of_type(self.made_as)

    @property
    def is_const(self) -> bool:
        """Known at conversion time: no run-time input takes part in it."""
        return self.fold or self.origin in ("parameter", "buffer", "constant")


@dataclass(slots=True, eq=False)
class Call:
    """One torch call as the author wrote it; one call may become several ops.

    torch: public qualified name (``torch.nn.Conv2d``, ``torch.Tensor.view``, ``torch.cat``).
    span: the call, attribute, operator or subscript expression in the innermost frame outside torch.
    fn: qualified name of the function that holds the expression.
    direct: False where a torch container (``nn.Sequential``) or torch module made the call on the author's behalf.
    module: dotted path of the innermost module that runs it, ``""`` for the root.
    args, kwargs: as passed, tensors as `Value`. params: the same, bound to torch's parameter names, defaults included.
    result: the returned structure, tensors as `Value`.
    ctor: for a torch.nn module, where it was constructed (the place a fix edits).
    hyper: for a torch.nn module, its constructor state (``kernel_size``, ``stride``, ...).
    stack: call expressions from the entry inwards, outermost first, `span` not included.
    optional: made in a branch that could not be decided, so a run of the model may pass it by.
    divided: a number it is given may come from a quotient of sizes (``n // 2``), which a trace works out as a float.

    `result` is filled in when the call returns; nothing else changes afterwards.
    """

    id: int
    torch: str
    kind: CallKind
    span: Span
    fn: str
    module: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    params: Mapping[str, Any]
    result: Any
    direct: bool = True
    ctor: Span | None = None
    hyper: Mapping[str, Any] = field(default_factory=dict)
    stack: tuple[Span, ...] = ()
    optional: bool = False
    divided: bool = False
    _alike: dict[Any, Any] | None = field(default=None, init=False, repr=False)
    _given: tuple[Value, ...] | None = field(default=None, init=False, repr=False)
    _reads: tuple[int, ...] | None = field(default=None, init=False, repr=False)

    @property
    def given(self) -> tuple[Value, ...]:
        """Tensor arguments in the order they were passed, lists flattened."""
        found = self._given
        if found is None:
            values: list[Value] = []
            for one in (*self.args, *self.kwargs.values()):
                if one.__class__ is Value:
                    values.append(one)
                elif isinstance(one, (tuple, list)):
                    values += [item for item in one if isinstance(item, Value)]
            found = self._given = tuple(values)
        return found

    @property
    def reads(self) -> tuple[int, ...]:
        """Their ids."""
        found = self._reads
        if found is None:
            found = self._reads = tuple([value.id for value in self.given])
        return found

    @property
    def alike(self) -> dict[Any, Any]:
        """What somebody found out, by a key of theirs, of the call and others with the same name, constructor state and arguments, but for the
        numbers of tensors and the paths of modules."""
        found = self._alike
        if found is None:
            found = self._alike = {}
        return found

    def at(self, span: Span, ctor: Span | None) -> Call:
        """The same call at other places."""
        return Call(
            self.id, self.torch, self.kind, span, self.fn, self.module, self.args, self.kwargs, self.params, self.result,
            self.direct, ctor, self.hyper, self.stack, self.optional, self.divided,
        )  # fmt: skip

    def elsewhere(self, id: int, module: str) -> Call:
        """The same call that another module makes; of its tensors nothing is said."""
        return Call(
            id, self.torch, self.kind, self.span, self.fn, module, (), {}, {}, None, self.direct, self.ctor, self.hyper,
            self.stack, self.optional, self.divided,
        )  # fmt: skip

    def of(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], params: Mapping[str, Any], result: Any) -> Call:
        """The same call of other tensors of the same types."""
        made = Call(
            self.id, self.torch, self.kind, self.span, self.fn, self.module, args, kwargs, params, result, self.direct,
            self.ctor, self.hyper, self.stack, self.optional, self.divided,
        )  # fmt: skip
        made._alike = self._alike
        return made


@dataclass(slots=True, eq=False)
class Op:
    """One operation; nobody changes it.

    id: its place in the graph; in an excerpt that was told ahead of a graph perhaps a fraction between two others, as that of its call.
    kind: MIL op name, or ``aten.NAME`` where no lowering is known.
    inputs: MIL parameter name to tensor(s). attrs: MIL parameter name to constant (strides, axes, ...).
    call: the torch call it comes from.
    """

    id: int
    kind: str
    inputs: Mapping[str, Operand]
    attrs: Mapping[str, Any]
    outputs: tuple[Value, ...]
    call: Call
    _read: tuple[Value, ...] | None = field(default=None, init=False)
    _reads: tuple[int, ...] | None = field(default=None, init=False)
    _makes: tuple[int, ...] | None = field(default=None, init=False)
    _folds: bool | None = field(default=None, init=False)
    _alike: dict[Any, Any] | None = field(default=None, init=False)

    @property
    def span(self) -> Span:
        return self.call.span

    @property
    def alike(self) -> dict[Any, Any]:
        """What somebody found out, by a key of theirs, of the op and all others of :meth:`again` and :meth:`be_like`. It depends on nothing
        but the kind, the attributes without tensors, and the types and origins of operands and results and whether they fold."""
        found = self._alike
        if found is None:
            found = self._alike = {}
        return found

    def again(
        self, id: int, inputs: Mapping[str, Operand], attrs: Mapping[str, Any], outputs: tuple[Value, ...], call: Call
    ) -> Op:
        """The same op on other tensors of the same types and origins, which fold where these do."""
        made = Op(id, self.kind, inputs, attrs, outputs, call)
        if inputs is self.inputs:
            made._read, made._reads = self._read, self._reads
        if outputs is self.outputs:
            made._makes = self._makes
        made._folds = self._folds
        made._alike = self.alike
        return made

    def be_like(self, other: Op) -> None:
        """What is found out of another op holds of this one: it has the same attributes, on tensors of the same types and origins."""
        self._alike = other.alike

    def input_values(self) -> tuple[Value, ...]:
        """Every tensor operand, lists flattened."""
        found = self._read
        if found is None:
            values: list[Value] = []
            for operand in self.inputs.values():
                if operand.__class__ is tuple:
                    values += operand
                else:
                    values.append(operand)  # type: ignore[arg-type]
            found = self._read = tuple(values)
        return found

    @property
    def reads(self) -> tuple[int, ...]:
        """The ids of :meth:`input_values`."""
        found = self._reads
        if found is None:
            found = self._reads = tuple([value.id for value in self.input_values()])
        return found

    @property
    def makes(self) -> tuple[int, ...]:
        """The ids of its outputs."""
        found = self._makes
        if found is None:
            found = self._makes = tuple([value.id for value in self.outputs])
        return found

    @property
    def folds(self) -> bool:
        """True where every output is computed at conversion time and so no op is left at run time."""
        known = self._folds
        if known is None:
            known = self._folds = False not in [value.fold for value in self.outputs]
        return known


@dataclass(frozen=True, slots=True)
class ShapeFact:
    """A tensor known by name at a place in the source, for inlay hints: ``x = self.conv(x)`` -> ``x: [1, 64, 56, 56] f32``.

    span: the name, or a parameter of ``forward`` with its annotation.
    """

    span: Span
    name: str
    type: TensorType


@dataclass(slots=True)
class Graph:
    """Calls and ops in execution order.

    name: the entry's class or function. inputs: the model's run-time inputs. outputs: what the entry returned.
    source: which producer made it.
    shapes: assignments of tensors to names, in execution order, for the entry's files.
    asks_capture: the model's code asks whether it is being traced or exported, so it may run differently then.
    custom: calls of ``torch.autograd.Function.apply``, and of what ``torch.compile`` compiles in a traced model, which have no id of their
    own; what they compute is among `calls` and `ops` too. lost: calls given tensors that could not be followed, and the end of a run before its last operation, so that what
    they compute is missing: reason to place. returned: what is no tensor among the outputs, where a script hands the model to a tracer or
    to torch.export: (``trace`` or ``export``, ``None`` or ``dict`` or the like) to the place of that call.
    excerpt: as much of it as rules are asked about, once :func:`~ane_lsp.graph.excerpt.excerpt_of` found it out.
    """

    name: str = ""
    calls: list[Call] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    source: Literal["static", "coreml", "coreai"] = "static"
    shapes: list[ShapeFact] = field(default_factory=list)
    asks_capture: bool = False
    custom: list[Call] = field(default_factory=list)
    lost: dict[str, Span] = field(default_factory=dict)
    returned: dict[tuple[str, str], Span] = field(default_factory=dict)
    excerpt: Excerpt | None = field(default=None, init=False, repr=False, compare=False)
    _by_id: dict[int, Op] | None = field(default=None, init=False, repr=False, compare=False)
    _make: Callable[[], Graph] | None = field(default=None, init=False, repr=False, compare=False)

    def producer(self, value: Value) -> Op | None:
        """The op that makes `value`, None for inputs, parameters and constants."""
        if value.producer is None:
            return None
        return self.ops[value.producer] if self._by_id is None else self._by_id[value.producer]

    def of(self, calls: list[Call], ops: list[Op], inputs: list[Value], outputs: list[Value]) -> Graph:
        """The same graph of some of its calls and ops, which keep their ids."""
        made = Graph(
            self.name, calls, ops, inputs, outputs, self.source, self.shapes, self.asks_capture, self.custom,
            self.lost, self.returned,
        )  # fmt: skip
        made._by_id = {op.id: op for op in ops}
        return made

    def later(self, excerpt: Excerpt, make: Callable[[], Graph]) -> Graph:
        """A graph like this one, of which the excerpt is known, and all else is made when somebody asks for it."""
        made = self.of([], [], excerpt.graph.inputs, excerpt.graph.outputs)
        made.excerpt, made._by_id, made._make = excerpt, None, make
        del made.calls, made.ops, made.shapes
        return made

    def __getattr__(self, name: str) -> Any:
        if name not in ("calls", "ops", "shapes"):
            raise AttributeError(name)
        self.complete()
        return getattr(self, name)

    def complete(self) -> None:
        """Have what was left for later be made."""
        if self._make is not None:
            made = self._make()
            self.calls, self.ops, self.shapes = made.calls, made.ops, made.shapes
            self.inputs, self.outputs, self._make = made.inputs, made.outputs, None
            if self.excerpt is not None:
                self.excerpt = self.excerpt.completed(self)

    @property
    def known(self) -> Graph:
        """As much of it as is there without making more."""
        return self if self._make is None or self.excerpt is None else self.excerpt.graph

    @property
    def size(self) -> int:
        """How many ops it has."""
        known = self.known
        return len(known.ops) if known is self or self.excerpt is None else self.excerpt.count(known.ops)

    def consumers(self) -> Mapping[int, list[Op]]:
        """Ops by the id of the value they read."""
        found: defaultdict[int, list[Op]] = defaultdict(list)
        for op in self.ops:
            for value in op.reads:
                found[value].append(op)
        found.default_factory = None
        return found
