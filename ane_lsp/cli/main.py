"""Finds the subcommand and runs it. Start-up time counts: nothing is imported before it is needed."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from ane_lsp import __version__
from ane_lsp._memory import ROOM, rare_collections
from ane_lsp.cli.errors import CLEAN, FAILED, FINDINGS, UsageError

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EIO, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else []))
COMMANDS: Mapping[str, str] = {
    "check": "report what will not convert to Core ML or will leave the Neural Engine",
    "trace": "list every torch operation that a file reaches, with shapes",
    "report": "draw the map of a workspace: its models by readiness, the worst operations, the trend",
    "placement": "predict where each operation would run: Neural Engine or CPU",
    "verify": "run and convert the model, and compare with what its source says (runs your code)",
    "refactor": "rewrite a block for the Neural Engine, split a model, make a table once",
    "explain": "print the page of a rule: what, why, how to fix, evidence",
    "rules": "list the rules",
    "devices": "list chips and devices, or show one",
    "server": "run the language server",
    "doctor": "show the environment and what is missing in it",
    "cache": "show or clean the result cache",
    "completion": "print a shell completion script",
    "dev": "chores for contributors",
}
"""Subcommand to its line in ``--help``. Each is a module ``ane_lsp.cli.NAME`` with `add_arguments` and `run`."""


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line. With `only`, arguments are filled in for that subcommand alone."""
    parser = argparse.ArgumentParser(
        prog="ane-lsp",
        description="Tells what the Apple Neural Engine will and will not run of a PyTorch model, from its source code.",
        epilog="Exit codes: 0 clean, 1 findings at warning or above (see check --fail-on), 2 wrong usage or internal error.",
    )
    parser.add_argument("--version", action="version", version=f"ane-lsp {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, help in COMMANDS.items():
        sub = subparsers.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        if only is None or name == only:
            import_module(f"ane_lsp.cli.{name}").add_arguments(sub)
    return parser


_ANALYSING = frozenset({"check", "trace", "report", "placement", "refactor"})
"""Commands whose world may be left to the system when they end: nothing of it has to be closed or written."""


def script() -> int:
    """The command as a process of its own.

    The world of an analysis is a few hundred thousand objects, which Python would take apart one by one before it ends: a
    tenth of the time of a short command. Profilers and debuggers get their ordinary end.
    """
    with rare_collections(ROOM):
        code = main()
        watched = sys.gettrace() is not None or sys.getprofile() is not None
        if code in (CLEAN, FINDINGS) and not watched and not _ANALYSING.isdisjoint(sys.argv[1:2]):
            sys.stderr.flush()
            os._exit(code)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        os.getcwd()
    except OSError as error:
        print(f"ane-lsp: the current folder cannot be used: {error.strerror}", file=sys.stderr)
        return FAILED
    chosen = next((word for word in arguments if not word.startswith("-")), "")
    parser = build_parser(chosen)
    try:
        args = parser.parse_args(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else FAILED
    if args.command is None:
        parser.print_help(sys.stderr)
        return FAILED
    try:
        code: int = import_module(f"ane_lsp.cli.{args.command}").run(args)
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"ane-lsp {args.command}: {_shown(error)}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Nothing may be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno not in _NO_ROOM or os.environ.get("ANE_LSP_DEBUG"):
            return _internal(args.command, error)
        print(f"ane-lsp {args.command}: the output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        return _internal(args.command, error)


def _internal(command: str, error: Exception) -> int:
    if os.environ.get("ANE_LSP_DEBUG"):
        raise error
    print(
        f"ane-lsp {command}: internal error: {type(error).__name__}: {_shown(error)}\n"
        "Set ANE_LSP_DEBUG=1 for the traceback, and please report it.",
        file=sys.stderr,
    )
    return FAILED


def _shown(error: Exception) -> str:
    """An error's text as a terminal may have it: names of files and folders are in it."""
    from ane_lsp.report.terminal import printable

    return "\n".join(map(printable, str(error).split("\n")))
