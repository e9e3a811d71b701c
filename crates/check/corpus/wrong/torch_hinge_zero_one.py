# expected: FIN109
import torch
from torch import nn

X = torch.randn(100, 2)
y = torch.randint(0, 2, (100,)).float()
m = nn.Linear(2, 1)
loss = nn.HingeEmbeddingLoss()(m(X).squeeze(), y)
