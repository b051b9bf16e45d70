"""Source of small random models: layers, branches, loops, inheritance, containers, functional calls, slices, in-place ops.

Every statement is on a line of its own, so that a line and an operation name one call expression. Programs keep to shapes
that are valid by construction: the generator follows rank and channels, the source asks tensors for the rest.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

HEADER = """\
import math
from collections import OrderedDict
from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F
"""


@dataclass
class Writer:
    """The text of one module file as it grows."""

    rng: random.Random
    classes: list[str] = field(default_factory=list)
    count: int = 0

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"


@dataclass
class Body:
    """A class being written: constructor lines, forward lines, channels of ``x`` and its kind (image or tokens)."""

    writer: Writer
    channels: int
    init: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    indent: str = " " * 8

    @property
    def rng(self) -> random.Random:
        return self.writer.rng

    def put(self, line: str) -> None:
        self.run.append(self.indent + line)

    def layer(self, expression: str) -> str:
        name = self.writer.name("layer")
        self.init.append(f"        self.{name} = {expression}")
        return f"self.{name}"


def random_source(seed: int) -> tuple[str, str]:
    """A model file and the call that runs it: ``(source, entry script lines)``. The same seed gives the same text."""
    writer = Writer(random.Random(seed))
    channels = writer.rng.choice([4, 8, 12])
    image = writer.rng.random() < 0.6
    root = _image_class(writer, channels, 3) if image else _token_class(writer, channels, 3)
    rng = writer.rng
    shape = (
        (rng.choice([1, 2]), channels, rng.choice([8, 9, 16]), rng.choice([8, 12, 16]))
        if image
        else (rng.choice([1, 2]), rng.choice([5, 8]), channels)
    )
    script = [
        f"model = {root}({channels})",
        "model.eval()",
        f"model(torch.zeros({', '.join(map(str, shape))}))",
    ]
    return HEADER + "\n\n" + "\n\n\n".join(writer.classes) + "\n", "\n".join(script)


def _class(body: Body, name: str, base: str, result: str) -> None:
    init = body.init or ["        pass"]
    inherited = "" if base == "nn.Module" else "x = super().forward(x)\n        "
    prefix = [f"        {inherited}".rstrip()] if inherited else []
    own = f"dim={body.channels}" if body.rng.random() < 0.3 else "dim"
    call = "super().__init__()" if base == "nn.Module" else "super().__init__(dim)"
    lines = [
        f"class {name}({base}):",
        f"    def __init__(self, {own}, scale=2, *, flag={body.rng.random() < 0.5}):",
        f"        {call}",
        "        self.scale = scale",
        "        self.flag = flag",
        *init,
        "",
        "    def forward(self, x):",
        *prefix,
        *body.run,
        f"        return {result}",
    ]
    body.writer.classes.append("\n".join(lines))


# -- pictures: x is (B, C, H, W), and keeps its channels and size from statement to statement ------------------------------


def _image_class(writer: Writer, channels: int, depth: int) -> str:
    body = Body(writer, channels)
    for _ in range(writer.rng.randint(2, 6)):
        writer.rng.choice(_IMAGE)(body, depth)
    name = writer.name("Image")
    base = "nn.Module"
    if depth > 1 and writer.rng.random() < 0.25:
        base = _image_class(writer, channels, 1)
    _class(body, name, base, "x")
    return name


def _conv(body: Body, depth: int) -> None:
    kernel = body.rng.choice([1, 3, 5])
    groups = body.rng.choice(["1", "dim", "2"])
    bias = body.rng.choice(["True", "False"])
    layer = body.layer(f"nn.Conv2d(dim, dim, {kernel}, padding={kernel // 2}, groups={groups}, bias={bias})")
    body.put(f"x = {layer}(x)")


def _conv_functional(body: Body, depth: int) -> None:
    name = body.writer.name("weight")
    body.init.append(f"        self.{name} = nn.Parameter(torch.zeros(dim, dim, 3, 3))")
    body.put(f"x = F.conv2d(x, self.{name}, None, padding='same')")


def _norm(body: Body, depth: int) -> None:
    layer = body.layer(body.rng.choice(["nn.BatchNorm2d(dim)", "nn.GroupNorm(2, dim)", "nn.InstanceNorm2d(dim)"]))
    activation = body.rng.choice(
        ["F.relu(x)", "x.sigmoid()", "torch.tanh(x)", "F.gelu(x)", "F.hardswish(x)", "x.relu_()"]
    )
    body.put(f"x = {layer}(x)")
    body.put(f"x = {activation}")


def _resample(body: Body, depth: int) -> None:
    body.put("size = x.shape[-2:]")
    pool = body.rng.choice(
        ["F.max_pool2d(x, 2)", "F.avg_pool2d(x, 3, stride=2, padding=1)", "F.adaptive_avg_pool2d(x, (4, 4))",
         "x[..., ::2, 1::2]", "F.max_pool2d(x, 3, 2, ceil_mode=True)", "x[:, :, :-1, 2:]"]
    )  # fmt: skip
    body.put(f"y = {pool}")
    body.put(
        body.rng.choice(["x = F.interpolate(y, size=size)", "x = F.interpolate(y, size=tuple(size), mode='bilinear')"])
    )


def _residual(body: Body, depth: int) -> None:
    body.put("skip = x")
    _IMAGE[body.rng.randrange(3)](body, depth)
    body.put(
        body.rng.choice(["x = x + skip", "x += skip", "x = torch.add(x, skip)", "x = x.add_(skip)", "x = skip - x"])
    )


def _squeeze_excite(body: Body, depth: int) -> None:
    layer = body.layer("nn.Linear(dim, dim)")
    body.put(body.rng.choice(["w = x.mean((2, 3))", "w = x.mean(dim=[-2, -1])", "w = x.amax((2, 3))"]))
    body.put(f"w = {layer}(w)")
    body.put(
        body.rng.choice(["w = w[:, :, None, None]", "w = w.unsqueeze(-1).unsqueeze(-1)", "w = w.view(*w.shape, 1, 1)"])
    )
    body.put("x = x * w.sigmoid()")


def _split(body: Body, depth: int) -> None:
    body.put(body.rng.choice(["parts = x.chunk(2, dim=1)", "parts = torch.split(x, x.shape[1] // 2, dim=1)"]))
    body.put("parts = [p * (i + 1) for i, p in enumerate(parts)]")
    body.put(body.rng.choice(["x = torch.cat(parts, dim=1)", "x = torch.cat(parts[::-1], 1)"]))


def _shuffle(body: Body, depth: int) -> None:
    body.put("b, c, h, w = x.shape")
    body.put("x = x.view(b, 2, c // 2, h, w)")
    body.put("x = x.transpose(1, 2)")
    body.put(
        body.rng.choice(["x = x.reshape(b, c, h, w)", "x = x.contiguous().view(b, -1, h, w)", "x = x.flatten(1, 2)"])
    )


def _stack(body: Body, depth: int) -> None:
    inner = _child(body, depth, "nn.Conv2d(dim, dim, 3, padding=1)")
    kind = body.rng.randrange(4)
    if kind == 0:
        layer = body.layer(f"nn.Sequential({inner}, nn.ReLU(inplace=True), nn.Dropout(0.1))")
        body.put(f"x = {layer}(x)")
    elif kind == 1:
        layer = body.layer(f"nn.Sequential(OrderedDict([('first', {inner}), ('act', nn.SiLU())]))")
        body.put(f"x = {layer}(x)")
        body.put(f"x = {layer}.act(x)")
    elif kind == 2:
        layer = body.layer(f"nn.ModuleList([{inner} for _ in range({body.rng.randint(1, 3)})])")
        body.put(f"for i, block in enumerate({layer}):")
        body.put("    x = block(x) if i % 2 == 0 else x + block(x)")
    else:
        layer = body.layer(f"nn.ModuleDict({{'left': {inner}, 'right': nn.Identity()}})")
        body.put(f"for key, block in {layer}.items():")
        body.put("    x = block(x)")


def _child(body: Body, depth: int, otherwise: str) -> str:
    if depth <= 1 or body.rng.random() < 0.3:
        return otherwise
    make = _image_class if "Conv" in otherwise else _token_class
    made = make(body.writer, body.channels, depth - 1)
    return body.rng.choice([f"{made}(dim)", f"{made}(dim, scale=3)", f"partial({made}, flag=False)(dim)"])


def _branch(body: Body, depth: int) -> None:
    body.put(
        body.rng.choice(
            [
                "if self.flag:",
                "if x.shape[-1] > 8:",
                "if self.scale == 2 and not self.training:",
                "if x.dim() == 4 or False:",
            ]
        )
    )
    body.indent += "    "
    body.rng.choice(_SIMPLE)(body)
    body.indent = body.indent[:-4]
    if body.rng.random() < 0.7:
        body.put("else:")
        body.indent += "    "
        body.rng.choice(_SIMPLE)(body)
        body.indent = body.indent[:-4]


def _loop(body: Body, depth: int) -> None:
    kind = body.rng.randrange(3)
    if kind == 0:
        body.put(f"for i in range({body.rng.randint(0, 3)}):")
    elif kind == 1:
        body.put("for i, part in zip(range(self.scale), (0.5, 2, 1)):")
    else:
        body.put("i = 0")
        body.put("while i < self.scale:")
        body.put("    i += 1")
    body.indent += "    "
    body.rng.choice(_SIMPLE)(body)
    if body.rng.random() < 0.3:
        body.put(body.rng.choice(["if i == 1: break", "if i % 2: continue"]))
        body.rng.choice(_SIMPLE)(body)
    body.indent = body.indent[:-4]


_SIMPLE = [
    lambda body: body.put("x = x * self.scale"),
    lambda body: body.put("x = -x"),
    lambda body: body.put("x = x.clamp(min=-1.0, max=1.0)"),
    lambda body: body.put("x = F.relu(x, inplace=True)"),
    lambda body: body.put("x = torch.where(x > 0, x, torch.zeros_like(x))"),
    lambda body: body.put("x = x.transpose(-1, -2).contiguous().transpose(-2, -1)"),
    lambda body: body.put("x = x.softmax(-1)"),
    lambda body: body.put("x = x / math.sqrt(x.shape[-1])"),
    lambda body: body.put("x = torch.stack([x, x], 0).sum(0)"),
    lambda body: body.put("x = x.flip(-1)"),
    lambda body: body.put("x = torch.roll(x, 1, dims=-1)"),
    lambda body: body.put("x = x.masked_fill(x.isnan(), 0.0)"),
    lambda body: body.put("x = x.to(torch.float16).float()"),
    lambda body: body.put("x = (x ** 2).mean(1, keepdim=True) + x"),
    lambda body: body.put("x = F.pad(x, (1, 1))[..., 1:-1]"),
    lambda body: body.put("x = x.expand(x.shape[0], *x.shape[1:])"),
    lambda body: body.put("x = torch.cat([x[:, :1], x[:, 1:]], dim=1)"),
    lambda body: body.put("x = sum([x, x * 2, 1])"),
    lambda body: body.put("x = x.sub(x.min(), alpha=2)"),
]


def _in_place(body: Body, depth: int) -> None:
    body.put("x = x.clone()")
    body.put(
        body.rng.choice(["x[:, 0] = 0", "x[..., 1:] *= 2", "x[0] = x[-1]", "x.mul_(2).add_(1)", "x[:, ::2] += 1.5"])
    )


def _tokens_inside(body: Body, depth: int) -> None:
    layer = body.layer(_child(body, depth, "nn.Linear(dim, dim)") if depth > 1 else "nn.LayerNorm(dim)")
    body.put("height, width = x.size(2), x.size(3)")
    body.put(body.rng.choice(["t = x.flatten(2).transpose(1, 2)", "t = x.permute(0, 2, 3, 1).flatten(1, 2)"]))
    body.put(f"t = {layer}(t)")
    body.put(body.rng.choice(["x = t.transpose(1, 2).reshape(-1, t.shape[-1], height, width)",
                              "x = t.mT.unflatten(-1, (height, width))"]))  # fmt: skip


def _helper(body: Body, depth: int) -> None:
    name = body.writer.name("helper")
    kind = body.rng.randrange(3)
    if kind == 0:
        body.writer.classes.append(
            f"def {name}(x, factor=1.0, **rest):\n    x = x * factor\n    return x, rest.get('extra', 2)"
        )
        body.put(f"x, extra = {name}(x, extra=self.scale)")
        body.put("x = x + extra")
    elif kind == 1:
        body.writer.classes.append(
            f"def {name}(x, *shifts):\n    for shift in shifts:\n        x = x + shift\n    return x"
        )
        body.put(f"x = {name}(x, *[1, 2], self.scale)")
    else:
        body.writer.classes.append(
            f"def {name}(x):\n    def inner(y, k):\n        return y * k\n    return [inner(x, k) for k in (1, 2)]"
        )
        body.put(f"first, second = {name}(x)")
        body.put("x = first.maximum(second)")


_IMAGE = [
    _conv, _conv_functional, _norm, _resample, _residual, _squeeze_excite, _split, _shuffle, _stack, _branch, _loop, _in_place,
    _tokens_inside, _helper,
]  # fmt: skip


# -- tokens: x is (B, L, C) -------------------------------------------------------------------------------------------------


def _token_class(writer: Writer, channels: int, depth: int) -> str:
    body = Body(writer, channels)
    for _ in range(writer.rng.randint(2, 5)):
        writer.rng.choice(_TOKENS)(body, depth)
    name = writer.name("Tokens")
    base = "nn.Module"
    if depth > 1 and writer.rng.random() < 0.25:
        base = _token_class(writer, channels, 1)
    _class(body, name, base, "x")
    return name


def _mlp(body: Body, depth: int) -> None:
    first = body.layer("nn.Linear(dim, dim * 4)")
    second = body.layer("nn.Linear(dim * 4, dim, bias=False)")
    body.put(f"x = {second}(F.{body.rng.choice(['gelu', 'relu', 'silu'])}({first}(x)))")


def _token_norm(body: Body, depth: int) -> None:
    layer = body.layer(
        body.rng.choice(["nn.LayerNorm(dim)", "nn.RMSNorm(dim)", "partial(nn.LayerNorm, eps=1e-6)(dim)"])
    )
    body.put(f"x = x + {layer}(x)")


def _attention(body: Body, depth: int) -> None:
    qkv = body.layer("nn.Linear(dim, dim * 3)")
    heads = body.rng.choice([1, 2, 4])
    body.put("B, N, C = x.shape")
    body.put(f"qkv = {qkv}(x).reshape(B, N, 3, {heads}, C // {heads}).permute(2, 0, 3, 1, 4)")
    body.put(body.rng.choice(["q, k, v = qkv.unbind(0)", "q, k, v = qkv[0], qkv[1], qkv[2]"]))
    if body.rng.random() < 0.5:
        body.put("x = F.scaled_dot_product_attention(q, k, v)")
    else:
        body.put(f"attn = (q * (C // {heads}) ** -0.5) @ k.transpose(-2, -1)")
        if body.rng.random() < 0.5:
            body.put("mask = torch.triu(torch.ones(N, N, dtype=torch.bool), 1)")
            body.put("attn = attn.masked_fill(mask, float('-inf'))")
        body.put("attn = attn.softmax(dim=-1)")
        body.put(
            body.rng.choice(
                ["x = attn @ v", "x = torch.matmul(attn, v)", "x = torch.einsum('bhij,bhjd->bhid', attn, v)"]
            )
        )
    body.put("x = x.transpose(1, 2).reshape(B, N, C)")


def _torch_attention(body: Body, depth: int) -> None:
    layer = body.layer("nn.MultiheadAttention(dim, 2, batch_first=True)")
    body.put(f"x, _ = {layer}(x, x, x, need_weights={body.rng.choice(['True', 'False'])})")


def _positions(body: Body, depth: int) -> None:
    name = body.writer.name("position")
    if body.rng.random() < 0.5:
        body.init.append(f"        self.register_buffer('{name}', torch.arange(512).float()[None, :, None])")
        body.put(f"x = x + self.{name}[:, : x.size(1)]")
    else:
        layer = body.layer("nn.Embedding(512, dim)")
        body.put(f"x = x + {layer}(torch.arange(x.shape[1]))")


def _class_token(body: Body, depth: int) -> None:
    name = body.writer.name("token")
    body.init.append(f"        self.{name} = nn.Parameter(torch.randn(1, 1, dim))")
    body.put(f"x = torch.cat([self.{name}.expand(x.size(0), -1, -1), x], dim=1)")
    body.put("x = x[:, 1:]")


def _recurrent(body: Body, depth: int) -> None:
    layer = body.layer(f"nn.{body.rng.choice(['LSTM', 'GRU'])}(dim, dim, batch_first=True)")
    body.put(f"x, state = {layer}(x)")


def _convolve_tokens(body: Body, depth: int) -> None:
    layer = body.layer("nn.Conv1d(dim, dim, 3, padding=1)")
    body.put(f"x = {layer}(x.transpose(1, 2)).mT")


def _gather(body: Body, depth: int) -> None:
    body.put("index = torch.arange(x.shape[1] - 1, -1, -1)")
    body.put(body.rng.choice(["x = x[:, index]", "x = x.index_select(1, index)", "x = x + x[:, index, :].cumsum(1)"]))


def _blocks(body: Body, depth: int) -> None:
    inner = _child(body, depth, "nn.Linear(dim, dim)")
    layer = body.layer(f"nn.Sequential(*[{inner} for _ in range({body.rng.randint(1, 3)})])")
    if body.rng.random() < 0.5:
        body.put(f"x = {layer}(x)")
    else:
        body.put(f"for block in {layer}:")
        body.put("    x = x + block(x)")


_TOKENS = [
    _mlp, _token_norm, _attention, _torch_attention, _positions, _class_token, _recurrent, _convolve_tokens, _gather,
    _blocks, _branch, _loop, _in_place, _helper,
]  # fmt: skip
