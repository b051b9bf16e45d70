"""In the worker: what all its parts share. Runs in the user's interpreter, whichever that is."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from typing import Any


class Failed(Exception):
    """The run cannot go on. reason: a word for programs; details: more keys for the report."""

    def __init__(self, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.reason = reason
        self.details = details


class Channel:
    """Sends events to the parent."""

    def __init__(self, fd: int, token: str) -> None:
        self._fd = fd
        self._token = token

    def send(self, kind: str, **data: Any) -> None:
        line = f"{self._token} {json.dumps({'kind': kind, **data}, default=str)}\n".encode()
        while line:
            line = line[os.write(self._fd, line) :]

    def progress(self, percent: float, text: str) -> None:
        self.send("progress", percent=round(percent, 1), text=text)


def need(*modules: str) -> Any:
    """Import the last of some modules. Raises Failed with the one command that installs those that are missing."""
    from ane_lsp.verify.job import EXTRAS  # not above: the worker must get as far as saying that a Python is too old

    absent = [module for module in modules if importlib.util.find_spec(module) is None]
    if absent:
        what = [f'"ane-lsp[{EXTRAS[module]}]"' if module in EXTRAS else module for module in absent]
        raise Failed(
            "missing",
            f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed for {sys.executable}; install with: "
            f"{sys.executable} -m pip install {' '.join(what)}",
            module=absent[0],
        )
    module = modules[-1]
    try:
        return importlib.import_module(module)
    except MemoryError:
        raise
    except Exception as error:
        raise Failed(
            "missing", f"{module} is installed but cannot be imported: {type(error).__name__}: {error}"
        ) from error
