"""Which torch calls coremltools converts, by export path, version and deployment target.

``rules/facts/torch-coverage.csv`` holds what was converted, case by case; ``torch-conversion.csv`` says which calls of a
program are such a case (names and a condition over their arguments), which rule reports it and what to do instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from itertools import chain
from typing import Any

from ane_lsp.graph import Call, TensorType, Unknown, Value
from ane_lsp.graph.builder import OPSETS
from ane_lsp.graph.records import dataclass
from ane_lsp.graph.subscripts import from_front
from ane_lsp.knowledge import tables

PATHS = ("trace", "export", "export-core")
VERSIONS = ("9.0", "main")
_COVERAGE_COLUMNS = (
    "case", "trace_9_0", "trace_main", "export_9_0", "export_main", "core_9_0", "core_main", "trace_ios15", "mil_ops",
    "chip", "os", "confidence", "source",
)  # fmt: skip
_COLUMNS = ("torch", "when", "case", "opset", "code", "what", "advice")
_TERM = re.compile(r"(?P<not>not\s+)?(?P<name>[a-z_0-9]+)(?:\s*(?P<op>==|!=|>|<)\s*(?P<value>[\w-]+))?")


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one case. results: (path, version) to whether it converted; absent where nobody tried."""

    case: str
    results: Mapping[tuple[str, str], bool]
    mil_ops: str
    source: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One term over a call's arguments."""

    name: str
    op: str
    value: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Conversion:
    """Calls that are one case of the coverage table.

    opset: the first that has it; with an older one no path converts it. what: what the message calls it, "" for its name.
    """

    names: tuple[str, ...]
    conditions: tuple[Condition, ...]
    coverage: Coverage
    opset: str
    code: str
    what: str
    advice: str

    def converts(self, path: str, version: str, opset: str) -> bool | None:
        """Whether the case converts; None where nobody tried that version or path."""
        if self.opset:
            return OPSETS.index(opset) >= OPSETS.index(self.opset)
        return self.coverage.results.get((path, version))

    def working_paths(self, version: str) -> tuple[str, ...]:
        """The paths that convert it with a version of coremltools."""
        return tuple(path for path in PATHS if self.coverage.results.get((path, version)))


@cache
def coverage() -> Mapping[str, Coverage]:
    """Every converted case by its name. Raises KnowledgeError for a wrong table."""
    return _covered(None)


def _covered(only: Collection[str] | None) -> dict[str, Coverage]:
    """Cases by name, all of them or some: the table is long, and a check asks for a few."""
    found: dict[str, Coverage] = {}
    for row in tables.load("torch-coverage.csv", _COVERAGE_COLUMNS, ("case", "confidence", "source"), only):
        results: dict[tuple[str, str], bool] = {}
        for path, column in zip(PATHS, ("trace", "export", "core"), strict=True):
            for version, suffix in zip(VERSIONS, ("9_0", "main"), strict=True):
                if row.choice(f"{column}_{suffix}", ("yes", "no", "")):
                    results[path, version] = row[f"{column}_{suffix}"] == "yes"
        if row["case"] in found:
            raise row.fail("case", f"{row['case']} is listed twice")
        found[row["case"]] = Coverage(row["case"], results, row["mil_ops"], row["source"])
    return found


@cache
def table() -> Mapping[str, tuple[Conversion, ...]]:
    """Cases that do not convert everywhere, by torch name. Raises KnowledgeError for a wrong table."""
    found: dict[str, list[Conversion]] = {}
    rows = tables.load("torch-conversion.csv", _COLUMNS, ("torch", "case", "code", "advice"))
    known = _covered({row["case"] for row in rows})
    for row in rows:
        if row["case"] not in known:
            raise row.fail("case", f"{row['case']!r} is not a case of torch-coverage.csv")
        if row["opset"] and row["opset"] not in OPSETS:
            raise row.fail("opset", f"{row['opset']!r} must be one of {', '.join(OPSETS)}")
        entry = Conversion(
            names=row.items("torch"),
            conditions=conditions_of(row),
            coverage=known[row["case"]],
            opset=row["opset"],
            code=row["code"],
            what=row["what"],
            advice=row["advice"],
        )
        for name in entry.names:
            found.setdefault(name, []).append(entry)
    return {name: tuple(entries) for name, entries in found.items()}


def codes() -> tuple[str, ...]:
    """Rule codes the table reports under."""
    return tuple(sorted({entry.code for entries in table().values() for entry in entries}))


def refusal(
    call: Call, path: str, version: str, opset: str, read: Callable[[Value], bool] | None = None
) -> Conversion | None:
    """The case of a call that does not convert that way, None where every case of it does, or where that is unknown.

    read: whether a result of the call is read by anything; without it every result is.
    """
    asked = call.torch, path, version, opset
    if _asks_who_reads(*asked):
        return _refusal(call, asked, read)
    key = *asked, bool(call.module)
    if key not in call.alike:
        call.alike[key] = _refusal(call, asked, read)
    found: Conversion | None = call.alike[key]
    return found


def _refusal(call: Call, asked: tuple[str, str, str, str], read: Callable[[Value], bool] | None) -> Conversion | None:
    return next((entry for entry in refusals(*asked) if meets(call, entry.conditions, read)), None)


@cache
def _asks_who_reads(name: str, path: str, version: str, opset: str) -> bool:
    """Whether what reads its results decides whether a call of that name converts."""
    entries = refusals(name, path, version, opset)
    return any(condition.name == "indices" for entry in entries for condition in entry.conditions)


def meets(call: Call, conditions: tuple[Condition, ...], read: Callable[[Value], bool] | None = None) -> bool:
    """Whether all of `conditions` certainly hold of a call."""
    return all(_holds(condition, call, read) is True for condition in conditions)


@cache
def refusals(name: str, path: str, version: str, opset: str) -> tuple[Conversion, ...]:
    """The cases of a call by its name that do not convert that way."""
    entries = chain.from_iterable(table().get(spelling, ()) for spelling in spellings(name))
    return tuple(entry for entry in entries if entry.converts(path, version, opset) is False)


@cache
def spellings(name: str) -> tuple[str, ...]:
    """Names the table may list a call under: as it stands, out of place, as a function, as a method."""
    found = [name]
    if name.endswith("_") and not name.endswith("__"):
        found.append(name[:-1])
    for spelling in list(found):
        last = spelling.rsplit(".", 1)[-1]
        if spelling.startswith("torch.Tensor."):
            found.append(f"torch.{last}")
        elif spelling.startswith(("torch.functional.", "torch._C._nn.", "torch._VF.")):
            found += [f"torch.{last}", f"torch.nn.functional.{last}"]
        elif spelling.count(".") == 1:
            found.append(f"torch.Tensor.{last}")
    return tuple(dict.fromkeys(found))


def conditions_of(row: tables.Row) -> tuple[Condition, ...]:
    """The terms of a row's `when`. Raises KnowledgeError."""
    found: list[Condition] = []
    for part in row["when"].split(" and ") if row["when"] else ():
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise row.fail("when", f"{part.strip()!r} is not a comparison such as `mode == circular`")
        found.append(Condition(match["name"], match["op"] or "", match["value"] or "", bool(match["not"])))
    return tuple(found)


def _holds(condition: Condition, call: Call, read: Callable[[Value], bool] | None) -> bool | None:
    """Whether a condition holds, None where that is not known."""
    if condition.name == "indices":
        return (_indices(call, read) == condition.value) == (condition.op == "==")
    asked = _asked(condition.name, condition.value)
    if asked is not None:
        found = asked(call)
        result = found if not isinstance(found, str) else found == condition.value
        return result if not isinstance(result, bool) else result != (condition.negated or condition.op == "!=")
    value = argument(call, condition.name)
    if isinstance(value, Unknown) or value is _MISSING:
        return None
    if condition.value == "integer":
        whole = _beside_floats(value, call)
        return whole if whole is None else whole == (condition.op == "==")
    result = _compare(condition, value)
    return result if result is None else result != condition.negated


@cache
def _asked(name: str, value: str) -> Callable[[Call], Any] | None:
    return _ASKED.get((name, value)) or _ASKED.get((name, ""))


def _compare(condition: Condition, value: Any) -> bool | None:
    if not condition.op:
        return bool(value) if isinstance(value, (bool, int)) or value is None else None
    if condition.value == "none":
        return (value is None) == (condition.op == "==")
    if condition.value == "truth":
        return isinstance(value, bool) == (condition.op == "==")
    if condition.value == "one":
        items = value if isinstance(value, (tuple, list)) else (value,)
        if not all(isinstance(item, int) for item in items):
            return None
        return all(item == 1 for item in items) == (condition.op == "==")
    if condition.op in (">", "<"):
        items = value if isinstance(value, (tuple, list)) else (value,)
        numbers = [item for item in items if isinstance(item, (int, float))]
        limit = float(condition.value)
        if any(n > limit if condition.op == ">" else n < limit for n in numbers):
            return True
        return False if len(numbers) == len(items) else None
    if condition.value.lstrip("-").isdigit():
        items = value if isinstance(value, (tuple, list)) else (value,)
        if not all(isinstance(item, (int, float)) for item in items):
            return None
        return all(item == int(condition.value) for item in items) == (condition.op == "==")
    return (str(value) == condition.value) == (condition.op == "==") if isinstance(value, str) else None


_MISSING = object()


def argument(call: Call, name: str) -> Any:
    """A module's constructor state or a function's bound argument; a sentinel no comparison accepts where it has none."""
    if name in call.hyper:
        return call.hyper[name]
    return call.params.get(name, _MISSING)


def first_tensor(call: Call) -> Value | None:
    """The first tensor that a call was given."""
    return call.given[0] if call.given else None


def _first(call: Call) -> TensorType | None:
    first = first_tensor(call)
    return first.type if first is not None else None


def _rank(call: Call) -> str | None:
    first = _first(call)
    return None if first is None or first.shape is None else str(len(first.shape))


def _is_bool(call: Call) -> bool | None:
    first = _first(call)
    return None if first is None or first.dtype is None else first.dtype == "b8"


def _is_integer(call: Call) -> bool | None:
    first = _first(call)
    return None if first is None or first.dtype is None else first.dtype[0] in "iu"


def _is_complex(call: Call) -> bool | None:
    first = _first(call)
    return None if first is None or first.dtype is None else first.dtype[0] == "c"


def _is_runtime(call: Call) -> bool | None:
    return any(not value.is_const for value in call.given)


def _runtime_argument(name: str) -> Callable[[Call], bool | None]:
    def asked(call: Call) -> bool | None:
        given = argument(call, name)
        return not given.is_const if isinstance(given, Value) else None

    return asked


def _tensor_repeats(call: Call) -> bool | None:
    """Repeats that are no one number: a buffer that says the same for each is taken for an int, but where it is all that is given."""
    repeats = argument(call, "repeats")
    if not isinstance(repeats, Value):
        return repeats is None
    if not _same_for_each(call):
        return True
    return False if repeats.origin == "buffer" else None


def _same_for_each(call: Call) -> bool:
    """Whether constant repeats are one number for all."""
    repeats = argument(call, "repeats")
    return isinstance(repeats, Value) and repeats.is_const and len(set(repeats.type.data or ())) == 1


def _scalars(call: Call) -> str | None:
    """Of what a choice is made by a scalar condition: ``tensors`` or ``numbers`` without axes, ``both``, or None where one has axes."""
    condition, input, other = (argument(call, name) for name in ("condition", "input", "other"))
    if not all(map(_is_scalar, (condition, input, other))):
        return None
    kinds = {isinstance(one, Value) for one in (input, other)}
    return "both" if len(kinds) == 2 else "tensors" if kinds == {True} else "numbers"


def _is_scalar(value: Any) -> bool:
    return value.type.shape == () if isinstance(value, Value) else isinstance(value, (bool, int, float))


def _written_out(call: Call) -> bool:
    """Whether the result is put into a tensor that was made for it."""
    return isinstance(call.kwargs.get("out"), Value)


def _tensor_weight(call: Call) -> bool | None:
    weight = argument(call, "weight")
    return None if isinstance(weight, Unknown) or weight is _MISSING else isinstance(weight, Value)


def _beside_floats(value: Any, call: Call) -> bool | None:
    """Whether an argument is a Python integer where a tensor of the call holds floats."""
    if not isinstance(value, int):
        return False
    kinds = [given.type.dtype for given in call.given]
    if any(kind is not None and kind[0] in "fb" and kind != "b8" for kind in kinds):
        return True
    return None if None in kinds else False


def _in_place(call: Call) -> bool:
    return call.torch.endswith("_") and not call.torch.endswith("__")


def _indices(call: Call, read: Callable[[Value], bool] | None) -> str:
    """Whether anything reads the second result of a call."""
    made = call.result[1] if isinstance(call.result, (tuple, list)) and len(call.result) > 1 else None
    return "unused" if read is not None and isinstance(made, Value) and not read(made) else "used"


def _scalar_other(call: Call) -> bool | None:
    given, other = argument(call, "input"), argument(call, "other")
    return isinstance(given, Value) and isinstance(other, (bool, int, float))


def _packed(call: Call) -> bool:
    """Whether a layer is given a packed sequence, whose fields its call holds."""
    return isinstance(next(iter((*call.args, *call.kwargs.values())), None), tuple)


def _kept(call: Call) -> str:
    """What a subscript leaves: ``whole`` where slices in a tuple keep everything, ``ellipsis`` for ``x[...]``, else ``part``.

    Torch slices for ``x[:n]`` alone and for a start from the end (``x[:, -n:]``), even where that keeps everything.
    """
    key, read, made = argument(call, "key"), argument(call, "input"), call.result
    parts = key if isinstance(key, tuple) else (key,)
    if all(part is Ellipsis for part in parts):
        return "ellipsis"
    if not from_front(key):
        return "part"
    sizes = [v.type.shape if isinstance(v, Value) and v.type.is_static else None for v in (read, made)]
    return "whole" if sizes[0] is not None and sizes[0] == sizes[1] else "part"


def _one_packed(call: Call) -> bool | None:
    """Whether einops.unpack takes one tensor apart, of which its slice keeps everything."""
    shapes = argument(call, "packed_shapes")
    return len(shapes) == 1 if isinstance(shapes, (tuple, list)) else None


def _runtime_start(call: Call) -> bool:
    start = argument(call, "start")
    return isinstance(start, Value) and not start.is_const


def _equation(call: Call) -> str | None:
    """An einsum's equation without blanks, None where it is not known."""
    found = next((a for a in (*call.args, *call.params.values()) if isinstance(a, str)), None)
    return None if found is None else "".join(found.split())


def _ellipsis(call: Call) -> bool | None:
    equation = _equation(call)
    return None if equation is None else "..." in equation


def _total(call: Call) -> bool | None:
    """Whether an equation sums one tensor up to a scalar."""
    equation = _equation(call)
    return None if equation is None else "," not in equation and equation.endswith("->")


def _diagonal(call: Call) -> bool | None:
    """Whether an equation names an axis of a tensor twice."""
    equation = _equation(call)
    if equation is None:
        return None
    return any(len(set(axes)) < len(axes) for axes in equation.replace("...", "").split("->")[0].split(","))


def _in_submodule(call: Call) -> bool:
    """Whether the forward of a module within the model makes it: ``torch.jit.trace`` gives an operation its usual name only in the
    outermost one."""
    return bool(call.module)


def _ranks_differ(call: Call) -> bool | None:
    ranks = [given.type.rank for given in call.given][:2]
    return None if len(ranks) < 2 or None in ranks else ranks[0] != ranks[1]


def _heads_differ(call: Call) -> bool | None:
    query, key = argument(call, "query"), argument(call, "key")
    if not isinstance(query, Value) or not isinstance(key, Value):
        return None
    if query.type.shape is None or key.type.shape is None or min(len(query.type.shape), len(key.type.shape)) < 3:
        return None
    left, right = query.type.shape[-3], key.type.shape[-3]
    return left != right if isinstance(left, int) and isinstance(right, int) else None


def _fractional(call: Call) -> bool | None:
    scale, first = argument(call, "scale_factor"), _first(call)
    if scale is None or first is None or first.shape is None:
        return False if scale is None else None
    spatial = first.shape[2:]
    factors = scale if isinstance(scale, (tuple, list)) else (scale,) * len(spatial)
    if len(factors) != len(spatial) or not all(isinstance(f, (int, float)) for f in factors):
        return None
    if not all(isinstance(s, int) for s in spatial):
        return None
    return any(not float(s * f).is_integer() for s, f in zip(spatial, factors, strict=True))


def _alone(call: Call) -> bool:
    """Whether nothing but the tensor was passed."""
    return len(call.args) + len(call.kwargs) == 1


def _fewer_chunks(call: Call) -> bool | None:
    """Whether there are fewer pieces than were asked for."""
    first, asked, dim = _first(call), argument(call, "chunks"), argument(call, "dim")
    if first is None or first.shape is None or not isinstance(asked, int) or not isinstance(dim, int):
        return None
    size = first.shape[dim] if -len(first.shape) <= dim < len(first.shape) else None
    if not isinstance(size, int) or size < 1 or asked < 1:
        return None
    each = -(-size // asked)
    return -(-size // each) < asked


def _larger_piece(call: Call) -> bool | None:
    """Whether pieces are asked for that are larger than the axis is long."""
    first, dim = _first(call), argument(call, "dim")
    asked = call.params.get("split_size", call.params.get("split_size_or_sections"))
    if first is None or first.shape is None or not isinstance(asked, int) or not isinstance(dim, int):
        return None
    size = first.shape[dim] if -len(first.shape) <= dim < len(first.shape) else None
    return asked > size if isinstance(size, int) else None


def _stores_scalar(call: Call) -> bool | None:
    """Whether a store puts a scalar tensor that is not known before the model runs into more than one element."""
    key, target, value = argument(call, "key"), _first(call), argument(call, "value")
    if not isinstance(value, Value) or value.is_const or value.type.shape != ():
        return False
    items = key if isinstance(key, tuple) else (key,)
    if target is None or target.shape is None or any(isinstance(i, (Value, Unknown, bool, list)) for i in items):
        return None
    return sum(isinstance(item, int) for item in items) < len(target.shape)


def _stored_behind(call: Call) -> str:
    """``behind`` where a store has several indices, or a mask, behind a slice, else ``plain``."""
    key, sliced = argument(call, "key"), False
    for item in key if isinstance(key, tuple) else (key,):
        several = len(item) > 1 if isinstance(item, list) else isinstance(item, Value) and _several(item)
        if several and sliced:
            return "behind"
        sliced = sliced or item is Ellipsis or isinstance(item, slice)
    return "plain"


def _several(index: Value) -> bool:
    return index.type.dtype == "b8" or (index.type.is_static and index.type.shape not in ((), (1,)))


def _longer_dims(call: Call) -> bool | None:
    """Whether there are more repeats than axes."""
    dims, first = argument(call, "dims"), _first(call)
    if not isinstance(dims, (tuple, list)) or first is None or first.shape is None:
        return None
    return len(dims) > len(first.shape)


def _by_vector(call: Call) -> bool | None:
    """Whether the right operand of a product has one axis."""
    other = argument(call, "other")
    return len(other.type.shape) == 1 if isinstance(other, Value) and other.type.shape is not None else None


def _smaller_index(call: Call) -> bool | None:
    """Whether the index has another size than the tensor along an axis that it does not look up."""
    first, index, dim = _first(call), argument(call, "index"), argument(call, "dim")
    shape = first.shape if first is not None else None
    if shape is None or not isinstance(index, Value) or index.type.shape is None or not isinstance(dim, int):
        return None
    pairs = list(zip(shape, index.type.shape))
    del pairs[dim : dim + 1 or None]
    return any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs)


def _overlapping(call: Call) -> bool | None:
    kernel, stride = argument(call, "kernel_size"), argument(call, "stride")
    pairs = [v if isinstance(v, (tuple, list)) else (v, v) for v in (kernel, stride)]
    if len(pairs[0]) != len(pairs[1]) or not all(isinstance(n, int) for pair in pairs for n in pair):
        return None
    return any(s < k for k, s in zip(*pairs, strict=True))


# Conditions that are not the value of an argument, by name and (where it takes several meanings) the value asked for.
_ASKED: Mapping[tuple[str, str], Any] = {
    ("rank", ""): _rank,
    ("dtype", "b8"): _is_bool,
    ("dtype", "integer"): _is_integer,
    ("dtype", "complex"): _is_complex,
    ("runtime", ""): _is_runtime,
    ("weight", "runtime"): _runtime_argument("weight"),
    ("weight", "tensor"): _tensor_weight,
    ("fill_value", "runtime"): _runtime_argument("fill_value"),
    ("value", "scalar"): _stores_scalar,
    ("place", "behind"): _stored_behind,
    ("repeats", "tensor"): _tensor_repeats,
    ("repeats", "same"): _same_for_each,
    ("scalars", ""): _scalars,
    ("out", "tensor"): _written_out,
    ("equation", "ellipsis"): _ellipsis,
    ("equation", "total"): _total,
    ("equation", "diagonal"): _diagonal,
    ("in_place", ""): _in_place,
    ("submodule", ""): _in_submodule,
    ("ranks", "differ"): _ranks_differ,
    ("other", "scalar"): _scalar_other,
    ("input", "packed"): _packed,
    ("kept", ""): _kept,
    ("packed", "one"): _one_packed,
    ("alone", ""): _alone,
    ("chunks", "fewer"): _fewer_chunks,
    ("piece", "larger"): _larger_piece,
    ("dims", "longer"): _longer_dims,
    ("other", "vector"): _by_vector,
    ("bias", "runtime"): _runtime_argument("bias"),
    ("index", "smaller"): _smaller_index,
    ("start", "runtime"): _runtime_start,
    ("heads", "differ"): _heads_differ,
    ("scaled_size", "fractional"): _fractional,
    ("windows", "overlap"): _overlapping,
}
