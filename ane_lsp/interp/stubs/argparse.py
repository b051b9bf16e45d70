"""argparse, as interpreted source: a program sees the defaults, as if it were started without arguments."""

from _ane_program import asked

SUPPRESS = "==SUPPRESS=="
OPTIONAL = "?"
ZERO_OR_MORE = "*"
ONE_OR_MORE = "+"
REMAINDER = "..."
PARSER = "A..."


class ArgumentError(Exception):
    pass


class ArgumentTypeError(Exception):
    pass


class HelpFormatter:
    pass


class RawDescriptionHelpFormatter(HelpFormatter):
    pass


class RawTextHelpFormatter(RawDescriptionHelpFormatter):
    pass


class ArgumentDefaultsHelpFormatter(HelpFormatter):
    pass


class MetavarTypeHelpFormatter(HelpFormatter):
    pass


class Namespace:
    def __init__(self, **kwargs):
        for name, value in kwargs.items():
            setattr(self, name, value)

    def __contains__(self, key):
        return key in self.__dict__

    def __eq__(self, other):
        return self.__dict__ == other.__dict__

    def __repr__(self):
        return f"Namespace({', '.join(f'{key}={value!r}' for key, value in self.__dict__.items())})"


class Action:
    def __init__(self, option_strings, dest, nargs=None, const=None, default=None, type=None, choices=None,
                 required=False, help=None, metavar=None, **kwargs):
        self.option_strings = option_strings
        self.dest = dest
        self.nargs = nargs
        self.const = const
        self.default = default
        self.type = type
        self.choices = choices
        self.required = required
        self.help = help
        self.metavar = metavar


class BooleanOptionalAction(Action):
    pass


class FileType:
    def __init__(self, mode="r", bufsize=-1, encoding=None, errors=None):
        self.mode = mode


def _dest(flags, given):
    if given is not None:
        return given
    for flag in flags:
        if flag.startswith("--"):
            return flag[2:].replace("-", "_")
    return flags[0].lstrip("-").replace("-", "_")


def _is_given(optional, how):
    """Whether who starts the program has to say it; nobody knows what they say."""
    if optional:
        return how.get("required", False)
    return how.get("nargs") not in ("?", "*") and how.get("action", "store") == "store"


class _Container:
    def __init__(self):
        self._actions = []
        self._defaults = {}

    def add_argument(self, *flags, **kwargs):
        action = kwargs.get("action", "store")
        dest = _dest(flags, kwargs.get("dest")) if flags else kwargs["dest"]
        if action in ("help", "version"):
            return Action(list(flags), dest)
        optional = not flags or flags[0].startswith("-")
        default = kwargs.get("default")
        if "default" not in kwargs:
            if action == "store_true":
                default = False
            elif action == "store_false":
                default = True
        kind = kwargs.get("type")
        if "default" not in kwargs and _is_given(optional, kwargs):
            default = asked(dest, kwargs.get("choices"), kwargs.get("nargs"))
            if kind in (int, float) and not isinstance(default, list):
                default = kind(default)
        if kind is not None and kind is not str and isinstance(default, str):
            default = kind(default)
        made = Action(
            list(flags) if optional else [], dest, nargs=kwargs.get("nargs"), const=kwargs.get("const"), default=default,
            type=kind, choices=kwargs.get("choices"), required=kwargs.get("required", False), help=kwargs.get("help"),
        )
        if not optional and kwargs.get("nargs") == "*" and default is None:
            made.default = []
        self._actions.append(made)
        return made

    def add_argument_group(self, *args, **kwargs):
        return _Group(self)

    def add_mutually_exclusive_group(self, **kwargs):
        return _Group(self)

    def set_defaults(self, **kwargs):
        self._defaults.update(kwargs)
        for action in self._actions:
            if action.dest in kwargs:
                action.default = kwargs[action.dest]

    def get_default(self, dest):
        for action in self._actions:
            if action.dest == dest and action.default is not None:
                return action.default
        return self._defaults.get(dest)


class _Group(_Container):
    def __init__(self, parent):
        self._actions = parent._actions
        self._defaults = parent._defaults


class _Subparsers:
    def __init__(self):
        self.choices = {}

    def add_parser(self, name, **kwargs):
        made = ArgumentParser()
        self.choices[name] = made
        return made


class ArgumentParser(_Container):
    def __init__(self, prog=None, usage=None, description=None, epilog=None, parents=(), **kwargs):
        _Container.__init__(self)
        self.prog = prog
        self.description = description
        for parent in parents:
            self._actions.extend(parent._actions)
            self._defaults.update(parent._defaults)

    def add_subparsers(self, **kwargs):
        if kwargs.get("dest"):
            self._actions.append(Action([], kwargs["dest"]))
        return _Subparsers()

    def parse_args(self, args=None, namespace=None):
        made = Namespace() if namespace is None else namespace
        for action in self._actions:
            if action.default != SUPPRESS and not hasattr(made, action.dest):
                setattr(made, action.dest, action.default)
        for name, value in self._defaults.items():
            if not hasattr(made, name):
                setattr(made, name, value)
        return made

    def parse_known_args(self, args=None, namespace=None):
        return self.parse_args(args, namespace), []

    parse_intermixed_args = parse_args

    def print_help(self, file=None):
        return None

    def print_usage(self, file=None):
        return None

    def error(self, message):
        raise SystemExit(2)

    def exit(self, status=0, message=None):
        raise SystemExit(status)
