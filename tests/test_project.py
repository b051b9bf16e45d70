"""The files around the package: generated documents, versions, links, hooks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ane_lsp
from ane_lsp.knowledge import tomlpos

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomlpos.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PAGES = sorted(ROOT.glob("*.md"))  # those of docs/: tests/docs/test_site.py


@pytest.mark.parametrize(
    ("name", "chore"),
    [
        ("settings.md", "settings-docs"),
        ("ane-lsp.schema.json", "schema"),
        ("ane-lsp.1", "man"),
        ("claims.md", "claims"),
    ],
)
def test_generated_documents_are_up_to_date(name: str, chore: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "ane_lsp", "dev", chore], capture_output=True, text=True, encoding="utf-8", cwd=ROOT
    )
    kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert made.stdout == kept, f"run python3 tasks.py generate: docs/{name} is out of date"


def test_one_version() -> None:
    assert PYPROJECT["project"]["version"] == ane_lsp.__version__


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{page.name}: {link}"


def test_the_readme_has_two_set_up_commands() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Set up")[1].split("\n## ")[0]
    commands = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)
    assert "examples/" in commands[0]
    assert commands[1].strip() == "python3 tasks.py test"
    assert re.search(r"tasks\.py .*\btest\b", (ROOT / ".ci" / "run").read_text())


def test_the_output_in_the_readme_is_real(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from ane_lsp.cli.main import main

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"## What it says\n\n```\n\[\.\.\.\]\n(.*?)```", text, flags=re.DOTALL)
    assert shown is not None
    monkeypatch.chdir(ROOT)
    assert main(["check", "examples/detector_neck.py", "--no-cache"]) == 1
    assert capsys.readouterr().out.endswith("\n" + shown[1])


def test_hooks_and_action_call_options_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from ane_lsp.cli.main import main

    main(["check", "--help"])
    known = capsys.readouterr().out
    for name in (".pre-commit-hooks.yaml", "action.yml", "docs/ci.md", "README.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for line in text.splitlines():
            if "ane-lsp check" in line or '"$ane" check' in line or "entry:" in line:
                for option in re.findall(r"(?<=\s)--[a-z-]+", line):
                    assert f"{option} " in known or f"{option}," in known, f"{name}: {option}"


def test_no_registry_hosts_or_machine_paths() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    hosts = re.compile("python" + r"hosted|registry\.npm|py" + r"pi\.org")
    wrong = []
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in (".png", ".gz", ".vsix", ".lock") or not path.is_file():
            continue
        if hosts.search(path.read_text(encoding="utf-8", errors="replace")):
            wrong.append(name)
    assert not wrong


def test_no_two_test_modules_share_a_name() -> None:
    """pytest imports them by name where a folder is no package."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
