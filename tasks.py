#!/usr/bin/env python3
"""One command per chore: ``python3 tasks.py test``. Needs nothing but Python 3.10 or newer and a package index.

Chores run in ``.venv``, which the first one makes. Several can be given: ``python3 tasks.py lint types test``.
Arguments behind ``--`` go to the chore's tool: ``python3 tasks.py test -- -k conv``.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("ANE_LSP_VENV") or ROOT / ".venv")
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

# What op rules, examples and conversions are compared with. torchvision and timm are read as source, so that their own
# dependencies are not needed.
LIBRARIES = ["torch==2.13.0", "transformers==5.23.0", "coremltools==9.0", "numpy<2.4", "einops", "pillow"]
SOURCES = ["torchvision==0.28.0", "timm==1.0.31"]

# Every other version that continuous integration installs, so that a new release of anything cannot reach it unseen. Other
# Pythons and systems take what pyproject.toml allows. No hashes: pip wants them for all or none, and torch's wheel differs
# with the index it comes from.
LOCK = ROOT / "constraints-ci.txt"
LOCKED = (3, 11)


def run(*command: str | Path, **options: object) -> None:
    """Run a command; end with its exit code where it fails."""
    print("+", " ".join(map(str, command)), flush=True)
    code = subprocess.run(list(map(str, command)), cwd=ROOT, **options).returncode  # type: ignore[call-overload]
    if code:
        sys.exit(code)


def venv(folder: Path) -> Path:
    """Make an environment; returns its interpreter. Works where Python came without ensurepip."""
    python = folder / BIN.relative_to(VENV) / PYTHON.name
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "pip")
    return python


def setup(_: list[str]) -> None:
    """Make .venv and install everything the chores need, once for each state of this file and pyproject.toml."""
    read = (ROOT / "pyproject.toml", Path(__file__), LOCK)
    state = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()
    stamp = VENV / ".ane-lsp-setup"
    if stamp.is_file() and stamp.read_text() == state:
        compiled()
        return
    if not PYTHON.exists():
        venv(VENV)
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    if sys.version_info[:2] == LOCKED and sys.platform.startswith("linux"):
        pip += ["--constraint", LOCK]
    run(*pip, *LIBRARIES, "--editable", ".[dev]")
    run(*pip, "--no-deps", *SOURCES)
    stamp.write_text(state)
    compiled()


def compiled() -> None:
    """Compile what changed in the package. pip does so for what it installs, not for a tree that it only points to, and where
    PYTHONDONTWRITEBYTECODE is set every start of the command would compile its hundred modules anew: half a second."""
    subprocess.run([PYTHON, "-m", "compileall", "-q", "-x", r"[\\/]stubs[\\/]", "ane_lsp"], cwd=ROOT, check=False)


def lock(_: list[str]) -> None:
    """Write the versions in .venv into constraints-ci.txt; start from a fresh .venv for the newest."""
    done = subprocess.run(
        [PYTHON, "-m", "pip", "freeze", "--exclude-editable"], check=True, capture_output=True, text=True
    )
    names = ("torch==", "atheris==", "pip==", "setuptools==", "wheel==")
    kept = [line for line in done.stdout.splitlines() if "==" in line and not line.startswith(names)]
    head = f"# python3 tasks.py lock, for Python {LOCKED[0]}.{LOCKED[1]} on Linux. torch is pinned in tasks.py.\n"
    LOCK.write_text(head + "".join(line + "\n" for line in sorted(kept, key=str.lower)), encoding="utf-8")
    print(f"wrote {LOCK.name}, {len(kept)} versions")


def test(arguments: list[str]) -> None:
    """Run the tests."""
    setup([])
    run(PYTHON, "-m", "pytest", *arguments)


def editors(arguments: list[str]) -> None:
    """Install real editors into a cache (ANE_LSP_EDITORS) and run the server in them; what fails is tried once more."""
    setup([])
    cache = Path(os.environ.get("ANE_LSP_EDITORS") or Path.home() / ".cache" / "ane-lsp" / "editors")
    run(PYTHON, "tests/editors/install.py", cache)
    environment = {**os.environ, "ANE_LSP_EDITORS": str(cache)}
    command = [PYTHON, "-m", "pytest", "--durations=12", "-o", "cache_dir=.pytest_cache/editors", "tests/editors"]
    print("+", *command, *arguments, flush=True)
    if subprocess.run([*command, *arguments], cwd=ROOT, env=environment).returncode not in (0, 5):
        print("what failed, once more", flush=True)
        run(*command, *arguments, "--last-failed", "--last-failed-no-failures=none", env=environment)


def pictures(_: list[str]) -> None:
    """Make the documentation's pictures of editors anew."""
    os.environ["ANE_LSP_PICTURES"] = "1"
    editors([])


def lint(arguments: list[str]) -> None:
    """Check style and formatting."""
    setup([])
    run(PYTHON, "-m", "ruff", "check", *arguments, ".")
    run(PYTHON, "-m", "ruff", "format", "--check", ".")


def fmt(arguments: list[str]) -> None:
    """Mend style and formatting."""
    setup([])
    run(PYTHON, "-m", "ruff", "check", "--fix", *arguments, ".")
    run(PYTHON, "-m", "ruff", "format", ".")


def types(arguments: list[str]) -> None:
    """Check types, strictly."""
    setup([])
    run(PYTHON, "-m", "mypy", *arguments)


def audit(arguments: list[str]) -> None:
    """Ask the advisories of the package index about every locked version; fails also where one cannot be asked about."""
    folder = VENV.with_name(f"{VENV.name}-audit")
    tool = folder / BIN.relative_to(VENV) / "pip-audit"
    if not tool.exists():
        run(venv(folder), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "pip-audit")
    # The versions stand in the file and nothing is installed: what is asked about is not run.
    run(tool, "--requirement", LOCK, "--no-deps", "--disable-pip", "--strict", "--progress-spinner", "off", *arguments)


def generate(_: list[str]) -> None:
    """Write the files in docs/ that are made from the code."""
    setup([])
    made = {
        "docs/settings.md": "settings-docs",
        "docs/ane-lsp.schema.json": "schema",
        "docs/ane-lsp.1": "man",
        "docs/claims.md": "claims",
    }
    for name, chore in made.items():
        text = subprocess.run(
            [PYTHON, "-m", "ane_lsp", "dev", chore],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            encoding="utf-8",
        ).stdout
        (ROOT / name).write_text(text, encoding="utf-8")
        print("wrote", name)


def build(arguments: list[str]) -> None:
    """Build wheel and sdist into dist/."""
    setup([])
    run(PYTHON, "-m", "build", "--outdir", "dist", *arguments)


def docs(arguments: list[str]) -> None:
    """Build the documentation site into site/; a warning is an error."""
    setup([])
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    run(PYTHON, "-m", "mkdocs", "build", "--strict", "--quiet", *arguments, env=environment)


def version(arguments: list[str]) -> None:
    """Write a version into the package, the editor extension and the changelog: version -- X.Y.Z."""
    if len(arguments) != 1 or not re.fullmatch(r"\d+\.\d+\.\d+", arguments[0]):
        sys.exit("say which: python3 tasks.py version -- 1.2.3")
    new = arguments[0]
    places = {
        "ane_lsp/__init__.py": (r'(?m)^(__version__ = ")[^"]+', 1),
        "pyproject.toml": (r'(?m)^(version = ")[^"]+', 1),
        "editors/vscode/package.json": (r'(?m)^(  "version": ")[^"]+', 1),
        "editors/vscode/package-lock.json": (r'(?ms)\A(\{\s+"name": "ane-lsp",\s+"version": ")[^"]+', 1),
        "CHANGELOG.md": (r"(?m)^(## \[Unreleased\]\n)", 1),
    }
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in places}
    for name, (pattern, wanted) in places.items():
        today = datetime.date.today().isoformat()
        into = rf"\g<1>\n## [{new}] - {today}\n" if name == "CHANGELOG.md" else rf"\g<1>{new}"
        texts[name], found = re.subn(pattern, into, texts[name])
        if found != wanted:
            sys.exit(f"{name}: the version stands in {found} places, expected {wanted}; nothing was written")
    lock = r'("": \{\s+"name": "ane-lsp",\s+"version": ")[^"]+'
    texts["editors/vscode/package-lock.json"] = re.sub(
        lock, rf"\g<1>{new}", texts["editors/vscode/package-lock.json"], count=1
    )
    for name, text in texts.items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print("wrote", name)
    generate([])


def sha256(folder: Path) -> dict[str, str]:
    """File name to digest."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def package(_: list[str]) -> None:
    """Build wheel and sdist twice and compare; install the wheel with pip, uv and pipx, and the hook with pre-commit."""
    setup([])
    with tempfile.TemporaryDirectory() as folder:
        built = [Path(folder) / name for name in ("first", "second")]
        for one in built:
            run(PYTHON, "-m", "build", "--outdir", one)
        first, second = map(sha256, built)
        if first != second:
            sys.exit(f"two builds of one state differ: {first} and {second}")
        for name, digest in first.items():
            print(digest, name)
        (wheel,) = built[0].glob("*.whl")
        run(PYTHON, ROOT / "tests" / "packaging" / "install.py", wheel)


def ready(_: list[str]) -> None:
    """What a change must pass: lint, types, test, docs, package."""
    for chore in (lint, types, test, docs, package):
        timed(chore, [])


CHORES = {
    chore.__name__.replace("fmt", "format"): chore
    for chore in (
        setup,
        lock,
        test,
        editors,
        pictures,
        lint,
        fmt,
        types,
        audit,
        generate,
        docs,
        build,
        package,
        version,
        ready,
    )
}


def timed(chore: object, arguments: list[str]) -> None:
    """Run a chore and say how long it took."""
    start = time.monotonic()
    chore(arguments)  # type: ignore[operator]
    name = getattr(chore, "__name__", "")
    print(f"== {name}: {time.monotonic() - start:.0f} s", flush=True)


def main() -> None:
    """Run the chores that are named."""
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    own, rest = sys.argv[1:split], sys.argv[split + 1 :]
    listed = "\n".join(f"  {name:9s} {chore.__doc__}" for name, chore in CHORES.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"chores:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chores", nargs="+", choices=CHORES, metavar="CHORE")
    for name in parser.parse_args(own).chores:
        timed(CHORES[name], rest)


if __name__ == "__main__":
    main()
