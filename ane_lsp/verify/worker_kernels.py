"""In the worker: operations of MIL computed with torch. A kernel gets the operation and its operands as tensors (fp32, int64,
bool, or a word) and gives one tensor or several."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

Given = dict[str, Any]
Kernel = Callable[[Any, Given], Any]


def _torch() -> Any:
    return importlib.import_module("torch")


def _f() -> Any:
    return importlib.import_module("torch.nn.functional")


def _ints(value: Any) -> list[int]:
    return [int(v) for v in value.reshape(-1).tolist()]


def _pads(
    given: Given, extent: list[int], strides: list[int], size: list[int], out: list[int]
) -> list[tuple[int, int]]:
    """(begin, end) for each spatial dimension; extent: what the window covers."""
    kind = given.get("pad_type", "valid")
    if kind == "custom":
        flat = _ints(given["pad"])
        pads = list(zip(flat[::2], flat[1::2]))
    elif kind == "valid":
        pads = [(0, 0)] * len(size)
    else:
        total = [max(0, (-(-n // s) - 1) * s + e - n) for n, s, e in zip(size, strides, extent)]
        pads = [(t - t // 2, t // 2) if kind == "same_lower" else (t // 2, t - t // 2) for t in total]
    # Rounding the output size up reads beyond the end.
    needed = [(o - 1) * s + e - n - a for o, s, e, n, (a, _) in zip(out, strides, extent, size, pads)]
    return [(a, max(b, more)) for (a, b), more in zip(pads, needed)]


def _padded(x: Any, pads: list[tuple[int, int]], value: float = 0.0) -> Any:
    flat = [side for pair in reversed(pads) for side in pair]
    return _f().pad(x, flat, value=value) if any(flat) else x


def _conv(op: Any, g: Given) -> Any:
    x, weight = g["x"], g["weight"]
    rank = x.dim() - 2
    strides = _ints(g["strides"]) if "strides" in g else [1] * rank
    dilations = _ints(g["dilations"]) if "dilations" in g else [1] * rank
    extent = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations)]
    x = _padded(x, _pads(g, extent, strides, list(x.shape[2:]), list(op.outputs[0].shape[2:])))
    call = (_f().conv1d, _f().conv2d, _f().conv3d)[rank - 1]
    return call(x, weight, g.get("bias"), strides, 0, dilations, int(g["groups"]) if "groups" in g else 1)


def _conv_transpose(op: Any, g: Given) -> Any:
    x, weight = g["x"], g["weight"]
    rank = x.dim() - 2
    strides = _ints(g["strides"]) if "strides" in g else [1] * rank
    dilations = _ints(g["dilations"]) if "dilations" in g else [1] * rank
    call = (_f().conv_transpose1d, _f().conv_transpose2d, _f().conv_transpose3d)[rank - 1]
    groups = int(g["groups"]) if "groups" in g else 1
    out = list(op.outputs[0].shape[2:])
    begin = _ints(g["pad"])[::2] if g.get("pad_type") == "custom" else [0] * rank
    extra = [
        max(0, b + o - ((n - 1) * s + (k - 1) * d + 1))
        for b, o, n, s, k, d in zip(begin, out, x.shape[2:], strides, weight.shape[2:], dilations)
    ]
    full = _padded(call(x, weight, g.get("bias"), strides, 0, 0, groups, dilations), [(0, e) for e in extra])
    kept = [slice(None)] * 2 + [slice(b, b + o) for b, o in zip(begin, out)]
    return full[tuple(kept)]


def _windows(op: Any, g: Given, fill: float) -> tuple[Any, list[int], list[int]]:
    x = g["x"]
    window = _ints(g["kernel_sizes"])
    strides = _ints(g["strides"]) if "strides" in g else [1] * len(window)
    pads = _pads(g, window, strides, list(x.shape[2:]), list(op.outputs[0].shape[2:]))
    return _padded(x, pads, fill), window, strides


def _max_pool(op: Any, g: Given) -> Any:
    x, window, strides = _windows(op, g, float("-inf"))
    return (_f().max_pool1d, _f().max_pool2d, _f().max_pool3d)[len(window) - 1](x, window, strides)


def _avg_pool(op: Any, g: Given) -> Any:
    call = (_f().avg_pool1d, _f().avg_pool2d, _f().avg_pool3d)[g["x"].dim() - 3]
    x, window, strides = _windows(op, g, 0.0)
    found = call(x, window, strides)
    excluded = "exclude_padding_from_average" in g and bool(g["exclude_padding_from_average"])
    if excluded or ("ceil_mode" in g and bool(g["ceil_mode"])):
        ones = _torch().ones_like(g["x"])
        if not excluded:  # padding counts, and what is read beyond it does not
            flat = _ints(g["pad"]) if g.get("pad_type") == "custom" else [0] * (2 * len(window))
            ones = _padded(ones, list(zip(flat[::2], flat[1::2])), 1.0)
            beyond = [(0, wide - have) for have, wide in zip(ones.shape[2:], x.shape[2:])]
            ones = _padded(ones, beyond)
        else:
            ones, _, _ = _windows(op, {**g, "x": ones}, 0.0)
        found = found / call(ones, window, strides)
    return found


def _per_channel(value: Any, x: Any) -> Any:
    return value.reshape(1, -1, *([1] * (x.dim() - 2)))


def _batch_norm(op: Any, g: Given) -> Any:
    return _f().batch_norm(g["x"], g["mean"], g["variance"], g.get("gamma"), g.get("beta"), eps=float(g["epsilon"]))


def _layer_norm(op: Any, g: Given) -> Any:
    x = g["x"]
    axes = sorted(a % x.dim() for a in _ints(g["axes"])) if "axes" in g else list(range(x.dim()))
    mean = x.mean(axes, keepdim=True)
    found = (x - mean) * _torch().rsqrt((x - mean).square().mean(axes, keepdim=True) + float(g.get("epsilon", 1e-5)))
    shape = [x.shape[i] if i in axes else 1 for i in range(x.dim())]
    if "gamma" in g:
        found = found * g["gamma"].reshape(shape)
    return found + g["beta"].reshape(shape) if "beta" in g else found


def _instance_norm(op: Any, g: Given) -> Any:
    found = _f().instance_norm(g["x"], eps=float(g.get("epsilon", 1e-5)))
    if "gamma" in g:
        found = found * _per_channel(g["gamma"], found)
    return found + _per_channel(g["beta"], found) if "beta" in g else found


def _matmul(op: Any, g: Given) -> Any:
    x, y = g["x"], g["y"]
    x = x.transpose(-1, -2) if bool(g.get("transpose_x", False)) else x
    y = y.transpose(-1, -2) if bool(g.get("transpose_y", False)) else y
    return x @ y


def _attention(op: Any, g: Given) -> Any:
    mask = g.get("attn_mask")
    return _f().scaled_dot_product_attention(g["query"], g["key"], g["value"], attn_mask=mask)


def _reduce(name: str) -> Kernel:
    def kernel(op: Any, g: Given) -> Any:
        x = g["x"]
        axes = _ints(g["axes"]) if "axes" in g else list(range(x.dim()))
        keep = bool(g.get("keep_dims", False))
        call = {
            "mean": x.mean, "sum": x.sum, "max": x.amax, "min": x.amin, "log_sum_exp": x.logsumexp,
        }.get(name)  # fmt: skip
        if call is not None:
            return call(axes, keepdim=keep)
        if name == "l2_norm":
            return x.square().sum(axes, keepdim=keep).sqrt()
        return x.square().sum(axes, keepdim=keep)

    return kernel


def _argument(name: str) -> Kernel:
    def kernel(op: Any, g: Given) -> Any:
        call = g["x"].argmax if name == "max" else g["x"].argmin
        return call(int(g.get("axis", -1)), keepdim=bool(g.get("keep_dims", False)))

    return kernel


def _gelu(op: Any, g: Given) -> Any:
    mode, x = g.get("mode", "EXACT"), g["x"]
    if mode == "SIGMOID_APPROXIMATION":
        return x * _torch().sigmoid(1.702 * x)
    return _f().gelu(x, approximate="tanh" if mode == "TANH_APPROXIMATION" else "none")


def _resize(mode: str) -> Kernel:
    def kernel(op: Any, g: Given) -> Any:
        size = list(op.outputs[0].shape[2:])
        if mode == "nearest":
            return _f().interpolate(g["x"], size=size, mode="nearest")
        return _f().interpolate(g["x"], size=size, mode="bilinear", align_corners=bool(g.get("align_corners", False)))

    return kernel


def _cast(op: Any, g: Given) -> Any:
    torch = _torch()
    wanted = str(g["dtype"])
    kind = torch.float32 if wanted.startswith("fp") else torch.bool if wanted == "bool" else torch.int64
    return g["x"].to(kind)


def _unary(name: str) -> Kernel:
    return lambda op, g: getattr(_torch(), name)(g["x"])


def _binary(name: str) -> Kernel:
    return lambda op, g: getattr(_torch(), name)(g["x"], g["y"])


def _gather(op: Any, g: Given) -> Any:
    x, indices = g["x"], g["indices"]
    axis = int(g.get("axis", 0)) % x.dim()
    flat = indices.reshape(-1)
    flat = _torch().where(flat < 0, flat + x.shape[axis], flat)
    found = x.index_select(axis, flat)
    return found.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


def _positive(indices: Any, size: int) -> Any:
    return _torch().where(indices < 0, indices + size, indices)


def _gather_nd(op: Any, g: Given) -> Any:
    x, indices = g["x"], g["indices"]
    if int(g.get("batch_dims", 0)):
        raise NotImplementedError("batch_dims")
    return x[tuple(_positive(part, size) for part, size in zip(indices.unbind(-1), x.shape))]


def _written(data: Any, index: tuple[Any, ...], updates: Any, mode: str) -> Any:
    """`data` with `updates` at `index`, in a mode of MIL's scatter operations."""
    found = data.clone()
    if mode == "update":
        found[index] = updates.to(found.dtype)
    elif mode == "add":
        found.index_put_(index, updates.to(found.dtype), accumulate=True)
    else:
        raise NotImplementedError(f"mode {mode}")
    return found


def _scatter(op: Any, g: Given) -> Any:
    data, axis = g["data"], int(g.get("axis", 0))
    axis %= data.dim()
    at = _positive(g["indices"], data.shape[axis])
    if at.dim() != 1:
        raise NotImplementedError("indices of more than one axis")
    moved = _written(data.movedim(axis, 0), (at,), g["updates"].movedim(axis, 0), str(g.get("mode", "add")))
    return moved.movedim(0, axis)


def _scatter_nd(op: Any, g: Given) -> Any:
    data = g["data"]
    index = tuple(_positive(part, size) for part, size in zip(g["indices"].unbind(-1), data.shape))
    return _written(data, index, g["updates"], str(g.get("mode", "add")))


def _lstm(op: Any, g: Given) -> Any:
    """One direction, or two side by side; x is (sequence, batch, input), gates in the order input, forget, output, cell."""
    torch = _torch()
    if any(
        str(g.get(name, kind)) != kind
        for name, kind in (("recurrent_activation", "sigmoid"), ("cell_activation", "tanh"), ("activation", "tanh"))
    ):
        raise NotImplementedError("other activations than sigmoid and tanh")
    if "peephole" in g or "clip" in g:
        raise NotImplementedError("peepholes or clipping")
    sides = {"forward": ("",), "reverse": ("",), "bidirectional": ("", "_back")}[str(g.get("direction", "forward"))]
    x, h0, c0 = g["x"], g["initial_h"], g["initial_c"]
    size = h0.shape[1] // len(sides)
    rows, last_h, last_c = [], [], []
    for number, side in enumerate(sides):
        reverse = side == "_back" or str(g.get("direction", "forward")) == "reverse"
        h, c = (t[:, number * size : (number + 1) * size] for t in (h0, c0))
        steps = []
        for step in x.flip(0) if reverse else x:
            gates = _f().linear(step, g[f"weight_ih{side}"], g.get(f"bias{side}")) + h @ g[f"weight_hh{side}"].T
            enter, forget, leave, cell = gates.chunk(4, -1)
            c = forget.sigmoid() * c + enter.sigmoid() * cell.tanh()
            h = leave.sigmoid() * c.tanh()
            steps.append(h)
        rows.append(torch.stack(steps[::-1] if reverse else steps))
        last_h.append(h)
        last_c.append(c)
    h, c = torch.cat(last_h, -1), torch.cat(last_c, -1)
    return (torch.cat(rows, -1) if bool(g.get("output_sequence", False)) else h[None]), h, c


def _concat(op: Any, g: Given) -> Any:
    values = [_torch().atleast_1d(value) for value in g["values"]]  # sizes, until constants are folded
    axis = int(g["axis"]) % values[0].dim()
    if bool(g.get("interleave", False)):
        return _torch().stack(values, axis + 1).flatten(axis, axis + 1)
    return _torch().cat(values, axis)


KERNELS: dict[str, Kernel] = {
    "conv": _conv, "conv_transpose": _conv_transpose, "max_pool": _max_pool, "avg_pool": _avg_pool,
    "batch_norm": _batch_norm, "layer_norm": _layer_norm, "instance_norm": _instance_norm,
    "linear": lambda op, g: _f().linear(g["x"], g["weight"], g.get("bias")),
    "matmul": _matmul, "scaled_dot_product_attention": _attention,
    "einsum": lambda op, g: _torch().einsum(str(g["equation"]), *g["values"]),
    "softmax": lambda op, g: g["x"].softmax(int(g.get("axis", -1))),
    "gelu": _gelu, "silu": lambda op, g: _f().silu(g["x"]), "relu": _unary("relu"), "relu6": lambda op, g: g["x"].clamp(0, 6),
    "leaky_relu": lambda op, g: _f().leaky_relu(g["x"], float(g["alpha"])),
    "elu": lambda op, g: _f().elu(g["x"], float(g["alpha"])),
    "prelu": lambda op, g: _f().prelu(g["x"], g["alpha"]),
    "softplus": lambda op, g: _f().softplus(g["x"]),
    "sigmoid_hard": lambda op, g: (float(g["alpha"]) * g["x"] + float(g["beta"])).clamp(0, 1),
    "clip": lambda op, g: g["x"].clamp(float(g["alpha"]), float(g["beta"])),
    "rsqrt": lambda op, g: _torch().rsqrt(g["x"] + float(g.get("epsilon", 1e-12))),
    "inverse": lambda op, g: 1 / (g["x"] + float(g.get("epsilon", 1e-4))),
    "log": lambda op, g: _torch().log(g["x"] + float(g.get("epsilon", 1e-45))),
    "add": _binary("add"), "sub": _binary("sub"), "mul": _binary("mul"), "maximum": _binary("maximum"), "minimum": _binary("minimum"),
    "real_div": _binary("true_divide"), "pow": lambda op, g: g["x"].float() ** g["y"].float(),
    "reduce_mean": _reduce("mean"), "reduce_sum": _reduce("sum"), "reduce_max": _reduce("max"), "reduce_min": _reduce("min"),
    "reduce_l2_norm": _reduce("l2_norm"), "reduce_sum_square": _reduce("sum_square"), "reduce_log_sum_exp": _reduce("log_sum_exp"),
    "reduce_argmax": _argument("max"), "reduce_argmin": _argument("min"),
    "upsample_nearest_neighbor": _resize("nearest"), "upsample_bilinear": _resize("bilinear"),
    "pixel_shuffle": lambda op, g: _f().pixel_shuffle(g["x"], int(g["upscale_factor"])),
    "pixel_unshuffle": lambda op, g: _f().pixel_unshuffle(g["x"], int(g["downscale_factor"])),
    "gather_nd": _gather_nd, "scatter": _scatter, "scatter_nd": _scatter_nd, "lstm": _lstm,
    "shape": lambda op, g: _torch().tensor(g["x"].shape),
    "cast": _cast, "identity": lambda op, g: g["x"], "gather": _gather,
    "reshape": lambda op, g: g["x"].reshape(tuple(op.outputs[0].shape)),
    "transpose": lambda op, g: g["x"].permute(_ints(g["perm"])),
    "concat": _concat,
    "expand_dims": lambda op, g: g["x"].reshape(tuple(op.outputs[0].shape)),
    "squeeze": lambda op, g: g["x"].reshape(tuple(op.outputs[0].shape)),
    "tile": lambda op, g: g["x"].repeat(_ints(g["reps"])),
    **{name: _unary(name) for name in ("sigmoid", "tanh", "erf", "exp", "exp2", "sqrt", "abs", "square", "sin", "cos", "floor", "ceil", "round", "sign")},
}  # fmt: skip
