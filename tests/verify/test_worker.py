"""What user code may do to the worker, and what becomes of it. None of these needs torch: a stand-in is put in its place."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ane_lsp.verify import parent
from ane_lsp.verify.job import Job, Limits

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the worker's limits and process groups are POSIX")

# Enough of torch for the worker to get to the user's file.
FAKE_TORCH = """
class _Module:
    def __call__(self, *a, **k): return self.forward(*a, **k)
class nn: Module = _Module
class Tensor: pass
class backends: pass
def manual_seed(n): pass
"""


def run(tmp_path: Path, code: str, limits: Limits | None = None, **options: object) -> parent.Outcome:
    (tmp_path / "lib" / "torch").mkdir(parents=True, exist_ok=True)
    (tmp_path / "lib" / "torch" / "__init__.py").write_text(FAKE_TORCH)
    source = tmp_path / "model.py"
    source.write_text(code)
    # The stand-in has to be found before an installed torch, by the worker alone.
    (tmp_path / "python").write_text(
        f'#!/bin/sh\nshift 2\nexec "{os.sys.executable}" -s -c "import sys, runpy; sys.path.insert(0, {str(tmp_path / "lib")!r}); '  # type: ignore[attr-defined]
        'sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name=\'__main__\')" "$@"\n'
    )
    (tmp_path / "python").chmod(0o755)
    job = Job(str(source), backends=(), limits=limits or Limits(seconds=30))
    return parent.run(job, str(tmp_path / "python"), **options)  # type: ignore[arg-type]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z" if Path("/proc").exists() else True


def test_exceptions_carry_the_line(tmp_path: Path) -> None:
    found = run(tmp_path, "x = 1\n\ndef f():\n    raise ValueError('no weights')\nf()\n")
    assert (found.ended, found.message) == ("failed", "ValueError: no weights (model.py:4)")
    assert [(line, fn) for _, line, fn in found.results["failed"]["frames"]] == [(5, "<module>"), (4, "f")]


def test_missing_imports_and_syntax_errors_are_the_users(tmp_path: Path) -> None:
    found = run(tmp_path, "import no_such_package\n")
    assert (found.ended, "No module named 'no_such_package'" in found.message) == ("failed", True)
    found = run(tmp_path, "def f(:\n")
    assert "SyntaxError" in found.message
    assert "model.py:1" in found.message


def test_a_script_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    found = run(tmp_path, "print('hello')\n")
    assert found.results["failed"]["reason"] == "entry"
    assert "FILE::Net" in found.message


def test_prints_cannot_touch_the_protocol(tmp_path: Path) -> None:
    code = """
import os, sys, subprocess
print('{"kind": "done"}')
sys.stdout.write('no newline')
os.write(1, b'{"kind": "done"}\\n')
sys.__stdout__.write('x' * 100000)
subprocess.run(['echo', 'from a child'])
raise SystemExit(3)
"""
    found = run(tmp_path, code)
    assert found.ended == "failed"
    assert found.results["failed"]["reason"] == "entry"
    assert "from a child" in found.output


def test_os_exit_is_told_from_success(tmp_path: Path) -> None:
    for code in (0, 7):
        found = run(tmp_path, f"import os; os._exit({code})")
        assert found.ended == "crashed"
        assert f"exit code {code}" in found.message


def test_a_segmentation_fault_stays_in_the_worker(tmp_path: Path) -> None:
    found = run(tmp_path, "import ctypes; ctypes.string_at(0)")
    assert found.ended == "crashed"
    assert "SIGSEGV" in found.message


def test_an_endless_loop_ends_at_the_time_limit(tmp_path: Path) -> None:
    found = run(tmp_path, "while True: pass", Limits(seconds=2))
    assert (found.ended, found.message) == ("timeout", "stopped after 2 s; --timeout sets another limit")


def test_processor_time_is_limited_too(tmp_path: Path) -> None:
    found = run(tmp_path, "while True: pass", Limits(seconds=60, cpu_seconds=1))
    assert found.ended == "crashed"
    assert "1 s of processor time" in found.message


def test_a_memory_hog_is_stopped(tmp_path: Path) -> None:
    found = run(tmp_path, "held = [b'x' * (1 << 24) for _ in range(10000)]", Limits(seconds=60, memory=1 << 30))
    assert found.ended == "memory"
    assert "--memory" in found.message


@pytest.mark.skipif(os.sys.platform != "linux", reason="the address space is limited on Linux only")  # type: ignore[attr-defined]
def test_a_hog_that_leaves_no_memory_for_the_report_is_reported(tmp_path: Path) -> None:
    code = """
held = []
for size in (1 << 24, 1 << 20, 1 << 14, 1 << 9, 64):
    try:
        while True:
            held.append(bytearray(size))
    except MemoryError:
        pass
raise MemoryError
"""
    found = run(tmp_path, code, Limits(seconds=60, memory=1 << 29))
    assert found.ended == "memory", found
    assert "--memory" in found.message


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counting processes needs /proc")
def test_a_fork_bomb_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    code = f"""
import os, time
for _ in range(40):
    if os.fork() == 0:
        with open({str(tmp_path / "pids")!r}, 'a') as f: f.write(f'{{os.getpid()}}\\n')
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
    found = run(tmp_path, code, Limits(seconds=30, processes=16))
    assert found.ended == "processes"
    assert "processes; allowed are 16" in found.message
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) > 16
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)


def test_cancel_ends_children_that_ignore_signals(tmp_path: Path) -> None:
    code = f"""
import os, signal, subprocess, time, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'])
open({str(tmp_path / "child")!r}, 'w').write(str(child.pid))
time.sleep(180)
"""
    stop = threading.Event()
    began: list[float] = []

    def watch() -> None:
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
            time.sleep(0.02)
        began.append(time.monotonic())
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    found = run(tmp_path, code, Limits(seconds=100), cancelled=stop.is_set)
    assert found.ended == "cancelled"
    assert began
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(child)


def test_the_environment_is_minimal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    code = """
import os
home = os.environ['HOME']
raise ValueError(repr((os.environ.get('SECRET_TOKEN'), os.environ.get('PYTHONPATH'), os.environ['HF_HUB_OFFLINE'],
                       os.path.isdir(home), 'ane-lsp-verify-' in home, os.getsid(0) == os.getpid(), __name__)))
"""
    found = run(tmp_path, code)
    assert "(None, None, '1', True, True, True, '__main__')" in found.message


def test_the_temporary_home_is_removed(tmp_path: Path) -> None:
    found = run(
        tmp_path, "import os; open(os.path.expanduser('~/x'), 'w').close(); raise ValueError(os.environ['HOME'])"
    )
    home = found.message.removeprefix("ValueError: ").split(" (")[0]
    assert home
    assert not Path(home).exists()


def test_the_users_imports_are_not_ours(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text("NAME = 'mine'\n")
    (tmp_path / "job.py").write_text("NAME = 'mine too'\n")
    found = run(tmp_path, "import parent, job; raise ValueError(parent.NAME + job.NAME)")
    assert "minemine too" in found.message


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    found = parent.run(Job(str(tmp_path / "m.py")), str(tmp_path / "no-python"))
    assert (found.ended, "cannot be started" in found.message) == ("failed", True)


def test_exits_are_explained() -> None:
    limits = Limits(cpu_seconds=5)
    assert "5 s of processor time" in parent.explain_exit(-signal.SIGXCPU, limits)
    assert "SIGABRT" in parent.explain_exit(-signal.SIGABRT, limits)
    assert "exit code 3" in parent.explain_exit(3, limits)


def test_a_worker_does_not_outlive_its_parent(tmp_path: Path) -> None:
    import subprocess

    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(100)"
    (tmp_path / "model.py").write_text(code)
    (tmp_path / "torch.py").write_text(FAKE_TORCH)
    script = (
        "from ane_lsp.verify import parent; from ane_lsp.verify.job import Job; "
        f"parent.run(Job({str(tmp_path / 'model.py')!r}, backends=()))"
    )
    started = subprocess.Popen([os.sys.executable, "-c", script], cwd=Path(__file__).parents[2])  # type: ignore[attr-defined]
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline and started.poll() is None:
        time.sleep(0.05)
    time.sleep(0.2)
    started.kill()
    started.wait()
    pid = int((tmp_path / "pid").read_text())
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)
