# expected: FIN008
import torch
from torch import nn

x = torch.randn(64, 20)
y = torch.randint(0, 2, (64, 5)).float()
model = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Linear(50, 5))
loss = nn.CrossEntropyLoss()(model(x), y)
