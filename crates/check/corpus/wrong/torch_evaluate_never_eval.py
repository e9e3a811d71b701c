# expected: FIN511
import torch
from torch import nn

net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def fit(net, loader):
    opt = torch.optim.Adam(net.parameters())
    for x, y in loader:
        opt.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        opt.step()


@torch.no_grad()
def evaluate(net, loader):
    for x, y in loader:
        p = net(x)


fit(net, train_loader)
evaluate(net, test_loader)
