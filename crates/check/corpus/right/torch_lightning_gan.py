import torch
import pytorch_lightning as pl
from torch import nn


class GAN(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.g = nn.Sequential(nn.Linear(100, 784), nn.Tanh())
        self.d = nn.Sequential(nn.Linear(784, 1), nn.Sigmoid())

    def training_step(self, batch, i):
        og, od = self.optimizers()
        x, _ = batch
        z = torch.randn(x.shape[0], 100)
        valid = torch.ones(x.size(0), 1)
        gl = nn.functional.binary_cross_entropy(self.d(self.g(z)), valid)
        og.zero_grad()
        self.manual_backward(gl)
        og.step()
        dl = nn.functional.binary_cross_entropy(
            self.d(x), valid
        ) + nn.functional.binary_cross_entropy(self.d(self.g(z).detach()), 1 - valid)
        od.zero_grad()
        self.manual_backward(dl)
        od.step()
