"""Installs a wheel the way people do, each time from nothing, and tries what it brought: ``install.py WHEEL``.

pip, uv and pipx into environments of their own, the extras as far as they can be resolved, and the pre-commit hook by
pre-commit itself. Part of ``python3 tasks.py package``; takes about two minutes, most of it the package index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
WINDOWS = os.name == "nt"
sys.path.insert(0, str(ROOT))

import tasks  # noqa: E402

# Run by the interpreter of an environment that holds nothing but the wheel: what its metadata promises.
METADATA = """
import importlib.metadata as m, sys
d = m.distribution("ane-lsp")
assert d.version == __import__("ane_lsp").__version__, d.version
extras = set(d.metadata.get_all("Provides-Extra"))
assert extras == set(sys.argv[1].split(",")), extras
for extra in sorted(extras):
    assert any(f'extra == "{extra}"' in r or f"extra == '{extra}'" in r for r in d.requires), f"{extra} asks for nothing"
points = {(p.group, p.name) for p in d.entry_points}
for wanted in [("console_scripts", "ane-lsp"), ("pytest11", "ane-lsp"), ("jupyter_lsp_spec_v1", "ane-lsp")]:
    assert wanted in points, wanted
files = [str(f) for f in d.files]
assert "ane_lsp/py.typed" in files and any(f.startswith("ane_lsp/_rules/ANE") for f in files)
assert not [f for f in files if f.split("/")[0] not in ("ane_lsp", f"ane_lsp-{d.version}.dist-info", "..")], files
"""
EXTRAS = "coreai,dev,docs,test,verify"
TORCH = next(name for name in tasks.LIBRARIES if name.startswith("torch=="))
"""Whoever resolves an extra that needs torch gets this one."""


def call(*command: str | Path, code: int = 0, **options: object) -> str:
    """Run a command and return its output; end where it gives another exit code."""
    print("+", " ".join(map(str, command)), flush=True)
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, encoding="utf-8", **options  # type: ignore[call-overload]
    )  # fmt: skip
    if done.returncode != code:
        sys.exit(f"{done.stdout}{done.stderr}exit code {done.returncode}, not {code}")
    return str(done.stdout)


def exercise(command: Path, folder: Path) -> None:
    """The installed command: it says its version, finds, explains, edits, and serves."""
    example = folder / "detector_neck.py"
    example.write_bytes((ROOT / "examples" / "detector_neck.py").read_bytes())
    environment = {**os.environ, "ANE_LSP_CACHE_DIR": str(folder / "cache")}

    def ane(*arguments: str | Path, code: int = 0) -> str:
        return call(command, *arguments, code=code, cwd=folder, env=environment)

    assert ane("--version").startswith("ane-lsp ")
    assert "ANE302" in ane("check", example, code=1)
    assert "max-pool-window" in ane("explain", "ANE302")
    assert "A16" in ane("devices", "iPhone 15")
    assert "MaxPool2d" in ane("check", "--diff", "--unsafe-fixes", example, code=1)
    assert json.loads(ane("doctor", "--format", "json"))["problems"] == []
    assert handshake(command, folder)["serverInfo"]["name"] == "ane-lsp"


def handshake(command: Path, folder: Path) -> dict[str, dict[str, str]]:
    """Start the server, ask what it can do, and end it as the protocol says; returns its answer."""
    messages: list[dict[str, object]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}},
        },
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    ]
    sent = b""
    for message in messages:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        sent += b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    print("+", command, "server < initialize, shutdown, exit", flush=True)
    done = subprocess.run([command, "server"], input=sent, capture_output=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    rest = done.stdout
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        answer, rest = json.loads(rest[:length]), rest[length:]
        if answer.get("id") == 1:
            return dict(answer["result"])
    sys.exit("the server did not answer initialize")


def by_pip(wheel: Path, folder: Path) -> Path:
    """An empty environment; also what the metadata promises, and nothing that clashes."""
    python = tasks.venv(folder / "env")
    call(python, "-m", "pip", "install", "--disable-pip-version-check", wheel)
    call(python, "-m", "pip", "check", "--disable-pip-version-check")
    call(python, "-c", METADATA, EXTRAS, cwd=folder)
    return python.parent / "ane-lsp"


def by_uv(wheel: Path, folder: Path) -> Path:
    """``uv pip install`` into an environment that uv made."""
    call(TOOLS / "uv", "venv", "--python", sys.executable, folder / "env")
    python = folder / "env" / tasks.PYTHON.relative_to(tasks.VENV)
    call(TOOLS / "uv", "pip", "install", "--python", python, wheel)
    return python.parent / "ane-lsp"


def by_uv_tool(wheel: Path, folder: Path) -> Path:
    """``uv tool install``."""
    environment = {**os.environ, "UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    call(TOOLS / "uv", "tool", "install", "--python", sys.executable, wheel, env=environment)
    return folder / "bin" / "ane-lsp"


def by_pipx(wheel: Path, folder: Path) -> Path:
    """``pipx install``."""
    environment = {**os.environ, "PIPX_HOME": str(folder / "home"), "PIPX_BIN_DIR": str(folder / "bin")}
    call(TOOLS / "pipx", "install", "--python", sys.executable, wheel, env=environment)
    return folder / "bin" / "ane-lsp"


def extras(wheel: Path, folder: Path) -> None:
    """Every extra can be had. They are resolved, not installed: by uv, which is quick, where no torch is needed; by pip
    with torch pinned where one is."""
    python = tasks.venv(folder / "env")
    for extra in EXTRAS.split(","):
        if extra == "coreai":
            if sys.version_info >= (3, 11):
                report = call(
                    python, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-", f"{wheel}[{extra}]", TORCH
                )
                names = {item["metadata"]["name"].lower() for item in json.loads(report)["install"]}
                assert "coreai-torch" in names, names
        else:
            call(TOOLS / "uv", "pip", "install", "--python", python, "--dry-run", f"{wheel}[{extra}]")


def hook(_: Path, folder: Path) -> None:
    """The pre-commit hook in a repository of somebody else's, as `pre-commit try-repo` runs it from this checkout."""
    if not (ROOT / ".git").exists():
        print("not a git checkout: pre-commit has nothing to clone")
        return
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(folder / "home"), "ANE_LSP_CACHE_DIR": str(folder / "cache")}
    theirs = folder / "theirs"
    theirs.mkdir()
    call(*git, "init", "--quiet", theirs)
    for name in ("detector_neck.py", "tiny_decoder.py"):
        (theirs / name).write_bytes((ROOT / "examples" / name).read_bytes())
    call(*git, "add", ".", cwd=theirs)
    command = [TOOLS / "pre-commit", "try-repo", ROOT, "ane-lsp", "--verbose", "--files"]
    told = call(*command, "detector_neck.py", code=1, cwd=theirs, env=environment)
    assert "detector_neck.py:43:44: warning ANE302" in told, told
    assert "tiny_decoder" not in told
    (theirs / "detector_neck.py").write_text("import torch\n")
    told = call(*command, "detector_neck.py", cwd=theirs, env=environment)
    assert "Passed" in told


def main() -> None:
    """Do all of it."""
    wheel = Path(sys.argv[1]).resolve()
    chores: list[Callable[[Path, Path], Path | None]] = [by_pip, by_uv, by_uv_tool, by_pipx, extras, hook]
    for chore in chores:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=WINDOWS) as folder:
            command = chore(wheel, Path(folder))
            if command is not None:
                exercise(command.with_suffix(".exe") if WINDOWS else command, Path(folder))
        print(f"== {chore.__name__}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
