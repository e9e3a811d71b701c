# expected: FIN201
import torch
from torch import nn

x = torch.randn(5, 4)
y = torch.tensor([1, 2, 3, 2, 1])
net = nn.Linear(4, 3)
loss = nn.CrossEntropyLoss()(net(x), y)
