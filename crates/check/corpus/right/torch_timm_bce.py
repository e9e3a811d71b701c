import timm, torch
from torch import nn
import torch.nn.functional as F

net = timm.create_model("resnet50", pretrained=True, num_classes=100)
opt = torch.optim.AdamW(net.parameters(), lr=5e-4)
for x, y in loader:
    y = F.one_hot(y, 100).float()
    loss = nn.BCEWithLogitsLoss()(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
