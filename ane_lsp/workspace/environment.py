"""Finds the site-packages of a Python environment by looking at its files. No interpreter is started."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from ane_lsp.graph.records import dataclass

_VERSION_DIR = re.compile(r"^python(\d+)(?:\.(\d+))?t?$")
_PTH_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Environment:
    """Where an environment's libraries lie.

    prefix: its root directory. site_packages: in search order, directories added by ``.pth`` files included.
    editable: top-level package to directory or file, from editable installs that use an import hook.
    origin: how it was chosen, in words for ``doctor``.
    """

    prefix: Path
    site_packages: tuple[Path, ...]
    editable: Mapping[str, Path] = field(default_factory=dict)
    origin: str = ""


class EnvironmentNotFound(Exception):
    """The environment that was asked for has no site-packages; the message says where was looked."""


def find_environment(root: Path, python: str | None = None, environ: Mapping[str, str] = os.environ) -> Environment:
    """The environment whose libraries are read.

    `python` names an interpreter, an environment directory or a site-packages directory. Without it: VIRTUAL_ENV, then
    ``.venv`` and ``venv`` under `root`, CONDA_PREFIX, and last the environment ane-lsp itself runs in.
    Raises EnvironmentNotFound only where `python` is given and holds no site-packages.
    """
    if python:
        return _named_environment(root, python)
    candidates = [
        (environ.get("VIRTUAL_ENV"), "VIRTUAL_ENV"),
        (str(root / ".venv"), ".venv of the project"),
        (str(root / "venv"), "venv of the project"),
        (environ.get("CONDA_PREFIX"), "CONDA_PREFIX"),
    ]
    for prefix, origin in candidates:
        if prefix:
            sites = _sites_of_prefix(Path(prefix))
            if sites:
                return _complete(Path(prefix), sites, origin)
    return _own_environment()


def _named_environment(root: Path, python: str) -> Environment:
    given = Path(os.path.expanduser(python))
    path = given if given.is_absolute() else root / given
    if not path.exists() and os.sep not in python:
        import shutil

        path = Path(shutil.which(python) or path)
    if path.name in ("site-packages", "dist-packages") and path.is_dir():
        return _complete(path.parent, [path], f"python = {python}")
    # An interpreter in an environment is a symlink out of it: its folder counts, not its target.
    prefix = path if path.is_dir() else path.parent.parent if path.parent.name in ("bin", "Scripts") else path.parent
    sites = _sites_of_prefix(prefix)
    if not sites:
        raise EnvironmentNotFound(f"no site-packages found for python = {python!r} (looked under {prefix})")
    return _complete(prefix, sites, f"python = {python}")


def _own_environment() -> Environment:
    import site

    listed = [*getattr(site, "getsitepackages", list)()]
    if getattr(site, "ENABLE_USER_SITE", False):
        listed.append(site.getusersitepackages())
    listed += [entry for entry in sys.path if os.path.basename(entry) in ("site-packages", "dist-packages")]
    sites = [Path(entry) for entry in dict.fromkeys(listed) if os.path.isdir(entry)]
    return _complete(Path(sys.prefix), sites, "the environment ane-lsp runs in")


def _sites_of_prefix(prefix: Path) -> list[Path]:
    """site-packages of one environment, those of its base after its own where pyvenv.cfg includes them."""
    config = _pyvenv_config(prefix)
    version = config.get("version") or config.get("version_info") or ""
    sites = _library_dirs(prefix, version)
    if config.get("include-system-site-packages", "").lower() == "true" and "home" in config:
        home = Path(config["home"])
        base = home.parent if home.name in ("bin", "Scripts") else home
        sites += [site for site in _library_dirs(base, version) if site not in sites]
    return sites


def _pyvenv_config(prefix: Path) -> dict[str, str]:
    try:
        text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def _library_dirs(prefix: Path, version: str) -> list[Path]:
    wanted = tuple(version.split(".")[:2])
    found: list[tuple[tuple[int, int], int, Path]] = []
    for order, lib in enumerate((prefix / "lib", prefix / "lib64", prefix / "local" / "lib")):
        for name in _listdir(lib):
            match = _VERSION_DIR.match(name)
            if match is None or (match[2] and wanted[1:] and (match[1], match[2]) != wanted):
                continue
            rank = (int(match[1]), int(match[2] or 0))
            leaves = (lib / name / leaf for leaf in ("site-packages", "dist-packages"))
            found += [(rank, order, leaf) for leaf in leaves if _is_dir(leaf)]
    if found:
        # Several minor versions in one prefix: the newest is the one in use, as far as files tell.
        newest = max(rank for rank, _, _ in found)
        kept = [path for rank, _, path in sorted(found, key=lambda f: f[1]) if rank == newest or rank[1] == 0]
        return list({os.path.realpath(path): path for path in reversed(kept)}.values())[::-1]
    windows = prefix / "Lib" / "site-packages"
    return [windows] if _is_dir(windows) else []


def _listdir(path: Path) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except (OSError, ValueError):  # ValueError: a path with a null byte, from a pyvenv.cfg
        return []


def _complete(prefix: Path, sites: list[Path], origin: str) -> Environment:
    """Follow ``.pth`` files, egg-links and editable finders. Lines that are code are not run."""
    all_sites = list(sites)
    editable: dict[str, Path] = {}
    for site_dir in sites:
        for name in _listdir(site_dir):
            if name.endswith((".pth", ".egg-link")):
                for added in _path_lines(site_dir, name):
                    if added not in all_sites:
                        all_sites.append(added)
            elif name.startswith("__editable__") and name.endswith("_finder.py"):
                editable.update(_finder_mapping(site_dir / name))
    return Environment(prefix, tuple(all_sites), editable, origin)


def _path_lines(site_dir: Path, name: str) -> list[Path]:
    text = _small_text(site_dir / name)
    lines = [line.strip() for line in text.splitlines()]
    if name.endswith(".egg-link"):
        lines = lines[:1]
    found = []
    for line in lines:
        if line and "\0" not in line and not line.startswith(("#", "import ", "import\t")):
            path = Path(os.path.normpath(site_dir / line))
            if _is_dir(path):
                found.append(path)
    return found


def _is_dir(path: Path) -> bool:
    """False also for what no file system takes as a name."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _finder_mapping(path: Path) -> dict[str, Path]:
    """The ``MAPPING = {"package": "/path"}`` literal that setuptools writes for editable installs."""
    try:
        tree = ast.parse(_small_text(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Name) and t.id == "MAPPING" for t in targets) and getattr(node, "value", None):
            try:
                mapping = ast.literal_eval(node.value)  # type: ignore[attr-defined]
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                return {}
            if isinstance(mapping, dict):
                return {str(name): Path(str(target)) for name, target in mapping.items()}
    return {}


def _small_text(path: Path) -> str:
    try:
        if path.stat().st_size > _PTH_LIMIT:
            return ""
        return path.read_text(encoding="utf-8", errors="replace").removeprefix("\ufeff")
    except OSError:
        return ""
