"""Values for constructor parameters that nobody gives one: symbols for sizes, configurations with their own defaults."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Span, Unknown, dims
from ane_lsp.interp.classes import functions_of
from ane_lsp.interp.imports import is_stub
from ane_lsp.interp.parameter_uses import first_choice, is_no_number
from ane_lsp.interp.scopes import keys_read, with_defaults
from ane_lsp.interp.values import MISSING, ClassObject, Function, Instance, Opaque, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_SIZES = re.compile(
    r"(^|_)(dims?|channels?|ch|chs|features?|planes|width|size|units|hidden|embed|inner|filters|feats|heads|groups|kernel|stride)($|_)"
    r"|^(num|n)_[a-z_]+$|^(in|out|c\d|c_in|c_out|n_?class(es)?|chans|in_chans|out_chans|max_len|seq_len|n_embd|d_model|d_ff|dim\w*|inp|oup|in_c|out_c|nc|nf|inplanes|planes|vocab_size|n_heads?|k|ks)$"
)
# How many layers of a kind there are: a list needs a length, and no size depends on it.
_COUNTS = re.compile(
    r"^(n|num|n_|num_)(hidden_)?(layers?|blocks?|stages?|repeats?|resnets?)$"
    r"|^(hidden_)?(layers|blocks|stages|repeats|resnets)$|^(depth|num_res_blocks)$"
)
_COUNT = 2
_OF_PICTURES = {"spatial_dims": 2}  # of 1, 2 and 3, what MONAI's networks are asked for first
_CONFIGURATIONS = frozenset({"config", "cfg", "configuration", "args", "params", "hparams", "conf", "model_args"})
_CONFIG_CLASS = re.compile(r"(config|configuration|args|arguments|hparams)$", re.I)
_TRIES = 24  # arguments that a constructor asks for one after the other


def required(node: Any, skip: int = 0) -> list[ast.arg]:
    """Parameters without default, `self` left out with ``skip=1``."""
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    cut = len(positional) - len(args.defaults)
    missing = [a for a, d in zip(args.kwonlyargs, args.kw_defaults) if d is None]
    return [*positional[skip:cut], *missing]


def build(interp: Interpreter, cls: ClassObject, assumed: list[str]) -> Any:
    """An instance of `cls`; what had to be assumed for it is added to `assumed`."""
    values = assumed_arguments(interp, cls, assumed)
    init = cls.lookup("__init__")
    if not isinstance(init, Function) or isinstance(init.node, ast.Lambda):
        return interp.call(cls, (), values)
    for _ in range(_TRIES):
        frame = interp.frame
        try:
            return interp.call(cls, (), dict(values))
        except PyRaise as raised:
            interp.back_to(frame)
            if not _give_more(interp, cls, init, raised, values, assumed):
                raise
    return interp.call(cls, (), values)


def _give_more(
    interp: Interpreter, cls: ClassObject, init: Function, raised: PyRaise, values: dict[str, Any], assumed: list[str]
) -> bool:
    """Give a constructor what its failure asks for. False where that is nothing new."""
    before = len(values)
    numbers = _no_numbers(interp, raised, values)
    for name in numbers:
        values[name] = Unknown(f"`{name}` of {cls.name} has no value here; add an entry or a default")
        assumed[:] = [text for text in assumed if not text.startswith(f"{name} is ")]
        assumed.append(f"{name} is unknown: the constructor gives it no value")
    asked = _asked_for(cls, init, interp.describe(raised.value))
    if asked is not None and asked not in values:
        _assume(interp, cls, asked, values, assumed)
        return True
    for name, value in _asserted(init, raised).items():
        if name not in values:
            values[name] = value
            symbol = isinstance(value, dims.Sym)
            how = (
                "is a symbol: the constructor refuses its default"
                if symbol
                else f"is taken as {value!r}: the constructor asserts that"
            )
            assumed.append(f"{name} {how}")
    for parameter in _refused_defaults(init, raised.span):
        if parameter.arg not in values:
            values[parameter.arg] = _told(interp, cls, init, parameter, assumed, "the constructor fails without it")
    return bool(numbers) or len(values) > before


def _asked_for(cls: ClassObject, init: Function, error: str) -> str | None:
    """The argument that a constructor misses which takes any by ``**kwargs``: a base insists on it, or it is read from those."""
    if init.node.args.kwarg is None:
        return None
    missing = re.search(r"__init__\(\) missing required (?:keyword-only )?argument: '(\w+)'", error)
    if missing is not None:
        return missing[1]
    key = missing_key(error)
    if key is None:
        return None
    inits = [base.namespace.get("__init__") for base in cls.mro if isinstance(base, ClassObject)]
    read = [
        keys_read(made.node).get(made.node.args.kwarg.arg, set())
        for made in inits
        if isinstance(made, Function) and made.node.args.kwarg is not None
    ]
    return key if any(key in keys for keys in read) else None


def missing_key(error: str) -> str | None:
    """The key whose absence a description of an exception tells of."""
    found = re.fullmatch(r"KeyError: '?(\w+)'?", error)
    return found[1] if found is not None else None


def _asserted(init: Function, raised: PyRaise) -> dict[str, Any]:
    """What an assertion that ended a constructor wants parameters to be which have another constant by default; a symbol where that
    is any number but a few."""
    place = raised.span
    if place is None or place.file != init.module.path or not isinstance(raised.value, AssertionError):
        return {}
    tests = [n.test for n in ast.walk(init.node) if isinstance(n, ast.Assert) and _around(n, place)]
    wanted: dict[str, Any] = {}
    for test in tests:
        for part in test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]:
            if isinstance(part, ast.Name):
                wanted[part.id] = True
            elif isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not) and isinstance(part.operand, ast.Name):
                wanted[part.operand.id] = False
            elif isinstance(part, ast.Compare) and isinstance(part.left, ast.Name):
                name, other = part.left.id, part.comparators[0]
                if isinstance(part.ops[0], ast.Eq) and isinstance(other, ast.Constant):
                    wanted[name] = other.value
                elif isinstance(part.ops[0], (ast.NotEq, ast.Gt)) and getattr(other, "value", None).__class__ is int:
                    wanted[name] = dims.symbol(name)
    constant = {
        p.arg
        for p, default in with_defaults(init.node.args)
        if isinstance(default, ast.Constant) and default.value is not None
    }
    return {name: value for name, value in wanted.items() if name in constant}


def _refused_defaults(init: Function, place: Span | None) -> list[ast.arg]:
    """Parameters of a constructor that failed at `place` which are None or empty by default, as something that has to be given is often
    declared: those that the expression there, or a condition around it, speaks of."""
    node = init.node
    if place is None or place.file != init.module.path or not (node.lineno <= place.line <= (node.end_lineno or 0)):
        return []
    around = [n.test for n in ast.walk(node) if isinstance(n, ast.If) and _around(n, place)]
    spoken = [n for n in ast.walk(node) if isinstance(n, ast.expr) and _within(n, place)]
    parts = [n for part in (*around, *spoken) for n in ast.walk(part)]
    names = {n.id for n in parts if isinstance(n, ast.Name)}
    kept = {n.attr for n in parts if isinstance(n, ast.Attribute)}  # under which it is kept: `self.params = params`
    names |= kept  # or under its own name, as all of locals()
    names |= {
        n.value.id
        for n in ast.walk(node)
        if isinstance(n, ast.Assign)
        and isinstance(n.value, ast.Name)
        and any(getattr(t, "attr", None) in kept for t in n.targets)
    }
    return [p for p, default in with_defaults(node.args) if p.arg in names and _says_nothing(default)]


_USED_AS_NO_NUMBER = re.compile(
    r"TypeError: (object of type )?'int' (object is not (subscriptable|iterable)|has no len\(\))"
)


def _no_numbers(interp: Interpreter, raised: PyRaise, values: dict[str, Any]) -> list[str]:
    """Parameters that were taken for numbers and are none: what the constructor calls takes their items or goes through them, by
    the same names."""
    place = raised.span
    if place is None or _USED_AS_NO_NUMBER.match(interp.describe(raised.value)) is None:
        return []
    spoken = _words(interp, place)
    return [name for name, value in values.items() if name in spoken and isinstance(value, (int, dims.Sym))]


def _words(interp: Interpreter, place: Span) -> set[str]:
    """The names in the expression at a place of the trees that were run. The text may have other lines by now."""
    found: set[str] = set()
    for function in functions_of(interp.modules.values(), {place.file}):
        parts = ast.walk(function.node) if _around(function.node, place) else ()
        for part in parts:
            if isinstance(part, (ast.expr, ast.keyword)) and _within(part, place):
                name = part.id if isinstance(part, ast.Name) else getattr(part, "attr", getattr(part, "arg", None))
                if isinstance(name, str):
                    found.add(name)
    return found


def _around(node: ast.stmt | ast.expr, place: Span) -> bool:
    return node.lineno <= place.line and place.end_line <= (node.end_lineno or node.lineno)


def _within(node: ast.expr | ast.keyword, place: Span) -> bool:
    first, last = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    return (place.line, place.col) <= first and last <= (place.end_line, place.end_col)


def _says_nothing(default: ast.expr | None) -> bool:
    """Whether a default is None or an empty container."""
    if isinstance(default, ast.Constant):
        return default.value is None
    return isinstance(default, (ast.Tuple, ast.List)) and not default.elts


def _assume(interp: Interpreter, cls: ClassObject, name: str, values: dict[str, Any], assumed: list[str]) -> None:
    for base in cls.mro[1:]:
        init = base.namespace.get("__init__") if isinstance(base, ClassObject) else None
        if isinstance(init, Function):
            for parameter in required(init.node, skip=1):
                if parameter.arg == name:
                    values[name] = _told(interp, cls, init, parameter, assumed)
                    return
    values[name] = Unknown(f"`{name}` of {cls.name} has no value here; add an entry or a default")
    assumed.append(f"{name} is unknown: the constructor gives it no value")


def assumed_arguments(interp: Interpreter, cls: ClassObject, assumed: list[str]) -> dict[str, Any]:
    """Values for the constructor parameters of `cls` that have none."""
    init = cls.lookup("__init__")
    if not isinstance(init, Function):
        return {}
    return {p.arg: _told(interp, cls, init, p, assumed) for p in required(init.node, skip=1)}


def _told(
    interp: Interpreter,
    cls: ClassObject,
    init: Function,
    parameter: ast.arg,
    assumed: list[str],
    why: str = "the constructor gives it no value",
) -> Any:
    """The assumed value of a parameter, which is also told, with the reason why one is assumed."""
    name = parameter.arg
    choice = first_choice(interp, cls, init, name)
    if choice is not MISSING:
        assumed.append(f"{name} is taken as {choice!r}, the first that the constructor knows: it is given no value")
        return choice
    if name in _OF_PICTURES:
        assumed.append(f"{name} is taken as {_OF_PICTURES[name]}, as for pictures: {why}")
        return _OF_PICTURES[name]
    value = _assumed_value(interp, cls, init, parameter, assumed)
    if type(value) is int:
        assumed.append(f"{name} is taken as {value}: {why}, and lists need a length")
    elif isinstance(value, dims.Sym):
        assumed.append(f"{name} is a symbol: {why}")
    elif isinstance(value, Instance):
        assumed.append(f"{name} is {value.cls.name}() with its defaults")
    else:
        assumed.append(f"{name} is unknown: {why}")
    return value


def _assumed_value(
    interp: Interpreter, cls: ClassObject, init: Function, parameter: ast.arg, assumed: list[str]
) -> Any:
    name = parameter.arg
    note = parameter.annotation
    text = ast.unparse(note).strip("'\"") if note is not None else ""
    other = not text and is_no_number(interp, cls, init, name)
    if text in ("int", "") and _COUNTS.search(name) and not other:
        return _COUNT
    if text in ("int", "Optional[int]", "int | None") or (not text and _SIZES.search(name) and not other):
        return dims.symbol(name)
    configuration = _configuration(interp, cls, init, note, name, assumed)
    if configuration is not None:
        return configuration
    reason = f"`{name}` of {cls.name} has no value here; add an entry or a default"
    return Unknown(reason, interp.span_of(init, parameter), number=text in ("float", "int | float", "float | int"))


def _configuration(
    interp: Interpreter, cls: ClassObject, init: Function, note: ast.expr | None, name: str, assumed: list[str]
) -> Instance | None:
    """A configuration object built from its own defaults, where the annotation or the class names one."""
    candidates: list[Any] = []
    if note is not None:
        candidates.append(interp.annotation(note, interp.frame_in(init.module)))
    if name in _CONFIGURATIONS or name.endswith(("_config", "_cfg")):
        if name in _CONFIGURATIONS:
            candidates.append(cls.lookup("config_class"))
            bases = (c.lookup("config_class") for c in cls.mro[1:] if isinstance(c, ClassObject))
            candidates.append(next(bases, MISSING))
        candidates.extend(_named_alike(interp, cls))
    for candidate in candidates:
        if isinstance(candidate, Opaque) and candidate.name.isidentifier():
            candidate = interp.load_global(candidate.name, init.module)
        if isinstance(candidate, ClassObject) and not interp.is_nn_module(candidate):
            if is_stub(candidate.module.path or ""):  # omegaconf's DictConfig is called like one, too
                continue
            made = _made(interp, candidate, assumed)
            if made is not None:
                return made
    return None


def _made(interp: Interpreter, configuration: ClassObject, assumed: list[str]) -> Instance | None:
    """A configuration with its defaults, sizes that have none as symbols; None where it cannot be made."""
    frame = interp.frame
    init = configuration.lookup("__init__")
    values: dict[str, Any] = {}
    if isinstance(init, Function):
        for parameter in required(init.node, skip=1):
            text = ast.unparse(parameter.annotation).strip("'\"") if parameter.annotation is not None else ""
            if text == "int" or (not text and _SIZES.search(parameter.arg)):
                values[parameter.arg] = dims.symbol(parameter.arg)
            else:
                values[parameter.arg] = Unknown(f"`{parameter.arg}` of {configuration.name} has no default")
    try:
        made = interp.call(configuration, (), values)
    except PyRaise:
        interp.back_to(frame)
        return None
    if not isinstance(made, Instance) or (isinstance(made.data, dict) and not made.data):
        return None  # what a table holds is for others to say
    assumed.extend(f"{configuration.name}.{name} has no default" for name in values)
    return made


def _named_alike(interp: Interpreter, cls: ClassObject) -> list[ClassObject]:
    """Configuration classes that the module of `cls` defines or imports: the only one, or the one named most like it."""
    found: list[ClassObject] = []
    for key in [k for k in cls.module.namespace if _CONFIG_CLASS.search(k)]:
        value = interp.load_global(key, cls.module)
        if isinstance(value, ClassObject) and value not in found and not interp.is_nn_module(value):
            found.append(value)
    own = [c for c in found if c.module is cls.module]
    if len(own) == 1 or len(found) == 1:
        return own[:1] or found

    def shared(other: ClassObject) -> int:
        pairs = zip(cls.name, other.name)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(cls.name), len(other.name)))

    found.sort(key=shared, reverse=True)
    if found and shared(found[0]) >= 3 and (len(found) == 1 or shared(found[0]) > shared(found[1])):
        return found[:1]
    return []


__all__ = ["assumed_arguments", "build", "required"]
