"""Torch's modules inside the interpreter: what nn.Module does itself, and the names that stubs cannot define."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import copy
from functools import partial
from typing import Any

from ane_lsp.graph import TORCH_DTYPE, Unknown
from ane_lsp.interp import absent, hooks, state
from ane_lsp.interp.captured import leave_training
from ane_lsp.interp.conversions import led_to
from ane_lsp.interp.frames import UnknownIteration, of_unknown_number
from ane_lsp.interp.hints import hints_in_source
from ane_lsp.interp.probing import probe_of
from ane_lsp.interp.quotients import handed_on
from ane_lsp.interp.record import ActiveModule
from ane_lsp.interp.tensors import tensors_in
from ane_lsp.interp.torch_operations import TorchOperations
from ane_lsp.interp.torch_types import (
    BUFFER,
    DEVICE,
    DTYPE,
    LAYOUT,
    LEGACY,
    PARAMETER,
    SIZE,
    TENSOR,
    UNINITIALIZED,
    UNINITIALIZED_BUFFER,
)  # fmt: skip
from ane_lsp.interp.values import (
    MISSING,
    MORE,
    BoundMethod,
    Builtin,
    ClassObject,
    Device,
    DType,
    Function,
    Instance,
    ModuleObject,
    OneOf,
    PyRaise,
    Tensor,
    TorchFunction,
)

MODULE_CLASS = "torch.nn.modules.module"


COMPILED = "_compiled_call_impl"
"""The attribute of a module that ``torch.compile`` compiles."""


class TorchGlue(TorchOperations):
    # -- nn.Module -----------------------------------------------------------------------------------------------------

    def torch_type_of(self, value: Any) -> Any:
        """The torch type of a value, None where it is not one of torch's."""
        if isinstance(value, Tensor):
            if value.attrs and "__class__" in value.attrs:
                return value.attrs["__class__"]
            return PARAMETER if value.origin == "parameter" else TENSOR
        if isinstance(value, DType):
            return DTYPE
        return DEVICE if isinstance(value, Device) else None

    def is_nn_module(self, cls: ClassObject) -> bool:
        known = cls.flags.get("nn")
        if known is None:
            known = any(
                isinstance(b, ClassObject) and b.name == "Module" and b.module.name == MODULE_CLASS for b in cls.mro
            )
            cls.flags["nn"] = known
        return bool(known)

    def take_for_module(self, cls: ClassObject) -> None:
        """A class that defines a forward and has an unknown base is a module: what else it inherits stays unknown."""
        home = self.find_module(MODULE_CLASS)
        module = self.module_attribute(home, "Module") if home is not None else None
        if isinstance(module, ClassObject) and module not in cls.mro:
            cls.mro = (*cls.mro, *(c for c in module.mro if c not in cls.mro))

    def nn_getattr(self, obj: Instance, name: str) -> Any:
        spaces = [obj.attrs.get(kind) for kind in ("_parameters", "_modules", "_buffers")]
        for space in spaces:
            if isinstance(space, dict) and name in space:
                return absent.present(space[name])
        if not self.gaps or name.startswith("_"):
            return MISSING
        return state.join([space[MORE] for space in spaces if isinstance(space, dict) and MORE in space])

    def nn_getattr_or_raise(self, obj: Instance, name: str) -> Any:
        found = self.nn_getattr(obj, name) if isinstance(obj, Instance) else MISSING
        if found is MISSING:
            self.raise_(AttributeError, f"'{self.type_name(obj)}' object has no attribute '{name}'")
        return found

    def _ensure_module_dicts(self, obj: Instance) -> None:
        if "_parameters" not in obj.attrs:
            self.touch(obj.attrs)
            obj.attrs["training"] = True
            for kind in ("_parameters", "_buffers", "_modules"):
                obj.attrs[kind] = self.make({})
            obj.attrs["_non_persistent_buffers_set"] = self.make(set())

    def nn_setattr(self, obj: Instance, name: str, value: Any) -> bool:
        """Assignment on a module. True where the value went to a registry of parameters, buffers or modules."""
        if name in ("_parameters", "_buffers", "_modules", "training"):
            return False
        kind = value.__class__
        home = None
        if kind is Tensor:
            if value.origin == "parameter":
                home = "_parameters"
            elif name in (obj.attrs.get("_buffers") or ()) or (value.attrs and value.attrs.get("__buffer__")):
                home = "_buffers"
        elif (kind is Instance and self.is_nn_module(value.cls)) or (
            kind is OneOf and any(isinstance(v, Instance) and self.is_nn_module(v.cls) for v in value.options)
        ):
            home = "_modules"
        elif value is None:
            for candidate in ("_parameters", "_modules", "_buffers"):
                if name in (obj.attrs.get(candidate) or ()):
                    home = candidate
        if home is None:
            for candidate in ("_parameters", "_modules", "_buffers"):
                space = obj.attrs.get(candidate)
                if isinstance(space, dict) and name in space:
                    self.touch(space)
                    del space[name]
            return False
        self._ensure_module_dicts(obj)
        for candidate in ("_parameters", "_modules", "_buffers"):
            space = obj.attrs[candidate]
            if candidate != home and name in space:
                self.touch(space)
                del space[name]
        if name in obj.attrs:
            self.touch(obj.attrs)
            del obj.attrs[name]
        space = obj.attrs[home]
        self.touch(space)
        space[name] = value
        if kind is Tensor and value.attrs and value.attrs.get("persistent") is False:
            hidden = obj.attrs["_non_persistent_buffers_set"]
            self.touch(hidden)
            hidden.add(name)
        return True

    def nn_delattr(self, obj: Instance, name: str) -> bool:
        for kind in ("_parameters", "_modules", "_buffers"):
            space = obj.attrs.get(kind)
            if isinstance(space, dict) and name in space:
                self.touch(space)
                del space[name]
                return True
        return False

    def forward_of(self, obj: Instance) -> Any:
        """What a call of a module runs; MISSING where that is not known."""
        forward = obj.attrs.get("forward", MISSING)
        if forward is MISSING:
            raw = obj.cls.lookup("forward")
            return MISSING if raw is MISSING else self.bind(raw, obj, obj.cls)
        return self.getattr(obj, "forward") if absent.optional(forward) else forward

    def is_forward(self, method: BoundMethod) -> bool:
        """Whether a method is what a call of its module runs: ``module.forward(...)`` calls the module, without its hooks."""
        obj = method.self
        return obj.__class__ is Instance and obj.cls.lookup("forward") is method.func and self.is_nn_module(obj.cls)

    def nn_call(self, obj: Instance, args: tuple[Any, ...], kwargs: dict[str, Any], hooked: bool = True) -> Any:
        """``module(...)``: record it if it is one of torch's own, then run its forward. hooked: and its hooks."""
        forward = self.forward_of(obj)
        if forward is MISSING:
            return self.unknown(f"{obj.cls.name} has no forward as far as is known")
        recorder = self.recorder
        is_torch = obj.cls.module.is_torch
        if not is_torch:
            if obj.cls not in recorder.reached and not (recorder.modules and _in_the_dark((*args, *kwargs.values()))):
                recorder.reached.add(obj.cls)
            if self.probing:
                self._asks_for(obj, forward, args, kwargs)
        if not recorder.modules and is_torch and obj.cls.name == "ParametrizationList":
            # A computed weight is read outside of all models: no model is called.
            recorder.modules.append(ActiveModule(obj, "", True, None))
            kept = recorder.snapshot()
            try:
                return self.call(forward, args, kwargs)
            finally:
                recorder.modules.pop()
                recorder.restore(kept)
        if not recorder.modules:
            if self.inference and self.building:
                return self._call_while_built(obj, forward, args, kwargs, hooked)
            if self.inference and obj.attrs.get("training") is True:
                leave_training(self, obj)
            self._begin(obj, forward, args, kwargs)
            if self.conversions.running and _in_the_dark((*args, *kwargs.values())):
                self.conversions.dark.append((recorder.graph, self.frame.standing()))
            return self._called_from_outside(obj, forward, args, kwargs, hooked)
        if obj.attrs.get(COMPILED) is True:
            return self.stopped_trace((args, kwargs), self.follow_module(obj, forward, args, kwargs))
        if is_torch:
            return self.follow_module(obj, forward, args, kwargs)
        outer = recorder.quotients
        recorder.quotients = handed_on(outer, (*args, *kwargs.values()))
        try:
            follow = partial(self.follow_module, obj, forward, args, kwargs)
            if self.repeats is not None and not self.journals:
                result = self.repeats.call(self, obj, args, kwargs, follow)
            else:
                result = follow()
            outer |= handed_on(recorder.quotients, (result,))
            return result
        finally:
            recorder.quotients = outer

    def applied(self, torch: str, given: Any, result: Any) -> Any:
        """Note that a function of the program's own was applied to what `given` holds, and give its result."""
        site = self.site()
        if self.recorder.active and site is not None:
            frame, direct = site
            self.recorder.applied(
                torch, self.span_in(frame, frame.node), frame.function, given, result, direct, self.stack_of(frame),
                bool(self.branches),
            )  # fmt: skip
        return result

    def stopped_trace(self, given: Any, result: Any) -> Any:
        """Note a call of what ``torch.compile`` has made, which only a trace does not get past."""
        return self.applied("torch.compile", given, result) if self.capture == "trace" else result

    def _begin(self, obj: Instance, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Start a graph: a module is called from outside any other."""
        self.recorder.begin(obj, self._named_inputs(forward, args, kwargs), self.here())
        if self.repeats is not None:
            self.repeats.begin(self.recorder.graph)

    def _called_from_outside(
        self, obj: Instance, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any], hooked: bool
    ) -> Any:
        """The call of a whole model. Where it ends early, its graph says so: what follows is missing there."""
        graph, here = self.recorder.graph, self.here()
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.note(self, obj)
        try:
            return self.follow_module(obj, forward, args, kwargs, hooked)
        except PyRaise as raised:
            if not isinstance(raised.value, KeyboardInterrupt) and (span := raised.span or here) is not None:
                graph.lost[f"ends with {self.describe(raised.value)[:200]}"] = span
            raise
        except UnknownIteration as ended:
            if (span := ended.unknown.span or here) is not None:
                graph.lost[f"ends with what nobody knows: {ended.unknown.first.reason}"] = span
            raise
        finally:
            if watch is not None:
                watch.note(self, obj)

    def _call_while_built(
        self, obj: Instance, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any], hooked: bool
    ) -> Any:
        """A constructor calls a module, to learn strides: in the mode it chose, captured by nobody, and no entry."""
        recorder = self.recorder
        kept, capture = recorder.snapshot(), self.capture
        self._begin(obj, forward, args, kwargs)
        self.capture = ""
        try:
            return self.follow_module(obj, forward, args, kwargs, hooked)
        finally:
            self.capture = capture
            recorder.restore(kept)

    def follow_module(
        self, obj: Instance, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any], hooked: bool = True
    ) -> Any:
        """Record a module of torch's own, and run the forward of any."""
        recorder = self.recorder
        is_torch = obj.cls.module.is_torch
        inner = recorder.innermost
        container = is_torch and obj.cls.name in ("Sequential", "ModuleList", "ModuleDict", "ParametrizationList")
        hidden = inner is not None and inner.is_torch and not inner.is_container
        path = recorder.path_of(obj) or (inner.path if inner is not None else "")
        call = None
        if is_torch and not container and hidden and inner is not None:
            call = inner.call
        elif is_torch and not container and not self.probing:
            site = self.site()
            if site is not None:
                frame, direct = site
                call = recorder.call(
                    f"torch.nn.{obj.cls.name}", "module", self.span_in(frame, frame.node), frame.function, args,
                    kwargs, direct, self.stack_of(frame), obj.node, self.hyper(obj), path,
                    bool(self.branches),
                )  # fmt: skip
        recorder.modules.append(ActiveModule(obj, path, is_torch, call))
        try:
            if hooked:
                args, kwargs = hooks.before(self, obj, args, kwargs)
            result = self.call(forward, args, kwargs)
            if hooked:
                try:
                    result = hooks.after(self, obj, args, kwargs, result)
                except PyRaise:  # who only wants the features of a layer ends the run there
                    if call is not None and not hidden:
                        call.result = recorder.values_in(result)
                    raise
        finally:
            recorder.modules.pop()
        if call is not None and not hidden:
            call.result = recorder.values_in(result)
        if not recorder.modules and not self.probing:
            recorder.graph.outputs = [
                recorder.value_of(t) for t in tensors_in(result) if t.graph is recorder.graph or t.value is None
            ]
        return result

    def _asks_for(self, obj: Instance, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Let probes learn what the source of a called module says of its parameters' numbers of dimensions."""
        func = forward.func if isinstance(forward, BoundMethod) else forward
        node = getattr(func, "node", None)
        if not isinstance(node, ast.FunctionDef):
            return
        given = {**dict(zip((a.arg for a in node.args.args[1:]), args)), **kwargs}
        probes = {name: probe for name, value in given.items() if (probe := probe_of(value)) is not None}
        if any(probe.rank is None for probe in probes.values()):
            for name, hint in hints_in_source(node, obj.cls.node, self.lines_of(func.module), obj.attrs).items():
                if name in probes and hint.told != "its name" and probes[name].believes(hint.told):
                    probes[name].learn(f"{hint.told} in {obj.cls.name}", rank=hint.rank)

    def _named_inputs(
        self, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[tuple[str, Tensor]]:
        func = forward.func if isinstance(forward, BoundMethod) else forward
        node = getattr(func, "node", None)
        names = [a.arg for a in node.args.args][1:] if node is not None else []
        many = of_unknown_number(args)
        for i, value in enumerate(args):
            name = names[i] if i < len(names) else f"input_{i}"
            if i == many:
                value = value.cause
                name = node.args.vararg.arg if node is not None and node.args.vararg is not None else name
            for j, tensor in enumerate(tensors_in(value)):
                yield (name if tensor is value else f"{name}_{j}"), tensor
        for name, value in kwargs.items():
            for tensor in tensors_in(value):
                yield name, tensor

    def hyper(self, obj: Instance) -> dict[str, Any]:
        """Constructor state of a torch.nn module: plain attributes, and shapes of its parameters."""
        state: dict[str, Any] = {}
        for name, value in obj.attrs.items():
            if name.startswith("_") or name == "training":
                continue
            if value is None or isinstance(value, (bool, int, float, str)):
                state[name] = value
            elif isinstance(value, (tuple, list)) and all(isinstance(v, (int, float)) for v in value):
                state[name] = list(value)
        for name, tensor in (obj.attrs.get("_parameters") or {}).items():
            state[name] = (
                list(tensor.type.shape) if isinstance(tensor, Tensor) and tensor.type.shape is not None else None
            )
        return state

    # -- names the torch modules get beyond their stubs ----------------------------------------------------------------

    def inject(self, module: ModuleObject) -> None:
        """Fill in what is native in a torch module before its stub runs."""
        if module.name == "torch":
            for short, full in TORCH_DTYPE.items():
                module.namespace[full] = DType(short)
            for alias, short in (("half", "f16"), ("float", "f32"), ("double", "f64"), ("int", "i32"), ("long", "i64"),
                                 ("short", "i16"), ("cfloat", "c64"), ("cdouble", "c128")):  # fmt: skip
                module.namespace[alias] = DType(short)
            module.namespace.update(
                Tensor=TENSOR, Size=SIZE, device=DEVICE, dtype=DTYPE, **LEGACY, strided="strided",
                contiguous_format="contiguous_format", channels_last="channels_last", preserve_format="preserve_format",
                channels_last_3d="channels_last_3d", sparse_coo="sparse_coo", sparse_csr="sparse_csr",
                layout=LAYOUT, memory_format=LAYOUT, jagged="jagged",
                inf=float("inf"), nan=float("nan"), pi=3.141592653589793, e=2.718281828459045,
            )  # fmt: skip
        elif module.name == "torch._C":
            module.namespace["_capture"] = Builtin("_capture", _capture)
            module.namespace["_applied"] = Builtin("_applied", _applied)
            module.namespace["_compiled"] = Builtin("_compiled", _compiled)
            module.namespace["_assume"] = Builtin(
                "_assume", lambda interp, args, kwargs: interp.conversions.assume(*args)
            )
            module.namespace["_custom"] = Builtin("_custom", _custom)
            module.namespace["_converts"] = Builtin("_converts", _converts)
            module.namespace["_returned"] = Builtin("_returned", _returned)
            module.namespace["_numbers"] = Builtin("_numbers", _numbers)
            module.namespace["_unknown"] = Builtin("_unknown", lambda interp, args, kwargs: interp.unknown(*args))
            module.namespace["_known"] = Builtin(
                "_known",
                lambda interp, args, kwargs: args[0].__class__ is not Unknown and args[0].__class__ is not OneOf,
            )
        elif module.name == "torch.nn.attention.flex_attention":
            module.namespace["_attend"] = TorchFunction(f"{module.name}.flex_attention")
        elif module.name == "torch.nn.parameter":
            module.namespace.update(
                Parameter=PARAMETER, Buffer=BUFFER, UninitializedParameter=UNINITIALIZED,
                UninitializedBuffer=UNINITIALIZED_BUFFER, UninitializedTensorMixin=UNINITIALIZED,
            )  # fmt: skip


def _capture(interp: TorchGlue, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """How the running model is being captured. Its graph remembers that it asked."""
    if not interp.recorder.active:
        return ""
    interp.recorder.graph.asks_capture = True
    return interp.capture


def _applied(interp: TorchGlue, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Note that a custom function was applied to `args[0]` and returned `args[1]`, which is returned."""
    return interp.applied("torch.autograd.Function.apply", *args)


def _compiled(interp: TorchGlue, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``torch.compile`` makes of a function or a module: a tracer refuses to run it."""
    (given,) = args
    if given.__class__ is Instance and interp.is_nn_module(given.cls):
        interp.setattr(given, COMPILED, True)
    if given.__class__ is BoundMethod and given.func.__class__ is Function:
        return BoundMethod(_compiled(interp, (given.func,), {}), given.self)
    if given.__class__ is not Function or given.name == "forward" or given.module.is_torch:
        return given
    made = copy(given)
    made.fast = run_compiled
    return made


def run_compiled(interp: TorchGlue, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call what ``torch.compile`` has made of a function, whatever its source says."""
    return interp.stopped_trace((args, kwargs), interp.follow_function(func, args, kwargs))


def _custom(interp: TorchGlue, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result `args[1]` as that of one operator of the program's own, of what `args[0]` holds."""
    given, result = args
    return interp.torch_method("torch.library.custom_op", (list(tensors_in(given)), result))


def _converts(interp: TorchGlue, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Note what is converted outside of any model, where nobody knows it or it gets no example."""
    model, example = args
    if interp.recorder.active:
        return
    if model.__class__ is Unknown:
        interp.conversions.note(interp, model)
    elif model.__class__ is Instance and interp.is_nn_module(model.cls):
        interp.conversions.note_model(interp, model, example)


def _returned(interp: TorchGlue, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Note what is no tensor among what a model returned that a script hands to a tracer or to torch.export."""
    model, result, way = args
    where, recorder = led_to(interp), interp.recorder
    if recorder.active or where is None or (way == "export" and not _for_core_ml(interp)):
        return
    for graph, (root, _) in reversed(list(zip(recorder.graphs, recorder.entries))):
        if root is model:
            for kind in _odd(result, way):
                graph.returned[way.partition(" ")[0], kind] = where
            return


def _for_core_ml(interp: TorchGlue) -> bool:
    """Whether the script that is checked mentions coremltools: others take more from torch.export."""
    scripts = [module for module in interp.modules.values() if module.path in interp.watched]
    return any("coremltools" in line for module in scripts for line in interp.lines_of(module))


def _odd(result: Any, way: str) -> Iterator[str]:
    """What a capture refuses of a result; of what it may be, and of numbers, which are tensors for a tracer if they are sizes, nothing."""
    if isinstance(result, (tuple, list)):
        if result.__class__ is list and len(set(map(type, result))) != 1 and way != "export":
            yield "a list of several kinds" if result else "an empty list"
        for item in result:
            yield from _odd(item, way)
    elif isinstance(result, dict):
        if way == "trace strictly":
            yield "a dict"
        for item in result.values():
            yield from _odd(item, way)
    elif result is None:
        yield "None"
    elif result.__class__ is str:
        yield "a text"
    elif result.__class__ in (bool, int, float):
        if way == "export":
            yield "a number"
    elif result.__class__ is Instance and result.cls.metaclass is type:
        if result.cls.native_base is not None:
            if way == "trace strictly" and issubclass(result.cls.native_base, dict):
                yield "a dict"
        elif not result.cls.module.is_torch and not any(isinstance(base, Unknown) for base in result.cls.mro):
            yield f"a {result.cls.name}"


def _numbers(interp: TorchGlue, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any] | None:
    """The elements of a tensor where they are known, which a stub may ask without the program reading them."""
    (tensor,) = args
    known = isinstance(tensor, Tensor) and tensor.type.data is not None
    return list(tensor.type.data) if known else None


def _in_the_dark(given: tuple[Any, ...]) -> bool:
    """Whether all that a call is given are tensors of unknown shape: called by itself, the model may show more."""
    tensors = list(tensors_in(given))
    if not tensors:
        return any(value.__class__ is Unknown for value in given)
    return all(tensor.type.shape is None for tensor in tensors)
