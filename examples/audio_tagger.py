"""Tags of a sound clip: mel frames through convolutions, a bidirectional LSTM and attention pooling over time.

    ane-lsp check examples/audio_tagger.py

Expected findings (targets M4 and A17 Pro, the default):

- ANE202, warning: the LSTM has no operation on the ANE and runs on the CPU, with a switch there and back.
- ANE504, information: the epsilon of 1e-10 in the logarithm cannot be held in fp16.
"""

import torch
from torch import nn


class ConvStage(nn.Module):
    """Two 3x3 convolutions, then half the resolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.AvgPool2d(2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class AttentionPool(nn.Module):
    """A weighted mean over time, the weights chosen by the frames."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(self.score(frames), dim=1)
        return (weights * frames).sum(dim=1)


class AudioTagger(nn.Module):
    """Mel frames (N, 1, 64, T) in, a probability for each tag (N, tags) out."""

    def __init__(self, tags: int = 50, channels: tuple[int, ...] = (32, 64, 128), hidden: int = 128, mels: int = 64) -> None:
        super().__init__()
        widths = (1, *channels)
        self.stages = nn.Sequential(*(ConvStage(a, b) for a, b in zip(widths, widths[1:])))
        features = channels[-1] * (mels // 2 ** len(channels))
        self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)
        self.pool = AttentionPool(2 * hidden)
        self.classify = nn.Linear(2 * hidden, tags)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = torch.log(mel + 1e-10)
        x = self.stages(x)
        x = x.flatten(1, 2).transpose(1, 2)
        frames, _ = self.lstm(x)
        return torch.sigmoid(self.classify(self.pool(frames)))


if __name__ == "__main__":
    tagger = AudioTagger().eval()
    with torch.no_grad():
        print(tuple(tagger(torch.rand(1, 1, 64, 256)).shape))
