"""Fixing files: rounds, overlaps, what stays as it was, and what is refused."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from prove import analyser, fix, module, settings

from ane_lsp.analysis import AnalysisError, FileAnalysis
from ane_lsp.checks.finding import Finding, Fix, TextEdit
from ane_lsp.cli.main import main
from ane_lsp.fixes import fix_text, fixes_for
from ane_lsp.fixes.edits import apply, changes, edits_between
from ane_lsp.fixes.files import NotWritten, write
from ane_lsp.fixes.gate import passes
from ane_lsp.graph import Span
from ane_lsp.syntax.positions import LineTable
from ane_lsp.syntax.source import SourceFile, decode_source

ODD = (
    "from torch import nn  # \u00fc\r\n"
    "import  torch\r\n\r\n"
    "class Net( nn.Module ):\r\n"
    "\tdef __init__(self):\r\n"
    "\t\tsuper( ).__init__()   \r\n"
    "\t\tself.p\u00f6ol = nn . MaxPool2d( 9,\\\r\n"
    "\t\t\tstride = 1, padding=4, )   # nine \U0001f600\r\n"
    "\tdef forward(self, x,\r\n"
    "\t            mask):\r\n"
    "\t\t'''doc'''; y = self.p\u00f6ol( x ) ; s = y.masked_fill( mask , float( '-inf' ) )\r\n"
    "\t\treturn s.softmax( -1 )\r\n"
    "Net()( torch.randn(1,8,32,32), torch.zeros(1,1,1,32,dtype=torch.bool) )"
)
ODD_FIXED = ODD.replace(
    "nn . MaxPool2d( 9,\\\r\n\t\t\tstride = 1, padding=4, )",
    "nn.Sequential(nn . MaxPool2d(5, stride=1, padding=2), nn . MaxPool2d(5, stride=1, padding=2))",
).replace("float( '-inf' )", "-1e4")
POOL = module("return self.pool(x)", "self.pool = nn.MaxPool2d(9, stride=1, padding=4)")


def test_everything_but_the_edit_stays(tmp_path: Path) -> None:
    _, _, fixed = fix(ODD, tmp_path)
    assert fixed.text == ODD_FIXED
    assert [code for code, _ in fixed.applied] == ["ANE302", "ANE801"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_files_keep_bytes_permissions_and_links(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = ODD.replace("\U0001f600", "")
    if encoding == "latin-1":
        text = "# -*- coding: latin-1 -*-\r\n" + text
    folder = tmp_path / "real"
    folder.mkdir()
    real, link = folder / "model.py", tmp_path / "link.py"
    real.write_bytes(text.encode(encoding))
    real.chmod(0o640)
    link.symlink_to(real)
    assert main(["check", "--fix", "--no-cache", str(link)]) == 0, capsys.readouterr().out
    assert "2 findings fixed in 1 file\n" in capsys.readouterr().err
    expected = ODD_FIXED.replace("\U0001f600", "")
    assert real.read_bytes() == (text[: text.index("from torch")] + expected).encode(encoding)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [p.name for p in folder.iterdir()] == ["model.py"]


def test_a_diff_writes_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.py"
    path.write_text(POOL)
    assert main(["check", "--diff", "--no-cache", str(path)]) == 1
    out = capsys.readouterr()
    assert "-        self.pool = nn.MaxPool2d(9" in out.out
    assert "+        self.pool = nn.Sequential(" in out.out
    assert "1 finding would be fixed in 1 file" in out.err
    assert path.read_text() == POOL
    assert main(["check", "--fix-only", "--no-cache", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["check", "--diff", "--no-cache", str(path)]) == 0
    assert main(["check", "--no-cache", str(path)]) == 0


def test_stdin_is_fixed_to_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(POOL.encode())))
    assert main(["check", "--fix", "--no-cache", "-"]) == 0
    out = capsys.readouterr().out
    assert "nn.Sequential(" in out
    assert out.startswith("import math\n")


def test_ignores_are_added_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.py"
    path.write_bytes(ODD.encode())
    assert main(["check", "--add-ignore", "--no-cache", str(path)]) == 0
    assert main(["check", "--no-cache", "--fail-on", "hint", str(path)]) == 0, capsys.readouterr().out
    silenced = path.read_bytes()
    assert silenced.count(b"# ane: ignore[") == 1
    assert main(["check", "--add-ignore", "--no-cache", str(path)]) == 0
    assert path.read_bytes() == silenced


def test_wrong_combinations_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--unsafe-fixes", str(tmp_path)]) == 2
    assert main(["check", "--fix", "--add-ignore", str(tmp_path)]) == 2


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("x = 1\n")
    source = decode_source(path, path.read_bytes())
    path.write_text("y = 1\n")
    with pytest.raises(NotWritten, match="changed"):
        write(source, "x = 2\n")
    assert path.read_text() == "y = 1\n"


def test_what_would_not_parse_or_cannot_be_encoded_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_bytes("# coding: latin-1\nx = '\u00fc'\n".encode("latin-1"))
    source = decode_source(path, path.read_bytes())
    for text in ("x = (\n", source.text + "y = '\u20ac'\n"):
        with pytest.raises(NotWritten):
            write(source, text)
    assert path.read_bytes() == "# coding: latin-1\nx = '\u00fc'\n".encode("latin-1")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("x = 1\n")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(NotWritten):
            write(decode_source(path, b"x = 1\n"), "x = 2\n")
    finally:
        tmp_path.chmod(0o700)


def test_overlapping_fixes_take_rounds(tmp_path: Path) -> None:
    text = module("return F.max_pool2d(F.max_pool2d(x, 9, 1, 4), 9, 1, 4)", inputs="torch.randn(1, 8, 32, 32)")
    _, _, fixed = fix(text, tmp_path)
    assert fixed.settled
    assert len(fixed.applied) == 2
    assert fixed.text.count("F.max_pool2d(") == 4


def test_imports_are_added_once_and_in_place(tmp_path: Path) -> None:
    text = POOL.replace("import torch\nimport torch.nn.functional as F\nfrom torch import nn\n", "")
    text = text.replace(
        "import math\n",
        '"""Doc."""\n\nimport math\n\nimport numpy\nfrom torch import randn\nfrom torch.nn import MaxPool2d, Module\n',
    )
    text = (
        text.replace("nn.MaxPool2d(9", "MaxPool2d(9").replace("nn.Module", "Module").replace("torch.randn(", "randn(")
    )
    text = text.replace(
        "        self.pool", "        self.first = MaxPool2d(9, stride=1, padding=4)\n        self.pool"
    ).replace("self.pool(x)", "self.pool(self.first(x))")
    _, _, fixed = fix(text, tmp_path)
    assert len(fixed.applied) == 2
    assert fixed.text.count("import torch\n") == 1
    assert "import numpy\nimport torch\nfrom torch import randn\n" in fixed.text
    assert "torch.nn.Sequential(MaxPool2d(5" in fixed.text


def test_a_name_that_means_something_else_is_not_used(tmp_path: Path) -> None:
    text = POOL.replace("import torch\n", "").replace(
        "from torch import nn\n", "from torch import randn\nfrom torch.nn import MaxPool2d, Module\n"
    )
    text = (
        text.replace("nn.MaxPool2d(9", "MaxPool2d(9").replace("nn.Module", "Module").replace("torch.randn(", "randn(")
    )
    _, before, fixed = fix("torch = None\n" + text, tmp_path)
    assert "ANE302" in {f.code for f in before.findings}
    assert "Sequential" not in fixed.text


def made(before: FileAnalysis, code: str, *edits: tuple[Span, str]) -> tuple[Finding, Fix]:
    finding = next(f for f in before.findings if f.code == code)
    return finding, Fix("t", "safe", tuple(TextEdit(span, text) for span, text in edits))


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("9, stride=1, padding=4", "5, stride=1, padding=4"),  # another shape
        ("9, stride=1, padding=4", "11, stride=1, padding=5"),  # the finding stays
        ("nn.MaxPool2d(9, stride=1, padding=4)", "nn.CircularPad2d(0)"),  # an error comes
        ("nn.MaxPool2d(9, stride=1, padding=4)", "nn.MaxPool2d("),  # does not parse
        ("nn.MaxPool2d(9, stride=1, padding=4)", "undefined(3)"),  # what it is is no longer known
    ],
)
def test_the_gate_refuses_what_is_not_better(what: str, by: str, tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(POOL)
    run = analyser(path, settings())
    source, before = decode_source(path, POOL.encode()), run(POOL)
    start = POOL.index(what)
    span = Span(str(path), *source.lines.position(start), *source.lines.position(start + len(what)))
    assert passes(source, before, [made(before, "ANE302", (span, by))], run) is None
    good = "5, stride=1, padding=2), nn.MaxPool2d(5, stride=1, padding=2"
    whole = POOL.index("nn.MaxPool2d(9, stride=1, padding=4)")
    end = whole + len("nn.MaxPool2d(9, stride=1, padding=4)")
    span = Span(str(path), *source.lines.position(whole), *source.lines.position(end))
    assert passes(source, before, [made(before, "ANE302", (span, f"nn.Sequential(nn.MaxPool2d({good}))"))], run)


def test_a_finding_of_another_text_gets_no_fix(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(POOL)
    run = analyser(path, settings())
    source, before = decode_source(path, POOL.encode()), run(POOL)
    finding = next(f for f in before.findings if f.code == "ANE302")
    assert [fix.safety for fix in fixes_for(source, before, finding, run)] == ["safe"]
    moved = replace(
        finding, related=tuple(replace(r, span=r.span._replace(col=r.span.col + 1)) for r in finding.related)
    )
    other = decode_source(path, POOL.replace("self.pool =", "self.pools =").encode())
    assert fixes_for(other, before, moved, run) == []


def test_line_edits_turn_one_text_into_the_other() -> None:
    for old, new in (("a\r\nb\r\n", "a\r\nc\r\nd"), ("", "x\n"), ("a\x0cb\u2028\nc", "a\x0cb\u2028\nd"), ("a", "")):
        edits = edits_between(old, new, "f")
        assert apply(old, changes(LineTable(old), edits)) == new


def test_rounds_end(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(POOL)
    source = decode_source(path, POOL.encode())
    run = analyser(path, settings())
    assert fix_text(source, run, wanted=lambda finding: False).text == POOL
    assert fix_text(source, run, cancelled=lambda: True).text == POOL


def test_a_write_that_fails_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.py"
    path.write_text("x = 1\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ane_lsp.fixes.files.os.replace", full)
    with pytest.raises(NotWritten, match="No space left"):
        write(decode_source(path, b"x = 1\n"), "x = 2\n")
    assert path.read_text() == "x = 1\n"
    assert [p.name for p in tmp_path.iterdir()] == ["model.py"]


def test_a_file_that_cannot_be_written_is_reported_and_others_are_fixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_text(POOL)
    second.write_text(POOL)
    from ane_lsp.fixes import files

    real = files.encoded

    def refuse(source: SourceFile, text: str) -> bytes:
        if source.path.name == "a.py":
            raise NotWritten("the fixed file would not parse")
        return real(source, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "encoded", refuse)
        assert main(["check", "--fix", "--no-cache", str(first), str(second)]) == 2
    out = capsys.readouterr()
    assert "not fixed: the fixed file would not parse" in out.out + out.err
    assert "1 finding fixed in 1 file" in out.err
    assert first.read_text() == POOL
    assert "nn.Sequential(" in second.read_text()


def test_selected_rules_alone_are_fixed(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_bytes(ODD.encode())
    assert main(["check", "--fix-only", "--no-cache", "--select", "ANE801", str(path)]) == 0
    fixed = path.read_bytes().decode()
    assert "-1e4" in fixed
    assert "nn . MaxPool2d( 9" in fixed


def test_a_batch_with_a_bad_fix_is_halved(tmp_path: Path) -> None:
    """The others are applied all the same, and not one by one: an analysis of the whole file is the price of each try."""
    names = [f"p{i}" for i in range(8)]
    text = module(
        "return " + " + ".join(f"self.{name}(x)" for name in names),
        "\n".join(f"self.{name} = nn.MaxPool2d(9, stride=1, padding=4)" for name in names),
    )
    path = tmp_path / "model.py"
    path.write_text(text)
    run, seen = analyser(path, settings()), []

    def analyse(text: str) -> FileAnalysis:
        seen.append(text)
        result = run(text)
        if "self.p5 = nn.Sequential" in text:
            result.errors.append(AnalysisError("internal", "not this one", Span(str(path), 1, 0, 1, 0)))
        return result

    fixed = fix_text(decode_source(path, path.read_bytes()), analyse)
    assert len(fixed.applied) == 7
    assert fixed.text.count("nn.Sequential(") == 7
    assert "self.p5 = nn.MaxPool2d(9, stride=1, padding=4)" in fixed.text
    assert len(seen) <= 7
