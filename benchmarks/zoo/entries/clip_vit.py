import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

if __name__ == "__main__":
    model = CLIP(
        64,
        CLIPVisionCfg(layers=2, width=64, head_width=16, patch_size=16, image_size=64),
        CLIPTextCfg(context_length=16, vocab_size=100, width=64, heads=4, layers=2),
    )
    model.eval()
    model(torch.zeros(1, 3, 64, 64), torch.zeros(1, 16, dtype=torch.long))
