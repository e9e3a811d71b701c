import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 5)

    def forward(self, x):
        logits = self.fc(x)
        return logits, torch.softmax(logits, dim=1)


net = Net()
logits, probs = net(x)
loss = nn.CrossEntropyLoss()(logits, y)
