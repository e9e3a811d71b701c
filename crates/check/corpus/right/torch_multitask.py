import torch
from torch import nn
import torch.nn.functional as F


class MT(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, 64), nn.ReLU())
        self.cls = nn.Linear(64, 4)
        self.reg = nn.Linear(64, 1)
        self.tags = nn.Linear(64, 8)

    def forward(self, x):
        h = self.body(x)
        return self.cls(h), self.reg(h).squeeze(1), torch.sigmoid(self.tags(h))


m = MT()
opt = torch.optim.Adam(m.parameters())
for x, a, b, c in dl:
    p, q, r = m(x)
    loss = F.cross_entropy(p, a) + F.smooth_l1_loss(q, b) + F.binary_cross_entropy(r, c)
    opt.zero_grad()
    loss.backward()
    opt.step()
