# expected: FIN104
import torch
from torch import nn
import torch.nn.functional as F

y = F.one_hot(labels, num_classes=3)
m = nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=1))
loss = nn.NLLLoss()(m(x), y)
