"""Calls: functions and their arguments, instances, types."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from sys import getrefcount
from typing import Any, NamedTuple

from ane_lsp.graph import Sym, Unknown
from ane_lsp.interp import absent, builtins, state
from ane_lsp.interp.attributes import Attributes
from ane_lsp.interp.base import MAX_DEPTH, PLAIN
from ane_lsp.interp.frames import UNDECIDED, Frame, forget_functions, item_of, of_unknown_number
from ane_lsp.interp.likeness import written_down
from ane_lsp.interp.ran import Ran
from ane_lsp.interp.references import OWN
from ane_lsp.interp.scenes import scene
from ane_lsp.interp.seen import NotKept
from ane_lsp.interp.support import DefaultDict
from ane_lsp.interp.symbolic import SymRatio
from ane_lsp.interp.templates import (
    MAX_TEMPLATES,
    MAX_VERSIONS,
    WORTH_IT,
    Given,
    Template,
    copied,
    copy_of,
    left_behind,
)
from ane_lsp.interp.tensors import tensors_in
from ane_lsp.interp.values import (
    MISSING,
    MORE,
    BoundMethod,
    Builtin,
    ClassMethod,
    ClassObject,
    Device,
    DType,
    Function,
    Instance,
    ModuleObject,
    NativeType,
    OneOf,
    Opaque,
    Partial,
    Property,
    StaticMethod,
    Tensor,
    TorchFunction,
    UnionOf,
)


class Built(NamedTuple):
    """A module that was built. worth_it: that took long in a world that stayed as it was (or, where calls are kept, of which no more
    than contents changed). own: what of it was changed meanwhile and is still held; None where that may not be its own, or where
    nobody asked. born: by identity, containers that came into being meanwhile."""

    module: Any
    worth_it: bool
    own: list[Any] | None
    born: AbstractSet[int]


_DESCRIPTORS: dict[type, type] = {ClassMethod: classmethod, StaticMethod: staticmethod, Property: property}


class Calls(Attributes):
    # -- calls ---------------------------------------------------------------------------------------------------------

    def call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """Call anything."""
        kind = func.__class__
        if kind is Function:
            return self.call_function(func, args, kwargs or {})
        if kind is BoundMethod:
            if not self.recorder.modules and self.is_forward(func):
                return self.nn_call(func.self, args, kwargs or {}, hooked=False)
            return self.call(func.func, (func.self, *args), kwargs)
        if kind is Builtin:
            return func.fn(self, args, kwargs or {})
        if kind is TorchFunction:
            return self.torch_function(func, args, kwargs or {})
        if kind is ClassObject:
            return self.construct(func, args, kwargs or {})
        if kind is Partial:
            merged = {**func.kwargs, **kwargs} if kwargs else func.kwargs
            return self.call(func.func, (*func.args, *args), merged)
        if kind is Instance:
            raw = func.cls.lookup("__call__")
            if raw is not MISSING and not (raw.__class__ is Function and raw.module.name == "torch.nn.modules.module"):
                return self.call(self.bind(raw, func, func.cls), args, kwargs)
            if self.is_nn_module(func.cls):
                return self.nn_call(func, args, kwargs or {})
            native = self._native_member(func, "__call__")
            if native is not MISSING:
                return self.call(native, args, kwargs)
            forward = func.cls.lookup("forward")
            if isinstance(forward, Function) and any(base.__class__ is Unknown for base in func.cls.mro):
                return self.call(self.bind(forward, func, func.cls), args, kwargs)  # a module, by all that is known
            return self.unknown(f"a {func.cls.name} object is not callable as far as is known")
        if kind is OneOf:
            calls: list[Callable[[], Any]] = [partial(self.call, option, args, kwargs) for option in func.options]
            return self.fork_value(self.frame, calls, told=func.told)
        if kind is Unknown:
            return self.lost_call(func, args, kwargs)
        if kind is NativeType:
            return func.construct(self, args, kwargs or {})
        if isinstance(func, type):
            return builtins.construct(self, func, args, kwargs or {})  # type: ignore[arg-type]
        if kind is Opaque:
            return func
        if isinstance(func, (StaticMethod, ClassMethod)):
            return self.call(func.func, args, kwargs)
        if kind is Tensor or kind is ModuleObject or func is None or isinstance(func, PLAIN):
            return self.raise_(TypeError, f"'{self.type_name(func)}' object is not callable")
        return self.unknown(f"calling a {self.type_name(func)} is not modelled")

    def lost_call(self, func: Unknown, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Unknown:
        """A call of something unknown: remembered for the summary, and by the model that gave it tensors."""
        span = self.here()
        if span is not None:
            self.unresolved.setdefault(func.first.reason, span)
            if next(tensors_in((*args, kwargs)), None) is not None:
                if self.recorder.active:
                    self.recorder.graph.lost.setdefault(func.first.reason, span)
                else:
                    self.conversions.note(self, func)
        return Unknown("the result of a call that could not be followed", span, func)

    def call_function(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.tick()
        if func.fast is not None:
            done = func.fast(self, func, args, kwargs)
            if done is not MISSING:
                return done
        return self.follow_function(func, args, kwargs)

    def follow_function(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function as it is written."""
        frame = self.bind_arguments(func, args, kwargs)
        if frame.depth > MAX_DEPTH:
            self.raise_(RecursionError, "maximum recursion depth exceeded")
        if func.signature.is_generator:
            return self.start_generator(func, frame)
        frame.code = func.node
        self.make(frame.locals)
        result = self.run_function(func, frame)
        if frame.encloses:
            held = getrefcount(frame) - OWN  # counted among the arguments below, it would be held once more
            forget_functions(frame, held)
        return result

    def bind_arguments(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Frame:
        """A frame for `func` with its parameters bound. Raises PyRaise(TypeError) where the call does not fit."""
        signature = func.signature
        positional = signature.positional
        count = len(positional)
        if self.gaps and any(map(absent.optional, args)):
            args = (
                self.without_gaps(args) if signature.vararg is None or any(map(absent.optional, args[:count])) else args
            )
        given = len(args)
        if given == count and not kwargs and signature.plain:
            frame = Frame(
                func.module, dict(zip(positional, args)), func.closure, self.frame, func.qualname, signature.local_names,
            )  # fmt: skip
            frame.owner = func.owner
            return frame
        space: dict[str, Any] = {}
        many = of_unknown_number(args)
        if many is not None:
            self._bind_many(func, args, many, kwargs, space)
            args, given = args[:many], many
        if given > count and signature.vararg is None:
            self.raise_(TypeError, f"{func.name}() takes {count} positional arguments but {given} were given")
        for name, value in zip(positional, args):
            space[name] = value
        if signature.vararg is not None and signature.vararg not in space:
            space[signature.vararg] = tuple(args[count:])
        extra: dict[str, Any] = {}
        if kwargs:
            accepted = positional[signature.posonly_count :]
            for name, value in kwargs.items():
                if name in accepted:
                    if name in space:
                        self.raise_(TypeError, f"{func.name}() got multiple values for argument '{name}'")
                    space[name] = self._or_default(func, name, value) if value.__class__ is OneOf else value
                elif name in signature.kwonly:
                    space[name] = self._or_default(func, name, value) if value.__class__ is OneOf else value
                elif signature.kwarg is not None:
                    extra[name] = value
                elif name == MORE:
                    pass
                else:
                    self.raise_(TypeError, f"{func.name}() got an unexpected keyword argument '{name}'")
        lost = kwargs.get(MORE) if kwargs else None
        if len(space) < count + (signature.vararg is not None) or signature.kwonly:
            first_default = count - len(func.defaults)
            exchangeable = func.module.path in self.exchangeable
            for i, name in enumerate(positional):
                if name not in space:
                    if lost is not None:
                        space[name] = lost
                    elif i >= first_default:
                        space[name] = func.defaults[i - first_default]
                        if exchangeable:
                            self.ran.add((func.node, name))
                    else:
                        self.raise_(TypeError, f"{func.name}() missing required argument: '{name}'")
            for name in signature.kwonly:
                if name not in space:
                    if name in func.kw_defaults:
                        space[name] = func.kw_defaults[name]
                        if exchangeable:
                            self.ran.add((func.node, name))
                    elif lost is not None:
                        space[name] = lost
                    else:
                        self.raise_(TypeError, f"{func.name}() missing required keyword-only argument: '{name}'")
        if signature.kwarg is not None:
            space[signature.kwarg] = extra
        frame = Frame(func.module, space, func.closure, self.frame, func.qualname, signature.local_names)
        frame.extra = extra
        frame.owner = func.owner
        return frame

    def _or_default(self, func: Function, name: str, value: OneOf) -> Any:
        """What a parameter gets from an entry of ``**kwargs`` that may be absent."""
        if not absent.optional(value):
            return value
        positional = func.signature.positional
        default = func.kw_defaults.get(name, MISSING)
        if name in positional[len(positional) - len(func.defaults) :]:
            default = func.defaults[positional.index(name) - len(positional)]
        return state.join([absent.present(value), default], UNDECIDED, self.here())

    def _bind_many(
        self, func: Function, args: tuple[Any, ...], many: int, kwargs: dict[str, Any], space: dict[str, Any]
    ) -> None:
        """Bind the parameters that ``*args`` of unknown length may reach. many: its place among the arguments."""
        signature, spread = func.signature, args[many]
        count = len(signature.positional)
        item = item_of(spread.cause if spread.cause is not None else spread, spread.span)
        for index, name in enumerate(signature.positional[many:], many):
            if name not in kwargs:
                space[name] = item if index < count - len(func.defaults) else spread
        if signature.vararg is not None:
            like = state.likeness([*args[count:many], item, *args[many + 1 :]])
            space[signature.vararg] = Unknown("arguments of unknown number", spread.span, spread, like)

    # -- classes -------------------------------------------------------------------------------------------------------

    def construct(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``cls(*args, **kwargs)``."""
        self.tick()
        for base in cls.mro:
            if isinstance(base, NativeType) and "__class_call__" in base.methods:
                return self.call(base.methods["__class_call__"], (cls, *args), kwargs)
        if isinstance(cls.metaclass, ClassObject):
            caller = cls.metaclass.lookup("__call__")
            if caller is not MISSING:
                return self.call(caller, (cls, *args), kwargs)
        return self.construct_plain(cls, args, kwargs)

    def construct_plain(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.recorder.modules and self.is_nn_module(cls):
            if cls.module.is_torch:
                return self._construct_torch(cls, args, kwargs)
            self.building += 1
            try:
                return (self._construct_plain if self.journals else self._construct_module)(cls, args, kwargs)
            finally:
                self.building -= 1
        return self._construct_plain(cls, args, kwargs)

    def _construct_module(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module outside any forward and any undecided branch: a copy, where one was built from the same arguments before."""
        given, values = Given(cls, args, kwargs), (*args, *kwargs.values())
        key = given.key
        if key is None:
            return self._construct_plain(cls, args, kwargs)
        changes, versions = self.surroundings(), self.built.get(key)
        seen = versions is not None and changes in versions
        known = versions[changes] if versions is not None and seen else None
        part = next((one for one in self.expected if one.is_of(key, changes)), None)
        if known is None or (self.doubted is not None and self.doubted(known)):
            known = part
        if known is not None:
            fresh: set[int] = set()
            made = known.again(self, given, values, fresh)
            if made is not None:
                if self.written is not None:
                    self.written.born |= fresh
                if key in self.built:
                    self.built.move_to_end(key)
                self.ran.calls[known] = None
                made.node = self.here()
                return made
        if seen and known is None and self.repeats is None:  # it cannot be copied
            return self._construct_plain(cls, args, kwargs)
        before = given.contents() if self.repeats is not None and self.doubted is None else []
        outer, self.ran = self.ran, Ran()
        template = None
        try:
            # What is not part of another module is a whole model, most likely built once where nothing is edited.
            alone = self.written is None and versions is None and self.repeats is None
            built = self.build(cls, args, kwargs, alone)
            if self.doubted is not None:
                template = part if self.surroundings() == changes else None
            elif built.worth_it:
                changed = [(one, held) for one, held in before if not state.holds(one, held)]
                template = self._template(built, (cls, args, kwargs), given, changes, changed)
            return built.module
        finally:
            if template is not None:
                outer.calls[template] = None
            else:
                outer |= self.ran
            self.ran = outer

    def _template(
        self,
        built: Built,
        call: tuple[ClassObject, tuple[Any, ...], dict[str, Any]],
        given: Given,
        before: tuple[int, int],
        changed: list[tuple[Any, Any]],
    ) -> Template | None:
        """What was just built by a `call` in a world with surroundings as they were `before`, for copies where that may be, else to be compared.
        changed: the containers among what was given that hold something else since, with what they held."""
        key, left, own = given.key, self.surroundings(), built.own
        versions = self.built.get(key)
        first, seen = versions is None, versions is not None and before in versions
        copy = None
        if own is not None and (self.repeats is not None or left == before):
            args = (*call[1], *call[2].values())
            copy = copy_of(built.module, args, given, [one for one, _ in changed], own, built.born)
        for_copies = copy is not None and copy.contents is None and not seen and left == before
        parts, after = None, key
        if own is not None and not for_copies and self.repeats is not None:
            after = Given(*call).key
            if copy is None:
                with suppress(NotKept, RecursionError):
                    parts = written_down(built.module, given, own)
        template = None
        if for_copies or (after is not None and (copy is not None or parts is not None)):
            place, number = scene(self, *call), self.next_number()
            template = Template(copy, given, self.ran, place, before, left, number, parts, after, changed)
        if not seen and left == before:
            versions = self.built.setdefault(key, {})
            if for_copies or not first:  # the first time, caches that it fills look left behind, too
                versions[before] = template if for_copies else None
                if len(versions) > MAX_VERSIONS:
                    del versions[next(iter(versions))]
            if len(self.built) > MAX_TEMPLATES:
                self.built.popitem(last=False)
        return template

    def build(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any], alone: bool = False) -> Built:
        """A new module. alone: nobody asks what of it is its own."""
        changes, noted = self.surroundings(), len(self.outside.noted)
        steps, unknown, faults = self.steps, len(self.unresolved), len(self.internal)
        doubtful, self.doubtful, thrown = self.doubtful, False, self.throwing()
        written, since = state.Written(), self.changes_kept()
        outer, self.written = self.written, written
        caught = False
        try:
            try:
                built = self._construct_plain(cls, args, kwargs)
            finally:
                caught = self.all_caught(thrown)
            now = self.surroundings()
            if (self.steps - steps <= WORTH_IT and self.doubted is None) or (
                changes[0] != now[0] or (changes != now and self.repeats is None)
            ):
                return Built(built, False, None, frozenset())
            certain = len(self.unresolved) == unknown and len(self.internal) == faults and not self.doubtful and caught
            if alone or not certain:
                return Built(built, True, None, frozenset())
            known_before = partial(self.outside.knows, noted=noted)
            left = left_behind(written, self, known_before, since=since)
            return Built(built, True, [one for key, one in left.items() if not known_before(key)], written.born)
        finally:
            self.doubtful = self.doubtful or doubtful
            self.written = outer
            if outer is not None:
                outer.take(written, written.made, written.born)
                outer.born |= written.born

    def _construct_torch(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module of torch outside any forward: a copy of one that was built from the same arguments before."""
        key = Given(cls, args, kwargs).key
        known = self.templates.get(key) if key is not None else None
        if known is not None:
            copy = copied(known)
            if copy is not None:
                copy.node = self.here()
                if self.journals:
                    for held in (copy.attrs, *copy.attrs.values()):
                        self.make(held)
                return copy
        made = self._construct_plain(cls, args, kwargs)
        if key is not None and key not in self.templates and len(self.templates) < MAX_TEMPLATES:
            kept = copied(made)
            if kept is not None and not kept.attrs.get("_modules") and kept.cls is cls:
                self.templates[key] = kept
        return made

    def _construct_plain(self, cls: ClassObject, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        maker = cls.lookup("__new__")
        if maker is not MISSING:
            obj = self.call(maker.func if isinstance(maker, StaticMethod) else maker, (cls, *args), kwargs)
            if not isinstance(obj, Instance) or not obj.cls.is_subclass(cls):
                return obj
        else:
            obj = self.new_instance(cls, args, kwargs)
            if not isinstance(obj, Instance):
                return obj
        obj.node = self.here()
        init = cls.lookup("__init__")
        if init is not MISSING:
            if (args or kwargs) and self._lost_base(cls) is not None and init is self.module_init(cls):
                args, kwargs = (), {}  # an unknown base takes them: of what that does, only this is certain
            self.call(init, (obj, *args), kwargs)
        else:
            for base in cls.mro:
                if isinstance(base, NativeType) and "__init__" in base.methods:
                    self.call(base.methods["__init__"], (obj, *args), kwargs)
                    return obj
            if maker is MISSING or args or kwargs:
                self.native_init(obj, args, kwargs)
        return obj

    def new_instance(self, cls: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        """``object.__new__`` or that of a builtin base."""
        if not isinstance(cls, ClassObject):
            return self.call(cls, args, kwargs or {})
        obj = Instance(cls)
        self.born(obj.attrs)
        base = cls.native_base
        if base is not None:
            if issubclass(base, BaseException):
                obj.data = Exception(*[a for a in args if isinstance(a, str)])
                obj.attrs["args"] = tuple(args)
            elif base in (dict, list, set, deque, Counter):
                obj.data = self.make(base())
            elif base is DefaultDict:
                obj.data = self.make(DefaultDict(self, None))  # type: ignore[arg-type]
            elif base in (int, float, str, bytes, frozenset, complex) or issubclass(base, tuple):
                obj.data = builtins.construct(self, base, args, kwargs or {})  # type: ignore[arg-type]
        return obj

    def native_init(self, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """``__init__`` of a builtin base."""
        if not isinstance(obj, Instance):
            return
        base = obj.cls.native_base
        if property in obj.cls.mro:
            names = ("fget", "fset", "fdel")
            self.touch(obj.attrs)
            obj.attrs.update({**dict.fromkeys(names), **dict(zip(names, args)), **kwargs})
        if base is DefaultDict and args:
            obj.data.default_factory = args[0]
        if base in (dict, list, set, deque, Counter, DefaultDict) and (args or kwargs):
            filled = builtins.construct(self, base, args, kwargs)  # type: ignore[arg-type]
            if isinstance(filled, Unknown) and base is not set:
                filled = {MORE: filled} if issubclass(base, dict) else [absent.several(filled, self.here())]
                self.gaps = True
            if isinstance(filled, (dict, list, set, deque)):
                self.touch(obj.data)
                state.restore(obj.data, filled)
        elif base is not None and issubclass(base, BaseException):
            obj.attrs["args"] = tuple(args)

    def class_attributes_created(self, cls: ClassObject) -> None:
        """Run the hooks of native bases, ``__set_name__`` and ``__init_subclass__`` for a new class."""
        for base in cls.mro[1:]:
            hook = base.methods.get("__class_created__") if isinstance(base, NativeType) else None
            if hook is None and isinstance(base, ClassObject):
                hook = base.flags.get("__class_created__")
            if hook is not None:
                self.call(hook, (cls,))
        for name, value in list(cls.namespace.items()):
            if isinstance(value, Instance):
                setter = value.cls.lookup("__set_name__")
                if setter is not MISSING:
                    self.call(setter, (value, cls, name))

    # -- types -----------------------------------------------------------------------------------------------------------

    def type_of(self, value: Any) -> Any:
        """The class of a value."""
        if isinstance(value, Instance):
            return value.cls
        if isinstance(value, ClassObject):
            return value.metaclass
        if isinstance(value, Unknown):
            return Unknown("the type of something unknown", self.here(), value)
        if isinstance(value, OneOf):
            return state.join([self.type_of(v) for v in value.options], UNDECIDED)
        if isinstance(value, (Sym, SymRatio)):
            return int if isinstance(value, Sym) else float
        if value.__class__ in _DESCRIPTORS and not getattr(value, "cached", False):
            return _DESCRIPTORS[value.__class__]
        native = self.torch_type_of(value)
        if native is None:
            native = builtins.native_type_of(value)
        return native if native is not None else type(value)

    def type_name(self, value: Any) -> str:
        cls = self.type_of(value)
        return str(getattr(cls, "name", None) or getattr(cls, "__name__", "object"))

    def isinstance(self, value: Any, cls: Any) -> Any:
        """``isinstance``, three-valued."""
        if value.__class__ is Instance and cls.__class__ is ClassObject and cls.metaclass is type:  # most often
            if cls in value.cls.mro:
                return True
            lost = self._lost_base(value.cls)
            return False if lost is None else lost
        if isinstance(cls, UnionOf):
            cls = cls.classes
        if value.__class__ is Unknown and value.number:
            verdicts = [self.isinstance(one, cls) for one in (True, 1, 0.5)]
            classes = cls if isinstance(cls, tuple) else (cls,)
            scalars = any(
                isinstance(one, ClassObject) and one.module.name == "numpy" and one.name != "ndarray" for one in classes
            )
            same = verdicts[0].__class__ is bool and all(one is verdicts[0] for one in verdicts)
            if same and (verdicts[0] or not scalars):
                return verdicts[0]
        if isinstance(cls, tuple):
            verdicts = [self.isinstance(value, c) for c in cls]
            if any(v is True for v in verdicts):
                return True
            return next((v for v in verdicts if v is not False), False)
        if isinstance(cls, Unknown):
            return Unknown(f"isinstance against something unknown: {cls.reason}", self.here(), cls)
        if isinstance(value, Unknown):
            return Unknown("the type of something unknown", self.here(), value)
        if isinstance(value, OneOf):
            return state.join([self.isinstance(v, cls) for v in value.options], UNDECIDED)
        if cls is object:
            return True
        if isinstance(cls, ClassObject) and isinstance(cls.metaclass, ClassObject):
            checker = cls.metaclass.lookup("__instancecheck__")
            if checker is not MISSING:
                return self.truth(self.call(checker, (cls, value)))
        if isinstance(value, Instance):
            if isinstance(cls, ClassObject):
                if cls in value.cls.mro:
                    return True
            elif isinstance(cls, NativeType):
                if cls in value.cls.mro or cls.matches(value):
                    return True
            elif isinstance(cls, type):
                if cls in value.cls.mro or (
                    value.cls.native_base is not None and issubclass(value.cls.native_base, cls)
                ):
                    return True
            lost = self._lost_base(value.cls)
            if lost is not None:
                return lost
            if isinstance(cls, Opaque):
                return Unknown(f"isinstance against {cls.name}", self.here())
            return False
        if isinstance(cls, NativeType):
            return bool(cls.matches(value))
        if isinstance(cls, type):
            if isinstance(value, Sym):
                return issubclass(int, cls)
            if isinstance(value, SymRatio):
                return cls is float
            if cls is type:
                return isinstance(value, (type, ClassObject, NativeType))
            if value.__class__ in _DESCRIPTORS:
                return issubclass(self.type_of(value), cls)
            if isinstance(value, (Tensor, Function, ModuleObject, ClassObject, Builtin, BoundMethod, DType, Device)):
                return False
            return isinstance(value, cls)
        if isinstance(cls, ClassObject):
            if isinstance(value, ClassObject):
                return cls is value.metaclass or (
                    isinstance(value.metaclass, ClassObject) and value.metaclass.is_subclass(cls)
                )
            if isinstance(value, Tensor):
                return bool(value.attrs and value.attrs.get("__class__") is cls)
            return False
        if isinstance(cls, Opaque):
            return Unknown(f"isinstance against {cls.name}", self.here())
        return False

    def _lost_base(self, cls: ClassObject) -> Unknown | None:
        """Why it is not known what else a class is derived from, None where it is."""
        for base in cls.mro:
            if base.__class__ is Unknown:
                return Unknown(f"a base class of {cls.name} is unknown", self.here(), base)
        return None

    def issubclass(self, cls: Any, parent: Any) -> Any:
        """``issubclass``, three-valued."""
        if isinstance(parent, UnionOf):
            parent = parent.classes
        if isinstance(parent, tuple):
            verdicts = [self.issubclass(cls, p) for p in parent]
            if any(v is True for v in verdicts):
                return True
            return next((v for v in verdicts if v is not False), False)
        if isinstance(cls, Unknown) or isinstance(parent, Unknown):
            return self.unknown("issubclass of something unknown")
        if parent is object or cls is parent:
            return True
        if isinstance(cls, ClassObject):
            if parent in cls.mro:
                return True
            if isinstance(parent, type) and cls.native_base is not None:
                return issubclass(cls.native_base, parent)
            unknown = next((b for b in cls.mro if isinstance(b, Unknown)), None)
            return unknown if unknown is not None else False
        if isinstance(cls, type) and isinstance(parent, type):
            return issubclass(cls, parent)
        if isinstance(cls, NativeType):
            base = cls.base
            return base is parent or (isinstance(base, (NativeType, type)) and self.issubclass(base, parent) is True)
        return False

    def exception_matches(self, value: Any, kinds: Any) -> Any:
        """Whether an except clause catches `value`."""
        if isinstance(value, Unknown) or isinstance(kinds, (Unknown, Opaque)):
            return True
        if isinstance(kinds, tuple):
            return any(self.exception_matches(value, k) is not False for k in kinds)
        verdict = self.isinstance(value, kinds)
        return True if isinstance(verdict, Unknown) else verdict

    def exception_of(self, value: Any) -> Any:
        """The exception object a raise statement raises."""
        if isinstance(value, ClassObject):
            return self.construct(value, (), {})
        if isinstance(value, type) and issubclass(value, BaseException):
            return value()
        return value
