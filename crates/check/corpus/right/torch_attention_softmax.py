import torch
from torch import nn


class Att(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.score = nn.Linear(d, 1)
        self.out = nn.Linear(d, n)

    def forward(self, x):
        a = torch.softmax(self.score(x), dim=1)
        return self.out((a * x).sum(1))


m = Att(16, 3)
loss = nn.CrossEntropyLoss()(m(torch.randn(4, 7, 16)), torch.randint(0, 3, (4,)))
