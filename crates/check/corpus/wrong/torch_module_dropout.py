# expected: FIN007
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc2 = nn.Linear(50, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.fc2(x))


net = Net()
loss = nn.CrossEntropyLoss()(net(x), y)
