import torch
from sklearn.datasets import make_moons
from torch import nn

X, y = make_moons(n_samples=1000, noise=0.1)
X, y = torch.from_numpy(X).float(), torch.from_numpy(y).long()
model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
loss = nn.CrossEntropyLoss()(model(X), y)
loss.backward()
