import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.a = nn.Linear(784, w)
        self.b = nn.Linear(w, 10)

    def forward(self, x):
        return self.b(F.relu(self.a(x.flatten(1))))


teacher, student = Net(1200), Net(30)
teacher.load_state_dict(torch.load("t.pt"))
teacher.eval()
opt = torch.optim.Adam(student.parameters(), 1e-3)
T, alpha = 4.0, 0.7
for x, y in loader:
    opt.zero_grad()
    with torch.no_grad():
        t = teacher(x)
    s = student(x)
    soft = (
        F.kl_div(F.log_softmax(s / T, dim=1), F.softmax(t / T, dim=1), reduction="batchmean")
        * T
        * T
    )
    loss = alpha * soft + (1 - alpha) * F.cross_entropy(s, y)
    loss.backward()
    opt.step()
