import torch
from monai.networks.nets import AttentionUnet

if __name__ == "__main__":
    model = AttentionUnet(spatial_dims=2, in_channels=1, out_channels=2, channels=(8, 16, 32), strides=(2, 2))
    model.eval()
    model(torch.zeros(1, 1, 32, 32))
