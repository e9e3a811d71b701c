import torch
from torch import nn
import torch.nn.functional as F


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.25, gamma=2):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, inputs, targets):
        bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
        p = torch.sigmoid(inputs)
        pt = p * targets + (1 - p) * (1 - targets)
        return (self.alpha * (1 - pt) ** self.gamma * bce).mean()


class MultiFocal(nn.Module):
    def forward(self, x, y):
        logp = F.log_softmax(x, dim=1)
        ce = F.nll_loss(logp, y, reduction="none")
        return ((1 - torch.exp(-ce)) ** 2 * ce).mean()


net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
loss = FocalLoss()(net(x), y)
net2 = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
loss = MultiFocal()(net2(x), y)
