"""A small decoder-only language model with rotary positions, a key/value cache and greedy choice of the next token.

    ane-lsp check examples/tiny_decoder.py

Expected findings (targets M4 and A17 Pro, the default):

- ANE250, warning: the mask's -1e9 does not fit into fp16 and keeps the addition in fp32, off the ANE; -1e4 does the same job.
- ANE203, warning: argmax gives an index, an int32 tensor, and runs on the CPU; return the logits instead.
- ANE208, information: the embedding is looked up on the CPU, which is cheap at the start of a model.
- ANE501, information: RMSNorm, written out, squares activations in fp16; above 255 they overflow.
- ANE403, hint: linear layers on (batch, sequence, channels), where Apple's own models use another layout.
- ANE412, hint: attention computes all heads in one product.
- ANE508, hint: scores are scaled after the product instead of before it.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    """Sizes of the model."""

    vocab_size: int = 4096
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 768
    context: int = 128
    theta: float = 10000.0

    @property
    def head_dim(self) -> int:
        return self.width // self.heads


class RMSNorm(nn.Module):
    """Divide by the root mean square of the channels."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


def rotary_table(config: Config) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of every position, (context, head_dim) each."""
    steps = torch.arange(0, config.head_dim, 2).float() / config.head_dim
    angles = torch.outer(torch.arange(config.context).float(), 1.0 / config.theta**steps)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate_half(x: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat([-second, first], dim=-1)


class Attention(nn.Module):
    """Causal self-attention over the cached keys and values and the new ones."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.head_dim
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, mask: torch.Tensor, cache: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q = q * cos + rotate_half(q) * sin
        k = k * cos + rotate_half(k) * sin
        keys = torch.cat([cache[0], k], dim=2)
        values = torch.cat([cache[1], v], dim=2)
        scores = q @ keys.transpose(-2, -1) / math.sqrt(self.head_dim)
        weights = F.softmax(scores + mask, dim=-1)
        mixed = (weights @ values).transpose(1, 2).reshape(batch, length, width)
        return self.out(mixed), (keys, values)


class Block(nn.Module):
    """Attention and a gated feed-forward layer, each behind a norm and beside a residual."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(config.width), RMSNorm(config.width)
        self.attention = Attention(config)
        self.gate = nn.Linear(config.width, config.hidden, bias=False)
        self.up = nn.Linear(config.width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x, cos, sin, mask, cache):
        attended, cache = self.attention(self.norm1(x), cos, sin, mask, cache)
        x = x + attended
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), cache


class TinyDecoder(nn.Module):
    """Tokens (1, L) int64 and a cache of P positions in; the next token and the grown cache out."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width)
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        cos, sin = rotary_table(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens, keys, values):
        past, length = keys.shape[3], tokens.shape[1]
        cos, sin = self.cos[past : past + length], self.sin[past : past + length]
        mask = torch.full((length, past + length), -1e9).triu(past + 1)
        x = self.embed(tokens)
        new_keys, new_values = [], []
        for index, block in enumerate(self.blocks):
            x, (k, v) = block(x, cos, sin, mask, (keys[index], values[index]))
            new_keys.append(k)
            new_values.append(v)
        logits = self.head(self.norm(x[:, -1]))
        return logits.argmax(dim=-1), torch.stack(new_keys), torch.stack(new_values)


if __name__ == "__main__":
    config = Config()
    model = TinyDecoder(config).eval()
    cache_shape = (config.layers, 1, config.heads, 32, config.head_dim)
    with torch.no_grad():
        token, keys, values = model(torch.zeros(1, 16, dtype=torch.int64), torch.zeros(cache_shape), torch.zeros(cache_shape))
    print(tuple(token.shape), tuple(keys.shape), tuple(values.shape))
