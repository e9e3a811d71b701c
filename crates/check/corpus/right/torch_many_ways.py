import torch, torch.nn as nn, torch.nn.functional as F
from torchvision import models
class Net(nn.Module):
    def __init__(self, n=10):
        super().__init__()
        self.fc = nn.Linear(5, n)
        self.head = nn.Linear(5, 1)
    def forward(self, x, logits=False):
        z = self.fc(x)
        return z if logits else F.softmax(z, dim=1)
net = Net()
crit = nn.CrossEntropyLoss()
loss = crit(net(x, logits=True), y)
class Net2(Net):
    def forward(self, x):
        return super().forward(x, logits=True)
l2 = crit(Net2()(x), y)
class Net3(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 10); self.sm = nn.Softmax(dim=1)
    def forward(self, x):
        z = self.fc(x)
        if self.training:
            return z
        return self.sm(z)
l3 = crit(Net3()(x), y)
class Net4(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 10)
    def forward(self, x):
        z = self.fc(x)
        return z, F.softmax(z, dim=1)
z, p = Net4()(x)
l4 = crit(z, y) + F.nll_loss(torch.log(p + 1e-8), y) + F.nll_loss((p + 1e-9).log(), y)
kd = nn.KLDivLoss()(F.log_softmax(z / 4, 1), p)
m = models.resnet18(); m.fc = nn.Identity()
l5 = F.mse_loss(m(x), y)
enc = nn.Sequential(*list(models.resnet18().children())[:-1])
clf = nn.Sequential(enc, nn.Flatten(), nn.Linear(512, 2))
l6 = crit(clf(x), y)
w = F.softmax(net.head(x), dim=0)   # attention over a set
l7 = F.mse_loss((w * x).sum(0), y)
bce = nn.BCELoss(); l8 = bce(torch.clamp(net.head(x), 0, 1), y)
l9 = bce(nn.Sigmoid()(net.head(x)).squeeze(), y.float())
l10 = F.binary_cross_entropy_with_logits(net.head(x)[:, 0], y)
dist = torch.cdist(z, z); l11 = F.relu(dist).mean()
m.fc.out_features
net.fc = nn.Sequential(nn.Linear(5, 3), nn.LogSoftmax(dim=1))
emb = nn.Embedding(10, 4)
l12 = F.cross_entropy(emb(x) @ emb.weight.t(), y)
q = net.head(s).gather(1, a); l13 = F.smooth_l1_loss(q, torch.randn(3, 1))
mu = torch.tanh(net.head(s)) * 2.0; l14 = F.mse_loss(mu, torch.randn(3, 1))
