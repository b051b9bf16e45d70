"""The einops operations against einops itself where it is installed, and against written-out results everywhere."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: einops operations are not compared with it")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from ane_lsp.graph import TensorType, dims  # noqa: E402
from ane_lsp.torch_model import registry  # noqa: E402
from ane_lsp.torch_model.registry import TorchError  # noqa: E402

H, B = dims.symbol("H"), dims.symbol("B")


def infer(name: str, *args: Any, **kwargs: Any) -> Any:
    decl = registry.find(f"einops.{name}")
    assert decl is not None
    return decl.infer(args, kwargs)


@pytest.mark.parametrize(
    ("name", "shape", "rest", "kwargs", "result"),
    [
        ("rearrange", (2, 3, 4), ("b c h -> b (c h)",), {}, (2, 12)),
        ("rearrange", (2, 12), ("b (c h) -> b c h",), {"c": 3}, (2, 3, 4)),
        ("rearrange", (B, 3, H * 8, 16), ("b c (h p) (w q) -> b (h w) (p q c)",), {"p": 8, "q": 8}, (B, H * 2, 192)),
        ("rearrange", (2, 3, 4, 5), ("b ... c -> b c ...",), {}, (2, 5, 3, 4)),
        ("rearrange", (2, 3, 4, 5), ("b ... c -> (b c) (...)",), {}, (10, 12)),
        ("rearrange", (2, 1, 3), ("a 1 b -> a b 1 1",), {}, (2, 3, 1, 1)),
        ("reduce", (2, 3, 4, 6), ("b c (h 2) (w 3) -> b c h w", "max"), {}, (2, 3, 2, 2)),
        ("reduce", (B, 3, H, H), ("b c h w -> b c", "mean"), {}, (B, 3)),
        ("reduce", (B, 3), ("b c -> (b s) c", "repeat"), {"s": 4}, (B * 4, 3)),
        ("repeat", (3, 4), ("h w -> h (w 2) c",), {"c": 5}, (3, 8, 5)),
        ("repeat", (1, H), ("1 d -> b d",), {"b": B}, (B, H)),
    ],
)
def test_shapes(name: str, shape: Any, rest: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    assert infer(name, TensorType(shape, "f32"), *rest, **kwargs) == TensorType(result, "f32")


@pytest.mark.parametrize(
    ("name", "shape", "rest", "kwargs"),
    [
        ("rearrange", (2, 3), ("a b c -> a b c",), {}),
        ("rearrange", (2, 3), ("a b -> a",), {}),
        ("rearrange", (2, 7), ("a (b c) -> a b c",), {"b": 2}),
        ("rearrange", (2, 6), ("a (b c) -> a b c",), {}),
        ("rearrange", (2, 3), ("a a -> a",), {}),
        ("rearrange", (2, 3), ("a b -> a b",), {"c": 3}),
        ("repeat", (2, 3), ("a b -> a b c",), {}),
        ("reduce", (2, 3), ("a b -> a c", "sum"), {}),
        ("reduce", (2, 3), ("a b -> a", "median"), {}),
    ],
)
def test_refused(name: str, shape: Any, rest: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(TorchError):
        infer(name, TensorType(shape, "f32"), *rest, **kwargs)


def test_list_of_tensors_is_stacked() -> None:
    tensors = [TensorType((2, 3), "f32")] * 4
    assert infer("rearrange", tensors, "n a b -> a (n b)").shape == (2, 12)


def test_elements_follow() -> None:
    x = TensorType((2, 3), "i64", (0, 1, 2, 3, 4, 5))
    assert infer("rearrange", x, "a b -> b a").data == (0, 3, 1, 4, 2, 5)
    assert infer("repeat", x, "a b -> a b 2").data == tuple(i for i in range(6) for _ in range(2))


def test_pack_and_unpack() -> None:
    packed, shapes = infer("pack", [TensorType((2, 3, 5), "f32"), TensorType((2, 5), "f32")], "b * c")
    assert packed == TensorType((2, 4, 5), "f32")
    assert shapes == [(3,), ()]
    assert [t.shape for t in infer("unpack", packed, shapes, "b * c")] == [(2, 3, 5), (2, 5)]
    assert [t.shape for t in infer("unpack", packed, [(1,), (-1,)], "b * c")] == [(2, 1, 5), (2, 3, 5)]


def test_einsum_and_parse_shape() -> None:
    q, k = TensorType((B, 4, H, 8), "f32"), TensorType((B, 4, 7, 8), "f32")
    assert infer("einsum", q, k, "batch head i d, batch head j d -> batch head i j").shape == (B, 4, H, 7)
    assert infer("parse_shape", q, "b _ h d") == {"b": B, "h": H, "d": 8}


@st.composite
def calls(draw: Any) -> tuple[str, tuple[int, ...], tuple[Any, ...], dict[str, int]]:
    """A random pattern over axes a, b, c, d in random groups."""
    sizes = {name: draw(st.integers(1, 3)) for name in "abcd"}
    names = draw(st.permutations("abcd"))[: draw(st.integers(1, 4))]

    def grouped(order: list[str]) -> list[list[str]]:
        groups: list[list[str]] = []
        for name in order:
            if groups and draw(st.booleans()):
                groups[-1].append(name)
            else:
                groups.append([name])
        if draw(st.integers(0, 3)) == 0:
            groups.insert(draw(st.integers(0, len(groups))), [])
        return groups

    def text(groups: list[list[str]]) -> str:
        return " ".join(
            g[0] if len(g) == 1 and draw(st.booleans()) else f"({' '.join(g)})" if g else "1" for g in groups
        )

    left = grouped(list(names))
    operation = draw(st.sampled_from(("rearrange", "reduce", "repeat")))
    target = list(draw(st.permutations(names)))
    if operation == "reduce":
        target = target[: draw(st.integers(0, len(target)))]
    if operation == "repeat":
        target += [n for n in "abcd" if n not in names][: draw(st.integers(0, 2))]
        target = list(draw(st.permutations(target)))
    shape = []
    lengths: dict[str, int] = {n: sizes[n] for n in target if n not in names}
    for group in left:
        total = 1
        for name in group:
            total *= sizes[name]
        shape.append(total + (draw(st.integers(0, 30)) == 0))
        lengths |= {name: sizes[name] for name in group[1:]}
    pattern = f"{text(left)} -> {text(grouped(target))}"
    rest: tuple[Any, ...] = (
        (pattern, draw(st.sampled_from(("sum", "mean", "max", "prod")))) if operation == "reduce" else (pattern,)
    )
    return operation, tuple(shape), rest, lengths


@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(calls())
def test_agrees_with_einops(case: Any) -> None:
    einops = pytest.importorskip("einops", reason="einops is not installed: its operations are not compared with it")
    name, shape, rest, lengths = case
    try:
        theirs = getattr(einops, name)(torch.empty(shape, device="meta"), *rest, **lengths)
    except Exception:
        with pytest.raises(TorchError):
            infer(name, TensorType(shape, "f32"), *rest, **lengths)
        return
    assert infer(name, TensorType(shape, "f32"), *rest, **lengths) == TensorType(tuple(theirs.shape), "f32"), case
    symbols = {size: dims.symbol(f"S{size}") for size in shape if size > 1}
    loose = infer(name, TensorType(tuple(symbols.get(s, s) for s in shape), "f32"), *rest, **lengths)
    bound = {f"S{size}": size for size in symbols}
    assert tuple(dims.bind(s, bound) for s in loose.shape) == tuple(theirs.shape), case
