import json
from pathlib import Path

import pytest

from ane_lsp.knowledge import tomlpos
from ane_lsp.workspace import Settings
from ane_lsp.workspace.project import Projects
from ane_lsp.workspace.schema import OPTIONS, EntrySetting, json_schema, markdown
from ane_lsp.workspace.settings import find_settings, load_settings


def load(tmp_path: Path, text: str, name: str = "ane-lsp.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_every_key_is_read(tmp_path: Path) -> None:
    settings, problems = load(
        tmp_path,
        """
targets = ["M1", "iPhone 15 Pro"]
minimum-deployment-target = "macos14"
export-path = "export"
coremltools = 8.1
select = ["ANE3xx", "all"]
extend-select = "ANE9"
ignore = ["max-pool-window"]
min-confidence = "reported"
include = ["*.py", "*.pyw"]
exclude = ["x"]
python = "env"
search-paths = ["lib"]
inlay-hints = false
budget = 3
per-file-ignores = { "tests/**" = "ANE", "old/*.py" = ["ANE302"] }

[[entry]]
call = "Net(width=2)"
inputs = "1x3x8x8, 1x4:i64"

[[entry]]
call = "build"
inputs = ["x=1x3"]
file = "m/*.py"
""",
    )
    assert problems == []
    assert settings == Settings(
        targets=("M1", "iPhone 15 Pro"),
        minimum_deployment_target="macOS14",
        export_path="export",
        coremltools="8.1",
        select=("ANE3", "ANE"),
        extend_select=("ANE9",),
        ignore=("max-pool-window",),
        min_confidence="reported",
        include=("*.py", "*.pyw"),
        exclude=("x",),
        python="env",
        search_paths=("lib",),
        inlay_hints="off",
        budget=3.0,
        per_file_ignores=(("tests/**", ("ANE",)), ("old/*.py", ("ANE302",))),
        entries=(
            EntrySetting("Net(width=2)", ("1x3x8x8, 1x4:i64",)),
            EntrySetting("build", ("x=1x3",), "m/*.py"),
        ),
        root=tmp_path,
        file=tmp_path / "ane-lsp.toml",
    )
    assert settings.opset == "iOS17"
    assert {option.key for option in OPTIONS} == set(settings.origins)


@pytest.mark.parametrize(
    ("text", "line", "col", "words"),
    [
        ('a = 1\ntargest = ["M4"]', 1, 0, "unknown setting 'a'"),
        ('# é\n  targest = ["M4"]', 2, 2, "did you mean 'targets'"),
        ('\ntargets = ["M4", "iPhon 15 Pro"]', 2, 0, "did you mean iPhone 15 Pro"),
        ('select = ["ANE3", "ANE399"]', 1, 0, "no rule is called 'ANE399'"),
        ('ignore = "max-pol-window"', 1, 0, "did you mean 'max-pool-window'"),
        ("min-confidence = 3", 1, 0, "expected one of measured"),
        ('minimum-deployment-target = "iOS99"', 1, 0, "expected one of iOS13"),
        ("budget = -1", 1, 0, "above 0"),
        ("budget = true", 1, 0, "above 0"),
        ("exclude = [1]", 1, 0, "expected a text, found 1"),
        ('include = "*.py"', 1, 0, "expected a list"),
        ('[[entry]]\ncall = "N"\ninput = "1x3"', 3, 0, "did you mean 'inputs'"),
        ('[[entry]]\ncall = "N"\n\n[[entry]]\ninputs = "1x3"', 4, 0, "needs `call`"),
        ('[[entry]]\ncall = "N"\n[[entry]]\ncall = "N"\ninputs = "1y"\n', 5, 0, "not a shape"),
        ('[entry]\ncall = "N"', 1, 0, "two brackets"),
        ("per-file-ignores = 3", 1, 0, "expected a table"),
        ("targets = [", 1, 11, "not valid TOML"),
        ("targets = 'M4'\ntargets = 'M4'", 2, 0, "not valid TOML"),
        ("x" * 50, 1, 50, "not valid TOML"),
    ],
)
def test_wrong_settings_are_pointed_at(tmp_path: Path, text: str, line: int, col: int, words: str) -> None:
    settings, problems = load(tmp_path, text)
    assert words in problems[0].message
    assert problems[0].span.line == line
    if "not valid TOML" not in words:
        assert problems[0].span.col == col
    assert settings.select == ("ANE",) or "select" not in text


def test_pyproject_sections(tmp_path: Path) -> None:
    settings, problems = load(tmp_path, '[tool.ane-lsp]\nignore = ["ANE3"]\nfoo = 1\n', "pyproject.toml")
    assert settings.ignore == ("ANE3",)
    assert [(p.span.line, p.span.col, p.span.end_col) for p in problems] == [(3, 0, 3)]
    settings, problems = load(tmp_path, "[tool]\nane-lsp = 3\n", "pyproject.toml")
    assert "must be a table" in problems[0].message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read" in load_settings(tmp_path / "none.toml")[1][0].message
    (tmp_path / "ane-lsp.toml").write_bytes(b"targets = '\xff'")
    assert "UTF-8" in load_settings(tmp_path / "ane-lsp.toml")[1][0].message


def test_the_nearest_file_wins(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert find_settings(deep) is None
    (tmp_path / "ane-lsp.toml").write_text("")
    assert find_settings(deep) == tmp_path / "ane-lsp.toml"
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\n")
    assert find_settings(deep) == tmp_path / "ane-lsp.toml"
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.ane-lsp]\n")
    assert find_settings(deep) == tmp_path / "a" / "pyproject.toml"
    (tmp_path / "a" / "ane-lsp.toml").write_text("")
    assert find_settings(deep) == tmp_path / "a" / "ane-lsp.toml"


def test_selection() -> None:
    settings = Settings(select=("ANE",), ignore=("ANE4", "max-pool-window"), extend_select=("ANE402",))
    assert settings.is_selected("ANE501", "x")
    assert not settings.is_selected("ANE401", "x")
    assert settings.is_selected("ANE402", "x")
    assert not settings.is_selected("ANE302", "max-pool-window")
    assert not Settings(select=("ANE302",), ignore=("ANE302",)).is_selected("ANE302")
    assert not Settings(select=("ANE5",)).is_selected("ANE302")


def test_per_file_ignores_are_relative_to_the_settings_file() -> None:
    settings = Settings(per_file_ignores=(("tests/**", ("ANE3",)),), root=Path("/p"))
    assert not settings.is_selected("ANE302", path=Path("/p/tests/a/b.py"))
    assert settings.is_selected("ANE302", path=Path("/p/models/tests.py"))
    assert settings.is_selected("ANE501", path=Path("/p/tests/a.py"))


def test_confidence_order() -> None:
    shown = [c for c in ("measured", "documented", "carried", "reported") if Settings().shows(c)]
    assert shown == ["measured", "documented", "carried"]


def test_overrides_lie_on_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p" / "m").mkdir(parents=True)
    (tmp_path / "p" / "ane-lsp.toml").write_text(
        'targets = ["M1"]\nignore = ["ANE3"]\nsearch-paths = ["lib"]\nbudgte = 3\n'
    )
    monkeypatch.chdir(tmp_path)
    projects = Projects({"targets": ["M2"], "ignore": None})
    settings = projects.settings(tmp_path / "p" / "m" / "x.py")
    assert (settings.targets, settings.ignore) == (("M2",), ("ANE3",))
    assert settings.search_paths == (str(tmp_path / "p" / "lib"),)
    assert projects.workspace(tmp_path / "p" / "m" / "x.py").root == tmp_path / "p"
    projects.settings(tmp_path / "p" / "y.py")
    assert len(projects.problems) == 1
    assert Projects({"search-paths": ["here"]}).settings(tmp_path / "z.py").search_paths == (str(tmp_path / "here"),)
    assert Projects({}, config=False).settings(tmp_path / "p" / "y.py").targets == ()
    with pytest.raises(ValueError, match="no chip or device"):
        Projects({"targets": ["nope"]})


def test_the_schema_accepts_each_example_and_the_documentation_shows_it() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is needed to check the published schema")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    text = markdown()
    for option in OPTIONS:
        document = tomlpos.parse(option.example.replace("[[tool.ane-lsp.entry]]", "[[entry]]"))
        assert list(document) == [option.key]
        jsonschema.validate(document, schema)
        assert option.read(document[option.key]) is not None
        assert f"### `{option.key}`" in text
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"target": "M4"}, schema)
    json.dumps(schema)


def test_defaults_of_the_table_are_those_of_the_class() -> None:
    for option in OPTIONS:
        assert getattr(Settings(), option.attribute) == option.default
