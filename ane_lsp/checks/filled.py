"""ANE124: tensors whose dtype coremltools does not keep, and what then refuses them; operands it does not bring to one dtype."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from ane_lsp.checks.convert import spoken_path
from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.checks.flow import FLOATS, INTEGERS
from ane_lsp.checks.wording import advice, qualified
from ane_lsp.graph import Call, Value
from ane_lsp.knowledge.conversion import PATHS, VERSIONS

_ALL = frozenset(PATHS)
_UNDECOMPOSED = frozenset({"trace", "export"})
_EXPORT = frozenset({"export"})
_TRACE = frozenset({"trace"})
# Sums of flags, and quotients of integers that are rounded.
_COUNTED = {"sum": _ALL, "floor_divide": _ALL, "__floordiv__": _ALL, "div": _ALL}
# Paths on which coremltools makes floats of integers and flags, by version: full without a dtype, zeros_like of floats, arange with
# a float among its bounds, clamp with one bound, what is counted.
_ALWAYS = {
    "zeros": _EXPORT, "zeros_like": _EXPORT, "full": _ALL, "new_zeros": _UNDECOMPOSED, "arange": _ALL, "clamp": _ALL, "clip": _ALL, **_COUNTED,
}  # fmt: skip
_FLOATS_MADE = {"9.0": _ALWAYS | {"ones_like": _UNDECOMPOSED}, "main": _ALWAYS | {"new_ones": _UNDECOMPOSED}}
# The full decomposition writes these with a whole number, and coremltools makes integers of floats.
_INTEGERS_MADE = frozenset({"zeros_like", "ones_like"})
# What hands the elements of its first operand on, and arithmetic, where floats win.
_MOVES = frozenset({
    "tril", "triu", "reshape", "view", "flatten", "expand", "unsqueeze", "squeeze", "transpose", "t", "permute", "repeat",
    "repeat_interleave", "flip",
    "contiguous", "clone", "detach", "__getitem__", "cumsum", "neg",
})  # fmt: skip
_ARITHMETIC = frozenset({"add", "sub", "mul"})
# What keeps floats that were made of integers; of integers it may make floats.
_STAYS = frozenset({"clamp", "clip", "remainder", "__mod__"})
# What gives integers where it is given nothing but integers.
_WHOLE = _MOVES | _ARITHMETIC | {"abs", "square", "pow", "__pow__", "sum", "outer", "stack", "cat"}
_PARTS = frozenset({"chunk", "split", "unbind"})
# A traced cast to the dtype that a tensor has in torch is a cast in the program. An exported one is gone, as type_as is for integers.
_CASTS = frozenset({"to", "type", "type_as", "long", "int", "bool", "float"})

# What refuses floats, by version, and the operand that has to be an index, with the paths.
_NOT = frozenset({"bitwise_not", "__invert__"})
_FLAGS = {"9.0": _NOT | {"bitwise_and", "__and__"}, "main": _NOT}
_INDEX = {
    "gather": ("index", _ALL), "index_select": ("index", _ALL), "scatter": ("index", _ALL), "scatter_add": ("index", _ALL),
    "one_hot": ("tensor", _UNDECOMPOSED),
}  # fmt: skip
# What refuses integers, by version.
_REAL_MAIN = frozenset({
    "sqrt", "rsqrt", "exp", "expm1", "sin", "cos", "tan", "tanh", "atan", "erf", "sigmoid", "softmax", "log_softmax", "logsigmoid", "relu",
    "relu6", "gelu", "silu", "mish", "elu", "leaky_relu", "softplus", "hardtanh", "floor", "ceil", "round", "layer_norm", "avg_pool1d",
    "max_pool1d",
})  # fmt: skip
_REAL = {"9.0": _REAL_MAIN | {"reciprocal", "__rtruediv__", "log2", "log10"}, "main": _REAL_MAIN}
# What gives integers in a program as well.
_INTEGERS = frozenset({"tensor", "as_tensor", "argmax", "argmin", "argsort", "topk", "sort"})
# Where the operands have to be of one dtype: those of different dtypes in torch, and those that conversion makes different.
_MIXED = {"stack": _UNDECOMPOSED, "outer": _UNDECOMPOSED, "select_scatter": _UNDECOMPOSED, "__setitem__": _EXPORT}
_ALIKE = _MIXED | {"min": _TRACE, "max": _TRACE, "scatter": _ALL, "scatter_add": _ALL}
_PRODUCTS: dict[str, dict[str, frozenset[str]]] = {
    "9.0": {"einsum": _EXPORT, "mv": _UNDECOMPOSED},
    "main": {},
}  # main was not asked
_SOURCES = {"scatter": "src", "scatter_add": "src", "select_scatter": "src", "__setitem__": "value"}

Made = dict[int, tuple[str, str]]
"""For the id of a value of another dtype than torch's: what it is in the program, and what made it."""

_OPEN = "integers or floats"  # nothing is said of these


@graph_rule("ANE124", per_target=False)
def dtype_not_kept(context: Context) -> Iterator[Report]:
    """Operations that refuse the dtype that a tensor gets in conversion, or operands of two."""
    options = context.options
    version, path, made = options.coremltools, options.export_path, Made()
    if version not in VERSIONS or options.opset == "iOS15":
        return
    yield from _integers_refused(context, path, version)
    if not context.called(_concerns):
        return
    begin = {call.torch for call in context.called(_begins)}
    for call in context.graph.calls:
        begins = call.torch in begin or _is_open(call, path)
        if not begins and not (made and not made.keys().isdisjoint(call.reads)):
            continue
        last = _last(call.torch)
        key, given = _refused(call, last, made, path, version)
        if key and call.id not in context.idle_calls:
            kind, maker = made.get(given, ("", ""))
            yield Report(
                f"{_spelled(call)} does not convert {spoken_path(path)}: coremltools {version} "
                + (
                    f"makes {kind} of what {maker} gives here. "
                    if maker
                    else "does not bring tensors of several dtypes to one here. "
                )
                + advice("ANE124", key),
                at=call,
                data={"torch": call.torch, "made": maker},
            )
        elif last == "mean" and (part := _fraction(call, made)) is not None and call.id not in context.idle_calls:
            yield Report(
                f"{qualified(call)} converts and gives another number than torch: coremltools {version} makes integers of what "
                f"{made[part.id][1]} gives here, and rounds their mean towards zero. {advice('ANE124', 'real')}",
                at=call,
                data={"torch": call.torch, "made": made[part.id][1], "converts": True},
            )
        _follow(call, last, made, path, version)


def _integers_refused(context: Context, path: str, version: str) -> Iterator[Report]:
    """Functions of floats that torch lets integers pass to."""
    called = context.called(lambda torch: _last(torch) in _REAL[version])
    asked = [(call, call.params.get("input")) for call in called]
    suspects = [(call, v) for call, v in asked if isinstance(v, Value) and v.type.dtype in INTEGERS]
    makers: dict[int, Call] = {}
    for call in context.graph.calls if suspects else ():
        for value in _results(call):  # `x.view(-1)` of a vector is the very value it was given
            makers.setdefault(value.id, call)
    for call, value in suspects:
        cast = path == "export-core" and call.params.get("dtype") is not None  # before the operation, if it takes one
        if not cast and call.id not in context.idle_calls and _stays_integer(value, makers, path):
            yield Report(
                f"{qualified(call)} does not convert {spoken_path(path)}: coremltools {version} takes no integers there. "
                f"{advice('ANE124', 'float')}",
                at=call,
                data={"torch": call.torch, "made": ""},
            )


def _stays_integer(value: Value, makers: dict[int, Call], path: str) -> bool:
    """Whether a value certainly holds integers in the program. Many are floats there: quotients, sums of flags, what is filled."""
    while value.type.dtype in INTEGERS:
        call = makers.get(value.id)
        if call is None:
            return value.producer is None  # an input, a buffer
        last, given = _last(call.torch), call.params.get("input")
        if last in _INTEGERS:
            return True
        if last == "arange":
            return _is_whole(call, last) and not _is_open(call, path)
        if last in _ARITHMETIC:
            return not _is_open(call, path) and all(_stays_integer(v, makers, path) for v in call.given)
        if not isinstance(given, Value) or last not in _MOVES | _CASTS | {"sum"}:
            return False
        if last in _CASTS and (path == "trace" or given.type.dtype != value.type.dtype):
            return last != "type_as"
        value = given
    return False


@cache
def _last(torch: str) -> str:
    """The name of what is called, without the underscore of a method in place."""
    last = torch.rsplit(".", 1)[-1]
    return last if last.endswith("__") else last.removesuffix("_")


@cache
def _concerns(torch: str) -> bool:
    last = _last(torch)
    return (
        last in _INTEGERS_MADE | _MIXED.keys() | {"einsum"}
        or last == "full_like"
        or any(last in made for made in _FLOATS_MADE.values())
    )


@cache
def _begins(torch: str) -> bool:
    """Whether something may be said of a call that is given nothing which is of another dtype than torch's."""
    last = _last(torch)
    return _concerns(torch) or last in _ALIKE or any(last in products for products in _PRODUCTS.values())


def _spelled(call: Call) -> str:
    return "A store" if call.torch.endswith(".__setitem__") else qualified(call)


def _follow(call: Call, last: str, made: Made, path: str, version: str) -> None:
    results = _results(call)
    if not results:
        return
    result, exact = results[0], _is_exact(results[0])
    if _is_open(call, path) and (exact or last not in _ARITHMETIC or any(v.id in made for v in call.given)):
        made[result.id] = _OPEN, qualified(call)
    elif last in _CASTS:
        given = call.params.get("input")
        kept = made.get(given.id) if isinstance(given, Value) and given.type.dtype == result.type.dtype else None
        made.pop(result.id, None)
        if kept is not None and _is_lost(last, kept[0], path):
            made[result.id] = kept
    elif last == "meshgrid":
        for grid, source in zip(results, call.given):
            made.pop(grid.id, None)
            if source.id in made:
                made[grid.id] = made[source.id]
    elif exact and path in _FLOATS_MADE[version].get(last, ()) and _loses_dtype(call, last):
        made[result.id] = "floats", qualified(call)
    elif result.type.dtype in FLOATS and (_is_whole(call, last) or (path == "export-core" and last in _INTEGERS_MADE)):
        made[result.id] = "integers", qualified(call)
    elif exact and last in _MOVES | _ARITHMETIC | _STAYS:
        sides = ("input", "other") if last in _ARITHMETIC else ("input",)
        for value in (call.params.get(side) for side in sides):
            if isinstance(value, Value) and value.id in made:
                made.setdefault(result.id, made[value.id])
    elif made and not exact:
        whole = _all_integers(call, made) or _open_of(call, made) if last in _WHOLE | _PARTS else None
        for value in results:
            made.pop(value.id, None)
            if whole is not None:
                made[value.id] = whole


def _is_open(call: Call, path: str) -> bool:
    """Whether it is given what may be a quotient of sizes: a trace keeps ``n // 2`` as a float, and coremltools makes floats of that."""
    return path == "trace" and call.divided


def _open_of(call: Call, made: Made) -> tuple[str, str] | None:
    return next((made[v.id] for v in call.given if made.get(v.id, ("",))[0] == _OPEN), None)


def _results(call: Call) -> list[Value]:
    made = call.result
    return [v for v in (made if isinstance(made, (tuple, list)) else (made,)) if isinstance(v, Value)]


def _is_lost(cast: str, kind: str, path: str) -> bool:
    """Whether a cast to the dtype that a tensor has in torch is none in the program."""
    if cast == "type_as":
        return kind == "floats" or path == "export-core"
    return path != "trace"


def _all_integers(call: Call, made: Made) -> tuple[str, str] | None:
    """What made the integers that a call is given, None where it is given anything but integers."""
    given = call.given
    numbers = [call.params.get(name) for name in ("other", "exponent", "alpha")]
    turned = [v for v in given if made.get(v.id, ("",))[0] == "integers"]
    if not turned or any(isinstance(number, float) for number in numbers):
        return None
    if any(isinstance(number, int) and number < 0 for number in numbers[1:2]):
        return None
    others = (v for v in given if v not in turned)
    return made[turned[0].id] if all(_is_exact(v) and v.id not in made for v in others) else None


def _loses_dtype(call: Call, last: str) -> bool:
    if last == "full":
        return call.params.get("dtype") is None
    if last == "arange":
        return any(isinstance(bound, float) for bound in _bounds(call))
    given = call.params.get("input")
    if last == "sum":
        return isinstance(given, Value) and given.type.dtype == "b8" and call.params.get("dtype") is None
    if last in ("floor_divide", "__floordiv__", "div"):
        return all(_is_exact(value) for value in call.given)
    if last in ("clamp", "clip"):
        bounds = [call.params.get(name) for name in ("min", "max")]
        return isinstance(given, Value) and _is_exact(given) and bounds.count(None) == 1
    return last != "zeros_like" or (isinstance(given, Value) and given.type.dtype in FLOATS)


def _bounds(call: Call) -> list[Any]:
    return [bound for bound in (call.params.get(name) for name in ("start", "end", "step")) if bound is not None]


def _is_whole(call: Call, last: str) -> bool:
    """Whether floats are made of Python integers, whose type the tensor gets."""
    number, given = call.params.get("fill_value"), call.params.get("input")
    if last == "arange":
        return all(isinstance(bound, int) for bound in _bounds(call))
    plain = isinstance(number, int) and not isinstance(number, bool)
    return last == "full_like" and plain and isinstance(given, Value) and given.type.dtype in FLOATS


def _refused(call: Call, last: str, made: Made, path: str, version: str) -> tuple[str, int]:
    """(which advice, the value that is refused, -1 where that is any of them), ("", -1) where nothing is."""
    given = call.given if made else ()
    floats = [v for v in given if made.get(v.id, ("",))[0] == "floats"]
    if floats and last in _FLAGS[version]:
        return _key(made, floats[0], "flags" if floats[0].type.dtype == "b8" else "integers"), floats[0].id
    operand, paths = _INDEX.get(last, ("", _ALL))
    index = call.params.get(operand)
    if isinstance(index, Value) and path in paths and any(v is index for v in floats):
        return _key(made, index, "integers"), index.id
    first = call.params.get("input")
    if last in _REAL[version] and isinstance(first, Value) and made.get(first.id, ("",))[0] == "integers":
        return _key(made, first, "number"), first.id
    if path in (_ALIKE.get(last) or _PRODUCTS[version].get(last, frozenset())) and (
        last != "__setitem__" or _selects(call.params.get("key"))
    ):
        return _unlike(call, last, made)
    return "", -1


def _unlike(call: Call, last: str, made: Made) -> tuple[str, int]:
    """As :func:`_refused`, of operands that have to be of one dtype."""
    given = call.given
    numbers: set[str] = set()
    if last in _SOURCES:
        source = call.params.get(_SOURCES[last])
        given = tuple(v for v in (call.params.get("input"), source) if isinstance(v, Value))
        if last == "__setitem__" and any(v.type.rank == 0 for v in given):
            return "", -1  # it is taken for a number
        number = call.params.get("value") if last.startswith("scatter") else source
        if last == "__setitem__" and isinstance(number, (int, float)):
            numbers = {_kind(v) for v in given}  # a number gets the dtype that torch gives the tensor
        elif isinstance(number, float):
            numbers = {"floats"}
    turned = [v for v in given if v.id in made]
    if {made[v.id][0] if v.id in made else _kind(v) for v in given} | numbers != {"floats", "integers"}:
        return "", -1
    if not turned:
        return ("mixed" if last in _MIXED or last == "einsum" else ""), -1
    if made[turned[0].id][0] == "floats":
        return _key(made, turned[0], "integers"), turned[0].id
    return _key(made, turned[0], "number" if "full_like" in made[turned[0].id][1] else "scatter"), turned[0].id


def _key(made: Made, value: Value, otherwise: str) -> str:
    """Which advice fits what made a value."""
    kind, maker = made[value.id]
    last = _last(maker)
    if last == "arange":
        return "whole" if kind == "floats" else "real"
    if last in _COUNTED:
        return "sum" if last == "sum" else "quotient"
    return "bounds" if last in ("clamp", "clip") else otherwise


def _selects(key: Any) -> bool:
    """Whether a subscript's last item that leaves something out is a plain index, so that its axis is gone."""
    items = [
        item for item in (key if isinstance(key, tuple) else (key,)) if item is not Ellipsis and item != slice(None)
    ]
    plain = all(isinstance(item, (int, slice)) and not isinstance(item, bool) for item in items)
    return plain and bool(items) and isinstance(items[-1], int)


def _fraction(call: Call, made: Made) -> Value | None:
    """The integers of a mean over all their axes that is no whole number."""
    given = call.params.get("input")
    if not isinstance(given, Value) or made.get(given.id, ("",))[0] != "integers" or given.type.data is None:
        return None
    dim, data = call.params.get("dim"), [number for number in given.type.data if not isinstance(number, complex)]
    every = dim is None or (given.type.rank == 1 and dim in (0, -1, (0,), (-1,), [0], [-1]))
    return given if every and data and sum(data) % len(data) else None


def _is_exact(value: Value) -> bool:
    return value.type.dtype == "b8" or value.type.dtype in INTEGERS


def _kind(value: Value) -> str:
    return "integers" if _is_exact(value) else "floats" if value.type.dtype in FLOATS else "unknown"
