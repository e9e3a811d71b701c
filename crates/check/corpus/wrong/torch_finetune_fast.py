# expected: FIN508
import torch
from torch import nn
from torchvision import models

net = models.resnet18(weights=models.ResNet18_Weights.DEFAULT)
net.fc = nn.Linear(512, 10)
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
crit = nn.CrossEntropyLoss()
for x, y in loader:
    opt.zero_grad()
    crit(net(x), y).backward()
    opt.step()
