"""``re`` on constant patterns and texts: the host's engine, kept away from patterns that can take exponential time."""

from __future__ import annotations

import importlib
import math
import re
import sys
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.methods import attribute_of
from ane_lsp.interp.stdlib.common import Maker, Namespace
from ane_lsp.interp.support import LIMIT, builtin, concrete, find_unknown, host_call, plain, too_large
from ane_lsp.interp.values import MISSING, Builtin, IteratorObject

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

# Texts up to this length are searched with any pattern; longer ones where the steps in the worst case stay below this.
_SHORT = 16
_STEPS = 10**9
_FLAGS = (
    "A",
    "ASCII",
    "I",
    "IGNORECASE",
    "L",
    "LOCALE",
    "M",
    "MULTILINE",
    "S",
    "DOTALL",
    "U",
    "UNICODE",
    "X",
    "VERBOSE",
    "DEBUG",
)


def _parser() -> Any:
    """The host's parser of regular expressions; it moved in Python 3.11."""
    return importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


@lru_cache(maxsize=512)
def repeats(pattern: str) -> int | None:
    """How many unbounded repeats a pattern has; None where a choice or a repeat stands inside a repeat.

    Side by side, repeats can share a text out in a bounded number of ways; inside one another they can take time that
    doubles with each character.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parser().parse(pattern)
    except Exception:
        return None
    return _repeats_in(tree, False)


def _repeats_in(items: Any, inside: bool) -> int | None:
    total = 0
    for op, value in items:
        name = str(op)
        parts: list[Any] = []
        nested = inside
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            if inside and value[1] > 1:
                return None
            nested = (inside or value[1] > 1) and not _is_list(value[2])
            total += value[1] > 16
            parts = [value[2]]
        elif name == "BRANCH":
            if inside:
                return None
            parts = list(value[1])
        elif name in ("SUBPATTERN", "ATOMIC_GROUP", "ASSERT", "ASSERT_NOT"):
            parts = [value if name == "ATOMIC_GROUP" else value[-1]]
        elif name == "GROUPREF_EXISTS":
            parts = [part for part in value[1:] if part is not None]
        for part in parts:
            found = _repeats_in(part, nested)
            if found is None:
                return None
            total += found
    return total


def _is_list(body: Any) -> bool:
    """Whether a repeated body is a separator and then a run of characters without it: ``(?:\\.[0-9]+)*``, read one way."""
    items = list(body)
    while len(items) == 1 and str(items[0][0]) == "SUBPATTERN":
        items = list(items[0][1][-1])
    if len(items) != 2 or str(items[1][0]) not in ("MAX_REPEAT", "MIN_REPEAT"):
        return False
    run = list(items[1][1][2])
    separator, rest = _characters(items[0]), _characters(run[0]) if len(run) == 1 else None
    return separator is not None and rest is not None and not separator & rest


def _characters(item: Any) -> frozenset[str] | None:
    """The ASCII characters that one item of a pattern matches, both cases; None for anything longer than a character."""
    name, value = str(item[0]), item[1]
    if name == "LITERAL":
        return frozenset((chr(value).lower(), chr(value).upper()))
    if name != "IN":
        return None
    found: set[str] = set()
    for op, part in value:
        kind = str(op)
        if kind == "LITERAL":
            found.add(chr(part))
        elif kind == "RANGE":
            found.update(chr(c) for c in range(part[0], min(part[1], 127) + 1))
        elif str(part) in _CLASSES:
            found.update(c for c in map(chr, range(128)) if re.match(_CLASSES[str(part)], c))
        else:
            return None
    return frozenset(x for c in found for x in (c.lower(), c.upper()))


_CLASSES = {"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s"}


def _too_slow(pattern: re.Pattern[Any], text: Any) -> bool:
    if len(text) <= _SHORT:
        return False
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    count = repeats(source)
    if count is None or len(text) > LIMIT:
        return True
    # The ways to share out the text among the repeats and what stands before the match.
    return math.comb(len(text) + count + 1, count + 1) > _STEPS


def _compiled(interp: Interpreter, pattern: Any, flags: Any) -> Any:
    pattern = concrete(pattern)
    if isinstance(pattern, re.Pattern):
        return pattern
    if not isinstance(pattern, (str, bytes)) or not isinstance(flags, int):
        return interp.unknown("a regular expression that is not known", find_unknown([pattern, flags]))
    source = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    if len(source) > 20_000 or re.search(r"\{\d{5,}", source):
        return too_large(interp, "the regular expression")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return host_call(interp, "the regular expression", re.compile, pattern, int(flags) & ~int(re.DEBUG))


def _on_pattern(name: str) -> Any:
    """``pattern.name(text, ...)``."""

    def run(interp: Interpreter, pattern: re.Pattern[Any], string: Any, *rest: Any, **kwargs: Any) -> Any:
        text = concrete(string)
        if not isinstance(text, (str, bytes)) or not plain([list(rest), kwargs]):
            if (
                not isinstance(text, Unknown)
                and find_unknown(text) is None
                and isinstance(text, (int, float, list, type(None)))
            ):
                return interp.raise_(TypeError, f"expected string or bytes-like object, got '{type(text).__name__}'")
            return interp.unknown("a search in a text that is not known", find_unknown(text))
        if _too_slow(pattern, text):
            return interp.unknown("a regular expression that may take too long on this text")
        found = host_call(interp, "the text", getattr(pattern, name), text, *rest, **kwargs)
        if name == "finditer":
            return IteratorObject(iter(list(found)))
        return found

    return run


def _substitute(name: str) -> Any:
    def run(interp: Interpreter, pattern: re.Pattern[Any], repl: Any, string: Any, count: Any = 0) -> Any:
        text, template = concrete(string), concrete(repl)
        if not isinstance(text, (str, bytes)) or not isinstance(count, int):
            return interp.unknown("a substitution in a text that is not known", find_unknown(text))
        if _too_slow(pattern, text):
            return interp.unknown("a regular expression that may take too long on this text")
        if isinstance(template, (str, bytes)):
            if len(template) * (len(text) + 1) > LIMIT:
                return too_large(interp, "the text")
            return host_call(interp, "the text", getattr(pattern, name), template, text, count)
        if isinstance(template, Unknown):
            return interp.unknown("a substitution of an unknown text", template)
        lost: list[Unknown] = []

        def replace(match: re.Match[Any]) -> Any:
            made = concrete(interp.call(template, (match,), {}))
            if not isinstance(made, (str, bytes)):
                lost.append(made if isinstance(made, Unknown) else interp.unknown("the replacement is no text"))
                return ""
            return made

        done = getattr(pattern, name)(replace, text, count)
        return interp.unknown("a substitution of an unknown text", lost[0]) if lost else done

    return run


_PATTERN_METHODS = {
    **{n: _on_pattern(n) for n in ("search", "match", "fullmatch", "findall", "finditer", "split")},
    "sub": _substitute("sub"), "subn": _substitute("subn"),
}  # fmt: skip
_PATTERN_DATA = ("pattern", "flags", "groups")
_MATCH_METHODS = ("group", "groups", "groupdict", "start", "end", "span", "expand", "__getitem__")
_MATCH_DATA = ("string", "pos", "endpos", "lastindex", "lastgroup", "re")


@attribute_of(re.Pattern)
def _pattern_attribute(interp: Interpreter, obj: re.Pattern[Any], name: str) -> Any:
    if name in _PATTERN_DATA:
        return getattr(obj, name)
    if name == "groupindex":
        return dict(obj.groupindex)
    fn = _PATTERN_METHODS.get(name)
    if fn is None:
        return MISSING
    return builtin(f"re.Pattern.{name}", lambda interp, *args, **kwargs: fn(interp, obj, *args, **kwargs))


@attribute_of(re.Match)
def _match_attribute(interp: Interpreter, obj: re.Match[Any], name: str) -> Any:
    if name in _MATCH_DATA:
        return getattr(obj, name)
    if name not in _MATCH_METHODS:
        return MISSING

    def run(interp: Interpreter, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not plain([list(args), kwargs]):
            return interp.unknown("a group that is not known", find_unknown(list(args)))
        return host_call(interp, "the text", getattr(obj, name), *args, **kwargs)

    return Builtin(f"re.Match.{name}", run)


def _function(name: str, fn: Any) -> Builtin:
    def run(interp: Interpreter, pattern: Any, *args: Any, flags: Any = 0, **kwargs: Any) -> Any:
        limit = {"sub": 3, "subn": 3, "split": 2}.get(name, 1)
        if len(args) > limit:
            args, flags = args[:limit], args[limit]
        compiled = _compiled(interp, pattern, flags)
        return compiled if isinstance(compiled, Unknown) else fn(interp, compiled, *args, **kwargs)

    return builtin(f"re.{name}", run)


def _compile(interp: Interpreter, pattern: Any, flags: Any = 0) -> Any:
    return _compiled(interp, pattern, flags)


def _escape(interp: Interpreter, pattern: Any) -> Any:
    text = concrete(pattern)
    if not isinstance(text, (str, bytes)):
        return interp.unknown("the escape of a text that is not known", find_unknown(text))
    escaped: str | bytes = re.escape(text)  # type: ignore[type-var]
    return escaped


def _re(interp: Interpreter) -> Namespace:
    return {
        **{name: _function(name, fn) for name, fn in _PATTERN_METHODS.items()},
        **{name: int(getattr(re, name)) for name in _FLAGS},
        "compile": builtin("re.compile", _compile), "escape": builtin("re.escape", _escape), "error": re.error,
        "NOFLAG": 0, "Pattern": re.Pattern, "Match": re.Match,
        "purge": Builtin("purge", lambda interp, args, kwargs: None),
        "template": builtin("re.template", _compile),
    }  # fmt: skip


MODULES: dict[str, Maker] = {"re": _re}
