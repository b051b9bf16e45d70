import torch
from timm.models import create_model

if __name__ == "__main__":
    model = create_model("resnet26t", pretrained=False)
    model.eval()
    model(torch.zeros(1, 3, 224, 224))
