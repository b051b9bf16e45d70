"""Loss functions: an elementwise or per-sample value, then none, the mean or the sum of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce as reduce_by
from typing import Any

from ane_lsp.graph import Shape, TensorType, Unknown, Value, dims
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import optional_tensor, promoted_result, truth
from ane_lsp.torch_model.promotion import promote_types
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_int,
    broadcast,
    broadcast_to,
    check_same_size,
    check_tensor,
    fail,
    shape_of,
    tensor_or_unknown,
)

Params = Mapping[str, Any]
F = "torch.nn.functional."


def reduction_of(reduction: Any, size_average: Any = None, reduce: Any = None) -> str:
    """``"none"``, ``"mean"`` or ``"sum"``, from the parameter or its deprecated predecessors."""
    if size_average is not None or reduce is not None:
        average, combine = (
            truth(True if size_average is None else size_average),
            truth(True if reduce is None else reduce),
        )
        if average is None or combine is None:
            raise Undetermined("the reduction is not known")
        return "none" if not combine else "mean" if average else "sum"
    if isinstance(reduction, Unknown):
        raise Undetermined("the reduction is not known")
    if reduction not in ("none", "mean", "sum"):
        fail(f"{reduction} is not a valid value for reduction", ValueError)
    return str(reduction)


def _reduced(shape: Shape | None, dtype: str | None, how: str) -> TensorType:
    return TensorType(shape if how == "none" else (), dtype)


def _promoted(*tensors: TensorType | None) -> str | None:
    dtypes = [tensor.dtype for tensor in tensors if tensor is not None]
    known = [dtype for dtype in dtypes if dtype is not None]
    return reduce_by(promote_types, known) if len(known) == len(dtypes) else None


def _regression(input: Any, target: Any, how: str, weight: Any = None) -> TensorType:
    x, y = check_tensor(input), tensor_or_unknown(target, "target")
    w = optional_tensor(weight, "weight")
    if isinstance(weight, Unknown):
        return _reduced(None, None, how)
    shape = broadcast(x.shape, y.shape)
    if w is not None:
        if w.shape is not None and x.shape is not None and len(w.shape) != len(x.shape):
            fail("Weights and input must have the same size.")
        shape = broadcast(shape, w.shape)
    return _reduced(shape, _promoted(x, y, w), how)


def _reduce_mil(b: Lowering, value: Value, params: Params, out: TensorType) -> Value:
    how = reduction_of(params.get("reduction", "mean"), params.get("size_average"), params.get("reduce"))
    if how == "none":
        return value
    return mil.reduce(b, "reduce_mean" if how == "mean" else "reduce_sum", value, None, False, out)


def _difference_mil(square: bool) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        if params.get("weight") is not None or not square:
            return mil.refused(b, "mse_loss" if square else "l1_loss", mil.tensors(params), out)  # type: ignore[no-any-return]
        gap = mil.elementwise(b, "sub", params["input"], params["target"])
        return _reduce_mil(b, mil.elementwise(b, "mul", gap, gap), params, out)

    return lowering


@op(F + "mse_loss", mil=_difference_mil(True))
@promoted_result
def mse_loss(
    input: TensorType,
    target: TensorType,
    size_average: Any = None,
    reduce: Any = None,
    reduction: Any = "mean",
    weight: Any = None,
) -> TensorType:
    return _regression(input, target, reduction_of(reduction, size_average, reduce), weight)


@op(F + "l1_loss", mil=_difference_mil(False))
@promoted_result
def l1_loss(
    input: TensorType,
    target: TensorType,
    size_average: Any = None,
    reduce: Any = None,
    reduction: Any = "mean",
    weight: Any = None,
) -> TensorType:
    return _regression(input, target, reduction_of(reduction, size_average, reduce), weight)


@op(F + "smooth_l1_loss")
@promoted_result
def smooth_l1_loss(
    input: TensorType,
    target: TensorType,
    size_average: Any = None,
    reduce: Any = None,
    reduction: Any = "mean",
    beta: Any = 1.0,
) -> TensorType:
    return _regression(input, target, reduction_of(reduction, size_average, reduce))


@op(F + "huber_loss")
@promoted_result
def huber_loss(
    input: TensorType, target: TensorType, reduction: Any = "mean", delta: Any = 1.0, weight: Any = None
) -> TensorType:
    return _regression(input, target, reduction_of(reduction), weight)


@op(F + "soft_margin_loss")
@promoted_result
def soft_margin_loss(
    input: TensorType, target: TensorType, size_average: Any = None, reduce: Any = None, reduction: Any = "mean"
) -> TensorType:
    how = reduction_of(reduction, size_average, reduce)
    broadcast_to(tensor_or_unknown(target, "target").shape, check_tensor(input).shape)
    return _regression(input, target, how)


@op(F + "hinge_embedding_loss")
@promoted_result
def hinge_embedding_loss(
    input: TensorType,
    target: TensorType,
    margin: Any = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: Any = "mean",
) -> TensorType:
    return _regression(input, target, reduction_of(reduction, size_average, reduce))


@op(F + "poisson_nll_loss")
@promoted_result
def poisson_nll_loss(
    input: TensorType, target: TensorType, log_input: Any = True, full: Any = False, size_average: Any = None, eps: Any = 1e-8,
    reduce: Any = None, reduction: Any = "mean",
) -> TensorType:  # fmt: skip
    return _regression(input, target, reduction_of(reduction, size_average, reduce))


@op(F + "kl_div")
@promoted_result
def kl_div(
    input: TensorType, target: TensorType, size_average: Any = None, reduce: Any = None, reduction: Any = "mean",
    log_target: Any = False,
) -> TensorType:  # fmt: skip
    how = (
        "mean"
        if reduction == "batchmean" and size_average is None and reduce is None
        else reduction_of(reduction, size_average, reduce)
    )
    return _regression(input, target, how)


@op(F + "margin_ranking_loss")
@promoted_result
def margin_ranking_loss(
    input1: TensorType, input2: TensorType, target: TensorType, margin: Any = 0, size_average: Any = None, reduce: Any = None,
    reduction: Any = "mean",
) -> TensorType:  # fmt: skip
    how = reduction_of(reduction, size_average, reduce)
    shapes = [shape_of(t) for t in (input1, input2, target)]
    if len({len(shape) for shape in shapes}) > 1:
        fail("margin_ranking_loss : All input tensors should have same dimension")
    return _reduced(broadcast(*shapes), _promoted(input1, input2, target), how)


@op(F + "binary_cross_entropy")
@promoted_result
def binary_cross_entropy(
    input: TensorType,
    target: TensorType,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: Any = "mean",
) -> TensorType:
    how = reduction_of(reduction, size_average, reduce)
    x, y = check_tensor(input), tensor_or_unknown(target, "target")
    _same(x, y, "Using a target size that is different to the input size is deprecated")
    w = optional_tensor(weight, "weight")
    if w is not None:
        broadcast(x.shape, w.shape)
    return _reduced(x.shape, x.dtype, how)


def _same(x: TensorType, y: TensorType, message: str) -> None:
    if x.shape is None or y.shape is None:
        return
    if len(x.shape) != len(y.shape) or any(dims.equal(a, c) is False for a, c in zip(x.shape, y.shape, strict=True)):
        fail(f"{message}: {list(x.shape)} and {list(y.shape)}", ValueError)


@op(F + "binary_cross_entropy_with_logits")
@promoted_result
def binary_cross_entropy_with_logits(
    input: TensorType, target: TensorType, weight: Any = None, size_average: Any = None, reduce: Any = None,
    reduction: Any = "mean", pos_weight: Any = None,
) -> TensorType:  # fmt: skip
    how = reduction_of(reduction, size_average, reduce)
    x, y = check_tensor(input), tensor_or_unknown(target, "target")
    _same(y, x, "Target size must be the same as input size")
    extra = [optional_tensor(weight, "weight"), optional_tensor(pos_weight, "pos_weight")]
    if any(isinstance(v, Unknown) for v in (weight, pos_weight)):
        return _reduced(None, None, how)
    shape = broadcast(x.shape, *(tensor.shape for tensor in extra if tensor is not None))
    return _reduced(shape, _promoted(x, y, *extra), how)


def _class_targets(input: TensorType, target: TensorType, what: str) -> Shape:
    """The target's shape, checked to be the input's without its class axis."""
    x, y = shape_of(input), shape_of(target)
    rest = x[:1] + x[2:] if len(x) > 1 else ()
    if len(x) == len(y) == 1 and dims.equal(y[0], 1) is not False:
        return y
    if not x:
        fail(f"{what}: Expected 1 or more dimensions (got 0)", ValueError)
    if len(x) > 1 and y:
        check_same_size(x[0], y[0], f"{what}: Expected input batch_size to match target batch_size", ValueError)
    if len(y) != len(rest):
        fail(f"{what}: Expected target size {list(rest)}, got {list(y)}")
    for a, c in zip(y, rest, strict=True):
        check_same_size(a, c, f"{what}: Expected target size {list(rest)}, got {list(y)}")
    return y


def _check_class_weight(input: TensorType, weight: Any) -> None:
    w = optional_tensor(weight, "weight")
    if w is not None and w.shape is not None and input.shape is not None:
        classes = input.shape[1] if len(input.shape) > 1 else input.shape[0]
        if len(w.shape) != 1 or dims.equal(w.shape[0], classes) is False:
            fail(
                f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {list(w.shape)}"
            )


@op(F + "cross_entropy")
@promoted_result
def cross_entropy(
    input: TensorType, target: TensorType, weight: Any = None, size_average: Any = None, ignore_index: Any = -100,
    reduce: Any = None, reduction: Any = "mean", label_smoothing: Any = 0.0,
) -> TensorType:  # fmt: skip
    how = reduction_of(reduction, size_average, reduce)
    x, y = check_tensor(input), check_tensor(target, "target")
    _check_class_weight(x, weight)
    shape = shape_of(x)
    if y.shape is None:
        return _reduced(None, x.dtype, how)
    if len(y.shape) == len(shape) and y.dtype is None:
        raise Undetermined("whether the targets are classes or probabilities is not known")
    if len(y.shape) == len(shape) and y.dtype is not None and y.dtype[0] in "fb":
        _same(x, y, "cross_entropy: input and target must have the same size")
        return _reduced(shape[:1] + shape[2:] if len(shape) > 1 else (), _promoted(x, y), how)
    if len(y.shape) == len(shape):
        same = [dims.equal(a, c) for a, c in zip(shape, y.shape, strict=True)]
        if all(same):
            fail(f"Expected floating point type for target with class probabilities, got {y.dtype}")
        if None in same and False not in same:
            raise Undetermined("whether the targets are classes or probabilities is not known")
    return _reduced(_class_targets(x, y, "cross_entropy"), x.dtype, how)


def _nll_mil(b: Lowering, params: Params, out: Any) -> Value:
    x, target = params["input"], params["target"]
    how = reduction_of(params["reduction"], params["size_average"], params["reduce"])
    plain = params["weight"] is None and params["ignore_index"] == -100
    if x.type.rank != 2 or not plain:
        return mil.refused(b, "nll_loss", mil.tensors(params), out)  # type: ignore[no-any-return]
    rows, classes = mil.shape_of(x)
    negated = mil.elementwise(b, "mul", x, -1.0)
    labels = b.emit(
        "one_hot", {"indices": target}, {"one_hot_vector_size": classes}, TensorType((rows, classes), "i32")
    )
    flags = b.emit("cast", {"x": labels}, {"dtype": "fp32"}, TensorType((rows, classes), "f32"))
    loss = mil.reduce(
        b, "reduce_sum", mil.elementwise(b, "mul", negated, flags), (1,), False, TensorType((rows,), out.dtype)
    )
    if how == "none":
        return loss
    if how == "mean":
        loss = mil.elementwise(b, "real_div", loss, float(rows) if isinstance(rows, int) else 1.0)
    return mil.reduce(b, "reduce_sum", loss, (0,), False, out)


@op(F + "nll_loss", mil=_nll_mil)
@promoted_result
def nll_loss(
    input: TensorType, target: TensorType, weight: Any = None, size_average: Any = None, ignore_index: Any = -100,
    reduce: Any = None, reduction: Any = "mean",
) -> TensorType:  # fmt: skip
    how = reduction_of(reduction, size_average, reduce)
    x, y = check_tensor(input), check_tensor(target, "target")
    _check_class_weight(x, weight)
    if y.shape is None:
        return _reduced(None, x.dtype, how)
    return _reduced(_class_targets(x, y, "nll_loss"), x.dtype, how)


@op(F + "ctc_loss")
@promoted_result
def ctc_loss(
    log_probs: TensorType, targets: TensorType, input_lengths: Any, target_lengths: Any, blank: Any = 0, reduction: Any = "mean",
    zero_infinity: Any = False,
) -> TensorType:  # fmt: skip
    how = reduction_of(reduction)
    x = check_tensor(log_probs, "log_probs")
    shape = shape_of(x)
    if len(shape) not in (2, 3):
        fail("ctc_loss: log_probs must have 2 or 3 dimensions")
    return _reduced((shape[1],) if len(shape) == 3 else (), x.dtype, how)


@op(F + "cosine_embedding_loss")
@promoted_result
def cosine_embedding_loss(
    input1: TensorType, input2: TensorType, target: TensorType, margin: Any = 0, size_average: Any = None, reduce: Any = None,
    reduction: Any = "mean",
) -> TensorType:  # fmt: skip
    how = reduction_of(reduction, size_average, reduce)
    left, right, y = shape_of(input1), shape_of(input2), shape_of(target)
    if len(y) not in (0, 1):
        fail("0D or 1D target tensor expected, multi-target not supported")
    if len(left) != len(y) + 1 or len(right) != len(y) + 1:
        fail("cosine_embedding_loss: inputs must have one dimension more than the target")
    shape = broadcast(left, right) or ()
    return _reduced(broadcast(shape[:-1], y), _promoted(input1, input2), how)


@op(F + "triplet_margin_loss")
@promoted_result
def triplet_margin_loss(
    anchor: TensorType, positive: TensorType, negative: TensorType, margin: Any = 1.0, p: Any = 2, eps: Any = 1e-6,
    swap: Any = False, size_average: Any = None, reduce: Any = None, reduction: Any = "mean",
) -> TensorType:  # fmt: skip
    how = reduction_of(reduction, size_average, reduce)
    shapes = [shape_of(t) for t in (anchor, positive, negative)]
    if len({len(shape) for shape in shapes}) > 1:
        fail("The anchor, positive, and negative tensors are expected to have the same number of dimensions")
    shape = broadcast(*shapes) or ()
    return _reduced(shape[:-1], _promoted(anchor, positive, negative), how)


@op(F + "gaussian_nll_loss")
@promoted_result
def gaussian_nll_loss(
    input: TensorType, target: TensorType, var: Any, full: Any = False, eps: Any = 1e-6, reduction: Any = "mean"
) -> TensorType:
    how = reduction_of(reduction)
    x, y = check_tensor(input), tensor_or_unknown(target, "target")
    spread = var if isinstance(var, TensorType) else None
    if isinstance(var, Unknown):
        return _reduced(None, None, how)
    return _reduced(broadcast(x.shape, y.shape), _promoted(x, y, spread), how)


def _rows(input: Any, how: str) -> TensorType:
    x = check_tensor(input)
    shape = shape_of(x)
    if len(shape) not in (1, 2):
        fail("the loss needs an input of one or two dimensions")
    return _reduced(shape[:1] if len(shape) == 2 else (), x.dtype, how)


@op(F + "multi_margin_loss")
@promoted_result
def multi_margin_loss(
    input: TensorType, target: TensorType, p: Any = 1, margin: Any = 1.0, weight: Any = None, size_average: Any = None,
    reduce: Any = None, reduction: Any = "mean",
) -> TensorType:  # fmt: skip
    if not isinstance(p, Unknown) and as_int(p, "p") not in (1, 2):
        fail("only p == 1 and p == 2 supported", ValueError)
    return _rows(input, reduction_of(reduction, size_average, reduce))


@op(F + "multilabel_margin_loss")
@promoted_result
def multilabel_margin_loss(
    input: TensorType, target: TensorType, size_average: Any = None, reduce: Any = None, reduction: Any = "mean"
) -> TensorType:
    return _rows(input, reduction_of(reduction, size_average, reduce))


@op(F + "multilabel_soft_margin_loss")
@promoted_result
def multilabel_soft_margin_loss(
    input: TensorType,
    target: TensorType,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: Any = "mean",
) -> TensorType:
    how = reduction_of(reduction, size_average, reduce)
    x = check_tensor(input)
    y = check_tensor(target, "target")
    shape = broadcast(shape_of(x), shape_of(y)) or ()
    if isinstance(weight, Unknown):
        return _reduced(None, None, how)
    w = optional_tensor(weight, "weight")
    if w is not None:
        shape = broadcast(shape, shape_of(w)) or ()
    return _reduced(shape[:-1], _promoted(x, y, w), how)
