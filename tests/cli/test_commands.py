import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ane_lsp import __version__, analysis
from ane_lsp.cli.main import COMMANDS, main
from ane_lsp.knowledge import rules, targets

ROWS = [
    {
        "file": "pkg/net.py", "line": 12, "col": 8, "end_line": 12, "end_col": 20, "fn": "Net.forward", "op": "torch.nn.Conv2d",
        "kind": "module", "in": [{"t": [1, 3, 224, 224], "d": "f32"}], "out": {"t": [1, 64, 112, 112], "d": "f32"},
        "hyper": {"kernel_size": [7, 7], "stride": [2, 2]}, "within": ["stem"], "n": 1, "mil": ["conv"],
    },
    {
        "file": "pkg/net.py", "line": 13, "col": 8, "end_line": 13, "end_col": 30, "fn": "Net.forward",
        "op": "torch.nn.functional.interpolate", "kind": "function", "in": [{"t": None, "d": "f16"}],
        "out": [{"t": ["B", "?", "H//2"], "d": "?"}, None], "within": ["a", "b", "c"], "n": 4, "mil": ["upsample_bilinear"],
    },
]  # fmt: skip
SUMMARY = {"ops": 5, "unknown_shapes": 1, "unresolved_calls": ["foo.bar"], "stopped": None, "seconds": 0.25}


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    (tmp_path / "net.py").write_text("import torch\n")
    (tmp_path / "broken.py").write_text("x = é(\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    seen: dict[str, object] = {}

    def trace(path, workspace, settings, entry=None, inputs=()):
        seen.update(
            path=path, root=workspace.root, search=workspace.search_paths, entry=entry, inputs=inputs, settings=settings
        )
        return SimpleNamespace(rows=ROWS, summary={"summary": SUMMARY})

    monkeypatch.setattr(analysis, "trace", trace)
    return seen


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(list(args))
    out = capsys.readouterr()
    return code, out.out, out.err


def test_trace_as_json_lines(traced: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "trace", "net.py", "--format", "jsonl")
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [*ROWS, {"summary": SUMMARY}]


def test_trace_as_a_table(traced: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "trace", "net.py")[1].splitlines()
    assert lines[0] == "Net.forward  pkg/net.py"
    assert lines[1].split("  ") == [
        "", "12:9", "nn.Conv2d(kernel_size=7, stride=2)", "[1, 3, 224, 224] -> [1, 64, 112, 112]", "= conv", "in stem",
    ]  # fmt: skip
    assert lines[2].endswith("? f16 -> ([B, ?, H//2] ?, None)  = upsample_bilinear  x4  in a, b and 1 more")
    assert lines[1].index("[1, 3") == lines[2].index("? f16")
    assert lines[4:] == ["5 operations, 1 of unknown shape, 0.25 s", "  not resolved: foo.bar"]


def test_trace_options(traced: dict[str, object], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    run(
        capsys, "trace", "net.py", "--entry", "Net", "--input", "1x3x8x8", "--input", "mask=1x4:i64", "--root", "..",
        "--search-path", "lib",
    )  # fmt: skip
    assert traced["entry"] == "Net"
    assert [str(spec) for spec in traced["inputs"]] == ["1x3x8x8", "mask=1x4:i64"]
    assert (traced["root"], traced["search"]) == (tmp_path.parent, (tmp_path / "lib",))


def test_trace_refuses_what_it_cannot_read(traced: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "trace", "none.py")[0] == 2
    assert run(capsys, "trace", "net.py", "--input", "1y3")[0] == 2
    code, out, err = run(capsys, "trace", "broken.py")
    assert (code, out) == (2, "")
    assert err.startswith("ane-lsp trace: broken.py:1:6: ")


def test_explain_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    for code in rules.codes():
        result, out, _ = run(capsys, "explain", code.lower())
        assert result == 0
        assert out.startswith(f"{code} {rules.rule_name(code)}\n")
        assert run(capsys, "explain", rules.rule_name(code)) == (0, out, "")
        for heading in ("What it flags", "Why", "How to fix", "When to ignore it", "Evidence"):
            assert f"\n{heading}\n" in out
        assert rules.get(code).evidence[0].evidence.claim in out
        assert json.loads(run(capsys, "explain", code, "--format", "json")[1])["code"] == code
    assert "did you mean 'max-pool-window'" in run(capsys, "explain", "max-pol-window")[2]
    assert run(capsys, "explain", "ANE000")[0] == 2


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_rules_lists_every_rule(capsys: pytest.CaptureFixture[str], format: str) -> None:
    code, out, _ = run(capsys, "rules", "--format", format)
    assert code == 0
    assert all(known in out for known in rules.codes())
    if format == "json":
        assert [row["code"] for row in json.loads(out)] == list(rules.codes())


def test_devices(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "devices")[1]
    assert all(target.chip in out for target in targets.chips())
    assert "first OS" in run(capsys, "devices", "iPhone 15 Pro")[1]
    assert [target["chip"] for target in json.loads(run(capsys, "devices", "m4", "--format", "json")[1])] == ["M4"]
    code, _, err = run(capsys, "devices", "iPhon 15 Pro")
    assert (code, "did you mean" in err) == (2, True)


def test_doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANE_LSP_CACHE_DIR", str(tmp_path / "cache"))
    site = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
    (site / "timm-1.0.31.dist-info").mkdir(parents=True)
    (tmp_path / "ane-lsp.toml").write_text('python = "env"\n')
    code, out, _ = run(capsys, "doctor", str(tmp_path))
    assert (code, "timm: 1.0.31\n" in out, "torch: not installed" in out) == (0, True, True)
    (tmp_path / "ane-lsp.toml").write_text('python = "gone"\ntargt = 3\n')
    code, out, _ = run(capsys, "doctor", str(tmp_path), "--format", "json")
    problems = json.loads(out)["problems"]
    assert code == 1
    assert any("targt" in problem for problem in problems)
    assert any("gone" in problem for problem in problems)


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"ane-lsp {__version__}\n", "")
    for name in COMMANDS:
        code, out, _ = run(capsys, name, "--help")
        assert (code, out.startswith(f"usage: ane-lsp {name}")) == (0, True)


def test_bash_completes_commands_options_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    script = run(capsys, "completion", "bash")[1]

    def complete(*words: str) -> list[str]:
        listed = " ".join(f"'{word}'" for word in words)
        ask = f"{script}\nCOMP_WORDS=({listed})\nCOMP_CWORD={len(words) - 1}\n_ane_lsp\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        return subprocess.run(["bash"], input=ask, capture_output=True, text=True, check=True).stdout.split()

    assert complete("ane-lsp", "che") == ["check"]
    assert complete("ane-lsp", "check", "--min-c") == ["--min-confidence"]
    assert complete("ane-lsp", "check", "--format", "sa") == ["sarif"]


def test_the_manual_page_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    page = run(capsys, "dev", "man")[1]
    for name in COMMANDS:
        assert f".SS {name}" in page
    assert r"\-\-min\-confidence" in page
    if shutil.which("man"):
        shown = subprocess.run(
            ["man", "-l", "-"], input=page, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
        )
        assert "warning" not in shown.stderr.lower()


def test_new_rule_writes_a_page_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ane_lsp.knowledge import files

    (tmp_path / "rules").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr(files, "root", lambda: tmp_path / "rules")
    rules.codes()  # the file list is cached from the real folder, so that taken codes are known
    code, out, _ = run(capsys, "dev", "new-rule", "ane399", "some-thing-large", "--op", "conv")
    assert (code, '@rule("ANE399"' in out) == (0, True)
    page = tmp_path / "rules" / "ANE399-some-thing-large.md"
    loaded = rules.parse_page(page.name, page.read_text())
    assert (loaded.rule.code, loaded.rule.ops) == ("ANE399", ("conv",))
    for wrong in (
        ["ANE302", "new-name"],
        ["ANE398", "max-pool-window"],
        ["ANE398", "Bad Name"],
        ["XYZ1", "a"],
        ["ANE098", "a"],
    ):
        assert run(capsys, "dev", "new-rule", *wrong)[0] == 2, wrong


def test_coverage_of_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "rules", "--coverage", "--format", "json")[1])
    assert len(rows) > 150
    assert {row["outcome"] for row in rows} == {"rule", "fact", "not-flagged"}
    assert f"{len(rows)} constraints: " in run(capsys, "rules", "--coverage")[1]


def test_the_rules_folder_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "dev", "check-rules")[0] == 0


def test_schema_and_settings_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "dev", "schema")[1])["additionalProperties"] is False
    assert "### `targets`" in run(capsys, "dev", "settings-docs")[1]


def test_python_dash_m() -> None:
    done = subprocess.run([sys.executable, "-m", "ane_lsp", "--version"], capture_output=True, text=True)
    assert done.stdout == f"ane-lsp {__version__}\n"


def test_a_closed_pipe_is_not_an_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m ane_lsp completion bash | head -1", shell=True, capture_output=True, text=True
    )
    assert done.stderr == ""
