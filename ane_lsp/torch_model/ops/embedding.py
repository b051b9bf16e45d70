"""Embedding look-ups and one-hot vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import elements, mil
from ane_lsp.torch_model.args import optional_tensor, truth
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import as_size, check_tensor, fail, tensor_or_unknown

Params = Mapping[str, Any]
F = "torch.nn.functional."


def _lookup(indices: Any, weight: Any, padding_idx: Any, checked: bool) -> TensorType:
    where, table = tensor_or_unknown(indices), tensor_or_unknown(weight, "weight")
    if where.dtype is not None and where.dtype not in ("i64", "i32"):
        fail(f"Expected tensor for argument #1 'indices' to have scalar types Long, Int; but got {where.dtype} instead")
    if table.shape is not None and len(table.shape) != 2:
        fail("'weight' must be 2-D")
    if checked and isinstance(padding_idx, int) and table.shape is not None and isinstance(table.shape[0], int):
        if not -table.shape[0] <= padding_idx < table.shape[0]:
            fail("Padding_idx must be within num_embeddings", AssertionError)
    if where.shape is None:
        return TensorType(None, table.dtype)
    width: DimLike = dims.fresh() if table.shape is None else table.shape[1]
    found = elements.contents(where)
    if found is not None and table.shape is not None and isinstance(table.shape[0], int):
        if any(not 0 <= int(i.real) < table.shape[0] for i in found[1]):
            fail("index out of range in self")
    return TensorType((*where.shape, width), table.dtype)


def _embedding_mil(b: Lowering, params: Params, out: Any) -> Value:
    table, where = params["weight"], params.get("input", params.get("indices"))
    if params.get("max_norm") is not None:
        return mil.refused(b, "embedding", {"weight": table, "indices": where}, out)  # type: ignore[no-any-return]
    return b.emit("gather", {"x": table, "indices": where}, {"axis": 0}, out)


@op(F + "embedding", mil=_embedding_mil)
def embedding(
    input: TensorType, weight: TensorType, padding_idx: Any = None, max_norm: Any = None, norm_type: Any = 2.0,
    scale_grad_by_freq: Any = False, sparse: Any = False,
) -> TensorType:  # fmt: skip
    return _lookup(input, weight, padding_idx, True)


@op("torch.embedding", mil=_embedding_mil)
def raw_embedding(
    weight: TensorType, indices: TensorType, padding_idx: Any = -1, scale_grad_by_freq: Any = False, sparse: Any = False
) -> TensorType:
    return _lookup(indices, weight, None, False)


@op(F + "embedding_bag")
def embedding_bag(
    input: TensorType, weight: TensorType, offsets: Any = None, max_norm: Any = None, norm_type: Any = 2,
    scale_grad_by_freq: Any = False, mode: Any = "mean", sparse: Any = False, per_sample_weights: Any = None,
    include_last_offset: Any = False, padding_idx: Any = None,
) -> TensorType:  # fmt: skip
    where, table = tensor_or_unknown(input), tensor_or_unknown(weight, "weight")
    starts = optional_tensor(offsets, "offsets")
    samples = optional_tensor(per_sample_weights, "per_sample_weights")
    if where.dtype is not None and where.dtype not in ("i64", "i32"):
        fail("Expected tensor for argument #1 'indices' to have scalar types Long, Int")
    if not isinstance(mode, Unknown) and mode not in ("sum", "mean", "max"):
        fail("mode has to be one of sum, mean or max", ValueError)
    if samples is not None and mode in ("mean", "max"):
        fail("embedding_bag: per_sample_weights was not None, which is only supported for mode='sum'")
    if where.shape is None or table.shape is None or isinstance(offsets, Unknown):
        width: DimLike = dims.fresh() if table.shape is None else table.shape[-1]
        return TensorType((dims.fresh(), width), table.dtype)
    if len(where.shape) == 2:
        if starts is not None:
            fail("if input is 2D, then offsets has to be None", ValueError)
        return TensorType((where.shape[0], table.shape[1]), table.dtype)
    if len(where.shape) != 1:
        fail(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {len(where.shape)}", ValueError)
    if starts is None:
        fail("offsets has to be a 1D Tensor but got None")
    if starts.shape is None:
        return TensorType((dims.fresh(), table.shape[1]), table.dtype)
    if len(starts.shape) != 1:
        fail("offsets has to be a 1D Tensor")
    last = truth(include_last_offset)
    bags = dims.fresh() if last is None else starts.shape[0] - 1 if last else starts.shape[0]
    return TensorType((bags, table.shape[1]), table.dtype)


def _one_hot_mil(b: Lowering, params: Params, out: Any) -> Value:
    classes = params["num_classes"]
    return b.emit("one_hot", {"indices": params["tensor"]}, {"one_hot_vector_size": classes}, out)


@op(F + "one_hot", "torch._C._nn.one_hot", mil=_one_hot_mil)
def one_hot(tensor: TensorType, num_classes: Any = -1) -> TensorType:
    where = check_tensor(tensor, "tensor")
    if where.dtype is not None and where.dtype != "i64":
        fail(f"one_hot is only applicable to index tensor of type LongTensor but got {where.dtype}")
    classes = as_size(num_classes, "num_classes")
    if where.shape is None:
        return TensorType(None, "i64")
    found = elements.contents(where)
    if classes in (0, -1) and any(size == 0 for size in where.shape):
        fail("Can not infer total number of classes from empty tensor.")
    if classes == -1:
        if any(size == 0 for size in where.shape):
            fail("Can not infer total number of classes from empty tensor.")
        classes = dims.fresh() if found is None else 1 + max(int(i.real) for i in found[1])
    elif dims.less(classes, 0) or (classes == 0 and dims.less(0, dims.product(where.shape))):
        fail("num_classes should be positive")
    if found is None or not isinstance(classes, int):
        return TensorType((*where.shape, classes), "i64")
    values = [int(i.real) for i in found[1]]
    if any(not 0 <= value < classes for value in values):
        fail("Class values must be non-negative and smaller than num_classes.")
    if len(values) * classes > elements.LIMIT:
        return TensorType((*where.shape, classes), "i64")
    return TensorType((*where.shape, classes), "i64", tuple(int(i == v) for v in values for i in range(classes)))
