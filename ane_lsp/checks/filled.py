"""ANE124: tensors of one number whose dtype coremltools does not keep, and what then refuses them."""

from __future__ import annotations

from collections.abc import Iterator

from ane_lsp.checks.convert import spoken_path
from ane_lsp.checks.engine import Context, Report, graph_rule
from ane_lsp.checks.flow import FLOATS, INTEGERS
from ane_lsp.checks.wording import advice, qualified
from ane_lsp.graph import Call, Value
from ane_lsp.knowledge.conversion import PATHS, tensors

_ALL = frozenset(PATHS)
_UNDECOMPOSED = frozenset({"trace", "export"})
# Paths on which coremltools makes floats of integers and flags.
_FLOATS_MADE = {"ones_like": _UNDECOMPOSED, "zeros": frozenset({"export"}), "full": _ALL}
# The full decomposition writes these with a whole number, and coremltools makes integers of floats.
_INTEGERS_MADE = frozenset({"zeros_like", "ones_like"})
# What hands the elements of its first operand on, and arithmetic, where floats win.
_MOVES = frozenset({
    "tril", "triu", "reshape", "view", "expand", "unsqueeze", "squeeze", "transpose", "t", "permute", "repeat", "contiguous",
    "__getitem__", "cumsum", "neg",
})  # fmt: skip
_ARITHMETIC = frozenset({"add", "sub", "mul"})
# A cast to the dtype that a tensor has in torch is the same tensor there, and makes it that in the program.
_CASTS = frozenset({"to", "type", "type_as", "long", "int", "bool", "float"})

# What refuses floats, and the operand that has to be an index, with the paths.
_FLAGS = frozenset({"bitwise_not", "__invert__", "bitwise_and", "__and__"})
_INDEX = {"gather": ("index", _ALL), "index_select": ("index", _ALL), "one_hot": ("tensor", _UNDECOMPOSED)}
# Where the operands have to be of one dtype.
_ALIKE = {
    "stack": _UNDECOMPOSED, "min": frozenset({"trace"}), "max": frozenset({"trace"}), "scatter": _ALL, "scatter_add": _ALL,
}  # fmt: skip

Made = dict[int, tuple[str, str]]
"""For the id of a value of another dtype than torch's: what it is in the program, and what made it."""


@graph_rule("ANE124", per_target=False)
def dtype_not_kept(context: Context) -> Iterator[Report]:
    """Operations that refuse the dtype that a tensor of one number gets in conversion."""
    options = context.options
    if options.coremltools != "9.0" or options.opset == "iOS15" or not context.called(_fills):
        return
    path, made = options.export_path, Made()
    for call in context.graph.calls:
        last = call.torch.rsplit(".", 1)[-1]
        key, given = _refused(call, last, made, path)
        if key and call.id not in context.idle_calls:
            kind, maker = made[given]
            yield Report(
                f"{qualified(call)} does not convert {spoken_path(path)}: coremltools 9.0 makes {kind} of what {maker} gives here. "
                f"{advice('ANE124', key)}",
                at=call,
                data={"torch": call.torch, "made": maker},
            )
        _follow(call, last, made, path)


def _fills(torch: str) -> bool:
    last = torch.rsplit(".", 1)[-1]
    return last in _FLOATS_MADE or last in _INTEGERS_MADE


def _follow(call: Call, last: str, made: Made, path: str) -> None:
    result = call.result
    if not isinstance(result, Value):
        return
    exact = _is_exact(result)
    if last in _CASTS:
        made.pop(result.id, None)
    elif exact and path in _FLOATS_MADE.get(last, ()) and not (last == "full" and call.params.get("dtype") is not None):
        made[result.id] = "floats", qualified(call)
    elif path == "export-core" and last in _INTEGERS_MADE and result.type.dtype in FLOATS:
        made[result.id] = "integers", qualified(call)
    elif exact and last in _MOVES | _ARITHMETIC:
        sides = ("input", "other") if last in _ARITHMETIC else ("input",)
        for value in (call.params.get(side) for side in sides):
            if isinstance(value, Value) and value.id in made:
                made.setdefault(result.id, made[value.id])


def _refused(call: Call, last: str, made: Made, path: str) -> tuple[str, int]:
    """(which advice, the value that is refused), ("", -1) where none is."""
    given = list(tensors(call))
    floats = [v for v in given if made.get(v.id, ("",))[0] == "floats"]
    if last in _FLAGS and floats:
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
            return ("scatter" if made[turned[0].id][0] == "integers" else "integers"), turned[0].id
    return "", -1


def _is_exact(value: Value) -> bool:
    return value.type.dtype == "b8" or value.type.dtype in INTEGERS


def _kind(value: Value) -> str:
    return "integers" if _is_exact(value) else "floats" if value.type.dtype in FLOATS else "unknown"
