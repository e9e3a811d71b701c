import torch
from torch import nn
import torch.nn.functional as F

m = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 21, 1))
lp = F.log_softmax(m(x), dim=1)
loss = F.nll_loss(lp, y, ignore_index=255)
