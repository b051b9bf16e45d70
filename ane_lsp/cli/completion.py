"""``ane-lsp completion``: completion scripts, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ane_lsp.cli.errors import CLEAN


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``completion``."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from ane_lsp.cli.main import build_parser

    commands = _commands(build_parser())
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](commands), end="")
    return CLEAN


Words = Mapping[str, tuple[str, list[tuple[str, str, tuple[str, ...]]]]]


def _commands(parser: argparse.ArgumentParser) -> Words:
    """Subcommand to its help and its options as (flag, help, choices)."""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                options = [
                    (flag, _plain(option.help or ""), tuple(map(str, option.choices or ())))
                    for option in sub._actions
                    for flag in option.option_strings or [""]
                    if flag or option.choices
                ]
                found[name] = (_plain(helps.get(name, "")), options)
    return found


def _plain(text: str) -> str:
    return (
        text.replace("'", "").replace('"', "").replace("[", "(").replace("]", ")").replace(":", ";").replace("%%", "%")
    )


def _bash(commands: Words) -> str:
    cases = []
    for name, (_, options) in commands.items():
        values = "".join(
            f'          {flag}) COMPREPLY=($(compgen -W "{" ".join(choices)}" -- "$cur")); return;;\n'
            for flag, _, choices in options
            if flag and choices
        )
        words = " ".join([flag for flag, _, _ in options if flag] + [w for f, _, c in options if not f for w in c])
        inner = f'        case "$prev" in\n{values}        esac\n' if values else ""
        cases.append(f'      {name})\n{inner}        words="{words}";;\n')
    return (
        "# bash completion for ane-lsp\n"
        "_ane_lsp() {\n"
        '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" words=""\n'
        '  if [ "$COMP_CWORD" -eq 1 ]; then\n'
        f'    words="{" ".join(commands)} --help --version"\n'
        "  else\n"
        '    case "${COMP_WORDS[1]}" in\n' + "".join(cases) + "    esac\n  fi\n"
        '  COMPREPLY=($(compgen -W "$words" -- "$cur"))\n'
        "}\n"
        "complete -o default -F _ane_lsp ane-lsp\n"
    )


def _zsh(commands: Words) -> str:
    lines = ["#compdef ane-lsp", "_ane_lsp() {", "  local -a commands", "  commands=("]
    lines += [f"    '{name}:{help}'" for name, (help, _) in commands.items()]
    lines += [
        "  )",
        "  if (( CURRENT == 2 )); then",
        "    _describe command commands; return",
        "  fi",
        '  case "$words[2]" in',
    ]
    for name, (_, options) in commands.items():
        specs = []
        for flag, help, choices in options:
            if flag:
                specs.append(f"'{flag}[{help}]" + (f":value:({' '.join(choices)})" if choices else "") + "'")
            else:
                specs.append(f"'*:value:({' '.join(choices)})'")
        lines.append(f"    {name}) _arguments -s {' '.join([*specs, chr(39) + '*:file:_files' + chr(39)])};;")
    return "\n".join([*lines, "  esac", "}", 'compdef _ane_lsp ane-lsp 2>/dev/null || _ane_lsp "$@"', ""])


def _fish(commands: Words) -> str:
    lines = ["# fish completion for ane-lsp"]
    for name, (help, _) in commands.items():
        lines.append(f"complete -c ane-lsp -n __fish_use_subcommand -f -a {name} -d '{help}'")
    for name, (_, options) in commands.items():
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for flag, help, choices in options:
            spec = f" -l {flag[2:]}" if flag.startswith("--") else f" -s {flag[1:]}" if flag else ""
            values = (
                f" -x -a '{' '.join(choices)}'" if flag and choices else f" -a '{' '.join(choices)}'" if choices else ""
            )
            lines.append(f"complete -c ane-lsp {seen}{spec}{values} -d '{help}'")
    return "\n".join(lines) + "\n"
