# expected: FIN503
import torch
from torch import nn
import torchvision

net = torchvision.models.resnet18(pretrained=True)
net.fc = nn.Linear(net.fc.in_features, 2)
for param in net.parameters():
    param.requires_grad = False
opt = torch.optim.SGD(net.parameters(), lr=0.001)
for x, y in loader:
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    opt.step()
