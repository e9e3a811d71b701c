import torch
from torch import nn
from torchvision import models

student = models.resnet18()
student.fc = nn.Linear(512, 128)
teacher = models.resnet18()
teacher.fc = nn.Linear(512, 128)
for p in teacher.parameters():
    p.requires_grad = False
opt = torch.optim.AdamW(student.parameters(), lr=1e-3)
for a, b in dl:
    with torch.no_grad():
        t = teacher(a)
    loss = nn.functional.mse_loss(student(b), t)
    opt.zero_grad()
    loss.backward()
    opt.step()
