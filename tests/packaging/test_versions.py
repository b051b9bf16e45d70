"""One version, one support range, extras that say what they say; the rest of packaging is the chore `package`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ane_lsp
from ane_lsp.knowledge import tomlpos

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomlpos.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_package_and_extension_have_one_version() -> None:
    extension = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "editors" / "vscode" / "package-lock.json").read_text(encoding="utf-8"))
    versions = {ane_lsp.__version__, PROJECT["version"], extension["version"], lock["version"]}
    assert versions | {lock["packages"][""]["version"]} == {ane_lsp.__version__}


def test_the_range_of_pythons_is_the_same_everywhere() -> None:
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.fullmatch(r".*Python :: 3\.\d+", c)]
    assert PROJECT["requires-python"] == f">={named[0]}"
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert set(named) <= set(re.findall(r'"(3\.\d+)"', workflow))
    assert f"{named[0]} to {named[-1]}" in (ROOT / "docs" / "release.md").read_text(encoding="utf-8")


def test_what_runs_needs_little_and_nothing_heavy() -> None:
    names = {re.split(r"[<>=;\[ ]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert names == {"libcst", "lsprotocol", "pygls", "pyyaml", "tomli"}


def test_extras_are_those_the_chore_checks() -> None:
    text = (ROOT / "tests" / "packaging" / "install.py").read_text(encoding="utf-8")
    chore = re.search(r'EXTRAS = "([\w,]+)"', text)
    assert chore is not None
    assert sorted(PROJECT["optional-dependencies"]) == chore[1].split(",")


def test_every_entry_point_leads_somewhere() -> None:
    from importlib import import_module

    for points in (PROJECT["scripts"], *PROJECT["entry-points"].values()):
        for value in points.values():
            module, _, name = value.partition(":")
            found = import_module(module)
            assert not name or callable(getattr(found, name))


def test_the_version_chore_writes_every_place(tmp_path: Path) -> None:
    """On a copy, without the environment that generating the documents needs."""
    names = [
        "tasks.py", "ane_lsp/__init__.py", "pyproject.toml", "editors/vscode/package.json",
        "editors/vscode/package-lock.json", "CHANGELOG.md",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    script = "import tasks; tasks.generate = lambda _: None; tasks.version(['9.8.7'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in names[1:]:
        before, after = ((root / name).read_text(encoding="utf-8") for root in (ROOT, tmp_path))
        assert "9.8.7" in after
        assert before.count(ane_lsp.__version__) - after.count(ane_lsp.__version__) in (0, 1, 2)
    lock = json.loads((tmp_path / "editors/vscode/package-lock.json").read_text(encoding="utf-8"))
    assert lock["version"] == lock["packages"][""]["version"] == "9.8.7"
    assert re.search(
        r"## \[Unreleased\]\n\n## \[9\.8\.7\] - \d{4}-\d\d-\d\d\n", (tmp_path / "CHANGELOG.md").read_text()
    )
    wrong = subprocess.run(
        [sys.executable, "-c", "import tasks; tasks.version(['v9'])"], cwd=tmp_path, capture_output=True, text=True
    )
    assert wrong.returncode == 1
    assert "say which" in wrong.stderr


def snippet(heading: str) -> str:
    """The YAML that docs/ci.md shows under a heading."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    found = re.search(rf"## {heading}\n.*?```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert found is not None
    return found[1]


def test_pre_commit_reads_the_hook_and_the_snippet(tmp_path: Path) -> None:
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    (tmp_path / "config.yaml").write_text(snippet("pre-commit"), encoding="utf-8")
    for command, path in {
        "validate-manifest": ROOT / ".pre-commit-hooks.yaml",
        "validate-config": tmp_path / "config.yaml",
    }.items():
        done = subprocess.run([sys.executable, "-m", "pre_commit", command, str(path)], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("schema", ["github-workflows", "github-actions", "github-issue-forms", "gitlab-ci"])
def test_files_that_hosts_read_fit_their_schemas(schema: str, tmp_path: Path) -> None:
    """With the schemas that check-jsonschema carries."""
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    (tmp_path / "gitlab.yml").write_text(snippet("GitLab CI"), encoding="utf-8")
    (tmp_path / "workflow.yml").write_text("on: push\n" + snippet("GitHub Actions"), encoding="utf-8")
    files = {
        "github-workflows": [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), tmp_path / "workflow.yml"],
        "github-actions": [ROOT / "action.yml"],
        "github-issue-forms": sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")),
        "gitlab-ci": [tmp_path / "gitlab.yml"],
    }[schema]
    assert files
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
