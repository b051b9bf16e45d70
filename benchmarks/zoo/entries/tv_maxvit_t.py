import torch
from torchvision.models.maxvit import maxvit_t

if __name__ == "__main__":
    model = maxvit_t(weights=None)
    model.eval()
    model(torch.zeros(1, 3, 224, 224))
