"""A verify run for the server, in a process of its own: the server's side and the process's.

The run analyses, starts the worker that imports the user's code, and compares; none of it belongs on the server's loop. One
pickled request goes in, progress and one result come out; the end of the request's stream is the order to stop, so that a
server that dies takes its runs with it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pickle
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ane_lsp.checks.finding import Finding
from ane_lsp.graph.records import dataclass
from ane_lsp.server import launch

GRACE = 8.0  # seconds a run has to end its own processes
_HEAD = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """path: as it is on disk. entry: a name or call that builds the model, None for the call the file makes.
    folders, options: settings as for the analyst."""

    path: str
    entry: str | None
    folders: tuple[tuple[str, Mapping[str, Any]], ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verified:
    """How a run ended ("done", "failed", "cancelled", ...) and what is to be shown of it."""

    ended: str
    message: str
    findings: tuple[Finding, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def available() -> bool:
    """Whether this installation can verify."""
    return importlib.util.find_spec("ane_lsp.verify.run") is not None


async def run(request: VerifyRequest, report: Callable[[int, str], None]) -> Verified:
    """Run to the end. Cancelling the awaiting task ends the run and all its processes."""
    process = await asyncio.create_subprocess_exec(
        *launch.verify_command(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        data = pickle.dumps(request)
        process.stdin.write(_HEAD.pack(len(data)) + data)
        with suppress(ConnectionError):
            await process.stdin.drain()
        while True:
            try:
                (length,) = _HEAD.unpack(await process.stdout.readexactly(_HEAD.size))
                message = pickle.loads(await process.stdout.readexactly(length))
            except asyncio.IncompleteReadError:
                return Verified("crashed", f"the verify process ended with code {await process.wait()}")
            if message[0] == "done":
                result: Verified = message[1]
                return result
            report(message[1], message[2])
    finally:
        process.stdin.close()
        await asyncio.shield(_ended(process))


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), GRACE)
    except asyncio.TimeoutError:
        process.kill()


# -- in the process ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Entry of the process."""
    from ane_lsp.server import worker

    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    received = worker.receive(source)
    stop = threading.Event()

    def listen() -> None:
        source.read()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    request: Any = received
    try:
        found = verify(request, lambda percent, text: worker.send(target, ("progress", percent, text)), stop.is_set)
    except Exception as error:
        import traceback

        traceback.print_exc()
        found = Verified("failed", f"{type(error).__name__}: {error}")
    with suppress(OSError):
        worker.send(target, ("done", found))


def verify(request: VerifyRequest, report: Callable[[int, str], None], cancelled: Callable[[], bool]) -> Verified:
    """The run itself, under the settings that hold for the file."""
    from ane_lsp.server.analyst import Analyst
    from ane_lsp.verify import run as verifying
    from ane_lsp.verify.shown import facts

    analyst = Analyst()
    analyst.configure([(path, dict(given)) for path, given in request.folders], dict(request.options))
    path = Path(request.path)
    settings, _ = analyst.settings(path)
    workspace = analyst.workspace(path, settings)
    if workspace.problem:
        return Verified("failed", workspace.problem)

    def on_event(event: Mapping[str, Any]) -> None:
        if event.get("kind") == "progress":
            with suppress(OSError):
                report(int(event["percent"]), str(event["text"])[:200])

    found = verifying.verify(verifying.Request(path, request.entry), workspace, settings, on_event, cancelled)
    findings = [*found.findings, *(shown for c in found.comparisons if (shown := _compared(c)) is not None)]
    return Verified(
        found.outcome.ended, found.outcome.message, tuple(f for f in findings if f.span.file), tuple(facts(found))
    )


def _compared(comparison: Any) -> Finding | None:
    """A comparison as a finding; None where the program has nothing to say about it."""
    finding: Finding = replace(comparison.finding, fixes=(), related=())
    if comparison.status == "new":
        return replace(finding, message=f"Found in the converted program only: {finding.message}")
    if comparison.status == "confirmed":
        return replace(
            finding, severity="information", message=f"Confirmed by the converted program: {finding.message}"
        )
    if comparison.status == "refuted":
        return replace(
            finding,
            severity="information",
            message=f"Not confirmed: {comparison.why}. From the source: {finding.message}",
        )
    return None


if __name__ == "__main__":
    main()
