import torch
from torch import nn

x = torch.randn(64, 20)
y = torch.randint(0, 2, (64, 5)).float()
model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))
loss = nn.BCEWithLogitsLoss()(model(x), y)
loss.backward()
