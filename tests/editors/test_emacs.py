"""A real Emacs with eglot drives the server through editors/emacs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def test_emacs(tmp_path: Path) -> None:
    binary = os.environ.get("EMACS_BINARY") or shutil.which("emacs")
    reason = "no Emacs with eglot: apt-get install emacs-nox elpa-eglot, or set EMACS_BINARY"
    probe = '(progn (let ((default-directory "/usr/share/emacs/site-lisp/elpa-src/")) (when (file-directory-p default-directory) (normal-top-level-add-subdirs-to-load-path))) (require (quote eglot)))'
    if not binary or subprocess.run([binary, "--batch", "-Q", "--eval", probe], capture_output=True).returncode:
        pytest.skip(reason)
    model = tmp_path / "model.py"
    model.write_text("s = '😀'; bad(1)\nclass Net: pass\nbad(2)\n", encoding="utf-8")
    env = dict(
        os.environ, HOME=str(tmp_path), ANE_FILE=str(model), ANE_EL=str(ROOT / "editors" / "emacs"), LANG="C.UTF-8",
        PYTHONPATH=os.pathsep.join([str(ROOT), str(HERE.parent / "server")]),
        ANE_COMMAND=json.dumps([sys.executable, "-m", "ane_lsp", "server", "--analyst", "lsp_fake_analyst:FakeAnalyst"]),
    )  # fmt: skip
    arguments = [binary, "--batch", "-Q", "-l", str(HERE / "emacs_e2e.el")]
    done = subprocess.run(arguments, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("ok  ") >= 8
    print(done.stderr)
