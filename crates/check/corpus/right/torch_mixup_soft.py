import torch
from torch import nn
import torch.nn.functional as F

m = nn.Linear(10, 5)
y = F.one_hot(torch.randint(0, 5, (32,)), 5).float()
lam = 0.3
y = lam * y + (1 - lam) * y[torch.randperm(32)]
loss = nn.CrossEntropyLoss()(m(torch.randn(32, 10)), y)
