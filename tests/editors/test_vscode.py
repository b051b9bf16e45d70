"""A real VS Code in a browser, with the extension installed from the built .vsix."""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from real_editors import HERE, ROOT, SMALL, drive, environment, publish, require, server

EXTENSION = ROOT / "editors" / "vscode"
MODEL = "s = '😀'; bad(1)\nclass Net: pass\ny = tensor(4)\nbad(2)\n"
SETTINGS = {
    "workbench.startupEditor": "none",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "workbench.enableExperiments": False,
    "git.enabled": False,
    "editor.minimap.enabled": False,
    "editor.codeActionsOnSave": {"source.fixAll.ane": "explicit"},
    "security.workspace.trust.startupPrompt": "never",
}


@pytest.fixture(scope="module")
def installed() -> Path:
    return require("vscode")


@pytest.fixture(scope="module")
def vsix(installed: Path) -> Path:
    """Built by the one command that README names; a warning of the packager is a fault."""
    done = subprocess.run(["npm", "run", "vsix"], cwd=EXTENSION, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    packed = done.stdout[done.stdout.index("vsce package") :]
    assert "WARNING" not in packed.upper(), packed
    return EXTENSION / "ane-lsp.vsix"


class Editor:
    """A running code-server with a workspace."""

    def __init__(self, installed: Path, vsix: Path, folder: Path, trust: bool, settings: dict) -> None:
        self.installed, self.folder = installed, folder
        self.workspace, self.user = folder / "workspace", folder / "user"
        self.workspace.mkdir()
        self._settings("User", {**SETTINGS, "security.workspace.trust.enabled": not trust})
        # A browser's window is a remote one, where VS Code takes the server's command from the machine's settings. In the
        # user's it is left out, unless they happened to be read before the extension's own list of settings was.
        self._settings("Machine", settings)
        self.node = shutil.which("node") or "node"
        self.entry = installed / "node_modules" / "code-server" / "out" / "node" / "entry.js"
        self.common = [
            self.node, str(self.entry), "--config", str(folder / "config.yaml"),
            "--user-data-dir", str(self.user), "--extensions-dir", str(folder / "extensions"),
        ]  # fmt: skip
        self.env = environment(folder)
        subprocess.run([*self.common, "--install-extension", str(vsix)], env=self.env, check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        arguments = [
            "--auth",
            "none",
            "--bind-addr",
            f"127.0.0.1:{self.port}",
            "--disable-telemetry",
            "--disable-update-check",
        ]
        trusted = ["--disable-workspace-trust"] if trust else []
        with (folder / "code-server.log").open("wb") as log:
            self.process = subprocess.Popen([*self.common, *arguments, *trusted], env=self.env, stdout=log, stderr=log)
        self._wait()

    def _settings(self, whose: str, settings: dict) -> None:
        (self.user / whose).mkdir(parents=True)
        (self.user / whose / "settings.json").write_text(json.dumps(settings))

    def _wait(self) -> None:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2).close()
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError((self.folder / "code-server.log").read_text())

    def drive(self, mode: str, *pictures: str) -> str:
        """Run a mode of e2e.mjs; the pictures named are those of the documentation."""
        url, shots = f"http://127.0.0.1:{self.port}", self.folder / "shots"
        said = drive(HERE / "vscode" / "e2e.mjs", url, self.workspace, shots, mode, timeout=600)
        publish("vscode", shots, *pictures)
        return said

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture
def editor(installed: Path, vsix: Path, tmp_path: Path) -> Iterator:
    started: list[Editor] = []

    def start(trust: bool = True, own: Sequence[str] = (), **settings: object) -> Editor:
        """own: a command line that stands where the extension installs the server."""
        started.append(Editor(installed, vsix, tmp_path, trust, settings))
        if own:
            scripts = started[-1].user / "User" / "globalStorage" / "ane-lsp.ane-lsp" / "server" / "bin"
            scripts.mkdir(parents=True)
            (scripts / "ane-lsp").write_text(f"#!/bin/sh\nexec {shlex.join(own)}\n")
            (scripts / "ane-lsp").chmod(0o755)
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.mark.timeout(1200)
def test_the_extension_in_a_trusted_workspace(editor) -> None:
    code = editor(**{"ane-lsp.server.command": server()})
    (code.workspace / "model.py").write_text(MODEL, encoding="utf-8")
    cells = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": [source]}
        for source in ("%matplotlib inline\nx = 1", "bad(3)")
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {
        "cells": cells,
        "metadata": {**kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (code.workspace / "notebook.ipynb").write_text(json.dumps(notebook))
    assert code.drive("trusted", "notebook").count("ok  ") >= 20


@pytest.mark.timeout(1200)
def test_an_untrusted_workspace_runs_nothing_of_its_own(editor) -> None:
    # The server is the one the extension has installed, which is looked for after all that a workspace could offer.
    code = editor(trust=False, own=server())
    (code.workspace / "model.py").write_text(MODEL, encoding="utf-8")
    scripts = code.workspace / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (code.workspace / ".venv" / "pyvenv.cfg").write_text("home = /nowhere\n")
    for name in ("ane-lsp", "python", "python3"):
        (scripts / name).write_text(f"#!/bin/sh\ntouch {shlex.quote(str(code.workspace / 'environment-was-run'))}\n")
        (scripts / name).chmod(0o755)
    trap = f"open({str(code.workspace / 'was-run')!r}, 'w')"
    (code.workspace / ".vscode").mkdir()
    own = {"ane-lsp.server.command": [sys.executable, "-c", trap], "ane-lsp.server.interpreter": "/bin/false"}
    (code.workspace / ".vscode" / "settings.json").write_text(json.dumps(own))
    code.drive("untrusted")


@pytest.mark.timeout(1200)
def test_the_real_analysis(editor) -> None:
    code = editor(**{"ane-lsp.server.command": server(fake=False), "workbench.activityBar.location": "hidden"})
    shutil.copy(ROOT / "examples" / "detector_neck.py", code.workspace)
    code.drive("real", "hover", "quick-fix", "report")


@pytest.mark.timeout(1200)
def test_verify_with_progress(editor) -> None:
    code = editor(**{"ane-lsp.server.command": server(fake=False), "ane-lsp.python": sys.prefix})
    (code.workspace / "small.py").write_text(SMALL)
    code.drive("verify", "verify")
