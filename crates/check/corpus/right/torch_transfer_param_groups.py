import torch
from torch import nn, optim
from torchvision import models

m = models.efficientnet_b0(weights=models.EfficientNet_B0_Weights.DEFAULT)
m.classifier[1] = nn.Linear(1280, 4)
opt = optim.Adam(
    [
        {"params": m.features.parameters(), "lr": 1e-5},
        {"params": m.classifier.parameters(), "lr": 1e-3},
    ]
)
crit = nn.CrossEntropyLoss()
for e in range(3):
    for ph in ["train", "val"]:
        m.train() if ph == "train" else m.eval()
        for x, y in dl[ph]:
            opt.zero_grad()
            with torch.set_grad_enabled(ph == "train"):
                out = m(x)
                loss = crit(out, y)
                if ph == "train":
                    loss.backward()
                    opt.step()
