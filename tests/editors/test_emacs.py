"""A real Emacs drives the server through editors/emacs, with each of its two clients."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from real_editors import HERE, ROOT, environment, require

MODEL = "s = '😀'; bad(1)\nclass Net: pass\ny = tensor(4)\nbad(2)\n"
# lsp-mode before 9.0 counts characters where it told the server that it counts UTF-16.
PLAIN = MODEL.replace("😀", "é")


@pytest.mark.parametrize(
    ("script", "text"), [("emacs_e2e.el", MODEL), ("emacs_lsp_mode_e2e.el", PLAIN)], ids=["eglot", "lsp-mode"]
)
def test_emacs(tmp_path: Path, script: str, text: str) -> None:
    binary = require("emacs")
    model = tmp_path / "model.py"
    model.write_text(text, encoding="utf-8")
    env = environment(tmp_path, ANE_FILE=str(model), ANE_EL=str(ROOT / "editors" / "emacs"))
    arguments = [binary, "--batch", "-Q", "-l", HERE / script]
    done = subprocess.run(list(map(str, arguments)), env=env, cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("ok  ") >= 8
    print(done.stderr)
