import torch
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, inside, outside):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.body(x)


class UNet(nn.Module):
    def __init__(self, classes=1):
        super().__init__()
        self.down = Block(3, 64)
        self.middle = Block(64, 64)
        self.up = nn.ConvTranspose2d(64, 64, 2, stride=2)
        self.out = nn.Conv2d(128, classes, 1)

    def forward(self, x):
        a = self.down(x)
        b = self.up(self.middle(nn.functional.max_pool2d(a, 2)))
        return self.out(torch.cat([a, b], dim=1))


net = UNet(classes=1)
criterion = nn.BCEWithLogitsLoss()
for image, mask in loader:
    loss = criterion(net(image), mask.float())
