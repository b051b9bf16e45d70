import torch
from transformers.models.vjepa2.configuration_vjepa2 import VJEPA2Config
from transformers.models.vjepa2.modeling_vjepa2 import VJEPA2Model

if __name__ == "__main__":
    config = VJEPA2Config(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, patch_size=16, mlp_ratio=2)
    model = VJEPA2Model(config)
    model.eval()
    model(pixel_values_videos=torch.zeros(1, 8, 3, 64, 64))
