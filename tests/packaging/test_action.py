"""The composite action's own steps, run as GitHub's runner runs them, but for the installation."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_check_of_the_action(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (step,) = (step for step in action["runs"]["steps"] if step.get("name") == "Check")
    command = tmp_path / "ane-lsp" / "bin" / "ane-lsp"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ane_lsp "$@"\n')
    command.chmod(0o755)
    given = {
        "paths": "examples/detector_neck.py",
        "targets": "M1, iPhone 15 Pro",
        "args": "--isolated",
        "sarif-file": "a.sarif",
    }
    assert given.keys() <= action["inputs"].keys()
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {
        **os.environ, "RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "PYTHONPATH": str(ROOT),
        "ANE_LSP_CACHE_DIR": str(tmp_path / "cache"),
        **{name: value.replace("${{ inputs.", "").replace(" }}", "") for name, value in step["env"].items()},
    }  # fmt: skip
    environment |= {name: given[environment[name]] for name in step["env"]}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert "::warning file=examples/detector_neck.py,line=43," in done.stdout
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("## ane-lsp\n")
    results = json.loads((tmp_path / "a.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    told = " ".join(result["message"]["text"] for result in results if result["ruleId"] == "ANE302")
    assert "M1" in told or "iPhone 15 Pro" in told
