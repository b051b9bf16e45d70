"""Every fix, proven: the model before and the model after, on the same weights and inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from prove import module, proven

X = "torch.randn(2, 8, 16, 16)"
MASKED = {"args": "x, mask", "inputs": "torch.randn(1, 8, 32, 32), torch.arange(32).view(1, 1, 1, 32) > 20"}
QK = {"args": "q, k", "inputs": "torch.randn(1, 8, 16, 64), torch.randn(1, 8, 16, 64)"}

EXACT = {
    "ANE104-last": ("ANE104", module("return F.pad(x, (-1, -2))")),
    "ANE104-both": ("ANE104", module("return F.pad(x * 2, (-1, 0, 0, -3))")),
    "ANE104-mixed": ("ANE104", module("return F.pad(x, (2, -1, 1, 1), value=1.5)")),
    "ANE104-every-axis": ("ANE104", module("return F.pad(x, (-1, 0, -1, 0, -1, 0, 0, 0))")),
    "ANE103-one": (
        "ANE103", module('return F.pad(x, (2, 1), mode="circular")', inputs="torch.randn(2, 8, 16)")
    ),
    "ANE103-two": ("ANE103", module('y = 1 + F.pad(x + 1, (2, 1, 0, 3), mode="circular")\nreturn y')),
    "ANE103-layer": ("ANE103", module("return self.wrap(x) + 1", "self.wrap = nn.CircularPad2d((1, 0, 2, 2))")),
    "ANE103-convolution": (
        "ANE103",
        module("return self.conv(x) + 1", 'self.conv = nn.Conv2d(8, 4, (3, 5), 2, padding=(1, 2), groups=2, padding_mode="circular")'),
    ),
    "ANE103-convolution-flat": (
        "ANE103",
        module("return self.conv(x.relu())", 'self.conv = nn.Conv1d(8, 4, 3, padding=1, bias=False, padding_mode="circular")', "torch.randn(2, 8, 16)"),
    ),
    "ANE104-layer": (
        "ANE104",
        module("return self.crop(x) + self.pad(x)[..., :15]", "self.crop = nn.ZeroPad2d((-2, 1, 0, 1))\nself.pad = nn.ZeroPad2d((0, 1, 0, 1))"),
    ),
    "ANE104-layer-value": (
        "ANE104", module("return self.crop(x.relu())", "self.crop = torch.nn.ConstantPad1d((2, -1), 0.5)", "torch.randn(2, 8, 16)")
    ),
    "ANE119-dots": (
        "ANE119",
        module('return torch.einsum("...ij, ...jk -> ...ik", x, y)', args="x, y", inputs=f"{X}, torch.randn(2, 8, 16, 16)"),
    ),
    "ANE119-implicit": (
        "ANE119",
        module("return torch.einsum('...ij,...jk', x, y)", args="x, y", inputs="torch.randn(3, 4, 5), torch.randn(3, 5, 6)"),
    ),
    "ANE119-one-side": (
        "ANE119",
        module("return torch.einsum('...ij,jk->...ik', x, y)", args="x, y", inputs="torch.randn(3, 4, 5), torch.randn(5, 6)"),
    ),
    "ANE220-tril": ("ANE220", module("return x.tril()")),
    "ANE220-triu": ("ANE220", module("return torch.triu(x * 2, 3) + 1")),
    "ANE309": (
        "ANE309", module("return x @ y", args="x, y", inputs="torch.randn(1, 2, 4, 8, 8), torch.randn(1, 2, 4, 8, 8)")
    ),
    "ANE508-power-of-two": ("ANE508", module("return (q @ k.transpose(-2, -1) * 0.125).softmax(-1)", **QK)),
    "ANE418-roll": ("ANE418", module("return torch.roll(x, shifts=(-3, 5), dims=(2, 3))")),
    "ANE418-roll-batch": ("ANE418", module("return 1 + torch.roll(x + 1, -1, 1)")),
    "ANE418-roll-by-attribute": (
        "ANE418",
        module(
            "x = torch.roll(x, shifts=(-self.by[0], -self.by[1]), dims=(2, 3))\nreturn torch.roll(x, self.by, (-1, -2))",
            "self.by = (2, 3)",
        ),
    ),
    "ANE418-repeat": ("ANE418", module("return torch.repeat_interleave(x + 1, 3, dim=1)")),
    "ANE418-repeat-last": ("ANE418", module("return x.repeat_interleave(2, -1)", inputs="torch.randn(2, 3, 4)")),
    "ANE101-mT": ("ANE101", module("return (x + 1).mT")),
    "ANE101-movedim": ("ANE101", module("return x.movedim((0, 1), (-1, 0))")),
    "ANE101-vstack": ("ANE101", module("return torch.vstack([x, x + 1])")),
    "ANE101-column_stack": ("ANE101", module("return torch.column_stack((x, x + 1))")),
    "ANE101-diff": ("ANE101", module("return torch.diff(x, dim=1) * 2")),
    "ANE108-nearest-exact": (
        "ANE108", module('return F.interpolate(x, scale_factor=2, mode="nearest-exact")')
    ),
    "ANE108-module": (
        "ANE108", module("return self.up(x)", init='self.up = nn.Upsample(scale_factor=3, mode="nearest-exact")')
    ),
    "ANE213-float": ("ANE213", module("return F.one_hot((x.sigmoid() * 9).long(), 10).float() + 1")),
    "ANE213-to": ("ANE213", module("return 2 * F.one_hot(x.argmax(-1) + 1, 20).to(x.dtype)")),
    "ANE213-type-as": ("ANE213", module("return F.one_hot(x.argmax(-1), num_classes=16).type_as(x) @ x", inputs="torch.randn(2, 16, 16)")),
    "ANE210-mask": ("ANE212", module("y = x * 2\ny[y > 1] = 0.5\nreturn y")),
    "ANE212-layer": ("ANE212", module("y = self.fc(x)\ny[y > 1] = 1\ny[y < -1] = -1\nreturn y", "self.fc = nn.Linear(16, 16)")),
    "ANE212-broadcast": (
        "ANE212",
        module(
            "x = x.clone()\nx[mask] = self.token\nx[~mask, :] = 3\nreturn x", "self.token = nn.Parameter(torch.randn(16))",
            "torch.randn(2, 4, 16), torch.arange(8).view(2, 4) > 3", args="x, mask",
        ),
    ),
    "ANE212-infinite": (
        "ANE212", module("s = x @ x.mT\ns[mask] = -torch.inf\nreturn s.softmax(-1)", args="x, mask", inputs="torch.randn(1, 8, 16), torch.arange(64).view(1, 8, 8) % 8 > 6"),
    ),
    "ANE801-inf": ("ANE801", module("return x.masked_fill(mask, float('-inf')).softmax(-1)", **MASKED)),
    "ANE801-finfo": ("ANE801", module("return x.masked_fill(mask, torch.finfo(torch.float32).min).softmax(-1)", **MASKED)),
    "ANE801-math": ("ANE801", module("return torch.where(mask, -math.inf, x).softmax(-1)", **MASKED)),
    "ANE801-numpy": (
        "ANE801", module("return x.masked_fill(mask, -np.inf).softmax(-1)", **MASKED).replace("import math\n", "import math\n\nimport numpy as np\n")
    ),
    "ANE801-buffer": (
        "ANE801",
        module("return (self.mask + x).softmax(-1)", 'self.register_buffer("mask", torch.full((16, 16), float("-inf")).triu(1))'),
    ),
    "ANE801-part-of-a-buffer": (
        "ANE801",
        module(
            "mask = self.mask[:16, :16].to(x.dtype)\nx = x * 2\nx += mask\nreturn F.softmax(x, dim=-1)",
            'self.register_buffer("mask", torch.full((32, 32), float("-inf")).triu(1), persistent=False)',
        ),
    ),
    "ANE250": ("ANE250", module("return x.masked_fill(mask, -1e9).softmax(-1)", **MASKED)),
}  # fmt: skip

# (code, text, how large the inputs get)
CLOSE = {
    "ANE205-last": ("ANE205", module("return x.cumsum(-1)"), 1.0),
    "ANE205-first": ("ANE205", module("return 2 * torch.cumsum(x + 1, dim=1)"), 1.0),
    "ANE508-named": (
        "ANE508",
        module("scores = q @ k.transpose(-2, -1)\nreturn (scores * 0.3).softmax(-1)", **QK), 1.0,
    ),
    "ANE508-overwritten": (
        "ANE508",
        module(
            "scores = torch.matmul(q, k.transpose(-1, -2))\nscores = scores / math.sqrt(self.size)\n"
            "scores = scores + 1\nreturn scores.softmax(-1)",
            "self.size = 60", **QK,
        ), 1.0,
    ),
    "ANE205-of-truth-values": (
        "ANE205",
        module("return (~(x > 0)).cumsum(1, dtype=torch.float32) + torch.cumsum(x, 2, dtype=x.dtype)", inputs="torch.randn(2, 8, 16)"), 1.0,
    ),
    "ANE508-einsum": ("ANE508", module('return (0.3 * torch.einsum("b h i d, b h j d -> b h i j", q + 1, k)).softmax(-1)', **QK), 1.0),
    "ANE508-in-place": (
        "ANE508", module("scores = q.matmul(k.transpose(-1, -2))\nscores /= math.sqrt(60)\nreturn scores.softmax(-1)", **QK), 1.0,
    ),
    "ANE508-called": (
        "ANE508", module("return (q @ k.mT).mul(0.3).softmax(-1) + torch.div(torch.matmul(q, k.mT), 7.0).softmax(-1)", **QK), 1.0,
    ),
    "ANE508-divided": ("ANE508", module("return torch.softmax(torch.matmul(q, k.mT) / math.sqrt(64), -1)", **QK), 1.0),
    "ANE502": ("ANE502", module("return F.log_softmax(x, dim=-1)"), 3.0),
    "ANE502-of-a-softmax": ("ANE502", module("return torch.log(torch.softmax(x * 2, -1))"), 1.0),
    "ANE502-dtype": ("ANE502", module("return F.log_softmax(x + 1, -1, dtype=torch.float32).to(x.dtype)"), 3.0),
    "ANE502-layer": ("ANE502", module("return self.log(self.fc(x))", "self.fc = nn.Linear(16, 9)\nself.log = nn.LogSoftmax(dim=1)"), 3.0),
    "ANE503": ("ANE503", module("return 2 * F.softplus(x * 3)"), 4.0),
    "ANE501-rsqrt": (
        "ANE501", module("return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)"), 3.0
    ),
    "ANE501-named": (
        "ANE501",
        module(
            "dtype = x.dtype\nx = x.to(torch.float32)\nvariance = x.pow(2).mean(-1, keepdim=True)\n"
            "x = x * torch.rsqrt(variance + self.eps)\nreturn self.weight * x.to(dtype)",
            "self.weight = nn.Parameter(torch.ones(16))\nself.eps = 1e-6",
        ), 3.0,
    ),
    "ANE501-product": (
        "ANE501", module("norm = torch.mean(x * x, dim=-1, keepdim=True)\nreturn x / torch.sqrt(norm + 1e-6)"), 3.0
    ),
    "ANE501-sqrt": (
        "ANE501", module("n = ((x ** 2).mean(dim=1, keepdim=True) + 1e-5).sqrt()\nreturn x / n"), 0.2
    ),
    "ANE106-heads": (
        "ANE106",
        module(
            "return F.scaled_dot_product_attention(q, k, k + 1, enable_gqa=True)", args="q, k",
            inputs="torch.randn(1, 8, 16, 32), torch.randn(1, 2, 16, 32)",
        ), 1.0,
    ),
    "ANE507-softmax": ("ANE507", module("e = torch.exp(x)\nreturn e / e.sum(-1, keepdim=True)"), 2.0),
    "ANE107-divisor": ("ANE107", module("return F.avg_pool2d(x, (2, 3), padding=1, divisor_override=4) + 1"), 1.0),
    "ANE305": ("ANE305", module("return self.pool(x)", init="self.pool = nn.AvgPool2d(56)", inputs="torch.randn(1, 4, 56, 56)"), 1.0),
    "ANE303-flat": (
        "ANE303",
        module("return self.conv(x + 1)", "self.conv = nn.Conv1d(4, 6, 31, stride=2, padding=15, dilation=2, groups=2)", "torch.randn(2, 4, 128)"),
        1.0,
    ),
    "ANE303-no-bias": ("ANE303", module("return self.conv(x)", "self.conv = nn.Conv1d(4, 4, 17, bias=False)", "torch.randn(1, 4, 64)"), 1.0),
    "ANE303-square": (
        "ANE303", module("return self.conv(x)", "self.conv = nn.Conv2d(3, 4, 19, padding=9)", "torch.randn(1, 3, 32, 32)"), 1.0,
    ),
    "ANE304": (
        "ANE304", module("return x @ y", args="x, y", inputs="torch.rand(1, 4, 40000), torch.rand(1, 40000, 4)"), 1.0,
    ),
    "ANE406": (
        "ANE406", module("return self.proj(x) * 2", "self.proj = nn.Conv2d(3, 8, 14, stride=14)", "torch.randn(1, 3, 56, 28)"), 1.0,
    ),
    "ANE416": (
        "ANE416",
        module(
            "return self.norm(x)",
            init="self.norm = nn.GroupNorm(8, 8, eps=1e-4)\nnn.init.normal_(self.norm.weight)\nnn.init.normal_(self.norm.bias)",
            inputs=X,
        ), 1.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EXACT)
def test_bit_for_bit(case: str, tmp_path: Path) -> None:
    code, text = EXACT[case]
    proven(text, code, tmp_path, exact=True)


@pytest.mark.parametrize("case", CLOSE)
def test_up_to_rounding(case: str, tmp_path: Path) -> None:
    code, text, scale = CLOSE[case]
    proven(text, code, tmp_path, scale=scale)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("keepdim", ["", ", keepdim=True"])
def test_products_of_slices(axis: int, keepdim: str, tmp_path: Path) -> None:
    text = module(f"return torch.prod(x, {axis}{keepdim})", inputs="torch.randn(2, 5, 6, 7)")
    proven(text, "ANE101", tmp_path)


def test_products_of_an_expression(tmp_path: Path) -> None:
    """It is computed once, before the statement."""
    text = module("return 1 + torch.softmax(x, -1)[..., :4].prod(-1)", inputs="torch.randn(2, 5, 8)")
    fixed = proven(text, "ANE101", tmp_path)
    assert fixed.count("torch.softmax") == 1


@pytest.mark.parametrize("shift", [0, 16, -16])
def test_a_roll_that_moves_nothing_stays(shift: int, tmp_path: Path) -> None:
    """A slice that takes everything does not convert by torch.export."""
    from prove import fix

    text = module("return torch.roll(x, self.by, -1)", f"self.by = {shift}")
    assert fix(text, tmp_path)[2].text == text


def test_integers_of_one_hot_that_are_used_stay(tmp_path: Path) -> None:
    from prove import fix

    text = module("return F.one_hot(x.argmax(-1), 16) + 1")
    assert fix(text, tmp_path)[2].text == text


FUNCTIONS = {
    "trunc": "torch.trunc(x)", "fix": "torch.fix(x + 1) * 2", "sgn": "x.sgn()", "deg2rad": "torch.deg2rad(x)",
    "rad2deg": "torch.rad2deg(x)", "addcmul": "torch.addcmul(x, x, x, value=0.5)",
    "addcdiv": "torch.addcdiv(x, x, x * x + 1)", "lerp": "torch.lerp(x, x * 2, x + 1)", "positive": "torch.positive(x)",
    "add": "torch.add(x, x * 3, alpha=2)", "sub": "2 * x.sub(x * 3, alpha=2)", "ravel": "torch.ravel(x)",
    "broadcast_to": "torch.broadcast_to(x, (3, 2, 8, 4, 4))", "logit": "torch.logit(torch.sigmoid(x))",
    "hardshrink": "F.hardshrink(x, 0.3) + 1", "softshrink": "1 + F.softshrink(x * 2)", "logsigmoid": "1 + F.logsigmoid(x)",
    "bitwise_or": "torch.bitwise_or(x > 0, x < -1).float()", "bitwise_xor": "torch.bitwise_xor(x > 0, x < 1).float()",
    "__or__": "((x > 0) | (x < -1)).float()", "__xor__": "x * ((x > 0) ^ (x < 1))",
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_in_other_words(name: str, tmp_path: Path) -> None:
    proven(module(f"return {FUNCTIONS[name]}", inputs="torch.randn(2, 8, 4, 4)"), "ANE101", tmp_path)


ALIASES = {
    "torch.concatenate([x, x], dim=1)": "torch.cat([x, x], dim=1)",
    "x.multiply(2)": "x.mul(2)",
    "torch.subtract(x, x * 2)": "torch.sub(x, x * 2)",
    "(x + 1).divide(x.absolute() + 1, rounding_mode='floor')": "(x + 1).div(x.abs() + 1, rounding_mode='floor')",
    "torch.special.expit(x)": "torch.sigmoid(x)",
    "torch.special.softmax(x, -1)": "torch.softmax(x, -1)",
    "torch.linalg.matmul(x, x.swapaxes(1, 2))": "torch.matmul(x, x.transpose(1, 2))",
    "(x + 1).multiply_(3)": "(x + 1).mul_(3)",
    "torch.greater(x, 0).float()": "torch.gt(x, 0).float()",
    "x.arctan2(x + 2)": "x.atan2(x + 2)",
}


@pytest.mark.parametrize("call", ALIASES)
def test_a_function_is_called_by_its_usual_name(call: str, tmp_path: Path) -> None:
    """Within a module of the model its other names do not convert when traced."""
    text = module("return self.inner(x)", "self.inner = Inner()", "torch.randn(2, 4, 4)")
    inner = f"class Inner(nn.Module):\n    def forward(self, x):\n        return {call}\n\n\nclass Net("
    assert f"return {ALIASES[call]}\n" in proven(text.replace("class Net(", inner), "ANE101", tmp_path, exact=True)


def test_operators_on_truth_values_become_functions(tmp_path: Path) -> None:
    text = proven(module("return x * ((x > 0) | (x < -1) ^ (x > 2))"), "ANE101", tmp_path)
    assert "torch.logical_or(x > 0, torch.logical_xor(x < -1, x > 2))" in text


@pytest.mark.parametrize(
    ("call", "init", "written"),
    [
        ("F.hardtanh(x, 0, max_val=6)", "", "F.hardtanh(x, 0.0, max_val=6.0)"),
        ("x.clamp_min(-1) * 2", "", "x.clamp_min(-1.0) * 2"),
        ("F.threshold(x, 0, 1)", "", "F.threshold(x, 0.0, 1)"),
        ("self.act(x)", "self.act = nn.Hardtanh(0, 20, inplace=False)", "nn.Hardtanh(0.0, 20.0, inplace=False)"),
        ("self.act(x)", "self.act = nn.LeakyReLU(1)", "nn.LeakyReLU(1.0)"),
    ],
)
def test_whole_numbers_beside_floats_become_floats(call: str, init: str, written: str, tmp_path: Path) -> None:
    assert written in proven(module(f"return {call}", init), "ANE101", tmp_path)


def test_a_factor_that_was_not_given_is_not_written(tmp_path: Path) -> None:
    assert "return x + x * x\n" in proven(module("return torch.addcmul(x, x, x)"), "ANE101", tmp_path)


RECURRENT = {
    "plain": ("nn.LSTM(16, 8, batch_first=True)", "y, (h, c) = self.rnn(x)\nreturn y + h[-1].unsqueeze(1) + c[0].unsqueeze(1)"),
    "deep": ("nn.LSTM(16, 8, num_layers=2, bidirectional=True, bias=False)", "y, (h, c) = self.rnn(x)\nreturn y * (h[3] + c[1]).repeat(1, 2)"),
    "gru": ("nn.GRU(16, 8, batch_first=True)", "y, h = self.rnn(x)\nreturn y + h[0].unsqueeze(1)"),
    "dropout": ("nn.LSTM(16, 8, num_layers=2, dropout=0.5)", "return self.rnn(x)[0]"),
    "states": ("nn.LSTM(16, 8)", "h = x[0, :, :8].unsqueeze(0)\ny, (h, c) = self.rnn(x, (h, h + 1))\nreturn y + h + c"),
    "gru-state": ("nn.GRU(16, 8, bidirectional=True)", "return self.rnn(x, x[:2, :, 8:].contiguous())[0]"),
    "deep-gru": ("nn.GRU(16, 8, num_layers=2, bidirectional=True)", "return self.rnn(x)[0]"),
}  # fmt: skip


def recurrent(case: str) -> str:
    layer, forward = RECURRENT[case]
    return module(forward, f"self.rnn = {layer}", "torch.randn(4, 3, 16)")


@pytest.mark.parametrize("case", RECURRENT)
def test_recurrent_layers_unrolled(case: str, tmp_path: Path) -> None:
    fixed = proven(recurrent(case), "ANE202", tmp_path, unsafe=True, **{"export-path": "export"})
    assert fixed.count("def unrolled_") == 1


@pytest.mark.parametrize(
    ("layer", "forward"),
    [
        ("nn.LSTMCell(16, 8)", "h, c = self.cell(x)\nh, c = self.cell(x + 1, (h, c))\nreturn h * c"),
        ("nn.LSTMCell(16, 8, bias=False)", "h, c = self.cell(x[0])\nreturn h * c"),
        ("nn.GRUCell(16, 8)", "h = self.cell(x)\nreturn self.cell(x * 2, h)"),
    ],
)
def test_cells_written_out(layer: str, forward: str, tmp_path: Path) -> None:
    text = module(forward, f"self.cell = {layer}", "torch.randn(4, 16)")
    assert proven(text, "ANE112", tmp_path).count("_cell(layer, x, state=None)") == 1


def test_two_recurrent_layers_share_a_function(tmp_path: Path) -> None:
    init = "self.a = nn.LSTM(16, 8)\nself.b = nn.LSTM(8, 8)"
    text = module("y, _ = self.a(x)\nz, _ = self.b(y * 2)\nreturn z", init, "torch.randn(4, 3, 16)")
    assert proven(text, "ANE202", tmp_path, unsafe=True).count("def unrolled_lstm(") == 1


HEAD = module("return self.head(x + 1)", "self.head = nn.Linear(16, 40000)", "torch.randn(1, 3, 16)")


@pytest.mark.parametrize("bias", [True, False])
def test_a_wide_head_in_parts(bias: bool, tmp_path: Path) -> None:
    proven(HEAD.replace("40000)", f"40000, bias={bias})"), "ANE808", tmp_path)


def test_a_mask_after_a_change_in_place(tmp_path: Path) -> None:
    text = module("y = self.fc(x)\ny.relu_()\ny[y > 1] = 0.0\nreturn y", "self.fc = nn.Linear(16, 16)")
    assert "y.relu_()\n        y = torch.where(y > 1, 0.0, y)" in proven(text, "ANE212", tmp_path, exact=True)


def test_dropout_between_layers_stays_while_training(tmp_path: Path) -> None:
    import torch
    from prove import build, fix

    after = build(fix(recurrent("dropout"), tmp_path, unsafe=True)[2].text)
    x = torch.ones(4, 3, 16)
    assert torch.equal(after(x), after(x))
    assert not torch.equal(after.train()(x), after(x))


def assert_stays(text: str, code: str, folder: Path, unsafe: bool = False) -> None:
    """The finding is there, and no fix touches it."""
    from prove import fix

    _, before, fixed = fix(text, folder, unsafe=unsafe)
    assert code in {f.code for f in before.findings}
    assert fixed.text == text


@pytest.mark.parametrize(
    "forward",
    [
        "y = self.fc(x)\nz = y[:, 0]\ny[mask] = 0.0\nreturn y + z.unsqueeze(1)",  # z sees the change
        "y = self.fc(x)\nfound = [y] + [x]\ny[mask] = 0.0\nreturn y + found[0]",
        "y = self.fc(x)\nz = y.relu_()\ny[mask] = 0.0\nreturn y + z",
        "found = []\ny = self.fc(x)\nfound.append(y)\ny[mask] = 0.0\nreturn y + found[0]",  # the list does, too
        "y = self.fc(x)\ny[mask] = x[mask]\nreturn y",  # a value for each element chosen
        "y = self.drop(x)\ny[mask] = 0.0\nreturn y + x",  # y is x itself
        "y = self.fc(x)\ny[mask, 0] = 0.0\nreturn y",
    ],
)
def test_masks_that_are_more_than_a_choice_stay(forward: str, tmp_path: Path) -> None:
    init = "self.fc = nn.Linear(16, 16)\nself.drop = nn.Dropout(0.1)"
    text = module(forward, init, "torch.randn(2, 4, 16), torch.arange(8).view(2, 4) > 3", args="x, mask")
    assert_stays(text, "ANE212", tmp_path, unsafe=True)


@pytest.mark.parametrize(
    "init",
    [
        "self.crop = nn.ZeroPad2d((-1, 0, 0, 0))\nself.crop = nn.ZeroPad2d((0, -1, 0, 0))",
        "self.by = (-1, 0, 0, 0)\nself.crop = nn.ZeroPad2d(self.by)",
        "crop = nn.ZeroPad2d((-1, 0, 0, 0))\nself.crop = crop",
    ],
)
def test_padding_layers_that_may_have_other_widths_stay(init: str, tmp_path: Path) -> None:
    text = module("return self.crop(x)", init)
    assert_stays(text, "ANE104", tmp_path)


@pytest.mark.parametrize(
    "end",
    [
        "return s.softmax(-1), s",
        "return torch.where(s < -1e5, 0.0, s.softmax(-1))",
        "return s.softmax(-1) + s.relu().square()" + "  # and",  # what only sees zero
        "return s.softmax(-1) + s.tanh().log_softmax(-1)",
    ],
)
@pytest.mark.parametrize("fill", ["-math.inf", "-1e9"])
def test_infinity_that_is_seen_elsewhere_is_replaced_only_unsafely(fill: str, end: str, tmp_path: Path) -> None:
    from prove import fix

    text = module(f"s = x.masked_fill(mask, {fill})\n{end}", **MASKED)
    harmless = end.endswith("# and")
    assert ("-1e4" in fix(text, tmp_path)[2].text) == harmless
    assert "-1e4" in fix(text, tmp_path, unsafe=True)[2].text


@pytest.mark.parametrize("norm", ["nn.utils.weight_norm", "nn.utils.parametrizations.weight_norm"])
def test_a_weight_that_is_made_at_the_call_is_not_read_without_it(norm: str, tmp_path: Path) -> None:
    init = f"self.conv = nn.Conv1d(4, 4, 31, padding=15)\n{norm}(self.conv)"
    text = module("return self.conv(x)", init, "torch.randn(1, 4, 64)")
    assert_stays(text, "ANE303", tmp_path)


UNSAFE = {
    "ANE212": (module("x[x > 1] = 1.0\nreturn x"), True),
    "ANE507": (module("return x.exp()"), True),
    "ANE504": (module("return x / (x.abs().sum(-1, keepdim=True) + 1e-10)"), True),
    "ANE505": (module("return x.float().exp()"), True),
    "ANE254": (module("return x.double().exp().to(x.dtype)"), True),
    "ANE117": (module("return x.to(torch.bfloat16) + 1"), False),
    "ANE109": (module('return F.interpolate(x, scale_factor=1.3, mode="bilinear")'), False),
    "ANE123": (module('return F.interpolate(x, size=(8, 8), mode="bilinear", antialias=True)'), False),
    "ANE218": (module("return torch.nan_to_num(x)"), True),
    "ANE809": (
        module(
            "w = torch.einsum('bchq,bkhc->bkhq', q, k).softmax(dim=-1)\nreturn torch.einsum('bkhq,bchk->bchq', w, v)",
            args="q, k, v",
            inputs="torch.randn(1, 64, 1, 128), torch.randn(1, 128, 1, 64), torch.randn(1, 64, 1, 128)",
        ), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", UNSAFE)
def test_unsafe_fixes_need_to_be_asked_for(code: str, tmp_path: Path) -> None:
    from prove import fix

    text, same = UNSAFE[code]
    assert fix(text, tmp_path)[2].text == text
    fixed = proven(text, code, tmp_path, unsafe=True, same=same and code != "ANE254" and code != "ANE505")
    assert fixed != text


def test_a_scaled_norm_is_right_where_the_square_overflows(tmp_path: Path) -> None:
    import torch
    from prove import build, fix, given

    text = CLOSE["ANE501-rsqrt"][1]
    x = 3000 * given(text, 0)[0]
    before, after = build(text), build(fix(text, tmp_path)[2].text)
    wanted = before(x.double())
    assert not torch.allclose(before(x.half()).double(), wanted, atol=0.1)
    torch.testing.assert_close(after(x.half()).double(), wanted, rtol=0.01, atol=0.01)
