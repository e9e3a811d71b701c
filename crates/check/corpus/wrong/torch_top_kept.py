# expected: FIN504
import torch
from torch import nn
from torchvision import models

base = models.resnet50(weights="DEFAULT")
m = nn.Sequential(base, nn.Linear(1000, 5))
loss = nn.CrossEntropyLoss()(m(x), y)
