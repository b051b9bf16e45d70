"""What lies outside an edit is what it was, comments and spacing included: libcst is asked, which makes none of the edits."""

from __future__ import annotations

from pathlib import Path

import libcst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from prove import analyser, module, settings
from test_layout import BLOCKS
from test_proofs import CLOSE, EXACT, UNSAFE
from test_split import CUMSUM, FIRST, ROPE

from ane_lsp.checks.finding import TextEdit
from ane_lsp.fixes import fixes_for
from ane_lsp.fixes.edits import apply, changes
from ane_lsp.fixes.refactorings import refactor
from ane_lsp.syntax.source import decode_source

Lines = tuple[int, int]


def _lines(text: str) -> list[tuple[Lines, str]]:
    """Simple statements with the lines they stand on and their text, comments above and behind included."""
    wrapper = MetadataWrapper(libcst.parse_module(text), unsafe_skip_copy=True)
    places = wrapper.resolve(PositionProvider)
    return [
        ((place.start.line, place.end.line), wrapper.module.code_for_node(node))
        for node, place in places.items()
        if isinstance(node, libcst.SimpleStatementLine)
    ]


def unchanged(before: str, edits: tuple[TextEdit, ...], after: str) -> None:
    """Every statement on lines that no edit touches stands in the text after, in the same order."""
    assert libcst.parse_module(after).code == after
    touched = [(edit.span.line, edit.span.end_line) for edit in edits]
    kept = [
        text
        for (first, last), text in _lines(before)
        if not any(start <= last and first <= end for start, end in touched)
    ]
    assert kept
    rest = iter([text for _, text in _lines(after)])
    missing = [text for text in kept if not any(text == other for other in rest)]
    assert not missing


COMMENTED = "# a comment of its own\ny  =  x*2   # spaced\nz = [ 1,\n      2, ]\n{0}\nw = y+len( z )  # kept \u00e9\nreturn r * w, {{ 'a' : w }}['a']"
FIXES = {
    name: text for name, text in {**{k: v[1] for k, v in (*EXACT.items(), *CLOSE.items())}, **{k: v[0] for k, v in UNSAFE.items()}}.items()
    if name in (
        "ANE104-mixed", "ANE103-two", "ANE119-dots", "ANE220-triu", "ANE508-named", "ANE501-named", "ANE418-roll", "ANE801-math",
        "ANE205-first", "ANE303-flat", "ANE406", "ANE416", "ANE505",
    )
}  # fmt: skip
FIXES["odd"] = module(COMMENTED.format("r = x.masked_fill( x > 0 , float( '-inf' ) ).softmax( -1 )")).replace(
    "return r * w, {{", "return r * w, {"
)


@pytest.mark.parametrize("case", FIXES)
def test_fixes_touch_nothing_else(case: str, tmp_path: Path) -> None:
    text = FIXES[case]
    path = tmp_path / "model.py"
    path.write_text(text, encoding="utf-8")
    source, run = decode_source(path, text.encode()), analyser(path, settings())
    result = run(text)
    found = [fix for finding in result.findings for fix in fixes_for(source, result, finding, run)]
    assert found
    for fix in found:
        unchanged(text, fix.edits, apply(text, changes(source.lines, fix.edits)))


@pytest.mark.parametrize(
    ("text", "name", "needle"),
    [
        (BLOCKS["nanogpt"], "ane-layout", "class Block"),
        (BLOCKS["hf"], "ane-layout", "class Block"),
        (BLOCKS["mlp"], "ane-layout", "class Block"),
        (CUMSUM, "split-model", "torch.cumsum"),
        (FIRST, "split-model", "self.wte(ids)"),
        (ROPE, "hoist-table", "inv = 1.0"),
    ],
)
def test_refactorings_touch_nothing_else(text: str, name: str, needle: str, tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(text, encoding="utf-8")
    source, run = decode_source(path, text.encode()), analyser(path, settings())
    line = next(i for i, content in enumerate(text.split("\n"), 1) if needle in content)
    fix, after = refactor(source, run(text), name, run, line)
    unchanged(text, fix.edits, after)
