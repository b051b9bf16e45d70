"""Starts the worker process. Imports next to nothing: it is the first thing the server does."""

from __future__ import annotations

import os
import subprocess
import sys

DEFAULT_ANALYST = "ane_lsp.server.analyst:Analyst"


def launch(analyst: str = DEFAULT_ANALYST) -> subprocess.Popen[bytes]:
    """A worker with pipes to talk to it. Raises OSError where no process can be started."""
    env = dict(os.environ, PYTHONIOENCODING="utf-8")
    # The child must find this very package, wherever the server was started from.
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", "ane_lsp.server.worker", analyst]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
