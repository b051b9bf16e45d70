import torch
from transformers.models.resnet.configuration_resnet import ResNetConfig
from transformers.models.resnet.modeling_resnet import ResNetModel

if __name__ == "__main__":
    model = ResNetModel(ResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 64, 128], depths=[1, 1, 1, 1]))
    model.eval()
    model(pixel_values=torch.zeros(1, 3, 64, 64))
