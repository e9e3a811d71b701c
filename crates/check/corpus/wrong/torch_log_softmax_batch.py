# expected: FIN010
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(20, 5)

    def forward(self, x):
        return F.log_softmax(self.fc(x), dim=0)


net = Net()
loss = F.nll_loss(net(x), y)
