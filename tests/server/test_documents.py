"""Texts, edits and positions: what every answer of the server rests on."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ane_lsp.graph import Span
from ane_lsp.server import uris
from ane_lsp.server.documents import Change, Text, join_cells, move_all, to_cell
from ane_lsp.syntax.positions import utf8_length

ENCODINGS = ("utf-8", "utf-16", "utf-32")
texts = st.text(st.sampled_from("ab \t😀é漢\n\r\f\v\u2028\x85\ufeff\ud800#"), max_size=30)


def units(text: str, encoding: str) -> int:
    if encoding == "utf-32":
        return len(text)
    return len(text.encode("utf-16-le" if encoding == "utf-16" else "utf-8", "surrogatepass")) // (
        2 if encoding == "utf-16" else 1
    )


def client_place(text: str, offset: int, encoding: str) -> tuple[int, int]:
    """A second opinion on positions: split at the three line ends LSP knows, count what is left."""
    ends = [m.end() for m in re.finditer("\r\n|\r|\n", text) if m.end() <= offset]
    start = ends[-1] if ends else 0
    return len(ends), units(text[start:offset], encoding)


def between_cr_and_lf(text: str, offset: int) -> bool:
    return 0 < offset < len(text) and text[offset - 1 : offset + 1] == "\r\n"


@settings(max_examples=400, deadline=None)
@given(texts, texts, st.integers(0, 30), st.integers(0, 30), st.sampled_from(ENCODINGS))
def test_an_incremental_edit_gives_the_text_the_client_has(old, new, a, b, encoding):
    start, end = sorted((min(a, len(old)), min(b, len(old))))
    if between_cr_and_lf(old, start) or between_cr_and_lf(old, end):
        return  # no client can name such a place
    change = Change(new, client_place(old, start, encoding), client_place(old, end, encoding))
    text, edit = Text(old).apply(change, encoding)
    assert text.text == old[:start] + new + old[end:]
    assert edit.start <= edit.end


@settings(max_examples=300, deadline=None)
@given(texts, texts)
def test_a_full_change_is_understood_as_the_smallest_edit(old, new):
    text, edit = Text(old).apply(Change(new), "utf-16")
    assert text.text == new
    kept = old.split("\n")[: edit.start[0] - 1]
    assert new.split("\n")[: len(kept)] == kept or "\r" in old + new


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from("abcd\n"), min_size=3, max_size=25), st.text(st.sampled_from("xy\n"), max_size=5), st.data()
)
def test_a_span_still_covers_its_text_after_edits_elsewhere(old, new, data):
    start = data.draw(st.integers(0, len(old) - 1))
    end = data.draw(st.integers(start + 1, len(old)))
    at = data.draw(st.one_of(st.integers(0, start), st.integers(end, len(old))))
    until = data.draw(st.integers(at, start if at <= start else len(old)))
    before = Text(old)
    span = Span("f", *before.lines.position(start), *before.lines.position(end))
    change = Change(new, client_place(old, at, "utf-8"), client_place(old, until, "utf-8"))
    after, edit = before.apply(change, "utf-8")
    moved = edit.move(span)
    assert moved is not None
    assert after.segment(moved) == old[start:end]


def test_an_edit_inside_a_span_stretches_it_and_one_across_its_end_destroys_it():
    text = Text("call(a, b)\n")
    span = Span("f", 1, 0, 1, 10)
    longer, edit = text.apply(Change("xyz\n", (0, 5), (0, 6)), "utf-8")
    assert longer.segment(edit.move(span)) == "call(xyz\n, b)"
    _, cut = text.apply(Change("", (0, 4), (1, 0)), "utf-8")
    assert cut.move(span) is None
    assert move_all(span, [edit, cut]) is None or move_all(span, [cut, edit]) is None
    _, gone = text.apply(Change("", (0, 0), (0, 10)), "utf-8")
    assert gone.move(span) is None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_byte_order_mark_counts_for_the_client_and_not_for_python(encoding):
    text = Text("\ufeffé = bad(1)\n")
    span = Span("f", 1, 5, 1, 11)  # as ast has it
    width = {"utf-8": 3 + 5, "utf-16": 1 + 4, "utf-32": 1 + 4}[encoding]
    assert text.client_range(span, encoding)[0] == (0, width)
    assert text.place((0, width), encoding) == (1, 5)
    assert text.segment(span) == "bad(1)"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\ufeffx = bad(1)\n", "ab\ufeffx = bad(1)\n"),
        ("\ufeffx = bad(1)\n", "a\n\ufeffx = bad(1)\n"),
        ("\ufeffx = bad(1)\n", "\ufeff\ufeffx = bad(1)\n"),
        ("\ufeffx = bad(1)\n", "x = bad(1)\n"),
        ("ab\ufeffx = bad(1)\n", "\ufeffx = bad(1)\n"),
        ("a\n\ufeffx = bad(1)\n", "\ufeffx = bad(1)\n"),
        ("x = bad(1)\n", "\ufeffx = bad(1)\n"),
        ("\ufeffab x = bad(1)\n", "\ufeffx = bad(1)\n"),
    ],
)
def test_a_span_follows_its_text_where_a_mark_comes_to_the_start_or_leaves_it(old, new, encoding):
    def span_in(text):
        start = text.text.index("bad")
        (line, col), (_, end) = (text.lines.position(at) for at in (start, start + 6))
        marks = 3 if line == 1 and text.text.startswith("\ufeff") else 0
        return Span("f", line, col - marks, line, end - marks)

    before, after = Text(old), Text(new)
    changed, edit = before.apply(Change(new), encoding)
    assert changed.text == new
    assert edit.move(span_in(before)) == span_in(after)
    shared = len(old) - len(new)
    first = Change(new[: max(0, -shared)], (0, 0), client_place(old, max(0, shared), encoding))
    if before.apply(first, encoding)[0].text == new:  # the same as an editor sends it, at the very start
        assert before.apply(first, encoding)[1].move(span_in(before)) == span_in(after)


def test_positions_outside_the_text_are_moved_into_it():
    text = Text("ab\ncd")
    assert text.place((9, 9), "utf-16") == (2, 2)
    assert text.place((0, 99), "utf-16") == (1, 2)
    assert text.client(9, 9, "utf-16") == (1, 2)
    changed, _ = text.apply(Change("!", (5, 0), (7, 3)), "utf-16")
    assert changed.text == "ab\ncd!"


def test_cells_are_one_module_and_places_lead_back():
    module, parts = join_cells([("a", Text("import x\n")), ("b", Text("%magic\ny = bad(1)"))])
    assert module.split("\n")[3] == "y = bad(1)"
    compile(module, "cells", "exec")
    names = {"a": "A", "b": "B"}
    assert to_cell(Span("m", 4, 4, 4, 10), parts, names) == ("b", Span("B", 2, 4, 2, 10))
    assert to_cell(Span("m", 1, 0, 4, 1), parts, names) is None


@given(st.lists(st.text(st.sampled_from("ab%!?\n x=("), max_size=20), max_size=4))
def test_every_line_of_a_module_belongs_to_the_cell_it_came_from(cells):
    module, parts = join_cells((str(n), Text(cell)) for n, cell in enumerate(cells))
    lines = module.split("\n")
    for part, cell in zip(parts, cells, strict=True):
        assert part.count == len(Text(cell).lines)
        for n in range(part.count):
            assert utf8_length(lines[part.first - 1 + n]) == utf8_length(Text(cell).line(n + 1))


@pytest.mark.parametrize("end", ["\r", "\r\r", "\r\r\r", "\n\r", "\r\n\r"])
def test_a_cell_that_ends_in_carriage_returns_keeps_its_lines(end):
    module, parts = join_cells([("a", Text(f"x = 1{end}")), ("b", Text("y = 2"))])
    lines = Text(module)
    assert [lines.line(part.first) for part in parts] == ["x = 1", "y = 2"]


@pytest.mark.parametrize("path", ["/a b/é#?%.py", "/x/[1]&y=z.py", "/~u/+,;.py", os.fsdecode(b"/a/\xff\xfe.py")])
def test_paths_survive_the_way_through_a_uri(path):
    assert str(uris.to_path(uris.from_path(path))) == path


def test_uris_of_other_schemes_name_no_path():
    assert uris.to_path("untitled:Untitled-1") is None
    assert uris.to_path("git:/x.py?ref") is None
    assert uris.scheme("C:/x") == "c"
    assert uris.key("file:///C%3A/x.py") == uris.key("file:///c:/x.py")
