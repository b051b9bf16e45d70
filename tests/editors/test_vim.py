"""A real Vim with ALE drives the server through editors/vim."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
import threading
from pathlib import Path

from real_editors import HERE, ROOT, environment, require, server

# ALE 3.3 shows UTF-16 columns as bytes, so nothing is asked about text behind an emoji.
MODEL = "s = 'é'; bad(1)\nclass Net: pass\ny = tensor(4)\nbad(2)\nrisky(3)\n"


def test_vim_with_ale(tmp_path: Path) -> None:
    ale = require("vim")
    model = tmp_path / "model.py"
    model.write_text(MODEL, encoding="utf-8")
    out = tmp_path / "out.txt"
    command = server()
    env = environment(
        tmp_path, ANE_FILE=str(model), ANE_OUT=str(out), ANE_ALE=str(ale), ANE_VIM=str(ROOT / "editors" / "vim"),
        ANE_EXECUTABLE=sys.executable, ANE_OPTIONS=shlex.join(command[1:]), TERM="xterm",
    )  # fmt: skip
    arguments = ["vim", "-u", "NONE", "-i", "NONE", "-N", "-S", str(HERE / "vim_ale_e2e.vim")]
    ours, theirs = pty.openpty()  # jobs and timers of Vim want a terminal
    process = subprocess.Popen(arguments, env=env, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    screen: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 65536):
                screen.append(data)
        except OSError:
            pass

    threading.Thread(target=read, daemon=True).start()
    try:
        code = process.wait(280)
    finally:
        process.kill()
    report = out.read_text(encoding="utf-8") if out.exists() else b"".join(screen)[-3000:].decode("utf-8", "replace")
    print(report)
    assert code == 0, report
    assert report.count("ok   ") >= 7
