"""Inverses, determinants, solvers and matrix decompositions. coremltools converts none of them for run-time inputs."""

from __future__ import annotations

from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, dims
from ane_lsp.torch_model.args import truth
from ane_lsp.torch_model.ops.matmul import common_dtype
from ane_lsp.torch_model.promotion import COMPLEX, FLOATING, to_complex, to_real
from ane_lsp.torch_model.registry import op
from ane_lsp.torch_model.shapes import (
    Undetermined,
    as_size,
    broadcast,
    check_same_size,
    check_tensor,
    fail,
    shape_of,
    tensor_or_unknown,
)


def _matrix(input: Any, what: str, square: bool = False) -> tuple[Shape | None, str | None]:
    """Shape and dtype of a batch of matrices of a dtype LAPACK handles."""
    x = check_tensor(input, "A")
    if x.dtype is not None and x.dtype not in (*FLOATING, *COMPLEX):
        fail(f"{what}: Expected a floating point or complex tensor as input. Got {x.dtype}")
    if x.dtype in ("f16", "bf16"):
        fail(f"{what}: Low precision dtypes not supported. Got {x.dtype}")
    if x.shape is None:
        return None, x.dtype
    if len(x.shape) < 2:
        fail(f"{what}: The input tensor A must have at least 2 dimensions.")
    if square and dims.equal(x.shape[-1], x.shape[-2]) is False:
        fail(f"{what}: A must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} matrices")
    return x.shape, x.dtype


def _tensor(shape: Shape | None, dtype: str | None) -> TensorType:
    return TensorType(shape, dtype)


@op("torch.linalg.inv", "torch.inverse", "torch.Tensor.inverse")
def inv(A: TensorType) -> TensorType:
    return _tensor(*_matrix(A, "linalg.inv", True))


@op("torch.linalg.inv_ex")
def inv_ex(A: TensorType, *, check_errors: Any = False) -> tuple[TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.inv_ex", True)
    return _tensor(shape, dtype), _tensor(None if shape is None else shape[:-2], "i32")


@op("torch.linalg.pinv", "torch.pinverse", "torch.Tensor.pinverse")
def pinv(A: TensorType, rcond: Any = None, hermitian: Any = False, *, atol: Any = None, rtol: Any = None) -> TensorType:
    shape, dtype = _matrix(A, "linalg.pinv", bool(truth(hermitian)))
    return _tensor(None if shape is None else (*shape[:-2], shape[-1], shape[-2]), dtype)


@op("torch.linalg.det", "torch.det", "torch.Tensor.det", "torch.logdet", "torch.Tensor.logdet")
def det(A: TensorType) -> TensorType:
    shape, dtype = _matrix(A, "linalg.det", True)
    return _tensor(None if shape is None else shape[:-2], dtype)


@op("torch.linalg.slogdet", "torch.slogdet", "torch.Tensor.slogdet")
def slogdet(A: TensorType) -> tuple[TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.slogdet", True)
    batch = None if shape is None else shape[:-2]
    return _tensor(batch, dtype), _tensor(batch, to_real(dtype))


@op("torch.linalg.matrix_power", "torch.matrix_power", "torch.Tensor.matrix_power")
def matrix_power(A: TensorType, n: Any) -> TensorType:
    x = check_tensor(A, "A")
    if x.shape is not None:
        if len(x.shape) < 2:
            fail("linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
        if dims.equal(x.shape[-1], x.shape[-2]) is False:
            fail("linalg.matrix_power: A must be batches of square matrices")
    as_size(n, "n")
    return _tensor(x.shape, x.dtype)


@op("torch.linalg.matrix_exp", "torch.matrix_exp", "torch.Tensor.matrix_exp")
def matrix_exp(A: TensorType) -> TensorType:
    x = check_tensor(A, "A")
    if x.dtype is not None and x.dtype not in (*FLOATING, *COMPLEX):
        fail(f"linalg.matrix_exp: Expected a floating point or complex tensor as input. Got {x.dtype}")
    if x.shape is not None and (len(x.shape) < 2 or dims.equal(x.shape[-1], x.shape[-2]) is False):
        fail("linalg.matrix_exp: A must be batches of square matrices")
    return _tensor(x.shape, x.dtype)


@op("torch.linalg.matrix_rank")
def matrix_rank(
    A: TensorType, tol: Any = None, hermitian: Any = False, *, atol: Any = None, rtol: Any = None
) -> TensorType:
    shape, _ = _matrix(A, "linalg.matrix_rank", bool(truth(hermitian)))
    return _tensor(None if shape is None else shape[:-2], "i64")


@op("torch.linalg.cond")
def cond(A: TensorType, p: Any = None) -> TensorType:
    shape, dtype = _matrix(A, "linalg.cond")
    return _tensor(None if shape is None else shape[:-2], to_real(dtype))


@op("torch.linalg.cholesky")
def cholesky(A: TensorType, *, upper: Any = False) -> TensorType:
    return _tensor(*_matrix(A, "linalg.cholesky", True))


@op("torch.cholesky", "torch.Tensor.cholesky")
def old_cholesky(input: TensorType, upper: Any = False) -> TensorType:
    return _tensor(*_matrix(input, "cholesky", True))


@op("torch.linalg.cholesky_ex")
def cholesky_ex(A: TensorType, *, upper: Any = False, check_errors: Any = False) -> tuple[TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.cholesky_ex", True)
    return _tensor(shape, dtype), _tensor(None if shape is None else shape[:-2], "i32")


def _svd(A: Any, full: bool | None) -> tuple[TensorType, TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.svd")
    if shape is None or full is None:
        return _tensor(None, dtype), _tensor(None, to_real(dtype)), _tensor(None, dtype)
    batch, rows, columns = shape[:-2], shape[-2], shape[-1]
    rank = dims.minimum(rows, columns)
    left, right = (rows, columns) if full else (rank, rank)
    return (
        _tensor((*batch, rows, left), dtype),
        _tensor((*batch, rank), to_real(dtype)),
        _tensor((*batch, right, columns), dtype),
    )


@op("torch.linalg.svd")
def svd(A: TensorType, full_matrices: Any = True, *, driver: Any = None) -> tuple[TensorType, ...]:
    return _svd(A, truth(full_matrices))


@op("torch.svd", "torch.Tensor.svd")
def old_svd(input: TensorType, some: Any = True, compute_uv: Any = True) -> tuple[TensorType, ...]:
    thin = truth(some)
    u, s, vh = _svd(input, None if thin is None else not thin)
    v = vh.with_shape(None if vh.shape is None else (*vh.shape[:-2], vh.shape[-1], vh.shape[-2]))
    if truth(compute_uv) is False and u.shape is not None and v.shape is not None:
        rows, columns = shape_of(input)[-2:]
        batch = shape_of(input)[:-2]
        return _tensor((*batch, rows, rows), u.dtype), s, _tensor((*batch, columns, columns), u.dtype)
    if truth(compute_uv) is None:
        return _tensor(None, u.dtype), s, _tensor(None, u.dtype)
    return u, s, v


@op("torch.linalg.svdvals")
def svdvals(A: TensorType, *, driver: Any = None) -> TensorType:
    return _svd(A, False)[1]


@op("torch.linalg.eigh")
def eigh(A: TensorType, UPLO: Any = "L") -> tuple[TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.eigh", True)
    return _tensor(None if shape is None else shape[:-1], to_real(dtype)), _tensor(shape, dtype)


@op("torch.linalg.eigvalsh")
def eigvalsh(A: TensorType, UPLO: Any = "L") -> TensorType:
    shape, dtype = _matrix(A, "linalg.eigvalsh", True)
    return _tensor(None if shape is None else shape[:-1], to_real(dtype))


@op("torch.linalg.eig")
def eig(A: TensorType) -> tuple[TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.eig", True)
    complex_dtype = None if dtype is None else to_complex(dtype)
    return _tensor(None if shape is None else shape[:-1], complex_dtype), _tensor(shape, complex_dtype)


@op("torch.linalg.eigvals")
def eigvals(A: TensorType) -> TensorType:
    return eig(A)[0]  # type: ignore[no-any-return]


@op("torch.linalg.qr")
def qr(A: TensorType, mode: Any = "reduced") -> tuple[TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.qr")
    if not isinstance(mode, Unknown) and mode not in ("reduced", "complete", "r"):
        fail(f"qr received unrecognized mode '{mode}'")
    if shape is None or isinstance(mode, Unknown):
        return _tensor(None, dtype), _tensor(None, dtype)
    batch, rows, columns = shape[:-2], shape[-2], shape[-1]
    inner: DimLike = rows if mode == "complete" else dims.minimum(rows, columns)
    q: Shape = (0,) if mode == "r" else (*batch, rows, inner)
    return _tensor(q, dtype), _tensor((*batch, inner, columns), dtype)


@op("torch.qr", "torch.Tensor.qr")
def old_qr(input: TensorType, some: Any = True) -> tuple[TensorType, TensorType]:
    thin = truth(some)
    return qr(input, Unknown("some") if thin is None else "reduced" if thin else "complete")  # type: ignore[no-any-return]


def _solved(A: Any, B: Any, left: Any, what: str) -> TensorType:
    shape, dtype = _matrix(A, what, True)
    other = tensor_or_unknown(B, "B")
    dtype = common_dtype(TensorType(None, dtype), other)
    side = truth(left)
    if shape is None or other.shape is None or side is None:
        return _tensor(None, dtype)
    if not other.shape:
        fail(f"{what}: The input tensor B must have at least 1 dimension")
    vector = len(other.shape) == 1 or (
        len(shape) - 1 == len(other.shape)
        and all(dims.equal(a, c) for a, c in zip(shape[:-1], other.shape, strict=True))
    )
    if vector and what == "linalg.solve":
        check_same_size(other.shape[-1], shape[-1], f"{what}: Incompatible shapes of A and B")
        if len(other.shape) == 1 and len(shape) > 2:
            raise Undetermined("a vector against a batch of matrices")
        return _tensor((*shape[:-2], shape[-1]), dtype)
    if len(other.shape) < 2:
        fail(f"{what}: The input tensor B must have at least 2 dimensions.")
    check_same_size(
        shape[-1], other.shape[-2 if side else -1], f"{what}: Incompatible shapes of A and B for the equation"
    )
    batch = broadcast(shape[:-2], other.shape[:-2]) or ()
    return _tensor((*batch, *other.shape[-2:]), dtype)


@op("torch.linalg.solve")
def solve(A: TensorType, B: TensorType, *, left: Any = True) -> TensorType:
    return _solved(A, B, left, "linalg.solve")


@op("torch.linalg.solve_ex")
def solve_ex(
    A: TensorType, B: TensorType, *, left: Any = True, check_errors: Any = False
) -> tuple[TensorType, TensorType]:
    found = _solved(A, B, left, "linalg.solve")
    shape = check_tensor(A, "A").shape
    return found, _tensor(None if shape is None else shape[:-2], "i32")


@op("torch.linalg.solve_triangular")
def solve_triangular(
    A: TensorType, B: TensorType, *, upper: Any, left: Any = True, unitriangular: Any = False
) -> TensorType:
    return _solved(A, B, left, "linalg.solve_triangular")


def _lu(A: Any) -> tuple[TensorType, TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.lu_factor")
    if shape is None:
        return _tensor(None, dtype), _tensor(None, "i32"), _tensor(None, "i32")
    pivots = (*shape[:-2], dims.minimum(shape[-2], shape[-1]))
    return _tensor(shape, dtype), _tensor(pivots, "i32"), _tensor(shape[:-2], "i32")


@op("torch.linalg.lu_factor")
def lu_factor(A: TensorType, *, pivot: Any = True) -> tuple[TensorType, ...]:
    return _lu(A)[:2]


@op("torch.linalg.lu_factor_ex")
def lu_factor_ex(A: TensorType, *, pivot: Any = True, check_errors: Any = False) -> tuple[TensorType, ...]:
    return _lu(A)


@op("torch.linalg.lu_solve")
def lu_solve(
    LU: TensorType, pivots: TensorType, B: TensorType, *, left: Any = True, adjoint: Any = False
) -> TensorType:
    return _solved(LU, B, left, "linalg.lu_solve")


@op("torch.linalg.lu")
def lu(A: TensorType, *, pivot: Any = True) -> tuple[TensorType, TensorType, TensorType]:
    shape, dtype = _matrix(A, "linalg.lu")
    pivoted = truth(pivot)
    if shape is None or pivoted is None:
        return _tensor(None, dtype), _tensor(None, dtype), _tensor(None, dtype)
    batch, rows, columns = shape[:-2], shape[-2], shape[-1]
    inner = dims.minimum(rows, columns)
    p: Shape = (*batch, rows, rows) if pivoted else (0,)
    return _tensor(p, dtype), _tensor((*batch, rows, inner), dtype), _tensor((*batch, inner, columns), dtype)


@op("torch.linalg.vander")
def vander(x: TensorType, N: Any = None) -> TensorType:
    shape = shape_of(x)
    if not shape:
        fail("linalg.vander: the input must have at least one dimension")
    columns = shape[-1] if N is None else as_size(N, "N")
    dtype = None if x.dtype is None else "i64" if x.dtype[0] in "iu" or x.dtype == "b8" else x.dtype
    if dims.less(columns, 2):
        fail("N must be greater than 1.")
    return _tensor((*shape, columns), dtype)
