"""Values for constructor parameters that nobody gives one: symbols for sizes, configurations with their own defaults."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Span, Unknown, dims
from ane_lsp.interp.scopes import with_defaults
from ane_lsp.interp.values import MISSING, ClassObject, Function, Instance, Opaque, PyRaise

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_SIZES = re.compile(
    r"(^|_)(dims?|channels?|ch|chs|features?|planes|width|size|units|hidden|embed|inner|filters|feats|heads|groups|kernel|stride)($|_)"
    r"|^(in|out|c1|c2|c_in|c_out|n_embd|d_model|d_ff|dim\w*|inp|oup|in_c|out_c|nc|nf|inplanes|planes|vocab_size|n_heads?|k|ks)$"
)
# How many layers of a kind there are: a list needs a length, and no size depends on it.
_COUNTS = re.compile(
    r"^(n|num|n_|num_)(hidden_)?(layers?|blocks?|stages?|repeats?|resnets?)$"
    r"|^(hidden_)?(layers|blocks|stages|repeats|resnets)$|^(depth|num_res_blocks)$"
)
_COUNT = 2
_CONFIGURATIONS = frozenset({"config", "cfg", "configuration", "args", "params", "hparams", "conf", "model_args"})
_CONFIG_CLASS = re.compile(r"(config|configuration|args|arguments|hparams)$", re.I)
_TRIES = 8  # arguments that a base class asks for through **kwargs


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
            # The class hands its **kwargs on, and a base insists on one more.
            found = re.search(r"__init__\(\) missing required argument: '(\w+)'", interp.describe(raised.value))
            asked = found[1] if found is not None and init.node.args.kwarg and found[1] not in values else None
            wanted = [p for p in _refused_defaults(init, raised.span) if p.arg not in values]
            numbers = _no_numbers(interp, raised, values)
            if asked is None and not wanted and not numbers:
                raise
            interp.back_to(frame)
            for name in numbers:
                values[name] = Unknown(f"`{name}` of {cls.name} has no value here; add an entry or a default")
                assumed[:] = [text for text in assumed if not text.startswith(f"{name} is ")]
                assumed.append(f"{name} is unknown: the constructor gives it no value")
            if asked is not None:
                _assume(interp, cls, asked, values, assumed)
                continue
            for parameter in wanted:
                values[parameter.arg] = _told(interp, cls, init, parameter, assumed, "the constructor fails without it")
    return interp.call(cls, (), values)


def _refused_defaults(init: Function, place: Span | None) -> list[ast.arg]:
    """Parameters of a constructor that failed at `place` which are None or empty by default, as something that has to be given is often
    declared: those that the expression there, or a condition around it, speaks of."""
    node = init.node
    if place is None or place.file != init.module.path or not (node.lineno <= place.line <= (node.end_lineno or 0)):
        return []
    around = [n.test for n in ast.walk(node) if isinstance(n, ast.If) and _covers(n, place)]
    spoken = [n for n in ast.walk(node) if isinstance(n, ast.expr) and _within(n, place)]
    names = {n.id for part in (*around, *spoken) for n in ast.walk(part) if isinstance(n, ast.Name)}
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
    line = interp.workspace.read(Path(place.file)).lines.line(place.line)
    spoken = line[place.col : place.end_col if place.end_line == place.line else None]
    return [name for name in re.findall(r"[^\W\d]\w*", spoken) if isinstance(values.get(name), (int, dims.Sym))]


def _covers(node: ast.stmt, place: Span) -> bool:
    return node.lineno <= place.line and place.end_line <= (node.end_lineno or node.lineno)


def _within(node: ast.expr, place: Span) -> bool:
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
    interp.looked_into(init)
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
    choice = _first_choice(interp, cls, init, name)
    if choice is not MISSING:
        assumed.append(f"{name} is taken as {choice!r}, the first that the constructor knows: it is given no value")
        return choice
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


def _first_choice(interp: Interpreter, cls: ClassObject, init: Function, name: str) -> Any:
    """What a parameter may be where the constructor looks it up in a table or among values that are written out (``{18: ..., 34:
    ...}[depth]``, ``if depth not in (18, 34)``): the first. MISSING where it does not."""
    for node in ast.walk(init.node):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)) and _is(node.left, name):
            found = _written_out(interp, cls, init, node.comparators[0], False)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is(node.slice, name):
            found = _written_out(interp, cls, init, node.value, True)
        else:
            continue
        if found and all(type(value) in (str, int) for value in found):
            return found[0]
    return MISSING


def _is_no_number(init: Function, name: str) -> bool:
    """Whether a constructor uses a parameter as no number can be, by its name or that of the attribute it is kept under: takes an item
    of it, goes through it, calls it. Where it tells cases apart, it may be one."""
    nodes = list(ast.walk(init.node))
    if any(
        isinstance(node, ast.Assert) and _is_told_apart(node.test, name, ("tuple", "list", "dict")) for node in nodes
    ):
        return True
    kept: set[str] = set()
    for node in nodes:
        if _is_told_apart(node, name):
            return False
        if isinstance(node, ast.Assign):
            if any(_is(target, name) for target in node.targets):
                return False
            if _is(node.value, name):
                kept |= {target.attr for target in node.targets if isinstance(target, ast.Attribute)}

    def meant(node: ast.expr | None) -> bool:
        return node is not None and (_is(node, name) or (isinstance(node, ast.Attribute) and node.attr in kept))

    return any(_as_no_number(node, meant) for node in nodes)


def _is_told_apart(node: ast.AST, name: str, kinds: tuple[str, ...] = ()) -> bool:
    """Whether a node is ``isinstance(name, ...)``, with one of these classes if any are given."""
    called = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance" and len(node.args) == 2
    if not called or not _is(node.args[0], name):  # type: ignore[attr-defined]
        return False
    return not kinds or getattr(node.args[1], "id", "") in kinds  # type: ignore[attr-defined]


_GO_THROUGH = frozenset(
    {"all", "any", "enumerate", "iter", "len", "list", "reversed", "set", "sorted", "sum", "tuple", "zip"}
)


def _as_no_number(node: ast.AST, meant: Callable[[ast.expr | None], bool]) -> bool:
    """Whether a node does what cannot be done with a number, with an expression that is meant."""
    if isinstance(node, (ast.Subscript, ast.Starred)):
        return meant(node.value)
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and meant(node.value)
    if isinstance(node, (ast.For, ast.comprehension)):
        return meant(node.iter)
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], (ast.Tuple, ast.List)) and meant(node.value)
    if isinstance(node, ast.Call):
        return meant(node.func) or (getattr(node.func, "id", "") in _GO_THROUGH and any(map(meant, node.args)))
    return False


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _written_out(interp: Interpreter, cls: ClassObject, init: Function, node: ast.expr, table: bool) -> list[Any]:
    """The keys of a table, or the items of what else is written out; empty where it is not. table: it has to be one."""
    value: Any = MISSING
    if isinstance(node, ast.Name):
        local = [
            n.value
            for n in ast.walk(init.node)
            if isinstance(n, ast.Assign) and any(_is(t, node.id) for t in n.targets)
        ]
        if local:
            node = local[0]
        else:
            value = interp.load_global(node.id, init.module)
    elif (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls", cls.name)
    ):
        value = cls.lookup(node.attr)
    written = node.keys if isinstance(node, ast.Dict) else None
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)) and not table:
        written = list(node.elts)
    if written is not None:
        return [item.value if isinstance(item, ast.Constant) else None for item in written]
    allowed = (dict,) if table else (dict, list, tuple, set, frozenset)
    return list(value) if isinstance(value, allowed) else []


def _assumed_value(
    interp: Interpreter, cls: ClassObject, init: Function, parameter: ast.arg, assumed: list[str]
) -> Any:
    name = parameter.arg
    note = parameter.annotation
    text = ast.unparse(note).strip("'\"") if note is not None else ""
    other = not text and _is_no_number(init, name)
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
