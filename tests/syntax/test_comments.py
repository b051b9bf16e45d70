from pathlib import Path

import pytest

from ane_lsp.checks.finding import Finding
from ane_lsp.graph import Span
from ane_lsp.syntax.comments import parse_directives
from ane_lsp.syntax.source import source_from_text

FILE = "/m.py"


def directives(text: str):
    return parse_directives(source_from_text(Path(FILE), text))


def finding(line: int, code: str = "ANE302", end_line: int | None = None, file: str = FILE) -> Finding:
    return Finding(code, "a-rule", "message", Span(file, line, 4, end_line or line, 9), "warning", "measured")


def silenced(text: str, *findings: Finding) -> list[str]:
    _, gone = directives(text).apply(findings, FILE)
    return [f"{f.code}:{f.span.line}" for f in gone]


def reported(text: str, *findings: Finding) -> list[str]:
    kept, _ = directives(text).apply(findings, FILE)
    return [f"{f.code}:{f.span.line}" for f in kept]


def inputs(text: str) -> dict[str, str]:
    return {name: ", ".join(map(str, specs)) for name, specs in directives(text).inputs.items()}


def test_ignore_at_the_end_of_a_line() -> None:
    text = "a = f()  # ane: ignore\nb = f()\n"
    assert silenced(text, finding(1), finding(2)) == ["ANE302:1"]


def test_ignore_with_codes_families_and_a_reason() -> None:
    text = "a = f()  # ane: ignore[ANE302, ane4] because of the CPU path\n"
    assert silenced(text, finding(1), finding(1, "ANE406"), finding(1, "ANE501")) == ["ANE302:1", "ANE406:1"]


def test_ignore_on_its_own_line_holds_for_the_statement_below() -> None:
    text = "# ane: ignore[ANE302]\n\na = f(\n    g(),\n)\nb = f()\n"
    assert silenced(text, finding(4), finding(6)) == ["ANE302:4"]


def test_ignore_after_the_last_line_holds_for_the_whole_statement() -> None:
    text = "a = f(\n    g(),\n    h(),\n)  # ane: ignore\nb = f()\n"
    assert silenced(text, finding(2), finding(5)) == ["ANE302:2"]


def test_ignore_inside_a_statement_holds_for_its_line_and_expressions_that_reach_it() -> None:
    text = "a = f(\n    g(),  # ane: ignore\n    h(),\n)\n"
    assert silenced(text, finding(2), finding(3), finding(1, end_line=4)) == ["ANE302:2", "ANE302:1"]


def test_ignore_file_holds_everywhere() -> None:
    text = "a = f()\n# ane: ignore-file[ANE5]\nb = f()\n"
    assert silenced(text, finding(1, "ANE501"), finding(3, "ANE502"), finding(3)) == ["ANE501:1", "ANE502:3"]


def test_other_files_are_not_silenced() -> None:
    assert silenced("# ane: ignore-file\n", finding(1, file="/other.py")) == []


def test_noqa_counts_where_it_names_our_codes() -> None:
    assert silenced("a = f()  # noqa: E501, ANE302\n", finding(1)) == ["ANE302:1"]
    assert silenced("a = f()  # noqa:ANE3\n", finding(1)) == ["ANE302:1"]
    assert silenced("a = f()  # noqa\n", finding(1)) == []
    assert silenced("a = f()  # noqa: E501\n", finding(1)) == []


def test_strings_are_not_comments() -> None:
    text = 'a = f("# ane: ignore")\n"""\n# ane: ignore-file\n"""\n'
    assert silenced(text, finding(1), finding(3)) == []


def test_unused_suppressions_are_reported_with_their_place() -> None:
    text = "a = f()  # ane: ignore[ANE302, ANE501]\nb = g()  # ane: ignore\n"
    kept, _ = directives(text).apply([finding(1)], FILE)
    assert [(f.code, f.span.line, f.span.col) for f in kept] == [("ANE903", 1, 9), ("ANE903", 2, 9)]
    assert "ANE501" in kept[0].message
    assert "ANE302" not in kept[0].message


def test_a_suppression_of_a_code_that_was_not_looked_for_is_not_unused() -> None:
    kept, _ = directives("a = f()  # ane: ignore[ANE302]\n").apply([], FILE, is_checked=lambda code: code != "ANE302")
    assert kept == []


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("# ane: ignor", "did you mean 'ignore'"),
        ("# ane: ignore(ANE302)", "square brackets"),
        ("# ane: ignore[ANE302", "not closed"),
        ("# ane: ignore[E501]", "not a code"),
        ("# ane: ignore[]", "no code"),
        ("# ane: inputs(1x3)", "did you mean 'input'"),
        ("# ane: input(1y3)", "not a shape"),
        ("# ane: input 1x3", "write input("),
        ("# ane: supress[ANE302]", "unknown directive"),
    ],
)
def test_malformed_directives(comment: str, words: str) -> None:
    kept, _ = directives(f"a = f()  {comment}\n").apply([], FILE)
    assert [f.code for f in kept] == ["ANE902"]
    assert words in kept[0].message
    assert kept[0].span.col == 9


@pytest.mark.parametrize("comment", ["# plane: ignored", "# ane: this one runs there", "# the ane: see docs", "#ANE:x"])
def test_prose_is_left_alone(comment: str) -> None:
    assert reported(f"a = f()  {comment}\n") == []


def test_input_hints_above_and_on_the_header() -> None:
    text = (
        "# ane: input(1x3x224x224, mask=1x16:i64)\n@register\nclass Net(nn.Module):\n    pass\n\n"
        "def build(x):  # ane: input(1x8)\n    pass\n"
    )
    assert inputs(text) == {"Net": "1x3x224x224, mask=1x16:i64", "build": "1x8"}


@pytest.mark.parametrize(
    "body",
    [
        '    # ane: input(2x8)\n    """Text."""\n',
        "    size = 3\n\n    # ane: input(2x8)\n    def __init__(self):\n        super().__init__()\n",
        "    size = 3\n\n    # ane: input(2x8)\n    @torch.no_grad()\n    def forward(self, x):\n        return x\n",
        "    size = 3\n\n    def forward(\n        self,\n        x,  # ane: input(2x8)\n    ):\n        return x\n",
        "    size = 3\n\n    def forward(self, x):\n        # ane: input(2x8)\n        return x\n",
    ],
)
def test_input_hints_inside_of_the_class(body: str) -> None:
    """Where people look for the inputs."""
    text = f"class Other(nn.Module):\n    pass\n\n\nclass Net(nn.Module):\n{body}"
    assert (inputs(text), directives(text).malformed) == ({"Net": "2x8"}, [])


@pytest.mark.parametrize(
    "text",
    [
        "class Net(nn.Module):\n    size = 3\n\n    def helper(self):  # ane: input(2x8)\n        pass\n",
        "import torch\n\nnet = Net()  # ane: input(2x8)\n",
        "def forward(x):\n    y = x + 1\n    # ane: input(2x8)\n    return y\n",
    ],
)
def test_input_hints_of_nothing_are_reported(text: str) -> None:
    found = directives(text).malformed
    assert [finding.code for finding in found] == ["ANE902"]
    assert "belongs to no model" in found[0].message


def test_a_file_that_does_not_parse_has_no_directives() -> None:
    kept, gone = directives("a = f()  # ane: ignore\nb = (\n").apply([finding(1)], FILE)
    assert (len(kept), gone) == (1, [])


def test_headers_of_statements_with_a_body() -> None:
    text = (
        "def f(\n    x=g(),\n):  # ane: ignore[ANE302]\n    return h(x)\n\n"
        "with (\n    a() as b,\n    # ane: ignore[ANE302]\n    c() as d,\n):\n    e()\n"
        "if a(): b()  # ane: ignore[ANE302]\nelse:  # ane: ignore[ANE302]\n    c()\n"
    )
    lines = [finding(line) for line in (2, 4, 7, 9, 11, 12, 14)]
    assert silenced(text, *lines) == ["ANE302:2", "ANE302:9", "ANE302:12"]


def test_hash_signs_in_strings_of_every_kind() -> None:
    text = (
        "a = '#' + f()  # ane: ignore\n"
        "b = f'{x!r:#x} # ane: ignore'\n"
        'c = """\n# ane: ignore\n""" + f()  # ane: ignore\n'
        "d = 'é#' 'b#' + f()  # ane: ignore\n"
    )
    assert silenced(text, *(finding(line) for line in (1, 2, 4, 5, 6))) == [
        "ANE302:1",
        "ANE302:4",
        "ANE302:5",
        "ANE302:6",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_columns(end: str) -> None:
    text = end.join(["s = '👩é'  # ane: ignore[ANE302]", "b = f()", ""])
    found = directives(text).suppressions
    assert [(s.span.line, s.span.col, s.span.end_col) for s in found] == [(1, 14, 35)]
