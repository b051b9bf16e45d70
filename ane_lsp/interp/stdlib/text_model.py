"""``string``, ``textwrap``, ``fnmatch``, ``json``, ``html``, ``shlex``, ``pprint`` on constants."""

from __future__ import annotations

import fnmatch
import json
import shlex
import string
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name, from_stub
from ane_lsp.interp.stdlib.files import content
from ane_lsp.interp.support import (
    LIMIT,
    bushy,
    collect,
    concrete,
    find_unknown,
    host_call,
    len_exceeds,
    native,
    plain,
    spreading,
    too_large,
)
from ane_lsp.interp.values import Builtin

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter


def _unwrapped(value: Any) -> Any:
    """Plain data in place of instances that carry it."""
    value = concrete(value)
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_unwrapped(v) for v in value)
    if isinstance(value, dict):
        return {_unwrapped(k): _unwrapped(v) for k, v in value.items()}
    return value


def on_plain(name: str, fn: Callable[..., Any]) -> Builtin:
    """A host function on plain data; Unknown otherwise."""

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if bushy([*args, *kwargs.values()]):
            return too_large(interp, "the text")
        given = [_unwrapped(a) for a in args]
        named = {k: _unwrapped(v) for k, v in kwargs.items()}
        if not plain([given, named]):
            return interp.unknown(f"{name}() needs a value that is not known here", find_unknown([given, named]))
        if any(isinstance(a, (str, bytes, list, dict)) and len_exceeds(a) for a in given):
            return too_large(interp, "the text")
        if any(type(v) is int and abs(v) > LIMIT for v in (*given, *named.values())):
            return too_large(interp, "the text")
        return host_call(interp, "the text", fn, *given, **named)

    return spreading(name, run)


@native("json.dumps")
def _dumps(interp: Interpreter, obj: Any, **options: Any) -> Any:
    if bushy([obj]):
        return interp.unknown("json.dumps() of a value too large, or that holds itself")
    data = _unwrapped(obj)
    default = options.pop("default", None)
    options.pop("cls", None)
    if not plain([data, options]):
        cause = find_unknown(data)
        if cause is None and default is not None:
            return interp.unknown("json.dumps() of objects with a default function is not modelled")
        return interp.unknown("json.dumps() of a value that is not known", cause)
    return host_call(interp, "the text", json.dumps, data, **options)


@native("json.loads")
def _loads(interp: Interpreter, s: Any, **options: Any) -> Any:
    text = concrete(s)
    if not isinstance(text, (str, bytes)) or len_exceeds(text):
        return interp.unknown("json.loads() of a text that is not known", find_unknown(text))
    hook = options.pop("object_pairs_hook", None)
    if options or (hook is not None and not isinstance(hook, type)):
        return interp.unknown("json.loads() with hooks is not modelled")
    return host_call(interp, "the value", json.loads, text, object_pairs_hook=hook)


@native("json.load")
def _load(interp: Interpreter, fp: Any, **options: Any) -> Any:
    return interp.call(_loads, (content(interp, fp),), options)


def _json(interp: Interpreter) -> Namespace:
    return {
        "dumps": _dumps, "loads": _loads, "dump": Builtin("dump", lambda interp, args, kwargs: None), "load": _load,
        "JSONDecodeError": json.JSONDecodeError,
    }  # fmt: skip


def _string(interp: Interpreter) -> Namespace:
    names = [
        "ascii_letters",
        "ascii_lowercase",
        "ascii_uppercase",
        "digits",
        "hexdigits",
        "octdigits",
        "punctuation",
        "printable",
        "whitespace",
    ]
    return {
        **{name: getattr(string, name) for name in names}, "capwords": on_plain("string.capwords", string.capwords),
        "__missing__": from_stub(interp, "_ane_string", "Template", "Formatter"),
    }  # fmt: skip


def _html(interp: Interpreter) -> Namespace:
    import html

    return by_name(on_plain("html.escape", html.escape), on_plain("html.unescape", html.unescape))


def _textwrap(interp: Interpreter) -> Namespace:
    import textwrap

    return by_name(
        *(on_plain(f"textwrap.{n}", getattr(textwrap, n)) for n in ("dedent", "indent", "wrap", "fill", "shorten"))
    )


@native("fnmatch.filter")
def _filter(interp: Interpreter, names: Any, pat: Any) -> Any:
    items = collect(interp, names)
    if isinstance(items, Unknown):
        return items
    texts = [concrete(i) for i in items]
    pattern = concrete(pat)
    if not isinstance(pattern, str) or not all(isinstance(t, str) for t in texts):
        return interp.unknown("names or a pattern that are not known", find_unknown([items, pat]))
    return [item for item, text in zip(items, texts, strict=True) if fnmatch.fnmatch(text, pattern)]


def _fnmatch(interp: Interpreter) -> Namespace:
    functions = (on_plain(f"fnmatch.{n}", getattr(fnmatch, n)) for n in ("fnmatch", "fnmatchcase", "translate"))
    return by_name(*functions, _filter)


@native("pprint.pformat")
def _pformat(interp: Interpreter, object: Any, *args: Any, **kwargs: Any) -> Any:
    return interp.unknown("the layout of pprint is not modelled", find_unknown(object))


MODULES: dict[str, Maker] = {
    "json": _json, "string": _string, "textwrap": _textwrap, "fnmatch": _fnmatch,
    "json.decoder": lambda interp: {"JSONDecodeError": json.JSONDecodeError},
    "html": _html,
    "shlex": lambda interp: by_name(*(on_plain(f"shlex.{n}", getattr(shlex, n)) for n in ("split", "quote", "join"))),
    "pprint": lambda interp: {**by_name(_pformat), "pprint": Builtin("pprint", lambda interp, args, kwargs: None)},
}  # fmt: skip
