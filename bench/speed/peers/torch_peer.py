#!/usr/bin/env python3
"""PyTorch with timm, channels last.

    torch_peer.py features NETWORK PRECISION PIXELS SECONDS
    torch_peer.py steps NETWORK PRECISION PIXELS SECONDS    forward and backward through all layers
    torch_peer.py once NETWORK PRECISION DATA       features computed once, then the head alone
    torch_peer.py save NETWORK FILE                 what `predict` loads
    torch_peer.py predict NETWORK FILE IMAGE

PRECISION is f32, or bf16 (autocast). Weights are random, except those that a file is given for
with the variable `LITE0`: EfficientNet-Lite0's, as finial exports them to safetensors.
"""

import os
import sys
from pathlib import Path

import timm
import torch
from PIL import Image
from torch import nn
from torchvision import datasets, transforms

import clock

# timm's name, the side of the pictures, mean and deviation of the pixels.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
LITE = ((127 / 255,) * 3, (128 / 255,) * 3)
NETWORKS = {
    "vgg16": ("vgg16", 224, IMAGENET),
    "resnet50": ("resnet50", 224, IMAGENET),
    "inception-v3": ("inception_v3", 299, HALF),
    "mobilenet-v2": ("mobilenetv2_100", 224, IMAGENET),
    "efficientnet-lite0": ("tf_efficientnet_lite0", 224, LITE),
}
BATCH, STEP, EPOCHS = 32, 16, 10


def backbone(network):
    name, side, scale = NETWORKS[network]
    torch.manual_seed(0)
    # timm's VGG ends in two wide layers; the others', too, are cut behind the pooled map.
    model = timm.create_model(name, pretrained=False, num_classes=0, global_pool="avg" if name != "vgg16" else "")
    if name == "vgg16":
        model = nn.Sequential(model.features, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if network == "efficientnet-lite0" and "LITE0" in os.environ:
        take_over(model, os.environ["LITE0"])
    return model.eval().to(memory_format=torch.channels_last), side, scale


def take_over(model, file):
    """finial's tensors in the order of its layers, which is that of timm's."""
    from safetensors import safe_open

    with safe_open(file, "pt") as stored:
        names = Path(file).with_suffix(".order").read_text().split()
        tensors = [stored.get_tensor(name) for name in names]
    own = [(name, tensor) for name, tensor in model.state_dict().items() if "num_batches" not in name]
    if [tuple(t.shape) for t in tensors] != [tuple(t.shape) for _, t in own]:
        raise SystemExit("the tensors of EfficientNet-Lite0 are not those of timm's")
    model.load_state_dict({name: tensor for (name, _), tensor in zip(own, tensors)}, strict=False)


def run(model, images, precision):
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        return model(images).float()


def batches_of(pixels, side, scale, size):
    mean, deviation = (torch.tensor(numbers).view(3, 1, 1) for numbers in scale)
    images = torch.from_numpy(clock.pictures(pixels, side)).permute(0, 3, 1, 2) / 255
    images = ((images - mean) / deviation).to(memory_format=torch.channels_last)
    return images.split(size), len(images)


def features(network, precision, pixels, seconds):
    model, side, scale = backbone(network)
    batches, count = batches_of(pixels, side, scale, BATCH)

    def all_of_them():
        for batch in batches:
            run(model, batch, precision)

    clock.report(images_per_second=clock.rate(all_of_them, count, float(seconds)))


def steps(network, precision, pixels, seconds):
    """Batch norms stay as they are, as a pretrained network is fine-tuned."""
    model, side, scale = backbone(network)
    batches, count = batches_of(pixels, side, scale, STEP)

    def all_of_them():
        for batch in batches:
            model.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                features = model(batch).float()
            features.square().mean().backward()

    clock.report(images_per_second=clock.rate(all_of_them, count, float(seconds)))


def once(network, precision, data):
    model, side, scale = backbone(network)
    steps = [transforms.Resize((side, side)), transforms.ToTensor(), transforms.Normalize(*scale)]
    seen, classes = {}, 0
    for split in ("train", "validation", "test"):
        folder = datasets.ImageFolder(os.path.join(data, split), transforms.Compose(steps))
        classes = len(folder.classes)
        loader = torch.utils.data.DataLoader(folder, BATCH, num_workers=os.cpu_count())
        rows = [
            (run(model, images.to(memory_format=torch.channels_last), precision), labels) for images, labels in loader
        ]
        seen[split] = [torch.cat(column) for column in zip(*rows)]
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(seen["train"][0].shape[1], 128), nn.ReLU(), nn.Linear(128, classes))
    adam, loss = torch.optim.Adam(head.parameters()), nn.CrossEntropyLoss()
    rows, labels = seen["train"]
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(rows)).split(BATCH):
            adam.zero_grad()
            loss(head(rows[chosen]), labels[chosen]).backward()
            adam.step()
    rows, labels = seen["test"]
    clock.report(accuracy=(head(rows).argmax(1) == labels).float().mean().item())


def save(network, file):
    model, _, _ = backbone(network)
    torch.save(nn.Sequential(model, nn.Linear(model.num_features, 10)).state_dict(), file)


def predict(network, file, image):
    model, side, scale = backbone(network)
    model = nn.Sequential(model, nn.Linear(model.num_features, 10)).eval()
    model.load_state_dict(torch.load(file, weights_only=True))
    steps = [transforms.Resize((side, side)), transforms.ToTensor(), transforms.Normalize(*scale)]
    picture = transforms.Compose(steps)(Image.open(image).convert("RGB"))
    clock.report(answer=int(run(model, picture[None], "f32").argmax()))


if __name__ == "__main__":
    {one.__name__: one for one in (features, steps, once, save, predict)}[sys.argv[1]](*sys.argv[2:])
