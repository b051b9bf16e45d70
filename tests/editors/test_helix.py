"""A real Helix, in a terminal, drives the server with editors/helix/languages.toml."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from real_editors import HERE, ROOT, environment, require, server

MODEL = "s = '😀'; bad(1)\nclass Net: pass\ny = tensor(4)\nbad(2)\nrisky(3)\n"


def config(folder: Path) -> Path:
    """The files of editors/helix, with the command that starts the server under test, and what its README says to set."""
    source = ROOT / "editors" / "helix"
    languages = (source / "languages.toml").read_text(encoding="utf-8")
    command, *arguments = server()
    languages, found = re.subn(
        r'command = "ane-lsp"\nargs = \["server"\]',
        lambda _: f"command = {json.dumps(command)}\nargs = {json.dumps(arguments)}",
        languages,
    )
    assert found == 1
    shown = re.search(r"```toml\n(.*?)```", (source / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    own = folder / "config" / "helix"
    own.mkdir(parents=True)
    (own / "languages.toml").write_text(languages)
    (own / "config.toml").write_text(shown[1])
    return own.parent


def test_helix(tmp_path: Path) -> None:
    binary = require("helix")
    python = binary.parent / "terminal" / "bin" / "python"
    model = tmp_path / "model.py"
    model.write_text(MODEL, encoding="utf-8")
    arguments = [python, HERE / "helix_tui.py", binary, config(tmp_path), model, tmp_path / "screen.txt"]
    done = subprocess.run(
        list(map(str, arguments)), env=environment(tmp_path), capture_output=True, text=True, timeout=290
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok  ") >= 9
