import torch
from kornia.models.rt_detr import RTDETR, RTDETRConfig

if __name__ == "__main__":
    model = RTDETR.from_config(
        RTDETRConfig(
            "resnet18d", 80, neck_hidden_dim=32, neck_dim_feedforward=64, head_hidden_dim=32, head_num_queries=10
        )
    )
    model.eval()
    model(torch.zeros(1, 3, 64, 64))
