"""Where the real editors are, and what the tests that run them share.

``python3 tasks.py editors`` installs them (install.py) and sets ANE_LSP_EDITORS. What could not be installed is skipped
with its reason. ANE_LSP_PICTURES=1 has the tests write their pictures into the documentation.
"""

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
SMALL = """\
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.conv(x).relu()


model = Small()
model(torch.zeros(1, 3, 16, 16))
"""


def require(name: str) -> Path:
    """The path of an installed editor; skips the test, with the reason, where it cannot be had."""
    folder = os.environ.get("ANE_LSP_EDITORS")
    if not folder:
        pytest.skip(f"{name}: run python3 tasks.py editors")
    listed = json.loads((Path(folder) / "editors.json").read_text())
    if name not in listed:
        pytest.skip(f"{name} was not asked for: python3 tests/editors/install.py DIR {name}")
    if "path" not in listed[name]:
        pytest.skip(f"{name}: {listed[name]['reason']}")
    path = Path(listed[name]["path"])
    assert path.exists(), f"{path}: installed and gone"
    return path


def server(fake: bool = True) -> list[str]:
    """The command that starts the server, with the stand-in analysis or the real one."""
    chosen = ["--analyst", "lsp_fake_analyst:FakeAnalyst"] if fake else []
    return [sys.executable, "-m", "ane_lsp", "server", *chosen]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Variables for an editor that must see nothing of the machine's own configuration."""
    path = os.pathsep.join([str(ROOT), str(SERVER_TESTS)])
    own = {"HOME": str(home), "PYTHONPATH": path, "LANG": "C.UTF-8", "ANE_COMMAND": json.dumps(server())}
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        own[f"XDG_{name}_HOME"] = str(home / name.lower())
    kept = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONHOME")}
    return {**kept, **own, **more}


def browser() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        if found := os.environ.get("CHROMIUM") or shutil.which(name):
            return found
    pytest.fail("the browser that was installed is gone")


def drive(script: Path, *arguments: str | Path, timeout: float, **environ: str) -> str:
    """Run a script that drives the browser; its output, after a failure with all of it."""
    env = {**os.environ, "PLAYWRIGHT": str(require("playwright")), "CHROMIUM": browser(), **environ}
    command = [shutil.which("node") or "node", str(script), *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def publish(editor: str, folder: Path, *names: str) -> None:
    """Put pictures of a test into the documentation, when asked to."""
    assert all((folder / f"{name}.png").is_file() for name in names)
    if os.environ.get("ANE_LSP_PICTURES"):
        images = ROOT / "editors" / editor / "images"
        images.mkdir(exist_ok=True)
        for name in names:
            shutil.copyfile(folder / f"{name}.png", images / f"{name}.png")
