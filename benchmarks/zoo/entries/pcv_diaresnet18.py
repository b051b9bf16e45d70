import torch
from pytorchcv.model_provider import get_model

if __name__ == "__main__":
    model = get_model("diaresnet18", pretrained=False)
    model.eval()
    model(torch.zeros(1, 3, 224, 224))
