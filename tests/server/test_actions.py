"""Edits that actions stand for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.graph import Span
from ane_lsp.server.documents import Text
from ane_lsp.server.features.actions import drop_unused, fix_all, suppress
from ane_lsp.syntax import source_from_text
from ane_lsp.syntax.comments import parse_directives


def finding(text: str, what: str, code: str = "ANE302", **more: object) -> Finding:
    start = text.index(what)
    table = Text(text).lines
    span = Span("/f.py", *table.position(start), *table.position(start + len(what)))
    return Finding(code, "some-rule", "m", span, "warning", "measured", **more)  # type: ignore[arg-type]


def edited(text: str, *edits: TextEdit) -> str:
    table = Text(text).lines
    for edit in sorted(edits, key=lambda e: (-e.span.line, -e.span.col)):
        start, end = (
            table.offset(*place) for place in ((edit.span.line, edit.span.col), (edit.span.end_line, edit.span.end_col))
        )
        text = text[:start] + edit.text + text[end:]
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = bad(1)\n", "x = bad(1)  # ane: ignore[ANE302]\n"),
        ("x = bad(1)", "x = bad(1)  # ane: ignore[ANE302]"),
        ("x = bad(1)   \ny\n", "x = bad(1)  # ane: ignore[ANE302]\ny\n"),
        ("x = bad(1)\r\ny\r\n", "x = bad(1)  # ane: ignore[ANE302]\r\ny\r\n"),
        ("x = bad(1)  # why\n", "x = bad(1)  # why  # ane: ignore[ANE302]\n"),
        ("x = bad(1)  # ane: ignore[ANE101]\n", "x = bad(1)  # ane: ignore[ANE101, ANE302]\n"),
        ("x = bad(1)  # ane: ignore[]\n", "x = bad(1)  # ane: ignore[ANE302]\n"),
        ("x = f(bad(1),\n  2)\n", "x = f(bad(1),  # ane: ignore[ANE302]\n  2)\n"),
        ("s = '#'; bad(1); t = '#'\n", "s = '#'; bad(1); t = '#'  # ane: ignore[ANE302]\n"),
        ("x = bad(1) + \\\n  2\n", "x = bad(1) + \\\n  2  # ane: ignore[ANE302]\n"),
        ("é = bad(1), '''a\nb'''\n", "é = bad(1), '''a\nb'''  # ane: ignore[ANE302]\n"),
    ],
)
def test_a_line_is_silenced_where_a_comment_can_stand(before, after):
    found = finding(before, "bad(1)")
    edit = suppress(Text(before), found)
    assert edited(before, edit) == after
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(before))
    _, silenced = parse_directives(source_from_text(Path("/f.py"), after)).apply([found], "/f.py")
    assert silenced == [found]


def test_what_is_silenced_already_is_not_silenced_again():
    text = "x = bad(1)  # ane: ignore\n"
    assert suppress(Text(text), finding(text, "bad(1)")) is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["'a'", '"#"', "'''x\ny'''", "(1,\n 2)", "{# c\n 3: 4}", "\\\n5", "f(6)", "r'\\\\'"]),
        max_size=4,
    ),
    st.data(),
)
def test_silencing_changes_comments_only(pieces, data):
    text = "x = [" + ", ".join([*pieces, "bad(1)", *data.draw(st.permutations(pieces))]) + "]\ny = 2\n"
    tree = ast.dump(ast.parse(text))
    edit = suppress(Text(text), finding(text, "bad(1)"))
    assert ast.dump(ast.parse(edited(text, edit))) == tree


@pytest.mark.parametrize(
    ("before", "unused", "after"),
    [
        ("x = 1  # ane: ignore[ANE302]\n", ["ANE302"], "x = 1\n"),
        ("x = 1  # ane: ignore[ANE302, ANE101]\n", ["ANE302"], "x = 1  # ane: ignore[ANE101]\n"),
        ("x = 1  # why  # ane: ignore[ANE302]\n", ["ANE302"], "x = 1  # why\n"),
        ("x = 1  # ane: ignore[ANE302] because\n", ["ANE302"], "x = 1  # because\n"),
        ("x = 1  # ane: ignore\n", ["all"], "x = 1\n"),
        ("# ane: ignore[ANE302]\nx = 1\n", ["ANE302"], "x = 1\n"),
        ("x = 1  # ane: ignore[ANE302]  # why\n", ["ANE302"], "x = 1  # why\n"),
    ],
)
def test_an_unused_suppression_is_taken_out(before, unused, after):
    (directive,) = parse_directives(source_from_text(Path("/f.py"), before)).suppressions
    found = Finding("ANE903", "unused-suppression", "m", directive.span, "hint", "documented", data={"unused": unused})
    assert edited(before, drop_unused(Text(before), found)) == after


def test_fixes_that_overlap_wait_for_the_next_round():
    text = "outer(bad(1), 2)\n"
    inner = finding(text, "bad(1)")
    inner_fix = Fix("f", "safe", (TextEdit(inner.span, "good(1)"),))
    whole = finding(text, "outer(bad(1), 2)")
    whole_fix = Fix("g", "safe", (TextEdit(whole.span, "new"),))
    unsafe = Fix("h", "unsafe", (TextEdit(inner.span, "other"),))
    found = [finding(text, "bad(1)", fixes=(unsafe, inner_fix)), finding(text, "outer(bad(1), 2)", fixes=(whole_fix,))]
    assert edited(text, *fix_all(found)) == "outer(good(1), 2)\n"
    assert fix_all([finding(text, "bad(1)", fixes=(unsafe,))]) == []
