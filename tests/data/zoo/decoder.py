import math
from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class Config:
    vocabulary: int = 50
    width: int = 32
    depth: int = 2
    heads: int = 4
    kv_heads: Optional[int] = 2
    context: int = 64

    def __post_init__(self):
        if self.kv_heads is None:
            self.kv_heads = self.heads

    @property
    def head_width(self) -> int:
        return self.width // self.heads


class RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return (x.float() * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + self.eps)).type_as(x) * self.weight


def rotations(width: int, length: int, theta: float = 10000.0):
    steps = 1.0 / theta ** (torch.arange(0, width, 2)[: width // 2].float() / width)
    angles = torch.outer(torch.arange(length), steps)
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


def rotate(x: Tensor, table: Tensor) -> Tensor:
    pairs = x.float().reshape(*x.shape[:-1], -1, 2)
    table = table.view(1, pairs.size(1), 1, pairs.size(3), 2)
    turned = torch.stack(
        [pairs[..., 0] * table[..., 0] - pairs[..., 1] * table[..., 1],
         pairs[..., 1] * table[..., 0] + pairs[..., 0] * table[..., 1]], -1,
    )
    return turned.flatten(3).type_as(x)


class Attention(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        total = (config.heads + 2 * config.kv_heads) * config.head_width
        self.wqkv = nn.Linear(config.width, total, bias=False)
        self.wo = nn.Linear(config.width, config.width, bias=False)
        self.register_buffer("mask", torch.full((config.context, config.context), -math.inf).triu(1), persistent=False)

    def forward(self, x, table):
        b, n, _ = x.shape
        c = self.config
        sizes = [c.heads * c.head_width, c.kv_heads * c.head_width, c.kv_heads * c.head_width]
        q, k, v = self.wqkv(x).split(sizes, dim=-1)
        q, k, v = (t.view(b, n, -1, c.head_width) for t in (q, k, v))
        q, k = rotate(q, table), rotate(k, table)
        q, k, v = map(lambda t: t.transpose(1, 2), (q, k, v))
        k = k.repeat_interleave(c.heads // c.kv_heads, dim=1)
        v = v.repeat_interleave(c.heads // c.kv_heads, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(c.head_width) + self.mask[:n, :n]
        return self.wo((F.softmax(scores.float(), dim=-1).type_as(q) @ v).transpose(1, 2).contiguous().view(b, n, -1))


class Block(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.attention, self.norms = Attention(config), nn.ModuleList([RMSNorm(config.width), RMSNorm(config.width)])
        hidden = 8 * ((2 * 4 * config.width // 3 + 7) // 8)
        self.w1, self.w2, self.w3 = (nn.Linear(*s, bias=False) for s in [(config.width, hidden), (hidden, config.width),
                                                                         (config.width, hidden)])

    def forward(self, x, table):
        h = x + self.attention(self.norms[0](x), table)
        y = self.norms[1](h)
        return h + self.w2(F.silu(self.w1(y)) * self.w3(y))


class Decoder(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleDict({str(i): Block(config) for i in range(config.depth)})
        self.norm = RMSNorm(config.width)
        self.output = nn.Linear(config.width, config.vocabulary, bias=False)
        self.output.weight = self.tokens.weight
        self.register_buffer("table", rotations(config.head_width, config.context))

    def forward(self, idx: Tensor, targets: Optional[Tensor] = None):
        x = self.tokens(idx)
        for layer in self.layers.values():
            x = layer(x, self.table[: idx.shape[1]])
        logits = self.output(self.norm(x))
        if targets is None:
            return logits[:, [-1], :], None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)


if __name__ == "__main__":
    model = Decoder(Config()).eval()
    model(torch.zeros(2, 9, dtype=torch.long))
    ids = torch.zeros(1, 12, dtype=torch.int64)
    Decoder(Config(kv_heads=None, depth=1)).eval()(ids, targets=ids)
