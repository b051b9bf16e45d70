import torch
from diffusers import AutoencoderKL

if __name__ == "__main__":
    model = AutoencoderKL(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    )
    model.eval()
    model(torch.zeros(1, 3, 32, 32))
