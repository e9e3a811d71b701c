import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 5)

    def forward(self, x):
        x = self.fc(x)
        if not self.training:
            x = torch.softmax(x, dim=1)
        return x


net = Net()
loss = nn.CrossEntropyLoss()(net(x), y)
