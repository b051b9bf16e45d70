"""Entries nobody wrote down: classes and factories of a file that no model call reached.

Order: what ``# ane: input`` comments ask for, tests, factories that need no arguments, then every nn.Module class that was
not reached, the last defined first, because it is the likeliest to use the others. Constructor parameters without a value
become symbols where they are sizes; inputs are found by probing (:mod:`ane_lsp.interp.probing`). What was assumed is told.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Span, Unknown, dims
from ane_lsp.interp.machine import Interpreter
from ane_lsp.interp.probing import CONVENTIONS, Probe, hints_in_source, probe_tensor
from ane_lsp.interp.scopes import signature_of
from ane_lsp.interp.values import MISSING, ClassObject, Function, Instance, ModuleObject, Opaque, Tensor

if TYPE_CHECKING:
    from ane_lsp.syntax.comments import Directives

Attempt = Callable[[Callable[[], Any], Span, list[str]], bool]

_FACTORIES = 8  # factories of one file that are tried
_SIZES = re.compile(
    r"(^|_)(dims?|channels?|ch|chs|features?|planes|width|size|units|hidden|embed|inner|filters|feats)($|_)"
    r"|^(in|out|c1|c2|c_in|c_out|n_embd|d_model|d_ff|dim\w*|inp|oup|in_c|out_c|nc|nf|inplanes|planes)$"
)


def discover(interp: Interpreter, module: ModuleObject, directives: Directives, attempt: Attempt) -> None:
    """Follow the entries of `module` that the script itself did not reach."""
    from ane_lsp.interp.entries import call_arguments, instantiate

    definitions = _definitions(interp, module)
    for node, value in definitions:
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        last = node.body[0].lineno if node.body else node.lineno
        inputs = directives.inputs_for(first, max(node.lineno, last - 1))
        if inputs is None:
            continue
        args, kwargs = call_arguments(inputs)

        def asked(value: Any = value, args: Any = args, kwargs: Any = kwargs) -> Any:
            return interp.call(instantiate(interp, value), args, kwargs)

        attempt(asked, _name_span(module, node), [])
    classes = [v for _, v in definitions if isinstance(v, ClassObject) and _has_forward(interp, v)]
    _run_functions(interp, module, definitions, classes, attempt)
    for cls in reversed(classes):
        if cls not in interp.recorder.reached and isinstance(cls.node, ast.ClassDef):
            assumed: list[str] = []
            attempt(lambda c=cls, a=assumed: _run_class(interp, c, a), _name_span(module, cls.node), assumed)  # type: ignore[misc]


Definition = tuple["ast.ClassDef | ast.FunctionDef", Any]


def _definitions(interp: Interpreter, module: ModuleObject) -> list[Definition]:
    """Top-level classes and functions of a file with what their names stand for: decorators may have replaced them."""
    tree = interp.tree_of(module)
    found: list[Definition] = []
    for node in tree.body if tree is not None else []:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            value = module.namespace.get(node.name)
            if value is not None and not isinstance(value, Unknown):
                found.append((node, value))
    return found


def _name_span(module: ModuleObject, node: ast.ClassDef | ast.FunctionDef) -> Span:
    return Span(str(module.path), node.lineno, node.col_offset, node.lineno, node.col_offset + len(node.name))


def _has_forward(interp: Interpreter, cls: ClassObject) -> bool:
    if not interp.is_nn_module(cls) or cls.module.is_torch:
        return False
    found = cls.lookup("forward")
    return isinstance(found, Function) and not _is_abstract(found)


def _is_abstract(func: Function) -> bool:
    body = func.node.body
    statements = body if isinstance(body, list) else []
    real = [s for s in statements if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return not real or (len(real) == 1 and isinstance(real[0], (ast.Pass, ast.Raise)))


def _run_functions(
    interp: Interpreter,
    module: ModuleObject,
    definitions: list[Definition],
    classes: list[ClassObject],
    attempt: Attempt,
) -> None:
    """Tests, and factories that need no arguments, as long as they reach classes nothing reached before."""
    tried = 0
    for node, value in definitions:
        if not isinstance(node, ast.FunctionDef):
            continue
        if all(c in interp.recorder.reached for c in classes) or not classes:
            return
        if _required(node) or node.name.startswith("_") or not _makes_models(node):
            continue
        tried += 1
        if tried > _FACTORIES:
            return
        before = len(interp.recorder.reached)
        assumed: list[str] = []
        attempt(lambda v=value, a=assumed: _run_factory(interp, v, a), _name_span(module, node), assumed)  # type: ignore[misc]
        if len(interp.recorder.reached) == before and tried >= 3:
            return


def _makes_models(node: ast.FunctionDef) -> bool:
    """Whether a function may return or call a model: a test, or something that returns a call's result."""
    if node.name.startswith("test"):
        return True
    return any(isinstance(n, ast.Return) and isinstance(n.value, (ast.Call, ast.Name)) for n in ast.walk(node))


def _required(node: Any, skip: int = 0) -> list[ast.arg]:
    """Parameters without default, `self` left out with ``skip=1``."""
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    cut = len(positional) - len(args.defaults)
    missing = [a for a, d in zip(args.kwonlyargs, args.kw_defaults) if d is None]
    return [*positional[skip:cut], *missing]


def _run_factory(interp: Interpreter, func: Any, assumed: list[str]) -> Any:
    made = interp.call(func, ())
    if isinstance(made, Instance) and interp.is_nn_module(made.cls) and made.cls not in interp.recorder.reached:
        return call_probed(interp, made, assumed)
    return made


def _run_class(interp: Interpreter, cls: ClassObject, assumed: list[str]) -> Any:
    args = assumed_arguments(interp, cls, assumed)
    made = interp.call(cls, (), args)
    if isinstance(made, Instance):
        return call_probed(interp, made, assumed)
    return made


def assumed_arguments(interp: Interpreter, cls: ClassObject, assumed: list[str]) -> dict[str, Any]:
    """Values for the constructor parameters of `cls` that have none."""
    init = cls.lookup("__init__")
    if not isinstance(init, Function):
        return {}
    values: dict[str, Any] = {}
    for parameter in _required(init.node, skip=1):
        name = parameter.arg
        value = _assumed_value(interp, cls, init, parameter)
        values[name] = value
        if isinstance(value, dims.Sym):
            assumed.append(f"{name} is a symbol: the constructor gives it no value")
        elif isinstance(value, Instance):
            assumed.append(f"{name} is {value.cls.name}() with its defaults")
        else:
            assumed.append(f"{name} is unknown: the constructor gives it no value")
    return values


def _assumed_value(interp: Interpreter, cls: ClassObject, init: Function, parameter: ast.arg) -> Any:
    name = parameter.arg
    note = parameter.annotation
    text = ast.unparse(note) if note is not None else ""
    if text in ("int", "Optional[int]", "int | None") or (not text and _SIZES.search(name)):
        return dims.symbol(name)
    configuration = _configuration(interp, cls, init, note, name)
    if configuration is not None:
        return configuration
    return Unknown(
        f"`{name}` of {cls.name} has no value here; add an entry or a default", interp.span_of(init, parameter)
    )


def _configuration(
    interp: Interpreter, cls: ClassObject, init: Function, note: ast.expr | None, name: str
) -> Instance | None:
    """A configuration object built from its own defaults, where the annotation or the class names one."""
    candidates: list[Any] = []
    if note is not None:
        candidates.append(interp.annotation(note, interp.frame_in(init.module)))
    if name in ("config", "cfg", "configuration", "args", "params"):
        candidates.append(cls.lookup("config_class"))
        candidates.append(next((c.lookup("config_class") for c in cls.mro[1:] if isinstance(c, ClassObject)), MISSING))
        configs = [
            v for k, v in cls.module.namespace.items()
            if isinstance(v, ClassObject) and k.lower().endswith(("config", "args", "configuration"))
        ]  # fmt: skip
        if len(configs) == 1:
            candidates.append(configs[0])
    for candidate in candidates:
        if isinstance(candidate, Opaque) and candidate.name.isidentifier():
            candidate = interp.load_global(candidate.name, init.module)
        if isinstance(candidate, ClassObject) and not interp.is_nn_module(candidate):
            made = interp.call(candidate, ())
            if isinstance(made, Instance):
                return made
    return None


def call_probed(interp: Interpreter, model: Instance, assumed: list[str]) -> Any:
    """Call a model on inputs found by probing its forward."""
    forward = _undecorated(model.cls.lookup("forward"))
    if not isinstance(forward, Function) or isinstance(forward.node, ast.Lambda):
        return None
    if interp.is_nn_module(model.cls):
        interp.call(interp.getattr(model, "eval"), ())  # what is converted is never in training mode
    example = _example_call(interp, model)
    if example is not None:
        assumed.append("inputs: its example_input_array")
        return interp.call(model, *example)
    hints = hints_in_source(forward.node, model.cls.node)
    parameters = _required(forward.node, skip=1) or _main_inputs(model, forward.node)
    plain = {p.arg: _plain_value(p) for p in parameters}
    probes = {p.arg: hints.get(p.arg) or _picture(interp, model, p.arg) for p in parameters if plain[p.arg] is MISSING}
    if any(probe.type() is None or probe.told in ("", "its name") for probe in probes.values()):
        _probe(interp, model, {**plain, **{name: probe_tensor(probe) for name, probe in probes.items()}}, probes)
    inputs: dict[str, Any] = {}
    for parameter in parameters:
        name = parameter.arg
        if name not in probes:
            inputs[name] = plain[name]
            continue
        probe = probes[name]
        kind = probe.type()
        if kind is None:
            unknown = probe_tensor(Probe(name))
            unknown.why = Unknown(
                f"nothing tells the shape of `{name}`; add an entry or a hint", interp.span_of(forward, parameter)
            )
            inputs[name] = unknown
            assumed.append(f"nothing tells the shape of `{name}`")
        else:
            inputs[name] = Tensor(kind, "input")
            assumed.append(f"{name}: {kind} ({probe.told or 'its name'})")
    signature = signature_of(forward.node)
    ordered = tuple(inputs[n] for n in signature.positional[1:] if n in inputs)
    return interp.call(model, ordered, {n: v for n, v in inputs.items() if n not in signature.positional})


def _example_call(interp: Interpreter, model: Instance) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The call that a Lightning module's ``example_input_array`` stands for; None where it has none that is known."""
    example = interp.getattr(model, "example_input_array", None)
    if isinstance(example, Tensor):
        return (example,), {}
    if isinstance(example, dict) and example and all(isinstance(name, str) for name in example):
        return (), example
    if isinstance(example, (tuple, list)) and any(isinstance(value, Tensor) for value in example):
        return tuple(example), {}
    return None


def _undecorated(func: Any) -> Any:
    """The function behind wrappers that name it (``functools.wraps``): its parameters are the ones callers see."""
    for _ in range(8):
        inner = func.attrs.get("__wrapped__") if isinstance(func, Function) else None
        if inner is None:
            break
        func = inner
    return func


def _main_inputs(model: Instance, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """What to pass to a forward whose every parameter has a default: the input its class or convention calls the main one."""
    main = model.cls.lookup("main_input_name")
    parameters = [*node.args.posonlyargs, *node.args.args][1:]
    names = [p.arg for p in parameters]
    chosen = main if isinstance(main, str) and main in names else next((n for n in names if n in CONVENTIONS), None)
    return [p for p in parameters if p.arg == chosen or (p.arg == "decoder_input_ids" and chosen is not None)]


def _picture(interp: Interpreter, model: Instance, name: str) -> Probe:
    """A probe for one input; pictures take their size from the model's configuration, where it has one."""
    config = model.attrs.get("config")
    if name == "pixel_values" and isinstance(config, Instance):
        size = interp.getattr(config, "image_size", None)
        channels = interp.getattr(config, "num_channels", None)
        height, width = size if isinstance(size, (list, tuple)) and len(size) == 2 else (size, size)
        if all(isinstance(v, int) for v in (channels, height, width)):
            return Probe(name, 4, ("B", str(channels), str(height), str(width)), told="the model's configuration")
    return Probe(name)


def _plain_value(parameter: ast.arg) -> Any:
    """A value for a forward parameter that is not a tensor, MISSING for one that may be."""
    text = ast.unparse(parameter.annotation) if parameter.annotation is not None else ""
    if text == "int":
        return dims.symbol(parameter.arg)
    if text in ("bool", "str", "float"):
        return Unknown(f"`{parameter.arg}` has no value here")
    return MISSING


def _probe(interp: Interpreter, model: Instance, inputs: dict[str, Any], probes: dict[str, Probe]) -> None:
    """Run the forward on probes; its graph is thrown away."""
    from ane_lsp.interp.entries import guarded_inline

    recorder = interp.recorder
    kept = recorder.snapshot()
    interp.probing = True
    try:
        with interp.step_limit(300_000):
            guarded_inline(interp, lambda: interp.call(model, (), inputs), [])
    finally:
        interp.probing = False
        recorder.restore(kept)
