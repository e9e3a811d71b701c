# expected: FIN106
import torch
from torch import nn
from sklearn.datasets import make_moons

X, y = make_moons(n_samples=200, noise=0.1)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
m = nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 1), nn.Sigmoid())
loss = nn.MSELoss()(m(X), y)
