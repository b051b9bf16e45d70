"""Turns what the interpreter does with tensors into the graph: calls, ops, values, module paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ane_lsp.graph import Call, Graph, Span, Sym, TensorType, Unknown, Value
from ane_lsp.graph.builder import GraphBuilder
from ane_lsp.graph.ir import CallKind, Operand
from ane_lsp.graph.liveness import values
from ane_lsp.graph.records import dataclass
from ane_lsp.interp import absent
from ane_lsp.interp.values import ClassObject, DType, Instance, OneOf, Tensor
from ane_lsp.torch_model.registry import OpDecl

# What a torch container runs is attributed to the call that ran the container.
CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict", "Module", "ParametrizationList"})


class ActiveModule:
    """A module whose forward is running."""

    __slots__ = ("call", "instance", "is_container", "is_torch", "path")

    def __init__(self, instance: Instance, path: str, is_torch: bool, call: Call | None) -> None:
        self.instance = instance
        self.path = path
        self.is_torch = is_torch
        self.is_container = is_torch and instance.cls.name in CONTAINERS
        self.call = call


@dataclass(frozen=True, slots=True)
class Taken:
    """Graphs that were recorded and may be put back."""

    graphs: list[Graph]
    entries: list[tuple[Instance, Span | None]]
    builder: GraphBuilder
    reached: set[ClassObject]

    @property
    def calls(self) -> int:
        return sum(len(graph.calls) for graph in self.graphs)


def registered(module: Instance, table: str) -> list[tuple[str, Any]]:
    """What a module holds in a table such as ``_modules``, by name. After branches that nothing decides there are several."""
    held = module.attrs.get(table)
    if held.__class__ is dict:
        return list(held.items())
    tables = held.options if isinstance(held, OneOf) else (held,)
    return [item for each in tables if isinstance(each, dict) for item in each.items()]


class Recorder:
    """Collects one graph for each outermost module call. `opset` decides lowerings."""

    def __init__(self, opset: str = "iOS18") -> None:
        self.opset = opset
        self.graphs: list[Graph] = []
        self.modules: list[ActiveModule] = []
        self.builder = GraphBuilder(opset=opset)
        self.entries: list[tuple[Instance, Span | None]] = []
        self._paths: dict[int, str] = {}
        self.failed_lowerings: dict[str, str] = {}
        self.reached: set[ClassObject] = set()  # classes whose forward ran
        self.quotients: set[int] = set()  # what `//` gave in the forward being run, and what was computed from that
        self.taken_in: list[Tensor] | None = None  # tensors that entered the graph, see repeats.py

    def snapshot(self) -> Any:
        """What :meth:`restore` needs to forget graphs recorded from here on."""
        return len(self.graphs), self.builder, dict(self._paths), set(self.reached)

    def restore(self, kept: Any) -> None:
        """Forget graphs recorded since `kept` was taken."""
        count, self.builder, paths, reached = kept
        self._paths, self.reached = dict(paths), set(reached)
        del self.graphs[count:]
        del self.entries[count:]

    def take(self, kept: Any) -> Taken:
        """Like :meth:`restore`; what is forgotten can be put back."""
        count = kept[0]
        taken = Taken(self.graphs[count:], self.entries[count:], self.builder, self.reached)
        self.restore(kept)
        return taken

    def put(self, taken: Taken) -> None:
        """Record again what :meth:`take` took away."""
        self.graphs.extend(taken.graphs)
        self.entries.extend(taken.entries)
        self.builder, self.reached = taken.builder, taken.reached

    def state(self) -> Any:
        """What :meth:`reset` needs to go back to here."""
        return list(self.graphs), list(self.entries), self.builder, dict(self._paths), set(self.reached)

    def reset(self, kept: Any) -> None:
        """Be as :meth:`state` found it."""
        graphs, entries, self.builder, paths, reached = kept
        self.graphs[:], self.entries[:] = graphs, entries
        self._paths, self.reached = dict(paths), set(reached)

    def replay(self, graphs: Iterable[tuple[Graph, tuple[Instance, Span | None]]], kept: Any) -> None:
        """Record graphs again, and be in the other respects as :meth:`state` found it behind them."""
        for graph, entry in graphs:
            self.graphs.append(graph)
            self.entries.append(entry)
        _, _, self.builder, paths, reached = kept
        self._paths, self.reached = dict(paths), set(reached)

    @property
    def graph(self) -> Graph:
        return self.builder.graph

    @property
    def active(self) -> bool:
        return bool(self.modules)

    @property
    def innermost(self) -> ActiveModule | None:
        return self.modules[-1] if self.modules else None

    def begin(self, root: Instance, inputs: Iterable[tuple[str, Tensor]], span: Span | None) -> None:
        """Start a graph: `root` is called from outside any module."""
        self.builder = GraphBuilder(Graph(name=root.cls.name), opset=self.opset)
        self.quotients = set()
        self.entries.append((root, span))
        self.graphs.append(self.graph)
        self._paths = {id(root): ""}
        self._name(root, "")
        for name, tensor in inputs:
            self.bind(tensor, self.builder.value(tensor.type, "input", name))
            assert tensor.value is not None
            self.graph.inputs.append(tensor.value)

    def another_input(self, one: Tensor, other: Tensor, place: int) -> None:
        """`other` is given to the model in the same list as `one`, which is an input."""
        if one.value is not None and one.graph is self.graph:
            value = self.builder.value(other.type, "input", f"{one.value.name.rpartition('_')[0]}_{place}")
            self.bind(other, value)
            self.graph.inputs.append(value)
            if self.taken_in is not None:
                self.taken_in.append(other)

    def _name(self, module: Instance, prefix: str, depth: int = 0) -> None:
        for kind in ("_parameters", "_buffers"):
            for name, tensor in registered(module, kind):
                if isinstance(tensor, Tensor):
                    tensor.name = prefix + name
                    tensor.origin = "parameter" if kind == "_parameters" else "buffer"
        if depth > 60:
            return
        for name, child in registered(module, "_modules"):
            for option in child.options if isinstance(child, OneOf) else (child,):
                if isinstance(option, Instance) and id(option) not in self._paths:
                    self._paths[id(option)] = prefix + name
                    self._name(option, f"{prefix}{name}.", depth + 1)

    def path_of(self, module: Instance) -> str:
        """The dotted path of a module below the root, ``""`` where it is not registered there."""
        return self._paths.get(id(module), "")

    @property
    def paths(self) -> dict[int, str]:
        """The paths of the present graph's modules, by identity. Another one for each graph."""
        return self._paths

    def stand_in(self, paths: dict[int, str], reached: set[ClassObject]) -> None:
        """Go on with the modules' paths of another graph and with other classes reached."""
        self._paths, self.reached = paths, reached

    def bind(self, tensor: Tensor, value: Value) -> None:
        tensor.value = value
        tensor.graph = self.graph

    def value_of(self, tensor: Tensor) -> Value:
        """The graph value of a tensor; one made outside the model's forward enters as a constant."""
        if tensor.value is not None and tensor.graph is self.graph:
            known: Value = tensor.value
            if known.type is not tensor.type:
                known = tensor.value = known.of_type(tensor.type)
            return known
        origin: Any = tensor.origin if tensor.origin in ("parameter", "buffer") else "constant"
        value = self.builder.value(tensor.type, origin, tensor.name)
        self.bind(tensor, value)
        if self.taken_in is not None:
            self.taken_in.append(tensor)
        return value

    def values_in(self, argument: Any) -> Any:
        """An argument structure with tensors as graph values and dtypes as short names."""
        kind = argument.__class__
        if kind is Tensor:
            return self.value_of(argument)
        if isinstance(argument, (tuple, list)):
            return (list if kind is list else tuple)(self.values_in(a) for a in argument)
        if kind is dict:
            return {k: self.values_in(v) for k, v in argument.items()}
        if kind is DType:
            return argument.name
        if kind is Unknown:
            held = tuple(values(self.values_in(argument.item))) if argument.item is not None else ()
            return _told(argument, held or None)
        if kind is Instance and argument.cls.name == "PackedSequence" and argument.cls.module.is_torch:
            return tuple(self.values_in(argument.attrs.get(field)) for field in _PACKED)
        if kind is OneOf and absent.optional(argument):
            return self.values_in(absent.present(argument))
        if kind is slice:
            return slice(self.values_in(argument.start), self.values_in(argument.stop), self.values_in(argument.step))
        return argument

    def call(
        self,
        torch: str,
        kind: CallKind,
        span: Span,
        fn: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        direct: bool,
        stack: tuple[Span, ...],
        ctor: Span | None = None,
        hyper: Mapping[str, Any] | None = None,
        path: str | None = None,
        optional: bool = False,
    ) -> Call:
        """Append a call; its result is filled in by the caller."""
        made = Call(
            len(self.graph.calls), torch, kind, span, fn, self.modules[-1].path if path is None else path,
            self.values_in(args), self.values_in(dict(kwargs)), {}, None, direct, ctor, hyper or {}, stack, optional,
            torch in _OF_DTYPE and any(map(self._is_divided, (*args, *kwargs.values()))),
        )  # fmt: skip
        self.graph.calls.append(made)
        return made

    def _is_divided(self, given: Any) -> bool:
        if given.__class__ is int:
            return given in self.quotients or -given in self.quotients
        return isinstance(given, Sym) and "//" in str(given)

    def applied(
        self,
        torch: str,
        span: Span,
        fn: str,
        args: tuple[Any, ...],
        result: Any,
        direct: bool,
        stack: tuple[Span, ...],
        optional: bool,
    ) -> None:
        """Note a call of ``torch.autograd.Function.apply``, whose forward has run, or of what ``torch.compile`` compiles."""
        self.graph.custom.append(
            Call(
                -1, torch, "function", span, fn, self.modules[-1].path, self.values_in(args),
                {}, {}, self.values_in(result), direct, stack=stack, optional=optional,
            )
        )  # fmt: skip

    def lower(self, call: Call, decl: OpDecl, params: Mapping[str, Any], result: Any) -> Any:
        """Append the ops `call` becomes. `params` hold values, `result` types; returns values in its structure."""
        lowering = CallLowering(self.builder, call)
        before = len(self.graph.ops)
        if decl.mil is not None:
            try:
                values = decl.mil(lowering, params, result)
                if _fits(values, result):
                    return values
                self.failed_lowerings[decl.name] = "the values returned do not fit the result"
            except Exception as error:  # a lowering's own fault: the call stays in the graph under torch's name
                self.failed_lowerings[decl.name] = repr(error)
            del self.graph.ops[before:]
            kind = f"torch.{decl.name.rsplit('.', 1)[-1]}"
        else:
            kind = f"aten.{decl.name.rsplit('.', 1)[-1].rstrip('_') or decl.name}"
        inputs = {name: operand for name, operand in ((k, _operand(v)) for k, v in params.items()) if operand}
        attrs = {k: v for k, v in params.items() if k not in inputs}
        flat = list(_types(result))
        outputs = iter(self.builder.emit(call, kind, inputs, attrs, flat)) if flat else iter(())
        return _replace(result, outputs)

    def alias(self, call: Call, value: Value) -> Value:
        """A value under another number, as torch.export makes a node of a subscript that keeps everything."""
        return self.builder.emit(call, "identity", {"x": value}, {}, [value.type])[0]


class CallLowering:
    """What a lowering sees of the graph, see :class:`ane_lsp.torch_model.registry.Lowering`."""

    def __init__(self, builder: GraphBuilder, call: Call) -> None:
        self._builder = builder
        self._call = call
        self.opset = builder.opset

    def at_least(self, opset: str) -> bool:
        return self._builder.at_least(opset)

    def emit(self, kind: str, inputs: Mapping[str, Operand | None], attrs: Mapping[str, Any], out: TensorType) -> Value:
        return self._builder.emit(self._call, kind, inputs, attrs, [out])[0]

    def emit_many(
        self, kind: str, inputs: Mapping[str, Operand | None], attrs: Mapping[str, Any], out: Iterable[TensorType]
    ) -> tuple[Value, ...]:
        return self._builder.emit(self._call, kind, inputs, attrs, list(out))

    def const(self, type: TensorType) -> Value:
        return self._builder.const(type)

    def tensor(self, operand: Any, like: TensorType) -> Value:
        if isinstance(operand, Value):
            return operand
        dtype = like.dtype
        if isinstance(operand, float) and dtype is not None and not dtype.startswith(("f", "bf", "c")):
            dtype = "f32"
        data = (operand,) if isinstance(operand, (bool, int, float)) else None
        return self._builder.const(TensorType((), dtype, data))


# What a program makes of the type of the numbers it is given.
_OF_DTYPE = frozenset({
    "torch.arange", "torch.full_like", "torch.add", "torch.sub", "torch.mul", "torch.Tensor.add", "torch.Tensor.sub", "torch.Tensor.mul",
    "torch.Tensor.add_", "torch.Tensor.sub_", "torch.Tensor.mul_",
})  # fmt: skip
_PACKED = ("data", "batch_sizes", "sorted_indices", "unsorted_indices")  # the fields of torch's named tuple, in order


def _told(unknown: Unknown, item: tuple[Value, ...] | None) -> Unknown:
    """An unknown as a graph may keep it: with its reasons, and of what items look like the values, not the program's objects."""
    chain, cause = [unknown], unknown.cause
    while cause is not None:
        chain.append(cause)
        cause = cause.cause
    if all(one.item is None for one in chain):
        return unknown
    for one in reversed(chain):
        cause = Unknown(one.reason, one.span, cause, number=one.number)
    assert cause is not None
    return cause if item is None else Unknown(cause.reason, cause.span, cause.cause, item, cause.number)


def _operand(value: Any) -> Operand | None:
    if isinstance(value, Value):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(v for v in value if isinstance(v, Value)) or None  # beside one that is not known
    if isinstance(value, Unknown) and isinstance(value.item, tuple):
        return value.item  # a sequence of unknown length comes from what its items come from
    return None


def _types(result: Any) -> Iterator[TensorType]:
    if isinstance(result, TensorType):
        yield result
    elif isinstance(result, (tuple, list)):
        for item in result:
            yield from _types(item)


def _replace(result: Any, values: Iterator[Value]) -> Any:
    if isinstance(result, TensorType):
        return next(values)
    if isinstance(result, (tuple, list)):
        return (
            type(result)(_replace(item, values) for item in result)
            if type(result) in (tuple, list)
            else tuple(_replace(item, values) for item in result)
        )
    return result


def _fits(values: Any, result: Any) -> bool:
    if isinstance(result, TensorType):
        return isinstance(values, Value)
    if isinstance(result, (tuple, list)):
        return (
            isinstance(values, (tuple, list))
            and len(values) == len(result)
            and all(_fits(v, r) for v, r in zip(values, result))
        )
    return True
