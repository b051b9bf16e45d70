"""Modules whose use reaches outside the program (files, network, clock, chance, other code): Unknown on use.

Their exceptions and types exist, so that ``except`` clauses and isinstance work; calls that only have an effect do nothing.
"""

from __future__ import annotations

import ast
import importlib
from collections import deque
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.stdlib import real_has
from ane_lsp.interp.stdlib.common import Maker, Namespace, native_type, nothing
from ane_lsp.interp.stdlib.files import open_file
from ane_lsp.interp.support import concrete, find_unknown, native, spoil, too_large, unknown_builtin
from ane_lsp.interp.values import MISSING, Builtin, Instance, OneOf, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_REASONS = {
    "random": "a random number", "secrets": "a random number", "uuid": "a random number", "time": "the clock",
    "datetime": "the clock", "timeit": "the clock", "calendar": "the clock", "sched": "the clock",
    "hashlib": "a hash is not computed here", "hmac": "a hash is not computed here", "ast": "source text is not read here",
    **dict.fromkeys(["subprocess", "multiprocessing", "signal", "concurrent", "asyncio", "resource", "multiprocessing.pool",
                     "concurrent.futures"], "nothing outside the program is run"),
    **dict.fromkeys(["socket", "http", "http.client", "urllib", "urllib.request", "ssl", "email"], "the network is not used"),
    **dict.fromkeys(["pickle", "marshal", "shelve", "struct", "array", "mmap", "binascii", "base64", "codecs"],
                    "bytes are not decoded here"),
    **dict.fromkeys(["io", "tempfile", "shutil", "gzip", "zipfile", "tarfile", "bz2", "lzma", "linecache", "csv",
                     "configparser", "sqlite3", "filecmp", "mimetypes", "importlib.resources"], "files are not read here"),
}  # fmt: skip
_EFFECTS: dict[str, tuple[str, ...]] = {
    "random": ("seed", "setstate"), "time": ("sleep",), "signal": ("signal", "alarm"),
    "multiprocessing": ("set_start_method", "freeze_support"), "faulthandler": ("enable", "disable"),
    "tracemalloc": ("start", "stop"), "shutil": ("rmtree", "copy", "copyfile", "copytree", "move"),
    "traceback": ("print_exc", "print_stack", "print_exception"), "pickle": ("dump",), "locale": ("setlocale",),
}  # fmt: skip


@native("random.shuffle")
def _shuffle(interp: Interpreter, x: Any) -> Any:
    for one in x.options if isinstance(x, OneOf) else (x,):
        held = one.data if isinstance(one, Instance) else one  # of a subclass of list
        if isinstance(held, (list, deque)):
            spoil(interp, held, "shuffled: which item stands where is chance")


@native("random.randrange")
def _randrange(interp: Interpreter, start: Any, stop: Any = None, step: Any = 1) -> Any:
    found = (0, start, 1) if stop is None else (start, stop, step)
    if all(type(bound) is int for bound in found) and found[2]:
        choices = range(*found)
        if not choices:
            return interp.raise_(ValueError, f"empty range for randrange() ({found[0]}, {found[1]})")
        if len(choices) == 1:
            return choices[0]
    return Unknown("a random number", interp.here(), find_unknown(found), number=True)


@native("random.randint")
def _randint(interp: Interpreter, a: Any, b: Any) -> Any:
    if type(a) is int and a == b:
        return a
    return Unknown("a random number", interp.here(), find_unknown((a, b)), number=True)


def _number(name: str, reason: str) -> Any:
    return Builtin(name, lambda interp, args, kwargs: Unknown(reason, interp.here(), number=True))


@native("ast.literal_eval")
def _literal_eval(interp: Interpreter, node_or_string: Any) -> Any:
    text = concrete(node_or_string)
    if not isinstance(text, str):
        return interp.unknown("the value of a text that is not known", find_unknown(text))
    if len(text) > 100_000:
        return too_large(interp, "the text")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError) as error:
        raise PyRaise(error) from None
    except (RecursionError, MemoryError):
        return too_large(interp, "the text")


_SPECIAL: dict[str, Namespace] = {
    "random": {
        "shuffle": _shuffle, "randrange": _randrange, "randint": _randint,
        **{n: _number(n, "a random number") for n in ("random", "uniform", "gauss", "normalvariate", "triangular", "betavariate",
                                                      "expovariate", "lognormvariate", "getrandbits")},
    },
    "time": {n: _number(n, "the clock") for n in ("time", "perf_counter", "monotonic", "process_time", "thread_time", "time_ns",
                                                  "perf_counter_ns", "monotonic_ns", "process_time_ns")},
    "ast": {"literal_eval": _literal_eval}, "io": {"open": open_file}, "codecs": {"open": open_file},
}  # fmt: skip


def _module(name: str) -> Maker:
    reason = _REASONS.get(name, f"module '{name}' is not modelled")

    def make(interp: Interpreter) -> Namespace:
        def missing(attribute: str) -> Any:
            if attribute.startswith("__") or not real_has(name, attribute):
                return MISSING
            return _stand_in(interp, name, attribute, reason)

        return {**{n: nothing(n) for n in _EFFECTS.get(name, ())}, **_SPECIAL.get(name, {}), "__missing__": missing}

    return make


def _stand_in(interp: Interpreter, module: str, attribute: str, reason: str) -> Any:
    """What stands for an attribute: the same exception, a type nothing here is an instance of, or a call without result."""
    if module == "ctypes":  # importing it opens the process as a library
        return interp.unknown(f"{module}.{attribute}: {reason}")
    try:
        real = getattr(importlib.import_module(module), attribute)
    except Exception:
        return interp.unknown(f"{module}.{attribute} is not modelled")
    if isinstance(real, type):
        if issubclass(real, BaseException):
            return real
        members = {n: unknown_builtin(n, reason) for n in dir(real) if not n.startswith("_")}
        return native_type(module, attribute, methods=members, why=reason)
    if isinstance(real, (bool, int, str)) and module not in ("time", "locale"):
        return real
    if callable(real):
        return unknown_builtin(attribute, reason)
    return interp.unknown(f"{module}.{attribute}: {reason}")


def _all() -> dict[str, Maker]:
    from ane_lsp.interp.stdlib import _FILES

    return {name: _module(name) for name, file in _FILES.items() if file == "outside"}


MODULES: dict[str, Maker] = _all()
