"""Methods of texts, lists, dicts and sets on random arguments: the interpreter and Python on the same source."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from differential import disagreements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXTS = st.text(alphabet="abcAB.,-_ 01\t\né", max_size=8)
SHORT = st.text(alphabet="ab.", max_size=2)
NUMBERS = st.integers(-4, 9)
ATOMS = st.one_of(NUMBERS, SHORT, st.none(), st.booleans(), st.floats(-3, 3, width=16))
LISTS = st.lists(ATOMS, max_size=5)
KEYS = st.one_of(NUMBERS, SHORT)
DICTS = st.dictionaries(KEYS, ATOMS, max_size=4)

TEXT_METHODS = {
    "upper": (), "lower": (), "title": (), "capitalize": (), "swapcase": (), "strip": (SHORT,), "lstrip": (SHORT,),
    "rstrip": (SHORT,), "split": (SHORT, NUMBERS), "rsplit": (SHORT, NUMBERS), "partition": (SHORT,), "rpartition": (SHORT,),
    "replace": (SHORT, SHORT, NUMBERS), "find": (SHORT, NUMBERS), "rfind": (SHORT,), "index": (SHORT,), "count": (SHORT,),
    "startswith": (SHORT, NUMBERS), "endswith": (SHORT,), "center": (NUMBERS, SHORT), "ljust": (NUMBERS,), "zfill": (NUMBERS,),
    "splitlines": (st.booleans(),), "isdigit": (), "isalpha": (), "isidentifier": (), "removeprefix": (SHORT,),
    "removesuffix": (SHORT,), "join": (st.lists(st.one_of(SHORT, NUMBERS), max_size=3),), "expandtabs": (NUMBERS,),
    "encode": (), "__add__": (SHORT,), "__mul__": (NUMBERS,), "__getitem__": (NUMBERS,), "__contains__": (SHORT,),
    "__len__": (), "casefold": (), "isspace": (), "istitle": (), "format": (ATOMS,), "__mod__": (ATOMS,),
}  # fmt: skip
LIST_METHODS = {
    "append": (ATOMS,), "extend": (LISTS,), "insert": (NUMBERS, ATOMS), "pop": (NUMBERS,), "remove": (ATOMS,),
    "index": (ATOMS, NUMBERS), "count": (ATOMS,), "reverse": (), "clear": (), "copy": (), "sort": (),
    "__add__": (LISTS,), "__mul__": (NUMBERS,), "__getitem__": (NUMBERS,), "__contains__": (ATOMS,), "__eq__": (LISTS,),
    "__setitem__": (NUMBERS, ATOMS), "__delitem__": (NUMBERS,), "__lt__": (LISTS,),
}  # fmt: skip
DICT_METHODS = {
    "get": (KEYS, ATOMS), "pop": (KEYS, ATOMS), "setdefault": (KEYS, ATOMS), "update": (DICTS,), "keys": (), "values": (),
    "items": (), "popitem": (), "clear": (), "copy": (), "__getitem__": (KEYS,), "__contains__": (KEYS,), "__or__": (DICTS,),
    "__setitem__": (KEYS, ATOMS), "__delitem__": (KEYS,), "__len__": (), "__eq__": (DICTS,),
}  # fmt: skip
SET_METHODS = {
    "add": (KEYS,), "discard": (KEYS,), "remove": (KEYS,), "union": (LISTS,), "intersection": (LISTS,), "difference": (LISTS,),
    "symmetric_difference": (LISTS,), "issubset": (LISTS,), "issuperset": (LISTS,), "isdisjoint": (LISTS,), "update": (LISTS,),
    "__or__": (st.frozensets(KEYS, max_size=3),), "__and__": (st.frozensets(KEYS, max_size=3),),
    "__sub__": (st.frozensets(KEYS, max_size=3),), "__le__": (st.frozensets(KEYS, max_size=3),), "__contains__": (KEYS,),
}  # fmt: skip
FUNCTIONS = {
    "sorted": (LISTS,), "sum": (LISTS,), "min": (LISTS,), "max": (LISTS,), "any": (LISTS,), "all": (LISTS,), "len": (LISTS,),
    "list": (TEXTS,), "tuple": (LISTS,), "str": (ATOMS,), "repr": (st.one_of(ATOMS, LISTS, TEXTS),), "bool": (ATOMS,),
    "int": (st.one_of(ATOMS, TEXTS),), "float": (st.one_of(ATOMS, TEXTS),), "abs": (ATOMS,), "round": (ATOMS, NUMBERS),
    "divmod": (ATOMS, ATOMS), "ascii": (TEXTS,), "reversed": (LISTS,), "enumerate": (LISTS, NUMBERS),
    "zip": (LISTS, TEXTS), "range": (NUMBERS, NUMBERS, NUMBERS), "pow": (NUMBERS, st.integers(0, 6)), "chr": (NUMBERS,),
    "format": (ATOMS, st.sampled_from(["", ">5", "05d", ".2f", "x", "s", "%", ",", "^7", "q"])),
}  # fmt: skip
SLICES = st.tuples(*[st.one_of(st.none(), NUMBERS)] * 3)


@st.composite
def calls(draw: Any) -> str:
    """The source of a call on a receiver, and the receiver afterwards."""
    kind = draw(st.sampled_from(["text", "list", "dict", "set", "function", "slice", "percent", "fields"]))
    if kind == "slice":
        receiver = draw(st.one_of(TEXTS, LISTS))
        start, stop, step = draw(SLICES)
        return f"{receiver!r}[{start}:{stop}:{step}]"
    if kind == "percent":
        spec = draw(st.sampled_from(["%s", "%5s|", "%d", "%05.1f", "%r", "%x", "%-4d|", "%c", "%s-%s", "%%"]))
        return f"{spec!r} % {draw(st.one_of(ATOMS, st.tuples(ATOMS, ATOMS)))!r}"
    if kind == "fields":
        spec = draw(
            st.sampled_from(["{}", "{0}{0}", "{:>6}", "{:.1f}", "{!r}", "{0[0]}", "{:d}", "{} {}", "{x}", "{:{}}", "{"])
        )
        return f"{spec!r}.format({draw(st.one_of(ATOMS, LISTS))!r}, {draw(NUMBERS)})"
    if kind == "function":
        name = draw(st.sampled_from(sorted(FUNCTIONS)))
        return f"{name}({', '.join(repr(draw(a)) for a in FUNCTIONS[name])})"
    receivers, methods = {
        "text": (TEXTS, TEXT_METHODS), "list": (LISTS, LIST_METHODS), "dict": (DICTS, DICT_METHODS),
        "set": (st.sets(KEYS, max_size=4), SET_METHODS),
    }[kind]  # fmt: skip
    name = draw(st.sampled_from(sorted(methods)))
    arguments = [repr(draw(a)) for a in methods[name]]
    arguments = arguments[: draw(st.integers(max(0, len(arguments) - 1), len(arguments)))]
    return f"x = {draw(receivers)!r}\ny = x.{name}({', '.join(arguments)})\nreturn x, y"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(calls(), min_size=25, max_size=25))
def test_random_calls(bodies: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wrong, unknown = disagreements(Path(folder), bodies)
    assert not wrong, "\n".join(wrong)
    expected = ("the order of a set", "which member of a set")
    surprising = [u for u in unknown if not any(e in u for e in expected)]
    assert not surprising, "\n".join(surprising)
