"""The native recurrent layers and cells (``torch._VF.lstm`` and its kin), which the torch.nn modules call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ane_lsp.graph import DimLike, Shape, TensorType, Unknown, Value
from ane_lsp.torch_model import mil
from ane_lsp.torch_model.args import truth
from ane_lsp.torch_model.registry import Lowering, op
from ane_lsp.torch_model.shapes import Undetermined, check_same_size, check_tensor, fail, tensor_or_unknown

Params = Mapping[str, Any]


def _states(hx: Any, count: int) -> list[TensorType]:
    if isinstance(hx, Unknown):
        raise Undetermined(hx.reason)
    if count == 1:
        return [tensor_or_unknown(hx, "hx")]
    if not isinstance(hx, (tuple, list)) or len(hx) != count:
        fail("lstm expects two hidden states")
    return [tensor_or_unknown(state, "hx") for state in hx]


def _layer(input: Any, hx: Any, bidirectional: Any, batch_first: Any, count: int) -> tuple[TensorType, ...]:
    """Output and final states. Sizes come from the input and the initial states, as in torch."""
    x = check_tensor(input)
    states = _states(hx, count)
    first = truth(batch_first)
    both = truth(bidirectional)
    if x.shape is None or states[0].shape is None or first is None or both is None:
        raise Undetermined("the input or the initial state of a recurrent layer is not known")
    if len(x.shape) != 3 or any(s.shape is not None and len(s.shape) != 3 for s in states):
        fail("a recurrent layer needs an input and states of 3 dimensions")
    batch = x.shape[0] if first else x.shape[1]
    for state in states:
        if state.shape is not None:
            check_same_size(state.shape[1], batch, "the batch sizes of input and hidden state differ")
    width = states[0].shape[2] * (2 if both else 1)
    output = TensorType((*x.shape[:2], width), x.dtype)
    return (output, *(TensorType(state.shape, x.dtype) for state in states))


def _packed(data: Any, hx: Any, bidirectional: Any, count: int) -> tuple[TensorType, ...]:
    x = check_tensor(data)
    states = _states(hx, count)
    both = truth(bidirectional)
    if x.shape is None or states[0].shape is None or both is None:
        raise Undetermined("the input or the initial state of a recurrent layer is not known")
    output = TensorType((x.shape[0], states[0].shape[-1] * (2 if both else 1)), x.dtype)
    return (output, *(TensorType(state.shape, x.dtype) for state in states))


@op("torch.lstm", "torch._VF.lstm", mil=lambda b, p, out: _lstm_mil(b, p, out))
def lstm(
    input: TensorType, hx: Any, params: Any, has_biases: Any, num_layers: Any, dropout: Any, train: Any, bidirectional: Any,
    batch_first: Any,
) -> tuple[TensorType, ...]:  # fmt: skip
    if isinstance(hx, TensorType):
        return _packed(input, params, batch_first, 2)
    return _layer(input, hx, bidirectional, batch_first, 2)


def _single(input: Any, hx: Any, params: Any, bidirectional: Any, batch_first: Any) -> tuple[TensorType, ...]:
    if isinstance(params, TensorType):
        return _packed(input, params, batch_first, 1)
    return _layer(input, hx, bidirectional, batch_first, 1)


@op("torch.gru", "torch._VF.gru", mil=lambda b, p, out: _gru_mil(b, p, out))
def gru(
    input: TensorType, hx: Any, params: Any, has_biases: Any, num_layers: Any, dropout: Any, train: Any, bidirectional: Any,
    batch_first: Any,
) -> tuple[TensorType, ...]:  # fmt: skip
    return _single(input, hx, params, bidirectional, batch_first)


@op("torch.rnn_tanh", "torch._VF.rnn_tanh", mil=lambda b, p, out: _rnn_mil(b, p, out, "tanh"))
def rnn_tanh(
    input: TensorType, hx: Any, params: Any, has_biases: Any, num_layers: Any, dropout: Any, train: Any, bidirectional: Any,
    batch_first: Any,
) -> tuple[TensorType, ...]:  # fmt: skip
    return _single(input, hx, params, bidirectional, batch_first)


@op("torch.rnn_relu", "torch._VF.rnn_relu", mil=lambda b, p, out: _rnn_mil(b, p, out, "relu"))
def rnn_relu(
    input: TensorType, hx: Any, params: Any, has_biases: Any, num_layers: Any, dropout: Any, train: Any, bidirectional: Any,
    batch_first: Any,
) -> tuple[TensorType, ...]:  # fmt: skip
    return _single(input, hx, params, bidirectional, batch_first)


def _plan(params: Params) -> tuple[int, bool, bool, list[Value]] | None:
    """(layers, both directions, biases, weights), None where the call is packed or not known well enough."""
    weights = params["params"]
    if not isinstance(weights, (tuple, list)) or not all(isinstance(w, Value) for w in weights):
        return None
    if isinstance(params["hx"], Value) and isinstance(params["params"], Value):
        return None
    both, biased = truth(params["bidirectional"]), truth(params["has_biases"])
    if (
        both is None
        or biased is None
        or not isinstance(params["num_layers"], int)
        or truth(params["batch_first"]) is None
    ):
        return None
    return params["num_layers"], both, biased, list(weights)


def _time_first(b: Lowering, x: Value, batch_first: bool) -> Value:
    return mil.transpose(b, x, (1, 0, 2)) if batch_first else x


def _state_at(b: Lowering, state: Value, index: int, count: int) -> Value:
    """One row of a (layers, batch, width) state without its first axis."""
    shape = mil.shape_of(state)
    if count == 1:
        return mil.squeeze(b, state, (0,))
    attrs = {
        "begin": (index, 0, 0), "end": (index + 1, 0, 0), "end_mask": (False, True, True), "squeeze_mask": (True, False, False),
    }  # fmt: skip
    return b.emit("slice_by_index", {"x": state}, attrs, TensorType(shape[1:], state.type.dtype))


def _lstm_mil(b: Lowering, params: Params, out: Any) -> Any:
    x: Value = params["input"]
    plan = _plan(params)
    per_layer = 0 if plan is None else (4 if plan[2] else 2) * (2 if plan[1] else 1)
    if plan is None or len(plan[3]) != per_layer * plan[0] or any(t.shape is None for t in out):
        return mil.refused(b, "lstm", {"x": x}, out)
    layers, both, biased, weights = plan
    h0, c0 = params["hx"]
    first = bool(truth(params["batch_first"]))
    x = _time_first(b, x, first)
    width = mil.shape_of(h0)[-1]
    sides = 2 if both else 1
    finals: tuple[list[Value], list[Value]] = ([], [])
    for layer in range(layers):
        own = weights[layer * per_layer : (layer + 1) * per_layer]
        inputs: dict[str, Any] = {
            "x": x,
            "initial_h": _initial(b, h0, layer, layers, both),
            "initial_c": _initial(b, c0, layer, layers, both),
        }
        for side, suffix in enumerate(("", "_back")[:sides]):
            part = own[side * per_layer // sides :][: per_layer // sides]
            inputs |= {f"weight_ih{suffix}": part[0], f"weight_hh{suffix}": part[1]}
            if biased:
                inputs[f"bias{suffix}"] = mil.elementwise(b, "add", part[2], part[3])
        steps, batch = mil.shape_of(x)[:2]
        types = [TensorType((steps, batch, width * sides), out[0].dtype)] + [
            TensorType((batch, width * sides), out[0].dtype)
        ] * 2
        attrs = {"direction": "bidirectional" if both else "forward", "output_sequence": True}
        x, h, c = b.emit_many("lstm", inputs, attrs, types)
        finals[0].append(h)
        finals[1].append(c)
    output = mil.transpose(b, x, (1, 0, 2), out[0]) if first else x
    return (output, *(_stacked(b, rows, both, kind) for rows, kind in zip(finals, out[1:], strict=True)))


def _initial(b: Lowering, state: Value, layer: int, layers: int, both: bool) -> Value:
    if not both:
        return _state_at(b, state, layer, layers)
    shape = mil.shape_of(state)
    pair = state if layers == 1 else mil.slice_axis(b, state, 0, 2 * layer, 2 * layer + 2)
    halves = b.emit_many(
        "split", {"x": pair}, {"num_splits": 2, "axis": 0}, [TensorType((1, *shape[1:]), state.type.dtype)] * 2
    )
    joined = mil.concat(b, halves, 2, TensorType((1, shape[1], shape[2] * 2), state.type.dtype))
    return mil.squeeze(b, joined, (0,))


def _stacked(b: Lowering, rows: list[Value], both: bool, out: TensorType) -> Value:
    """Final states of the layers as torch returns them."""
    if not both:
        if len(rows) == 1:
            return mil.expand_dims(b, rows[0], (0,), out)
        return b.emit("stack", {"values": tuple(rows)}, {"axis": 0}, out)
    assert out.shape is not None
    half = TensorType(out.shape[1:], out.dtype)
    pair = TensorType((2, *out.shape[1:]), out.dtype)
    pairs = []
    for row in rows:
        sides = b.emit_many("split", {"x": row}, {"num_splits": 2, "axis": 1}, [half, half])
        pairs.append(b.emit("stack", {"values": sides}, {"axis": 0}, out if len(rows) == 1 else pair))
    return mil.concat(b, pairs, 0, out)


def _gru_mil(b: Lowering, params: Params, out: Any) -> Any:
    """GRU layers, each direction a ``while_loop``: Core ML's own gru computes something else than torch's."""
    x: Value = params["input"]
    plan = _plan(params)
    if plan is None or any(t.shape is None for t in out):
        return mil.refused(b, "gru", {"x": x}, out)
    layers, both, biased, weights = plan
    sides = 2 if both else 1
    each = 4 if biased else 2
    first = bool(truth(params["batch_first"]))
    x = _time_first(b, x, first)
    h0: Value = params["hx"]
    width = mil.shape_of(h0)[-1]
    finals: list[Value] = []
    for layer in range(layers):
        results = []
        for side in range(sides):
            start = (layer * sides + side) * each
            own = tuple(weights[start : start + each])
            steps, batch = mil.shape_of(x)[:2]
            source = b.emit("reverse", {"x": x}, {"axes": (0,)}, x.type) if side else x
            state = mil.slice_axis(b, h0, 0, layer * sides + side, layer * sides + side + 1)
            run = TensorType((steps + 1, batch, width), out[0].dtype)
            listed = b.emit("while_loop", {"loop_vars": (source, state, *own)}, {}, run)
            found = mil.slice_axis(b, listed, 0, 1, steps + 1)
            finals.append(mil.slice_axis(b, listed, 0, steps, steps + 1))
            results.append(b.emit("reverse", {"x": found}, {"axes": (0,)}, found.type) if side else found)
        shape = mil.shape_of(results[0])
        x = mil.concat(b, results, 2, TensorType((*shape[:2], width * sides), out[0].dtype))
    output = mil.transpose(b, x, (1, 0, 2), out[0]) if first else x
    return (output, mil.concat(b, finals, 0, out[1]))


def _rnn_mil(b: Lowering, params: Params, out: Any, activation: str) -> Any:
    x: Value = params["input"]
    plan = _plan(params)
    if plan is None or plan[1] or any(t.shape is None for t in out):
        return mil.refused(b, f"rnn_{activation}", {"x": x}, out)
    layers, _, biased, weights = plan
    each = 4 if biased else 2
    first = bool(truth(params["batch_first"]))
    x = _time_first(b, x, first)
    h0: Value = params["hx"]
    finals = []
    for layer in range(layers):
        own = weights[layer * each : (layer + 1) * each]
        bias = mil.elementwise(b, "add", own[2], own[3]) if biased else None
        inputs = {
            "x": x,
            "initial_h": _state_at(b, h0, layer, layers),
            "weight_ih": own[0],
            "weight_hh": own[1],
            "bias": bias,
        }
        steps, batch = mil.shape_of(x)[:2]
        width: DimLike = mil.shape_of(h0)[-1]
        types = [TensorType((steps, batch, width), out[0].dtype), TensorType((batch, width), out[0].dtype)]
        x, state = b.emit_many("rnn", inputs, {"activation": activation, "output_sequence": True}, types)
        finals.append(state)
    output = mil.transpose(b, x, (1, 0, 2), out[0]) if first else x
    return (output, _stacked(b, finals, False, out[1]))


def _cell(input: Any, hidden: Any, w_ih: Any, w_hh: Any, what: str) -> TensorType:
    x, h = check_tensor(input), tensor_or_unknown(hidden, "hx")
    left, right = tensor_or_unknown(w_ih, "w_ih"), tensor_or_unknown(w_hh, "w_hh")
    if x.shape is not None and left.shape is not None and x.shape and len(left.shape) == 2:
        check_same_size(x.shape[-1], left.shape[1], f"{what}: input has inconsistent input_size")
    if h.shape is not None and right.shape is not None and h.shape and len(right.shape) == 2:
        check_same_size(h.shape[-1], right.shape[1], f"{what}: hidden has inconsistent hidden_size")
    shape: Shape | None = h.shape
    return TensorType(shape, x.dtype)


@op("torch.lstm_cell", "torch._VF.lstm_cell")
def lstm_cell(
    input: TensorType, hx: Any, w_ih: TensorType, w_hh: TensorType, b_ih: Any = None, b_hh: Any = None
) -> tuple[TensorType, TensorType]:
    h, c = _states(hx, 2)
    return _cell(input, h, w_ih, w_hh, "lstm_cell"), TensorType(c.shape, check_tensor(input).dtype)


@op("torch.gru_cell", "torch._VF.gru_cell")
def gru_cell(
    input: TensorType, hx: TensorType, w_ih: TensorType, w_hh: TensorType, b_ih: Any = None, b_hh: Any = None
) -> TensorType:
    return _cell(input, hx, w_ih, w_hh, "gru_cell")


def _rnn_cell_mil(kind: str) -> Any:
    def lowering(b: Lowering, params: Params, out: Any) -> Value:
        def part(x: str, weight: str, bias: str) -> Value:
            given = params[bias] if isinstance(params[bias], Value) else None
            return b.emit(
                "linear",
                {"x": params[x], "weight": params[weight], "bias": given},
                {},
                TensorType(out.shape, out.dtype),
            )

        total = mil.elementwise(b, "add", part("input", "w_ih", "b_ih"), part("hx", "w_hh", "b_hh"))
        return b.emit(kind, {"x": total}, {}, out)

    return lowering


@op("torch.rnn_tanh_cell", "torch._VF.rnn_tanh_cell", mil=_rnn_cell_mil("tanh"))
def rnn_tanh_cell(
    input: TensorType, hx: TensorType, w_ih: TensorType, w_hh: TensorType, b_ih: Any = None, b_hh: Any = None
) -> TensorType:
    return _cell(input, hx, w_ih, w_hh, "rnn_tanh_cell")


@op("torch.rnn_relu_cell", "torch._VF.rnn_relu_cell", mil=_rnn_cell_mil("relu"))
def rnn_relu_cell(
    input: TensorType, hx: TensorType, w_ih: TensorType, w_hh: TensorType, b_ih: Any = None, b_hh: Any = None
) -> TensorType:
    return _cell(input, hx, w_ih, w_hh, "rnn_relu_cell")
