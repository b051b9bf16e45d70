"""Argument strategies for recurrent layers and cells."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.torch_model.harness import Arg, Call, cases
from tests.torch_model.strategies import flags

SIZE = st.integers(1, 3)


@st.composite
def layers(draw: Any, gates: int) -> Call:
    batch, steps, inside, width, count = (draw(SIZE) for _ in range(5))
    both, biased, first = draw(flags), draw(flags), draw(flags)
    proj = draw(st.integers(1, width - 1)) if gates == 4 and width > 1 and draw(st.integers(0, 3)) == 0 else 0
    sides = 2 if both else 1
    out = proj or width
    weights = []
    for layer in range(count):
        for _ in range(sides):
            weights.append(Arg((gates * width, inside if layer == 0 else out * sides)))
            weights.append(Arg((gates * width, out)))
            if biased:
                weights += [Arg((gates * width,)), Arg((gates * width,))]
            if proj:
                weights.append(Arg((proj, width)))
    x = Arg((batch, steps, inside) if first else (steps, batch, inside))
    h = Arg((count * sides, batch, out))
    hx: Any = [h, Arg((count * sides, batch, width))] if gates == 4 else h
    return (x, hx, weights, biased, count, 0.0, False, both, first), {}


@st.composite
def cells(draw: Any, gates: int) -> Call:
    batch, inside, width = draw(SIZE), draw(SIZE), draw(SIZE)
    h = Arg((batch, width))
    hx: Any = [h, h] if gates == 4 else h
    x = Arg((batch, inside + (draw(st.integers(0, 9)) == 0)))
    weights = (Arg((gates * width, inside)), Arg((gates * width, width)))
    biases = (Arg((gates * width,)), Arg((gates * width,))) if draw(flags) else ()
    return (x, hx, *weights, *biases), {}


for _name, _gates in (("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1)):
    cases(f"torch.{_name}", f"torch._VF.{_name}", strategy=layers(_gates), device="cpu")
    cases(f"torch.{_name}_cell", f"torch._VF.{_name}_cell", strategy=cells(_gates), device="cpu")
