"""Constructor calls of every torch.nn class, with inputs to call the module on; None where only construction is compared."""

from __future__ import annotations

R = "torch.randn"
B = "torch.rand"


def _r(*sizes: int) -> str:
    return f"torch.randn({', '.join(map(str, sizes))})"


def _labels(*sizes: int) -> str:
    return f"torch.zeros({', '.join(map(str, sizes))}, dtype=torch.int64)"


x1, x2, x3 = _r(2, 4, 12), _r(2, 4, 12, 10), _r(2, 4, 6, 8, 10)
u1, u2, u3 = _r(4, 12), _r(4, 12, 10), _r(4, 6, 8, 10)

ELEMENTWISE = {
    "CELU": ["", "0.5", "alpha=2.0, inplace=True"],
    "ELU": ["", "0.5", "alpha=2.0, inplace=True"],
    "GELU": ["", "approximate='tanh'", "'tanh'"],
    "Hardshrink": ["", "0.2"],
    "Hardsigmoid": ["", "inplace=True"],
    "Hardswish": ["", "True"],
    "Hardtanh": ["", "-2.0, 3.0", "-1, 1, True", "min_value=-3.0, max_value=1.0", "2.0, 1.0"],
    "LeakyReLU": ["", "0.2", "0.1, inplace=True", "negative_slope=0.3"],
    "LogSigmoid": [""],
    "Mish": ["", "inplace=True"],
    "RReLU": ["", "0.1, 0.2", "inplace=True"],
    "ReLU": ["", "True", "inplace=True"],
    "ReLU6": ["", "inplace=True"],
    "SELU": ["", "inplace=True"],
    "SiLU": ["", "inplace=True"],
    "Sigmoid": [""],
    "Softplus": ["", "2.0, 10.0", "beta=3"],
    "Softshrink": ["", "0.1"],
    "Softsign": [""],
    "Tanh": [""],
    "Tanhshrink": [""],
    "Threshold": ["0.1, 20.0", "1, 2, True"],
    "Identity": ["", "54, unused=True"],
    "Dropout": ["", "0.1", "p=0.3, inplace=True", "1.5", "-0.1"],
    "AlphaDropout": ["", "0.2", "2"],
    "FeatureAlphaDropout": ["", "0.2"],
}

# class -> [(constructor arguments, call arguments or None)]
CASES: dict[str, list[tuple[str, str | None]]] = {
    name: [(arguments, x) for arguments in variants for x in (x1, x2, _r(3))][: 3 * len(variants)]
    for name, variants in ELEMENTWISE.items()
}

CASES.update({
    "Dropout1d": [("0.2", x1), ("", u1)],
    "Dropout2d": [("0.2", x2), ("0.5, True", u2)],
    "Dropout3d": [("0.2", x3), ("", u3)],
    "GLU": [("", x2), ("1", x2), ("dim=0", x1), ("dim=1", _r(2, 3, 4))],
    "PReLU": [("", x2), ("4", x2), ("num_parameters=4, init=0.1", x1), ("dtype=torch.float16", None)],
    "Softmax": [("-1", x2), ("dim=1", x2), ("", x1), ("5", x1)],
    "Softmax2d": [("", x2), ("", u2), ("", x3), ("", _r(2, 3))],
    "Softmin": [("1", x2), ("dim=-1", x1)],
    "LogSoftmax": [("1", x2), ("dim=-1", x1)],
    "Linear": [
        ("10, 20", x2), ("10, 20, bias=False", x3), ("12, 5, dtype=torch.float64", _r(12) + ".double()"),
        ("10, 20, False, None, torch.bfloat16", None), ("0, 3", None), ("11, 4", x2), ("in_features=12, out_features=1", u1),
    ],
    "Bilinear": [
        ("5, 6, 7", f"{_r(3, 5)}, {_r(3, 6)}"), ("5, 6, 7, bias=False", f"{_r(2, 3, 5)}, {_r(2, 3, 6)}"), ("0, 6, 7", None),
    ],
    "LazyLinear": [("20", x2), ("20, bias=False", x1), ("3, dtype=torch.float64", x2 + ".double()"), ("5", None)],
    "Flatten": [("", x2), ("0", x2), ("1, 2", x3), ("start_dim=2, end_dim=-2", x3)],
    "Unflatten": [
        ("1, (2, 2)", x2), ("2, [3, 4]", x1), ("-1, (2, -1)", x1), ("1, torch.Size([2, 2])", x2), ("1, 4", None),
        ("1, (2.0, 2)", None), ("1, (3, 2)", x2),
    ],
    "Conv1d": [
        ("4, 8, 3", x1), ("4, 8, 3, 2, 1", x1), ("4, 8, (3,), padding='same', dilation=2", x1), ("4, 8, 4, groups=4, bias=False", u1),
        ("4, 6, 5, padding='valid'", x1), ("4, 8, 3, padding=2, padding_mode='circular'", x1), ("4, 8, 4, padding='same'", x1),
        ("4, 7, 3, groups=2", None), ("3, 8, 3, groups=2", None), ("4, 8, 3, groups=0", None), ("4, 8, 3, padding='full'", None),
        ("4, 8, 3, stride=2, padding='same'", None), ("4, 8, 3, padding_mode='mirror'", None), ("4, 8, 3", _r(2, 5, 12)),
        ("4, 8, 30", x1), ("4, 8, 3", x2),
    ],
    "Conv2d": [
        ("4, 8, 3", x2), ("4, 8, 3, 2, 1", x2), ("4, 8, (3, 5), stride=(2, 1), padding=(1, 2)", x2), ("4, 8, [3, 1]", x2),
        ("4, 8, 3, padding='same', dilation=2", x2), ("4, 4, 3, groups=4, bias=False", u2), ("4, 6, 5, padding='valid'", x2),
        ("4, 8, 3, padding=1, padding_mode='reflect'", x2), ("4, 8, 3, padding=(1, 2), padding_mode='replicate'", x2),
        ("4, 8, 4, padding='same', padding_mode='circular'", x2), ("4, 7, 3, groups=2", None), ("4, 8, 3, dtype=torch.float16", None),
        ("4, 8, 3, stride=2, padding='same'", None), ("4, 8, 3", _r(2, 5, 12, 10)), ("4, 8, 3, bogus=1", None),
        ("in_channels=4, out_channels=2, kernel_size=1, bias=False", x2), ("4.0, 8, 3", None),
    ],
    "Conv3d": [
        ("4, 8, 3", x3), ("4, 8, (1, 3, 5), (1, 2, 2), (0, 1, 2)", x3), ("4, 8, 3, padding='same', groups=2", u3),
        ("4, 8, 3, padding=1, padding_mode='circular', bias=False", x3),
    ],
    "ConvTranspose1d": [
        ("4, 8, 3", x1), ("4, 8, 3, 2, 1, 1", x1), ("4, 8, 3, stride=2, groups=2, bias=False, dilation=2", u1),
        ("4, 8, 3, padding_mode='circular'", None), ("4, 8, 3, stride=2, padding=1", f"{x1}, output_size=[24]"),
        ("4, 8, 3, stride=2, padding=1", f"{x1}, output_size=[2, 8, 23]"), ("4, 8, 3, stride=2", f"{x1}, output_size=[90]"),
    ],
    "ConvTranspose2d": [
        ("4, 8, 3", x2), ("4, 8, 2, 2", x2), ("4, 8, (3, 4), (2, 3), (1, 0), (1, 2)", x2), ("4, 4, 3, groups=4, bias=False", u2),
        ("4, 8, 3, stride=2, padding=1", f"{x2}, output_size=(24, 20)"), ("4, 8, 3, output_padding=1", x2), ("4, 7, 3, groups=2", None),
    ],
    "ConvTranspose3d": [("4, 8, 3", x3), ("4, 8, 2, 2, bias=False", x3), ("4, 8, (1, 2, 3), (1, 2, 2), groups=2", u3)],
    "LazyConv1d": [("8, 3", x1), ("8, 3, 2, 1, bias=False", u1), ("8, 3, groups=2", x1), ("8, 3", x2), ("8, 3, groups=3", x1)],
    "LazyConv2d": [("8, 3", x2), ("8, 3, padding='same', bias=False", u2), ("8, (3, 1), dtype=torch.float64", x2 + ".double()"), ("8, 3", None)],
    "LazyConv3d": [("8, 3", x3), ("8, 3, stride=2, padding=1", u3)],
    "LazyConvTranspose1d": [("8, 3", x1), ("8, 3, 2, 1, 1, bias=False", x1)],
    "LazyConvTranspose2d": [("8, 3", x2), ("8, 2, 2, groups=2", u2)],
    "LazyConvTranspose3d": [("8, 3", x3)],
    "BatchNorm1d": [("4", x1), ("4, affine=False", _r(2, 4)), ("4, 1e-3, None, bias=False", x1), ("4, track_running_stats=False", x1), ("4", x2), ("5", x1)],
    "BatchNorm2d": [
        ("4", x2), ("4, eps=1e-3, momentum=0.01", x2), ("4, affine=False", x2), ("4, track_running_stats=False", x2),
        ("4, dtype=torch.float16", None), ("4, bias=False", x2), ("4", x1), ("5", x2), ("4, 1e-5, 0.1, False, False", x2),
    ],
    "BatchNorm3d": [("4", x3), ("4, momentum=None", x3), ("4", x2)],
    "SyncBatchNorm": [("4", x2), ("4, affine=False", x3), ("4", _r(3))],
    "LazyBatchNorm1d": [("", x1), ("affine=False", _r(2, 4)), ("track_running_stats=False", x1), ("", None)],
    "LazyBatchNorm2d": [("", x2), ("1e-3, 0.2", x2), ("bias=False", x2), ("", x1)],
    "LazyBatchNorm3d": [("", x3)],
    "InstanceNorm1d": [("4", x1), ("4, affine=True", u1), ("4, affine=True, track_running_stats=True", x1), ("5, affine=True", x1), ("4", x2)],
    "InstanceNorm2d": [("4", x2), ("4, affine=True", u2), ("4, 1e-3, 0.2, True, True", x2), ("4, affine=True, bias=False", x2), ("4", x1)],
    "InstanceNorm3d": [("4", x3), ("4, affine=True", u3)],
    "LazyInstanceNorm1d": [("", x1), ("affine=True", x1)],
    "LazyInstanceNorm2d": [("", x2), ("affine=True, track_running_stats=True", x2)],
    "LazyInstanceNorm3d": [("affine=True", x3)],
    "LayerNorm": [
        ("10", x2), ("(12, 10)", x2), ("[12, 10], eps=1e-6", x2), ("10, elementwise_affine=False", x2), ("10, bias=False", x2),
        ("torch.Size([10])", x2), ("10, dtype=torch.float64", x2 + ".double()"), ("11", x2), ("10, 1e-6, False, False", x2),
    ],
    "GroupNorm": [("2, 4", x2), ("4, 4, affine=False", x1), ("1, 4, 1e-3", x3), ("3, 4", None), ("2, 6", x2), ("2, 4, bias=False", x2)],
    "RMSNorm": [("10", x2), ("(12, 10), 1e-6", x2), ("10, elementwise_affine=False", x2), ("11", x2)],
    "LocalResponseNorm": [("2", x2), ("3, 1e-3, 0.5, 2.0", x3), ("size=5", x1)],
    "CrossMapLRN2d": [("3", x2), ("5, 1e-3, 0.5, 2", x2)],
    "AvgPool1d": [("3", x1), ("3, 2, 1", u1), ("2, ceil_mode=True, count_include_pad=False", x1), ("2, padding=2", x1)],
    "AvgPool2d": [("3", x2), ("3, 2, 1", u2), ("(2, 3), ceil_mode=True", x2), ("2, divisor_override=3", x2), ("3, (2, 1), padding=1, count_include_pad=False", x2), ("20", x2)],
    "AvgPool3d": [("2", x3), ("3, 2, 1, True, False, 2", u3)],
    "MaxPool1d": [("3", x1), ("3, 2, 1", u1), ("2, return_indices=True", x1), ("3, dilation=2, ceil_mode=True", x1)],
    "MaxPool2d": [("3", x2), ("3, 2, 1", u2), ("(2, 3), return_indices=True", x2), ("3, stride=2, dilation=2, ceil_mode=True", x2), ("3, padding=2", x2), ("3, stride=1, padding=1", x2)],
    "MaxPool3d": [("2", x3), ("3, 2, 1, return_indices=True", u3)],
    "MaxUnpool1d": [("2, 2", f"*F.max_pool1d({x1}, 2, 2, return_indices=True)"), ("3, stride=2, padding=1", None)],
    "MaxUnpool2d": [
        ("2, 2", f"*F.max_pool2d({x2}, 2, 2, return_indices=True)"),
        ("2", f"*F.max_pool2d({x2}, 2, 2, return_indices=True), output_size=(13, 11)"),
        ("2", f"*F.max_pool2d({x2}, 2, 2, return_indices=True), output_size=(30, 11)"),
    ],
    "MaxUnpool3d": [("2, 2", f"*F.max_pool3d({x3}, 2, 2, return_indices=True)")],
    "FractionalMaxPool2d": [
        ("2, output_size=5", x2), ("(2, 3), output_ratio=(0.5, 0.6)", x2), ("2, output_size=(4, 3), return_indices=True", u2), ("2", None),
        ("2, output_size=3, output_ratio=0.5", None), ("2, output_ratio=1.5", None),
    ],
    "FractionalMaxPool3d": [("2, output_size=3", x3), ("2, output_ratio=0.5, return_indices=True", x3), ("0, output_size=3", None), ("2, output_ratio=1.5", None)],
    "LPPool1d": [("2, 3", x1), ("1.5, 3, 2, True", x1)],
    "LPPool2d": [("2, 3", x2), ("2, (3, 2), stride=2", x2)],
    "LPPool3d": [("2, 3", x3), ("2, 2, 2, ceil_mode=True", x3)],
    "AdaptiveAvgPool1d": [("5", x1), ("1", u1)],
    "AdaptiveAvgPool2d": [("5", x2), ("(1, 1)", u2), ("(None, 3)", x2), ("[7, 2]", x2)],
    "AdaptiveAvgPool3d": [("2", x3), ("(1, None, 3)", u3)],
    "AdaptiveMaxPool1d": [("5", x1), ("5, return_indices=True", u1)],
    "AdaptiveMaxPool2d": [("5", x2), ("(None, 3), True", x2), ("1", u2)],
    "AdaptiveMaxPool3d": [("2", x3), ("(1, 2, None)", u3)],
    "CircularPad1d": [("2", x1), ("(1, 3)", u1), ("1", x2)],
    "CircularPad2d": [("2", x2), ("(1, 3, 0, 2)", u2), ("1", x1)],
    "CircularPad3d": [("2", x3), ("(1, 1, 0, 2, 1, 1)", u3), ("1", x1)],
    "ConstantPad1d": [("2, 0.5", x1), ("(1, 3), 0", u1)],
    "ConstantPad2d": [("2, 0.5", x2), ("(1, 3, 0, -2), 1", u2)],
    "ConstantPad3d": [("2, 0.5", x3), ("(1, 1, 0, 2, 1, 1), 0", u3)],
    "ReflectionPad1d": [("2", x1), ("(1, 3)", u1), ("12", x1)],
    "ReflectionPad2d": [("2", x2), ("(1, 3, 0, 2)", u2), ("10", x2)],
    "ReflectionPad3d": [("2", x3), ("(1, 1, 0, 2, 1, 1)", u3)],
    "ReplicationPad1d": [("2", x1), ("(1, 3)", u1)],
    "ReplicationPad2d": [("2", x2), ("[1, 3, 0, 2]", u2)],
    "ReplicationPad3d": [("2", x3)],
    "ZeroPad1d": [("2", x1), ("(1, 3)", u1)],
    "ZeroPad2d": [("2", x2), ("(1, 3, 0, 2)", u2), ("(-1, 0, -2, 0)", x2)],
    "ZeroPad3d": [("2", x3), ("(1, 1, 0, 2, 1, 1)", u3)],
    "PixelShuffle": [("2", x2), ("2", _r(1, 9, 4, 4)), ("3", _r(2, 3, 9, 4, 4))],
    "PixelUnshuffle": [("2", x2), ("3", x2)],
    "ChannelShuffle": [("2", x2), ("3", x2)],
    "Upsample": [
        ("scale_factor=2", x2), ("size=(20, 30)", x2), ("None, 1.5, 'bilinear', True", x2), ("scale_factor=(2.0, 3.0)", x2),
        ("scale_factor=2, mode='linear'", x1), ("scale_factor=2, mode='trilinear', align_corners=False", x3), ("8", x1), ("scale_factor=2, mode='linear'", x2),
        ("size=7, mode='nearest-exact'", x2), ("scale_factor=0.5, recompute_scale_factor=True", x2),
    ],
    "UpsamplingBilinear2d": [("scale_factor=2", x2), ("(20, 30)", x2)],
    "UpsamplingNearest2d": [("scale_factor=2", x2), ("size=30", x2)],
    "Fold": [("(12, 10), 2, stride=2", _r(2, 12, 30)), ("6, kernel_size=(2, 3), padding=1, dilation=1", _r(1, 6, 42)), ("(4, 5), (2, 2)", _r(2, 12, 11))],
    "Unfold": [("2", x2), ("(2, 3), dilation=2, padding=1, stride=(1, 2)", x2), ("3", u2)],
    "CosineSimilarity": [("", f"{x2}, {x2}"), ("dim=-1, eps=1e-6", f"{x2}, {_r(10)}"), ("0", f"{u1}, {u1}")],
    "PairwiseDistance": [("", f"{x1}, {x1}"), ("1.0, keepdim=True", f"{u1}, {_r(12)}")],
    "Embedding": [
        ("10, 3", _labels(2, 5)), ("10, 3, padding_idx=0", _labels(4)), ("10, 3, -1", _labels(2, 3, 4)), ("10, 3, padding_idx=10", None),
        ("10, 3, padding_idx=-11", None), ("10, 3, dtype=torch.float16", _labels(2)), ("10, 3, _weight=torch.zeros(10, 3)", _labels(2)),
        ("10, 3, _weight=torch.zeros(9, 3)", None), ("10, 3, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, sparse=True", None), ("10, 3", _r(2)),
    ],
    "EmbeddingBag": [
        ("10, 3", _labels(2, 5)), ("10, 3, mode='sum', padding_idx=-1", f"{_labels(6)}, torch.tensor([0, 2])"),
        ("10, 3, include_last_offset=True, mode='max'", f"{_labels(6)}, torch.tensor([0, 2, 6])"), ("10, 3, dtype=torch.float64", None),
    ],
    "RNN": [
        ("10, 20", _r(5, 3, 10)), ("10, 20, 2, 'relu'", _r(5, 3, 10)), ("10, 20, num_layers=2, nonlinearity='relu', bidirectional=True", _r(5, 10)),
        ("10, 20, batch_first=True, bias=False", f"{_r(3, 5, 10)}, {_r(1, 3, 20)}"), ("10, 20, nonlinearity='gelu'", None), ("10, 20, proj_size=3", None),
        ("10, 20", _r(5, 3, 11)),
    ],
    "LSTM": [
        ("10, 20", _r(5, 3, 10)), ("10, 20, 2, batch_first=True, bidirectional=True", _r(3, 5, 10)), ("10, 20, proj_size=7", _r(5, 3, 10)),
        ("10, 20, 3, False, True, 0.1, True, 5", _r(3, 5, 10)), ("10, 20", _r(5, 10)), ("10, 20", f"{_r(5, 3, 10)}, ({_r(1, 3, 20)}, {_r(1, 3, 20)})"),
        ("10, 20", f"{_r(5, 10)}, ({_r(1, 20)}, {_r(1, 20)})"), ("10, 20", f"{_r(5, 3, 10)}, ({_r(1, 4, 20)}, {_r(1, 4, 20)})"), ("10, 20", f"{_r(5, 10)}, ({_r(1, 3, 20)}, {_r(1, 3, 20)})"),
        ("10, 20, dropout=1.5", None), ("10, 20, bias=1", None), ("0, 20", None), ("10, 0", None), ("10, 20, num_layers=0", None), ("10, 20, proj_size=20", None),
        ("10.0, 20", None), ("10, 20, dtype=torch.float16", None), ("10, 20", x2), ("10, 20", _r(5, 3, 9)), ("10, 20, proj_size=-1", None),
    ],
    "GRU": [("10, 20", _r(5, 3, 10)), ("10, 20, 2, True, True, 0.0, True", _r(3, 5, 10)), ("10, 20, bias=False", f"{_r(5, 10)}, {_r(1, 20)}"), ("10, 20, proj_size=3", None)],
    "RNNBase": [("'LSTM', 10, 20", None), ("'GRU', 10, 20, 2, bidirectional=True", None), ("'XYZ', 10, 20", None)],
    "RNNCell": [("10, 20", _r(3, 10)), ("10, 20, False, 'relu'", f"{_r(10)}, {_r(20)}"), ("10, 20, nonlinearity='gelu'", _r(3, 10)), ("10, 20", x1)],
    "LSTMCell": [("10, 20", _r(3, 10)), ("10, 20, bias=False", f"{_r(10)}, ({_r(20)}, {_r(20)})"), ("10, 20", f"{_r(3, 10)}, ({_r(3, 20)}, {_r(3, 20)})"), ("10, 20", x1)],
    "GRUCell": [("10, 20", _r(3, 10)), ("10, 20, dtype=torch.float64", f"{_r(3, 10)}.double(), {_r(3, 20)}.double()"), ("10, 20", _r(10))],
    "RNNCellBase": [("10, 20, True, 3", None), ("10, 20, False, num_chunks=1", None)],
    "MultiheadAttention": [
        ("8, 2", f"{_r(5, 3, 8)}, {_r(6, 3, 8)}, {_r(6, 3, 8)}"), ("8, 2, batch_first=True", f"*[{_r(3, 5, 8)}] * 3"),
        ("8, 2, batch_first=True", f"*[{_r(3, 5, 8)}] * 3, need_weights=False"), ("8, 2, kdim=6, vdim=7", f"{_r(5, 3, 8)}, {_r(6, 3, 6)}, {_r(6, 3, 7)}"),
        ("8, 2, bias=False, add_bias_kv=True, add_zero_attn=True", f"*[{_r(5, 3, 8)}] * 3"), ("8, 2", f"*[{_r(5, 8)}] * 3"),
        ("8, 2, dropout=0.1", f"*[{_r(5, 3, 8)}] * 3, average_attn_weights=False"), ("8, 3", None), ("0, 1", None), ("8, 2, dtype=torch.float64", None),
        ("8, 2, batch_first=True", f"*[{_r(3, 5, 8)}] * 3, key_padding_mask=torch.zeros(3, 5, dtype=torch.bool)"),
        ("8, 2, batch_first=True", f"*[{_r(3, 5, 8)}] * 3, attn_mask=torch.zeros(5, 5), need_weights=False"),
        ("8, 2", f"*[{_r(5, 3, 8)}] * 3, attn_mask=torch.zeros(6, 5, 5)"), ("8, 2", f"*[{_r(5, 3, 8)}] * 3, attn_mask=torch.zeros(4, 5, 5)"),
        ("8, 2, add_bias_kv=True", f"*[{_r(5, 3, 8)}] * 3, key_padding_mask=torch.zeros(3, 5), attn_mask=torch.zeros(5, 5)"),
        ("8, 2", f"{_r(5, 3, 8)}, {_r(6, 3, 8)}, {_r(7, 3, 8)}"), ("8, 2", f"{_r(5, 3, 9)}, {_r(5, 3, 9)}, {_r(5, 3, 9)}"),
        ("8, 2", f"*[{_r(5, 3, 8)}] * 3, attn_mask=torch.zeros(5, 5), is_causal=True, need_weights=False"), ("8, 2", f"*[{_r(5, 3, 8)}] * 3, is_causal=True"),
    ],
    "TransformerEncoderLayer": [
        ("8, 2, 16", _r(5, 3, 8)), ("8, 2, 16, batch_first=True, norm_first=True, activation='gelu'", _r(3, 5, 8)), ("8, 2, 16, bias=False", _r(5, 8)),
        ("8, 2, 16, activation=nn.SiLU()", _r(5, 3, 8)), ("8, 2, 16, activation=nn.GELU(), batch_first=True", f"{_r(3, 5, 8)}, src_key_padding_mask=torch.zeros(3, 5, dtype=torch.bool)"),
        ("8, 2, 16", f"{_r(5, 3, 8)}, torch.zeros(5, 5)"), ("8, 2, activation='selu'", None), ("d_model=8, nhead=2, dim_feedforward=4, dropout=0.0, layer_norm_eps=1e-6", _r(5, 3, 8)),
    ],
    "TransformerDecoderLayer": [
        ("8, 2, 16", f"{_r(5, 3, 8)}, {_r(6, 3, 8)}"), ("8, 2, 16, batch_first=True, norm_first=True, activation=F.gelu", f"{_r(3, 5, 8)}, {_r(3, 6, 8)}"),
        ("8, 2, 16, bias=False", f"{_r(5, 8)}, {_r(6, 8)}, tgt_mask=torch.zeros(5, 5)"),
    ],
    "TransformerEncoder": [
        ("nn.TransformerEncoderLayer(8, 2, 16), 2", _r(5, 3, 8)), ("nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, nn.LayerNorm(8)", _r(3, 5, 8)),
        ("nn.TransformerEncoderLayer(8, 2, 16), 2, enable_nested_tensor=False", f"{_r(5, 3, 8)}, mask=torch.zeros(5, 5)"),
        ("nn.TransformerEncoderLayer(8, 2, 16), 1, mask_check=False", f"{_r(5, 3, 8)}, src_key_padding_mask=torch.zeros(3, 5, dtype=torch.bool)"),
    ],
    "TransformerDecoder": [("nn.TransformerDecoderLayer(8, 2, 16), 2", f"{_r(5, 3, 8)}, {_r(6, 3, 8)}"), ("nn.TransformerDecoderLayer(8, 2, 16), 1, norm=nn.LayerNorm(8)", f"{_r(5, 3, 8)}, {_r(6, 3, 8)}, tgt_mask=nn.Transformer.generate_square_subsequent_mask(5)")],
    "Transformer": [
        ("8, 2, 1, 1, 16", f"{_r(5, 3, 8)}, {_r(6, 3, 8)}"), ("8, 2, 1, 2, 16, batch_first=True, norm_first=True, bias=False", f"{_r(3, 5, 8)}, {_r(3, 6, 8)}"),
        ("8, 2, 1, 1, 16", f"{_r(5, 3, 8)}, {_r(6, 4, 8)}"), ("8, 2, 1, 1, 16", f"{_r(5, 3, 7)}, {_r(6, 3, 7)}"),
    ],
    "AdaptiveLogSoftmaxWithLoss": [
        ("12, 20, [5, 10]", f"{_r(3, 12)}, {_labels(3)}"), ("12, 20, cutoffs=[5, 10, 15], div_value=2.0, head_bias=True", f"{_r(3, 12)}, {_labels(3)}"),
        ("12, 20, []", None), ("12, 20, [10, 5]", None), ("12, 20, [5, 20]", None), ("12, 20, [5]", f"{_r(12)}, {_labels()}".replace("zeros(, ", "zeros((), ")),
    ],
    "L1Loss": [("", f"{x1}, {x1}"), ("reduction='none'", f"{x1}, {x1}"), ("size_average=False", f"{x1}, {x1}"), ("reduce=False", f"{x1}, {x1}")],
    "MSELoss": [("", f"{x1}, {x1}"), ("reduction='sum'", f"{x1}, {x1}"), ("True, True", f"{x1}, {x1}")],
    "SmoothL1Loss": [("", f"{x1}, {x1}"), ("reduction='none', beta=0.5", f"{x1}, {x1}")],
    "HuberLoss": [("", f"{x1}, {x1}"), ("'none', 2.0", f"{x1}, {x1}")],
    "BCELoss": [("", f"{B}(3), {B}(3)"), ("torch.ones(3), reduction='none'", f"{B}(3), {B}(3)")],
    "BCEWithLogitsLoss": [("", f"{_r(3, 4)}, {B}(3, 4)"), ("pos_weight=torch.ones(4), reduction='none'", f"{_r(3, 4)}, {B}(3, 4)")],
    "CrossEntropyLoss": [
        ("", f"{_r(3, 5)}, {_labels(3)}"), ("reduction='none', label_smoothing=0.1", f"{_r(3, 5, 7)}, {_labels(3, 7)}"), ("torch.ones(5), ignore_index=0", f"{_r(3, 5)}, {_labels(3)}"), ("", f"{_r(3, 5)}, {_r(3, 5)}"),
    ],
    "NLLLoss": [("", f"{_r(3, 5)}, {_labels(3)}"), ("torch.ones(5), None, 1, None, 'none'", f"{_r(3, 5)}, {_labels(3)}")],
    "NLLLoss2d": [("", f"{x2}, {_labels(2, 12, 10)}")],
    "PoissonNLLLoss": [("", f"{x1}, {x1}"), ("log_input=False, full=True, eps=1e-6, reduction='none'", f"{x1}, {x1}")],
    "GaussianNLLLoss": [("", f"{u1}, {u1}, {B}(4, 12)"), ("full=True, eps=1e-4, reduction='none'", f"{u1}, {u1}, {B}(4, 12)")],
    "KLDivLoss": [("", f"{x1}, {x1}"), ("reduction='batchmean', log_target=True", f"{x1}, {x1}")],
    "HingeEmbeddingLoss": [("", f"{x1}, {x1}"), ("2.0, reduction='none'", f"{x1}, {x1}")],
    "MultiLabelMarginLoss": [("", f"{_r(3, 5)}, {_labels(3, 5)}"), ("reduction='none'", f"{_r(3, 5)}, {_labels(3, 5)}")],
    "MultiLabelSoftMarginLoss": [("", f"{_r(3, 5)}, {_r(3, 5)}"), ("reduction='none'", f"{_r(3, 5)}, {_r(3, 5)}")],
    "MultiMarginLoss": [("", f"{_r(3, 5)}, {_labels(3)}"), ("2, 0.5, torch.ones(5), reduction='none'", f"{_r(3, 5)}, {_labels(3)}"), ("p=3", None), ("weight=torch.ones(2, 2)", None)],
    "SoftMarginLoss": [("", f"{x1}, {x1}"), ("reduction='none'", f"{x1}, {x1}")],
    "CosineEmbeddingLoss": [("", f"{_r(3, 5)}, {_r(3, 5)}, torch.ones(3)"), ("0.5, reduction='none'", f"{_r(3, 5)}, {_r(3, 5)}, torch.ones(3)")],
    "MarginRankingLoss": [("", f"{_r(3)}, {_r(3)}, torch.ones(3)"), ("0.5, reduction='none'", f"{_r(3)}, {_r(3)}, torch.ones(3)")],
    "TripletMarginLoss": [("", f"{_r(3, 5)}, {_r(3, 5)}, {_r(3, 5)}"), ("2.0, 1.0, swap=True, reduction='none'", f"{_r(3, 5)}, {_r(3, 5)}, {_r(3, 5)}"), ("margin=0", None)],
    "TripletMarginWithDistanceLoss": [("", f"{_r(3, 5)}, {_r(3, 5)}, {_r(3, 5)}"), ("distance_function=nn.CosineSimilarity(), reduction='none'", f"{_r(3, 5)}, {_r(3, 5)}, {_r(3, 5)}"), ("margin=-1", None)],
    "CTCLoss": [("", "torch.randn(50, 2, 20).log_softmax(2), torch.ones(2, 30, dtype=torch.long), torch.full((2,), 50), torch.full((2,), 20)"), ("1, 'none', True", "torch.randn(50, 2, 20).log_softmax(2), torch.ones(2, 30, dtype=torch.long) * 2, torch.full((2,), 50), torch.full((2,), 20)")],
    "LinearCrossEntropyLoss": [
        ("12, 5", f"{_r(3, 12)}, {_labels(3)}"), ("12, 5, bias=True, reduction='none', label_smoothing=0.1", f"{_r(3, 12)}, {_labels(3)}"), ("12, 5, out_features=(2,)", f"{_r(3, 12)}, {_labels(3, 2)}"),
        ("12, 5, label_smoothing=2.0", None), ("12, 5, weight=torch.ones(4)", None),
    ],
    "Container": [("a=nn.Linear(1, 2)", None)],
    "Module": [("", None), ("1", None), ("bogus=1", None)],
    "Sequential": [
        ("nn.Linear(10, 4), nn.ReLU()", x2), ("OrderedDict([('a', nn.Linear(10, 4)), ('b', nn.GELU())])", x2), ("", x2), ("nn.Conv2d(4, 2, 1), nn.Sequential(nn.BatchNorm2d(2))", x2), ("1", None), ("OrderedDict([('a.b', nn.ReLU())])", None),
    ],
    "ModuleList": [("", None), ("[nn.Linear(1, 2), nn.ReLU()]", None), ("nn.Linear(i, 2) for i in range(3)", None), ("[1]", None)],
    "ModuleDict": [("", None), ("{'a': nn.Linear(1, 2), 'b': nn.ReLU()}", None), ("[('x', nn.ReLU()), ('y', nn.Tanh())]", None), ("{'type': nn.ReLU()}", None), ("{'a.b': nn.ReLU()}", None)],
    "ParameterList": [("", None), ("[nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3, 4))]", None), ("[torch.zeros(2)]", None)],
    "ParameterDict": [("", None), ("{'b': nn.Parameter(torch.zeros(2)), 'a': torch.zeros(3)}", None), ("OrderedDict([('z', torch.zeros(2)), ('c', torch.zeros(1))])", None)],
})  # fmt: skip

# Classes of torch.nn without a module to build.
NO_MODULE = frozenset({"LinearCrossEntropyOptions"})
