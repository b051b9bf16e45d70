"""Argument strategies for loss functions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import broadcast_shapes, contents, flags, shapes

F = "torch.nn.functional."
HOW = st.sampled_from(
    (
        ("reduction", "none"),
        ("reduction", "sum"),
        ("reduction", "mean"),
        ("reduction", "avg"),
        ("reduce", False),
        ("size_average", False),
    )
)
SIZE = st.integers(1, 3)


def _how(draw: Any, legacy: bool = True) -> dict[str, Any]:
    name, value = draw(HOW if legacy else HOW.filter(lambda h: h[0] == "reduction"))
    return {name: value} if draw(flags) else {}


@st.composite
def pairs(draw: Any, legacy: bool = True, mixed: bool = False) -> Call:
    one, two = draw(broadcast_shapes(high=3))
    given = _how(draw, legacy)
    return (Arg(one), Arg(two, "f64" if mixed and draw(st.integers(0, 5)) == 0 else "f32")), given


for _name in ("smooth_l1_loss", "soft_margin_loss", "hinge_embedding_loss", "poisson_nll_loss"):
    cases(F + _name, strategy=pairs(), device="cpu")
for _name in ("mse_loss", "l1_loss"):
    cases(F + _name, strategy=pairs(mixed=True), device="cpu")
cases(F + "huber_loss", strategy=pairs(False), device="cpu")


@st.composite
def divergences(draw: Any) -> Call:
    args, given = draw(pairs())
    if draw(flags):
        given = {"reduction": "batchmean"}
    return args, given


cases(F + "kl_div", strategy=divergences(), device="cpu")


@st.composite
def triples(draw: Any, drop: bool = False) -> Call:
    one, two, three = draw(broadcast_shapes(3, 3))
    rank = max(len(one), len(two), len(three))
    if draw(st.integers(0, 5)):
        one, two, three = ((1,) * (rank - len(s)) + s for s in (one, two, three))
    return (Arg(one), Arg(two), Arg(three)), _how(draw)


cases(F + "margin_ranking_loss", strategy=triples(), device="cpu")
cases(
    F + "triplet_margin_loss",
    strategy=triples().filter(lambda c: all(a.shape and 0 not in a.shape for a in c[0])),
    device="cpu",
)


@st.composite
def binaries(draw: Any, logits: bool) -> Call:
    shape = draw(shapes(1, 3, SIZE))
    other = shape if draw(st.integers(0, 9)) else (*shape, 1)
    given = _how(draw)
    if draw(st.integers(0, 3)) == 0:
        given["weight"] = Arg(shape)
    if logits and draw(st.integers(0, 3)) == 0:
        given["pos_weight"] = Arg(shape[-1:])
    return (Arg(shape), Arg(other)), given


cases(F + "binary_cross_entropy", strategy=binaries(False), device="cpu")
cases(F + "binary_cross_entropy_with_logits", strategy=binaries(True), device="cpu")


@st.composite
def classes(draw: Any, probabilities: bool) -> Call:
    shape = draw(shapes(1, 4, SIZE))
    count = shape[1] if len(shape) > 1 else shape[0]
    rest = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if draw(st.integers(0, 14)) == 0:
        rest = (*rest, 1)
    target = Arg(rest, "i64", draw(contents(rest, "i64", elements=st.integers(0, count - 1))))
    if probabilities and draw(st.integers(0, 3)) == 0:
        target = Arg(shape, "f32")
    given = _how(draw)
    if draw(st.integers(0, 3)) == 0:
        given["weight"] = Arg((count if draw(st.integers(0, 5)) else count + 1,))
    return (Arg(shape), target), given


cases(F + "cross_entropy", strategy=classes(True), device="cpu")
cases(F + "nll_loss", strategy=classes(False), device="cpu")


@st.composite
def alignments(draw: Any) -> Call:
    steps, batch, count = draw(st.integers(3, 5)), draw(SIZE), draw(st.integers(2, 3))
    targets = Arg((batch, 2), "i64", (1,) * (2 * batch))
    lengths = Arg((batch,), "i64", (steps,) * batch), Arg((batch,), "i64", (2,) * batch)
    return (Arg((steps, batch, count)), targets, *lengths), _how(draw, False)


cases(F + "ctc_loss", strategy=alignments(), device="cpu")


@st.composite
def cosines(draw: Any) -> Call:
    n, width = draw(SIZE), draw(SIZE)
    if draw(st.integers(0, 3)) == 0:
        return (Arg((width,)), Arg((width,)), Arg(())), _how(draw)
    return (Arg((n, width)), Arg((n, width)), Arg((n,))), _how(draw)


cases(F + "cosine_embedding_loss", strategy=cosines(), device="cpu")


@st.composite
def gaussians(draw: Any) -> Call:
    shape = draw(shapes(1, 3, SIZE))
    var: Any = draw(st.sampled_from((Arg(shape), Arg(shape[:-1]), Arg((*shape[:-1], 1)), 1.5)))
    return (Arg(shape), Arg(shape), var), _how(draw, False)


cases(F + "gaussian_nll_loss", strategy=gaussians(), device="cpu")


@st.composite
def rows(draw: Any, kind: str) -> Call:
    n, count = draw(SIZE), draw(SIZE)
    shape = (n, count) if draw(flags) else (count,)
    if kind == "class":
        rest = shape[:1] if len(shape) == 2 else ()
        target = Arg(rest, "i64", draw(contents(rest, "i64", elements=st.integers(0, count - 1))))
        return (Arg(shape), target), {**_how(draw), **({"p": draw(st.integers(1, 3))} if draw(flags) else {})}
    if kind == "labels":
        return (Arg(shape), Arg(shape, "i64", draw(contents(shape, "i64", elements=st.integers(-1, count - 1))))), _how(
            draw
        )
    given = _how(draw)
    if draw(st.integers(0, 3)) == 0:
        given["weight"] = Arg((count,))
    return (Arg(shape), Arg(shape)), given


cases(F + "multi_margin_loss", strategy=rows("class"), device="cpu")
cases(F + "multilabel_margin_loss", strategy=rows("labels"), device="cpu")
cases(F + "multilabel_soft_margin_loss", strategy=rows("soft"), device="cpu")
