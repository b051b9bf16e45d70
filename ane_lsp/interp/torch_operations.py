"""Torch operations inside the interpreter: a call is applied to values, recorded, and its result stored; and what tensors are asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ane_lsp.graph import DTYPES, Span, Sym, TensorType, Unknown, Value, dims
from ane_lsp.graph.ir import CallKind
from ane_lsp.graph.subscripts import from_front
from ane_lsp.interp import absent, arrays
from ane_lsp.interp.frames import Frame, UnknownIteration, of_unknown_number
from ane_lsp.interp.probing import item_by_item, probe_of, probe_tensor, same, shifted
from ane_lsp.interp.registries import Registries
from ane_lsp.interp.support import bushy, len_exceeds
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.tensor_attributes import ATTRIBUTES, INERT, READ
from ane_lsp.interp.tensors import has_one_element, tensors_in
from ane_lsp.interp.torch_types import (
    LEGACY,
    LEGACY_DTYPES,
)  # fmt: skip
from ane_lsp.interp.uses import note_use
from ane_lsp.interp.values import (
    ABSENT,
    MISSING,
    MORE,
    BoundMethod,
    Builtin,
    Device,
    DType,
    Instance,
    IteratorObject,
    NativeType,
    OneOf,
    PyRaise,
    Refusal,
    Tensor,
    Told,
    TorchFunction,
)
from ane_lsp.torch_model import inplace, registry
from ane_lsp.torch_model.tensor_names import UNMODELLED

MAX_OPTIONAL = 6  # items of a sequence that may be absent, which an operation is tried with and without
# Functions that torch records under another name, because they are thin wrappers.
_RECORDED = {"torch.nn.functional.grouped_mm": "torch._grouped_mm"}
_UNSEEN = frozenset({"size", "dim", "ndimension", "numel", "nelement", "stride", "is_contiguous", "get_device",
                     "is_floating_point", "is_complex", "element_size", "storage_offset", "data_ptr"})  # fmt: skip
_SPLITS = {"split": 2, "chunk": 2, "tensor_split": 2, "unbind": 1}  # and the place of the axis among the arguments


class TorchOperations(Registries):
    # -- operations --------------------------------------------------------------------------------------------------

    def torch_method(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """Call a torch operation by name."""
        return self.torch_function(TorchFunction(name), args, kwargs or {})

    def torch_function(self, func: TorchFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Apply a torch operation: infer the result, record the call, store in-place results."""
        decl = registry.find(func.name)
        if decl is None:
            return self.unknown(f"{func.name} is not modelled")
        if Instance in map(type, args) and func.name not in arrays.MAKES_TENSORS:
            args = tuple(map(arrays.number, args))
        choice = _first_choice(args, kwargs)
        if choice is not None:
            return self._over_choices(func, args, kwargs, choice)
        many = of_unknown_number(args)
        if many is not None:
            args = decl.of_unknown_number(args, many, kwargs)
        if MORE in kwargs:
            named = decl.of_unknown_names(args, {k: v for k, v in kwargs.items() if k != MORE}, kwargs[MORE])
            if named is None:
                return self.unknown("from unknown **kwargs", kwargs[MORE])
            kwargs = named
        self.tick()
        follows = None
        if self.probing:
            inner = self.recorder.innermost
            follows = note_use(func.name, args, kwargs, inner.instance.cls.name if inner is not None else "")
            if (
                self.listening is not None
                and args
                and self.listening.enough(self, func.name, probe_of(args[0]), follows)
            ):
                raise Told
        try:
            result: Any = _joined_many(decl, args, kwargs)
            if result is None:
                taken = self.content_in if func.name in arrays.MAKES_TENSORS else self.type_in
                result = decl.inferred(tuple(map(taken, args)), {k: taken(v) for k, v in kwargs.items()})
        except registry.TorchError as error:
            raise self._refused(func.name, error, args, kwargs) from None
        except UnknownIteration as lost:
            result = Unknown(f"an argument of {func.name} is unknown", cause=lost.unknown)
        in_place = registry.is_inplace(func.name) or func.name.endswith("__setitem__")
        if isinstance(result, Unknown):
            result = Unknown(result.reason, self.here(), result.cause)
            if in_place and args and isinstance(args[0], Tensor):
                self.forget_contents(args[0])
                return args[0]
            if "sync" in decl.tags or decl.rule.__module__.endswith(".info"):
                if self.probing and func.name == "torch.Tensor.size" and (probe := probe_of(args[0])) is not None:
                    self.probe_shapes[id(result)] = (result, probe)
                self._record(func.name, decl, args, kwargs, result)
                return arrays.of_tensor(self, args[0]) or result if func.name == "torch.Tensor.numpy" else result
            pieces = None if follows is not None else self._pieces(func.name, decl, args, kwargs, result)
            if pieces is not None:
                return pieces
            made = Tensor(TensorType(None, None))
            made.why = result
            self._explain(func.name, made, args)
            if follows is not None:
                made.attrs = {"__probe__": follows}
            self._record(func.name, decl, args, kwargs, made)
            return made
        if in_place and args and isinstance(args[0], Tensor):
            return self._store_inplace(func.name, decl, args, kwargs, result)
        if (
            follows is not None
            and result.__class__ is TensorType
            and all(t.type.shape is None for t in tensors_in(args))
        ):
            result = TensorType(None, result.dtype)  # it goes on standing for its source, of which nothing is known yet
        wrapped = self.wrap(result)
        self._explain(func.name, wrapped, args)
        if follows is not None and isinstance(wrapped, Tensor) and wrapped.type.shape is None:
            wrapped.attrs = {"__probe__": follows}
        self._record(func.name, decl, args, kwargs, wrapped)
        if isinstance(wrapped, Tensor) and args and isinstance(args[0], Tensor) and "view" in decl.tags:
            wrapped.base = args[0].base or args[0]
        out = kwargs.get("out")
        if out.__class__ is Tensor and wrapped.__class__ is Tensor and out.origin not in ("parameter", "buffer"):
            self._put_into(out, wrapped)
            return out
        return wrapped

    def _put_into(self, target: Tensor, result: Tensor) -> None:
        """``out=target``: from here on it is the result, in its own dtype."""
        self.forget_contents(target)
        target.type = TensorType(result.type.shape, target.type.dtype or result.type.dtype)
        target.value, target.graph = result.value, result.graph
        if target.graph is not None:
            target.origin = "op"

    def _refused(self, name: str, error: registry.TorchError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyRaise:
        """What torch raises for a call; a refusal where nothing about it is assumed or left open."""
        span = self.here()
        raised = PyRaise(error.raises(str(error)), span)
        raised.from_operation = True
        certain = not self.branches and not self.trying and not self.probing and not self.doubtful
        if certain and span is not None and all(_all_numbers(t) for t in (*tensors_in(args), *tensors_in(kwargs))):
            site = self.site()
            callers = reversed(self.stack_of(site[0])) if site is not None else ()
            raised.refusal = Refusal(name, str(error), (span, *callers), error.raises.__name__)
        return raised

    def _explain(self, name: str, result: Any, args: tuple[Any, ...]) -> None:
        """Let a tensor of unknown shape say why, and remember it where the reader's file is watched."""
        for made in tensors_in(result):
            if made.type.shape is not None:
                continue
            span = self.here()
            if made.why is None:
                cause = next((t.why for t in tensors_in(args) if t.type.shape is None and t.why is not None), None)
                if cause is None:
                    cause = next((a for a in args if isinstance(a, Unknown)), None)
                made.why = Unknown(f"the shape of the result of {name} is not known", span, cause)
            if span is not None and span.file in self.watched:
                self.note_unknown(span, f"the shape of the result of {name}", made.why)

    def _over_choices(self, func: TorchFunction, args: tuple[Any, ...], kwargs: dict[str, Any], choice: OneOf) -> Any:
        if any(map(_uncountable, (*args, *kwargs.values()))):
            given = [self.uncounted(v) if _uncountable(v) else v for v in args]
            named = {k: self.uncounted(v) if _uncountable(v) else v for k, v in kwargs.items()}
            return self.torch_function(func, tuple(given), named)

        def attempt(option: Any) -> Any:
            return lambda: self.torch_function(
                func,
                tuple(_choose(a, choice, option) for a in args),
                {k: _choose(v, choice, option) for k, v in kwargs.items()},
            )

        return self.fork_value(self.frame, [attempt(option) for option in choice.options])

    def forget_contents(self, tensor: Tensor) -> None:
        """The numbers in a tensor, and in the one it is a view of, may be others from now on."""
        self.touch(tensor)
        tensor.type = TensorType(tensor.type.shape, tensor.type.dtype)
        if tensor.base is not None:
            self.touch(tensor.base)
            tensor.base.type = TensorType(tensor.base.type.shape, tensor.base.type.dtype)

    def _store_inplace(
        self, name: str, decl: registry.OpDecl, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> Any:
        target = args[0]
        try:
            kind = result if "view" in decl.tags else inplace.stored(target.type, result)
        except registry.TorchError as error:
            raise self._refused(name, error, args, kwargs) from None
        stored = Tensor(kind if isinstance(kind, TensorType) else target.type.with_shape(target.type.shape))
        self._record(name, decl, args, kwargs, stored)
        self.forget_contents(target)
        target.type = stored.type
        target.value, target.graph = stored.value, stored.graph
        if target.graph is not None:
            target.origin = "op" if target.origin not in ("parameter", "buffer") else target.origin
        return None if name.endswith("__setitem__") else target

    def wrap(self, result: Any) -> Any:
        """A rule's result as interpreter values."""
        kind = result.__class__
        if kind is TensorType:
            return Tensor(result)
        if kind is tuple or kind is list:
            return kind(self.wrap(r) for r in result)
        if isinstance(result, tuple) and hasattr(result, "_fields"):
            return result.__class__(*(self.wrap(r) for r in result))
        if kind is str and result in DTYPES:
            return DType(result)
        return result

    def content_in(self, value: Any) -> Any:
        """As :meth:`type_in`, where numbers are told from numbers of numpy."""
        if value.__class__ in (list, tuple) and bushy(value):
            return self.type_in(value)
        return self.type_in(arrays.content(self, value))

    def type_in(self, value: Any) -> Any:
        """An argument as op rules take it: tensor types, dtype names, plain values."""
        kind = value.__class__
        if kind is Tensor:
            return value.type
        if kind is tuple or kind is list:
            if self.gaps and absent.gappy(value):
                return Unknown(absent.NUMBER, self.here())
            for item in value:
                if item.__class__ is list or item.__class__ is tuple:
                    if bushy(value):
                        return self.unknown("nested lists too large to go through")
                    break
            return kind(self.type_in(v) for v in value)
        if kind is DType:
            return value.name
        if kind is NativeType and value.name in LEGACY:
            return LEGACY_DTYPES[value.name]
        if kind is Device:
            return f"{value.type}:{value.index}" if value.index is not None else value.type
        if kind is slice:
            return slice(self.type_in(value.start), self.type_in(value.stop), self.type_in(value.step))
        if kind is IteratorObject:
            return [self.type_in(v) for v in self.listed(value)]
        if kind is Instance:
            if isinstance(value.data, (list, tuple, int, float, str, Sym, SymRatio, Unknown)):
                return self.type_in(value.data)
            found = arrays.array(value)
            return value if found is None else found
        if kind is dict:
            return {k: self.type_in(v) for k, v in value.items()}
        if kind is SymRatio:
            return Unknown("a fraction of a size that is a symbol", self.here(), number=float)
        if kind is range:
            return self.unknown("a range too long to write out") if len_exceeds(value) else list(value)
        if value is bool or value is int or value is float:
            return {bool: "b8", int: "i64", float: "f64"}[value]
        return value

    def _record(
        self, name: str, decl: registry.OpDecl, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        recorder = self.recorder
        if not recorder.modules:
            for tensor in tensors_in(result):
                tensor.origin = "constant"
            return
        if self.probing:  # the graph would be thrown away
            return
        inner = recorder.modules[-1]
        short = name.rsplit(".", 1)[-1]
        if short in _UNSEEN:
            return
        if inner.is_torch:
            call = next((m.call for m in reversed(recorder.modules) if m.call is not None or not m.is_torch), None)
        else:
            call = None
        if call is None:
            site = self.site()
            if site is None:
                return
            frame, direct = site
            method: CallKind = "attr" if short in READ else "method"
            kind: CallKind = method if name.startswith("torch.Tensor.") else "function"
            call = recorder.call(
                _RECORDED.get(name, name),
                kind,
                self.span_in(frame, frame.node),
                frame.function,
                args,
                kwargs,
                direct,
                self.stack_of(frame),
                optional=bool(self.branches),
            )
        try:
            params = {k: recorder.values_in(v) for k, v in decl.bind(args, kwargs).items()}
        except registry.TorchError:
            params = {}
        if not call.params and call.kind != "module":
            call.params = params
        outputs = recorder.lower(call, decl, params, self._types_of(result))
        given = params.get("input") if self.capture == "export" else None
        if isinstance(given, Value) and outputs is given:
            key = params.get("key")
            if from_front(key) and not all(part is Ellipsis for part in key):
                outputs = recorder.alias(call, given)
        self._bind_outputs(result, outputs)
        if call.kind != "module":
            call.result = recorder.values_in(result)

    def _types_of(self, result: Any) -> Any:
        if isinstance(result, Tensor):
            return result.type
        if isinstance(result, (tuple, list)):
            return (
                type(result)(self._types_of(r) for r in result)
                if type(result) in (tuple, list)
                else tuple(self._types_of(r) for r in result)
            )
        return result

    def _bind_outputs(self, result: Any, outputs: Any) -> None:
        if isinstance(result, Tensor):
            if outputs.__class__.__name__ == "Value":
                self.recorder.bind(result, outputs)
        elif isinstance(result, (tuple, list)) and isinstance(outputs, (tuple, list)):
            for r, o in zip(result, outputs):
                self._bind_outputs(r, o)

    def site(self) -> tuple[Frame, bool] | None:
        """The innermost frame outside torch, and whether it is the running one."""
        frame: Frame | None = self.frame
        direct = True
        while frame is not None:
            if not frame.module.is_torch:
                return (frame, direct) if frame.node is not None else None
            direct = False
            frame = frame.parent
        return None

    def stack_of(self, frame: Frame) -> tuple[Span, ...]:
        """Call expressions from the entry inwards that led to `frame`, torch's own frames left out."""
        stack: list[Span] = []
        caller = frame.parent
        while caller is not None:
            if caller.node is not None and not caller.module.is_torch and caller.module.path is not None:
                stack.append(self.span_in(caller, caller.node))
            caller = caller.parent
        stack.reverse()
        return tuple(stack)

    # -- tensors -----------------------------------------------------------------------------------------------------

    def tensor_getattr(self, value: Tensor, name: str) -> Any:
        handler = ATTRIBUTES.get(name)
        if handler is not None:
            return handler(self, value)
        if value.attrs is not None and name in value.attrs:
            return value.attrs[name]
        if name in READ:
            return self.torch_method(f"torch.Tensor.{name}", (value,))
        full = f"torch.Tensor.{name}"
        if registry.find(full) is not None:
            return BoundMethod(TorchFunction(full), value)
        inert = INERT.get(name)
        if inert is not None:
            return Builtin(name, lambda interp, args, kwargs: inert(value, args))
        if name not in UNMODELLED:
            if probe_of(value) is not None and not name.startswith("_"):  # an input that was only taken for a tensor
                return self.unknown(f"`{name}` is no attribute of tensors: the input is something else")
            return MISSING
        return self.unknown(f"torch.Tensor.{name} is not modelled")

    def tensor_class_attribute(self, name: str) -> Any:
        """``torch.Tensor.permute``: a method that is given the tensor as well."""
        full = f"torch.Tensor.{name}"
        if name not in READ and name not in ATTRIBUTES and registry.find(full) is not None:
            return TorchFunction(full)
        inert = INERT.get(name)
        if inert is not None:
            return Builtin(name, lambda interp, args, kwargs: inert(args[0], args[1:]))
        if name in READ or name in ATTRIBUTES or name in UNMODELLED or name.startswith("_"):
            return self.unknown(f"{full} is not modelled")
        return MISSING

    def tensor_setattr(self, value: Tensor, name: str, new: Any) -> None:
        if name == "data" and isinstance(new, Tensor):
            self.touch(value)
            value.type = new.type
            return
        if name == "requires_grad":
            value.requires_grad = new is True
            return
        if name in ("shape", "grad"):
            return
        if value.attrs is None:
            value.attrs = {}
        self.touch_names(value.attrs)
        value.attrs[name] = new

    def tensor_truth(self, value: Tensor, decides: bool = True) -> bool | Unknown:
        """``bool(tensor)``: known for one known element. decides: the program goes one way or another by it, also
        where it is exported."""
        kind = value.type
        if kind.data is not None and len(kind.data) == 1:
            known = bool(kind.data[0])
            if decides:
                self.taken_out("__bool__", value, known)
            return known
        if value.origin != "input" and has_one_element(value) is False:  # an input that nobody wrote may be a flag
            self.torch_method("torch.Tensor.__bool__", (value,))  # which raises
        unknown = self.unknown("depends on the values of a tensor")
        decl = registry.find("torch.Tensor.__bool__")
        if decl is not None and (decides or self.capture != "export"):
            self._record("torch.Tensor.__bool__", decl, (value,), {}, unknown)
        return unknown

    def taken_out(self, method: str, value: Tensor, found: Any) -> None:
        """The program takes a number out of a tensor: torch.export may not know it where we do, so its graphs hold that as a call."""
        decl = registry.find(f"torch.Tensor.{method}")
        if decl is not None and self.capture == "export" and not self.frame.module.is_torch:
            self._record(f"torch.Tensor.{method}", decl, (value,), {}, found)

    def _check_has_axes(self, value: Tensor) -> None:
        """Raise what torch does for who goes through a scalar; an input that nobody wrote may be something else."""
        if value.type.shape == () and value.origin != "input" and not self.probing:
            self.raise_(TypeError, "iteration over a 0-d tensor")

    def iterate_tensor(self, value: Tensor) -> Iterator[Any]:
        shape = value.type.shape
        if shape is None or not shape or not isinstance(shape[0], int):
            reason = "a tensor whose first size is not known is iterated"
            self._check_has_axes(value)
            if not shape:
                probe = probe_of(value) if self.probing else None
                piece = probe_tensor(probe.linked(same)) if probe is not None and probe.pieces else None
                raise UnknownIteration(Unknown(reason, self.here(), value.why, piece))
            raise UnknownIteration(Unknown(reason, self.here(), item=self._slice_of(value)))
        items = self.torch_method("torch.Tensor.unbind", (value, 0))
        if not isinstance(items, (tuple, list)):
            raise UnknownIteration(self.unknown("the slices of a tensor are not known"))
        return iter(items)

    def _slice_of(self, value: Tensor) -> Tensor:
        """What every slice along the first axis looks like, where nobody knows how many there are."""
        shape = value.type.shape
        assert shape
        item = Tensor(TensorType(shape[1:], value.type.dtype))
        decl = registry.find("torch.Tensor.unbind")
        if decl is not None:
            self._record("torch.Tensor.unbind", decl, (value, 0), {}, (item, _others(item)))
        return item

    def _pieces(
        self, name: str, decl: registry.OpDecl, args: tuple[Any, ...], kwargs: dict[str, Any], lost: Unknown
    ) -> Unknown | None:
        """What ``split`` and the like give where nobody knows how many pieces: each has the dimensions of the whole, or all but the one
        that ``unbind`` takes apart."""
        short = name.rsplit(".", 1)[-1]
        place = _SPLITS.get(short)
        if place is None or not args or not isinstance(args[0], Tensor) or not args[0].type.shape:
            return None
        shape = args[0].type.shape
        axis = kwargs.get("dim", args[place] if len(args) > place else 0)
        if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
            return None
        axis %= len(shape)
        own = () if short == "unbind" else (dims.fresh(),)
        item = Tensor(TensorType((*shape[:axis], *own, *shape[axis + 1 :]), args[0].type.dtype))
        self._record(name, decl, args, kwargs, (item, _others(item)))
        return Unknown(lost.reason, lost.span, lost.cause, item)

    def unpack_tensor(self, value: Tensor, count: int) -> list[Any]:
        shape = value.type.shape
        if shape is not None and shape and isinstance(shape[0], int):
            items = self.torch_method("torch.Tensor.unbind", (value, 0))
            if isinstance(items, (tuple, list)):
                if len(items) != count:
                    self.raise_(ValueError, f"too many or not enough values to unpack (expected {count})")
                return list(items)
        self._check_has_axes(value)
        rest = None if shape is None or not shape else shape[1:]
        probe = probe_of(value) if self.probing else None
        if probe is not None:
            return [
                probe_tensor(probe if probe.pieces else probe.linked(item_by_item(shifted(1)))) for _ in range(count)
            ]
        return [Tensor(TensorType(rest, value.type.dtype)) for _ in range(count)]


def _others(item: Tensor) -> Tensor:
    """Stands in a recorded result for the items after the first, nobody knows how many."""
    sizes = item.type.shape
    return Tensor(TensorType(tuple(dims.fresh() for _ in sizes) if sizes else None, item.type.dtype))


def _joined_many(decl: registry.OpDecl, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TensorType | None:
    """``cat`` and ``stack`` of a list of unknown length whose items look alike: all but one size are an item's."""
    if decl.name not in ("torch.cat", "torch.stack") or not args or args[0].__class__ is not Unknown:
        return None
    axis = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else 0))
    if not isinstance(args[0].item, Tensor) or not isinstance(axis, int):
        return None
    joined = decl.infer(([args[0].item.type], axis), {})
    if not isinstance(joined, TensorType) or joined.shape is None:
        return None
    axis %= len(joined.shape)
    return TensorType((*joined.shape[:axis], dims.fresh(), *joined.shape[axis + 1 :]), joined.dtype)


def _all_numbers(tensor: Tensor) -> bool:
    return tensor.type.shape is not None and all(isinstance(size, int) for size in tensor.type.shape)


def _first_choice(args: tuple[Any, ...], kwargs: dict[str, Any]) -> OneOf | None:
    for value in (*args, *kwargs.values()):
        if value.__class__ is OneOf:
            return value
        for item in value if value.__class__ in (tuple, list) else (value,):
            if item.__class__ is OneOf:
                return item
            if item.__class__ is slice:
                for bound in (item.start, item.stop, item.step):
                    if bound.__class__ is OneOf:
                        return bound
    return None


def _uncountable(value: Any) -> bool:
    """Whether a sequence's items may be absent in more ways than are tried one by one."""
    if value.__class__ not in (tuple, list):
        return False
    return absent.endless(value) or sum(map(absent.optional, value)) > MAX_OPTIONAL


def _choose(value: Any, choice: OneOf, option: Any) -> Any:
    if value is choice:
        return option
    if value.__class__ is slice:
        return slice(*(option if bound is choice else bound for bound in (value.start, value.stop, value.step)))
    if value.__class__ in (tuple, list) and any(v is choice or v.__class__ is slice for v in value):
        return type(value)(_choose(v, choice, option) for v in value if option is not ABSENT or v is not choice)
    return value
