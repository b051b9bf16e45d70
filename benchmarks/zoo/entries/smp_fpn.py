import segmentation_models_pytorch as smp
import torch

if __name__ == "__main__":
    model = smp.FPN("efficientnet-b0", encoder_weights=None, classes=3)
    model.eval()
    model(torch.zeros(1, 3, 128, 128))
