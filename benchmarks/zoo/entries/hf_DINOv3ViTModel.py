import torch
from transformers.models.dinov3_vit.configuration_dinov3_vit import DINOv3ViTConfig
from transformers.models.dinov3_vit.modeling_dinov3_vit import DINOv3ViTModel

if __name__ == "__main__":
    config = DINOv3ViTConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, image_size=64, patch_size=16
    )
    model = DINOv3ViTModel(config)
    model.eval()
    model(pixel_values=torch.zeros(1, 3, 64, 64))
