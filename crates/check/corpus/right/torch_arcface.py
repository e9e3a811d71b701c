import torch, math
from torch import nn
import torch.nn.functional as F


class ArcMargin(nn.Module):
    def __init__(self, d, n, s=30.0, m=0.5):
        super().__init__()
        self.w = nn.Parameter(torch.randn(n, d))
        self.s, self.m = s, m

    def forward(self, x, y):
        c = F.linear(F.normalize(x), F.normalize(self.w))
        phi = torch.cos(torch.acos(c.clamp(-1 + 1e-7, 1 - 1e-7)) + self.m)
        oh = F.one_hot(y, c.size(1))
        return self.s * (oh * phi + (1 - oh) * c)


from torchvision import models

bb = models.resnet50(weights="IMAGENET1K_V2")
bb.fc = nn.Linear(bb.fc.in_features, 512)
margin = ArcMargin(512, 1000)
opt = torch.optim.SGD(
    [{"params": bb.parameters(), "lr": 1e-4}, {"params": margin.parameters(), "lr": 1e-2}],
    momentum=0.9,
)
crit = nn.CrossEntropyLoss()
for x, y in loader:
    opt.zero_grad()
    crit(margin(bb(x), y), y).backward()
    opt.step()
