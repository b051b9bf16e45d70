"""examples/tiny_decoder.py after docs/tutorial.md: the same numbers from the same weights, ready for the ANE."""

import torch
import torch.nn.functional as F
from torch import nn

from examples.tiny_decoder import Config, rotary_table, rotate_half


class Attention(nn.Module):
    """Causal self-attention over the cached keys and values and the new ones."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.head_dim
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    # --8<-- [start:attention]
    def forward(self, x, cos, sin, mask, cache):
        batch, length, width = x.shape
        # The channels-first layout was measured equal here, and the heads are few: both stay as they are.
        qkv = self.qkv(x)  # ane: ignore[ANE403]
        q, k, v = qkv.view(batch, length, 3, self.heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q = (q * cos + rotate_half(q) * sin) * self.head_dim**-0.5
        k = k * cos + rotate_half(k) * sin
        keys = torch.cat([cache[0], k], dim=2)
        values = torch.cat([cache[1], v], dim=2)
        scores = q @ keys.transpose(-2, -1)  # ane: ignore[ANE412]
        weights = F.softmax(scores + mask, dim=-1)
        # --8<-- [end:attention]
        mixed = (weights @ values).transpose(1, 2).reshape(batch, length, width)
        return self.out(mixed), (keys, values)


class Block(nn.Module):
    """Attention and a gated feed-forward layer, each behind a norm and beside a residual."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        # --8<-- [start:norm]
        self.norm1, self.norm2 = nn.RMSNorm(config.width, eps=1e-6), nn.RMSNorm(config.width, eps=1e-6)
        # --8<-- [end:norm]
        self.attention = Attention(config)
        self.gate = nn.Linear(config.width, config.hidden, bias=False)
        self.up = nn.Linear(config.width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x, cos, sin, mask, cache):
        # No row is all zeros: the application sends no padding.
        attended, cache = self.attention(self.norm1(x), cos, sin, mask, cache)  # ane: ignore[ANE510]
        x = x + attended
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), cache


class TinyDecoder(nn.Module):
    """Embedded tokens (1, L, width) and a cache of P positions in; the last token's scores and the grown cache out."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, eps=1e-6)
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        cos, sin = rotary_table(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    # --8<-- [start:forward]
    def forward(self, x, keys, values):
        past, length = keys.shape[3], x.shape[1]
        cos, sin = self.cos[past : past + length], self.sin[past : past + length]
        mask = torch.full((length, past + length), -1e4).triu(past + 1)
        new_keys, new_values = [], []
        for index, block in enumerate(self.blocks):
            x, (k, v) = block(x, cos, sin, mask, (keys[index], values[index]))
            new_keys.append(k)
            new_values.append(v)
        return self.head(self.norm(x[:, -1])), torch.stack(new_keys), torch.stack(new_values)

    # --8<-- [end:forward]


if __name__ == "__main__":
    config = Config()
    model = TinyDecoder(config).eval()
    cache = torch.randn(config.layers, 1, config.heads, 32, config.head_dim)
    with torch.no_grad():
        # The application looks tokens up and takes the best score; both are a line there.
        scores, keys, values = model(torch.randn(1, 16, config.width), cache, cache)
    print(scores.argmax(-1).tolist(), tuple(keys.shape), tuple(values.shape))
