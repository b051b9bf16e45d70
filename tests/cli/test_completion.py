"""Completion in the shells themselves, and the manual page in a reader of manual pages."""

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ane_lsp.cli.main import COMMANDS, main
from ane_lsp.cli.man import manual

CASES = {
    "ane-lsp che": ["check"],
    "ane-lsp check --form": ["--format"],
    "ane-lsp check --format sa": ["sarif"],
    "ane-lsp check --fail-on war": ["warning"],
    "ane-lsp check --target HomePod\\ m": ["HomePod mini (2020)"],
    "ane-lsp check --target all": ["all"],
    "ane-lsp completion f": ["fish"],
    "ane-lsp dev man": ["man"],
    "ane-lsp explain ANE81": ["ANE810"],
    "ane-lsp devices M4": ["M4", "M4 Max", "M4 Pro"],
    "ane-lsp check net": ["net.py"],
    "ane-lsp check --baseline net": ["net.py"],
}
"""A command line, and everything that may come at its end."""


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    shell = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert main(["completion", shell]) == 0
    path = tmp_path / f"completion.{shell}"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "net.py").write_text("")
    return path


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash(script: Path) -> None:
    """As readline calls it; file names are readline's own part, so those are asked of `complete -o default`."""
    body = f"source {script}\n"
    for line in CASES:
        words = re.split(r"(?<!\\) ", line)
        body += (
            f"COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}; COMPREPLY=(); _ane_lsp\n"
        )
        body += "printf '%s\\t' \"${COMPREPLY[@]}\"; echo\n"
    body += "complete -p ane-lsp\n"
    *answers, registered = run("bash", "--norc", "-c", body, cwd=script.parent).splitlines()
    assert registered == "complete -o default -F _ane_lsp ane-lsp"
    for (line, wanted), answer in zip(CASES.items(), answers, strict=True):
        found = [] if "net" in line else [word.replace(" ", "\\ ") for word in wanted]
        found = [word.replace("(", "\\(").replace(")", "\\)").replace(",", "\\,") for word in found]
        assert sorted(answer.split("\t")[:-1]) == (found or [""]), line


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_keeps_the_quotes_of_the_typed_word(script: Path) -> None:
    body = f"source {script}\n"
    for typed in ("iPhone\\\\\\ SE", "'\"iPhone SE'", '"\'iPhone SE"'):
        body += f'COMP_WORDS=(ane-lsp check --target {typed}); COMP_CWORD=3; _ane_lsp; echo "${{COMPREPLY[0]}}"\n'
    told = run("bash", "--norc", "-c", body, cwd=script.parent).splitlines()
    assert told == ["iPhone\\ SE\\ \\(2nd\\ gen\\,\\ 2020\\)", *["iPhone SE (2nd gen, 2020)"] * 2]


@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish(script: Path) -> None:
    for line, wanted in CASES.items():
        told = run("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'", cwd=script.parent)
        assert sorted(row.split("\t")[0] for row in told.splitlines()) == sorted(wanted), line


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh(script: Path) -> None:
    """With the key itself, in a terminal: a single answer is written out, several are listed."""
    shell = Zsh(script.parent)
    try:
        shell.type("PS1='REA''DY'; setopt no_beep; autoload -Uz compinit; compinit -u -D\n", "READY")
        shell.type(f"source {script}\n", "READY")
        for line, wanted in CASES.items():
            shown = [re.sub(r"([ ()])", r"\\\1", word) for word in wanted]
            told = shell.type(line + "\t", shown[0] + " " if len(shown) == 1 else shown[-1])
            assert len(shown) == 1 or all(word in told for word in shown), line
            shell.type("\x15\n", "READY")
    finally:
        shell.close()


class Zsh:
    """A zsh of its own in a pseudo-terminal."""

    def __init__(self, folder: Path) -> None:
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            environment = {"TERM": "dumb", "PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "200"}
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)

    def type(self, keys: str, wanted: str) -> str:
        """Type, and read until `wanted` is shown."""
        os.write(self.terminal, keys.encode())
        told, end = "", time.monotonic() + 30
        while wanted not in told:
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{keys!r}: {wanted!r} did not come, but {told!r}"
            told += os.read(self.terminal, 4096).decode(errors="replace")
        return told

    def close(self) -> None:
        os.write(self.terminal, b"\x15exit\n")
        os.close(self.terminal)
        os.waitpid(self.process, 0)


def test_every_command_is_completed(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert all(name in script for name in COMMANDS)


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_the_manual_page_is_clean(tmp_path: Path) -> None:
    page = tmp_path / "ane-lsp.1"
    page.write_text(manual(), encoding="utf-8")
    told = subprocess.run(["mandoc", "-T", "lint", str(page)], capture_output=True, text=True).stdout.splitlines()
    # A date would change with every build.
    assert [line for line in told if "missing date" not in line] == []
    shown = run("mandoc", "-T", "utf8", str(page), cwd=tmp_path)
    plain = re.sub(".\b", "", shown)
    for name in COMMANDS:
        assert name in plain
