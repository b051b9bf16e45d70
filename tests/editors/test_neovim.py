"""A real Neovim drives the server through editors/neovim."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from real_editors import HERE, ROOT, SMALL, environment, require, server

MODEL = """\
s = '😀'; bad(1)
class Net: pass
y = tensor(4)
bad(2)
risky(3)
"""


def nvim(name: str) -> Path:
    """Where Neovim is: the newest also beside this Python, as a dependency of the tests."""
    beside = Path(sys.executable).parent / "nvim"
    return beside if name == "neovim" and beside.exists() and not os.environ.get("ANE_LSP_EDITORS") else require(name)


def drive(binary: Path, folder: Path, script: str, model: str = MODEL, **more: str) -> str:
    runtime = folder / "plugin"
    shutil.copytree(ROOT / "editors" / "neovim", runtime)
    work = folder / "my project"  # a space, as in half of all home folders
    work.mkdir()
    (work / "pyproject.toml").write_text("")
    (work / "model.py").write_text(model, encoding="utf-8")
    (work / "other.py").write_text("bad(5)\n")
    trap, mark = work / ".venv" / "bin" / "ane-lsp", work / "was-run"
    trap.parent.mkdir(parents=True)
    trap.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(mark))}\n")
    trap.chmod(0o755)
    out = folder / "out.txt"
    env = environment(folder, ANE_OUT=str(out), ANE_RTP=str(runtime), ANE_FILE=str(work / "model.py"), **more)
    arguments = [str(binary), "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", str(HERE / script)]
    done = subprocess.run(arguments, env=env, cwd=work, capture_output=True, text=True, timeout=500)
    report = out.read_text(encoding="utf-8") if out.exists() else ""
    print(report)
    assert done.returncode == 0, f"{report}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert not mark.exists(), "a program of the project was started"
    return report


@pytest.mark.parametrize("way", ["lsp/ane_lsp.lua", "setup"])
def test_neovim(tmp_path: Path, way: str) -> None:
    more = {"ANE_OLD": "1"} if way == "setup" else {}
    assert drive(nvim("neovim"), tmp_path, "neovim_e2e.lua", **more).count("ok   ") >= 25


def test_the_neovim_of_a_distribution(tmp_path: Path) -> None:
    assert drive(nvim("neovim-system"), tmp_path, "neovim_old_e2e.lua").count("ok   ") >= 20


@pytest.mark.timeout(600)
def test_verify_in_a_project_that_is_trusted_by_a_command(tmp_path: Path) -> None:
    more = {"ANE_COMMAND": json.dumps(server(fake=False)), "ANE_PYTHON": sys.prefix}
    assert drive(nvim("neovim"), tmp_path, "neovim_verify_e2e.lua", SMALL, **more).count("ok   ") >= 10
