"""``ane-lsp doctor``: what ane-lsp sees of this machine and project, and what is missing."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ane_lsp import __version__
from ane_lsp.cli.errors import CLEAN, FINDINGS
from ane_lsp.cli.options import add_project_options, open_projects, project_arguments, to_utf8
from ane_lsp.stored import ResultCache
from ane_lsp.workspace import Workspace
from ane_lsp.workspace.workspace import absolute

_LIBRARIES = ("torch", "torchvision", "timm", "transformers")
_EXTRAS = {
    "verify": ("coremltools", "numpy"),
    "coreai": ("coreai-torch",),
}
_NEEDED = ("pygls", "lsprotocol", "libcst")
_EDITORS = {
    "VS Code": "code",
    "Neovim": "nvim",
    "Vim": "vim",
    "Emacs": "emacs",
    "Helix": "hx",
    "Zed": "zed",
    "Sublime Text": "subl",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``doctor``."""
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), metavar="PATH", help="a file or folder of the project"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_project_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print what is there; exit 1 where something needed is missing or a setting is wrong."""
    to_utf8(sys.stdout)
    found = examine(args)
    if args.format == "json":
        print(json.dumps(found, indent=2))
    else:
        for line in _lines(found):
            print(line)
    return FINDINGS if found["problems"] else CLEAN


def examine(args: argparse.Namespace) -> dict[str, Any]:
    """Everything ``doctor`` knows, as plain data."""
    projects = open_projects(project_arguments(args))
    path = absolute(args.path)
    inside = path / "_" if path.is_dir() else path
    settings, workspace = projects.settings(inside), projects.workspace(inside)
    libraries = {name: _installed(workspace, name) for name in _LIBRARIES}
    own = {name: _own_version(name) for name in (*_NEEDED, *(p for names in _EXTRAS.values() for p in names))}
    problems = [f"{p.span}: {p.message}" for p in projects.problems]
    problems += [workspace.problem] if workspace.problem else []
    problems += [f"{name} is not installed beside ane-lsp" for name in _NEEDED if own[name] is None]
    notes = [
        f"extra {extra!r} is not complete: {', '.join(n for n in names if own[n] is None)} missing"
        for extra, names in _EXTRAS.items()
        if any(own[name] is None for name in names)
    ]
    if libraries["torch"] is None and not workspace.problem:
        notes.append("torch is not in the environment; models are still checked, library code is not followed")
    store = ResultCache.open()
    return {
        "ane-lsp": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "project": str(workspace.root),
        "settings": str(settings.file) if settings.file else None,
        "targets": list(settings.targets),
        "environment": {"folder": str(workspace.environment.prefix), "chosen by": workspace.environment.origin},
        "site-packages": [str(site) for site in workspace.environment.site_packages],
        "libraries": libraries,
        "own packages": own,
        "editors": {name: shutil.which(command) for name, command in _EDITORS.items() if shutil.which(command)},
        "cache": {"folder": str(store.folder), "entries": len(store.entries())} if store is not None else {},
        "problems": problems,
        "notes": notes,
    }


def _installed(workspace: Workspace, name: str) -> str | None:
    """The version of a library in the project's environment, read from its metadata folder's name."""
    for site in workspace.environment.site_packages:
        for folder in sorted(site.glob(f"{name}-*.dist-info")):
            return folder.name.removesuffix(".dist-info").removeprefix(name + "-")
    return "found, version not known" if workspace.resolve(name) else None


def _own_version(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for key, value in found.items():
        if key in ("problems", "notes"):
            continue
        if isinstance(value, dict):
            yield f"{key}:"
            yield from (f"  {name}: {item or 'not installed'}" for name, item in value.items())
        elif isinstance(value, list):
            yield f"{key}: {', '.join(value) or 'none'}"
        else:
            yield f"{key}: {value or 'none'}"
    for note in found["notes"]:
        yield f"note: {note}"
    for problem in found["problems"]:
        yield f"problem: {problem}"
    if not found["problems"]:
        yield "nothing that is needed is missing"
