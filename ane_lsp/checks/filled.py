"""ANE124: filled and clamped tensors whose dtype coremltools does not keep, and what then refuses them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ane_lsp.checks.convert import spoken_path
from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.checks.flow import FLOATS, INTEGERS
from ane_lsp.checks.wording import advice, qualified
from ane_lsp.graph import Call, Value
from ane_lsp.knowledge.conversion import PATHS, VERSIONS, tensors

_ALL = frozenset(PATHS)
_UNDECOMPOSED = frozenset({"trace", "export"})
_EXPORT = frozenset({"export"})
# Paths on which coremltools makes floats of integers and flags, by version: full without a dtype, zeros_like of floats, clamp
# with one bound, whose other is infinite then.
_ALWAYS = {
    "zeros": _EXPORT,
    "zeros_like": _EXPORT,
    "full": _ALL,
    "new_zeros": _UNDECOMPOSED,
    "clamp": _ALL,
    "clip": _ALL,
}
_FLOATS_MADE = {"9.0": _ALWAYS | {"ones_like": _UNDECOMPOSED}, "main": _ALWAYS | {"new_ones": _UNDECOMPOSED}}
# The full decomposition writes these with a whole number, and coremltools makes integers of floats.
_INTEGERS_MADE = frozenset({"zeros_like", "ones_like"})
# What hands the elements of its first operand on, and arithmetic, where floats win.
_MOVES = frozenset({
    "tril", "triu", "reshape", "view", "expand", "unsqueeze", "squeeze", "transpose", "t", "permute", "repeat", "contiguous",
    "__getitem__", "cumsum", "neg",
})  # fmt: skip
_ARITHMETIC = frozenset({"add", "sub", "mul"})
# A traced cast to the dtype that a tensor has in torch is a cast in the program. An exported one is gone, as type_as always is.
_CASTS = frozenset({"to", "type", "type_as", "long", "int", "bool", "float"})

# What refuses floats, by version, and the operand that has to be an index, with the paths.
_NOT = frozenset({"bitwise_not", "__invert__"})
_FLAGS = {"9.0": _NOT | {"bitwise_and", "__and__"}, "main": _NOT}
_INDEX = {
    "gather": ("index", _ALL), "index_select": ("index", _ALL), "one_hot": ("tensor", _UNDECOMPOSED), "scatter": ("index", _ALL),
}  # fmt: skip
# Where the operands have to be of one dtype.
_ALIKE = {
    "stack": _UNDECOMPOSED, "min": frozenset({"trace"}), "max": frozenset({"trace"}), "scatter": _ALL, "scatter_add": _ALL,
}  # fmt: skip

Made = dict[int, tuple[str, str]]
"""For the id of a value of another dtype than torch's: what it is in the program, and what made it."""


@graph_rule("ANE124", per_target=False)
def dtype_not_kept(context: Context) -> Iterator[Report]:
    """Operations that refuse the dtype that a filled or clamped tensor gets in conversion."""
    options = context.options
    version, path, made = options.coremltools, options.export_path, Made()
    if version not in VERSIONS or options.opset == "iOS15" or not context.called(_fills):
        return
    for call in context.graph.calls:
        last = call.torch.rsplit(".", 1)[-1]
        if not made and not _fills(call.torch):
            continue
        key, given = _refused(call, last, made, path, version)
        if key and call.id not in context.idle_calls:
            kind, maker = made[given]
            yield Report(
                f"{qualified(call)} does not convert {spoken_path(path)}: coremltools {version} makes {kind} of what {maker} gives here. "
                f"{advice('ANE124', 'bounds' if maker.endswith(('clamp', 'clip')) else key)}",
                at=call,
                data={"torch": call.torch, "made": maker},
            )
        _follow(call, last, made, path, version)


@cache
def _fills(torch: str) -> bool:
    last = torch.rsplit(".", 1)[-1]
    return last in _INTEGERS_MADE or last == "full_like" or any(last in made for made in _FLOATS_MADE.values())


def _follow(call: Call, last: str, made: Made, path: str, version: str) -> None:
    result = call.result
    if not isinstance(result, Value):
        return
    exact = _is_exact(result)
    if last in _CASTS:
        given = call.params.get("input")
        kept = made.get(given.id) if isinstance(given, Value) and given.type.dtype == result.type.dtype else None
        made.pop(result.id, None)
        if kept is not None and (path != "trace" or last == "type_as"):
            made[result.id] = kept
    elif exact and path in _FLOATS_MADE[version].get(last, ()) and _loses_dtype(call, last):
        made[result.id] = "floats", qualified(call)
    elif result.type.dtype in FLOATS and (_is_whole(call, last) or (path == "export-core" and last in _INTEGERS_MADE)):
        made[result.id] = "integers", qualified(call)
    elif exact and last in _MOVES | _ARITHMETIC:
        sides = ("input", "other") if last in _ARITHMETIC else ("input",)
        for value in (call.params.get(side) for side in sides):
            if isinstance(value, Value) and value.id in made:
                made.setdefault(result.id, made[value.id])


def _loses_dtype(call: Call, last: str) -> bool:
    if last == "full":
        return call.params.get("dtype") is None
    if last in ("clamp", "clip"):
        bounds = [call.params.get(name) for name in ("min", "max")]
        return bounds.count(None) == 1 and any(isinstance(bound, (int, float)) for bound in bounds)
    given = call.params.get("input")
    return last != "zeros_like" or (isinstance(given, Value) and given.type.dtype in FLOATS)


def _is_whole(call: Call, last: str) -> bool:
    """Whether floats are filled with a Python integer, whose type the tensor gets."""
    number, given = call.params.get("fill_value"), call.params.get("input")
    plain = isinstance(number, int) and not isinstance(number, bool)
    return last == "full_like" and plain and isinstance(given, Value) and given.type.dtype in FLOATS


def _refused(call: Call, last: str, made: Made, path: str, version: str) -> tuple[str, int]:
    """(which advice, the value that is refused), ("", -1) where none is."""
    given = list(tensors(call))
    floats = [v for v in given if made.get(v.id, ("",))[0] == "floats"]
    if floats and last in _FLAGS[version]:
        return ("flags" if floats[0].type.dtype == "b8" else "integers"), floats[0].id
    operand, paths = _INDEX.get(last, ("", _ALL))
    index = call.params.get(operand)
    if isinstance(index, Value) and path in paths and any(v is index for v in floats):
        return "integers", index.id
    if path in _ALIKE.get(last, ()):
        if last.startswith("scatter"):
            given = [v for v in (call.params.get("input"), call.params.get("src")) if isinstance(v, Value)]
        numbers = {"floats"} if any(isinstance(call.params.get(p), float) for p in ("src", "value")) else set()
        turned = [v for v in given if v.id in made]
        kinds = {made[v.id][0] if v.id in made else _kind(v) for v in given} | numbers
        if turned and kinds == {"floats", "integers"}:
            if made[turned[0].id][0] == "floats":
                return "integers", turned[0].id
            return ("number" if "full_like" in made[turned[0].id][1] else "scatter"), turned[0].id
    return "", -1


def _is_exact(value: Value) -> bool:
    return value.type.dtype == "b8" or value.type.dtype in INTEGERS


def _kind(value: Value) -> str:
    return "integers" if _is_exact(value) else "floats" if value.type.dtype in FLOATS else "unknown"
