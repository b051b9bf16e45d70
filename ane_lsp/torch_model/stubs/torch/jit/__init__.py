"""TorchScript: decorators are the identity, tracing runs the model on its example."""

from builtins import isinstance as _is
from typing import Any, Final

from torch import _C
from torch._utils_stub import ContextDecorator, identity
from torch.nn.modules.module import Module


def is_scripting():
    return False


def is_tracing():
    return _C._is_tracing()


def _scripted(module):
    """The model itself, with what a compiled one has besides."""
    if _is(module, Module):
        space = module.__dict__
        space["save"] = space["_save_for_lite_interpreter"] = lambda f, _extra_files=None, **options: None
        for name in ("code", "code_with_constants", "graph", "inlined_graph", "save_to_buffer"):
            space[name] = _C._unknown("what torch makes of a compiled model is not known")
    return module


def script(obj=None, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    _C._converts(obj, example_inputs is not None)
    return _scripted(obj)


def script_method(fn):
    return fn


def script_if_tracing(fn):
    return fn


_script_if_tracing = script_if_tracing


def ignore(drop=False, **kwargs):
    return identity(drop)


def unused(fn):
    return fn


def export(fn):
    return fn


def interface(obj):
    return obj


def _overload(func):
    return func


def _overload_method(func):
    return func


def annotate(the_type, the_value):
    return the_value


def _fits(obj, kind):
    found = _is(obj, kind)
    if found is True and kind in (list, dict, tuple):
        return _C._unknown("the kinds of items that a type asks for are not kept")
    return found


def isinstance(obj, target_type):
    kinds = target_type if _is(target_type, tuple) else (target_type,)
    return any(_fits(obj, kind) for kind in kinds)


def Attribute(value, type):
    return value


def _run(func, example, named=False):
    if named:
        return func(**example)
    if _is(example, (tuple, list)):
        return func(*example)
    return func(example)


def trace(func, example_inputs=None, *args, example_kwarg_inputs=None, strict=True, **kwargs):
    _C._converts(func, True)
    way = "trace strictly" if strict is True else "trace"
    if example_kwarg_inputs is not None:
        _C._returned(func, _run(func, example_kwarg_inputs, True), way)
    elif example_inputs is not None:
        _C._returned(func, _run(func, example_inputs), way)
    return _scripted(func)


def trace_module(mod, inputs, *args, example_inputs_is_kwarg=False, **kwargs):
    """Each of the methods runs as what the module does when it is called."""
    _C._converts(mod, True)
    methods = [(getattr(mod, name), example) for name, example in inputs.items()]
    space = mod.__dict__
    before = space.get("forward")
    for method, example in methods:
        space["forward"] = method
        _run(mod, example, example_inputs_is_kwarg and _is(example, dict))
    space.pop("forward", None)
    if before is not None:
        space["forward"] = before
    return _scripted(mod)


def freeze(mod, preserved_attrs=None, optimize_numerics=True):
    return mod


def optimize_for_inference(mod, other_methods=None):
    return mod


def save(m, f, _extra_files=None):
    return None


def load(f, map_location=None, _extra_files=None, _restore_shapes=False):
    return _C._unknown("what a saved TorchScript program holds is not known: build the model from its class")


def fork(func, *args, **kwargs):
    return func(*args, **kwargs)


def wait(future):
    return future


def set_fusion_strategy(strategy):
    return []


def enable_onednn_fusion(enabled):
    return None


def onednn_fusion_enabled():
    return False


class strict_fusion(ContextDecorator):
    pass


class optimized_execution(ContextDecorator):
    pass


class fuser(ContextDecorator):
    def __new__(cls, name):
        return object.__new__(cls)


class ScriptModule(Module):
    pass


class TracedModule(ScriptModule):
    pass


class TopLevelTracedModule(TracedModule):
    pass


class RecursiveScriptModule(ScriptModule):
    pass


ScriptFunction = _C.ScriptFunction


class TracingCheckError(Exception):
    pass


class Error(RuntimeError):
    pass
