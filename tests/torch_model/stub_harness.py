"""Runs the same lines through the interpreter and through real torch and compares what came out.

A case is source text that ends with `m` bound to a module and `out` to what its call returned. Both sides are reduced to
plain data: state_dict (names, shapes, dtypes), plain public attributes of every submodule, class names, and the output's
structure.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import TORCH_DTYPE, Unknown
from ane_lsp.interp.run import Limits, Run, guarded, load_file, start
from ane_lsp.interp.values import ClassObject, DType, Instance, PyRaise, Tensor
from ane_lsp.workspace import Workspace

PRELUDE = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nfrom collections import OrderedDict\n"
# Op rules know that torch raises, not always with which class.
OP_ERRORS = frozenset({"AssertionError", "IndexError", "TypeError", "ValueError", "NotImplementedError"})
COMPARED = {"modules": 0, "state entries": 0, "attributes": 0, "outputs": 0, "errors": 0}


@dataclass
class Outcome:
    """One side of a comparison.

    error: the exception's type name, None where the lines ran through. in_stub: a stub's own `raise`, not an op's rule.
    """

    error: str | None = None
    message: str = ""
    in_stub: bool = True
    modules: list[tuple[str, str]] = field(default_factory=list)
    state: list[tuple[str, tuple[Any, ...], str]] = field(default_factory=list)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    output: Any = None


# -- real torch


def _real_value(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return ("tensor", tuple(value.shape), str(value.dtype).removeprefix("torch."))
    if isinstance(value, (tuple, list)):
        return [_real_value(v) for v in value]
    if isinstance(value, dict):
        return {k: _real_value(v) for k, v in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return [_real_value(v) for v in value]
    return type(value).__name__


def _plain(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, (bool, int, float, str))
        or (isinstance(value, (tuple, list)) and all(isinstance(v, (bool, int, float)) for v in value))
    )


def real(source: str) -> Outcome:
    """What torch does."""
    import warnings

    from torch.nn.parameter import is_lazy

    space: dict[str, Any] = {}
    outcome = Outcome()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(PRELUDE + source, space)
        except Exception as error:
            outcome.error, outcome.message = type(error).__name__, str(error)
            return outcome
    module = space.get("m")
    if module is not None:
        outcome.modules = [(name, type(m).__name__) for name, m in module.named_modules()]
        outcome.state = [
            (name, None if is_lazy(t) else tuple(t.shape), str(t.dtype).removeprefix("torch."))
            for name, t in module.state_dict().items()
        ]
        for name, sub in module.named_modules():
            found = {k: v for k, v in sub.__dict__.items() if not k.startswith("_") and _plain(v)}
            for constant in getattr(sub, "__constants__", ()):
                if hasattr(sub, constant) and _plain(getattr(sub, constant)):
                    found[constant] = getattr(sub, constant)
            outcome.attributes[name] = found
    outcome.output = _real_value(space.get("out"))
    return outcome


# -- the interpreter


def _shape(shape: Any) -> Any:
    return None if shape is None else tuple(d if isinstance(d, int) else str(d) for d in shape)


def _our_value(value: Any) -> Any:
    if isinstance(value, Tensor):
        dtype = value.type.dtype
        lazy = value.attrs is not None and value.attrs.get("_uninitialized") is True
        return ("tensor", None if lazy else _shape(value.type.shape), None if dtype is None else TORCH_DTYPE[dtype])
    if isinstance(value, (tuple, list)):
        return [_our_value(v) for v in value]
    if isinstance(value, dict):
        return {k: _our_value(v) for k, v in value.items()}
    if isinstance(value, DType):
        return "dtype"
    if isinstance(value, Unknown):
        chain = value
        while chain.cause is not None:
            chain = chain.cause
        return f"unknown: {value.reason} <- {chain.reason}"
    if isinstance(value, Instance):
        if isinstance(value.data, (tuple, list)):
            return [_our_value(v) for v in value.data]
        if value.cls.name == "PackedSequence":
            return [_our_value(value.attrs[k]) for k in ("data", "batch_sizes", "sorted_indices", "unsorted_indices")]
        return value.cls.name
    if isinstance(value, ClassObject):
        return "type"
    return value


def _named_modules(module: Instance, prefix: str = "", seen: set[int] | None = None) -> list[tuple[str, Instance]]:
    seen = set() if seen is None else seen
    if id(module) in seen:
        return []
    seen.add(id(module))
    found = [(prefix, module)]
    for name, child in module.attrs.get("_modules", {}).items():
        if isinstance(child, Instance):
            found += _named_modules(child, f"{prefix}.{name}" if prefix else name, seen)
    return found


class Interpreted:
    """One interpreter for many cases; the stubs are read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.workspace = Workspace(folder)
        self.interp = start(self.workspace, limits=Limits(steps=10**9, seconds=10**6))

    def run(self, source: str) -> tuple[Run, dict[str, Any]]:
        """Interpret lines in a module of their own; the run, and the names they bound."""
        self.count += 1
        path = self.folder / f"case_{self.count}.py"
        body = textwrap.indent(source, "    ")
        path.write_text(PRELUDE + f"def go():\n{body}\n    return locals()\n")
        interp = self.interp

        def work() -> Any:
            module = load_file(interp, path, as_main=False)
            assert module is not None, "the case does not parse"
            return interp.call(module.namespace["go"], ())

        result = guarded(interp, work)
        return result, result.result if isinstance(result.result, dict) else {}

    def outcome(self, source: str) -> Outcome:
        """What the interpreter makes of the lines."""
        outcome = Outcome()
        raised: list[PyRaise] = []
        self.count += 1
        path = self.folder / f"case_{self.count}.py"
        body = textwrap.indent(source.strip("\n"), "    ")
        names = [
            name for name in ("m", "out") if any(line.strip().startswith(f"{name} =") for line in source.splitlines())
        ]
        found = "{" + ", ".join(f"'{name}': {name}" for name in names) + "}"
        path.write_text(PRELUDE + f"def go():\n{body}\n    return {found}\n")
        interp = self.interp

        def work() -> Any:
            module = load_file(interp, path, as_main=False)
            assert module is not None, "the case does not parse"
            try:
                result = interp.call(module.namespace["go"], ())
                if isinstance(result, dict) and isinstance(result.get("m"), Instance):
                    result = {**result, "state": interp.call(interp.getattr(result["m"], "state_dict"), ())}
                return result
            except PyRaise as error:
                raised.append(error)
                return None

        run = guarded(interp, work)
        if raised:
            value = raised[0].value
            outcome.error = value.cls.name if isinstance(value, Instance) else type(value).__name__
            outcome.message = str(value)
            outcome.in_stub = not raised[0].from_operation
            return outcome
        if not isinstance(run.result, dict):
            outcome.error = "not followed"
            outcome.message = f"{run.errors} {run.stopped} {run.result}"
            return outcome
        module = run.result.get("m")
        if isinstance(module, Instance):
            named = _named_modules(module)
            outcome.modules = [(name, sub.cls.name) for name, sub in named]
            state = run.result["state"]
            state = state.data if isinstance(state, Instance) else state
            outcome.state = [(name, *_our_value(t)[1:]) for name, t in state.items()]
            for name, sub in named:
                plain = {
                    k: list(v) if isinstance(v, list) else v
                    for k, v in sub.attrs.items()
                    if not k.startswith("_") and _plain(v)
                }
                constants = interp.getattr(sub, "__constants__", ())
                for constant in constants:
                    value = interp.getattr(sub, constant, "missing")
                    if _plain(value):
                        plain[constant] = value
                outcome.attributes[name] = plain
        elif module is not None:
            outcome.error = "not followed"
            outcome.message = str(_our_value(module))
        outcome.output = _our_value(run.result.get("out"))
        return outcome


def differences(theirs: Outcome, ours: Outcome) -> list[str]:
    """Where the interpreter disagrees with torch, in words; empty where it does not."""
    if theirs.error is not None or ours.error is not None:
        COMPARED["errors"] += 1
        by_op = theirs.error in OP_ERRORS and ours.error == "RuntimeError" and not ours.in_stub
        if theirs.error != ours.error and not by_op:
            return [f"torch: {theirs.error} {theirs.message[:200]} | here: {ours.error} {ours.message[:600]}"]
        return []
    found = []
    for what in ("modules", "state", "output"):
        left, right = getattr(theirs, what), getattr(ours, what)
        if left != right:
            found.append(f"{what}: torch {left} | here {right}")
    COMPARED["modules"] += len(theirs.modules)
    COMPARED["state entries"] += len(theirs.state)
    COMPARED["outputs"] += theirs.output is not None
    for name, left in theirs.attributes.items():
        right = ours.attributes.get(name, {})
        COMPARED["attributes"] += len(left)
        for key in sorted(set(left) | set(right)):
            a, b = left.get(key, "missing"), right.get(key, "missing")
            kind = tuple if isinstance(a, tuple) else type(a)  # a torch.Size is a tuple here
            if a != b or not isinstance(b, kind):
                found.append(f"{name or 'm'}.{key}: torch {a!r} | here {b!r}")
    return found


# -- both


@contextmanager
def importable(folder: Path, name: str, source: str) -> Iterator[Path]:
    """A folder with a module that cases of both sides import: definitions that have to stand at the top of one."""
    (folder / f"{name}.py").write_text(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder
    sys.modules.pop(name, None)


def check(source: str, folder: Path) -> None:
    """The lines end with the same error, or the same output, on both sides."""
    wanted, found = real(source), Interpreted(folder).outcome(source)
    assert (found.error, found.output) == (wanted.error, wanted.output), found.message
