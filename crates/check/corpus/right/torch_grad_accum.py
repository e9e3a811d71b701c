import torch
from torch import nn

m = nn.Linear(4, 2)
opt = torch.optim.SGD(m.parameters(), lr=0.1)
for i, (x, y) in enumerate(dl):
    loss = nn.functional.cross_entropy(m(x), y) / 4
    loss.backward()
    if (i + 1) % 4 == 0:
        opt.step()
        m.zero_grad()
