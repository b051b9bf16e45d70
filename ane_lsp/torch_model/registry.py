"""How a torch operation is declared, found and applied.

One declaration says everything about an op: its public names, its signature (the decorated function's own), its shape
and dtype rule (the function's body) and what it becomes in the graph (`mil`)::

    @op("torch.cumsum", "torch.Tensor.cumsum", inplace="torch.Tensor.cumsum_", mil=lower.simple("cumsum", x="input", axis="dim"))
    def cumsum(input: TensorType, dim: int, *, dtype: str | None = None, out: object = None) -> TensorType:
        normalize_dim(dim, rank_of(input))
        return TensorType(input.shape, dtype or promoted_sum_dtype(input.dtype))

Rules receive :class:`TensorType` for tensors, short dtype names (``"f32"``) for dtypes, ``int | Sym`` for sizes, plain
Python values for the rest, and :class:`Unknown` where the analysis does not know an argument. They return tensor types
(in the structure torch returns), Python values, or :class:`Unknown`; a size nobody knows is ``dims.fresh()``, a shape
nobody knows is ``None``. They raise :class:`TorchError` exactly where torch raises for those arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, Protocol

from ane_lsp.graph import Sym, TensorType, Unknown, Value, dims
from ane_lsp.graph.ir import Operand
from ane_lsp.graph.records import dataclass


class TorchError(Exception):
    """torch raises for these arguments; the text says what it would complain about. raises: the kind of exception."""

    def __init__(self, message: str, raises: type[Exception] = RuntimeError) -> None:
        super().__init__(message)
        self.raises = raises


class Lowering(Protocol):
    """What a lowering may do: add ops to the graph for the call it lowers."""

    @property
    def opset(self) -> str: ...

    def at_least(self, opset: str) -> bool:
        """Whether the deployment target has the ops of `opset`, for example ``"iOS17"``."""
        ...

    def emit(self, kind: str, inputs: Mapping[str, Operand | None], attrs: Mapping[str, Any], out: TensorType) -> Value:
        """Append an op with one output of type `out`."""
        ...

    def emit_many(
        self, kind: str, inputs: Mapping[str, Operand | None], attrs: Mapping[str, Any], out: Iterable[TensorType]
    ) -> tuple[Value, ...]:
        """Append an op with several outputs."""
        ...

    def const(self, type: TensorType) -> Value:
        """A constant tensor (`type.data` holds its elements where they are known)."""
        ...

    def tensor(self, operand: Any, like: TensorType) -> Value:
        """`operand` itself if it is a tensor, else a constant for the Python number, with `like`'s dtype rules applied."""
        ...


# Names that torch's argument parser accepts besides its own (python_arg_parser.cpp, numpy_compatibility_arg_names).
NUMPY_NAMES: Mapping[str, str] = {
    "axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other",
}  # fmt: skip

# A lowering gets the bound parameters (tensors as `Value`) and the result's types in torch's structure (a TensorType, or
# a tuple/list of them) and returns Values in the same structure. Returning an input Value means "no op is left" (alias).
Lower = Callable[[Lowering, Mapping[str, Any], Any], Any]
Result = Any


@dataclass(frozen=True)
class OpDecl:
    """A torch operation. `names` are its public qualified names, the canonical one first."""

    names: tuple[str, ...]
    rule: Callable[..., Result]
    mil: Lower | None
    inplace: tuple[str, ...] = ()
    mutates: str | None = None
    tags: frozenset[str] = field(default_factory=frozenset)

    @property
    def name(self) -> str:
        return self.names[0]

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.rule)

    def renamed(self, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keyword arguments under torch's own names where they came under NumPy's (``axis``, ``keepdims``, ...), without `out`."""
        if "out" in kwargs and "out" not in self.signature.parameters and self._takes_out:
            kwargs = {name: value for name, value in kwargs.items() if name != "out"}
        if not any(name in NUMPY_NAMES for name in kwargs):
            return kwargs
        known = self.signature.parameters
        return {
            NUMPY_NAMES[name]
            if name in NUMPY_NAMES and name not in known and NUMPY_NAMES[name] in known
            else name: value
            for name, value in kwargs.items()
        }

    @property
    def _takes_out(self) -> bool:
        """Whether it may be given a tensor for its result, as most functions of torch may: that changes nothing of what it is."""
        return any(not name.startswith(("torch.Tensor.", "torch.nn.")) for name in self.names)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by torch's parameter names, defaults filled in. Raises TorchError where the call does not fit."""
        kwargs = self.renamed(kwargs)
        quick = self._bind_plain(args, kwargs)
        if quick is not None:
            return quick
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TorchError(f"{self.name.rsplit('.', 1)[-1]}(): {error}", TypeError) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def of_unknown_number(self, args: tuple[Any, ...], many: int, kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Positional arguments of which the one at `many` stands for nobody knows how many, as of ``x.view(*shape, 4)``: neither
        it nor what comes after it is known."""
        listed = getattr(self.signature, "position", None)
        if listed is not None and many >= listed:
            return (*args[:listed], args[many])
        if self._plain is None:
            return args
        names, positional, _ = self._plain
        return (*args[:many], *(args[many] for name in names[many:positional] if name not in kwargs))

    def of_unknown_names(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], lost: Any) -> dict[str, Any] | None:
        """Keyword arguments where `lost` stands for more of them under names nobody knows, as of ``torch.sum(x, **options)``: each
        parameter that is given in no other way may be one. None where the parameters are not named."""
        if self._plain is None:
            return None
        fold = getattr(self.signature, "fold", None)
        given = len(fold(args) if fold is not None else args)
        return {**dict.fromkeys(self._plain[0][given:], lost), **self.renamed(kwargs)}

    @cached_property
    def _plain(self) -> tuple[tuple[str, ...], int, dict[str, Any]] | None:
        """Parameter names, how many may be positional, and defaults; None for a signature with other kinds of parameters."""
        kinds = inspect.Parameter
        parameters = list(self.signature.parameters.values())
        if any(p.kind not in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY) for p in parameters):
            return None
        return (
            tuple(p.name for p in parameters),
            sum(p.kind is kinds.POSITIONAL_OR_KEYWORD for p in parameters),
            {p.name: p.default for p in parameters if p.default is not kinds.empty},
        )

    def _bind_plain(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """What :meth:`bind` gives for a call that fits, a tenth of the time; None where ``inspect`` is to decide."""
        if self._plain is None:
            return None
        names, positional, defaults = self._plain
        fold = getattr(self.signature, "fold", None)
        if fold is not None:
            args = fold(args)
        given = len(args)
        if given > positional:
            return None
        values = dict(zip(names, args))
        used = 0
        for name in names[given:]:
            if name in kwargs:
                values[name] = kwargs[name]
                used += 1
            elif name in defaults:
                values[name] = defaults[name]
            else:
                return None
        return values if used == len(kwargs) else None

    def inferred(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Result:
        """What :meth:`infer` gives, worked out once for equal arguments: models repeat their blocks."""
        try:
            key = (self.name, _alike(args), _alike(tuple(kwargs.items())) if kwargs else None)
        except TypeError:  # something that cannot be compared
            return self.infer(args, kwargs)
        known = _INFERRED.get(key)
        if known is not None:
            return known
        drawn = dims.drawn()
        result = self.infer(args, kwargs)
        if result.__class__ is TensorType and result.data is None and all(map(dims.is_known, result.shape or ())):
            dims.draw(drawn - dims.drawn())  # of sizes made up on the way none is left, and who asks again makes none
            if len(_INFERRED) > _MAX_INFERRED:
                _INFERRED.clear()
            _INFERRED[key] = result
        return result

    def infer(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Result:
        """The result's types. Unknown arguments a rule does not handle give an unknown result, never an exception.

        Raises TorchError where torch would raise.
        """
        kwargs = self.renamed(kwargs)
        try:
            return self.rule(*args, **kwargs)
        except TorchError:
            raise
        except RecursionError:
            return Unknown(f"{self.name}: arguments nest too deeply")
        except Exception as error:
            try:
                self.signature.bind(*args, **kwargs)
            except TypeError:
                raise TorchError(f"{self.name.rsplit('.', 1)[-1]}(): {error}", TypeError) from None
            unknown = first_unknown((args, tuple(kwargs.values())))
            if unknown is not None:
                return Unknown(f"an argument of {self.name} is unknown", cause=unknown)
            return Unknown(f"{self.name}: {error}")


_INFERRED: dict[Any, TensorType] = {}
_MAX_INFERRED = 20_000
_PLAIN = frozenset({int, float, bool, complex, Sym, Unknown, type(Ellipsis)})


def _alike(value: Any) -> Any:
    """Equal for argument structures that a rule cannot tell apart. Raises TypeError for what else a rule may look into."""
    kind = value.__class__
    if kind is TensorType and value.data is None:
        return value.shape, value.dtype
    if value is None or kind is str:
        return value
    if kind in _PLAIN:
        return kind, value  # 1, 1.0 and True are equal and mean different things
    if kind is tuple or kind is list:
        return (kind, *map(_alike, value))
    if kind is slice:
        return kind, _alike(value.start), _alike(value.stop), _alike(value.step)
    raise TypeError(kind)


def first_unknown(value: Any) -> Unknown | None:
    """The first unknown in an argument structure; a tensor of unknown rank counts."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, TensorType):
        return Unknown("a tensor of unknown shape") if value.shape is None else None
    if isinstance(value, (tuple, list)):
        for item in value:
            found = first_unknown(item)
            if found is not None:
                return found
    return None


_REGISTRY: dict[str, OpDecl] = {}
_INPLACE: dict[str, OpDecl] = {}


def op(
    *names: str,
    mil: Lower | None = None,
    inplace: str | tuple[str, ...] = (),
    mutates: str | None = None,
    tags: Iterable[str] = (),
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Declare a torch op.

    names: public qualified names (``torch.add``, ``torch.Tensor.add``, ``torch.nn.functional.relu``, operator methods
    such as ``torch.Tensor.__add__`` and ``torch.Tensor.__radd__`` included), canonical first.
    inplace: names that do the same and store the result in their first argument.
    mutates: a parameter whose tensor the op writes although it is not an in-place spelling (``out``-like).
    tags: facts checks and the interpreter may ask for: ``"random"``, ``"data-dependent"`` (the shape of the result
    depends on values), ``"view"`` (the result shares memory with the first argument), ``"sync"`` (``.item()``).
    mil: None means: no known lowering, the op appears as ``aten.NAME``.
    """
    extra = (inplace,) if isinstance(inplace, str) else tuple(inplace)

    def declare(rule: Callable[..., Result]) -> Callable[..., Result]:
        decl = OpDecl(names, rule, mil, extra, mutates, frozenset(tags))
        for name in names:
            if name in _REGISTRY:
                raise ValueError(f"{name} is declared twice")
            _REGISTRY[name] = decl
        for name in extra:
            if name in _INPLACE:
                raise ValueError(f"{name} is declared twice")
            _INPLACE[name] = decl
        return rule

    return declare


def find(name: str) -> OpDecl | None:
    """The declaration of a public qualified name, in-place spellings included."""
    _load()
    return _REGISTRY.get(name) or _INPLACE.get(name)


def is_inplace(name: str) -> bool:
    """Whether this spelling stores its result in its first argument."""
    return name in _INPLACE


def declarations() -> tuple[OpDecl, ...]:
    """Every declaration once, in order of declaration."""
    _load()
    return tuple(dict.fromkeys(_REGISTRY.values()))


def names() -> frozenset[str]:
    """Every declared name."""
    _load()
    return frozenset(_REGISTRY) | frozenset(_INPLACE)


_loaded = False


def _load() -> None:
    global _loaded
    if not _loaded:
        _loaded = True
        from ane_lsp.torch_model import ops

        ops.load()
