"""``ane-lsp completion``: completion scripts, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from ane_lsp.cli.errors import CLEAN
from ane_lsp.graph.records import dataclass

_LISTED = {"--target": "targets", "--select": "codes", "--extend-select": "codes", "--ignore": "codes"}
"""Options whose values are too many for ``--help``, and the list they are taken from."""
_LISTED_POSITIONALS = {"explain": "codes", "devices": "targets"}


@dataclass(frozen=True, slots=True)
class Option:
    """What can follow a subcommand. flag: "" for a positional argument. listed: the name of a list its values come from.
    file: whether its value is a file or folder."""

    flag: str
    help: str
    choices: tuple[str, ...] = ()
    listed: str = ""
    file: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand. files: whether it takes files and folders by position."""

    help: str
    options: tuple[Option, ...]
    files: bool

    @property
    def flags(self) -> list[str]:
        """Everything that begins with a dash."""
        return [option.flag for option in self.options if option.flag]

    @property
    def words(self) -> list[str]:
        """Values by position."""
        return [word for option in self.options if not option.flag for word in option.choices]

    @property
    def listed(self) -> str:
        """The list that values by position come from."""
        return next((option.listed for option in self.options if not option.flag and option.listed), "")


Commands = Mapping[str, Command]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``completion``."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from ane_lsp.cli.main import build_parser

    commands = dict(_commands(build_parser()))
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](commands, _lists()), end="")
    return CLEAN


def _lists() -> dict[str, list[str]]:
    from ane_lsp.knowledge import rules, targets

    chips = targets.chips()
    names = [chip.chip for chip in chips] + [device for chip in chips for device in chip.devices]
    return {"targets": [*names, "all"], "codes": list(rules.codes())}


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, Command]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                options = tuple(_options(name, sub))
                fixed = any(not option.flag for option in options)
                files = not fixed and any(not option.option_strings for option in sub._actions)
                yield name, Command(_plain(helps.get(name, "")), options, files)


def _options(command: str, sub: argparse.ArgumentParser) -> Iterator[Option]:
    for option in sub._actions:
        choices = tuple(map(str, option.choices or ()))
        help = _plain(option.help or "")
        if not option.option_strings:
            listed = _LISTED_POSITIONALS.get(command, "")
            if choices or listed:
                yield Option("", help, choices, listed)
        for flag in option.option_strings:
            yield Option(flag, help, choices, _LISTED.get(flag, ""), option.metavar in ("FILE", "DIR", "PATH"))


def _plain(text: str) -> str:
    """Help that needs no quoting in any of the shells."""
    for old, new in {"'": "", '"': "", "[": "(", "]": ")", ":": ";", "%%": "%"}.items():
        text = text.replace(old, new)
    return text


def _lines(words: Sequence[str]) -> str:
    return "\n".join(words)


def _bash(commands: Commands, lists: Mapping[str, Sequence[str]]) -> str:
    cases = []
    for name, command in commands.items():
        values = "".join(
            f"          {option.flag}) _ane_lsp_offer {_bash_words(option)}; return;;\n"
            for option in command.options
            if option.flag and (option.choices or option.listed)
        )
        words = " ".join([*command.flags, *command.words])
        inner = f'        case "$prev" in\n{values}        esac\n' if values else ""
        positional = f'\n        case "$cur" in -*) ;; *) _ane_lsp_offer "$_ane_lsp_{command.listed}"; return;; esac'
        cases.append(f'      {name})\n{inner}        words="{words}"{positional if command.listed else ""};;\n')
    return (
        "# bash completion for ane-lsp\n"
        + "".join(f"_ane_lsp_{name}='{_lines(words)}'\n" for name, words in lists.items())
        + "# Offers the lines of $1 that begin with what was typed, quoted as the typed word is.\n"
        "_ane_lsp_offer() {\n"
        '  local word typed="${cur#[\\"\\\']}"\n'
        "  typed=\"${typed//\\\\/}\"\n"
        "  COMPREPLY=()\n"
        "  while IFS= read -r word; do\n"
        '    [[ $word == "$typed"* ]] || continue\n'
        '    if [ "$typed" = "$cur" ] || [ "${cur#*\\\\}" != "$cur" ]; then printf -v word %q "$word"; fi\n'
        '    COMPREPLY+=("$word")\n'
        '  done <<< "$1"\n'
        "}\n"
        "_ane_lsp() {\n"
        '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" words=""\n'
        '  if [ "$COMP_CWORD" -eq 1 ]; then\n'
        f'    words="{" ".join(commands)} --help --version"\n'
        "  else\n"
        '    case "${COMP_WORDS[1]}" in\n' + "".join(cases) + "    esac\n  fi\n"
        '  COMPREPLY=($(compgen -W "$words" -- "$cur"))\n'
        "}\n"
        "complete -o default -F _ane_lsp ane-lsp\n"
    )  # fmt: skip


def _bash_words(option: Option) -> str:
    if option.listed:
        return f'"$_ane_lsp_{option.listed}"'
    return "$'" + "\\n".join(option.choices) + "'"


def _zsh(commands: Commands, lists: Mapping[str, Sequence[str]]) -> str:
    lines = ["#compdef ane-lsp"]
    for name, words in lists.items():
        quoted = " ".join(f"'{word}'" for word in words)
        lines.append(f"_ane_lsp_{name}() {{ local -a found=({quoted}); compadd -a found }}")
    lines += ["_ane_lsp() {", "  local -a commands", "  commands=("]
    lines += [f"    '{name}:{command.help}'" for name, command in commands.items()]
    lines += [
        "  )",
        "  if (( CURRENT == 2 )); then",
        "    _describe command commands; return",
        "  fi",
        # _arguments takes the first word for the command.
        "  shift words; (( CURRENT-- ))",
        '  case "$words[1]" in',
    ]
    for name, command in commands.items():
        specs = [f"'{option.flag}[{option.help}]{_zsh_value(option)}'" for option in command.options if option.flag]
        if command.listed:
            specs.append(f"'*:value:_ane_lsp_{command.listed}'")
        elif command.words:
            specs.append(f"'*:value:({' '.join(command.words)})'")
        elif command.files:
            specs.append("'*:file:_files'")
        lines.append(f"    {name}) _arguments {' '.join(specs)};;")
    return "\n".join([*lines, "  esac", "}", 'compdef _ane_lsp ane-lsp 2>/dev/null || _ane_lsp "$@"', ""])


def _zsh_value(option: Option) -> str:
    if option.listed:
        return f":value:_ane_lsp_{option.listed}"
    if option.choices:
        return f":value:({' '.join(option.choices)})"
    return ":file:_files" if option.file else ""


def _fish(commands: Commands, lists: Mapping[str, Sequence[str]]) -> str:
    lines = ["# fish completion for ane-lsp"]
    for name, words in lists.items():
        quoted = " ".join(f"'{word}'" for word in words)
        lines.append(f"function __ane_lsp_{name}; printf '%s\\n' {quoted}; end")
    for name, command in commands.items():
        lines.append(f"complete -c ane-lsp -n __fish_use_subcommand -f -a {name} -d '{command.help}'")
    for name, command in commands.items():
        seen = f"complete -c ane-lsp -n '__fish_seen_subcommand_from {name}'"
        if not command.files:
            lines.append(f"{seen} -f")
        for option in command.options:
            flag = option.flag
            spec = f" -l {flag[2:]}" if flag.startswith("--") else f" -s {flag[1:]}" if flag else ""
            words = f"(__ane_lsp_{option.listed})" if option.listed else " ".join(option.choices)
            values = f" -x -a '{words}'" if flag and words else f" -a '{words}'" if words else ""
            values += " -r -F" if option.file else ""
            lines.append(f"{seen}{spec}{values} -d '{option.help}'")
    return "\n".join(lines) + "\n"
