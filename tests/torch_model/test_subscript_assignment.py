"""``x[key] = value`` against torch: what it accepts, and what the tensor holds afterwards."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: subscript assignment is not compared with it")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from ane_lsp.graph import TensorType, Unknown  # noqa: E402
from ane_lsp.torch_model import registry  # noqa: E402
from ane_lsp.torch_model.registry import TorchError  # noqa: E402
from tests.torch_model.cases.subscripting import keys  # noqa: E402
from tests.torch_model.harness import Arg, ours, real  # noqa: E402
from tests.torch_model.strategies import contents, shapes, valued  # noqa: E402


@st.composite
def assignments(draw: Any) -> tuple[Arg, Any, Any]:
    """A tensor, a key and a value that fits most of the time."""
    arg = draw(valued("f32", "i64"))
    key = draw(keys(arg.shape))
    if draw(st.booleans()):
        return arg, key, draw(st.integers(-5, 5))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape = list(real(arg, "cpu")[real(key, "cpu")].shape)
    except Exception:
        shape = list(draw(shapes(0, 2)))
    if shape and draw(st.integers(0, 5)) == 0:
        shape[draw(st.integers(0, len(shape) - 1))] = draw(st.integers(1, 3))
    sizes = tuple(shape[draw(st.sampled_from((0, 0, 0, *range(len(shape))))) :])
    return arg, key, Arg(sizes, arg.dtype, draw(contents(sizes, arg.dtype)))


@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(assignments())
def test_assignment_agrees_with_torch(case: tuple[Arg, Any, Any]) -> None:
    arg, key, value = case
    decl = registry.find("torch.Tensor.__setitem__")
    assert decl is not None
    target = real(arg, "cpu").clone()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target[real(key, "cpu")] = real(value, "cpu")
        failed = None
    except Exception as error:
        failed = error
    mine: Any = None
    refused = None
    try:
        mine = decl.infer((ours(arg), ours(key), ours(value)), {})
    except TorchError as error:
        refused = error
    if refused is not None:
        assert failed is not None, f"{case}: raises {refused}, torch accepts it"
        return
    if failed is not None:
        assert isinstance(mine, Unknown) or mine.data is None, f"{case}: answers {mine}, torch raises {failed}"
        return
    assert isinstance(mine, TensorType)
    assert mine.shape == tuple(target.shape)
    assert mine.dtype == arg.dtype
    picked = _twice(key, arg)
    if mine.data is not None and not picked:
        assert list(mine.data) == target.reshape(-1).tolist(), case
    elif mine.data is None:
        assert not isinstance(mine, Unknown)


def _twice(key: Any, arg: Arg) -> bool:
    """Whether an assignment writes an element more than once: torch does not say which write stays."""
    marks = torch.arange(real(arg, "cpu").numel()).reshape(arg.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hit = marks[real(key, "cpu")].reshape(-1)
    return hit.unique().numel() != hit.numel()
