import torch
from torchvision.models.inception import inception_v3

if __name__ == "__main__":
    model = inception_v3(weights=None, init_weights=False)
    model.eval()
    model(torch.zeros(1, 3, 299, 299))
