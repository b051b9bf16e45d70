"""Expressions: one function a node kind."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ane_lsp.graph import Unknown
from ane_lsp.interp import absent, builtins, large_arrays, plain, state
from ane_lsp.interp.base import MAX_ELEMENTS
from ane_lsp.interp.classes import order
from ane_lsp.interp.fast import fast_path
from ane_lsp.interp.frames import FROM_ARGS, UNDECIDED, Frame, UnknownIteration, item_of, mangled
from ane_lsp.interp.operators import UNLIKE_TENSORS
from ane_lsp.interp.quotients import follow_quotients
from ane_lsp.interp.scopes import reads_nothing_of
from ane_lsp.interp.summaries import SUMMARIES
from ane_lsp.interp.support import DictView, too_deep
from ane_lsp.interp.text import format_value
from ane_lsp.interp.torch_glue import TorchGlue
from ane_lsp.interp.values import (
    MISSING,
    MORE,
    BoundMethod,
    ClassMethod,
    ClassObject,
    Function,
    Instance,
    IteratorObject,
    Lazy,
    ModuleObject,
    OneOf,
    Opaque,
    Partial,
    PyRaise,
    StaticMethod,
    Super,
    Tensor,
)

OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class Expressions(TorchGlue):
    def eval(self, node: ast.expr, frame: Frame) -> Any:
        """The value of an expression."""
        return _EXPRESSIONS[node.__class__](self, node, frame)

    def load(self, name: str, frame: Frame, node: ast.AST | None = None) -> Any:
        """The value a name is bound to, Python's way: locals, enclosing functions, module, builtins."""
        value = frame.locals.get(name, MISSING)
        if value is MISSING:
            scope = frame.closure
            while scope is not None:
                value = scope.locals.get(name, MISSING)
                if value is not MISSING:
                    break
                scope = scope.closure
            else:
                if frame.class_body and name[:2] == "__" and mangled(name, frame) in frame.locals:
                    return frame.locals[mangled(name, frame)]
                if frame.names is not None and name in frame.names and not frame.class_body:
                    if node is not None:
                        frame.node = node
                    return self.raise_(UnboundLocalError, f"cannot access local variable '{name}'")
                value = self.load_global(name, frame.module)
                if value is MISSING:
                    if node is not None:
                        frame.node = node
                    self.raise_(NameError, f"name '{name}' is not defined")
                return value
        if value.__class__ is Lazy:
            return self.resolve_lazy(value, frame.locals, name)
        return value

    def load_global(self, name: str, module: ModuleObject) -> Any:
        value = module.namespace.get(name, MISSING)
        if value is MISSING:
            if module.stars:
                value = self.star_attribute(module, name)
            if value is MISSING and module.missing is not None:
                value = module.missing(name)
            if value is MISSING:
                value = builtins.BUILTINS.get(name, MISSING)
            return value if value is not MISSING else self.lost_with_star(module, name)
        if value.__class__ is Lazy:
            value = self.resolve_lazy(value, module.namespace, name)
        if self.written is not None:
            self.note_shared(value)
        return value

    def annotation(self, node: ast.expr, frame: Frame) -> Any:
        """An annotation's value, as far as it can be had without effect; a placeholder for the rest."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Opaque(node.value)
        try:
            root = node
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            if isinstance(root, ast.Name):
                return self.eval(node.value if isinstance(node, ast.Subscript) else node, frame)
        except Exception:
            pass
        return Opaque(ast.unparse(node))

    # -- definitions ---------------------------------------------------------------------------------------------------

    def make_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> Any:
        if frame.names is None:
            owner = f"{frame.function}." if frame.class_body else ""
            known = SUMMARIES.get(f"{frame.module.name}:{owner}{node.name}")
            if known is not None:
                return known
        value: Any = self.plain_function(node, node.name, frame)
        for decorator in reversed(node.decorator_list):
            made = self.eval(decorator, frame)
            frame.node = decorator
            value = self.decorate(made, value)
        return value

    def decorate(self, decorator: Any, value: Any) -> Any:
        """The decorated value; a decorator nobody can follow leaves the function as it is written."""
        if isinstance(decorator, Unknown):
            return value
        self.decorating += 1
        try:
            result = self.call(decorator, (value,))
        finally:
            self.decorating -= 1
        return value if isinstance(result, (Unknown, Opaque)) else result

    def plain_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, name: str, frame: Frame
    ) -> Function:
        args = node.args
        defaults = [self.eval(d, frame) for d in args.defaults]
        kw_defaults = {a.arg: self.eval(d, frame) for a, d in zip(args.kwonlyargs, args.kw_defaults) if d is not None}
        closure = frame
        while closure is not None and closure.class_body:
            closure = closure.closure  # type: ignore[assignment]
        if frame.module.path not in self.exchangeable:  # what an edit puts into a function may read other names
            while closure is not None and closure.names is not None and reads_nothing_of(node, closure.names):
                closure = closure.closure  # type: ignore[assignment]
        if closure is not None and closure.names is None:
            closure = None  # type: ignore[assignment]
        prefix = "" if frame.function in ("<module>", "<start>") else frame.function
        if prefix and frame.names is not None:
            prefix += ".<locals>"
        func = Function(
            name, f"{prefix}.{name}" if prefix else name, node, frame.module, closure, defaults, kw_defaults,
        )  # fmt: skip
        if frame.class_body or frame.owner is not None:
            func.owner = frame.owner
        func.fast = fast_path(frame.module.name, func.qualname, node)
        if closure is not None:
            closure.encloses = True
        return func

    def make_class(self, node: ast.ClassDef, frame: Frame) -> Any:
        bases: list[Any] = []
        for base in node.bases:
            if isinstance(base, ast.Starred):
                bases.extend(self.iterate(self.eval(base.value, frame)))
                continue
            value = self.eval(base, frame)
            if isinstance(value, OneOf):
                value = next((o for o in value.options if not isinstance(o, Unknown)), value.options[0])
            entries = (
                self.lookup_attribute(value, "__mro_entries__")
                if not isinstance(value, (ClassObject, type))
                else MISSING
            )
            if entries is not MISSING and not isinstance(entries, (Unknown, Opaque)):
                bases.extend(self.iterate(self.call(entries, (tuple(bases),))))
                continue
            if not isinstance(value, Opaque):
                bases.append(value)
        keywords = {k.arg: self.eval(k.value, frame) for k in node.keywords if k.arg}
        prefix = "" if frame.function in ("<module>", "<start>") else frame.function
        if prefix and frame.names is not None:
            prefix += ".<locals>"
        qualname = f"{prefix}.{node.name}" if prefix else node.name
        cls = ClassObject(node.name, qualname, tuple(bases), {}, frame.module)
        cls.node = node
        order(cls)
        metaclass = keywords.pop("metaclass", None)
        if metaclass is None:
            metaclass = next(
                (b.metaclass for b in cls.mro[1:] if isinstance(b, ClassObject) and b.metaclass is not type), type
            )
        cls.metaclass = metaclass
        closure: Frame | None = frame
        while closure is not None and closure.names is None and not closure.class_body:
            closure = None
        body = Frame(frame.module, cls.namespace, closure, frame, qualname)
        body.class_body = True
        body.owner = cls
        caller = self.frame
        self.frame = body
        try:
            self.run_block(node.body, body)
        finally:
            self.frame = caller
        if isinstance(cls.namespace.get("forward"), Function) and any(isinstance(b, Unknown) for b in cls.mro):
            self.take_for_module(cls)
        slots = cls.namespace.get("__init_subclass__")
        if isinstance(slots, Function):
            cls.namespace["__init_subclass__"] = ClassMethod(slots)
        getter = cls.namespace.get("__class_getitem__")
        if isinstance(getter, Function):
            cls.namespace["__class_getitem__"] = ClassMethod(getter)
        maker = cls.namespace.get("__new__")
        if isinstance(maker, Function):
            cls.namespace["__new__"] = StaticMethod(maker)
        if isinstance(metaclass, ClassObject):
            init = metaclass.lookup("__init__")
            if init is not MISSING:
                self.call(init, (cls, node.name, tuple(bases), cls.namespace), keywords)
            new = metaclass.lookup("__new__")
            if new is not MISSING:
                # The class stands as its body left it; what __new__ would add is not modelled.
                cls.flags["metaclass_new"] = new
        self.class_attributes_created(cls)
        for base in cls.mro[1:]:
            if isinstance(base, ClassObject) and "__init_subclass__" in base.namespace:
                hook = base.namespace["__init_subclass__"]
                self.call(hook.func if isinstance(hook, ClassMethod) else hook, (cls,), keywords)
                break
        made_class: Any = cls
        for decorator in reversed(node.decorator_list):
            made = self.eval(decorator, frame)
            frame.node = decorator
            made_class = self.decorate(made, made_class)
        return made_class

    # -- narrowing -------------------------------------------------------------------------------------------------------

    def narrow(self, test: ast.expr, outcome: bool, frame: Frame) -> None:
        """Keep only those of several values of a name under which `test` has this outcome."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self.narrow(test.operand, not outcome, frame)
            return
        if isinstance(test, ast.BoolOp):
            if isinstance(test.op, ast.And) == outcome:
                for part in test.values:
                    self.narrow(part, outcome, frame)
            return
        if isinstance(test, ast.Name):
            self._keep(test.id, frame, lambda v: self.truth(v) is not (not outcome))
        elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name):
            operator, right = test.ops[0], test.comparators[0]
            if isinstance(operator, (ast.Is, ast.IsNot)) and isinstance(right, ast.Constant):
                wanted = isinstance(operator, ast.Is) == outcome
                self._keep(test.left.id, frame, lambda v: (v is right.value) is wanted)
            elif isinstance(operator, (ast.Eq, ast.NotEq)) and isinstance(right, ast.Constant):
                wanted = isinstance(operator, ast.Eq) == outcome
                self._keep(test.left.id, frame, lambda v: self.equal(v, right.value) is not (not wanted))
        elif isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "isinstance":
            if len(test.args) == 2 and isinstance(test.args[0], ast.Name):
                cls = self.eval(test.args[1], frame)
                self._keep(test.args[0].id, frame, lambda v: self.isinstance(v, cls) is not (not outcome))

    def _keep(self, name: str, frame: Frame, wanted: Callable[[Any], bool]) -> None:
        value = frame.locals.get(name)
        if isinstance(value, OneOf):
            kept = [v for v in value.options if wanted(v)]
            if kept and len(kept) < len(value.options):
                self.touch(frame.locals)
                frame.locals[name] = kept[0] if len(kept) == 1 else OneOf(tuple(kept))

    # -- comprehensions --------------------------------------------------------------------------------------------------

    def comprehension(self, node: _Comprehension, frame: Frame, first: Iterator[Any]) -> Iterator[Any]:
        """Frames in which the element of a comprehension is to be evaluated, one per element."""
        names: set[str] = set()
        for generator in node.generators:
            names |= {n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
        inner = Frame(frame.module, {}, frame, frame.parent, frame.function, frozenset(names))
        inner.owner = frame.owner
        inner.depth = frame.depth
        inner.parent = frame
        inner.node = node
        yield from self._loops(node, inner, 0, first)

    def _loops(self, node: _Comprehension, inner: Frame, level: int, source: Iterator[Any]) -> Iterator[Frame]:
        generator = node.generators[level]
        outer, several = inner.perhaps, inner.endless
        for item in source:
            self.tick()
            inner.perhaps = outer or absent.optional(item)
            inner.endless = several or absent.repeated(item)
            self.assign(generator.target, absent.present(item), inner)
            skip = False
            for condition in generator.ifs:
                verdict = self.truth(self.eval(condition, inner))
                if verdict is False:
                    skip = True
                    break
                inner.perhaps = inner.perhaps or verdict is not True
            if skip:
                continue
            if level + 1 < len(node.generators):
                following = self.eval(node.generators[level + 1].iter, inner)
                yield from self._loops(node, inner, level + 1, self.items_of(following))
            else:
                yield inner

    def arguments(self, node: ast.Call, frame: Frame) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The evaluated arguments of a call. Unknown ``**kwargs`` are passed under the name ``**``."""
        args: list[Any] = []
        for arg in node.args:
            if arg.__class__ is ast.Starred:
                value = self.eval(arg.value, frame)
                try:
                    args.extend(self.listed(value, gaps=True))
                except UnknownIteration as lost:
                    args.append(Unknown(FROM_ARGS, self.span(arg), lost.unknown))
            else:
                args.append(_EXPRESSIONS[arg.__class__](self, arg, frame))
        if not node.keywords:
            return tuple(args), {}
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = _EXPRESSIONS[keyword.value.__class__](self, keyword.value, frame)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            else:
                self._spread_mapping(value, kwargs, keyword.value)
        return tuple(args), kwargs

    def counted_arguments(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call as `func` takes them: only functions that are followed bind those that may be absent."""
        while func.__class__ is BoundMethod or func.__class__ is Partial:
            func = func.func
        if func.__class__ is Function or func.__class__ is ClassObject or func.__class__ is Instance:
            return args, kwargs
        if any(map(absent.optional, kwargs.values())):
            kwargs = {k: self.unknown(absent.THERE) if absent.optional(v) else v for k, v in kwargs.items()}
        return self.without_gaps(args), kwargs

    def without_gaps(self, args: tuple[Any, ...], start: int = 0) -> tuple[Any, ...]:
        """Positional arguments; from the first that may be absent on, one that stands for an unknown number of them."""
        first = next((i for i, arg in enumerate(args[start:], start) if absent.optional(arg)), None)
        if first is None:
            return args
        rest = Unknown(absent.NUMBER, self.here(), item=state.likeness(args[first:]))
        return (*args[:first], Unknown(FROM_ARGS, self.here(), rest))

    def _spread_mapping(self, value: Any, into: dict[str, Any], node: ast.expr) -> None:
        if isinstance(value, dict):
            for key, held in value.items() if self.gaps else ():
                if absent.optional(held) and key in into:
                    into[key] = state.join([into[key], absent.present(held)])
                else:
                    into[key] = held
            if not self.gaps:
                into.update(value)
        elif isinstance(value, Unknown):
            into[MORE] = Unknown("from unknown **kwargs", self.span(node), value)
        elif isinstance(value, OneOf):
            spread: list[dict[str, Any]] = []
            for option in value.options:
                spread.append({})
                self._spread_mapping(option, spread[-1], node)
            into.update(absent.merged(spread, lambda values: state.join(values, UNDECIDED, self.span(node))))
            self.gaps = True
        elif getattr(value, "data", None).__class__ is dict:
            into.update(value.data)
        else:
            keys = self.lookup_attribute(value, "keys")
            if keys is MISSING or isinstance(keys, Unknown):
                into[MORE] = self.unknown("from **kwargs that are not a dict")
                return
            for key in self.iterate(self.call(keys, ())):
                if isinstance(key, str):
                    into[key] = self.getitem(value, key)


# -- one function an expression ---------------------------------------------------------------------------------------------


def _constant(interp: Expressions, node: ast.Constant, frame: Frame) -> Any:
    return node.value


def _name(interp: Expressions, node: ast.Name, frame: Frame) -> Any:
    value = frame.locals.get(node.id, MISSING)
    if value is MISSING or value.__class__ is Lazy:
        return interp.load(node.id, frame, node)
    return value


def _attribute(interp: Expressions, node: ast.Attribute, frame: Frame) -> Any:
    owner = node.value
    if owner.__class__ is ast.Name:  # most often: saves a call
        obj = frame.locals.get(owner.id, MISSING)
        if obj is MISSING or obj.__class__ is Lazy:
            obj = interp.load(owner.id, frame, owner)
    else:
        obj = _EXPRESSIONS[owner.__class__](interp, owner, frame)
    frame.node = node
    name = node.attr
    if name[:2] == "__":
        name = mangled(name, frame)
    found = interp.lookup_attribute(obj, name)
    if found is MISSING:
        return interp.getattr(obj, name)
    return found


def _call(interp: Expressions, node: ast.Call, frame: Frame) -> Any:
    func_node = node.func
    if func_node.__class__ is ast.Name and func_node.id == "super" and not node.args:
        return _super(interp, frame)
    func = _EXPRESSIONS[func_node.__class__](interp, func_node, frame)
    if node.args and node.args[0].__class__ is ast.ListComp and large_arrays.fills_one(node, func):
        made = large_arrays.unread(interp, node, func, frame)
        if made is not MISSING:
            return made
    args, kwargs = interp.arguments(node, frame)
    interp.tick()
    frame.node = node
    if interp.gaps:
        args, kwargs = interp.counted_arguments(func, args, kwargs)
    try:
        result = interp.call(func, args, kwargs)
        if result.__class__ is Unknown and frame.module.path in interp.watched:
            interp.note_unknown(interp.span(node), f"`{ast.unparse(func_node)}()`", result)
        return result
    except UnknownIteration as lost:
        interp.frame = frame
        return Unknown("the result of a call that iterates something unknown", interp.span(node), lost.unknown)
    except (PyRaise, RecursionError):
        raise
    except Exception as error:  # our own fault: it must not cost the rest of the analysis
        interp.frame = frame
        return interp.internal_error(error, node)


def _super(interp: Expressions, frame: Frame) -> Any:
    scope: Frame | None = frame
    while scope is not None and scope.owner is None:
        scope = scope.closure
    while scope is not None and scope.closure is not None and "self" not in scope.locals and not scope.locals:
        scope = scope.closure
    if scope is None or scope.owner is None:
        return interp.raise_(RuntimeError, "super(): no arguments")
    first = MISSING
    inner: Frame | None = scope
    while inner is not None and first is MISSING:
        # The first parameter of the method, found through comprehensions and nested functions.
        names = next(iter(inner.locals.values()), MISSING) if inner.locals else MISSING
        candidate = inner.locals.get("self", inner.locals.get("cls", names))
        if candidate is not MISSING and (isinstance(candidate, ClassObject) or hasattr(candidate, "cls")):
            first = candidate
        inner = inner.closure
    if first is MISSING:
        return Unknown("super() outside a method")
    below = isinstance(first, ClassObject) and first.is_subclass(scope.owner)  # else of a metaclass's method
    return Super(scope.owner, first, first if below else interp.type_of(first))


def _binop(interp: Expressions, node: ast.BinOp, frame: Frame) -> Any:
    left = _EXPRESSIONS[node.left.__class__](interp, node.left, frame)
    right = _EXPRESSIONS[node.right.__class__](interp, node.right, frame)
    frame.node = node
    made = interp.binary(OPERATORS[node.op.__class__], left, right)
    if made.__class__ is int and interp.recorder.modules:
        follow_quotients(interp.recorder.quotients, node, left, right, made)
    return made


def _unary(interp: Expressions, node: ast.UnaryOp, frame: Frame) -> Any:
    value = interp.eval(node.operand, frame)
    frame.node = node
    if node.op.__class__ is ast.Not:
        verdict = interp.truth(value)
        return verdict if isinstance(verdict, Unknown) else not verdict
    return interp.unary(OPERATORS[node.op.__class__], value)


def _boolop(interp: Expressions, node: ast.BoolOp, frame: Frame) -> Any:
    return _operands(interp, node, frame, 0)


def _operands(interp: Expressions, node: ast.BoolOp, frame: Frame, start: int) -> Any:
    """What ``and`` or ``or`` gives from operand `start` on."""
    stop_at = node.op.__class__ is ast.Or
    value: Any = None
    undecided: list[Any] = []
    last = len(node.values) - 1
    for i, part in enumerate(node.values[start:], start):
        value = interp.eval(part, frame)
        if i == last:
            break
        verdict = interp.truth(value)
        if verdict is stop_at:
            break
        if isinstance(verdict, Unknown):
            if isinstance(value, OneOf):
                kept = [v for v in value.options if interp.truth(v) is not (not stop_at)]
                undecided.extend(kept)
            else:
                undecided.append(value)
            if any(map(_acts, node.values[i + 1 :])):
                rest = _rest(interp, node, frame, i + 1)
                if not rest:  # evaluating it raises
                    return state.join(undecided, UNDECIDED, interp.here())
                value = rest[0]
                break
    if not undecided or (not stop_at and interp.truth(value) is False):
        return value  # whatever the undecided operands are, `and` is false
    return state.join([*undecided, value], UNDECIDED, interp.here())


def _rest(interp: Expressions, node: ast.BoolOp, frame: Frame, start: int) -> list[Any]:
    """The operands from `start` on, which may not be evaluated; empty where that raises."""
    found: list[Any] = []
    interp.fork(frame, [lambda: found.append(_operands(interp, node, frame, start)), lambda: None], node)
    return found


def _acts(node: ast.expr) -> bool:
    """Whether evaluating an expression may change something, cached on the node."""
    cached = getattr(node, "_acts", None)
    if cached is None:
        cached = any(isinstance(part, (ast.Call, ast.NamedExpr, ast.Await)) for part in ast.walk(node))
        node._acts = cached  # type: ignore[attr-defined]
    return bool(cached)


def _compare(interp: Expressions, node: ast.Compare, frame: Frame) -> Any:
    left = interp.eval(node.left, frame)
    result: Any = True
    for operator, comparator in zip(node.ops, node.comparators):
        right = interp.eval(comparator, frame)
        frame.node = node
        kind = operator.__class__
        if kind is ast.Is or kind is ast.IsNot:
            verdict = interp.identical(left, right)
        elif kind is ast.Eq or kind is ast.NotEq:
            verdict = _equality(interp, left, right, kind is ast.NotEq)
            result = verdict if len(node.ops) == 1 else result
        elif kind is ast.In or kind is ast.NotIn:
            verdict = interp.contains(right, left)
        else:
            verdict = interp.compare(OPERATORS[kind], left, right)
        if kind in (ast.IsNot, ast.NotIn):
            verdict = _negate(verdict)
        if len(node.ops) == 1:
            return verdict
        decided = interp.truth(verdict)
        if decided is False:
            return verdict
        if decided is not True:
            result = decided
        left = right
    return result


def _equality(interp: Expressions, left: Any, right: Any, negated: bool) -> Any:
    if negated and (isinstance(left, Tensor) or isinstance(right, Tensor)):
        first, second = (left, right) if isinstance(left, Tensor) else (right, left)
        if second.__class__ not in UNLIKE_TENSORS:
            return interp.torch_method("torch.Tensor.ne", (first, second))
    if negated:
        for first, second in ((left, right), (right, left)):
            if first.__class__.__name__ == "Instance" and first.cls.lookup("__ne__") is not MISSING:
                return interp.call(interp.getattr(first, "__ne__"), (second,))
    verdict = interp.equal(left, right)
    return _negate(verdict) if negated else verdict


def _negate(verdict: Any) -> Any:
    if verdict is True or verdict is False:
        return not verdict
    if isinstance(verdict, OneOf):
        return OneOf(tuple(_negate(v) for v in verdict.options))
    return verdict


def _subscript(interp: Expressions, node: ast.Subscript, frame: Frame) -> Any:
    obj = interp.eval(node.value, frame)
    key = interp.eval(node.slice, frame)
    frame.node = node
    return interp.getitem(obj, key)


def _slice(interp: Expressions, node: ast.Slice, frame: Frame) -> Any:
    parts = [interp.eval(p, frame) if p is not None else None for p in (node.lower, node.upper, node.step)]
    return slice(*parts)


def _items(interp: Expressions, nodes: list[ast.expr], frame: Frame) -> list[Any]:
    items: list[Any] = []
    for node in nodes:
        if node.__class__ is ast.Starred:
            try:
                items.extend(interp.listed(interp.eval(node.value, frame), gaps=True))
            except UnknownIteration as lost:
                interp.gaps = True
                items.append(absent.several(item_of(lost.unknown, interp.span(node)), interp.span(node)))
        else:
            items.append(_EXPRESSIONS[node.__class__](interp, node, frame))
    return items


def _tuple(interp: Expressions, node: ast.Tuple, frame: Frame) -> Any:
    items = tuple(_items(interp, node.elts, frame))
    for item in items:
        if item.__class__ is tuple and too_deep(items):
            return interp.unknown("a tuple too large to build here")
    return items


def _list(interp: Expressions, node: ast.List, frame: Frame) -> Any:
    return interp.born(_items(interp, node.elts, frame))


def _set(interp: Expressions, node: ast.Set, frame: Frame) -> Any:
    items = _items(interp, node.elts, frame)
    unknown = next((i for i in items if isinstance(absent.present(i), (Unknown, OneOf))), None)
    return interp.unknown("a set with an unknown element") if unknown is not None else set(items)


def _dict(interp: Expressions, node: ast.Dict, frame: Frame) -> Any:
    made: dict[Any, Any] = interp.make({})
    for key_node, value_node in zip(node.keys, node.values):
        value = interp.eval(value_node, frame)
        if key_node is None:
            interp._spread_mapping(value, made, value_node)
        else:
            key = interp.eval(key_node, frame)
            if isinstance(key, (Unknown, OneOf)):
                state.put_more(made, value)
                continue
            try:
                made[key] = value
            except TypeError:
                interp.raise_(TypeError, "unhashable key")
    interp.made_here(made)
    return made


def _if_exp(interp: Expressions, node: ast.IfExp, frame: Frame) -> Any:
    verdict = interp.truth(interp.eval(node.test, frame))
    if verdict is True:
        return interp.eval(node.body, frame)
    if verdict is False:
        return interp.eval(node.orelse, frame)

    def side(expression: ast.expr, outcome: bool) -> Callable[[], Any]:
        def run() -> Any:
            interp.narrow(node.test, outcome, frame)
            return interp.eval(expression, frame)

        return run

    return interp.fork_value(frame, [side(node.body, True), side(node.orelse, False)], node)


def _lambda(interp: Expressions, node: ast.Lambda, frame: Frame) -> Any:
    return interp.plain_function(node, "<lambda>", frame)


def _first_source(interp: Expressions, node: _Comprehension, frame: Frame) -> Any:
    value = interp.eval(node.generators[0].iter, frame)
    frame.node = node
    return value


def _element_frames(interp: Expressions, node: _Comprehension, frame: Frame, source: Iterator[Any]) -> Iterator[Frame]:
    caller = interp.frame
    for inner in interp.comprehension(node, frame, source):
        interp.frame = inner
        try:
            yield inner
        finally:
            interp.frame = caller


def _elements(interp: Expressions, node: ast.ListComp | ast.SetComp, frame: Frame) -> list[Any]:
    value = _first_source(interp, node, frame)
    if value.__class__ in plain.COUNTED and len(value) >= plain.MANY and node.__class__ is ast.ListComp:
        found = plain.follow(interp, node, frame, value)
        if found is not MISSING:
            return found
    made: list[Any] = []
    for inner in _element_frames(interp, node, frame, interp.items_of(value)):
        made += _perhaps(interp, node.elt, inner) if inner.perhaps else (interp.eval(node.elt, inner),)
    return made


def _perhaps(interp: Expressions, element: ast.expr, inner: Frame) -> list[Any]:
    """An element of a comprehension that may be absent; none where evaluating it raises."""
    made: list[Any] = []
    interp.fork(inner, [lambda: made.append(interp.eval(element, inner)), lambda: None], element)
    interp.gaps = True
    return [absent.several(one, interp.span(element)) if inner.endless else absent.perhaps(one) for one in made]


def _list_comp(interp: Expressions, node: ast.ListComp, frame: Frame) -> Any:
    try:
        return interp.born(_elements(interp, node, frame))
    except UnknownIteration as lost:
        return Unknown(
            "a list built from something unknown", interp.span(node), lost.unknown, _built(interp, node, frame, lost)
        )


def _built(interp: Expressions, node: ast.ListComp | ast.GeneratorExp, frame: Frame, lost: UnknownIteration) -> Any:
    """What a comprehension's elements look like, where that is known of the items it goes through and nothing else is; or where they are
    objects, as layers are, whatever those items are."""
    if len(node.generators) > 1 or node.generators[0].ifs:
        return None
    known = lost.unknown.item
    item = known if known is not None else item_of(lost.unknown, interp.span(node.generators[0].iter))
    for inner in interp.comprehension(node, frame, iter([item])):
        caller, interp.frame = interp.frame, inner
        try:
            made = interp.eval(node.elt, inner) if known is not None else _object(interp, node.elt, inner)
        finally:
            interp.frame = caller
        return None if isinstance(made, Unknown) else made
    return None


def _object(interp: Expressions, element: ast.expr, inner: Frame) -> Any:
    """The element of a round that there may not be, if it is an object."""
    made = _perhaps(interp, element, inner) if isinstance(element, (ast.Call, ast.IfExp)) else []
    one = absent.present(made[0]) if made else None
    return one if one.__class__ is Instance else None


def _set_comp(interp: Expressions, node: ast.SetComp, frame: Frame) -> Any:
    try:
        items = _elements(interp, node, frame)
    except UnknownIteration as lost:
        return Unknown("a set built from something unknown", interp.span(node), lost.unknown)
    if any(isinstance(absent.present(i), (Unknown, OneOf)) for i in items):
        return interp.unknown("a set with an unknown element")
    try:
        return set(items)
    except TypeError:
        return interp.raise_(TypeError, "unhashable element")


def _dict_comp(interp: Expressions, node: ast.DictComp, frame: Frame) -> Any:
    made: dict[Any, Any] = {}
    try:
        pairs = _first_source(interp, node, frame)
        if isinstance(pairs, DictView) and (done := _rearranged(interp, node, pairs)) is not None:
            interp.made_here(done)
            return done
        for inner in _element_frames(interp, node, frame, interp.items_of(pairs)):
            key = interp.eval(node.key, inner)
            values = _perhaps(interp, node.value, inner) if inner.perhaps else [interp.eval(node.value, inner)]
            if isinstance(key, (Unknown, OneOf)):
                return interp.unknown("a dict with an unknown key")
            try:
                for value in values:
                    again = inner.perhaps and key in made
                    made[key] = state.join([made[key], absent.present(value)]) if again else value
            except TypeError:
                interp.raise_(TypeError, "unhashable key")
    except UnknownIteration as lost:
        return Unknown("a dict built from something unknown", interp.span(node), lost.unknown)
    interp.made_here(made)
    return made


def _rearranged(interp: Expressions, node: ast.DictComp, pairs: DictView) -> dict[Any, Any] | None:
    """``{value: key for key, value in d.items()}`` of plain keys and values, done at once; None for all else."""
    generator, key, value = node.generators[0], node.key, node.value
    if len(node.generators) > 1 or generator.ifs or not isinstance(generator.target, ast.Tuple):
        return None
    names = [one.id if isinstance(one, ast.Name) else "" for one in generator.target.elts]
    if len(set(names)) != 2 or not (isinstance(key, ast.Name) and isinstance(value, ast.Name)):
        return None
    if key.id not in names or value.id not in names:
        return None
    first, second = names.index(key.id), names.index(value.id)
    made = {}
    for pair in pairs:
        interp.tick()
        if pair.__class__ is not tuple or len(pair) != 2 or not _NAMING.issuperset(map(type, pair)):
            return None
        made[pair[first]] = pair[second]
    return made


_NAMING = frozenset({str, int})


def _generator_exp(interp: Expressions, node: ast.GeneratorExp, frame: Frame) -> Any:
    try:
        source = interp.items_of(_first_source(interp, node, frame))
    except UnknownIteration as lost:
        made = _built(interp, node, frame, lost)
        return Unknown("a generator over something unknown", interp.span(node), lost.unknown, made)

    def produced(inner: Frame) -> Iterable[Any]:
        caller = interp.frame
        interp.frame = inner
        try:
            return _perhaps(interp, node.elt, inner) if inner.perhaps else (interp.eval(node.elt, inner),)
        finally:
            interp.frame = caller

    def produce() -> Iterator[Any]:
        for inner in interp.comprehension(node, frame, source):
            yield from produced(inner)

    gaps = interp.gaps or any(generator.ifs for generator in node.generators)
    return IteratorObject(builtins.made_of(produce()), "generator", gaps=gaps)


def _joined_str(interp: Expressions, node: ast.JoinedStr, frame: Frame) -> Any:
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            text = interp.eval(part, frame)
            if not isinstance(text, str):
                return text if isinstance(text, (Unknown, OneOf)) else interp.unknown("text with an unknown part")
            parts.append(text)
    if sum(map(len, parts)) > MAX_ELEMENTS:
        return interp.unknown("a text too long to write out")
    return "".join(parts)


def _formatted(interp: Expressions, node: ast.FormattedValue, frame: Frame) -> Any:
    value = interp.eval(node.value, frame)
    spec = interp.eval(node.format_spec, frame) if node.format_spec is not None else ""
    if isinstance(value, OneOf):
        return state.join([_text_of(interp, v, spec, node) for v in value.options], UNDECIDED)
    return _text_of(interp, value, spec, node)


def _text_of(interp: Any, value: Any, spec: Any, node: ast.FormattedValue) -> Any:
    return format_value(interp, value, spec, node.conversion)


def _named(interp: Expressions, node: ast.NamedExpr, frame: Frame) -> Any:
    value = interp.eval(node.value, frame)
    scope = frame
    while scope.names is not None and node.target.id not in scope.names and scope.closure is not None:
        scope = scope.closure
    interp.touch(scope.locals)
    scope.locals[node.target.id] = value
    return value


def _yield(interp: Expressions, node: ast.Yield | ast.YieldFrom, frame: Frame) -> Any:
    return frame.sent.get(node)


def _await(interp: Expressions, node: ast.Await, frame: Frame) -> Any:
    return interp.eval(node.value, frame)


def _starred(interp: Expressions, node: ast.Starred, frame: Frame) -> Any:
    return interp.eval(node.value, frame)


def _template(interp: Expressions, node: Any, frame: Frame) -> Any:
    return interp.unknown("a template string")


_EXPRESSIONS: dict[type, Callable[[Any, Any, Frame], Any]] = {
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: _attribute, ast.Call: _call, ast.BinOp: _binop,
    ast.UnaryOp: _unary, ast.BoolOp: _boolop, ast.Compare: _compare, ast.Subscript: _subscript, ast.Slice: _slice,
    ast.Tuple: _tuple, ast.List: _list, ast.Set: _set, ast.Dict: _dict, ast.IfExp: _if_exp, ast.Lambda: _lambda,
    ast.ListComp: _list_comp, ast.SetComp: _set_comp, ast.DictComp: _dict_comp, ast.GeneratorExp: _generator_exp,
    ast.JoinedStr: _joined_str, ast.FormattedValue: _formatted, ast.NamedExpr: _named, ast.Yield: _yield,
    ast.YieldFrom: _yield, ast.Await: _await, ast.Starred: _starred,
}  # fmt: skip
for _new in ("TemplateStr", "Interpolation"):
    if hasattr(ast, _new):
        _EXPRESSIONS[getattr(ast, _new)] = _template
