"""``torch.einsum`` in all its forms, and the ops coremltools makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import tensors_in
from ane_lsp.torch_model.ops.matmul import common_dtype
from ane_lsp.torch_model.promotion import is_integral, promote_types, sum_result
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import Undetermined, broadcast_size, fail, shape_of, static

Params = Mapping[str, Any]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def split_call(equation: Any, operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Equation and operands of ``einsum(eq, a, b)``, ``einsum(eq, [a, b])`` and ``einsum(a, [0, 1], b, [1, 2], [0, 2])``."""
    if isinstance(equation, str):
        if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
            operands = tuple(operands[0])
        return equation.replace(" ", ""), list(operands)
    given = [equation, *operands]
    pairs = len(given) // 2
    terms = [_sublist(given[2 * i + 1]) for i in range(pairs)]
    arrow = "->" + _sublist(given[-1]) if len(given) % 2 else ""
    return ",".join(terms) + arrow, [given[2 * i] for i in range(pairs)]


def _sublist(labels: Any) -> str:
    if isinstance(labels, Unknown):
        raise Undetermined(labels.reason)
    if not isinstance(labels, (tuple, list)):
        fail("einsum(): expected a list of subscripts after each operand")
    out = ""
    for label in labels:
        if label is Ellipsis:
            out += "..."
        elif isinstance(label, int) and 0 <= label < 52:
            out += _LETTERS[label]
        else:
            fail("einsum(): expected subscripts to be within range [0, 52)")
    return out


def parse(equation: str, ranks: Sequence[int]) -> tuple[list[list[str]], list[str]]:
    """Labels of each operand's axes and of the result's; the axes of an ellipsis are named ``.0``, ``.1`` ... from the last.

    Raises TorchError for an equation torch refuses.
    """
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        fail("einsum(): the number of subscripts in the equation does not match the number of operands")
    found = [_labels(term, rank) for term, rank in zip(terms, ranks, strict=True)]
    dots = max((sum(label[0] == "." for label in labels) for labels in found), default=0)
    ellipsis = [f".{i}" for i in range(dots)][::-1]
    if not arrow:
        counts: dict[str, int] = {}
        for labels in found:
            for label in labels:
                counts[label] = counts.get(label, 0) + 1
        return found, ellipsis + sorted(label for label, n in counts.items() if n == 1 and label[0] != ".")
    return found, _result_labels(right, {label for labels in found for label in labels}, ellipsis)


def _result_labels(term: str, known: set[str], ellipsis: list[str]) -> list[str]:
    out: list[str] = []
    head, dots, tail = term.partition("...")
    for part, follows in ((head, bool(dots)), (tail, False)):
        for letter in part:
            if letter not in _LETTERS:
                fail(f"einsum(): invalid subscript given at the output: {letter}")
            if letter in out:
                fail(f"einsum(): output subscript {letter} appears more than once in the output")
            if letter not in known:
                fail(f"einsum(): output subscript {letter} does not appear in the equation for any input operand")
            out.append(letter)
        if follows:
            out += ellipsis
    return out


def _labels(term: str, rank: int) -> list[str]:
    head, dots, tail = term.partition("...")
    for letter in head + tail:
        if letter not in _LETTERS:
            fail(f"einsum(): invalid subscript given: {letter}")
    free = rank - len(head) - len(tail)
    if free < 0 or (free and not dots):
        fail(f"einsum(): the number of subscripts in '{term}' does not match the number of dimensions {rank}")
    return [*head, *(f".{i}" for i in range(free)[::-1]), *tail]


@op("torch.functional.einsum", "torch.einsum", mil=lambda b, params, out: _einsum_mil(b, params, out))
def einsum(*args: Any) -> Any:
    if not args:
        fail("einsum(): must specify the equation string and at least one operand")
    if isinstance(args[0], Unknown):
        operands = [a for a in args[1:] if isinstance(a, TensorType)]
        return TensorType(None, operands[0].dtype if operands else None)
    equation, given = split_call(args[0], args[1:])
    tensors = tensors_in(given, "operands")
    if not tensors:
        fail("einsum(): must provide at least one operand")
    if any(tensor.shape is None for tensor in tensors):
        return TensorType(_partial_shape(equation, tensors), _any_rank(tensors))
    labels, result = parse(equation, [len(shape_of(tensor)) for tensor in tensors])
    sizes: dict[str, DimLike] = {}
    for tensor, names in zip(tensors, labels, strict=True):
        own: dict[str, DimLike] = {}
        for name, size in zip(names, shape_of(tensor), strict=True):
            if name in own and dims.equal(own[name], size) is False:
                fail(
                    f"einsum(): subscript {name} is repeated for an operand but the sizes don't match, {own[name]} != {size}"
                )
            own[name] = size
        for name, size in own.items():
            sizes[name] = broadcast_size(sizes[name], size) if name in sizes else size
    return TensorType(tuple(sizes[name] for name in result), _dtype(tensors, labels, result))


def _dtype(tensors: list[TensorType], labels: list[list[str]], result: list[str]) -> str | None:
    """The result's dtype, from left to right: ``bmm`` contracts and needs one dtype, ``mul`` promotes, ``sum`` makes integers i64.

    Raises TorchError where operands of two dtypes are provably contracted. An axis of size 1 is contracted by nothing.
    """
    dtype = tensors[0].dtype
    if len(tensors) == 1:
        return sum_result(dtype) if set(labels[0]) - set(result) else dtype
    wide = [
        {name: dims.equal(size, 1) is False for name, size in zip(names, shape_of(tensor), strict=True) if size != 1}
        for tensor, names in zip(tensors, labels, strict=True)
    ]
    left = wide[0]
    for i, right in enumerate(wide[1:], 1):
        later = set(result).union(*wide[i + 1 :])
        gone = {name for name in (*left, *right) if name not in later}
        both = [name for name in gone if name in left and name in right]
        certain = any(left[name] and right[name] for name in both)
        one = _summed(dtype, [left[name] for name in gone if name not in right])
        other = _summed(tensors[i].dtype, [right[name] for name in gone if name not in left])
        if certain:
            dtype = common_dtype(TensorType(None, one), TensorType(None, other))
        elif one is None or other is None:
            dtype = None
        else:
            dtype = one if one == other else promote_types(one, other)
        left = {name: left.get(name, False) or right.get(name, False) for name in (*left, *right) if name in later}
    return dtype


def _any_rank(tensors: list[TensorType]) -> str | None:
    """The dtype whatever is contracted: no sum changes that of floats."""
    dtypes = [tensor.dtype for tensor in tensors if tensor.dtype is not None]
    if len(dtypes) < len(tensors):
        return None
    dtype = reduce(promote_types, dtypes)
    return None if is_integral(dtype, boolean=True) else dtype


def _summed(dtype: str | None, axes: list[bool]) -> str | None:
    """The dtype after a sum over `axes`, each True where its size certainly is not 1."""
    if not axes:
        return dtype
    total = sum_result(dtype)
    return total if total == dtype or any(axes) else None


def _partial_shape(equation: str, tensors: list[TensorType]) -> Shape | None:
    """The result's shape where an operand's rank is unknown: only an explicit output without dots tells its rank."""
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if not arrow or "." in equation or len(terms) != len(tensors):
        return None
    sizes: dict[str, DimLike] = {}
    for term, tensor in zip(terms, tensors, strict=True):
        if tensor.shape is not None and len(tensor.shape) == len(term):
            sizes.update(zip(term, tensor.shape, strict=True))
    return tuple(sizes.get(label, dims.fresh()) for label in right)


def _einsum_mil(b: Lowering, params: Params, out: Any) -> Value:
    args = params["args"]
    equation, values = split_call(args[0], args[1:])
    left, _, right = equation.partition("->")
    if (
        len(values) == 1
        and values[0].type.shape is None
        and len(set(left)) == len(left)
        and sorted(left) == sorted(right)
        and left.isalpha()
    ):
        return mil.transpose(b, values[0], [left.index(name) for name in right], out)
    if "." in equation or any(v.type.shape is None for v in values):
        return mil.refused(b, "einsum", {"operands": tuple(values)}, out, {"equation": equation})  # type: ignore[no-any-return]
    labels, result = parse(equation, [len(mil.shape_of(v)) for v in values])
    return contract(b, values, labels, result, out)


# Equations that coremltools writes out by itself, by the order in which labels first appear.
_DIRECT = {
    ("0123,0143", "0124"): (False, True),  # bnqd,bnkd->bnqk
    ("0123,0124", "0134"): (True, False),  # bhcq,bhck->bhqk
    ("012,23", "013"): (False, False),  # abc,cd->abd
}
_NATIVE = {("0123,0324", "0124"), ("012,213", "013")}  # nchw,nwhu->nchu; chw,whu->chu


def _canonical(labels: Sequence[Sequence[str]], result: Sequence[str]) -> tuple[str, str]:
    names: dict[str, str] = {}
    for label in [name for term in labels for name in term]:
        names.setdefault(label, str(len(names)))
    return ",".join("".join(names[n] for n in term) for term in labels), "".join(names[n] for n in result)


def contract(
    b: Lowering, values: Sequence[Value], labels: Sequence[Sequence[str]], result: Sequence[str], out: TensorType
) -> Value:
    """An einsum as coremltools lowers it: ``matmul`` or ``einsum`` for some equations, else transposes and reshapes."""
    if len(values) == 2:
        pairs = [(list(values), list(labels)), (list(values)[::-1], list(labels)[::-1])]
        for operands, terms in pairs:
            form = _canonical(terms, result)
            if form in _DIRECT:
                x, y = _DIRECT[form]
                return mil.matmul(b, operands[0], operands[1], out, transpose_x=x, transpose_y=y)
        for operands, terms in pairs:
            form = _canonical(terms, result)
            if form in _NATIVE:
                text = ",".join("".join(n) for n in terms) + "->" + "".join(result)
                return b.emit("einsum", {"values": tuple(operands)}, {"equation": text}, out)
        for operands, terms in pairs:
            found = _by_hand(b, operands, _canonical(terms, result), out)
            if found is not None:
                return found
    work = list(values)
    names: list[list[str]] = [list(term) for term in labels]
    for i in range(len(work)):
        work[i], names[i] = _diagonal(b, work[i], names[i])
    for i in range(len(work)):
        others = {n for j, term in enumerate([*names, list(result)]) if j != i for n in term}
        gone = [axis for axis, name in enumerate(names[i]) if name not in others]
        if gone:
            work[i] = mil.reduce(b, "reduce_sum", work[i], gone, False)
            names[i] = [name for axis, name in enumerate(names[i]) if axis not in gone]
    while len(work) > 1:
        later = {n for term in names[2:] for n in term} | set(result)
        kept = [
            n for n in dict.fromkeys([*(x for term in names[2:] for x in term), *result]) if n in names[0] + names[1]
        ]
        kept = [n for n in kept if n in later]
        last = len(work) == 2
        target = list(result) if last else kept
        work[0] = _pair(b, work[0], names[0], work[1], names[1], target, out if last else None)
        names[0] = target
        del work[1], names[1]
    perm = [names[0].index(name) for name in result]
    return mil.transpose(b, work[0], perm, out) if work[0].type != out or perm != sorted(perm) else work[0]


def _by_hand(b: Lowering, operands: Sequence[Value], form: tuple[str, str], out: TensorType) -> Value | None:
    """Equations that coremltools writes as transposes and reshapes of its own around one ``matmul``."""
    x, y = operands
    left, right = mil.shape_of(x), mil.shape_of(y)
    fixed = static(left) is not None and static(right) is not None
    if form == ("0123,0423", "0241"):  # btnh,bfnh->bnft
        first, second = (mil.transpose(b, v, (0, 2, 1, 3)) for v in (x, y))
        return mil.matmul(b, second, first, out, transpose_y=True)
    if form == ("0123,0314", "0214"):  # bnft,btnh->bfnh
        turned = mil.transpose(b, y, (0, 2, 1, 3))
        wide = TensorType((*left[:3], right[3]), out.dtype)
        return mil.transpose(b, mil.matmul(b, x, turned, wide), (0, 2, 1, 3), out)
    if form == ("012,234", "0134") and fixed:  # abc,cde->abde
        rows = mil.reshape(b, x, (left[0] * left[1], left[2]))
        columns = mil.reshape(b, y, (right[0], right[1] * right[2]))
        flat = mil.matmul(b, rows, columns, TensorType((left[0] * left[1], right[1] * right[2]), out.dtype))
        return mil.reshape(b, flat, out.shape or (), out)
    if form == ("0123,234", "014") and fixed:  # abcd,cde->abe
        rows = mil.reshape(b, x, (left[0], left[1], left[2] * left[3]))
        columns = mil.reshape(b, y, (right[0] * right[1], right[2]))
        return mil.matmul(b, rows, columns, out)
    return None


def _operand(b: Lowering, value: Value, names: list[str], order: list[str], shape: Shape) -> tuple[Value, bool]:
    """An operand as the matrices of ``matmul``, and whether they stand transposed.

    A transpose of the last two axes alone is taken into the ``matmul``, as a pass of coremltools does.
    """
    swapped = [*order[:-2], order[-1], order[-2]] if len(order) > 1 else order
    plain = len(shape) == len(order)
    if plain and names == swapped and names != order:
        return value, True
    return mil.reshape(b, mil.transpose(b, value, [names.index(n) for n in order]), shape), False


def _diagonal(b: Lowering, x: Value, names: list[str]) -> tuple[Value, list[str]]:
    while len(set(names)) != len(names):
        double = next(n for n in names if names.count(n) > 1)
        at = [i for i, n in enumerate(names) if n == double]
        rest = [i for i in range(len(names)) if i not in at]
        shape = mil.shape_of(x)
        size = shape[at[0]]
        front = mil.transpose(b, x, [*at, *rest])
        index = b.const(TensorType((size, len(at)), "i32"))
        left = TensorType((size, *(shape[i] for i in rest)), x.type.dtype)
        x = b.emit("gather_nd", {"x": front, "indices": index}, {}, left)
        names = [double, *(names[i] for i in rest)]
    return x, names


def _pair(
    b: Lowering, x: Value, left: list[str], y: Value, right: list[str], result: list[str], out: TensorType | None
) -> Value:
    sizes = {**dict(zip(right, mil.shape_of(y), strict=True)), **dict(zip(left, mil.shape_of(x), strict=True))}
    batch = [n for n in left if n in right and n in result]
    summed = [n for n in left if n in right and n not in result]
    only_x, only_y = [n for n in left if n not in right], [n for n in right if n not in left]

    def size(*groups: list[str]) -> Shape:
        return tuple(dims.product(sizes[n] for n in group) for group in groups)

    lead = size(batch) if batch else ()
    a, turned_x = _operand(b, x, left, [*batch, *only_x, *summed], (*lead, *size(only_x, summed)))
    c, turned_y = _operand(b, y, right, [*batch, *summed, *only_y], (*lead, *size(summed, only_y)))
    plain = [*batch, *only_x, *only_y]
    shape = tuple(sizes[n] for n in plain)
    flat = TensorType((*lead, *size(only_x, only_y)), x.type.dtype)
    found = mil.matmul(b, a, c, flat, transpose_x=turned_x, transpose_y=turned_y)
    found = mil.reshape(b, found, shape) if plain else mil.squeeze(b, found, (0, 1), out)
    perm = [plain.index(n) for n in result]
    if static(found.type.shape) is None and perm == sorted(perm):
        return found
    return mil.transpose(b, found, perm, out)
