"""What must hold of an answer, whatever the question was."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ane_lsp.analysis import AnalysisError, FileAnalysis, ModelSummary
from ane_lsp.checks.finding import Evidence, Finding, Fix, Related, TextEdit
from ane_lsp.graph import Span
from ane_lsp.report.formats import FORMATS, render
from ane_lsp.report.model import Report
from ane_lsp.server.documents import Change, Text, join_cells, to_cell
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.syntax.inputs import InputError, parse_inputs
from ane_lsp.syntax.notebook import without_magics
from ane_lsp.syntax.positions import Encoding, LineTable, utf8_length
from ane_lsp.syntax.source import source_from_text
from ane_lsp.workspace import Settings
from benchmarks.fuzz.reader import Reader

_LINE_END = re.compile("\r\n|\r|\n")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def sound(found: FileAnalysis, path: Path, text: str) -> None:
    """No fault of ours, and every place lies inside the text."""
    faults = [f"{f.span}: {f.message}" for f in found.findings if f.code == "ANE901"]
    faults += [e.message for e in found.errors if e.kind == "internal"]
    assert not faults, re.sub(r"^\S*?:\d+:\d+: ", "", faults[0])
    table = source_from_text(path, text).lines
    places = [f.span for f in found.findings] + [e.span for e in found.errors] + [m.span for m in found.models]
    for span in places:
        if span.file == str(path):
            assert 1 <= span.line <= span.end_line <= len(table), "a place outside the text"
            assert 0 <= span.col <= utf8_length(table.line(span.line)), "a column outside the line"
            assert 0 <= span.end_col <= utf8_length(table.line(span.end_line)), "an end outside the line"


def report_of(found: FileAnalysis, path: Path, text: str) -> Report:
    """The report of one file that is on no disk."""
    table = source_from_text(path, text).lines
    return Report(
        findings=found.findings, models=found.models, errors=found.errors, files=1, base=path.parent,
        lines=lambda file: table if file == str(path) else None, checked=[str(path)], statistics=True,
    )  # fmt: skip


def printable(found: FileAnalysis, path: Path, text: str) -> None:
    """Every format prints the result, as what it says it is, and nothing in it steers a terminal or a runner."""
    well_formed(report_of(found, path, text))


def well_formed(report: Report) -> None:
    """Each format is read back by a parser of its own."""
    for format in FORMATS:
        written = render(report, format)
        written.encode("utf-8")
        assert not _UNSAFE.search(written), f"a control character in {format}"
        if format in ("json", "sarif", "gitlab"):
            json.loads(written)
        elif format == "junit":
            ElementTree.fromstring(written)
        elif format == "github":
            lines = written.splitlines()
            assert all(re.match(r"::(error|warning|notice) file=[^:,]*,line=\d+", line) for line in lines), (
                "workflow command"
            )
            assert len(lines) == len(report.findings) + len(report.errors), "workflow command"
        elif format == "html":
            tags = {
                tag.lower()
                for tag in re.findall(r"<\s*([a-zA-Z][\w-]*)", re.sub(r"(?s)<(script|style).*?</\1>", "", written))
            }
            assert not tags & {"img", "iframe", "object", "embed", "base", "link"}, f"tags {sorted(tags)}"
        elif format == "markdown":
            prose = re.sub(r"`[^`\n]*`", "", written)
            assert not re.search(r"<\w", prose), "HTML in Markdown"
            assert not re.search(r"(?<!\\)\]\(", prose), "a link in Markdown"


# -- documents -------------------------------------------------------------------------------------------------------

ALPHABET = (
    "a",
    "bc",
    " ",
    "\n",
    "\r",
    "\r\n",
    "é",
    "漢",
    "😀",
    "\ud83d",
    "\ufeff",
    "\u2028",
    "\x0c",
    "\x00",
    "x = 1\n",
    "\t",
    "ﬁ",
)


def edited(read: Reader) -> None:
    """Random edits, sent as a client of the chosen encoding would, also with positions outside the text."""
    encoding: Encoding = read.choice(("utf-8", "utf-16", "utf-32"))
    plain = "".join(read.choice(ALPHABET) for _ in range(read.below(24)))
    text = Text(plain)
    while read:
        new = "".join(read.choice(ALPHABET) for _ in range(read.below(5)))
        if read.below(8) == 7:
            change, start, end = Change(new), 0, len(plain)
        else:
            places = sorted((read.below(12), read.below(20)) for _ in range(2))
            start, end = (naive_offset(plain, place, encoding) for place in places)
            change = Change(new, places[0], places[1])
        after, edit = text.apply(change, encoding)
        expected = plain[:start] + new + plain[end:]
        assert after.text == expected, f"another text in {encoding}"
        for line in range(1, len(text.lines) + 1):
            content = text.lines.line(line)
            span = Span("f", line, 0, line, utf8_length(content if line > 1 else content.removeprefix("\ufeff")))
            moved = edit.move(span)
            if moved is not None and (span.end_line, span.end_col) <= edit.start:
                assert after.segment(moved) == text.segment(span), "text before an edit moved"
            elif (
                moved is not None and (span.line, span.col) >= edit.end and not {"\r", "\ufeff"} & set(plain + expected)
            ):
                assert after.segment(moved) == text.segment(span), "text behind an edit was lost"
        table = LineTable(expected)
        for offset in range(0, len(expected) + 1, max(1, len(expected) // 7)):
            if expected[max(0, offset - 1) : offset + 1] == "\r\n":
                continue  # between the two halves of a line end there is no position
            place = table.position(offset)
            assert table.from_client(*table.to_client(*place, encoding), encoding) == place, "a position is not its own"
        text, plain = after, expected


def naive_offset(text: str, place: tuple[int, int], encoding: str) -> int:
    """The offset of a client's position, by counting."""
    starts = [0, *(m.end() for m in _LINE_END.finditer(text))]
    line, col = place
    if line >= len(starts):
        return len(text)
    at, used = starts[line], 0
    while at < len(text) and text[at] not in "\r\n":
        units = {
            "utf-32": 1,
            "utf-16": 1 + (ord(text[at]) > 0xFFFF),
            "utf-8": len(text[at].encode("utf-8", "surrogatepass")),
        }
        if used + units[encoding] > col:
            break
        at, used = at + 1, used + units[encoding]
    return at


def joined(cells: list[str]) -> None:
    """Cells as one module: as many lines, none wider or narrower, and each leads back."""
    texts = [(f"cell{number}", Text(cell)) for number, cell in enumerate(cells)]
    module, parts = join_cells(texts)
    table = LineTable(module)
    for (_, text), part in zip(texts, parts):
        own = LineTable(without_magics(text.text))
        assert part.count == len(text.lines) == len(own), "lines were lost"
        for number in range(1, part.count + 1):
            before, after = text.lines.line(number), table.line(part.first + number - 1)
            assert utf8_length(before) == utf8_length(after), "a line changed its width"
            if part.count:
                span = Span("module", part.first + number - 1, 0, part.first + number - 1, 1)
                back = to_cell(span, parts, {p.key: p.key for p in parts})
                assert back is not None, "a place without a cell"
                assert (back[0], back[1].line) == (part.key, number), "a place in another cell"


def directed(path: Path, text: str) -> None:
    """Comments are read, applied and written."""
    from ane_lsp.cli.fixing import silenced

    source = source_from_text(path, text)
    found = parse_directives(source)
    place = Span(str(path), min(2, len(source.lines)), 0, min(2, len(source.lines)), 1)
    finding = Finding("ANE302", "max-pool-window", "m", place, "warning", "measured")
    kept, gone = found.apply([finding], str(path), lambda code: True)
    assert finding in kept or finding in gone
    for each in kept:
        assert 1 <= each.span.line <= len(source.lines), "a directive outside the text"
    if source.tree is not None:
        silenced(source, [finding])
    for part in text.split("\n"):
        try:
            parse_inputs(part)
        except InputError:
            continue


# -- files -----------------------------------------------------------------------------------------------------------


def memory_folder() -> str | None:
    """Where files cost no disk."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def configured(path: Path, data: bytes, text: str, check: Callable[[str, Settings], FileAnalysis]) -> None:
    """A settings file: what it gives is used, what is wrong with it has a place in it."""
    from ane_lsp.workspace.globs import path_matches
    from ane_lsp.workspace.settings import load_settings

    name = ("ane-lsp.toml", "pyproject.toml")[data[0] % 2 if data else 0]
    content = data[1:].decode("utf-8", "replace")
    found, problems = load_settings(path.parent / name, content)
    lines = content.count("\n") + 1
    for problem in problems:
        assert problem.message
        assert 1 <= problem.span.line <= lines, "a problem outside the file"
    deep = path.parent / "/".join("aab" * 12 for _ in range(12)) / ("a" * 60 + ".py")
    for pattern in (
        *found.include,
        *found.exclude,
        *(p for p, _ in found.per_file_ignores),
        *(e.file for e in found.entries if e.file),
    ):
        path_matches(deep, pattern, path.parent)
    found.is_selected("ANE302", "max-pool-window", path)
    checked = check(text, found)
    faults = [e.message for e in checked.errors if e.kind == "internal"]
    assert not faults, faults[0]


def compared_with_baseline(path: Path, data: bytes, found: FileAnalysis, text: str) -> None:
    """Findings hidden by a baseline file."""
    from ane_lsp.cli.baseline import hide_known
    from ane_lsp.cli.errors import UsageError

    with tempfile.TemporaryDirectory(prefix="ane-fuzz-", dir=memory_folder()) as folder:
        file = Path(folder) / "baseline.json"
        file.write_bytes(data)
        try:
            new, hidden = hide_known(report_of(found, path, text), file)
        except UsageError:
            return
        assert len(new) + hidden == len(found.findings)


def cached(data: bytes, path: Path) -> None:
    """A stored result is as good as new or none."""
    from ane_lsp.stored import ResultCache

    with tempfile.TemporaryDirectory(prefix="ane-fuzz-", dir=memory_folder()) as folder:
        store = ResultCache(Path(folder), "build")
        store.save("ab" * 32, FileAnalysis(str(path)), _nothing())
        (entry,) = store.entries()
        sound = entry.read_bytes()
        entry.write_bytes(data)
        found = store.load("ab" * 32)
        assert found is None or data == sound, "a damaged entry counts"


def _nothing() -> Any:
    from ane_lsp.workspace import Dependencies

    return Dependencies()


# -- reports ---------------------------------------------------------------------------------------------------------


def reported(read: Reader) -> None:
    """Findings whose every text is chosen by somebody else."""
    count = 1 + read.below(3)
    words = [word.decode("utf-8", "replace") for word in (read.rest().split(b"\x1e") + [b"x"] * 8)]

    def word(at: int) -> str:
        return words[at % len(words)] or "x"

    file = "/" + "/".join(p for p in word(0).replace("\0", "").split("/") if p not in ("", ".", ".."))[:200]
    span = Span(file, 1, 0, 1, 3)
    fix = Fix(word(3), "safe", (TextEdit(span, word(4)),))
    evidence = (Evidence(word(5), word(6), "M4", "macOS 26", "B", "2026-01-01"),)
    findings = [
        Finding("ANE302", "max-pool-window", word(n + 1), span, "warning", "measured", word(2), word(3), evidence,
                (Related(span, word(4)),), (fix,), {word(1): word(2)}, word(5))
        for n in range(count)
    ]  # fmt: skip
    model = ModelSummary(word(5), span, word(3), 3, 2, 1, 1, (word(6),), "budget")
    error = AnalysisError("syntax", word(7), span)
    table = LineTable(word(1))
    lines = lambda name: table if name == file else None  # noqa: E731
    well_formed(Report(findings, [model], [error], 1, Path("/"), lines, "warning", True, 0, [file]))
