import torch
from transformers.models.vit.configuration_vit import ViTConfig
from transformers.models.vit.modeling_vit import ViTModel

if __name__ == "__main__":
    model = ViTModel(
        ViTConfig(
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            image_size=64,
            patch_size=16,
        )
    )
    model.eval()
    model(pixel_values=torch.zeros(1, 3, 64, 64))
