"""Compares our op rules with real torch on random calls.

A *case* is a hypothesis strategy of ``(args, kwargs)`` for one op name. Tensors in it are :class:`Arg`, dtypes
:class:`Dtype`; everything else is passed to torch and to our rule as it is. Modules in ``tests/torch_model/cases``
register cases with :func:`cases`; a test fails for a declared name without one.

Three things are compared for each call:

- the concrete call: same structure, shapes, dtypes and Python values; where torch raises ours raises or is unknown;
- the same call with sizes as symbols: never an error where torch accepts the call, and bound to the real sizes the
  result is the real one wherever it is known;
- for cases with ``data=True`` (run on the CPU): the elements, where our rule carries them.
"""

from __future__ import annotations

import math
import os
import struct
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from zlib import crc32

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from ane_lsp.graph import TORCH_DTYPE, Sym, TensorType, Unknown, dims
from ane_lsp.torch_model import inplace, registry
from ane_lsp.torch_model.registry import TorchError

SHORT = {getattr(torch, long): short for short, long in TORCH_DTYPE.items() if hasattr(torch, long)}
Call = tuple[tuple[Any, ...], dict[str, Any]]

# For each case of an op (most ops have two); other spellings of the op get a quarter. ANE_TORCH_EXAMPLES=500 for a long run.
EXAMPLES = int(os.environ.get("ANE_TORCH_EXAMPLES", "16"))


class Dtype(str):
    """A dtype argument by its short name."""

    __slots__ = ()


@dataclass(frozen=True)
class Arg:
    """A tensor argument. values: its elements (row-major), None where only the shape matters."""

    shape: tuple[int, ...]
    dtype: str = "f32"
    values: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Case:
    """How to test one name.

    device: ``"meta"`` for shape and dtype only, ``"cpu"`` where values matter. data: compare elements too, and demand
    them. symbolic: also run with symbolic sizes. unknown: our rule may answer unknown for fully known arguments, with
    the reason why.
    """

    strategy: SearchStrategy[Call]
    device: str = "meta"
    data: bool = False
    symbolic: bool = True
    unknown: str = ""
    tolerance: float = 2e-6


CASES: dict[str, list[Case]] = {}
STATS: Counter[str] = Counter()
DISAGREEMENTS: list[str] = []


def cases(
    *names: str,
    strategy: SearchStrategy[Call],
    device: str = "meta",
    data: bool = False,
    symbolic: bool = True,
    unknown: str = "",
    tolerance: float = 2e-6,
) -> None:
    """Register a strategy for op names. A name may have several (one for shapes on meta, one for data on the CPU)."""
    for name in names:
        CASES.setdefault(name, []).append(Case(strategy, device, data, symbolic, unknown, tolerance))


def load() -> None:
    """Import every case module."""
    from tests.torch_model import cases as package

    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")


def resolve(name: str) -> Callable[..., Any]:
    """The real torch callable behind a public name."""
    found: Any = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found if callable(found) else found.__get__  # an attribute such as ``.T``


def real(value: Any, device: str) -> Any:
    """A case's argument as torch takes it."""
    if isinstance(value, Arg):
        dtype = getattr(torch, TORCH_DTYPE[value.dtype])
        if value.values is not None and device == "cpu":
            return torch.tensor(value.values, dtype=dtype).reshape(value.shape)
        if device == "cpu":
            return torch.ones(value.shape).to(dtype)
        return torch.empty(value.shape, dtype=dtype, device=device)
    if isinstance(value, Dtype):
        return getattr(torch, TORCH_DTYPE[value])
    if isinstance(value, (tuple, list)):
        return type(value)(real(item, device) for item in value)
    return value


def ours(value: Any, sizes: dict[int, Any] | None = None, data: bool = True) -> Any:
    """A case's argument as our rules take it; `sizes` replaces ints in tensor shapes by symbols."""
    if isinstance(value, Arg):
        shape = tuple(sizes.get(size, size) for size in value.shape) if sizes else value.shape
        kept = value.values if data and not sizes else None
        if kept is not None:
            kept = tuple(normal(real(value, "cpu").reshape(-1).tolist()))
        return TensorType(shape, value.dtype, kept)
    if isinstance(value, Dtype):
        return str(value)
    if isinstance(value, (tuple, list)):
        return type(value)(ours(item, sizes, data) for item in value)
    return value


def normal(values: list[Any]) -> list[Any]:
    return values


def args_in(value: Any) -> list[Arg]:
    """Every tensor argument of a call."""
    if isinstance(value, Arg):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [arg for item in value for arg in args_in(item)] if isinstance(value, (tuple, list)) else []


def run_ours(name: str, args: Any, kwargs: Any) -> Any:
    """What our declaration answers."""
    decl = registry.find(name)
    assert decl is not None, f"{name} is not declared"
    result = decl.infer(args, kwargs)
    # An in-place view (``squeeze_``) gives the tensor another shape; everything else stores into the shape it has.
    return inplace.stored(args[0], result) if registry.is_inplace(name) and "view" not in decl.tags else result


def is_unknown(value: Any) -> bool:
    """Whether our answer leaves anything open."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, TensorType):
        return value.shape is None or value.dtype is None or any(isinstance(s, Sym) for s in value.shape)
    if isinstance(value, (tuple, list)):
        return any(is_unknown(item) for item in value)
    return isinstance(value, Sym)


def differs(mine: Any, theirs: Any, case: Case, bound: dict[str, int] | None = None) -> str | None:
    """What is different between our answer and torch's, None where they agree."""
    if isinstance(mine, Unknown):
        STATS["unknown"] += 1
        return None if bound is not None or case.unknown else f"unknown ({mine.reason}), torch says {brief(theirs)}"
    if isinstance(theirs, torch.Tensor):
        if not isinstance(mine, TensorType):
            return f"{mine!r} is no tensor, torch says {brief(theirs)}"
        return differs_tensor(mine, theirs, case, bound)
    if isinstance(theirs, torch.dtype):
        return None if mine == SHORT.get(theirs) else f"{mine!r}, torch says {theirs}"
    if isinstance(theirs, (tuple, list)):
        if not isinstance(mine, (tuple, list)) or len(mine) != len(theirs):
            return f"{mine!r}, torch says {brief(theirs)}"
        if isinstance(theirs, list) != isinstance(mine, list):
            return f"{type(mine).__name__}, torch says {type(theirs).__name__}"
        found = (differs(a, b, case, bound) for a, b in zip(mine, theirs, strict=True))
        return next((text for text in found if text), None)
    if isinstance(mine, Sym):
        value = dims.bind(mine, bound or {})
        return None if (isinstance(value, Sym) and bound is not None) or value == theirs else f"{mine}, not {theirs}"
    if isinstance(theirs, (torch.device, torch.layout)):
        return None
    if isinstance(theirs, (torch.finfo, torch.iinfo)):
        fields = [name for name in dir(theirs) if not name.startswith("_")]
        same = all(getattr(mine, name, None) == getattr(theirs, name) for name in fields)
        return None if same else f"{mine!r}, torch says {theirs!r}"
    if type(mine) is not type(theirs) or not same_number(mine, theirs, case.tolerance):
        return f"{mine!r}, torch says {theirs!r}"
    return None


def differs_tensor(mine: TensorType, theirs: torch.Tensor, case: Case, bound: dict[str, int] | None) -> str | None:
    """The same for one tensor."""
    text = f"{mine}, torch says {brief(theirs)}"
    if mine.dtype is None:
        STATS["unknown"] += 1
        if bound is None and not case.unknown:
            return "dtype unknown: " + text
    elif mine.dtype != SHORT[theirs.dtype]:
        return text
    if mine.shape is None:
        STATS["unknown"] += 1
        return None if bound is not None or case.unknown else "shape unknown: " + text
    if len(mine.shape) != theirs.dim():
        return text
    for have, want in zip(mine.shape, theirs.shape, strict=True):
        value = dims.bind(have, bound) if bound else have
        if isinstance(value, Sym):
            STATS["unknown"] += 1
            if bound is None and not case.unknown:
                return "size unknown: " + text
            if isinstance(have, Sym) and dims.is_known(have):
                return f"{have} stays open: " + text
        elif value != want:
            return text
    compare = case.data and (bound is None or mine.data is not None)
    return differs_data(mine, theirs, case) if compare else None


def differs_data(mine: TensorType, theirs: torch.Tensor, case: Case) -> str | None:
    """The same for the elements."""
    if mine.data is None:
        STATS["data unknown"] += 1
        return None if case.unknown or theirs.numel() > 4096 else f"no data for {mine}, torch says {brief(theirs)}"
    STATS["data compared"] += 1
    values = theirs.reshape(-1).tolist()
    if len(values) != len(mine.data):
        return f"{len(mine.data)} elements, torch has {len(values)}"
    tolerance = max(case.tolerance, {"f16": 2e-3, "bf16": 1.6e-2}.get(mine.dtype or "", 0))
    for index, (a, b) in enumerate(zip(mine.data, values, strict=True)):
        if type(a) is not type(b) or not same_number(a, b, tolerance):
            return f"element {index} is {a!r}, torch says {b!r}"
    return None


def same_number(a: Any, b: Any, tolerance: float) -> bool:
    """Equality, with nan equal to nan and floats up to a relative tolerance."""
    if isinstance(a, complex):
        return same_number(a.real, b.real, tolerance) and same_number(a.imag, b.imag, tolerance)
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    return bool(a == b)


def brief(value: Any) -> str:
    """A torch result in a few words."""
    if isinstance(value, torch.Tensor):
        return f"{list(value.shape)} {SHORT.get(value.dtype, value.dtype)}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(brief, value)) + "]"
    return repr(value)


# torch has no kernel for the dtype on this device: says nothing about shapes.
NO_KERNEL = (
    "not implemented for",
    "Could not run",
    "not supported on",
    "aten::_local_scalar_dense",
    "Tensor.item() cannot",
)


def run_real(name: str, call: Call, device: str) -> Any:
    """What torch answers, or the exception it raises."""
    args, kwargs = call
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return resolve(name)(*real(args, device), **{k: real(v, device) for k, v in kwargs.items()})
    except Exception as error:
        return error


def check(name: str, call: Call, case: Case) -> str | None:
    """Runs one call both ways; what is different, None where they agree."""
    STATS["calls"] += 1
    args, kwargs = call
    theirs = run_real(name, call, case.device)
    try:
        mine: Any = run_ours(name, ours(args), {k: ours(v) for k, v in kwargs.items()})
    except TorchError as error:
        mine = error
    if isinstance(theirs, Exception):
        STATS["torch raises"] += 1
        if any(text in str(theirs) for text in NO_KERNEL) or isinstance(theirs, NotImplementedError):
            STATS["no kernel"] += 1
            return None
        if isinstance(mine, TorchError) or is_unknown(mine):
            return None
        return f"answers {mine!r}, torch raises {type(theirs).__name__}: {theirs}"
    if isinstance(mine, TorchError):
        return f"raises {mine}, torch says {brief(theirs)}"
    found = differs(mine, theirs, case)
    found = found or (check_symbolic(name, call, case, theirs) if case.symbolic else None)
    return found or check_blurred(name, call, case, theirs)


def check_symbolic(name: str, call: Call, case: Case, theirs: Any) -> str | None:
    """Runs the call with each size above 1 as a symbol."""
    sizes = {size for arg in args_in(call[0]) + args_in(call[1]) for size in arg.shape if size > 1}
    if not sizes:
        return None
    STATS["symbolic calls"] += 1
    symbols = {size: dims.symbol(f"S{size}") for size in sizes}
    args, kwargs = call
    try:
        mine = run_ours(name, ours(args, symbols), {k: ours(v, symbols) for k, v in kwargs.items()})
    except TorchError as error:
        return f"with symbolic sizes raises {error}, torch says {brief(theirs)}"
    found = differs(mine, theirs, case, {f"S{size}": size for size in sizes})
    return f"with symbolic sizes: {found}" if found else None


def round_f32(value: float) -> float:
    """The nearest float32."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


BLURS: tuple[Callable[[TensorType], TensorType], ...] = (
    lambda t: TensorType(t.shape, t.dtype),
    lambda t: TensorType(t.shape, None),
    lambda t: TensorType(None, t.dtype),
    lambda t: TensorType(None, None),
    lambda t: TensorType(None if t.shape is None else tuple(dims.fresh() for _ in t.shape), t.dtype),
)


def check_blurred(name: str, call: Call, case: Case, theirs: Any) -> str | None:
    """Runs the call knowing less: tensors without shape or dtype, then each other argument unknown.

    Our rule may know less then, but must not raise, and what it still claims to know must be right.
    """
    args, kwargs = ours(call[0]), {k: ours(v) for k, v in call[1].items()}
    variants = [(_blur(args, blur), {k: _blur(v, blur) for k, v in kwargs.items()}) for blur in BLURS]
    lost = Unknown("not given")
    variants += [((*args[:i], lost, *args[i + 1 :]), kwargs) for i in range(1, len(args))]
    variants += [(args, {**kwargs, key: lost}) for key in kwargs]
    # A few of the variants, picked by the call itself so that a run and its repetition agree.
    start = crc32(repr(call).encode())
    for step in range(min(3, len(variants))):
        blurred = variants[(start + step * 7) % len(variants)]
        STATS["blurred calls"] += 1
        try:
            mine = run_ours(name, *blurred)
        except TorchError as error:
            return f"raises {error} for {blurred}"
        found = differs(mine, theirs, case, {})
        if found:
            return f"{found} for {blurred}"
    return None


def _blur(value: Any, blur: Callable[[TensorType], TensorType]) -> Any:
    if isinstance(value, TensorType):
        return blur(value)
    if isinstance(value, (tuple, list)):
        return type(value)(_blur(item, blur) for item in value)
    return value


def run(name: str, examples: int = EXAMPLES) -> list[str]:
    """Checks `examples` random calls for each case of a name; the smallest disagreement of each case."""
    found = []
    for case in CASES[name]:
        found += _run_case(name, case, examples)
    DISAGREEMENTS.extend(found)
    return found


def _run_case(name: str, case: Case, examples: int) -> list[str]:
    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink),
    )
    @given(case.strategy)
    def compare(call: Call) -> None:
        text = check(name, call, case)
        if text is not None:
            raise Disagreement(f"{name}{call}: {text}")

    try:
        compare()
    except Disagreement as error:
        return [str(error).splitlines()[0]]
    return []


class Disagreement(Exception):
    """Our rule and torch differ."""


def summary() -> list[str]:
    """Figures of everything checked so far, for the terminal."""
    registry.find("torch.add")
    ops = registry.declarations()
    lines = [
        f"torch model: {len(ops)} ops under {len(registry.names())} names; {STATS['calls']} random calls compared with torch, "
        f"{STATS['symbolic calls']} again with symbolic sizes, {STATS['blurred calls']} with less known, "
        f"{STATS['data compared']} results by element",
        f"  torch raised {STATS['torch raises']} times ({STATS['no kernel']} for want of a kernel); "
        f"{STATS['unknown']} answers left something unknown; {len(DISAGREEMENTS)} disagreements",
    ]
    return lines + [f"  {text}" for text in DISAGREEMENTS[:50]]
