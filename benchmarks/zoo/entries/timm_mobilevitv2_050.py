import torch
from timm.models import create_model

if __name__ == "__main__":
    model = create_model("mobilevitv2_050", pretrained=False)
    model.eval()
    model(torch.zeros(1, 3, 256, 256))
