import torch
from torchvision.models.densenet import densenet121

if __name__ == "__main__":
    model = densenet121(weights=None)
    model.eval()
    model(torch.zeros(1, 3, 224, 224))
