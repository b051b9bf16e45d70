"""``warnings``, ``gc``, ``atexit``, ``weakref``, ``contextvars``, ``builtins``: things about the running program itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name, from_stub, identity, nothing
from ane_lsp.interp.support import native, unknown_builtin
from ane_lsp.interp.values import Builtin, ClassObject, Function

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


@native("warnings.deprecated")
def _deprecated(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
    return args[0] if args and isinstance(args[0], (Function, ClassObject)) else identity("deprecated")


def _warnings(interp: Interpreter) -> Namespace:
    quiet = ("warn", "warn_explicit", "filterwarnings", "simplefilter", "resetwarnings", "showwarning")
    return {
        **{n: nothing(n) for n in quiet}, "deprecated": _deprecated, "filters": [],
        "formatwarning": unknown_builtin("formatwarning", "the text of a warning is not modelled"),
        "__missing__": from_stub(interp, "_ane_warnings", "catch_warnings"),
    }  # fmt: skip


def _gc(interp: Interpreter) -> Namespace:
    asked = ("get_objects", "get_stats", "get_count", "get_referrers", "get_referents", "get_threshold", "isenabled")
    return {
        **{n: nothing(n) for n in ("enable", "disable", "freeze", "unfreeze", "set_threshold", "set_debug")},
        "collect": Builtin("collect", lambda interp, args, kwargs: 0),
        **{n: unknown_builtin(n, "the garbage collector is not modelled") for n in asked},
    }


def _weakref(interp: Interpreter) -> Namespace:
    # Objects live as long as a run does: a reference always finds what it points to.
    names = ("ref", "ReferenceType", "WeakMethod", "finalize", "WeakSet")
    return {
        "proxy": identity("proxy"), "WeakValueDictionary": dict, "WeakKeyDictionary": dict,
        "ProxyTypes": (), "__missing__": from_stub(interp, "_ane_weakref", *names),
    }  # fmt: skip


def _builtins(interp: Interpreter) -> Namespace:
    from ane_lsp.interp.builtins import BUILTINS

    return dict(BUILTINS)


MODULES: dict[str, Maker] = {
    "warnings": _warnings, "gc": _gc, "weakref": _weakref, "builtins": _builtins,
    "atexit": lambda interp: by_name(identity("register"), nothing("unregister")),
    "contextvars": lambda interp: {
        "__missing__": from_stub(interp, "_ane_contextvars", "ContextVar", "Context", "Token", "copy_context")
    },
    "__future__": lambda interp: dict.fromkeys(("annotations", "division", "print_function", "absolute_import", "unicode_literals", "with_statement"), True),
}  # fmt: skip
