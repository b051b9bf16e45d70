"""Options that several subcommands share, and what they mean as settings."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from ane_lsp.cli.errors import UsageError
from ane_lsp.workspace.project import Projects

_READ = "the environment whose libraries are read (never run)"


def add_project_options(parser: argparse.ArgumentParser, python: str = _READ) -> None:
    """Where sources and libraries are read. python: what the option of that name is for."""
    group = parser.add_argument_group("project")
    group.add_argument(
        "--search-path", action="append", metavar="DIR",
        help="look up imports here ahead of the project and the environment; repeatable",
    )  # fmt: skip
    group.add_argument("--python", metavar="PATH", help=python)
    group.add_argument("--root", type=Path, metavar="DIR", help="the project folder (default: found from each file)")
    group.add_argument("--config", type=Path, metavar="FILE", help="this settings file instead of the nearest")
    group.add_argument("--isolated", action="store_true", help="read no settings file")


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """What the model must run on."""
    group = parser.add_argument_group("target")
    group.add_argument(
        "--target", action="append", metavar="NAME",
        help="chip (M4), device (iPhone 15 Pro), generation or all; repeatable (see ane-lsp devices)",
    )  # fmt: skip
    group.add_argument(
        "--minimum-deployment-target", "--deployment-target", metavar="OS", help="iOS15 ... iOS26, macOS12 ... macOS26"
    )
    group.add_argument("--export-path", metavar="PATH", help="trace, export or export-core")


def add_color_option(parser: argparse.ArgumentParser) -> None:
    """When to colour."""
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto",
        help="colours: auto (on a terminal; NO_COLOR and FORCE_COLOR are honoured), always, never",
    )  # fmt: skip


def wants_color(choice: str, stream: TextIO) -> bool:
    """Whether to colour what goes to `stream`."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def settings_overrides(args: argparse.Namespace) -> dict[str, Any]:
    """The options as settings keys; absent ones are None."""
    get = vars(args).get
    return {
        "targets": get("target"),
        "minimum-deployment-target": get("minimum_deployment_target"),
        "export-path": get("export_path"),
        "select": _words(get("select")),
        "extend-select": _words(get("extend_select")),
        "ignore": _words(get("ignore")),
        "min-confidence": get("min_confidence"),
        "include": get("include"),
        "exclude": get("exclude"),
        "python": get("python"),
        "search-paths": get("search_path"),
        "budget": get("budget"),
    }


def project_arguments(args: argparse.Namespace) -> tuple[dict[str, Any], Path | None, Path | bool | None]:
    """What `Projects` is made from; plain data, so that worker processes can make their own. Raises UsageError."""
    for option in ("root", "config"):
        path = vars(args).get(option)
        if path is not None and not path.exists():
            raise UsageError(f"--{option}: {path} does not exist")
    for path in vars(args).get("search_path") or ():
        if not Path(path).is_dir():
            raise UsageError(f"--search-path: {path} is not a folder")
    config: Path | bool | None = False if args.isolated else args.config
    return settings_overrides(args), args.root, config


def open_projects(arguments: tuple[dict[str, Any], Path | None, Path | bool | None]) -> Projects:
    """The projects of a command. Raises UsageError for options with wrong values."""
    try:
        return Projects(*arguments)
    except ValueError as error:
        raise UsageError(str(error)) from None


def to_utf8(stream: TextIO) -> None:
    """Results hold any character; a terminal or pipe of another encoding must not make printing them fail."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
        if stream is sys.stdout and not stream.isatty() and encoding != "utf8":
            reconfigure(encoding="utf-8")
        reconfigure(errors="replace")


def _words(values: list[str] | None) -> list[str] | None:
    if values is None:
        return None
    return [word for value in values for word in value.replace(",", " ").split()]
