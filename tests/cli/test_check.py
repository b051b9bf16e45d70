"""``ane-lsp check`` end to end. Findings here come from directives in comments, so that no rule has to exist."""

import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ane_lsp import analysis
from ane_lsp.cli.main import main

WARNING = "x = 1  # ane: ignor\n"
HINT = "x = 1  # ane: ignore[ANE302]\n"
CLEAN = "x = 1\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANE_LSP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    root = tmp_path / "p"
    root.mkdir()
    (root / "ane-lsp.toml").write_text("")
    monkeypatch.chdir(root)
    return root


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["check", *args])
    out = capsys.readouterr()
    return code, out.out, out.err


def found(capsys: pytest.CaptureFixture[str], *args: str) -> list[str]:
    _, out, _ = check(capsys, "--format", "json", *args)
    return [f"{f['file']}:{f['line']}:{f['code']}" for f in json.loads(out)["findings"]]


def test_exit_codes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, clean=CLEAN, hint=HINT, warning=WARNING, broken="x = (\n")
    assert check(capsys, "clean.py")[0] == 0
    assert check(capsys, "hint.py")[0] == 0
    assert check(capsys, "hint.py", "--fail-on", "hint")[0] == 1
    assert check(capsys, "warning.py")[0] == 1
    assert check(capsys, "warning.py", "--fail-on", "error")[0] == 0
    assert check(capsys, "warning.py", "--fail-on", "never")[0] == 0
    assert check(capsys, "warning.py", "--exit-zero")[0] == 0
    assert check(capsys, "broken.py")[0] == 1
    assert check(capsys, "none.py")[0] == 2
    assert check(capsys, "clean.py", "--target", "nope")[0] == 2
    assert check(capsys, "clean.py", "--select", "nope")[0] == 2
    assert check(capsys, "clean.py", "--format", "nope")[0] == 2
    assert check(capsys, "clean.py", "--search-path", "nope")[0] == 2
    assert check(capsys, "clean.py", "--config", "nope")[0] == 2
    assert check(capsys, "clean.py", "--python", "nope")[0] == 2
    assert check(capsys, "clean.py", "--unknown")[0] == 2
    assert check(capsys, "clean.py", "-o", "clean.py/x")[0] == 2
    assert main([]) == 2
    assert main(["nope"]) == 2


def test_usage_errors_are_one_line_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = check(capsys, "--target", "iPhon 15 Pro", ".")
    assert out == ""
    assert err.startswith("ane-lsp check: targets: no chip or device is called 'iPhon 15 Pro'; did you mean iPhone")
    assert err.count("\n") == 1


def test_an_internal_error_is_reported_and_other_files_are_still_checked(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, a=WARNING, b=WARNING)
    real = analysis.analyze

    def broken(path: Path, *rest: object) -> analysis.FileAnalysis:
        if path.name == "a.py":
            raise RuntimeError("boom")
        return real(path, *rest)

    monkeypatch.setattr(analysis, "analyze", broken)
    code, out, _ = check(capsys, ".")
    assert code == 2
    assert "a.py:1:1: error[internal] the analysis failed: RuntimeError: boom" in out
    assert "b.py:1:8: warning[ANE902]" in out


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is only told under Linux")
def test_a_worker_that_holds_much_is_replaced(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process grows with the files it has seen, however little it keeps of them."""
    from ane_lsp.cli import runner

    started: list[object] = []

    class Counted(runner._Worker):
        def __init__(self, *args: Any) -> None:
            started.append(self)
            super().__init__(*args)

    write(project, **{f"m{number}": WARNING for number in range(9)})
    alone = check(capsys, "--no-cache", "--jobs", "1")
    monkeypatch.setattr(runner, "_Worker", Counted)
    assert check(capsys, "--no-cache", "--jobs", "2") == alone
    assert len(started) == 2
    monkeypatch.setattr(runner, "_MAX_GROWN", -(1 << 60))
    assert check(capsys, "--no-cache", "--jobs", "2") == alone
    assert len(started) == 2 + 9


def test_folders_in_a_fixed_order_with_patterns(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, b=WARNING, a=WARNING, m__z=WARNING, m__a=WARNING, venv__x=WARNING, gen__y=WARNING)
    (project / ".gitignore").write_text("gen/\n")
    (project / ".git").mkdir()
    assert [f.split(":")[0] for f in found(capsys)] == ["a.py", "b.py", "m/a.py", "m/z.py"]
    assert [f.split(":")[0] for f in found(capsys, "m", "a.py", "m/a.py")] == ["a.py", "m/a.py", "m/z.py"]
    assert len(found(capsys, "--no-gitignore")) == 5
    assert len(found(capsys, "--exclude", "m")) == 2
    assert len(found(capsys, "--exclude", "m", "m/a.py")) == 1
    assert len(found(capsys, "--exclude", "m", "--force-exclude", "m/a.py")) == 0
    assert len(found(capsys, "--include", "a.py")) == 2


def test_any_number_of_jobs_gives_the_same_output(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        write(project, **{f"m{number}": WARNING * (number % 3 + 1)})
    alone = check(capsys, "--no-cache", "--jobs", "1")
    assert check(capsys, "--no-cache", "--jobs", "2") == alone
    assert check(capsys, "--jobs", "2") == alone
    assert check(capsys, "--jobs", "1") == alone


def test_stdin(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stdin(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))

    write(project, m__net=CLEAN)
    stdin(WARNING.encode())
    assert found(capsys, "-", "--stdin-filename", "m/net.py") == ["m/net.py:1:ANE902"]
    stdin("é = 1  # ane: ignor\n".encode())
    assert found(capsys, "-") == ["stdin.py:1:ANE902"]
    stdin(b"x = '\xe9'\n")
    code, out, _ = check(capsys, "-")
    assert (code, "error[encoding]" in out) == (1, True)
    stdin(b"")
    assert check(capsys, "-")[0] == 0
    assert check(capsys, "-", "m")[0] == 2


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", 0, "0 findings in 1 file"),
        (b"\xef\xbb\xbfx = 1  # ane: ignor\r\n", 1, "bad.py:1:8: warning[ANE902]"),
        (b"x = 1\r\ny = 2  # ane: ignor\r\n", 1, "bad.py:2:8: warning[ANE902]"),
        (b"x = 1\ry = 2  # ane: ignor\r", 1, "bad.py:2:8: warning[ANE902]"),
        (b"# coding: latin-1\nx = '\xe9'  # ane: ignor\n", 1, "bad.py:2:10: warning[ANE902]"),
        (b"x = '\xe9'\n", 1, "error[encoding]"),
        (b"x = 1\0\n", 1, "null byte"),
        (b"x = (\n", 1, "error[syntax]"),
        (b"import torch\nx = [" + b"1, " * 350_000 + b"]  # ane: ignor\n", 1, "bad.py:2:1050009: warning[ANE902]"),
        (b"import torch\nx = " + b"(" * 300 + b")" * 300, 1, "error[syntax]"),
        (b"\x00\x01\x02\xff\xfe", 1, "error["),
    ],
    ids=["empty", "bom", "crlf", "cr", "latin-1", "not-utf8", "null", "syntax", "one-line-1mb", "deep", "binary"],
)
def test_bad_input(project: Path, capsys: pytest.CaptureFixture[str], data: bytes, code: int, words: str) -> None:
    (project / "bad.py").write_bytes(data)
    result, out, err = check(capsys, "bad.py")
    assert (result, err) == (code, "")
    assert words in out
    assert "Traceback" not in out
    assert all(len(line) < 250 for line in out.splitlines())


def test_settings_problems_are_findings_in_the_settings_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, clean=CLEAN, m__clean=CLEAN)
    (project / "ane-lsp.toml").write_text("# settings\ntarget = ['M4']\n")
    code, out, _ = check(capsys)
    assert code == 1
    assert "ane-lsp.toml:2:1: warning[ANE904] unknown setting 'target'; did you mean 'targets'?" in out
    assert out.count("ANE904") == 1
    assert check(capsys, "--isolated")[0] == 0


def test_selection(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, m=WARNING + HINT)
    assert found(capsys) == ["m.py:1:ANE902", "m.py:2:ANE903"]
    assert found(capsys, "--ignore", "unused-suppression") == ["m.py:1:ANE902"]
    assert found(capsys, "--select", "ANE3,ANE903") == ["m.py:2:ANE903"]
    assert found(capsys, "--select", "ANE5", "--extend-select", "ANE902") == ["m.py:1:ANE902"]
    (project / "ane-lsp.toml").write_text('[per-file-ignores]\n"m.py" = ["ANE902"]\n')
    assert found(capsys) == ["m.py:2:ANE903"]


def test_output_file_and_statistics(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, m=WARNING * 3)
    code, out, _ = check(capsys, "--statistics", "--output-file", "out/report.txt")
    assert (code, out) == (1, "")
    assert "     3  ANE902  malformed-directive\n" in (project / "out/report.txt").read_text()


def test_a_baseline_hides_what_it_records_and_nothing_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, m=WARNING * 2, n=WARNING)
    assert check(capsys, "--write-baseline", "base.json")[0] == 0
    code, out, _ = check(capsys, "--baseline", "base.json")
    assert (code, "3 hidden by the baseline" in out) == (0, True)
    write(project, m="import os\n\n" + WARNING * 3)
    assert found(capsys, "--baseline", "base.json") == ["m.py:5:ANE902"]
    (project / "base.json").write_text("[]")
    assert check(capsys, "--baseline", "base.json")[0] == 2
    (project / "base.json").write_text('{"version": 3, "findings": []}')
    assert check(capsys, "--baseline", "base.json")[0] == 2
    assert check(capsys, "--baseline", "gone.json")[0] == 2


def test_a_baseline_of_version_1_is_still_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Written by the program as it was when these were recorded by their lines."""
    write(project, m=WARNING)
    known = hashlib.sha256("\0".join(("m.py", "ANE902", "", WARNING.strip().replace("  ", " "))).encode()).hexdigest()[
        :32
    ]
    entry = {"fingerprint": known, "file": "m.py", "code": "ANE902", "count": 1}
    (project / "old.json").write_text(json.dumps({"version": 1, "findings": [entry]}))
    code, out, _ = check(capsys, "--baseline", "old.json")
    assert (code, "1 hidden by the baseline" in out) == (0, True)
    write(project, m="y = 2\n" + WARNING * 2)
    assert found(capsys, "--baseline", "old.json") == ["m.py:3:ANE902"]


def test_colour(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, m=WARNING)
    assert "\x1b" not in check(capsys)[1]
    assert "\x1b[1;33m" in check(capsys, "--color", "always")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;33m" in check(capsys)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in check(capsys)[1]


def test_a_checked_file_keeps_no_tree(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker checks hundreds of files; their trees together would take what the machine has."""
    from ane_lsp.cli import runner
    from ane_lsp.workspace.project import Projects

    write(project, a="import torch\nimport b\n", b="import torch\nx = 1\n")
    projects = Projects({}, root=project, config=False)
    paths = [project / "a.py", project / "b.py"]
    runner.analyse_tracked(paths, projects, ({}, project, False), jobs=1, cache=False)
    sources = [projects.workspace(path).read(path) for path in paths]
    assert [source._parsed for source in sources] == [None, None]
    assert [source.tree is not None for source in sources] == [True, True]


class TestCache:
    @pytest.fixture
    def calls(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Names of files that were really analysed; a helper.py beside them counts as imported."""
        called: list[str] = []
        real = analysis.analyze

        def counting(path, workspace, settings):
            called.append(path.name)
            module = workspace.resolve("helper", path)
            if module is not None:
                workspace.read(module.path)
            return real(path, workspace, settings)

        monkeypatch.setattr(analysis, "analyze", counting)
        return called

    def test_an_unchanged_file_is_not_analysed_again(
        self, project: Path, capsys: pytest.CaptureFixture[str], calls: list[str]
    ) -> None:
        write(project, m=WARNING)
        first = check(capsys, "m.py")
        assert check(capsys, "m.py") == first
        assert calls == ["m.py"]
        assert check(capsys, "m.py", "--no-cache") == first
        assert calls == ["m.py"] * 2
        assert check(capsys, "m.py", "--target", "M1") == first
        assert calls == ["m.py"] * 3

    def test_what_is_missing_of_a_model_is_told_from_the_cache_as_well(
        self, project: Path, capsys: pytest.CaptureFixture[str], calls: list[str]
    ) -> None:
        model = "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x.relu().missing\nNet()(torch.rand(2))\n"
        write(project, m=model)
        for options in ((), ("--format", "json")):
            first = check(capsys, "m.py", *options)
            assert "m.py:4: ends with AttributeError: 'Tensor' object has no attribute 'missing'" in first[1]
            assert check(capsys, "m.py", *options) == first
        assert calls == ["m.py"]

    def test_changes_of_the_file_and_of_what_it_imports_count(
        self, project: Path, capsys: pytest.CaptureFixture[str], calls: list[str]
    ) -> None:
        write(project, m=WARNING)
        check(capsys, "m.py")
        write(project, helper=CLEAN)  # a module that was missing appears
        stamp = project.stat().st_mtime_ns + 1_000_000
        os.utime(project, ns=(stamp, stamp))
        check(capsys, "m.py")
        assert len(calls) == 2
        write(project, helper=CLEAN * 2)
        check(capsys, "m.py")
        assert len(calls) == 3
        write(project, m=WARNING * 2)
        assert check(capsys, "m.py")[1].count("ANE902") == 2
        assert len(calls) == 4

    def test_a_damaged_or_unwritable_cache_changes_nothing(
        self, project: Path, capsys: pytest.CaptureFixture[str], calls: list[str], tmp_path: Path
    ) -> None:
        write(project, m=WARNING)
        first = check(capsys, "m.py")
        for entry in (tmp_path / "cache").rglob("*"):
            if entry.is_file():
                entry.write_text('{"files": {}, "directories": {}, "result": {"path": 3}}')
        assert check(capsys, "m.py") == first
        assert len(calls) == 2
        assert main(["cache", "clean"]) == 0
        assert "removed 1 entries" in capsys.readouterr().out
        (tmp_path / "cache" / "v2").rename(tmp_path / "old")
        (tmp_path / "cache" / "v2").write_text("in the way")
        code, out, err = check(capsys, "m.py")
        assert (code, out) == first[:2]
        assert err.count("results cannot be kept in") == 1  # said once, and nothing is lost


def test_a_models_count_is_of_what_is_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = (
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.pool = nn.MaxPool2d(9, 1, 4)\n\n    def forward(self, x):\n        return self.pool(x)\n\n\n"
        "Net()(torch.randn(1, 64, 32, 32))\n"
    )
    write(project, net=net)
    code, out, _ = check(capsys, "net.py", "--target", "M4")
    assert (code, "Net: 1 operation, 0 can run on the ANE of M4; 1 finding\n" in out) == (1, True)
    assert "; 0 findings\n" in check(capsys, "net.py", "--ignore", "ANE302")[1]
    write(project, net=net.replace("return self.pool(x)", "return self.pool(x)  # ane: ignore[ANE302]"))
    assert check(capsys, "net.py")[0] == 0


BLOCKS = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, kernel):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, kernel, padding=kernel // 2)

    def forward(self, x):
        return self.conv(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = Block(3), Block(17), Block(21)

    def forward(self, x):
        return self.c(self.b(self.a(x)))


if __name__ == "__main__":
    Net()(torch.zeros(1, 8, 32, 32))
"""


def test_one_call_in_many_contexts_is_one_finding(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, net=BLOCKS)
    _, out, _ = check(capsys, "--format", "json", "net.py")
    (found,) = [f for f in json.loads(out)["findings"] if f["code"] == "ANE303"]
    assert found["line"] == 11
    assert "21x21" in found["message"]  # the worst of the three
    assert [r["message"] for r in found["related"]] == ["constructed here", "also here, as b.conv"]


def test_a_notebook_is_checked_and_left_as_it_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": ["text"]},
        {
            "cell_type": "code",
            "source": ["import torch\n", "from torch import nn\n", "net = nn.MaxPool2d(9, stride=1, padding=4)"],
        },
        {"cell_type": "code", "source": ["!ls\n", "net(torch.rand(1, 3, 32, 32))"]},
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)
    (project / "net.ipynb").write_text(text)
    code, out, _ = check(capsys, "net.ipynb", "--format", "concise")
    assert code == 1
    assert out.startswith("net.ipynb:cell 3:2:1: warning ANE302")
    _, out, _ = check(capsys, "net.ipynb", "--format", "json")
    assert text.split("\n")[json.loads(out)["findings"][0]["line"] - 1].strip() == '"net(torch.rand(1, 3, 32, 32))"'
    for options in (["--add-ignore"], ["--add-ignore", "--diff"]):
        _, out, err = check(capsys, "net.ipynb", *options)
        assert "a notebook is changed in an editor" in out + err
    check(capsys, "net.ipynb", "--fix", "--unsafe-fixes")
    assert (project / "net.ipynb").read_text() == text
    assert main(["verify", "net.ipynb"]) == 2
    assert "is not run here" in capsys.readouterr().err


def test_what_a_notebook_says_to_ipython_ends_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        "import torch\nfrom torch import nn\nget_ipython().run_line_magic('matplotlib', 'inline')",
        "cd ..",
        "files = !ls \\\n   -la\nfor file in files: print(file)",
        "%time net = nn.MaxPool2d(9, stride=1, padding=4)\ndisplay(net)\nnet?",
        "net(torch.rand(1, 3, 32, 32))",
    ]
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    text = json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)
    (project / "net.ipynb").write_text(text)
    _, out, _ = check(capsys, "net.ipynb", "--format", "concise")
    assert out.startswith("net.ipynb:cell 5:1:1: warning ANE302")


def test_notebooks_of_a_folder_are_checked_where_they_are_included(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "broken.ipynb").write_text("no notebook")
    assert check(capsys, ".")[0] == 0
    (project / "ane-lsp.toml").write_text('include = ["*.py", "*.ipynb"]\n')
    code, out, _ = check(capsys, ".")
    assert code == 2
    assert "not a notebook" in out


def test_a_file_whose_model_nobody_can_follow_says_why(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, a="import torch\nimport nowhere\nnet = nowhere.Net()\nnet(torch.rand(1, 3, 8, 8))\n")
    write(project, b="import torch\nnet = torch.nn.ReLU()\nnet(torch.rand(1, 3, 8, 8))\n")
    for _ in range(2):  # analysed, and as it was remembered
        code, out, _ = check(capsys, "a.py")
        assert (code, out.count("no model, perhaps because of a.py:")) == (0, 1)
        assert "a.py:2:1: module 'nowhere' was not found" in out
    assert "perhaps" not in check(capsys, ".")[1]
