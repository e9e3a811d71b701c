import torch
import torch.nn as nn

latent, size = 100, 784


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(latent, 256), nn.LeakyReLU(0.2), nn.Linear(256, size), nn.Tanh())

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(size, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 1), nn.Sigmoid())

    def forward(self, x):
        return self.main(x)


G, D = Generator(), Discriminator()
criterion = nn.BCELoss()
for real, _ in loader:
    batch = real.size(0)
    d_loss = criterion(D(real.view(batch, -1)), torch.ones(batch, 1))
    fake = G(torch.randn(batch, latent))
    d_loss += criterion(D(fake.detach()), torch.zeros(batch, 1))
    g_loss = criterion(D(fake), torch.ones(batch, 1))
