"""Plain data that every part shares: dimensions, tensor types, source spans, calls, ops, the graph."""

from ane_lsp.graph.dims import DimLike, Sym
from ane_lsp.graph.ir import Call, Graph, Op, Operand, ShapeFact, Value
from ane_lsp.graph.types import DTYPES, TORCH_DTYPE, Shape, Span, TensorType, Unknown, dim_json

__all__ = [
    "DTYPES", "TORCH_DTYPE", "Call", "DimLike", "Graph", "Op", "Operand", "Shape", "ShapeFact", "Span", "Sym",
    "TensorType", "Unknown", "Value", "dim_json",
]  # fmt: skip
