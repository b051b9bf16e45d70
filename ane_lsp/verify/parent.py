"""Starts the worker, watches what it uses, ends it. Imports nothing heavy; the user's code never runs in this process.

This limits accidents. It is no sandbox: code that is run can do what its user may do.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import IO, Any, Literal

from ane_lsp.graph.records import dataclass
from ane_lsp.verify.job import Job, Limits

Ended = Literal["done", "failed", "crashed", "timeout", "memory", "processes", "cancelled"]
_TICK = 0.01  # seconds between looks at `cancelled`
_LAST_WORDS = 2.0  # seconds a worker that has ended may still be heard
_LOOK = 0.5  # seconds between looks at what the worker uses
_TAIL = 64 * 1024
_LINE = 256 << 20
_KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "DEVELOPER_DIR")
WORKER = Path(__file__).with_name("worker.py")


@dataclass(slots=True)
class Outcome:
    """How a run ended. results: what the worker sent, by kind, the last of each. message: why it did not finish, for people.
    output: the end of what the user's code printed."""

    ended: Ended
    message: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    output: str = ""
    seconds: float = 0.0


Event = Mapping[str, Any]


def environment(home: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the worker sees: a path, a temporary home, no network for model hubs, and nothing else of ours."""
    found = {name: os.environ[name] for name in _KEPT if name in os.environ}
    found |= {
        "HOME": home, "TMPDIR": home, "XDG_CACHE_HOME": home, "TORCH_HOME": home, "MPLCONFIGDIR": home,
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0",
    }  # fmt: skip
    return found | dict(extra or {})


def run(
    job: Job,
    python: str | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    extra_env: Mapping[str, str] | None = None,
    on_start: Callable[[int], None] = lambda pid: None,
) -> Outcome:
    """Run `job` in `python` (None: this interpreter) until it ends, fails, exceeds a limit or is cancelled. Never raises on
    the worker's account. `on_event` gets progress as it comes; `on_start` the worker's process id."""
    began = time.monotonic()
    home = tempfile.mkdtemp(prefix="ane-lsp-verify-")
    try:
        try:
            worker = _Worker(job, python or sys.executable, home, extra_env)
        except OSError as error:
            message = f"{python or sys.executable} cannot be started: {error.strerror or error}"
            return Outcome("failed", message, {"failed": {"reason": "python", "message": message}})
        on_start(worker.process.pid)
        outcome = worker.watch(on_event, cancelled)
        outcome.seconds = time.monotonic() - began
        return outcome
    finally:
        shutil.rmtree(home, ignore_errors=True)


class _Worker:
    """One worker process, the leader of a session of its own."""

    def __init__(self, job: Job, python: str, home: str, extra_env: Mapping[str, str] | None) -> None:
        self.limits = job.limits
        self.token = secrets.token_hex(8)  # marks lines of the protocol, so that a stray write is not taken for one
        self.process = subprocess.Popen(
            [python, "-E", "-s", str(WORKER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=str(Path(job.file).parent), env=environment(home, extra_env), start_new_session=True,
        )  # fmt: skip
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.tail = b""
        self.readers = [
            threading.Thread(target=self._read_protocol, args=(self.process.stdout,), daemon=True),
            threading.Thread(target=self._read_output, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps({"token": self.token, "job": job.to_json()}).encode() + b"\n")
            self.process.stdin.close()

    def _read_protocol(self, stream: IO[bytes]) -> None:
        mark = self.token.encode() + b" "
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_LINE):
                if not line.startswith(mark):
                    continue
                try:
                    event = json.loads(line[len(mark) :])
                except ValueError:
                    continue
                if isinstance(event, dict):
                    self.events.put(event)
        self.events.put(None)

    def _read_output(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), 65536):
                self.tail = (self.tail + chunk)[-_TAIL:]

    def watch(self, on_event: Callable[[Event], None], cancelled: Callable[[], bool]) -> Outcome:
        """Pass events on until the worker has ended or has to be ended."""
        deadline = time.monotonic() + self.limits.seconds
        look = time.monotonic() + _LOOK
        results: dict[str, Any] = {}
        stopped: tuple[Ended, str] | None = None
        drained = False
        try:
            while not drained or self.process.poll() is None:
                stopped = self._over(deadline, cancelled)
                if stopped is None and time.monotonic() >= look:
                    look = time.monotonic() + _LOOK
                    stopped = self._overuse()
                if stopped is not None:
                    break
                try:
                    event = self.events.get(timeout=_TICK)
                except queue.Empty:
                    # A child that inherited the pipe keeps it open; the worker's own end counts.
                    if self.process.poll() is not None:
                        break
                    continue
                if event is None:
                    drained = True
                else:
                    self._take(event, results, on_event)
        finally:
            self.kill()
        if stopped is not None:
            return Outcome(stopped[0], stopped[1], results, self._output())
        # On a busy machine the last it said may still be on its way.
        with contextlib.suppress(queue.Empty):
            while not drained and (event := self.events.get(timeout=_LAST_WORDS)) is not None:
                self._take(event, results, on_event)
        return self._ended(results)

    def _take(self, event: Event, results: dict[str, Any], on_event: Callable[[Event], None]) -> None:
        if event.get("kind") != "progress":
            results[str(event.get("kind"))] = event
        on_event(event)

    def _over(self, deadline: float, cancelled: Callable[[], bool]) -> tuple[Ended, str] | None:
        if cancelled():
            return "cancelled", "cancelled"
        if time.monotonic() > deadline:
            return "timeout", f"stopped after {self.limits.seconds:g} s; --timeout sets another limit"
        return None

    def _overuse(self) -> tuple[Ended, str] | None:
        members = session_members(self.process.pid)
        if len(members) > self.limits.processes:
            return "processes", f"stopped: it had started {len(members)} processes; allowed are {self.limits.processes}"
        used = sum(resident_bytes(pid) for pid in members)
        if used > self.limits.memory:
            return (
                "memory",
                f"stopped: it held {used >> 20} MB of memory; allowed are {self.limits.memory >> 20} MB (--memory)",
            )
        return None

    def kill(self) -> None:
        """End the worker and everything in its session at once."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in session_members(self.process.pid)[1:]:  # those that left the group, but not the session
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        for reader in self.readers:
            reader.join(timeout=0.2)

    def _output(self) -> str:
        return self.tail.decode("utf-8", "replace")

    def _ended(self, results: dict[str, Any]) -> Outcome:
        code = self.process.returncode
        if "failed" in results:
            failed = results["failed"]
            ended: Ended = "memory" if failed.get("reason") == "memory" else "failed"
            return Outcome(ended, str(failed.get("message", "")), results, self._output())
        if code == 0 and "done" in results:
            return Outcome("done", "", results, self._output())
        output = self._output()
        if "bad_alloc" in output:
            return Outcome("memory", "a native library got no more memory (--memory)", results, output)
        return Outcome("crashed", explain_exit(code, self.limits), results, output)


def explain_exit(code: int | None, limits: Limits) -> str:
    """Why a worker that sent no result has ended, in words."""
    if code is None:
        return "the process did not end"
    if code >= 0:
        return f"the model's code ended the process itself, with exit code {code} (os._exit or a native library)"
    number = -code
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    if name == "SIGXCPU" or (name == "SIGKILL" and limits.cpu_seconds):
        what = f"it used its {limits.cpu_seconds} s of processor time, or the system ended it for lack of memory"
        return (
            f"stopped ({name}): {what}"
            if name == "SIGKILL"
            else f"stopped: it used its {limits.cpu_seconds} s of processor time"
        )
    meaning = {
        "SIGSEGV": "it accessed memory that is not its own; a native extension is at fault",
        "SIGABRT": "a native library gave up, see the output",
        "SIGBUS": "it accessed memory that is not there; a native extension is at fault",
        "SIGFPE": "a division by zero in native code",
        "SIGILL": "an instruction this processor does not have",
    }.get(name, "ended by a signal")
    return f"crashed with {name}: {meaning}"


def session_members(leader: int) -> list[int]:
    """Processes of the session that `leader` leads; only itself where /proc does not tell."""
    found = [leader]
    try:
        entries = os.listdir("/proc")
    except OSError:
        return found
    for entry in entries:
        if not entry.isdigit() or int(entry) == leader:
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        fields = stat[stat.rfind(")") + 2 :].split()
        if len(fields) > 3 and fields[3] == str(leader):
            found.append(int(entry))
    return found


def resident_bytes(pid: int) -> int:
    """Memory a process holds, 0 where that is not known."""
    try:
        return int(Path("/proc", str(pid), "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def command(job: Job, python: str | None) -> Sequence[str]:
    """What will be run, for showing it first."""
    return [python or sys.executable, "-E", "-s", str(WORKER), job.file]
