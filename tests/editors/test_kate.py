"""A real Kate, on a screen of its own, drives the server with editors/kate/settings.json.

Kate has no interface for scripts that reaches its language client, so the mouse is moved by coordinates. They fit a window
of 1280 x 800 without a window manager.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_editors import ROOT, environment, publish, server

MODEL = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(13, stride=1, padding=6)

    def forward(self, x, mask):
        x = self.pool(x)
        return x.masked_fill(mask, float("-inf")).softmax(-1)


Net()(torch.randn(1, 8, 32, 32), torch.zeros(1, 1, 1, 32, dtype=torch.bool))
"""
PANEL = (253, 788)  # the button "LSP" below the text
FIRST, FIX = (400, 632), (340, 666)  # rows of the panel: the first message, and its first fix below the related place
TEXT = (600, 430)


class Screen:
    """An X server of its own with Kate on it."""

    def __init__(self, folder: Path) -> None:
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24"]
        self._server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self.env = environment(folder, DISPLAY=f":{pipe.readline().strip()}", XDG_RUNTIME_DIR=str(folder / "run"))
        self._kate: subprocess.Popen[bytes] | None = None

    def start(self, *command: str | Path) -> None:
        session = ["dbus-run-session", "--", *map(str, command)]
        self._kate = subprocess.Popen(session, env=self.env, stderr=subprocess.DEVNULL)

    def do(self, *arguments: str | int) -> str:
        done = subprocess.run(["xdotool", *map(str, arguments)], env=self.env, capture_output=True, text=True)
        return done.stdout

    def click(self, place: tuple[int, int], times: int = 1) -> None:
        self.do("mousemove", *place, "click", "--repeat", times, "--delay", 80, 1)

    def picture(self, path: Path) -> None:
        subprocess.run(["import", "-window", "root", str(path)], env=self.env, check=True)

    def close(self) -> None:
        for process in (self._kate, self._server):
            if process is not None:
                process.terminate()
                process.wait(20)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    missing = [name for name in ("kate", "Xvfb", "xdotool", "import", "dbus-run-session") if shutil.which(name) is None]
    if missing or "ANE_LSP_EDITORS" not in os.environ:
        pytest.skip(f"Kate and what moves its mouse come from the system: {', '.join(missing) or 'tasks.py editors'}")
    (tmp_path / "run").mkdir(mode=0o700)
    made = Screen(tmp_path)
    yield made
    made.close()


def until(happened: Callable[[], object], what: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, what
        time.sleep(0.3)


def test_kate(screen: Screen, tmp_path: Path) -> None:
    model = tmp_path / "project" / "net.py"
    model.parent.mkdir()
    model.write_text(MODEL)
    (model.parent / "ane-lsp.toml").touch()
    asked, answered = tmp_path / "asked", tmp_path / "answered"
    serve = tmp_path / "serve"
    words = " ".join(server(fake=False))
    serve.write_text(f"#!/bin/sh\ntee {asked} | PYTHONPATH={ROOT} {words} | tee {answered}\n")
    serve.chmod(0o755)
    settings = json.loads((ROOT / "editors" / "kate" / "settings.json").read_text(encoding="utf-8"))
    settings["servers"]["ane-lsp"]["command"] = [str(serve)]
    config = Path(screen.env["XDG_CONFIG_HOME"])
    (config / "kate" / "lspclient").mkdir(parents=True)
    (config / "kate" / "lspclient" / "settings.json").write_text(json.dumps(settings))
    # Kate asks before it starts a server; this is the answer.
    (config / "katerc").write_text(f"[lspclient]\nAllowedServerCommandLines={serve}\n")

    screen.start("kate", "--startanon", "-n", "-b", model)

    def said(word: str) -> bool:
        return answered.exists() and word.encode() in answered.read_bytes()

    until(lambda: said("ANE302"), "no diagnostics came")
    window = screen.do("search", "--onlyvisible", "--name", "net.py").split()[-1]
    screen.do("windowmove", window, 0, 0, "windowsize", window, 1280, 800)
    time.sleep(2)
    screen.click(PANEL)
    time.sleep(2)
    screen.click(FIRST, times=2)
    until(lambda: said("Replace the 13x13 window"), "no fixes were asked for")
    time.sleep(2)
    screen.picture(tmp_path / "kate.png")
    screen.click(FIX, times=2)
    time.sleep(2)
    screen.click(TEXT)
    screen.do("key", "ctrl+s")
    chain = "nn.Sequential(" + ", ".join(["nn.MaxPool2d(5, stride=1, padding=2)"] * 3) + ")"
    until(lambda: model.read_text() != MODEL, "the fix was not applied and saved")
    assert model.read_text() == MODEL.replace("nn.MaxPool2d(13, stride=1, padding=6)", chain)
    # It asks for symbols whether a server has them or not.
    failed = re.findall(rb'"error":\{[^}]*\}', answered.read_bytes())
    assert all(b"-32601" in error and b"documentSymbol" in error for error in failed), failed
    publish("kate", tmp_path, "kate")
