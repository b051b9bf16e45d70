"""Starts Python processes that import nothing from the folder they are started in. Imports next to nothing itself.

Editors start servers in the workspace's folder, and ``python -m`` puts that folder first on the import path: a file
``sitecustomize.py`` or ``asyncio.py`` in it would be run. What a workspace holds is read, never imported.
"""

from __future__ import annotations

import os
import subprocess
import sys

DEFAULT_ANALYST = "ane_lsp.server.analyst:Analyst"
_WORKER = "import sys; sys.path[:] = sys.argv.pop().split(chr(0x1f)); from ane_lsp.server.worker import main; main()"
_VERIFIER = (
    "import sys; sys.path[:] = sys.argv.pop().split(chr(0x1f)); from ane_lsp.server.verifier import main; main()"
)
_SERVER = "import sys; sys.path[:] = [p for p in sys.path if p]; from ane_lsp.cli.main import main; sys.exit(main(['server', *sys.argv[1:]]))"


def import_path() -> list[str]:
    """``sys.path`` without the current folder, unless this very package lies there."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    here = os.path.realpath(os.getcwd())
    kept = [path for path in sys.path if path and os.path.realpath(path) != here]
    return kept if os.path.realpath(package) != here else [*kept, package]


def launch(analyst: str = DEFAULT_ANALYST) -> subprocess.Popen[bytes]:
    """A worker with pipes to talk to it. Raises OSError where no process can be started."""
    # -I: the environment's PYTHONPATH has done its work in this process, whose path is handed on.
    command = [sys.executable, "-I", "-X", "utf8", "-c", _WORKER, analyst, "\x1f".join(import_path())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def verify_command() -> list[str]:
    """A command line for a verify run. What it imports is ours; the workspace's code runs in a child of it."""
    return [sys.executable, "-I", "-X", "utf8", "-c", _VERIFIER, "\x1f".join(import_path())]


def serve_command() -> list[str]:
    """A command line for the server with this interpreter, safe in any folder."""
    return [sys.executable, "-c", _SERVER]
