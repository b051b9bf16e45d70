import ast
import os
import threading
from pathlib import Path

import pytest

from ane_lsp.syntax.source import MAX_BYTES, read_source, source_from_text

GOOD = b"x = 1\ny = f(x)\n"


def read(tmp_path: Path, data: bytes):
    path = tmp_path / "m.py"
    path.write_bytes(data)
    return read_source(path)


@pytest.mark.parametrize(
    ("data", "encoding", "bom"),
    [
        (GOOD, "utf-8", False),
        (b"\xef\xbb\xbf" + GOOD, "utf-8", True),
        (b"# -*- coding: latin-1 -*-\ns = '\xe9'\n", "iso-8859-1", False),
        (b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\ns = '\x80'\n", "cp1252", False),
        (b"\xef\xbb\xbf# coding: utf-8\nx = 1\n", "utf-8", True),
        (b"", "utf-8", False),
        (b"x = 1\r\ny = 2\r\n", "utf-8", False),
        (b"x = 1\ry = 2\r", "utf-8", False),
        (b"\x0cx = 1\n", "utf-8", False),
        (b"x = 1", "utf-8", False),
    ],
)
def test_reads_what_python_reads(tmp_path: Path, data: bytes, encoding: str, bom: bool) -> None:
    source = read(tmp_path, data)
    assert source.problem is None
    assert (source.encoding, source.bom) == (encoding, bom)
    assert ast.dump(source.parse()) == ast.dump(ast.parse(data))


@pytest.mark.parametrize(
    ("data", "kind", "line", "words"),
    [
        (b"x = (1\n", "syntax", 1, "never closed"),
        (b"def f(:\n  pass\n", "syntax", 1, "invalid syntax"),
        (b"x = 1\n  y = 2\n", "syntax", 2, "unexpected indent"),
        (b"x = 1\ns = '\xe9'\n", "encoding", 2, "utf-8"),
        (b"# coding: nonsense\nx = 1\n", "encoding", 1, "unknown encoding"),
        (b"# coding: rot13\nk = 1\n", "encoding", 1, ""),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding", 1, ""),
        (b"x = 1\ny\0 = 2\n", "syntax", 2, "null"),
        (b"x = " + b"(" * 5000 + b")" * 5000, "syntax", 1, ""),
        (b"x = " + b"-" * 200_000 + b"1", "syntax", 1, ""),
        (b"\xff\xfex\0=\0", "encoding", 1, ""),
        (b"x" * (MAX_BYTES + 1), "read", 1, "larger than 10 MB"),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, bytes) else None,
)
def test_bad_files_give_a_problem_with_a_place(tmp_path: Path, data: bytes, kind: str, line: int, words: str) -> None:
    source = read(tmp_path, data)
    problem = source.problem
    assert problem is not None
    assert problem.kind == kind
    assert words in problem.message
    assert problem.span.line == line
    assert problem.span.file == str(source.path)
    assert (problem.span.end_line, problem.span.end_col) >= (problem.span.line, problem.span.col)
    assert source.parse() is problem


def test_missing_files_folders_and_pipes_are_not_opened(tmp_path: Path) -> None:
    assert "No such file" in read_source(tmp_path / "none.py").problem.message
    assert read_source(tmp_path).problem.message == "not a regular file"
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no FIFOs")
    os.mkfifo(tmp_path / "pipe.py")
    found = []
    reader = threading.Thread(target=lambda: found.append(read_source(tmp_path / "pipe.py")), daemon=True)
    reader.start()
    reader.join(timeout=10)
    assert found, "reading a FIFO blocked"
    assert found[0].problem.message == "not a regular file"


def test_a_file_of_one_megabyte_in_one_line(tmp_path: Path) -> None:
    source = read(tmp_path, b"x = [" + b"1, " * 350_000 + b"]\n")
    assert source.problem is None
    element = source.tree.body[0].value.elts[-1]
    assert source.segment(source.span(element)) == "1"


def test_syntax_error_columns_are_utf8_bytes() -> None:
    source = source_from_text(Path("/m.py"), "s = 'é中' + )\n")
    span = source.problem.span
    assert (span.line, span.col) == (1, len("s = 'é中' + ".encode()))


def test_lone_surrogates_of_an_editor_are_a_problem_not_a_crash() -> None:
    source = source_from_text(Path("/m.py"), "x = 1\ns = '\ud800'\n")
    assert source.problem.kind == "encoding"
    assert source.problem.span.line == 2


def test_spans_and_segments_of_nodes_after_wide_characters() -> None:
    source = source_from_text(Path("/m.py"), "é = '👩'; z = f(é)\n")
    call = source.tree.body[1].value
    assert source.segment(source.span(call)) == "f(é)"


def test_a_bom_typed_into_an_editor_is_taken_off() -> None:
    source = source_from_text(Path("/m.py"), "\ufeffx = 1\n")
    assert source.problem is None
    assert source.bom


def test_newline_is_the_most_frequent_one() -> None:
    assert source_from_text(Path("/m.py"), "a\r\nb\r\nc\n").newline == "\r\n"
    assert source_from_text(Path("/m.py"), "a\rb\r").newline == "\r"
    assert source_from_text(Path("/m.py"), "").newline == "\n"


def test_invalid_escapes_print_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert source_from_text(Path("/m.py"), "s = '\\d'\n").problem is None
    assert not recwarn.list
