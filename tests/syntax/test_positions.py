import ast

from hypothesis import given
from hypothesis import strategies as st

from ane_lsp.syntax.positions import LineTable, decode_column, encode_column, utf8_to_code_points

TEXT = st.text(
    st.one_of(
        st.sampled_from("ab \t#'\n\r\f\v\x1c\x85\u2028\u2029é中𝕏👩\u200d\ufeff"),
        st.characters(codec=None, categories=("L", "M", "N", "P", "S", "Z", "Cc", "Cs")),
    ),
    max_size=60,
)


@given(TEXT)
def test_every_offset_survives_the_way_through_line_and_byte_column(text: str) -> None:
    table = LineTable(text)
    for offset in range(len(text) + 1):
        inside_crlf = offset > 0 and text[offset - 1 : offset + 1] == "\r\n"
        line, col = table.position(offset)
        end = table.offset(line, col)
        # A place behind \r or between \r and \n belongs to the end of its line's text.
        assert end == offset or inside_crlf or text[end:offset] in ("\r", "\r\n", "\n")


@given(TEXT)
def test_client_columns_survive_in_every_encoding(text: str) -> None:
    table = LineTable(text)
    for number in range(1, len(table) + 1):
        line = table.line(number)
        for points in range(len(line) + 1):
            col = len(line[:points].encode("utf-8", "surrogatepass"))
            for encoding in ("utf-8", "utf-16", "utf-32"):
                assert decode_column(line, encode_column(line, col, encoding), encoding) == col
            assert utf8_to_code_points(line, col) == points


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_lines_are_those_of_the_python_parser(text: str) -> None:
    # A string literal may hold anything but line ends and quotes, so each line becomes one literal.
    table = LineTable(text)
    lines = [table.line(n).replace("\\", "").replace("'", "") for n in range(1, len(table) + 1)]
    for end in ("\n", "\r\n", "\r"):
        source = end.join(f"'{line}'" for line in lines)
        tree = ast.parse(source)
        assert [node.lineno for node in tree.body] == list(range(1, len(LineTable(source)) + 1))


def test_form_feed_and_unicode_separators_do_not_end_a_line() -> None:
    assert len(LineTable("a\fb\vc\x85d\u2028e\u2029f\x1cg")) == 1
    assert len(LineTable("a\r\nb\rc\nd")) == 4
    assert [LineTable("a\r\nb\r").line(n) for n in (0, 1, 2, 3, 4)] == ["", "a", "b", "", ""]


def test_utf16_columns_count_surrogate_pairs_and_never_split_them() -> None:
    line = "x = '👩' + y"
    col = len("x = '👩' + ".encode())
    assert encode_column(line, col, "utf-16") == 11
    assert decode_column(line, 11, "utf-16") == col
    assert decode_column(line, 6, "utf-16") == len("x = '")  # inside the pair: before it
    assert decode_column(line, 6, "utf-8") == len("x = '")  # inside the character's bytes
    assert decode_column(line, 999, "utf-16") == len(line.encode())
