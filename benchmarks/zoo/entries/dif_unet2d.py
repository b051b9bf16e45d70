import torch
from diffusers import UNet2DModel

if __name__ == "__main__":
    model = UNet2DModel(
        sample_size=32,
        in_channels=3,
        out_channels=3,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    model.eval()
    model(torch.zeros(1, 3, 32, 32), torch.zeros(1))
