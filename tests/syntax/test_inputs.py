import pytest
from hypothesis import given
from hypothesis import strategies as st

from ane_lsp.graph import DTYPES
from ane_lsp.syntax.inputs import InputError, InputSpec, parse_input, parse_inputs


@pytest.mark.parametrize(
    ("text", "shape", "dtype", "name"),
    [
        ("1x3x224x224", (1, 3, 224, 224), "f32", None),
        ("1x16:i64", (1, 16), "i64", None),
        ("1x16:torch.int64", (1, 16), "i64", None),
        ("mask = Bx1xHxW:bool", ("B", 1, "H", "W"), "b8", "mask"),
        ("?x80x?", ("?", 80, "?"), "f32", None),
        ("(1, 3, H, W)", (1, 3, "H", "W"), "f32", None),
        ("[batch, 16]:long", ("batch", 16), "i64", None),
        ("16", (16,), "f32", None),
        ("scalar:i64", (), "i64", None),
        ("x=()", (), "f32", "x"),
        ("BxLxD", ("B", "L", "D"), "f32", None),
        ("1x0x4", (1, 0, 4), "f32", None),
    ],
)
def test_reads_shapes(text: str, shape: tuple[int | str, ...], dtype: str, name: str | None) -> None:
    assert parse_input(text) == InputSpec(shape, dtype, name)


@pytest.mark.parametrize("text", ["", "x", "1x", "3x-1", "1x3:f99", "1 3", "1x3:", "a=", "(1,3", "1.5x2", "x=1x3=4"])
def test_refuses_what_is_no_shape(text: str) -> None:
    if text == "x":
        assert parse_input(text).shape == ("x",)
        return
    with pytest.raises(InputError):
        parse_input(text)


def test_several_inputs() -> None:
    assert [str(spec) for spec in parse_inputs("1x3x8x8, (1, 4):i64, mask=1x8:b8")] == [
        "1x3x8x8",
        "1x4:i64",
        "mask=1x8:b8",
    ]
    assert parse_inputs("") == ()
    with pytest.raises(InputError, match="positional"):
        parse_inputs("a=1x3, 1x4")
    with pytest.raises(InputError, match="twice"):
        parse_inputs("a=1x3, a=1x4")


@given(
    st.lists(st.one_of(st.integers(0, 9999), st.sampled_from(["B", "H", "W", "L", "?"])), max_size=6),
    st.sampled_from(sorted(DTYPES)),
    st.one_of(st.none(), st.sampled_from(["x", "mask", "input_ids"])),
)
def test_what_is_written_can_be_read(shape: list[int | str], dtype: str, name: str | None) -> None:
    spec = InputSpec(tuple(shape), dtype, name)
    assert parse_input(str(spec)) == spec
