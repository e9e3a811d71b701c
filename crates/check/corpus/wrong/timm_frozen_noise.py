# expected: FIN501
import timm, torch
from torch import nn

model = timm.create_model("resnet50", num_classes=5)
for name, p in model.named_parameters():
    p.requires_grad = False
model.fc = nn.Linear(2048, 5)
loss = nn.CrossEntropyLoss()(model(x), y)
