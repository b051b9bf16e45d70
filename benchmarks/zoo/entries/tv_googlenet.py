import torch
from torchvision.models.googlenet import googlenet

if __name__ == "__main__":
    model = googlenet(weights=None, init_weights=False)
    model.eval()
    model(torch.zeros(1, 3, 224, 224))
