from torch import nn
from torchvision import models
net = models.resnet18(pretrained=True)
net.fc = net
y = net(x)
loss = nn.CrossEntropyLoss()(y, z)
