"""Argument strategies for products of vectors and matrices, linear layers, einsum."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import broadcast_shapes, call, flags, shapes, tensors

SIZE = st.integers(1, 3)


@st.composite
def pair(draw: Any, left: int | None = None, right: int | None = None, low: int = 1) -> tuple[Arg, Arg]:
    """Two operands that multiply, most of the time. left, right: their ranks."""
    inner = draw(SIZE)
    one, two = draw(broadcast_shapes(high=2))
    a_rank = left if left is not None else draw(st.integers(low, 4))
    b_rank = right if right is not None else draw(st.integers(low, 4))
    if left == right == 3:
        one = two = (draw(SIZE),)
    a = (*one, draw(SIZE), inner)[-a_rank:] if a_rank else ()
    b = (inner,) if b_rank == 1 else (*two, inner, draw(SIZE))[-b_rank:] if b_rank else ()
    dtype = draw(st.sampled_from(("f32", "f32", "f16", "i64", "bf16")))
    other = dtype if draw(st.integers(0, 9)) else "f64"
    if b and draw(st.integers(0, 9)) == 0:
        b = (*b[:-1], 4)
    if draw(st.integers(0, 14)) == 0:
        b = (1, *b)
    return Arg(a, dtype), Arg(b, other)


def _args(strategy: Any) -> Any:
    return strategy.map(lambda p: (p, {}))


cases(
    "torch.matmul",
    "torch.Tensor.matmul",
    "torch.Tensor.__matmul__",
    "torch.linalg.matmul",
    strategy=_args(pair(low=0)),
    device="cpu",
)
cases("torch.Tensor.__rmatmul__", strategy=_args(pair(low=0).map(lambda p: p[::-1])), device="cpu")
cases("torch.mm", "torch.Tensor.mm", "torch.spmm", "torch.dsmm", strategy=_args(pair(2, 2)), device="cpu")
cases("torch.bmm", "torch.Tensor.bmm", strategy=_args(pair(3, 3)), device="cpu")
cases("torch.mv", "torch.Tensor.mv", strategy=_args(pair(2, 1)), device="cpu")
cases("torch.dot", "torch.Tensor.dot", "torch.vdot", "torch.Tensor.vdot", strategy=_args(pair(1, 1)), device="cpu")
cases(
    "torch.outer",
    "torch.Tensor.outer",
    "torch.ger",
    "torch.Tensor.ger",
    strategy=call(tensors(low=1, high=1), tensors(low=1, high=1)),
)
cases("torch.outer", "torch.ger", strategy=call(tensors(high=2), tensors(high=2)))


@st.composite
def inners(draw: Any) -> Call:
    a, b = draw(pair())
    last = a.shape[-1:] if draw(st.integers(0, 5)) else (2,)
    shape = (*b.shape[:-1], *last) if draw(st.integers(0, 5)) else ()
    return (a, Arg(shape, b.dtype)), {}


cases("torch.inner", "torch.Tensor.inner", strategy=inners())


@st.composite
def vecdots(draw: Any) -> Call:
    one, two = draw(broadcast_shapes(high=3))
    a = Arg(one)
    return (a, Arg(two)), {"dim": draw(st.integers(0, len(one) - 1))} if one and len(one) >= len(two) and draw(
        flags
    ) else {}


cases("torch.linalg.vecdot", strategy=vecdots(), device="cpu")


@st.composite
def added(draw: Any, left: int, right: int, drop: int = 0) -> Call:
    a, b = draw(pair(left, right))
    full = (*a.shape[:-1], *(b.shape[-1:] if len(b.shape) > 1 else ()))[drop:]
    base = tuple(draw(st.sampled_from((size, size, size if drop else 1))) for size in full)[
        0 if drop else draw(st.sampled_from((0, 0, *range(len(full) + 1)))) :
    ]
    if draw(st.integers(0, 9)) == 0:
        base = (2, *base)
    options = draw(st.sampled_from(({}, {}, {"beta": 2}, {"alpha": 2})))
    return (Arg(base, a.dtype), a, b), options


cases("torch.addmm", "torch.Tensor.addmm", "torch.Tensor.addmm_", strategy=added(2, 2), device="cpu")
cases("torch.baddbmm", "torch.Tensor.baddbmm", "torch.Tensor.baddbmm_", strategy=added(3, 3), device="cpu")
cases("torch.addbmm", "torch.Tensor.addbmm", "torch.Tensor.addbmm_", strategy=added(3, 3, 1), device="cpu")
cases("torch.addmv", "torch.Tensor.addmv", "torch.Tensor.addmv_", strategy=added(2, 1), device="cpu")


@st.composite
def addrs(draw: Any) -> Call:
    n, m = draw(SIZE), draw(SIZE)
    base = draw(st.sampled_from(((n, m), (m,), (), (1, m), (n, 1), (2, n, m))))
    return (Arg(base), Arg((n,)), Arg((m,))), {}


cases("torch.addr", "torch.Tensor.addr", "torch.Tensor.addr_", strategy=addrs(), device="cpu")


@st.composite
def chains(draw: Any) -> list[Arg]:
    sizes = draw(st.lists(SIZE, min_size=3, max_size=5))
    found = [Arg((a, b)) for a, b in pairwise(sizes)]
    if draw(st.integers(0, 5)) == 0:
        found[0] = Arg((sizes[1],))
    if draw(st.integers(0, 9)) == 0:
        found.append(Arg((2,)))
    return found


cases("torch.linalg.multi_dot", strategy=call(chains()), device="cpu")
cases(
    "torch.chain_matmul", "torch.functional.chain_matmul", strategy=chains().map(lambda c: (tuple(c), {})), device="cpu"
)


@st.composite
def tensordots(draw: Any) -> Call:
    shared = draw(st.lists(SIZE, max_size=2))
    a = (*draw(shapes(0, 2)), *shared)
    b = (*shared, *draw(shapes(0, 2)))
    if draw(flags):
        return (Arg(a), Arg(b)), {"dims": len(shared) if draw(st.integers(0, 5)) else 2}
    first = list(range(len(a) - len(shared), len(a)))
    second = list(range(len(shared)))
    return (Arg(a), Arg(b), draw(st.sampled_from(((first, second), [first, second], (first[::-1], second))))), {}


cases("torch.tensordot", "torch.functional.tensordot", strategy=tensordots())


@st.composite
def linears(draw: Any) -> Call:
    inside, outside = draw(SIZE), draw(SIZE)
    dtype = draw(st.sampled_from(("f32", "f16")))
    x = Arg((*draw(shapes(0, 3)), inside) if draw(st.integers(0, 9)) else (), dtype)
    weight = (outside, inside) if draw(st.integers(0, 5)) else (inside,) if draw(flags) else (outside, inside + 1)
    given: dict[str, Any] = {}
    if draw(flags):
        given["bias"] = Arg((outside if draw(st.integers(0, 9)) else outside + 2,) if len(weight) == 2 else (), dtype)
    return (x, Arg(weight, dtype if draw(st.integers(0, 9)) else "f64")), given


cases("torch.nn.functional.linear", "torch._C._nn.linear", strategy=linears(), device="cpu")


@st.composite
def bilinears(draw: Any) -> Call:
    lead = draw(shapes(0, 2))
    a, b, out = draw(SIZE), draw(SIZE), draw(SIZE)
    weight = Arg((out, a + (draw(st.integers(0, 9)) == 0), b))
    return (Arg((*lead, a)), Arg((*lead, b)), weight, *([Arg((out,))] if draw(flags) else [])), {}


cases("torch.nn.functional.bilinear", "torch.bilinear", strategy=bilinears(), device="cpu")


@st.composite
def crosses(draw: Any) -> Call:
    shape = list(draw(shapes(1, 3)))
    axis = draw(st.integers(0, len(shape) - 1))
    shape[axis] = 3
    other = [draw(st.sampled_from((size, size, 1))) if i != axis else size for i, size in enumerate(shape)]
    if draw(st.integers(0, 7)) == 0:
        other[axis] = 2
    how = draw(st.integers(0, 3))
    return (Arg(tuple(shape)), Arg(tuple(other), "f32")), {} if how == 0 else {"dim": axis}


cases("torch.cross", "torch.Tensor.cross", "torch.linalg.cross", strategy=crosses(), device="cpu")
cases("torch.trace", "torch.Tensor.trace", strategy=call(tensors(high=3)), device="cpu")


@st.composite
def grouped(draw: Any) -> Call:
    groups, m, k, n = draw(st.integers(1, 3)), *(16 * draw(st.integers(1, 3)) for _ in range(3))
    how = draw(st.integers(0, 3))
    offs = Arg((groups,), "i32", tuple([k // groups * (i + 1) for i in range(groups - 1)] + [m if how else k]))
    if how == 0:
        return (Arg((m, k), "bf16"), Arg((k, n), "bf16")), {"offs": offs}
    if how == 1:
        return (Arg((groups, m, k), "bf16"), Arg((groups, k, n), "bf16")), {}
    return (Arg((m, k), "bf16"), Arg((groups, k, n), "bf16")), {"offs": offs}


cases(
    "torch._grouped_mm",
    "torch.nn.functional.grouped_mm",
    strategy=grouped(),
)

LABELS = "ijkl"


@st.composite
def einsums(draw: Any) -> Call:
    sizes = {label: draw(st.integers(1, 3)) for label in LABELS}
    dots = draw(shapes(0, 2)) if draw(flags) else None
    terms, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        labels = draw(st.lists(st.sampled_from(LABELS), max_size=3))
        shape = [sizes[label] if draw(st.integers(0, 9)) else 1 for label in labels]
        term = "".join(labels)
        if dots is not None and draw(flags):
            at = draw(st.integers(0, len(labels)))
            skip = draw(st.integers(0, len(dots)))
            shape[at:at] = dots[skip:]
            term = term[:at] + "..." + term[at:]
        if draw(st.integers(0, 19)) == 0:
            shape.append(2)
        terms.append(term)
        operands.append(Arg(tuple(shape), draw(st.sampled_from(("f32", "f32", "f32", "f64", "i32", "b8")))))
    equation = ",".join(terms)
    if draw(flags):
        letters = sorted(set(equation) & set(LABELS))
        chosen = draw(st.permutations(letters))[: draw(st.integers(0, 3))]
        text = "".join(chosen)
        at = draw(st.integers(0, len(text)))
        if dots is not None and "..." in equation and draw(st.integers(0, 5)):
            text = text[:at] + "..." + text[at:]
        if draw(st.integers(0, 14)) == 0:
            text += "m"
        equation += draw(st.sampled_from(("->", " -> "))) + text
    elif draw(st.integers(0, 9)) == 0:
        equation += "->"
    if draw(st.integers(0, 3)) == 0:
        return (equation, operands), {}
    return (equation, *operands), {}


cases("torch.einsum", "torch.functional.einsum", strategy=einsums())
cases(
    "torch.einsum",
    strategy=st.just(((Arg((2, 3)), [0, 1], Arg((3, 4)), [1, 2], [0, 2]), {}))
    | st.just(((Arg((2, 3)), [Ellipsis, 1], Arg((3, 4)), [1, 2]), {})),
)
