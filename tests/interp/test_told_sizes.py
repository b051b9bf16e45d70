"""Sizes of inputs that words or a configuration tell, and what the code says of them."""

from pathlib import Path

import pytest
from assumed import follow, only, shape_of


def test_sizes_that_words_name_are_what_the_code_says(tmp_path: Path) -> None:
    text = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3)
            self.register_buffer("mean", torch.zeros(1, 3, 1, 1))

        def forward(self, x, y, z):
            \"\"\"Args:
                x: the picture, of shape (N, C, H, W)
                y: another, of shape (N, C, H, W)
                z: weights, of shape (N, C)
            \"\"\"
            x = self.stem(x + y - self.mean)
            return x * z[:, :1, None, None]
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert [shape_of(entry, name) for name in ("x", "y", "z")] == ["[N, 3, H, W] f32", "[N, 3, H, W] f32", "[N, 3] f32"]


@pytest.mark.parametrize(
    ("frames", "forward", "expected"),
    [
        ("", "return self.stem(pixel_values)", "[B, 3, 32, 48] f32"),
        ("num_frames = 8", "b, t, c, h, w = pixel_values.shape\n        return self.stem(pixel_values.view(b * t, c, h, w))", "[B, 8, 3, 32, 48] f32"),
        ("num_frames = 8", "b, c, h, w = pixel_values.shape\n        return self.stem(pixel_values)", "[b, 3, h, w] f32"),
        ("", "b, t, c, h, w = pixel_values.shape\n        return self.stem(pixel_values.view(b * t, c, h, w))", "[b, t, c, h, w] f32"),
    ],
)  # fmt: skip
def test_pictures_and_videos_are_of_the_size_that_is_configured(
    tmp_path: Path, frames: str, forward: str, expected: str
) -> None:
    text = f"""
    class Config:
        image_size, num_channels = (32, 48), 3
        {frames}

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.config = Config()
            self.stem = nn.Conv2d(3, 8, 3)

        def forward(self, pixel_values):
            {forward.replace(chr(10) + "        ", chr(10) + " " * 12)}
    """
    entry = only(follow(tmp_path, net=text), "Net")
    assert shape_of(entry, "pixel_values") == expected
    assert any(call.torch == "torch.nn.Conv2d" for call in entry.graph.calls)
