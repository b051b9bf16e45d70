"""The classes of inspect, as interpreted source; the signatures themselves are read natively."""

from collections import OrderedDict, namedtuple


class _empty:
    pass


class _Kind:
    def __init__(self, name, value):
        self.name = name
        self.value = value
        self.description = name.lower().replace("_", " ")

    def __str__(self):
        return self.name

    def __repr__(self):
        return f"<_ParameterKind.{self.name}: {self.value}>"

    def __lt__(self, other):
        return self.value < other.value


class Parameter:
    POSITIONAL_ONLY = _Kind("POSITIONAL_ONLY", 0)
    POSITIONAL_OR_KEYWORD = _Kind("POSITIONAL_OR_KEYWORD", 1)
    VAR_POSITIONAL = _Kind("VAR_POSITIONAL", 2)
    KEYWORD_ONLY = _Kind("KEYWORD_ONLY", 3)
    VAR_KEYWORD = _Kind("VAR_KEYWORD", 4)
    empty = _empty

    def __init__(self, name, kind, *, default=_empty, annotation=_empty):
        self.name = name
        self.kind = kind
        self.default = default
        self.annotation = annotation

    def replace(self, **changes):
        name = changes.get("name", self.name)
        kind = changes.get("kind", self.kind)
        default = changes.get("default", self.default)
        return Parameter(name, kind, default=default, annotation=changes.get("annotation", self.annotation))

    def __eq__(self, other):
        return self.name == other.name and self.kind is other.kind and self.default == other.default


class BoundArguments:
    def __init__(self, signature, arguments):
        self.signature = signature
        self.arguments = arguments

    @property
    def args(self):
        out = []
        for name, parameter in self.signature.parameters.items():
            if parameter.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD) or name not in self.arguments:
                break
            if parameter.kind is Parameter.VAR_POSITIONAL:
                out.extend(self.arguments[name])
            else:
                out.append(self.arguments[name])
        return tuple(out)

    @property
    def kwargs(self):
        out = {}
        keyword = False
        for name, parameter in self.signature.parameters.items():
            if parameter.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD) or name not in self.arguments:
                keyword = True
            if keyword and name in self.arguments:
                if parameter.kind is Parameter.VAR_KEYWORD:
                    out.update(self.arguments[name])
                else:
                    out[name] = self.arguments[name]
        return out

    def apply_defaults(self):
        filled = {}
        for name, parameter in self.signature.parameters.items():
            if name in self.arguments:
                filled[name] = self.arguments[name]
            elif parameter.default is not _empty:
                filled[name] = parameter.default
            elif parameter.kind is Parameter.VAR_POSITIONAL:
                filled[name] = ()
            elif parameter.kind is Parameter.VAR_KEYWORD:
                filled[name] = {}
        self.arguments = filled


class Signature:
    empty = _empty

    def __init__(self, parameters=None, *, return_annotation=_empty):
        self.parameters = OrderedDict((p.name, p) for p in parameters or ())
        self.return_annotation = return_annotation

    def replace(self, **changes):
        return Signature(
            changes.get("parameters", list(self.parameters.values())),
            return_annotation=changes.get("return_annotation", self.return_annotation),
        )

    def _bind(self, args, kwargs, partial):
        arguments = {}
        args = list(args)
        kwargs = dict(kwargs)
        for name, parameter in self.parameters.items():
            kind = parameter.kind
            if kind is Parameter.VAR_POSITIONAL:
                if args:
                    arguments[name] = tuple(args)
                    args = []
            elif kind is Parameter.VAR_KEYWORD:
                if kwargs:
                    arguments[name] = kwargs
                    kwargs = {}
            elif args and kind is not Parameter.KEYWORD_ONLY:
                if name in kwargs and kind is not Parameter.POSITIONAL_ONLY:
                    raise TypeError(f"multiple values for argument {name!r}")
                arguments[name] = args.pop(0)
            elif name in kwargs and kind is not Parameter.POSITIONAL_ONLY:
                arguments[name] = kwargs.pop(name)
            elif parameter.default is _empty and not partial:
                raise TypeError(f"missing a required argument: {name!r}")
        if args:
            raise TypeError("too many positional arguments")
        if kwargs:
            raise TypeError(f"got an unexpected keyword argument {next(iter(kwargs))!r}")
        return BoundArguments(self, arguments)

    def bind(self, /, *args, **kwargs):
        return self._bind(args, kwargs, False)

    def bind_partial(self, /, *args, **kwargs):
        return self._bind(args, kwargs, True)


FullArgSpec = namedtuple("FullArgSpec", "args varargs varkw defaults kwonlyargs kwonlydefaults annotations")


def module_call(self, *args, **kwargs):
    """What calling a module is for who asks: torch's own function, whatever its forward takes."""


class frame:
    """What runs: its module and who called it are known, the rest is set from outside as unknown."""

    @property
    def f_globals(self):
        return vars(self._module)

    @property
    def f_back(self):
        return self._caller()
