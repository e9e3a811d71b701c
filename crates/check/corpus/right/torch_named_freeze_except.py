import timm, torch
from torch import nn

m = timm.create_model("convnext_tiny", pretrained=True, num_classes=7)
for n, p in m.named_parameters():
    p.requires_grad = "head" in n
opt = torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], lr=1e-3)
for x, y in dl:
    opt.zero_grad()
    nn.functional.cross_entropy(m(x), y).backward()
    opt.step()
