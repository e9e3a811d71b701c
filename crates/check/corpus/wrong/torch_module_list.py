# expected: FIN012
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(dims[:-1], dims[1:])])
        self.out = nn.Linear(dims[-1], 10)

    def forward(self, x):
        for l in self.layers:
            x = torch.relu(l(x))
        return torch.nn.functional.softmax(self.out(x), dim=-1)


net = Net([784, 100, 50])
criterion = nn.CrossEntropyLoss()
loss = criterion(net(x), y)
