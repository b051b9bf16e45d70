import torch
import torch.nn.functional as F
from torch import nn


class Twice(nn.Sequential):
    def __init__(self, inp, out):
        super().__init__(
            nn.Conv2d(inp, out, 3, padding=1), nn.GroupNorm(4, out), nn.SiLU(),
            nn.Conv2d(out, out, 3, padding=1), nn.GroupNorm(4, out), nn.SiLU(),
        )


class Up(nn.Module):
    def __init__(self, inp, out, learned):
        super().__init__()
        self.up = nn.ConvTranspose2d(inp, inp // 2, 2, stride=2) if learned else nn.Upsample(scale_factor=2)
        self.twice = Twice((inp // 2 if learned else inp) + out, out)

    def forward(self, x, skip):
        x = self.up(x)
        dy, dx = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.twice(torch.cat([skip, x], dim=1))


class UNet(nn.Module):
    def __init__(self, widths=(8, 16, 32), learned=True):
        super().__init__()
        self.enter = Twice(3, widths[0])
        self.down = nn.ModuleList(Twice(a, b) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList([Up(b, a, learned) for a, b in reversed(list(zip(widths, widths[1:])))])
        self.leave = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        skips = [self.enter(x)]
        for block in self.down:
            skips.append(block(F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for block in self.up:
            x = block(x, skips.pop())
        return {"logits": self.leave(x), "mask": self.leave(x).argmax(1)}


if __name__ == "__main__":
    for learned in (True, False):
        UNet(learned=learned).eval()(torch.zeros(1, 3, 37, 50))
