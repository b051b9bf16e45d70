import torch
from ultralytics.nn.tasks import DetectionModel

model = DetectionModel("yolo11n.yaml", ch=3, verbose=False).eval()
model(torch.zeros(1, 3, 320, 320))
