"""Small makers that the models share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.interp.support import unknown_builtin
from ane_lsp.interp.values import Builtin, NativeType

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

Namespace = dict[str, Any]
Maker = Callable[["Interpreter"], Namespace]


def by_name(*functions: Builtin) -> Namespace:
    """Builtins under the last part of their names."""
    return {f.name.rsplit(".", 1)[-1]: f for f in functions}


def native_type(
    module: str,
    name: str,
    matches: Callable[[Any], bool] | None = None,
    construct: Callable[..., Any] | None = None,
    methods: dict[str, Any] | None = None,
    base: Any = object,
    why: str = "",
) -> NativeType:
    """A native type; without `construct` a call of it is Unknown because of `why`."""
    reason = why or f"{module}.{name}() is not modelled"
    maker = construct or unknown_builtin(name, reason).fn
    return NativeType(name, module, maker, matches or _never, methods, base)


def _never(value: Any) -> bool:
    return False


def from_stub(interp: Interpreter, stub: str, *names: str) -> Callable[[str], Any]:
    """An attribute look-up that reads the given names from an interpreted stub module, on first use."""
    from ane_lsp.interp.values import MISSING

    wanted = frozenset(names)

    def lookup(attribute: str) -> Any:
        if attribute not in wanted:
            return MISSING
        return interp.getattr(interp.import_module(stub), attribute)

    return lookup


def nothing(name: str) -> Builtin:
    """A function called for its effect, of which nothing is modelled; gives None."""
    return Builtin(name, lambda interp, args, kwargs: None)


def identity(name: str) -> Builtin:
    """A function, or decorator, that gives its first argument back."""
    return Builtin(name, lambda interp, args, kwargs: args[0] if args else next(iter(kwargs.values()), None))
