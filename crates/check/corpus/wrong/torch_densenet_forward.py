# expected: FIN014
from torch import nn
from torchvision import models
from collections import OrderedDict

m = models.densenet121(pretrained=True)
m.classifier = nn.Sequential(
    OrderedDict([("fc1", nn.Linear(1024, 500)), ("relu", nn.ReLU()), ("fc2", nn.Linear(500, 102))])
)
criterion = nn.NLLLoss()
loss = criterion(m.forward(x), y)
