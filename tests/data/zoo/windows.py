import itertools

import torch
from torch import nn


def window_partition(x, size):
    b, h, w, c = x.shape
    x = x.view(b, h // size, size, w // size, size, c)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, size, size, c)


def window_reverse(windows, size, h, w):
    b = int(windows.shape[0] / (h * w / size / size))
    x = windows.view(b, h // size, w // size, size, size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, -1)


class WindowAttention(nn.Module):
    def __init__(self, dim, size, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        points = list(itertools.product(range(size), range(size)))
        offsets, index = {}, []
        for p in points:
            for q in points:
                offset = (abs(p[0] - q[0]), abs(p[1] - q[1]))
                index.append(offsets.setdefault(offset, len(offsets)))
        self.bias = nn.Parameter(torch.zeros(heads, len(offsets)))
        self.register_buffer("index", torch.LongTensor(index).view(len(points), len(points)))
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask=None):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        attn = (q * self.scale) @ k.transpose(-2, -1) + self.bias[:, self.index]
        if mask is not None:
            count = mask.shape[0]
            attn = attn.view(b // count, count, self.heads, n, n) + mask.unsqueeze(1).unsqueeze(0)
            attn = attn.view(-1, self.heads, n, n)
        return self.proj((attn.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))


class Block(nn.Module):
    def __init__(self, dim, resolution, size=4, shift=0):
        super().__init__()
        self.size, self.shift = size, shift
        self.norm = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, size, 2)
        mask = None
        if shift:
            h, w = resolution
            regions = torch.zeros((1, h, w, 1))
            count = 0
            for rows in (slice(0, -size), slice(-size, -shift), slice(-shift, None)):
                for columns in (slice(0, -size), slice(-size, -shift), slice(-shift, None)):
                    regions[:, rows, columns, :] = count
                    count += 1
            flat = window_partition(regions, size).view(-1, size * size)
            mask = flat.unsqueeze(1) - flat.unsqueeze(2)
            mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)
        self.register_buffer("mask", mask)

    def forward(self, x):
        b, h, w, c = x.shape
        skip = x
        x = self.norm(x)
        if self.shift > 0:
            x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        windows = self.attn(window_partition(x, self.size).view(-1, self.size**2, c), mask=self.mask)
        x = window_reverse(windows.view(-1, self.size, self.size, c), self.size, h, w)
        if self.shift > 0:
            x = torch.roll(x, shifts=(self.shift, self.shift), dims=(1, 2))
        return skip + x


class Merge(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.reduce = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x):
        return self.reduce(torch.cat([x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)], -1))


if __name__ == "__main__":
    stages = [nn.Conv2d(3, 8, 4, 4)]
    model = nn.Sequential(Block(8, (16, 16)), Block(8, (16, 16), shift=2), Merge(8), Block(16, (8, 8), shift=1)).eval()
    model(torch.zeros(1, 16, 16, 8))
