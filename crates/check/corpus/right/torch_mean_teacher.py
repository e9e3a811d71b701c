import torch
import torch.nn as nn
import torch.nn.functional as F

student = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
teacher = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
for x, y in loader:
    logits = student(x)
    with torch.no_grad():
        target = F.softmax(teacher(x), dim=1)
    loss = F.cross_entropy(logits, y) + F.mse_loss(F.softmax(logits, dim=1), target)
    loss.backward()
