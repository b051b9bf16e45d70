"""The models in examples/: each runs in torch, and is reported as its docstring says."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ane_lsp

FOLDER = Path(__file__).resolve().parents[2] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


def expected(path: Path) -> set[tuple[str, str]]:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text is not None
    return set(re.findall(r"^- (ANE\d{3}), (\w+): ", text, flags=re.MULTILINE))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3
    assert all(expected(path) for path in EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_findings_are_those_of_the_docstring(path: Path) -> None:
    found = ane_lsp.analyze_file(path)
    assert found.errors == []
    assert {(finding.code, finding.severity) for finding in found.findings} == expected(path)
    (model,) = found.models
    assert model.unknown_shapes == 0
    assert 0 < model.on_ane < model.ops


def test_the_neck_is_reported_at_its_pools_only() -> None:
    path = FOLDER / "detector_neck.py"
    found = ane_lsp.analyze_file(path, select="ANE302")
    (finding,) = found.findings
    assert "pool(x) for pool in self.pools" in path.read_text(encoding="utf-8").splitlines()[finding.span.line - 1]


def test_the_command_reports_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    from ane_lsp.cli.main import main

    assert main(["check", str(FOLDER), "--format", "json", "--no-cache"]) == 1
    document = json.loads(capsys.readouterr().out)
    for path in EXAMPLES:
        rows = {(f["code"], f["severity"]) for f in document["findings"] if f["file"].endswith(path.name)}
        assert rows == expected(path)
    assert sorted(model["name"] for model in document["models"]) == ["AudioTagger", "DetectorNeck", "TinyDecoder"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run_in_torch(path: Path) -> None:
    pytest.importorskip("torch", reason="torch is needed to run the examples")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "(1, " in done.stdout or "(1,)" in done.stdout


def test_the_readme_shows_what_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from ane_lsp.cli.main import main

    monkeypatch.chdir(FOLDER.parent)
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"## What it says\n\n```\n\[\.\.\.\]\n(.*?)```", readme, flags=re.DOTALL)
    assert shown is not None
    assert main(["check", "examples/detector_neck.py", "--no-cache", "--color", "never"]) == 1
    assert capsys.readouterr().out.endswith(shown[1])
