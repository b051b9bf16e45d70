"""The worker: runs in the user's interpreter, started by :mod:`ane_lsp.verify.parent` as a script.

The real standard output carries the protocol, one JSON object a line behind a token; what the user's code prints goes to
standard error. The package is found from this file's place and never put on ``sys.path``.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ane_lsp.verify.worker_base import Channel


def limit(limits: dict[str, Any]) -> None:
    """Ask the system to enforce what it can: processor time, address space, no core dumps."""
    try:
        resource: Any = importlib.import_module("resource")
    except ImportError:
        return
    for name, value in (
        ("RLIMIT_CPU", limits["cpu_seconds"]),
        ("RLIMIT_AS", limits["memory"]),
        ("RLIMIT_CORE", 0),
    ):
        which = getattr(resource, name, None)
        if which is None:
            continue
        _, hard = resource.getrlimit(which)
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (wanted, hard))
        except (ValueError, OSError):
            continue


def unlimit() -> None:
    """Let the report of a run that is out of memory have some: what the user's code holds is still held."""
    resource: Any = sys.modules.get("resource")
    if resource is not None and hasattr(resource, "RLIMIT_AS"):
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def end_with(parent: int) -> None:
    """Watch for the parent's death, which nobody would tell us, and take the whole session along."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _package() -> None:
    """Make ``ane_lsp`` importable from where this file is, whatever else the interpreter has installed."""
    package = types.ModuleType("ane_lsp")
    package.__path__ = [str(Path(__file__).resolve().parents[1])]
    sys.modules["ane_lsp"] = package


def main() -> int:
    protocol = os.dup(1)
    os.dup2(2, 1)
    request = json.loads(sys.stdin.buffer.readline())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _package()
    from ane_lsp.verify.worker_base import Channel

    channel = Channel(protocol, request["token"])
    if sys.version_info[:2] < (3, 10):  # noqa: UP036  the user's interpreter may be any
        channel.send("failed", reason="python", message=f"Python {sys.version.split()[0]} is too old: 3.10 is needed")
        return 0
    if hasattr(os, "killpg"):
        end_with(os.getppid())
    limit(request["job"]["limits"])
    # The folder of this file must not be where the user's imports are looked up.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
    try:
        from ane_lsp.verify import worker_run

        worker_run.run(request["job"], channel)
        channel.send("done")
    except MemoryError:
        unlimit()
        channel.send("failed", reason="memory", message="the model ran out of the memory it was given (--memory)")
    except BaseException as error:
        unlimit()
        report_failure(channel, error)
    # Threads and exit handlers of the user's code have no say in when this ends.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def report_failure(channel: Channel, error: BaseException) -> None:
    """Tell the parent what went wrong."""
    from ane_lsp.verify.worker_base import Failed

    if isinstance(error, Failed):
        channel.send("failed", reason=error.reason, message=str(error), **error.details)
        return
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    memory = "allocate memory" in text or "not enough memory" in text
    channel.send(
        "failed",
        reason="memory" if memory else "internal",
        message="the model ran out of the memory it was given (--memory)"
        if memory
        else f"{type(error).__name__}: {error}",
        traceback=text[-8000:],
    )


if __name__ == "__main__":
    sys.exit(main())
