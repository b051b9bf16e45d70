"""The named tuples torch returns: fields as in ``torch.return_types``."""

from __future__ import annotations

from typing import Any, NamedTuple


class ValuesIndices(NamedTuple):
    """``max(dim)``, ``sort``, ``topk``, ``median(dim)``, ``mode``, ``kthvalue``, ``cummax``."""

    values: Any
    indices: Any


class MinMax(NamedTuple):
    """``aminmax``."""

    min: Any
    max: Any


class Histogram(NamedTuple):
    """``histogram``."""

    hist: Any
    bin_edges: Any
