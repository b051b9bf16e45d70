"""The manual page, made from the parser itself."""

from __future__ import annotations

import argparse
import textwrap

from ane_lsp import __version__


def manual() -> str:
    """``ane-lsp(1)`` in roff."""
    from ane_lsp.cli.main import COMMANDS, build_parser

    parser = build_parser()
    out = [
        f'.TH ANE-LSP 1 "" "ane-lsp {__version__}" "User Commands"',
        ".SH NAME",
        "ane\\-lsp \\- what the Apple Neural Engine will and will not run of a PyTorch model",
        ".SH SYNOPSIS",
        ".B ane\\-lsp",
        ".I COMMAND",
        "[options]",
        ".SH DESCRIPTION",
        _roff(parser.description or ""),
        "Nothing of the checked code is imported or run.",
        ".SH COMMANDS",
    ]
    for name, sub in _subparsers(parser).items():
        out += [f".SS {_roff(name)}", _roff(COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".")]
        for action in sub._actions:
            if isinstance(action, argparse._SubParsersAction):
                for chore in action._choices_actions:
                    out += [".TP", f".B {_roff(chore.dest)}", _roff(chore.help or "")]
            elif action.dest != "help":
                out += [".TP", _option(action), _roff((action.help or "").replace("%%", "%"))]
    out += [
        ".SH EXIT STATUS", "0: nothing to report. 1: findings at or above the failing severity. 2: wrong usage or an internal error.",
        ".SH ENVIRONMENT", ".TP", ".B NO_COLOR, FORCE_COLOR", "Never or always colour.",
        ".TP", ".B ANE_LSP_CACHE_DIR", "Where results are cached.",
        ".TP", ".B ANE_LSP_DEBUG", "Show tracebacks of internal errors.",
        ".SH FILES", "ane\\-lsp.toml, or [tool.ane\\-lsp] in pyproject.toml; the nearest one wins.",
    ]  # fmt: skip
    return "\n".join(line for text in out for line in _wrapped(text)) + "\n"


def _wrapped(text: str) -> list[str]:
    """Running text in lines that fit a terminal, as roff sources have them; requests stay whole."""
    if text.startswith(".") or len(text) <= 80:
        return [text]
    lines = textwrap.wrap(text, 80, break_long_words=False, break_on_hyphens=False)
    return ["\\&" + line if line.startswith((".", "'")) else line for line in lines]


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _option(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    if isinstance(value, tuple):
        value = " ".join(value)
    if not action.option_strings:
        return f".I {_roff(str(value or action.dest))}"
    if action.nargs == 0:
        return ".B " + _roff(", ".join(action.option_strings))
    return f".BI {_roff(', '.join(action.option_strings)).replace(' ', chr(92) + ' ')} \\ {_roff(str(value or action.dest.upper()))}"


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
