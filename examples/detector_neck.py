"""The neck of a one-stage detector: spatial pyramid pooling, then a feature pyramid with upsampling.

    ane-lsp check examples/detector_neck.py

Expected findings (targets M4 and A17 Pro, the default):

- ANE302, warning: the pools of SpatialPyramidPooling with windows 9 and 13 are wider than the ANE accepts and run on the
  CPU. Stacked pools of 5 give the same numbers. The pool of 5 is not reported.
- ANE402, hint: rows of 80 elements are padded to 96 at the model's input and output.

Nothing is said about the convolutions, the concatenations and the nearest-neighbour upsampling: they run on the ANE.
"""

import torch
from torch import nn


class ConvBlock(nn.Module):
    """Convolution, batch norm, SiLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.act = nn.SiLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.norm(self.conv(x)))


class SpatialPyramidPooling(nn.Module):
    """The same features pooled over windows of several sizes, side by side."""

    def __init__(self, in_channels: int, out_channels: int, windows: tuple[int, ...] = (5, 9, 13)) -> None:
        super().__init__()
        hidden = in_channels // 2
        self.reduce = ConvBlock(in_channels, hidden)
        self.pools = nn.ModuleList(nn.MaxPool2d(window, stride=1, padding=window // 2) for window in windows)
        self.merge = ConvBlock(hidden * (len(windows) + 1), out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.reduce(x)
        return self.merge(torch.cat([x] + [pool(x) for pool in self.pools], dim=1))


class DetectorNeck(nn.Module):
    """Three backbone levels in (strides 8, 16, 32), three fused levels out.

    Shapes: (N, c3, H, W), (N, c4, H/2, W/2), (N, c5, H/4, W/4); out the same sizes with `width` channels.
    """

    def __init__(self, channels: tuple[int, int, int] = (128, 256, 512), width: int = 128) -> None:
        super().__init__()
        c3, c4, c5 = channels
        self.pyramid = SpatialPyramidPooling(c5, width)
        self.lateral4 = ConvBlock(c4, width)
        self.lateral3 = ConvBlock(c3, width)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.fuse4 = ConvBlock(2 * width, width, kernel_size=3)
        self.fuse3 = ConvBlock(2 * width, width, kernel_size=3)

    def forward(self, p3: torch.Tensor, p4: torch.Tensor, p5: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        top = self.pyramid(p5)
        middle = self.fuse4(torch.cat([self.upsample(top), self.lateral4(p4)], dim=1))
        bottom = self.fuse3(torch.cat([self.upsample(middle), self.lateral3(p3)], dim=1))
        return bottom, middle, top


if __name__ == "__main__":
    neck = DetectorNeck().eval()
    with torch.no_grad():
        levels = neck(torch.randn(1, 128, 80, 80), torch.randn(1, 256, 40, 40), torch.randn(1, 512, 20, 20))
    print([tuple(level.shape) for level in levels])
