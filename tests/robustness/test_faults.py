"""What a fault of the machine, of another process or of our own costs: never a finding that is not at fault, never a file.

docs/faults.md lists these tests; the last one here keeps the two in step.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nasty
import pytest

from ane_lsp import analysis
from ane_lsp.analysis import FileAnalysis, analyze
from ane_lsp.cli import runner
from ane_lsp.cli.main import main
from ane_lsp.stored import ResultCache
from ane_lsp.workspace import Dependencies, Settings, Workspace
from ane_lsp.workspace.atomic import write_atomic

ROOT = Path(__file__).parents[2]
KEY = "ab" * 32
FIXABLE = (
    "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.pool = nn.MaxPool2d(13, 1, 6)\n\n    def forward(self, x):\n        return self.pool(x)\n\n\n"
    "Net()(torch.randn(1, 64, 32, 32))\n"
)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals and limits of Linux")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ANE_LSP_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ane_lsp", *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, codes and standard error of a check."""
    code = main(["check", "--format", "json", *arguments])
    out, err = capsys.readouterr()
    return code, [finding["code"] for finding in json.loads(out)["findings"]] if out else [], err


# -- the result cache ------------------------------------------------------------------------------------------------


def test_a_cache_entry_damaged_anywhere_is_none(tmp_path: Path) -> None:
    store = ResultCache(tmp_path, "build")
    store.save(KEY, FileAnalysis("/m.py"), Dependencies({"/gone.py": None}))
    (entry,) = store.entries()
    sound = entry.read_bytes()
    assert store.load(KEY) is not None
    for at in range(len(sound)):
        entry.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        assert store.load(KEY) is None, f"byte {at}"
    for size in (0, 1, 63, 64, 65, len(sound) - 1):
        entry.write_bytes(sound[:size])
        assert store.load(KEY) is None, f"{size} bytes of it"
    entry.write_bytes(sound + b" ")
    assert store.load(KEY) is None
    entry.unlink()
    entry.mkdir()
    assert store.load(KEY) is None
    store.save(KEY, FileAnalysis("/m.py"), Dependencies())  # cannot be: something is in the way


def test_the_cache_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ane_lsp import stored

    monkeypatch.setattr(stored, "_MAX_ENTRIES", 256)
    store = ResultCache(tmp_path, "build")
    for number in range(600):
        store.save(f"00{number:062x}", FileAnalysis("/m.py"), Dependencies())
    assert len(store.entries()) <= 260


@linux
def test_a_home_that_cannot_be_written_is_said_once(project: Path) -> None:
    for name in ("a", "b", "c"):
        (project / f"{name}.py").write_text(FIXABLE)
    environ = environment(HOME="/dev/null/none", XDG_CACHE_HOME="", ANE_LSP_CACHE_DIR="")
    for jobs in ("1", "2"):
        done = subprocess.run(
            command("check", "--jobs", jobs, "--format", "json"),
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert [f["code"] for f in json.loads(done.stdout)["findings"]] == ["ANE302"] * 3
        assert done.returncode == 1
        assert done.stderr.count("results cannot be kept") == 1


def test_no_home_at_all(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("ANE_LSP_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    (project / "m.py").write_text(FIXABLE)
    assert found(capsys, "m.py") == (1, ["ANE302"], "")
    assert main(["doctor"]) in (0, 1)
    assert main(["cache"]) == 2
    assert "no cache folder" in capsys.readouterr().err


# -- disks and clocks ------------------------------------------------------------------------------------------------


@linux
def test_a_full_disk_leaves_every_file_as_it_was(project: Path) -> None:
    """Files of more than a few bytes cannot be written; findings are printed all the same."""
    (project / "m.py").write_text(FIXABLE)
    (project / "old.json").write_text("old")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        import resource

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

        return subprocess.run(
            command("check", "m.py", *arguments), env=environment(PYTHONDONTWRITEBYTECODE="1"), capture_output=True,
            text=True, timeout=120, preexec_fn=limited,
        )  # fmt: skip

    done = run()
    assert "ANE302" in done.stdout
    assert done.stderr.count("results cannot be kept") == 1
    for arguments in (("--fix",), ("--output-file", "old.json"), ("--write-baseline", "old.json"), ("--add-ignore",)):
        done = run("--no-cache", *arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr
        assert "cannot" in done.stderr + done.stdout, arguments
        assert (project / "m.py").read_text() == FIXABLE
        assert (project / "old.json").read_text() == "old"
    assert sorted(p.name for p in project.iterdir()) == ["m.py", "old.json"]  # nothing half written lies about


@linux
def test_output_that_cannot_be_written_is_said_in_one_line(project: Path) -> None:
    (project / "m.py").write_text(FIXABLE)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("check", "m.py"), env=environment(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr == "ane-lsp check: the output cannot be written: No space left on device\n"


def test_a_file_is_replaced_whole_with_its_permissions_and_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomic(link, b"new")
    assert (real.read_text(), link.is_symlink(), real.stat().st_mode & 0o777) == ("new", True, 0o640)
    write_atomic(tmp_path / "made" / "new", b"x")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["link", "made", "new", "real"]


@pytest.mark.parametrize("stamp", [0, 10**9, 2**33])
def test_an_edit_is_seen_whatever_the_clock_says(stamp: int, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Times in 1970, in 2001 and in 2242; each edit keeps size and time of modification."""
    path = project / "m.py"
    path.write_text(FIXABLE)
    os.utime(path, (stamp, stamp))
    assert found(capsys, "m.py")[1] == ["ANE302"]
    path.write_text(FIXABLE.replace("13, 1, 6", "03, 1, 1".replace("03", " 3")))
    os.utime(path, (stamp, stamp))
    assert found(capsys, "m.py")[1] == []
    path.write_text(FIXABLE)
    os.utime(path, (stamp, stamp))
    assert found(capsys, "m.py")[1] == ["ANE302"]


def test_edits_within_one_tick_of_the_clock_are_seen(tmp_path: Path) -> None:
    """Many writes, most of them with the time of the one before: file systems count in steps of milliseconds."""
    workspace = Workspace(tmp_path)
    path = tmp_path / "m.py"
    for number in range(300):
        path.write_text(f"x = {number:03d}\n")
        assert workspace.read(path).text == f"x = {number:03d}\n"
    for number in range(100):
        (tmp_path / f"new{number}.py").write_text("")
        assert workspace.resolve(f"new{number}") is not None, number
    assert workspace.read(path) is workspace.read(path)


# -- other processes -------------------------------------------------------------------------------------------------


@linux
def test_a_fix_killed_at_any_moment_leaves_the_old_file_or_the_new_one(project: Path) -> None:
    path = project / "m.py"
    path.write_text(FIXABLE)
    began = time.monotonic()
    subprocess.run(command("check", "--fix", "m.py"), env=environment(), capture_output=True, timeout=120)
    whole = time.monotonic() - began
    fixed = path.read_text()
    assert fixed != FIXABLE
    chance = random.Random(3)
    for _ in range(3):
        path.write_text(FIXABLE)
        process = subprocess.Popen(
            command("check", "--fix", "m.py"), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.5, 1.0) * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert path.read_text() in (FIXABLE, fixed)
    path.write_text(FIXABLE)  # whatever the killed ones left in the cache, the next run is right
    done = subprocess.run(command("check", "m.py"), env=environment(), capture_output=True, text=True, timeout=120)
    assert "ANE302" in done.stdout


def test_a_file_that_changes_between_check_and_fix_is_not_touched(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ane_lsp.cli import fixing

    path, typed = project / "m.py", FIXABLE + "# typed meanwhile\n"
    path.write_text(FIXABLE)
    inner = fixing._fixed

    def slow(*arguments: object) -> object:
        result = inner(*arguments)  # type: ignore[arg-type]
        path.write_text(typed)
        return result

    monkeypatch.setattr(fixing, "_fixed", slow)
    code = main(["check", "--fix", "m.py"])
    assert code == 2
    assert "not fixed: the file changed while it was analysed" in capsys.readouterr().out
    assert path.read_text() == typed


def test_a_file_that_shrinks_or_goes_during_a_check_is_reported_all_the_same(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "m.py"
    inner = runner.analyse_one
    for change in (lambda: path.write_text(""), path.unlink, lambda: path.write_bytes(b"\xff")):
        path.write_text(FIXABLE)

        def analysed(path: Path, projects: object, change: object = change) -> FileAnalysis:
            result = inner(path, projects)  # type: ignore[arg-type]
            change()  # type: ignore[operator]
            return result

        monkeypatch.setattr(runner, "analyse_one", analysed)
        for format in ("text", "sarif", "junit", "gitlab", "github", "html", "markdown"):
            path.write_text(FIXABLE)
            assert main(["check", "--no-cache", "--format", format, "m.py"]) == 1
            assert "ANE302" in capsys.readouterr().out


@linux
def test_an_interrupted_check_ends_at_once_with_its_processes(project: Path) -> None:
    """As Ctrl-C does it: every process of the group is interrupted, and none says so."""
    for number in range(2000):
        (project / f"m{number}.py").write_text(FIXABLE)
    arguments = [sys.executable, "-m", "ane_lsp", "check", "--no-cache", "--jobs", "2"]
    process = subprocess.Popen(
        arguments,
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(workers := children.read_text().split()) < 2:
        time.sleep(0.01)
    time.sleep(0.4)  # they are at work
    os.killpg(process.pid, signal.SIGINT)
    out, problems = process.communicate(timeout=60)
    assert (process.returncode, out, problems) == (130, "", "")
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


@linux
def test_a_killed_process_of_a_parallel_check_costs_its_file_only(project: Path) -> None:
    """The killer is a module the workers import, where the system kills what takes too much memory."""
    for name in ("a", "b", "c", "d"):
        (project / f"{name}.py").write_text(FIXABLE)
    (project / "killed.py").write_text(FIXABLE)
    code = (
        "import os, signal, sys\n"
        "from ane_lsp.cli import runner\nfrom ane_lsp.cli.main import main\n"
        "inner = runner.analyse_one\n"
        "def analysed(path, projects):\n"
        "    if path.name == 'killed.py':\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return inner(path, projects)\n"
        "runner.analyse_one = analysed\n"
        "import multiprocessing\nmultiprocessing.set_start_method('fork')\n"
        "sys.exit(main(['check', '--no-cache', '--jobs', '2', '--format', 'json']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=120)
    report = json.loads(done.stdout)
    assert [(f["code"], Path(f["file"]).name) for f in report["findings"]] == [("ANE302", f"{n}.py") for n in "abcd"]
    (error,) = report["errors"]
    assert (error["kind"], Path(error["file"]).name) == ("internal", "killed.py")
    assert "killed" in error["message"]
    assert done.returncode == 2


@linux
def test_a_current_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    code = f"import os, sys; os.rmdir({str(folder)!r}); from ane_lsp.cli.main import main; sys.exit(main(['check']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("ane-lsp: the current folder cannot be used")


# -- faults of our own -----------------------------------------------------------------------------------------------

PATH = Path(ROOT.anchor) / "nowhere" / "model.py"


def checked(text: str) -> FileAnalysis:
    return analyze(PATH, Workspace(PATH.parent, overlays={PATH: text}), Settings())


def broken(*arguments: object, **named: object) -> object:
    raise ZeroDivisionError("a fault of ours")


def only_one_fault(result: FileAnalysis) -> str:
    (fault,) = [f for f in result.findings if f.code == "ANE901"]
    assert "Please report it" in fault.message
    return fault.message


def test_a_fault_in_one_rule_costs_that_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from ane_lsp.checks import engine

    checked(nasty.MODEL)  # loads them
    one = next(bound for bound in engine._BOUND if not bound.ops and bound.code != "ANE302")
    hurt = [replace(bound, check=broken) if bound is one else bound for bound in engine._BOUND]
    monkeypatch.setattr(engine, "_BOUND", hurt)
    result = checked(nasty.MODEL)
    assert "ANE302" in [f.code for f in result.findings]
    assert one.code in only_one_fault(result)


@pytest.mark.parametrize("name", ["torch.relu", "torch.nn.functional.relu"])
def test_a_fault_in_one_operation_costs_that_operation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ane_lsp.torch_model import registry

    decl = registry.find(name)
    assert decl is not None
    monkeypatch.setattr(
        type(decl), "infer", lambda self, *a, _old=type(decl).infer: broken() if self is decl else _old(self, *a)
    )
    result = checked(nasty.MODEL.replace("Last()(", f"{name}(torch.zeros(3))\nLast()("))
    assert "ANE302" in [f.code for f in result.findings]
    assert "ZeroDivisionError" in only_one_fault(result)


@pytest.mark.parametrize("step", ["_summary", "check_text", "_check_entries"])
def test_a_fault_in_one_step_costs_that_step(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = nasty.MODEL + "\n\n# ane: ignore[ANE999]\nx = 1\nimport coremltools as ct\nct.convert(x)\n"
    monkeypatch.setattr(analysis, step, broken)
    result = checked(text)
    codes = [f.code for f in result.findings]
    assert "ZeroDivisionError" in only_one_fault(result)
    assert set(codes) & {"ANE902", "ANE903"}  # the comments were read all the same
    assert ("ANE302" in codes) is (step != "_check_entries")


def test_a_fault_in_one_model_costs_that_model(monkeypatch: pytest.MonkeyPatch) -> None:
    text = nasty.MODEL + nasty.MODEL.replace("Last", "Other").replace("(9)", "(11)")
    inner = analysis._check_entry
    monkeypatch.setattr(analysis, "_check_entry", lambda e, *a: broken() if e.graph.name == "Last" else inner(e, *a))
    result = checked(text)
    assert [m.name for m in result.models] == ["Other"]
    assert "ANE302" in [f.code for f in result.findings]
    assert "checking Last" in only_one_fault(result)


def test_a_fault_that_nothing_catches_costs_one_file(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "a.py").write_text(FIXABLE)
    (project / "b.py").write_text(FIXABLE)
    inner = analysis.analyze
    monkeypatch.setattr(analysis, "analyze", lambda path, *a: broken() if path.name == "a.py" else inner(path, *a))
    assert main(["check", "--no-cache"]) == 2
    out = capsys.readouterr().out
    assert "ANE302" in out
    assert "ZeroDivisionError: a fault of ours. Please report it." in out


# -- the table -------------------------------------------------------------------------------------------------------

TABLE = ROOT / "docs" / "faults.md"


def test_the_table_of_faults_and_the_tests_are_in_step() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE.read_text(encoding="utf-8"))
    assert len(named) > 20
    for file, name in named:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), name
    own = set(re.findall(r"(?m)^def (test_\w+)\(", Path(__file__).read_text(encoding="utf-8")))
    own.remove("test_the_table_of_faults_and_the_tests_are_in_step")
    listed = {name for file, name in named if file.endswith("robustness/test_faults.py")}
    assert own == listed
