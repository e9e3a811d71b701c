# expected: FIN101
import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import nn

X, y = make_moons(n_samples=1000, noise=0.1)
X = torch.from_numpy(X).float()
y = torch.from_numpy(y).float().unsqueeze(1)


class MoonModel(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )
        self.sigmoid = nn.Sigmoid()

    def forward(self, x):
        return self.layers(x)


model = MoonModel()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(1000):
    model.train()
    y_pred = model(X)
    loss = loss_fn(y_pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.inference_mode():
        predicted = model(X).round()
