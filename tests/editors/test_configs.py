"""Files for editors that are not run here: they parse, name the real command, and agree with the server's own tables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from ane_lsp.server.names import COMMANDS, FIX_ALL, STATUS
from ane_lsp.server.options import EDITOR_OPTIONS, read_configuration
from ane_lsp.workspace.schema import BY_KEY

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EDITORS = Path(__file__).resolve().parents[2] / "editors"


def load(name: str) -> dict:
    text = (EDITORS / name).read_text(encoding="utf-8")
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("helix/languages.toml", ("language-server", "ane-lsp")),
        ("sublime/LanguageServers.sublime-settings", ("ane-lsp", "command")),
        ("kate/settings.json", ("servers", "ane-lsp", "command")),
        ("jupyterlab/jupyter_server_config.json", ("LanguageServerManager", "language_servers", "ane-lsp", "argv")),
        ("pycharm/ane-lsp/template.json", ("programArgs", "default")),
        ("zed/settings.json", ("lsp", "ane-lsp", "binary")),
    ],
)
def test_a_config_names_the_real_command(name, path):
    found = load(name)
    for key in path:
        found = found[key]
    if isinstance(found, str):
        found = found.split()
    if isinstance(found, dict):
        found = [found.get("command") or found["path"], *(found.get("args") or found["arguments"])]
    assert found == ["ane-lsp", "server"]


def test_settings_of_configs_are_settings_of_the_server():
    for settings in (
        load("sublime/LanguageServers.sublime-settings")["ane-lsp"]["settings"],
        load("zed/settings.json")["lsp"]["ane-lsp"]["settings"],
        load("pycharm/ane-lsp/settings.json"),
        load("kate/settings.json")["servers"]["ane-lsp"]["settings"],
    ):
        read = read_configuration({key.removeprefix("ane-lsp."): value for key, value in settings.items()})
        assert set(read.project) <= set(BY_KEY)
        assert read.problems == ()


SCHEMAS = json.loads((Path(__file__).with_name("config_schemas.json")).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("sublime/LanguageServers.sublime-settings", "sublime"),
        ("pycharm/ane-lsp/template.json", "lsp4ij"),
        ("zed/extension.toml", "zed-extension"),
        ("zed/settings.json", "zed-settings"),
    ],
)
def test_a_config_has_the_keys_its_editor_reads(name: str, schema: str) -> None:
    """What an editor does not know it ignores without a word, so a key that was renamed there is found only here."""
    config, known = load(name), SCHEMAS[schema]["schema"]
    jsonschema.Draft202012Validator.check_schema(known)
    jsonschema.validate(config, known)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**config, "unheard-of": True}, known)


def test_the_template_of_pycharm_has_files_that_are_read() -> None:
    assert {path.name for path in (EDITORS / "pycharm" / "ane-lsp").iterdir()} <= set(SCHEMAS["lsp4ij"]["files"])


def test_the_manifest_of_vs_code_is_generated_from_the_tables():
    done = subprocess.run(
        [sys.executable, str(EDITORS / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        cwd=EDITORS.parent,
        env={"PYTHONPATH": str(EDITORS.parent)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = load("vscode/package.json")
    keys = {key.removeprefix("ane-lsp.") for key in manifest["contributes"]["configuration"]["properties"]}
    assert set(BY_KEY) | {option.key for option in EDITOR_OPTIONS} <= keys
    contributed = {command["command"] for command in manifest["contributes"]["commands"]}
    assert "ane-lsp.checkWorkspace" in contributed & set(COMMANDS)
    local = (EDITORS / "vscode" / "src" / "extension.ts").read_text(encoding="utf-8")
    for command in contributed - set(COMMANDS):
        assert f'command("{command.removeprefix("ane-lsp.")}"' in local, command


def test_every_editor_says_what_was_tried():
    for folder in sorted(path for path in EDITORS.iterdir() if path.is_dir()):
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert "## What was tried" in text, folder.name
        assert f"`{folder.name}/`" in (EDITORS / "README.md").read_text(encoding="utf-8")


def test_editors_use_names_the_server_knows():
    """Commands, action kinds and notifications in editor code are those of ane_lsp.server.names."""
    import re

    own = {
        f"ane-lsp.{name}"
        for name in (
            "running",
            "menu",
            "restart",
            "showLog",
            "selectTarget",
            "installServer",
            "fixAllInFile",
            "openRule",
            "showDebugInfo",
            "openReport",
            "verifyFile",
        )
    }
    for path in EDITORS.rglob("*"):
        if (
            path.suffix not in (".ts", ".lua", ".el", ".md", ".json")
            or "node_modules" in path.parts
            or "dist" in path.parts
        ):
            continue
        text = path.read_text(encoding="utf-8")
        if "fixAll." in text:
            assert set(re.findall(r"source\.fixAll\.[\w-]+", text)) <= {FIX_ALL}, path
        if path.suffix in (".ts", ".lua", ".el"):
            for name in re.findall(r'"(ane-lsp\.[a-zA-Z]+)"', text):
                assert (
                    name in COMMANDS
                    or name in own
                    or name in ("ane-lsp.exe", "ane-lsp.toml")
                    or name.removeprefix("ane-lsp.") in BY_KEY
                ), (path, name)
            for name in re.findall(r'"(ane-lsp/\w+)"', text):
                assert name == STATUS
