import torch
from torch import nn


def divisible(value, divisor=8, minimum=None):
    new = max(minimum or divisor, int(value + divisor / 2) // divisor * divisor)
    return new + divisor if new < 0.9 * value else new


class ConvNormAct(nn.Sequential):
    def __init__(self, inp, out, kernel=3, stride=1, groups=1, act=nn.Hardswish):
        layers = [nn.Conv2d(inp, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False), nn.BatchNorm2d(out)]
        if act is not None:
            layers.append(act())
        super().__init__(*layers)
        self.out_channels = out


class Squeeze(nn.Module):
    def __init__(self, width, ratio=4):
        super().__init__()
        self.fc1 = nn.Conv2d(width, divisible(width // ratio), 1)
        self.fc2 = nn.Conv2d(self.fc1.out_channels, width, 1)

    def forward(self, x):
        scale = torch.nn.functional.adaptive_avg_pool2d(x, 1)
        return x * torch.nn.functional.hardsigmoid(self.fc2(self.fc1(scale).relu()))


class Inverted(nn.Module):
    def __init__(self, inp, out, kernel, stride, expand, squeeze):
        super().__init__()
        hidden = divisible(inp * expand)
        parts = [] if hidden == inp else [ConvNormAct(inp, hidden, 1)]
        parts += [ConvNormAct(hidden, hidden, kernel, stride, groups=hidden)]
        if squeeze:
            parts.append(Squeeze(hidden))
        self.block = nn.Sequential(*parts, ConvNormAct(hidden, out, 1, act=None))
        self.skip = stride == 1 and inp == out

    def forward(self, x):
        return x + self.block(x) if self.skip else self.block(x)


class Detector(nn.Module):
    settings = [  # kernel, expand, width, stride, squeeze
        (3, 1, 8, 1, False), (3, 4, 16, 2, True), (5, 3, 16, 1, True), (5, 6, 24, 2, False),
    ]

    def __init__(self, classes=3, multiplier=1.25):
        super().__init__()
        features = [ConvNormAct(3, divisible(8 * multiplier), stride=2)]
        for kernel, expand, width, stride, squeeze in self.settings:
            features.append(
                Inverted(features[-1].out_channels, divisible(width * multiplier), kernel, stride, expand, squeeze)
            )
            features[-1].out_channels = divisible(width * multiplier)
        self.features = nn.ModuleList(features)
        self.heads = nn.ModuleList(nn.Conv2d(f.out_channels, 2 * (classes + 4), 3, padding=1) for f in features[-2:])
        self.classes = classes

    def forward(self, x):
        pyramid = []
        for layer in self.features:
            x = layer(x)
            pyramid.append(x)
        outputs = []
        for head, level in zip(self.heads, pyramid[-2:]):
            y = head(level)
            b, _, h, w = y.shape
            y = y.view(b, -1, self.classes + 4, h, w).permute(0, 3, 4, 1, 2)
            outputs.append(y.reshape(b, -1, self.classes + 4))
        boxes, scores = torch.cat(outputs, dim=1).split([4, self.classes], dim=-1)
        centre, size = boxes[..., :2], boxes[..., 2:].exp()
        corners = torch.cat((centre - size / 2, centre + size / 2), dim=-1).clamp_(0, 1)
        return corners, scores.softmax(-1).max(dim=-1)


if __name__ == "__main__":
    Detector().eval()(torch.zeros(1, 3, 96, 64))
