"""Random calls of every modelled operation, converted and computed: ``python -m benchmarks.conversions [NAME...]``.

The calls are those that the op rules are tested with. Each becomes a model of one line that is checked, converted by coremltools and, where
that works, computed here and held against torch. Printed is where both sides part: `gap`, a conversion fails or computes something else and
nothing is said; `alarm`, an error is reported and the program computes what torch does.
"""

from __future__ import annotations

import argparse
import logging
import math
import signal
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings

from ane_lsp import analyze_file
from ane_lsp.graph import TORCH_DTYPE
from benchmarks.converting import computes_the_same, convert, tensors_of
from tests.torch_model import harness

# Their results are drawn anew by each run, or are no tensors.
_LEFT_OUT = (
    "rand",
    "empty",
    "dropout",
    "bernoulli",
    "multinomial",
    "normal_",
    "uniform_",
    "rrelu",
    "item",
    "tolist",
    "numpy",
)
_DTYPES = {"f32": "torch.randn({})", "i64": "torch.randint(0, 3, {})", "b8": "torch.randn({})"}
_TEMPLATE = """import torch
from torch import nn


class Net(nn.Module):
    def forward(self, {names}):
{casts}
        return {call}


if __name__ == "__main__":
    Net()({inputs})
"""


class NotWritten(Exception):
    """A call that has no such model."""


class Slow(Exception):
    """A conversion that takes too long."""


def model(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The source of a model that makes one call. Raises NotWritten."""
    tensors: list[harness.Arg] = []

    def written(value: Any) -> str:
        if isinstance(value, harness.Arg):
            if value.dtype not in _DTYPES or not value.shape or 0 in value.shape:
                raise NotWritten
            tensors.append(value)
            return f"x{len(tensors) - 1}"
        if isinstance(value, harness.Dtype):
            return f"torch.{TORCH_DTYPE[value]}"
        if isinstance(value, list):
            return f"[{', '.join(map(written, value))}]"
        if type(value) is tuple:
            return f"({''.join(written(item) + ', ' for item in value)})"
        if isinstance(value, slice):
            return f"slice({written(value.start)}, {written(value.stop)}, {written(value.step)})"
        if value is Ellipsis:
            return "..."
        if isinstance(value, float) and not math.isfinite(value):
            return f"float('{value}')"
        if value is None or isinstance(value, (bool, int, float, str)):
            return repr(value)
        raise NotWritten

    given_ = [*map(written, args), *(f"{key}={written(value)}" for key, value in kwargs.items())]
    if not tensors:
        raise NotWritten
    call = f"{name}({', '.join(given_)})"
    if name.startswith("torch.Tensor."):
        method = name.removeprefix("torch.Tensor.")
        if given_[0] != "x0":
            raise NotWritten
        call = f"x0.{method}({', '.join(given_[1:])})" if callable(getattr(torch.Tensor, method)) else f"x0.{method}"
    names = [f"x{n}" for n in range(len(tensors))]
    casts = {"f32": "{0} = {0} * 1.0", "i64": "{0} = {0} + 0", "b8": "{0} = {0} > 0.5"}
    return _TEMPLATE.format(
        names=", ".join(names),
        casts="\n".join(f"        {casts[tensor.dtype].format(name)}" for name, tensor in zip(names, tensors)),
        call=call,
        inputs=", ".join(map(_values, tensors)),
    )


def _values(tensor: harness.Arg) -> str:
    if tensor.dtype == "i64" and tensor.values is not None:
        return f"torch.tensor({list(tensor.values)}).reshape({tensor.shape})"
    return _DTYPES[tensor.dtype].format(tensor.shape)


def outcome(text: str, path: str) -> str | None:
    """What becomes of a model: ``same``, ``differs``, or why it fails; None where torch refuses it or nothing can be compared."""
    namespace: dict[str, Any] = {"__name__": "model"}
    exec(text, namespace)
    net = namespace["Net"]().eval()
    torch.manual_seed(0)
    inputs = eval(f"({text.rsplit('Net()(', 1)[1].strip()[:-1]},)", {"torch": torch})
    try:
        with torch.no_grad():
            expected = list(tensors_of(net(*(value.clone() for value in inputs))))
    except Exception:
        return None
    if not expected or any(not value.numel() or value.is_complex() for value in expected):
        return None
    try:
        program = convert(net, inputs, path)
    except Slow:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
    try:
        same = computes_the_same(program, inputs, expected)
    except Slow:
        raise
    except Exception:
        return None
    return None if same is None else "same" if same else "differs"


def said(text: str, path: str, folder: Path) -> list[str]:
    """Codes that say a model does not convert, or converts into something else."""
    file = folder / "model.py"
    file.write_text(text)
    found = analyze_file(file, export_path=path).findings
    return sorted({f.code for f in found if f.code.startswith("ANE1") or f.code in ("ANE001", "ANE512")})


def compare(name: str, path: str, examples: int, folder: Path) -> Counter[str]:
    """How often both sides agree on random calls of an operation; prints where they do not."""
    counts: Counter[str] = Counter()
    seen: set[str] = set()

    def one(call: harness.Call) -> None:
        try:
            text = model(name, *call)
        except NotWritten:
            return
        if text in seen:
            return
        seen.add(text)
        signal.alarm(30)
        try:
            real = outcome(text, path)
        except Slow:
            real = None
        finally:
            signal.alarm(0)
        if real is None:
            return
        codes = said(text, path, folder)
        certain = [code for code in codes if code != "ANE512"]  # which is about small numbers
        verdict = "alarm" if real == "same" and certain else "gap" if real != "same" and not codes else "agree"
        counts[verdict] += 1
        if verdict != "agree":
            line = next(line.strip() for line in text.splitlines() if line.strip().startswith("return "))
            print(f"{verdict}: {line.removeprefix('return ')}  [{path}]  {real}  {' '.join(codes)}", flush=True)

    for case in harness.CASES[name]:
        drawn = settings(
            max_examples=examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        )(given(case.strategy)(one))
        seed(11)(drawn)()
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "names", nargs="*", help="torch.cumsum, torch.Tensor.argmax, ...; all modelled operations without any"
    )
    parser.add_argument("--examples", type=int, default=6, help="random calls for each case of an operation")
    parser.add_argument("--path", default="trace", choices=("trace", "export", "export-core"))
    args = parser.parse_args()
    harness.load()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)

    def slow(number: int, frame: Any) -> None:
        raise Slow

    signal.signal(signal.SIGALRM, slow)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name in args.names or sorted(harness.CASES):
            if not any(part in name.rsplit(".", 1)[-1] for part in _LEFT_OUT):
                counts += compare(name, args.path, args.examples, Path(folder))
    print(f"{counts.total()} calls: {counts['agree']} agree, {counts['gap']} gaps, {counts['alarm']} alarms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
