"""ANE1xx, ANE2xx and ANE3xx on graphs built by hand: what the page examples cannot vary."""

from __future__ import annotations

from typing import Any

import pytest
from graphs import Model

from ane_lsp.checks import engine
from ane_lsp.checks.engine import Options
from ane_lsp.checks.finding import Finding
from ane_lsp.knowledge import targets


def run(model: Model, target: str = "M4", **options: Any) -> list[Finding]:
    return [f for f in engine.run(model.graph, targets.resolve(target), Options(**options)) if f.code[3] in "123"]


def codes(model: Model, target: str = "M4", **options: Any) -> list[str]:
    return [f.code for f in run(model, target, **options)]


@pytest.mark.parametrize(
    ("torch", "params", "path", "version", "code"),
    [
        ("torch.erfc", {}, "trace", "9.0", "ANE101"),
        ("torch.Tensor.erfc_", {}, "export-core", "main", "ANE101"),
        ("torch.logit", {}, "export", "9.0", "ANE101"),
        ("torch.logit", {}, "export-core", "9.0", None),
        ("torch.asinh", {}, "trace", "9.0", "ANE101"),
        ("torch.asinh", {}, "trace", "main", None),
        ("torch.add", {"alpha": 2}, "trace", "9.0", "ANE101"),
        ("torch.add", {"alpha": 1}, "trace", "9.0", None),
        ("torch.add", {"alpha": 2}, "export", "9.0", "ANE129"),
        ("torch.add", {"alpha": 2}, "export", "main", None),
        ("torch.add", {"alpha": 1}, "export", "9.0", None),
        ("torch.functional.einsum", {"equation": "...ij,...jk->...ik"}, "trace", "9.0", "ANE119"),
        ("torch.functional.einsum", {"equation": "bij,bjk->bik"}, "trace", "9.0", None),
        ("torch.nn.functional.pad", {"pad": (0, -1), "mode": "constant"}, "trace", "9.0", "ANE104"),
        ("torch.nn.functional.pad", {"pad": (0, 1), "mode": "circular"}, "trace", "9.0", "ANE103"),
        ("torch.nn.functional.pad", {"pad": (0, 1), "mode": "circular"}, "export-core", "9.0", None),
        ("torch.nn.functional.interpolate", {"mode": "bicubic", "antialias": False}, "trace", "9.0", "ANE108"),
        ("torch.nn.functional.interpolate", {"mode": "bicubic", "antialias": False}, "trace", "main", None),
        ("torch.nn.functional.interpolate", {"mode": "nearest"}, "trace", "9.0", None),
        ("torch.nn.functional.interpolate",
         {"mode": "bilinear", "scale_factor": 1.3, "align_corners": False, "recompute_scale_factor": None}, "trace", "9.0", "ANE109"),
        ("torch.nn.functional.interpolate",
         {"mode": "bilinear", "scale_factor": 1.25, "align_corners": False, "recompute_scale_factor": None}, "trace", "9.0", None),
        ("torch.nn.functional.interpolate",
         {"mode": "bilinear", "scale_factor": 1.3, "align_corners": True, "recompute_scale_factor": None}, "trace", "9.0", None),
        ("torch.nn.functional.grid_sample", {"mode": "bilinear"}, "trace", "9.0", None),
        ("torch.nn.functional.grid_sample", {"mode": "bilinear"}, "export-core", "9.0", "ANE110"),
        ("torch.linalg.inv", {}, "trace", "9.0", "ANE115"),
        ("torch.bitwise_and", {}, "trace", "9.0", None),
        ("torch.unknown_function", {}, "trace", "9.0", None),
    ],
)  # fmt: skip
def test_conversion(torch: str, params: dict[str, Any], path: str, version: str, code: str | None) -> None:
    model = Model()
    x = model.input(1, 8, 16, 16)
    model.call(torch, x, params={"input": x, **params})
    found = run(model, export_path=path, coremltools=version)
    assert [f.code for f in found] == ([code] if code else [])
    if code:
        assert found[0].severity == "error"
        assert found[0].confidence == "measured"


def test_an_integer_bit_operation_and_an_unknown_dtype() -> None:
    model = Model()
    model.call("torch.bitwise_and", model.input(4, dtype="i64"))
    assert codes(model) == ["ANE116"]
    model = Model()
    unknown = model.input(4)
    model.call("torch.bitwise_and", model.b.value(unknown.type.with_dtype(None), "input"))
    assert codes(model) == []


def test_messages_name_the_path_that_works() -> None:
    model = Model()
    x = model.input(1, 8)
    model.call("torch.logit", x, params={"input": x})
    (finding,) = run(model)
    assert "when the model is traced (coremltools 9.0)" in finding.message
    assert "torch.export with run_decompositions() does." in finding.message
    model = Model()
    model.call("torch.asinh", x, params={"input": x})
    assert "The next coremltools does." in run(model)[0].message


@pytest.mark.parametrize(("opset", "code"), [("iOS15", ["ANE118"]), ("iOS16", []), ("iOS18", [])])
def test_deployment_target(opset: str, code: list[str]) -> None:
    model = Model(opset)
    model.call("torch.nn.PixelUnshuffle", model.input(1, 8, 16, 16), hyper={"downscale_factor": 2})
    assert codes(model, opset=opset) == code


def window_partition(back: bool) -> Model:
    model = Model()
    x = model.input(1, 8, 8, 16)
    y = model.op(
        "reshape", {"x": x}, {"shape": (1, 2, 4, 2, 4, 16)}, (1, 2, 4, 2, 4, 16), torch="torch.Tensor.view", line=1
    )
    y = model.op(
        "transpose", {"x": y}, {"perm": (0, 1, 3, 2, 4, 5)}, (1, 2, 2, 4, 4, 16), torch="torch.permute", line=2
    )
    if back:
        y = model.op("reshape", {"x": y}, {"shape": (4, 16, 16)}, (4, 16, 16), torch="torch.Tensor.view", line=3)
    y = model.op("add", {"x": y, "y": model.const(1)}, line=4)
    model.graph.outputs.append(y)
    return model


def test_six_axes_between_views_are_left_alone() -> None:
    assert codes(window_partition(back=True)) == []
    (finding,) = run(window_partition(back=False))
    assert (finding.code, finding.span.line) == ("ANE105", 1)


def test_a_long_axis_is_said_once_where_it_comes_from() -> None:
    model = Model()
    y = model.op("relu", {"x": model.input(1, 1, 80000)}, line=1)
    y = model.op("relu", {"x": y}, line=2)
    y = model.op("conv", {"x": y, "weight": model.const(8, 1, 15)}, {"strides": (5,)}, (1, 8, 16000), line=3)
    y = model.op("relu", {"x": y}, line=4)
    y = model.op("linear", {"x": y, "weight": model.const(70000, 16000)}, out=(1, 8, 70000), line=5)
    found = [f for f in run(model) if f.code == "ANE301"]
    assert [f.span.line for f in found] == [1, 5]


def test_symbolic_sizes_are_taken_to_be_within_limits() -> None:
    from ane_lsp.graph import dims

    model = Model()
    model.op("relu", {"x": model.input(dims.symbol("B"), 8, dims.symbol("L"))})
    assert codes(model) == []


@pytest.mark.parametrize(
    ("kernel", "stride", "words"),
    [((9, 9), 1, "Two stacked 5x5 pools"), ((13, 13), 1, "Three stacked 5x5 pools"), ((11, 11), 1, "A chain of smaller pools"),
     ((9, 9), 2, "A chain of smaller pools"), ((1, 9), 1, "A chain of smaller pools")],
)  # fmt: skip
def test_pool_advice_is_right_for_the_window(kernel: tuple[int, int], stride: int, words: str) -> None:
    model = Model()
    attrs = {"kernel_sizes": kernel, "strides": (stride, stride)}
    model.op("max_pool", {"x": model.input(1, 8, 64, 64)}, attrs, torch="torch.nn.MaxPool2d")
    (finding,) = run(model)
    assert finding.code == "ANE302"
    assert words in finding.message


@pytest.mark.parametrize(
    ("index", "table", "expected"),
    [("const", "input", []), ("input", "input", ["ANE207"]), ("input", "const", ["ANE208"]), ("const", "const", [])],
)
def test_gather_depends_on_its_indices(index: str, table: str, expected: list[str]) -> None:
    model = Model()
    idx = model.input(4, dtype="i64") if index == "input" else model.const(4, dtype="i64")
    x = model.input(100, 8) if table == "input" else model.const(100, 8)
    model.op("gather", {"x": x, "indices": idx}, {"axis": 0}, (4, 8), torch="torch.index_select")
    assert codes(model) == expected


def test_a_slice_assignment_is_no_scatter_from_ios_18_on() -> None:
    for opset, expected in (("iOS17", ["ANE211"]), ("iOS18", ["ANE210"])):
        model = Model(opset)
        x = model.input(4, 8)
        call = model.call("torch.Tensor.__setitem__", x, (slice(None), slice(2, 4)), x)
        model.op("scatter", {"data": x, "indices": model.const(2, dtype="i64"), "updates": x}, call=call)
        assert codes(model, opset=opset) == expected


def test_chains_are_one_finding() -> None:
    model = Model()
    x = model.input(1, 3)
    call = model.call("torch.nan_to_num", x)
    y = model.op("non_zero", {"x": x}, out=(2, 2), dtype="i64", call=call)
    model.op("scatter_nd", {"data": x, "indices": y, "updates": x}, call=call)
    assert codes(model) == ["ANE218"]


def test_older_chips_and_low_confidence() -> None:
    model = Model()
    model.op("topk", {"x": model.input(1, 100)}, {"k": 4, "axis": 1})
    assert codes(model, "M4") == []
    (finding,) = run(model, "M1")
    assert (finding.code, finding.confidence) == ("ANE222", "reported")
