"""In the worker: the user's model and its inputs, and in whose words they were found."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ane_lsp.graph.types import TORCH_DTYPE
from ane_lsp.verify.job import Input, Job
from ane_lsp.verify.worker_base import Failed

_CONVENTIONS = ("example_inputs", "get_example_inputs", "sample_inputs")


class _Captured(BaseException):
    """Unwinds the user's script once its model has been called. Not an Exception, so that nobody catches it."""

    def __init__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__("model call captured")
        self.call = (module, args, kwargs)


@dataclass
class Model:
    """A module and one call of it. tensors: the inputs, flattened in order; `names` theirs. source: who gave the inputs."""

    module: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    source: str
    notes: list[str] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    wrapper: Any = None

    def describe(self) -> dict[str, Any]:
        """For the report: what was built and called."""
        inputs = [
            {"name": n, "shape": list(t.shape), "dtype": str(t.dtype).removeprefix("torch.")}
            for n, t in zip(self.names, self.tensors)
        ]
        parameters = sum(p.numel() for p in self.module.parameters())
        return {
            "name": type(self.module).__name__, "inputs": inputs, "source": self.source, "notes": self.notes,
            "parameters": parameters,
        }  # fmt: skip

    def arrays(self) -> list[Any]:
        """The inputs as Core ML takes them: integers in 32 bits."""
        return [t.numpy().astype("int32") if str(t.dtype) == "torch.int64" else t.numpy() for t in self.tensors]

    def reference(self) -> list[Any]:
        """The outputs in fp32, as a flat list of tensors."""
        torch = sys.modules["torch"]
        with torch.no_grad():
            outputs = self.wrapper(*self.tensors)
        found = list(outputs) if isinstance(outputs, tuple) else [outputs]
        if not found:
            raise Failed("user", "the model returned no tensor")
        return found


def load(job: Job) -> Model:
    """Build the model and its inputs. Raises Failed, and whatever the user's code raises."""
    for path in reversed((str(Path(job.file).parent), *job.paths)):
        if path not in sys.path:
            sys.path.insert(0, path)
    torch = sys.modules["torch"]
    notes: list[str] = []
    captured = None
    if job.entry is None:
        captured, namespace = _run_script(job)
        if captured is None:
            if job.call is None or job.call not in namespace:
                raise Failed(
                    "entry",
                    "running the file called no model; name one: ane-lsp verify FILE::Net or FILE::'Net(width=32)'",
                )
            module = _instance(namespace[job.call], job.call)
        else:
            module = captured[0]
    else:
        namespace = _import(job.file)
        module = _instance(eval(job.entry, namespace), job.entry)  # the user's own expression, by explicit command
    if not isinstance(module, torch.nn.Module):
        raise Failed("entry", f"{job.entry or job.call} is {type(module).__name__}, not a torch.nn.Module")
    if any(p.is_meta for p in module.parameters()):
        raise Failed("entry", "the model's weights are on the meta device: there is nothing to convert")
    module = module.to("cpu").eval()
    if any(p.dtype in (torch.float16, torch.bfloat16) for p in module.parameters()):
        module = module.float()
        notes.append("half-precision weights were converted to fp32 first")
    args, kwargs, source = _inputs(job, module, namespace, captured)
    config = getattr(module, "config", None)
    if config is not None and getattr(config, "use_cache", None) is True and hasattr(config, "return_dict"):
        config.use_cache = False
        notes.append("config.use_cache was set to False")
    model = Model(module, args, kwargs, source, notes)
    _flatten(model)
    return model


def _run_script(job: Job) -> tuple[tuple[Any, tuple[Any, ...], dict[str, Any]] | None, dict[str, Any]]:
    """Run the file as a script until it calls its (outermost) model; the script ends there."""
    module_type: Any = sys.modules["torch"].nn.Module
    original: Callable[..., Any] = module_type.__call__
    depth = 0

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        if depth == 0 and (job.call is None or type(self).__name__ == job.call):
            raise _Captured(self, args, kwargs)
        depth += 1
        try:
            return original(self, *args, **kwargs)
        finally:
            depth -= 1

    module = type(sys)("__main__")
    module.__file__ = job.file
    namespace = module.__dict__
    namespace["__builtins__"] = builtins
    sys.modules["__main__"] = module
    sys.argv = [job.file]
    source = Path(job.file).read_bytes()
    module_type.__call__ = call
    try:
        exec(compile(source, job.file, "exec"), namespace)
    except _Captured as captured:
        return captured.call, namespace
    except SystemExit:
        return None, namespace
    finally:
        module_type.__call__ = original
    return None, namespace


def _import(file: str) -> dict[str, Any]:
    """The file as a module, not as the script."""
    name = Path(file).stem if Path(file).stem.isidentifier() else "ane_lsp_model"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Failed("entry", f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.__dict__


def _instance(value: Any, name: str) -> Any:
    if inspect.isclass(value) or inspect.isfunction(value):
        needed = [
            p.name for p in inspect.signature(value).parameters.values()
            if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]  # fmt: skip
        if needed:
            raise Failed("entry", f"{name} needs {', '.join(needed)}; write them: FILE::'{name}({needed[0]}=...)'")
        return value()
    return value


def _inputs(
    job: Job, module: Any, namespace: dict[str, Any], captured: tuple[Any, tuple[Any, ...], dict[str, Any]] | None
) -> tuple[tuple[Any, ...], dict[str, Any], str]:
    """The arguments of the call, by the first who says something, and who that was."""
    if job.inputs:
        return (*_tensors(job.inputs), job.input_source)
    if captured is not None:
        return captured[1], captured[2], "the model call in the file"
    for where, holder in (("the model", module), ("the file", namespace)):
        for name in _CONVENTIONS:
            found = holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)
            if found is not None:
                value = found() if callable(found) else found
                return (*_as_call(value), f"{name} of {where}")
    example = getattr(module, "example_input_array", None)
    if example is not None:
        return (*_as_call(example), "example_input_array (Lightning)")
    dummy = getattr(module, "dummy_inputs", None)
    if isinstance(dummy, dict):
        return (), dummy, "dummy_inputs (Hugging Face)"
    config = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None)
    size = config.get("input_size") if isinstance(config, dict) else getattr(config, "input_size", None)
    if size:
        return (*_tensors([Input((1, *size))]), "pretrained_cfg (timm)")
    if job.fallback:
        return (*_tensors(job.fallback), "the static analysis of the file")
    raise Failed(
        "inputs", "nothing says what the model's inputs are; say it with --input 1x3x224x224 or # ane: input(...)"
    )


def _tensors(specs: Sequence[Input]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    torch = sys.modules["torch"]
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for spec in specs:
        dtype = getattr(torch, TORCH_DTYPE[spec.dtype])
        if dtype.is_floating_point or dtype.is_complex:
            value = torch.randn(spec.shape, dtype=dtype)
        else:
            value = torch.randint(0, 2, spec.shape).to(dtype)
        if spec.name is None:
            args.append(value)
        else:
            kwargs[spec.name] = value
    return tuple(args), kwargs


def _as_call(value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Example inputs as arguments: a tensor, a sequence of them, a dict, or (args, kwargs)."""
    if isinstance(value, dict):
        return (), value
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], tuple) and isinstance(value[1], dict):
        return value
    return (tuple(value), {}) if isinstance(value, (tuple, list)) else ((value,), {})


def _flatten(model: Model) -> None:
    """Give the model a form with tensors in and tensors out; other arguments are built in."""
    torch = sys.modules["torch"]
    nn: Any = torch.nn
    try:
        bound = dict(inspect.signature(model.module.forward).bind(*model.args, **model.kwargs).arguments)
    except (TypeError, ValueError):
        bound = {}
    labels = {id(v): k for k, v in bound.items()}

    def walk(value: Any, name: str) -> Any:
        if isinstance(value, torch.Tensor):
            value = value.detach().to("cpu")
            if value.dtype in (torch.float16, torch.bfloat16, torch.float64):
                value = value.float()
            model.tensors.append(value)
            model.names.append(_unique(name, model.names))
            return _Slot(len(model.tensors) - 1)
        if type(value) in (tuple, list):
            return type(value)(walk(v, f"{name}_{i}") for i, v in enumerate(value))
        if type(value) is dict:
            return {k: walk(v, f"{name}_{k}") for k, v in value.items()}
        return value

    args = tuple(walk(v, labels.get(id(v), f"input_{i}")) for i, v in enumerate(model.args))
    kwargs = {k: walk(v, k) for k, v in model.kwargs.items()}
    if not model.tensors:
        raise Failed("inputs", "the model is called without a tensor: there is no input to convert it for")

    class Wrapper(nn.Module):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *tensors: Any) -> Any:
            made = _leaves(self.inner(*_fill(args, tensors), **_fill(kwargs, tensors)))
            return tuple(made) if len(made) != 1 else made[0]

    model.wrapper = Wrapper(model.module).eval()


@dataclass(frozen=True)
class _Slot:
    index: int


def _fill(value: Any, tensors: Sequence[Any]) -> Any:
    if isinstance(value, _Slot):
        return tensors[value.index]
    if type(value) in (tuple, list):
        return type(value)(_fill(v, tensors) for v in value)
    if type(value) is dict:
        return {k: _fill(v, tensors) for k, v in value.items()}
    return value


def _leaves(value: Any) -> list[Any]:
    """The tensors of a result, in order; caches and other objects are left out."""
    if isinstance(value, sys.modules["torch"].Tensor):
        return [value]
    if isinstance(value, dict):
        return [leaf for v in value.values() for leaf in _leaves(v)]
    if isinstance(value, (tuple, list)):
        return [leaf for v in value for leaf in _leaves(v)]
    return []


def _unique(name: str, taken: Sequence[str]) -> str:
    name = "".join(c if c.isalnum() or c == "_" else "_" for c in name) or "input"
    found, number = name, 1
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
