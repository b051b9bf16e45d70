import torch
from ultralytics.nn.tasks import RTDETRDetectionModel

model = RTDETRDetectionModel("rtdetr-l.yaml", ch=3, verbose=False).eval()
model(torch.zeros(1, 3, 320, 320))
