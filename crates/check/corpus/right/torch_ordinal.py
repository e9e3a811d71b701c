import torch
from torch import nn
import torch.nn.functional as F


class Ordinal(nn.Module):
    def __init__(self, n, k):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n, 32), nn.ReLU())
        self.out = nn.Linear(32, k - 1)

    def forward(self, x):
        return self.out(self.body(x))


net = Ordinal(10, 5)
y = torch.randint(0, 5, (64,))
levels = (torch.arange(4)[None] < y[:, None]).float()
loss = F.binary_cross_entropy_with_logits(net(torch.randn(64, 10)), levels)
