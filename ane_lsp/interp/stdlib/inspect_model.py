"""``inspect``: signatures of interpreted functions and classes, and the ``is...`` questions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.builtins import is_callable
from ane_lsp.interp.imports import is_stub
from ane_lsp.interp.stdlib.common import Maker, Namespace, by_name
from ane_lsp.interp.support import find_unknown, native
from ane_lsp.interp.values import (
    MISSING,
    BoundMethod,
    Builtin,
    ClassMethod,
    ClassObject,
    Function,
    Instance,
    IteratorObject,
    ModuleObject,
    NativeType,
    Opaque,
    Partial,
    Property,
    StaticMethod,
)

if TYPE_CHECKING:
    from ane_lsp.interp.frames import Frame
    from ane_lsp.interp.machine import Interpreter

_KINDS = ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "VAR_POSITIONAL", "KEYWORD_ONLY", "VAR_KEYWORD")


def _stub(interp: Interpreter, name: str) -> Any:
    return interp.getattr(interp.import_module("_ane_inspect"), name)


def parameters(interp: Interpreter, func: Function) -> list[tuple[str, str, Any, Any]]:
    """``(name, kind, default or MISSING, annotation node)`` of each parameter, in order."""
    interp.looked_at_signature(func)
    args = func.node.args
    found: list[tuple[str, str, Any, Any]] = []
    positional = [*args.posonlyargs, *args.args]
    first = len(positional) - len(func.defaults)
    for position, arg in enumerate(positional):
        kind = _KINDS[0] if position < len(args.posonlyargs) else _KINDS[1]
        default = func.defaults[position - first] if position >= first else MISSING
        found.append((arg.arg, kind, default, arg.annotation))
    if args.vararg is not None:
        found.append((args.vararg.arg, _KINDS[2], MISSING, args.vararg.annotation))
    found += [(a.arg, _KINDS[3], func.kw_defaults.get(a.arg, MISSING), a.annotation) for a in args.kwonlyargs]
    if args.kwarg is not None:
        found.append((args.kwarg.arg, _KINDS[4], MISSING, args.kwarg.annotation))
    return found


def _target(interp: Interpreter, obj: Any, follow: bool) -> tuple[Any, int]:
    """The function behind a callable and how many leading parameters are bound already."""
    skipped = 0
    for _ in range(50):
        if isinstance(obj, BoundMethod):
            obj, skipped = obj.func, skipped + 1
        elif isinstance(obj, (StaticMethod, ClassMethod)):
            skipped += isinstance(obj, ClassMethod)
            obj = obj.func
        elif isinstance(obj, Function) and follow and "__wrapped__" in obj.attrs and "__signature__" not in obj.attrs:
            obj = obj.attrs["__wrapped__"]
        elif isinstance(obj, ClassObject):
            init = obj.lookup("__init__")
            if init is MISSING:
                maker = obj.lookup("__new__")
                init = maker.func if isinstance(maker, StaticMethod) else maker
            if init is MISSING:
                return None, 0
            obj, skipped = init, skipped + 1
        elif isinstance(obj, Instance) and interp.is_nn_module(obj.cls) and obj.cls.lookup("__call__") is MISSING:
            return _stub(interp, "module_call"), skipped + 1
        elif isinstance(obj, Instance):
            call = interp.lookup_attribute(obj, "__call__")
            if isinstance(call, BoundMethod) and isinstance(call.func, Function) and call.func.module.is_torch:
                call = interp.getattr(obj, "forward", call)
            if call is MISSING or isinstance(call, Instance):
                return MISSING, 0
            obj = call
        else:
            break
    return obj, skipped


@native("inspect.signature", strict=True)
def _signature(interp: Interpreter, obj: Any, *, follow_wrapped: Any = True, **options: Any) -> Any:
    if isinstance(obj, Partial):
        return _of_partial(interp, obj)
    if isinstance(obj, ClassObject) and obj.lookup("__signature__") is not MISSING:
        return obj.lookup("__signature__")
    func, skipped = _target(interp, obj, follow_wrapped is not False)
    if func is None:
        return _make(interp, [])
    if isinstance(func, Partial):
        return _of_partial(interp, func)
    if not isinstance(func, Function):
        return interp.unknown("the signature of something not interpreted", func if isinstance(func, Unknown) else None)
    if "__signature__" in func.attrs:
        return func.attrs["__signature__"]
    return _make(interp, _described(interp, func)[skipped:], func)


def _described(interp: Interpreter, func: Function) -> list[tuple[str, str, Any, Any]]:
    made = []
    for name, kind, default, node in parameters(interp, func):
        made.append((name, kind, default, MISSING if node is None else Opaque(ast.unparse(node))))
    return made


def _make(interp: Interpreter, described: list[tuple[str, str, Any, Any]], func: Function | None = None) -> Any:
    parameter = _stub(interp, "Parameter")
    made = []
    for name, kind, default, annotation in described:
        given = {} if default is MISSING else {"default": default}
        if annotation is not MISSING:
            given["annotation"] = annotation
        made.append(interp.call(parameter, (name, interp.getattr(parameter, kind)), given))
    returns = getattr(func.node, "returns", None) if func is not None else None
    extra = {} if returns is None else {"return_annotation": Opaque(ast.unparse(returns))}
    return interp.call(_stub(interp, "Signature"), (made,), extra)


def _of_partial(interp: Interpreter, partial: Partial) -> Any:
    func, skipped = _target(interp, partial.func, True)
    if not isinstance(func, Function):
        return interp.unknown("the signature of something not interpreted", func if isinstance(func, Unknown) else None)
    described = _described(interp, func)[skipped:]
    kept: list[tuple[str, str, Any, Any]] = []
    positional = len(partial.args)
    keyword = False
    for name, kind, default, annotation in described:
        if positional and kind in _KINDS[:2]:
            positional -= 1
            continue
        if name in partial.kwargs:
            default, kind, keyword = partial.kwargs[name], _KINDS[3], True
        elif keyword and kind == _KINDS[1]:
            kind = _KINDS[3]
        elif keyword and kind == _KINDS[2]:
            continue
        kept.append((name, kind, default, annotation))
    return _make(interp, kept)


@native("inspect.getfullargspec", strict=True)
def _getfullargspec(interp: Interpreter, func: Any) -> Any:
    target, _ = _target(interp, func, False)
    if target is None:
        return interp.call(_stub(interp, "FullArgSpec"), ([], None, None, None, [], None, {}))
    if not isinstance(target, Function):
        return interp.unknown(
            "the signature of something not interpreted", target if isinstance(target, Unknown) else None
        )
    found = parameters(interp, target)
    by_kind: dict[str, list[str]] = {kind: [n for n, k, _, _ in found if k == kind] for kind in _KINDS}
    varargs, varkw = by_kind[_KINDS[2]], by_kind[_KINDS[4]]
    return interp.call(
        _stub(interp, "FullArgSpec"),
        (
            by_kind[_KINDS[0]] + by_kind[_KINDS[1]], varargs[0] if varargs else None, varkw[0] if varkw else None,
            tuple(target.defaults) or None, by_kind[_KINDS[3]], dict(target.kw_defaults) or None, {},
        ),
        {},
    )  # fmt: skip


@native("inspect.unwrap", strict=True)
def _unwrap(interp: Interpreter, func: Any, *, stop: Any = None) -> Any:
    for _ in range(50):
        if not isinstance(func, (Function, Partial)) or "__wrapped__" not in func.attrs:
            break
        if stop is not None and interp.truth(interp.call(stop, (func,), {})) is True:
            break
        func = func.attrs["__wrapped__"]
    return func


@native("inspect.getmembers", strict=True)
def _getmembers(interp: Interpreter, object: Any, predicate: Any = None) -> Any:
    names = interp.call(_builtin("dir"), (object,), {})
    if isinstance(names, Unknown):
        return interp.unknown("the members of something not modelled", names)
    found = []
    for name in interp.iterate(names):
        value = interp.lookup_attribute(object, name)
        if value is MISSING:
            continue
        if predicate is not None:
            keep = interp.truth(interp.call(predicate, (value,), {}))
            if isinstance(keep, Unknown):
                return interp.unknown("which members a predicate keeps is not known", keep)
            if not keep:
                continue
        found.append((name, value))
    return found


def _builtin(name: str) -> Any:
    from ane_lsp.interp.builtins import BUILTINS

    return BUILTINS[name]


def frame_at(interp: Interpreter, depth: Any) -> Any:
    """``sys._getframe(depth)``, which code asks for the module it was called from."""
    if not isinstance(depth, int):
        return interp.unknown("which frame of the program this is is not known", find_unknown(depth))
    found = _countable(interp.frame)
    for _ in range(depth):
        found = _caller(found)
    return _frame_object(interp, found)


def _caller(frame: Frame | None) -> Frame | None:
    return None if frame is None or frame.function == "<module>" else _countable(frame.parent)


def _countable(frame: Frame | None) -> Frame | None:
    """None where Python has other frames than are made here: in torch, in what is modelled, in comprehensions."""
    if frame is None or frame.module.is_torch or frame.module.path is None or is_stub(frame.module.path):
        return None
    return None if frame.closure is not None and frame.closure is frame.parent and frame.code is None else frame


def _frame_object(interp: Interpreter, frame: Frame | None) -> Any:
    if frame is None:
        return interp.unknown("which frame of the program this is is not known")
    made = Instance(_stub(interp, "frame"))
    for name in ("f_code", "f_lineno", "f_locals", "f_builtins", "f_lasti", "f_trace"):
        made.attrs[name] = interp.unknown(f"{name} of a frame is not modelled")
    made.attrs["_module"] = frame.module
    made.attrs["_caller"] = Builtin("f_back", lambda interp, args, kwargs: _frame_object(interp, _caller(frame)))
    return made


def _is_frame(interp: Interpreter, value: Any) -> bool:
    return isinstance(value, Instance) and value.cls is _stub(interp, "frame")


def _question(name: str, *kinds: type) -> Builtin:
    return native(f"inspect.{name}", strict=True)(lambda interp, object: isinstance(object, kinds))


@native("inspect.getmodule", strict=True)
def _getmodule(interp: Interpreter, object: Any, *rest: Any) -> Any:
    found = object.attrs.get("_module") if _is_frame(interp, object) else getattr(object, "module", None)
    return found if isinstance(found, ModuleObject) else None


@native("inspect.isgeneratorfunction", strict=True)
def _isgeneratorfunction(interp: Interpreter, obj: Any) -> Any:
    func, _ = _target(interp, obj, False)
    return isinstance(func, Function) and func.is_generator


@native("inspect.iscoroutinefunction", strict=True)
def _iscoroutinefunction(interp: Interpreter, obj: Any) -> Any:
    func, _ = _target(interp, obj, False)
    return isinstance(func, Function) and isinstance(func.node, ast.AsyncFunctionDef)


@native("inspect.getmro", strict=True)
def _getmro(interp: Interpreter, cls: Any) -> Any:
    return interp.getattr(cls, "__mro__")


@native("inspect.get_annotations", strict=True)
def _get_annotations(interp: Interpreter, obj: Any, **options: Any) -> Any:
    if isinstance(obj, (ClassObject, ModuleObject)):
        return dict(obj.namespace.get("__annotations__", {}))
    if isinstance(obj, Function):
        found = {n: Opaque(ast.unparse(a)) for n, _, _, a in parameters(interp, obj) if a is not None}
        returns = getattr(obj.node, "returns", None)
        return found if returns is None else {**found, "return": Opaque(ast.unparse(returns))}
    return interp.unknown("the annotations of something not interpreted")


@native("inspect.isabstract", strict=True)
def _isabstract(interp: Interpreter, object: Any) -> Any:
    return interp.unknown("whether a class is abstract is not kept")


def _inspect(interp: Interpreter) -> Namespace:
    lost = (
        "stack",
        "getsource",
        "getsourcelines",
        "getfile",
        "getsourcefile",
        "getdoc",
        "trace",
        "getouterframes",
    )

    def missing(name: str) -> Any:
        if name in ("Signature", "Parameter", "BoundArguments", "_empty", "FullArgSpec"):
            return _stub(interp, name)
        return MISSING

    return {
        **by_name(
            _signature, _getfullargspec, _unwrap, _getmembers, _getmodule, _isgeneratorfunction, _iscoroutinefunction,
            _getmro, _isabstract, _get_annotations, _question("isfunction", Function), _question("isclass", ClassObject, NativeType, type),
            _question("ismethod", BoundMethod), _question("ismodule", ModuleObject), _question("isbuiltin", Builtin),
            _question("isroutine", Function, BoundMethod, Builtin), _question("isdatadescriptor", Property),
            _question("isgenerator", IteratorObject), Builtin("currentframe", lambda interp, args, kwargs: frame_at(interp, 0)),
            *(Builtin(n, lambda interp, args, kwargs: interp.unknown("source text and frames are not modelled")) for n in lost),
        ),
        "iscallable": native("iscallable")(is_callable), "__missing__": missing,
    }  # fmt: skip


MODULES: dict[str, Maker] = {"inspect": _inspect}
