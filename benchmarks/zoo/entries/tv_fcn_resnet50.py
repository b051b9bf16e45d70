import torch
from torchvision.models.segmentation.fcn import fcn_resnet50

if __name__ == "__main__":
    model = fcn_resnet50(weights=None, weights_backbone=None)
    model.eval()
    model(torch.zeros(1, 3, 128, 128))
