import torch
from efficientnet_pytorch import EfficientNet

if __name__ == "__main__":
    model = EfficientNet.from_name("efficientnet-b0")
    model.eval()
    model(torch.zeros(1, 3, 224, 224))
