import torch


def shape_as_tensor(x):
    return torch.tensor(x.shape)
