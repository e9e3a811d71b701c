import torch
from torch import nn

model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
ema = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
opt = torch.optim.Adam(model.parameters())


@torch.no_grad()
def update():
    for a, b in zip(ema.parameters(), model.parameters()):
        a.mul_(0.99).add_(b, alpha=0.01)


@torch.no_grad()
def targets(x):
    return ema(x).softmax(-1)


for x, y in dl:
    opt.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y) + nn.functional.kl_div(
        model(x).log_softmax(-1), targets(x)
    )
    loss.backward()
    opt.step()
    update()
