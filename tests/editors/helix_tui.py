"""helix_tui.py HELIX CONFIG FILE SHOT: a person at Helix, run by test_helix.py with pexpect and pyte. Prints what is seen.

CONFIG is a folder for XDG_CONFIG_HOME. The screen with the findings is written to SHOT as text.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

PATIENCE = 90.0
helix, config, file, shot = sys.argv[1:]
screen = pyte.Screen(110, 26)
stream = pyte.ByteStream(screen)
child = pexpect.spawn(
    helix, [file], dimensions=(26, 110), env={**os.environ, "XDG_CONFIG_HOME": config, "TERM": "xterm-256color"}
)


def shown() -> str:
    return "\n".join(line.rstrip() for line in screen.display)


def pump(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            stream.feed(child.read_nonblocking(65536, 0.1))
        except pexpect.TIMEOUT:
            continue
        except pexpect.EOF:
            return


def press(*keys: str) -> None:
    """One after the other: an escape with a key behind it would be another key."""
    for key in keys:
        child.send(key)
        pump(0.3)


def eventually(what: str, condition: Callable[[], object], *keys: str) -> None:
    """Wait for a screen; `keys` are pressed again now and then, for a server that was not ready."""
    end, again = time.monotonic() + PATIENCE, 0.0
    while not condition():
        if time.monotonic() > end:
            print("FAIL", what, shown(), sep="\n")
            child.close(force=True)
            sys.exit(1)
        if keys and time.monotonic() > again:
            press(*keys)
            again = time.monotonic() + 6
        pump(0.2)
    print("ok  ", what)


def line(number: int) -> str:
    found = re.search(rf"^\W*{number} (.*)$", shown(), re.MULTILINE)
    return found[1] if found else ""


eventually("message beside the code", lambda: shown().count("runs on the CPU") >= 2)
eventually("shape as inlay hint", lambda: re.search(r"y: \[1, 4\] f32 +=", shown()))
Path(shot).write_text(shown(), encoding="utf-8")
press("gg", "]d")
eventually("menu of actions", lambda: "Replace bad by good" in shown() and "Ignore ANE302" in shown(), "\x1b", " ", "a")
child.send("\r")
eventually("quick fix behind an emoji", lambda: "s = '😀'; good(1)" in re.sub(r"😀 ", "😀", shown()))
eventually("its message is gone", lambda: shown().count("runs on the CPU") == 1)
press("\x1b", ":5\r")
eventually("suppression offered", lambda: "Ignore ANE402" in shown(), "\x1b", " ", "a")
child.send("\r")
eventually("suppressed", lambda: "# ane: ignore[ANE402]" in shown())
eventually("hover", lambda: "torch.nn.Conv2d" in shown(), "\x1b", ":3\r", "gl", " ", "k")
press("\x1b", ":w\r")
eventually("on disk", lambda: "good(1)" in Path(file).read_text(encoding="utf-8"))
press("\x1b", ":q!\r")
pump(1.0)
deadline = time.monotonic() + 20
while child.isalive() and time.monotonic() < deadline:
    pump(0.2)
print("ok   clean exit" if not child.isalive() else "FAIL still running")
sys.exit(child.isalive())
