"""The values the interpreter computes with.

Python values of builtin types stand for themselves: ``None``, numbers, ``str``, ``bytes``, ``tuple``, ``list``, ``dict``,
``set``, ``frozenset``, ``slice``, ``range``, ``Ellipsis``, builtin exceptions, and the builtin types (``int``, ``dict``,
``ValueError``, ...) themselves; containers hold interpreter values. The rest is defined here. ``Sym`` (a symbolic size)
and ``Unknown`` (a value nobody knows, with its reason) come from the graph package.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import field
from itertools import count
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Span, TensorType, Unknown, Value
from ane_lsp.graph.records import dataclass
from ane_lsp.interp.scopes import Signature, signature_of

if TYPE_CHECKING:
    from ane_lsp.interp.frames import Frame
    from ane_lsp.interp.machine import Interpreter
    from ane_lsp.syntax.outline import Piece


class ModuleObject:
    """An imported module. `namespace` is filled by running its top level on first use; `path` is None for native ones."""

    __slots__ = (
        "deferred",
        "is_package",
        "is_torch",
        "lost_star",
        "missing",
        "name",
        "namespace",
        "path",
        "stars",
        "state",
    )

    def __init__(self, name: str, path: str | None, is_package: bool = False) -> None:
        self.name = name
        self.path = path
        self.is_package = is_package
        self.namespace: dict[str, Any] = {}
        self.state = "new"  # new, running, done
        self.deferred: list[ast.If] = []  # `if TYPE_CHECKING:` blocks: where lazy modules name what they hold
        self.stars: list[ModuleObject] = []  # modules of `from x import *`, looked into on demand
        self.lost_star: Unknown | None = None  # one of these modules that was not found: it may bind any name
        self.is_torch = name == "torch" or name.startswith("torch.")
        self.missing: Callable[[str], Any] | None = None  # consulted for attributes the namespace lacks

    def __repr__(self) -> str:
        return f"<module {self.name}>"


MORE = "**"
"""The key that stands for the entries of a dict whose keys and number nobody knows; what it holds is one of them. It passes for unknown
keyword arguments where the dict is spread."""


class Lazy:
    """A name whose value is made when it is first asked for: an import whose module has not run, or a definition of a
    library module that has not been parsed. at: where it is imported."""

    __slots__ = ("at", "attribute", "module", "piece", "resolving")

    def __init__(
        self, module: ModuleObject, attribute: str, piece: Piece | None = None, at: Span | None = None
    ) -> None:
        self.at = at
        self.module = module
        self.attribute = attribute
        self.piece = piece
        self.resolving = False


class ClassObject:
    """A class defined in interpreted source. `mro` holds ClassObjects and builtin types, itself first."""

    __slots__ = (
        "_mro", "_spaces", "bases", "flags", "metaclass", "module", "name", "namespace", "native_base", "node", "qualname",
    )  # fmt: skip

    def __init__(
        self, name: str, qualname: str, bases: tuple[Any, ...], namespace: dict[str, Any], module: ModuleObject
    ) -> None:
        self.name = name
        self.qualname = qualname
        self.bases = bases
        self.namespace = namespace
        self.module = module
        self.metaclass: Any = type
        self.node: ast.ClassDef | None = None
        self.mro = (self,)
        self.native_base: type | None = (
            None  # the builtin whose data an instance carries: dict, list, str, Exception...
        )
        self.flags: dict[str, Any] = {}  # what class decorators noted: "dataclass" fields, "enum" members, ...

    @property
    def dotted(self) -> str:
        return f"{self.module.name}.{self.qualname}"

    @property
    def mro(self) -> tuple[Any, ...]:
        """The order in which bases are searched."""
        return self._mro

    @mro.setter
    def mro(self, order: tuple[Any, ...]) -> None:
        self._mro = order
        self._spaces = tuple(cls.namespace for cls in order if isinstance(cls, ClassObject))

    def is_subclass(self, other: Any) -> bool:
        return other is object or other in self.mro

    def lookup(self, name: str) -> Any:
        """The raw attribute along the MRO's interpreted classes, or MISSING."""
        for space in self._spaces:
            if name in space:
                return space[name]
        return MISSING

    def __repr__(self) -> str:
        return f"<class {self.dotted}>"


class Instance:
    """An object of an interpreted class. `data` is the builtin content where the class extends a builtin type."""

    __slots__ = ("attrs", "cls", "data", "node")

    def __init__(self, cls: ClassObject, data: Any = None) -> None:
        self.cls = cls
        self.attrs: dict[str, Any] = {}
        self.data = data
        self.node: Span | None = None  # where it was constructed

    def __repr__(self) -> str:
        return f"<{self.cls.name} object>"


def read_plainly(value: Any) -> bool:
    """Whether something is an object whose attributes are read without running anything."""
    return value.__class__ is Instance and value.cls.lookup("__getattribute__") is MISSING


class Recalled(dict[Any, Any]):
    """What a cached function gave for which arguments. Nothing tells whether it is there: what following the function leaves besides
    is told by itself. always: what it gave to modules that were run late, which counts as if it had been there before.
    """

    __slots__ = ("always",)

    def __init__(self) -> None:
        super().__init__()
        self.always: dict[Any, Any] = {}


class Function:
    """A function or lambda of interpreted source."""

    __slots__ = (
        "_signature", "attrs", "closure", "defaults", "fast", "kw_defaults", "module", "name", "node", "owner", "qualname",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        qualname: str,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        module: ModuleObject,
        closure: Frame | None,
        defaults: list[Any],
        kw_defaults: dict[str, Any],
    ) -> None:
        self.name = name
        self.qualname = qualname
        self.node = node
        self.module = module
        self.closure = closure
        self.defaults = defaults
        self.kw_defaults = kw_defaults
        self.owner: ClassObject | None = None  # the class whose body defines it, for zero-argument super()
        self.attrs: dict[str, Any] = {}
        self.fast: Any = None  # a quick way to do the same, see interp/fast.py
        self._signature: Signature | None = None

    @property
    def signature(self) -> Signature:
        """Its parameters and names, read when it is first called."""
        if self._signature is None:
            self._signature = signature_of(self.node)
        return self._signature

    @property
    def is_generator(self) -> bool:
        """Whether a call gives a generator."""
        return self.signature.is_generator

    def __repr__(self) -> str:
        return f"<function {self.qualname}>"


@dataclass(eq=False, slots=True)
class BoundMethod:
    """A callable with its first argument."""

    func: Any
    self: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundMethod) and other.func is self.func and other.self is self.self

    def __hash__(self) -> int:
        return hash((id(self.func), id(self.self)))


@dataclass(eq=False, slots=True)
class Builtin:
    """A function implemented here: ``fn(interp, args, kwargs)`` with interpreter values."""

    name: str
    fn: Callable[[Interpreter, tuple[Any, ...], dict[str, Any]], Any]

    def __repr__(self) -> str:
        return f"<builtin {self.name}>"


class NativeType:
    """A type implemented here that source can name, call, subclass and test with isinstance (``torch.Tensor``, ``deque``).

    `matches` answers isinstance for a value. `construct` makes one. `methods` are found on its values and subclasses.
    """

    __slots__ = ("base", "construct", "matches", "methods", "module", "name")

    def __init__(
        self,
        name: str,
        module: str,
        construct: Callable[[Interpreter, tuple[Any, ...], dict[str, Any]], Any],
        matches: Callable[[Any], bool],
        methods: dict[str, Any] | None = None,
        base: Any = object,
    ) -> None:
        self.name = name
        self.module = module
        self.construct = construct
        self.matches = matches
        self.methods = methods or {}
        self.base = base

    def __repr__(self) -> str:
        return f"<class {self.module}.{self.name}>"


@dataclass(eq=False, slots=True)
class Property:
    fget: Any = None
    fset: Any = None
    fdel: Any = None
    cached: bool = False


@dataclass(eq=False, slots=True)
class ClassMethod:
    func: Any


@dataclass(eq=False, slots=True)
class StaticMethod:
    func: Any


@dataclass(eq=False, slots=True)
class Super:
    """``super()``: attribute look-up on `obj` that starts after `owner` in the MRO of its class."""

    owner: Any
    obj: Any
    obj_class: Any


@dataclass(eq=False, slots=True)
class Partial:
    """``functools.partial``."""

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class IteratorObject:
    """Any iterator: generators, zip, map, enumerate, iter(x). `source` yields interpreter values."""

    source: Iterator[Any]
    kind: str = "iterator"
    send: Callable[[Any], Any] | None = None
    gaps: bool = False  # items that may be absent are marked so, see absent.py

    def __iter__(self) -> Iterator[Any]:
        return self.source


@dataclass(frozen=True, slots=True)
class Opaque:
    """A thing whose only use is to be named: ``typing.Optional``, ``TypeVar("T")``. Subscripts, calls and ``|`` give it back."""

    name: str


@dataclass(frozen=True, slots=True)
class LiteralOf(Opaque):
    """``Literal["a", "b"]``"""

    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class UnionOf(Opaque):
    """``int | str``; members: the types, ``None`` for NoneType."""

    members: tuple[Any, ...] = ()

    @staticmethod
    def of(left: Any, right: Any) -> UnionOf:
        """``left | right``; unions in it are taken apart."""
        sides = (side.members if isinstance(side, UnionOf) else (side,) for side in (left, right))
        return UnionOf("Union", tuple(member for side in sides for member in side))

    @property
    def classes(self) -> tuple[Any, ...]:
        """The members as ``isinstance`` takes them."""
        return tuple(type(None) if member is None else member for member in self.members)


@dataclass(frozen=True, slots=True)
class DType:
    """``torch.float32``; `name` is the short name (``f32``)."""

    name: str


@dataclass(frozen=True, slots=True)
class TorchFunction:
    """A torch operation by its public qualified name (``torch.cat``, ``torch.Tensor.view``)."""

    name: str


@dataclass(frozen=True, slots=True)
class Device:
    """``torch.device``."""

    type: str
    index: int | None = None


next_tensor = count().__next__
"""The number of the next tensor: whatever is made from then on has a greater one."""


class Tensor:
    """A tensor. Mutable as torch's are: in-place operations replace `type` and `value`.

    value: its node in the graph `graph`; None until an op of that graph reads it.
    origin: ``parameter``, ``buffer``, ``constant`` (made outside the model's forward), ``input`` or ``op``.
    number: grows from tensor to tensor.
    """

    __slots__ = ("attrs", "base", "graph", "name", "number", "origin", "requires_grad", "type", "value", "why")

    def __init__(self, type: TensorType, origin: str = "op") -> None:
        self.number = next_tensor()
        self.type = type
        self.origin = origin
        self.value: Value | None = None
        self.graph: Any = None
        self.name = ""
        self.base: Tensor | None = None
        self.requires_grad = False
        self.attrs: dict[str, Any] | None = None
        self.why: Any = None  # where its type is not known: the Unknown that says why

    def bare(self) -> Tensor:
        """Another tensor that is known as much of, but for what it is a view of, attributes and its place in a graph."""
        made = Tensor(self.type, self.origin)
        made.name, made.requires_grad, made.why = self.name, self.requires_grad, self.why
        return made

    def __repr__(self) -> str:
        return f"<tensor {self.type}>"


@dataclass(eq=False, slots=True)
class OneOf:
    """One of a few values, after branches that could not be decided were joined. Never nested, never fewer than two.

    The last may be ABSENT: the item of a sequence, or the entry of a table, may not be there at all. If a Many is before it,
    there may be any number of such items. told: what is known of sizes where it is the one or the other of two (see
    :class:`ane_lsp.interp.zeros.Zeros`).
    """

    options: tuple[Any, ...]
    told: Any = None


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


@dataclass(eq=False, slots=True)
class Many:
    """Where it is the last option but one: there may be any number of such items. place: of the loop that adds them."""

    place: Span | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that torch refuses for certain: every size is a number and no condition was left open before it.

    places: the call, then the calls that led to it, innermost first. raises: the kind of exception.
    """

    operation: str
    message: str
    places: tuple[Span, ...]
    raises: str = "RuntimeError"


class PyRaise(Exception):
    """An exception of the interpreted program; `value` is the exception object (a builtin one or an Instance)."""

    def __init__(self, value: Any, span: Span | None = None) -> None:
        super().__init__(value)
        self.value = value
        self.span = span
        self.within: Span | None = None  # in the innermost function of the checked file that it left
        self.from_operation = False  # an op rule raised it, not the program or a stub
        self.refusal: Refusal | None = None  # where torch would raise it, on all that is known

    def is_a(self, kind: type[BaseException]) -> bool:
        """Whether ``except`` with this builtin class takes it."""
        if self.value.__class__ is Instance:
            return any(isinstance(base, type) and issubclass(base, kind) for base in self.value.cls.mro)
        return isinstance(self.value, kind)

    def apart(self) -> PyRaise:
        """Itself without the calls that it went through, and those of what led to it: they hold what nobody will see any more."""
        self.__traceback__ = self.__context__ = None
        return self


class Stop(BaseException):
    """The run ends here: a budget is used up (`reason` ``"budget"``), or the caller cancelled (``"cancelled"``).

    limit: how much of what was used ("20 s").
    """

    def __init__(self, reason: str, limit: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.limit = limit


class Told(Stop):
    """A probed forward has told what it can. It is left in an orderly way: ``finally`` and ``__exit__`` run."""

    def __init__(self) -> None:
        super().__init__("told")
