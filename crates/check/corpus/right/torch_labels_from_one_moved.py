import torch
from torch import nn

ratings = torch.tensor([1, 2, 3, 4, 5, 5, 4, 3, 2, 1]) - 1
features = torch.randn(10, 16)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
loss = nn.CrossEntropyLoss()(model(features), ratings)
loss.backward()
