# expected: FIN009
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

x = torch.randn(500, 8)
y = torch.randn(500, 1)
loader = DataLoader(TensorDataset(x, y), batch_size=32)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU())
criterion = nn.MSELoss()
for features, target in loader:
    loss = criterion(model(features), target)
    loss.backward()
