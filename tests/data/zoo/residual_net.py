from functools import partial

import torch
from torch import nn

ARCHITECTURES = {"tiny": dict(depths=(1, 2), widths=(8, 16)), "small": dict(depths=(2, 2, 1), widths=(8, 16, 32))}


def conv(inp, out, kernel=3, stride=1):
    return nn.Conv2d(inp, out, kernel, stride, kernel // 2, bias=False)


class Residual(nn.Module):
    expansion = 1

    def __init__(self, inp, out, stride=1, norm=nn.BatchNorm2d, act=partial(nn.ReLU, inplace=True)):
        super().__init__()
        self.conv1 = conv(inp, out, stride=stride)
        self.bn1 = norm(out)
        self.conv2 = conv(out, out * self.expansion)
        self.bn2 = norm(out * self.expansion)
        self.act = act()
        self.shortcut = None
        if stride != 1 or inp != out * self.expansion:
            self.shortcut = nn.Sequential(conv(inp, out * self.expansion, 1, stride), norm(out * self.expansion))

    def forward(self, x):
        identity = x if self.shortcut is None else self.shortcut(x)
        x = self.act(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        x += identity
        return self.act(x)


class Wide(Residual):
    expansion = 2


class Net(nn.Module):
    def __init__(self, block, depths, widths, classes=10):
        super().__init__()
        self.stem = nn.Sequential(conv(3, widths[0], 7, 2), nn.MaxPool2d(3, 2, 1))
        inp = widths[0]
        for i, (depth, width) in enumerate(zip(depths, widths)):
            blocks = []
            for j in range(depth):
                blocks.append(block(inp, width, stride=2 if i and not j else 1))
                inp = width * block.expansion
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.stages = len(depths)
        self.head = nn.Linear(inp, classes)

    def forward(self, x):
        x = self.stem(x)
        for i in range(self.stages):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.head(x.mean((2, 3)))


def build(name, block=Residual, **changes):
    return Net(block, **{**ARCHITECTURES[name], **changes})


if __name__ == "__main__":
    build("small").eval()(torch.randn(2, 3, 64, 64))
    build("tiny", Wide, classes=4).eval()(torch.randn(1, 3, 50, 70))
