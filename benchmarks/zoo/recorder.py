"""Records what torch executes: one row for each distinct call expression, operation and shapes, as ``ane-lsp trace`` prints.

A script is run as ``__main__`` on the meta device (no memory, no arithmetic) and everything inside its model calls is kept:
calls of torch.nn modules, torch functions and tensor methods, each at the expression of the innermost frame outside torch.
What torch's own modules call inside is theirs and is left out; children of containers stand at the call that ran the
container. Columns need Python 3.11; before that a row names its line only.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.nn.utils.parametrize import ParametrizationList
from torch.overrides import TorchFunctionMode, resolve_name

from ane_lsp.graph import TORCH_DTYPE

Row = dict[str, Any]
_TORCH = str(Path(torch.__file__).resolve().parent) + os.sep
_SITE_PACKAGES = Path(torch.__file__).resolve().parents[1]
_SHORT = {getattr(torch, full): short for short, full in TORCH_DTYPE.items() if hasattr(torch, full)}
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_TRANSPARENT = frozenset({"functools.py", "contextlib.py"})


@functools.cache
def _inside(filename: str) -> bool:
    """Whether code of this file is invisible: torch's, ours, generated."""
    if filename.startswith("<"):
        return True
    path = os.path.abspath(filename)
    return path.startswith(_TORCH) or path == os.path.abspath(__file__) or os.path.basename(path) in _TRANSPARENT


@functools.cache
def _positions(code: CodeType) -> list[tuple[int | None, ...]] | None:
    return list(code.co_positions()) if hasattr(code, "co_positions") else None


def _own_wrapper(frame: FrameType, module: nn.Module | None) -> bool:
    """Whether `frame` is a module class's own ``__call__`` around the call of that very module."""
    code = frame.f_code
    if module is None or code.co_name not in ("__call__", "_call_impl") or not code.co_argcount:
        return False
    return frame.f_locals.get(code.co_varnames[0]) is module


def call_site(frame: FrameType | None, module: nn.Module | None = None) -> tuple[FrameType, Row] | None:
    """The innermost frame outside torch, and the expression it is at."""
    while frame is not None and (_inside(frame.f_code.co_filename) or _own_wrapper(frame, module)):
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    found = _positions(code)
    line, end_line, col, end_col = found[frame.f_lasti // 2] if found else (frame.f_lineno, None, None, None)
    return frame, {
        "file": relative(code.co_filename), "line": line or frame.f_lineno, "col": col, "end_line": end_line,
        "end_col": end_col, "fn": getattr(code, "co_qualname", code.co_name),
    }  # fmt: skip


def relative(filename: str) -> str:
    """A file below its import root: site-packages, or the script's own folder."""
    path = Path(filename).resolve()
    return path.relative_to(_SITE_PACKAGES).as_posix() if path.is_relative_to(_SITE_PACKAGES) else path.name


def described(value: Any, depth: int = 0) -> Any:
    """A value as rows print it: tensors as ``{"t": shape, "d": dtype}``."""
    if isinstance(value, torch.Tensor):
        with torch._C.DisableTorchFunction():
            return {"t": list(value.shape), "d": _SHORT.get(value.dtype, str(value.dtype))}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, (list, tuple)) and depth < 3:
        return [described(item, depth + 1) for item in value[:24]]
    if isinstance(value, dict) and depth < 3:
        return {str(key): described(item, depth + 1) for key, item in list(value.items())[:24]}
    if isinstance(value, (torch.dtype, torch.device)):
        return str(value)
    return {"obj": type(value).__name__}


@functools.cache
def _public_name(func: Any) -> str:
    return resolve_name(func) or f"{getattr(func, '__module__', '')}.{getattr(func, '__name__', func)}"


def _torchs_own(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.")


class Recorder(TorchFunctionMode):  # type: ignore[misc]
    """Collects rows while a module runs; nothing is kept outside modules."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.running: list[tuple[nn.Module, Row | None]] = []  # modules being executed, each with its call's place

    def _keep(self, site: Row, op: str, kind: str, out: Any, **extra: Any) -> None:
        row = {**site, "op": op, "kind": kind, "out": described(out), **extra}
        known = self.rows.setdefault(json.dumps(row), row)
        known["n"] = known.get("n", 0) + 1

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        hidden = not self.running or (
            _torchs_own(self.running[-1][0]) and not isinstance(self.running[-1][0], _CONTAINERS)
        )
        result = func(*args, **(kwargs or {}))
        if hidden:
            return result
        name = _public_name(func)
        if not name.endswith(".__get__"):
            found = call_site(sys._getframe(1))
            if found is not None:
                self._keep(found[1], name, "method" if name.startswith("torch.Tensor.") else "function", result)
        return result

    def before(self, module: nn.Module, args: Any) -> None:
        found = call_site(sys._getframe(1), module)
        self.running.append((module, found[1] if found is not None else None))

    def after(self, module: nn.Module, args: Any, result: Any) -> None:
        site = None
        while self.running:  # a module that raised and was caught never came here
            ran, site = self.running.pop()
            if ran is module:
                break
        outer = self.running[-1][0] if self.running else None
        if isinstance(self.running[0][0] if self.running else module, ParametrizationList):
            return  # a weight that was read outside every model, by an initialisation
        if site is None or (outer is not None and _torchs_own(outer) and not isinstance(outer, _CONTAINERS)):
            return
        own = _torchs_own(module)
        name = f"torch.nn.{type(module).__name__}" if own else f"{type(module).__module__}.{type(module).__qualname__}"
        self._keep(site, name, "module", result, leaf=own)


@contextlib.contextmanager
def recording() -> Iterator[Recorder]:
    """Record every model call made inside."""
    recorder = Recorder()
    handles = [
        hooks.register_module_forward_pre_hook(recorder.before),
        hooks.register_module_forward_hook(recorder.after),
    ]
    try:
        with torch.no_grad(), recorder:
            yield recorder
    finally:
        for handle in handles:
            handle.remove()


def record_script(path: Path, device: str = "meta") -> list[Row]:
    """Run a script as ``__main__`` on `device` and return what its model calls executed. The script's errors pass."""
    declare_missing_operators()
    with recording() as recorder, torch.device(device):
        runpy.run_path(str(path), run_name="__main__")
    return list(recorder.rows.values())


def record_call(model: Any, *args: Any, **kwargs: Any) -> tuple[list[Row], Exception | None]:
    """Call a model; what it executed, and the exception that ended it early, if any."""
    with recording() as recorder:
        try:
            model(*args, **kwargs)
        except Exception as error:
            return list(recorder.rows.values()), error
    return list(recorder.rows.values()), None


def declare_missing_operators() -> None:
    """Let torchvision import where its compiled part does not load: name the operators its Python part refers to."""
    with contextlib.suppress(RuntimeError):
        library = torch.library.Library("torchvision", "DEF")
        for schema in (
            "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
            "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        ):
            library.define(schema)
        _KEPT.append(library)


_KEPT: list[Any] = []  # operators disappear with the library object that declared them
