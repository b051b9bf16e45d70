"""Compares a trace with what torch executed.

A *site* is (file, line, operation); names of one operation (``torch.add``, ``x + y``, ``x.add_(y)``) count as one. Four shares:

sites    executed sites the trace reports.
shapes   executed (site, output shapes) pairs the trace reports exactly.
wrong    fully known traced pairs at executed sites that never happened; the one that must stay near zero.
unknown  traced pairs at executed sites with a shape that is not fully known.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Site = tuple[str, int, str]
Shapes = tuple[Any, ...] | None  # one entry a tensor: its sizes, or None
Sites = dict[Site, set[Shapes]]

# Questions about a tensor, not operations on it.
QUESTIONS = frozenset({
    "size", "dim", "ndim", "shape", "device", "dtype", "numel", "stride", "is_floating_point", "is_complex",
    "_assert", "item", "tolist", "requires_grad", "is_cuda", "get_device", "__len__", "__bool__", "data_ptr", "type",
    "has_torch_function", "is_tensor", "is_storage", "element_size", "is_contiguous", "get_autocast_dtype",
})  # fmt: skip
CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
_ONE_NAME = {
    "true_divide": "div", "truediv": "div", "divide": "div", "multiply": "mul", "subtract": "sub", "concat": "cat",
    "concatenate": "cat", "swapaxes": "transpose", "clip": "clamp", "invert": "not", "bitwise_not": "not",
    "bitwise_and": "and", "bitwise_or": "or", "floordiv": "floor_divide", "mod": "remainder", "greater": "gt",
    "less": "lt",
}  # fmt: skip
_OPERATOR = re.compile(r"__(?:(?!rsub)[ri](?=add|mul|sub|truediv|pow))?(\w+?)__$")


def one_name(op: str) -> str:
    """The name under which spellings of one operation are compared."""
    name = op.rsplit(".", 1)[-1]
    if op.startswith("torch.nn.") and name[:1].isupper():
        return f"nn.{name}"
    operator = _OPERATOR.match(name)
    if operator is not None:
        name = operator[1] if operator[1] != "len" and operator[1] != "bool" else name
    elif not name.startswith("__"):
        name = name.rstrip("_") or name
    return _ONE_NAME.get(name, name)


def output_shapes(out: Any) -> Shapes:
    """Shapes of the tensors in a row's ``out``, in order; None where there is no tensor."""
    if isinstance(out, dict):
        if "t" in out:
            return (None if out["t"] is None else tuple(out["t"]),)
        out = list(out.values())
    if not isinstance(out, list):
        return None
    found = [shape for item in out for shape in output_shapes(item) or ()]
    return tuple(found) or None


def sites_of(rows: Iterable[dict[str, Any]]) -> Sites:
    """The sites of rows, each with every output it had."""
    sites: Sites = {}
    for row in rows:
        op, kind = row.get("op", ""), row.get("kind")
        if "summary" in row or kind == "attr":
            continue
        name = op.rsplit(".", 1)[-1]
        if kind == "module" and (row.get("leaf") is False or not op.startswith("torch.nn.") or name in CONTAINERS):
            continue
        folded = one_name(op)
        shapes = output_shapes(row.get("out"))
        if folded in QUESTIONS or (shapes is None and kind != "module"):
            continue
        sites.setdefault((row["file"], row["line"], folded), set()).add(shapes)
    return sites


def fully_known(shapes: Shapes) -> bool:
    """Whether every size is a number."""
    return shapes is not None and all(s is not None and all(isinstance(d, int) for d in s) for s in shapes)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of sites and (site, shapes) pairs; sums over models are scores too."""

    true_sites: int = 0
    found_sites: int = 0
    true_pairs: int = 0
    exact_pairs: int = 0
    known_pairs: int = 0
    wrong_pairs: int = 0
    traced_pairs: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    @property
    def sites(self) -> float:
        return _share(self.found_sites, self.true_sites)

    @property
    def shapes(self) -> float:
        return _share(self.exact_pairs, self.true_pairs)

    @property
    def wrong(self) -> float:
        return _share(self.wrong_pairs, self.known_pairs)

    @property
    def unknown(self) -> float:
        return _share(self.traced_pairs - self.known_pairs, self.traced_pairs)

    @property
    def clean(self) -> bool:
        """Good enough to be trusted: the bar of the project for one model."""
        return self.sites >= 0.98 and self.shapes >= 0.97 and self.wrong <= 0.001


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def score(truth: Sites, trace: Sites) -> Score:
    """How well `trace` tells what `truth` recorded."""
    true_pairs = {(site, shapes) for site, all_shapes in truth.items() for shapes in all_shapes}
    traced = {(site, shapes) for site, all_shapes in trace.items() if site in truth for shapes in all_shapes}
    known = {pair for pair in traced if fully_known(pair[1])}
    return Score(
        len(truth), sum(site in trace for site in truth), len(true_pairs), len(true_pairs & known), len(known),
        len(known - true_pairs), len(traced),
    )  # fmt: skip


def differences(truth: Sites, trace: Sites, limit: int = 20) -> list[str]:
    """What is missing or wrong, for a reader."""
    lines = [f"missing {file}:{line} {op}" for file, line, op in sorted(truth.keys() - trace.keys())]
    for site in sorted(truth.keys() & trace.keys()):
        where = f"{site[0]}:{site[1]} {site[2]}"
        lines += [f"not found {where} {shapes}" for shapes in sorted(truth[site] - trace[site], key=str)]
        extra = (shapes for shapes in trace[site] - truth[site] if fully_known(shapes))
        lines += [f"wrong {where} {shapes}" for shapes in sorted(extra, key=str)]
    return lines[:limit]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON-lines file, compressed or not."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in text.decode("utf-8").splitlines() if line.strip()]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Rows as JSON lines, compressed where the name ends in ``.gz``; the same rows give the same bytes."""
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
