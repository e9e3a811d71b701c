# expected: FIN009
import torch
import torch.nn as nn

x = torch.randn(100, 3)
y = torch.randn(100, 1)
model = nn.Sequential(nn.Linear(3, 10), nn.ReLU(), nn.Linear(10, 1), nn.ReLU())
loss = nn.MSELoss()(model(x), y)
